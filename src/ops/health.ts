import { sql } from 'kysely';
import { pending } from '../db/migrate.ts';
import type { Db } from '../db/transaction.ts';

/** One thing that must be right, and in one word or sentence what is wrong. */
export interface Check {
  ok: boolean;
  detail?: string;
}

export interface Health {
  status: 'ok' | 'failing';
  checks: Record<string, Check>;
}

/** A check answers within this time or has failed, in milliseconds. */
const patienceMs = 2_000;
/** Timers that have not run for so long mean an event loop that is stuck. */
const stuckMs = 10_000;
const beatMs = 500;

/** Watches that this process's timers run. */
export class Heartbeat {
  #last = performance.now();
  readonly #timer = setInterval(() => {
    this.#last = performance.now();
  }, beatMs).unref();

  check(now = performance.now()): Check {
    const lateMs = Math.max(0, Math.round(now - this.#last - beatMs));
    return lateMs < stuckMs ? { ok: true } : { ok: false, detail: `timers are ${lateMs} ms late` };
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

export interface Readiness {
  db: Db;
  /** Resolves when Slack has said who we are. */
  identity: () => Promise<unknown>;
  /** Only in Socket Mode: is there a connection? */
  isConnected?: () => boolean;
}

/** May this process be given work? Each check is named; none tells more than a sentence of ours. */
export async function readiness({ db, identity, isConnected }: Readiness): Promise<Health> {
  const [database, migrations, slack] = await Promise.all([
    within(() => sql`select 1`.execute(db), 'the database does not answer'),
    within(async () => {
      const missing = await pending(db);
      return missing.length ? `not applied yet: ${missing.join(', ')}` : undefined;
    }, 'the database does not say which migrations it has'),
    within(identity, 'Slack has not said yet who the bot is'),
  ]);
  const socket = isConnected && { slack_socket: isConnected() ? { ok: true } : { ok: false, detail: 'not connected' } };
  return health({ database, migrations, slack, ...socket });
}

export const health = (checks: Record<string, Check>): Health => ({
  status: Object.values(checks).every(({ ok }) => ok) ? 'ok' : 'failing',
  checks,
});

/** `look` resolves with what is wrong, as a sentence, or with anything else; that it throws, or takes too long, is told by `otherwise`. */
async function within(look: () => Promise<unknown>, otherwise: string): Promise<Check> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(), patienceMs);
  try {
    const detail = await Promise.race([look(), late.promise]);
    return typeof detail === 'string' ? { ok: false, detail } : { ok: true };
  } catch {
    return { ok: false, detail: otherwise };
  } finally {
    clearTimeout(timer);
  }
}
