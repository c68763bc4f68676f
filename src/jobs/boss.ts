import type { PGlite } from '@electric-sql/pglite';
import { sql } from 'kysely';
import { type AttachableClock, systemClock as bossSystemClock, fromKysely, fromPglite, type Job, PgBoss } from 'pg-boss';
import { type Clock, MovableClock } from '../clock.ts';
import { type Connection, keepAlive, serverAnswersWithinMs } from '../db/connect.ts';
import { asConnectingUser, assertNoTransaction, type Db, type Tx } from '../db/transaction.ts';
import { type Log, redact, silentLog } from '../log.ts';
import { jobs } from '../metrics.ts';
import { type Enqueue, type Queue, queues } from '../queues.ts';
import { type Ids, traced } from '../trace.ts';

/** What runs a queue's jobs. It must not fail for what a user or a company's server does: it records and returns. */
export type Handler = (payload: never, signal: AbortSignal) => Promise<void>;
export type Handlers = Readonly<Record<string, Handler>>;

const policies = { standard: 'standard', short: 'short', in_order: 'key_strict_fifo' } as const;

/** A killed worker's job is taken up again after this many seconds without a sign of life, instead of after pg-boss's 15 minutes. */
const heartbeatSeconds = 10;

/** With the heartbeat and the monitor's 5 s, a job that died with its worker several times over still resumes within 30 s. */
const longestRetryDelaySeconds = 8;

/**
 * pg-boss on Drover's own database: the embedded one shares its connection, a server gets pg-boss's own pool.
 * Every queue is created here, since a queue made inside a transaction would wait for that transaction for ever.
 */
export async function startBoss(connection: Connection, clock: Clock, log: Log, { supervise = true } = {}): Promise<PgBoss> {
  const { engine, db } = connection;
  const boss = new PgBoss({
    ...(engine.kind === 'embedded'
      ? { db: guardedPglite(engine.pglite), backend: 'pglite' as const }
      : {
          ...{ connectionString: engine.url, max: 4, application_name: 'drover-jobs' },
          ...{ ...keepAlive, query_timeout: serverAnswersWithinMs },
        }),
    useListenNotify: supervise,
    supervise,
    schedule: supervise,
    superviseIntervalSeconds: 5,
    monitorIntervalSeconds: 5,
    ...(clock instanceof MovableClock ? { clock: follow(db, clock) } : {}),
  });
  // Without a listener a Postgres restart would end the process.
  boss.on('error', error => log.warn({ err: error }, 'pg-boss met an error and goes on'));
  await boss.start();
  for (const queue of queues)
    await boss.createQueue(queue.name, {
      policy: policies[queue.policy],
      notify: true,
      heartbeatSeconds,
      retryLimit: queue.policy === 'in_order' ? 1000 : 5,
      retryDelay: 1,
      ...(queue.policy === 'in_order' ? {} : { retryBackoff: true, retryDelayMax: longestRetryDelaySeconds }),
    });
  return boss;
}

/** The longest wait that a timer knows, 24.8 days: a longer one goes off at once, and what it calls waits again and again. */
const longestWaitMs = 2 ** 31 - 1;

/** pg-boss statements that would wait for the transaction they are called from fail at once instead. */
function guardedPglite(pglite: PGlite) {
  const base = fromPglite(pglite);
  const executeSql: typeof base.executeSql = (text, values) => {
    assertNoTransaction('pg-boss was used');
    return base.executeSql(text, values);
  };
  return { ...base, executeSql };
}

/**
 * A clock for pg-boss that follows ours: JavaScript's part reads it, and `pgboss.job_now()` is redefined after every move, so that
 * the database agrees. Timers stay the machine's; they wait for as long as our clock is away from something, and moving it makes that
 * years. pg-boss attaches it on start, when its schema is there.
 */
export const follow = (db: Db, clock: MovableClock): AttachableClock => {
  const push = async () => {
    const body = clock.standsAt
      ? `timestamptz '${clock.standsAt}'`
      : `pg_catalog.now() + interval '${Math.round(clock.shiftMs)} milliseconds'`;
    await sql
      .raw(`create or replace function pgboss.job_now() returns timestamptz language sql stable as $now$ select ${body} $now$`)
      .execute(db);
  };
  return {
    ...bossSystemClock,
    now: () => clock.now().epochMilliseconds,
    setTimeout: (act, ms) => bossSystemClock.setTimeout(act, Math.min(ms, longestWaitMs)),
    attach: async () => {
      await push();
      clock.onMove(push);
      return { [Symbol.asyncDispose]: async () => {} };
    },
  };
};

/** Sends jobs that exist if and only if the caller's transaction commits. */
export const enqueueWith =
  (boss: PgBoss) =>
  (tx: Tx): Enqueue =>
  (queue, payload, { at } = {}) =>
    asConnectingUser(tx, async () => {
      const data = queue.payload.parse(payload) as object;
      const options = {
        ...(queue.key ? { singletonKey: queue.key(payload) } : {}),
        ...(at ? { startAfter: new Date(at.epochMilliseconds) } : {}),
      };
      await boss.send(queue.name, data, { ...options, db: fromKysely(tx) });
    });

/** Starts the workers of every queue in this process; the answer stops them, letting what runs finish. */
export async function work(boss: PgBoss, handlers: Handlers, log: Log): Promise<void> {
  for (const queue of queues) {
    const ids: string[] = [];
    const handle = handlers[queue.name];
    if (!handle) continue;
    for (let i = 0; i < queue.workers; i++)
      ids.push(
        await boss.work(
          queue.name,
          { pollingIntervalSeconds: 1, notifyPollingIntervalSeconds: 2, batchSize: 1 },
          async ([job]: Job<object>[]) => {
            if (!job) return;
            try {
              await runJob(queue, handle, job, log);
            } finally {
              // A worker sleeps for its whole poll after each job otherwise, and a backlog drains one job a poll.
              for (const id of ids) boss.notifyWorker(id);
            }
          },
        ),
      );
  }
}

/** Runs one job as a span, with its ids on every line that is logged meanwhile. */
const runJob = (queue: Queue<object>, handle: Handler, job: Job<object>, log: Log): Promise<void> =>
  traced('job', { queue: queue.name, job: job.id, ...idsIn(job.data) }, async () => {
    try {
      await handle(queue.payload.parse(job.data) as never, job.signal);
      jobs.inc({ queue: queue.name, outcome: 'done' });
    } catch (error) {
      jobs.inc({ queue: queue.name, outcome: 'failed' });
      log.error({ err: error }, 'a job failed and will be tried again');
      throw fit(error);
    }
  });

/** What pg-boss may keep of an error with its job: it stores the whole of it, with whatever a driver or a server hung on it (A5). */
const fit = (error: unknown): Error => {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const kept = new Error(redact(message));
  return Object.assign(kept, { name, stack: `${name}: ${kept.message}` });
};

/** The ids in a payload, under the names that logs and traces use: `workspaceId` becomes `workspace`. */
const idsIn = (payload: object): Ids =>
  Object.fromEntries(
    Object.entries(payload).flatMap(([key, value]) =>
      key.endsWith('Id') && typeof value === 'number' ? [[key.slice(0, -2), value]] : [],
    ),
  );

/** Runs everything that waits, in this process, until nothing does. For tests and one-shot commands: nothing else may be working. */
export async function drain(boss: PgBoss, handlers: Handlers): Promise<number> {
  let total = 0;
  for (let ran = 1; ran; ) {
    ran = 0;
    for (const queue of queues) {
      for (;;) {
        const jobs = await boss.fetch<object>(queue.name, { batchSize: 1 });
        const job = jobs?.[0];
        if (!job) break;
        ran++;
        await runJob(queue, handlers[queue.name]!, job, silentLog);
        await boss.complete(queue.name, job.id);
      }
    }
    total += ran;
  }
  return total;
}
