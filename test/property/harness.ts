import { sql } from 'kysely';
import { MovableClock } from '../../src/clock.ts';
import { workspaceOfTeam } from '../../src/db/system.ts';
import { asConnectingUser, type Db } from '../../src/db/transaction.ts';
import { drover, enter, type MemberActor, type Services } from '../../src/domain/context.ts';
import type { Classified, HandOver, MailReader, MailTransport, OutgoingMail, ReplyText } from '../../src/domain/ports.ts';
import { isCategory } from '../../src/domain/replies/index.ts';
import * as senders from '../../src/domain/senders/index.ts';
import * as sequences from '../../src/domain/sequences/index.ts';
import type { Handlers } from '../../src/jobs/boss.ts';
import { createHandlers, type JobPorts } from '../../src/jobs/handlers.ts';
import { handleTick } from '../../src/jobs/tick.ts';
import { silentLog } from '../../src/log.ts';
import type { Enqueue, Queue } from '../../src/queues.ts';
import { decide, type Outcome, runTool } from '../../src/tools/run.ts';
import { PeopleSource, someone } from '../support/people-source.ts';
import { Inbox } from '../support/replies.ts';

/** The process died: nothing after it happened, and a job that it ran is run again. */
export class Killed extends Error {}

/** Where a transaction is cut: before it begins, after its work but before the commit, or after the commit. */
export type Cut = 'before' | 'rolled_back' | 'after';

/** A database on which the nth transaction from now is the process's last. */
function mortal(db: Db, fate: { in: number; cut: Cut }): Db {
  const transaction = () => ({
    execute: async <R>(work: (tx: never) => Promise<R>): Promise<R> => {
      const dies = fate.in > 0 && --fate.in === 0;
      if (dies && fate.cut === 'before') throw new Killed();
      const result = await db.transaction().execute(async tx => {
        const made = await work(tx as never);
        if (dies && fate.cut === 'rolled_back') throw new Killed();
        return made;
      });
      if (dies) throw new Killed();
      return result;
    },
  });
  return new Proxy(db, {
    get: (target, key) => {
      if (key === 'transaction') return transaction;
      const value = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** What the mail server was handed, and what it said. */
export interface HandedOver {
  mail: OutgoingMail;
  at: Temporal.Instant;
  answer: HandOver['outcome'] | 'broke';
}

/** May a message have left, by what its mail server said? */
export const mayHaveLeft = ({ answer }: HandedOver): boolean => ['accepted', 'unknown', 'broke'].includes(answer);

interface WaitingJob {
  id: number;
  queue: string;
  payload: object;
}

/**
 * A Drover whose jobs are rows of a plain table, written in the caller's transaction and deleted when they are done: what pg-boss
 * promises, at a tenth of its price. It may be killed at any transaction, and its mail server can be told what to answer next.
 */
export class Machine {
  readonly services: Services;
  readonly clock: MovableClock;
  readonly handed: HandedOver[] = [];
  readonly fate = { in: 0, cut: 'before' as Cut };
  readonly db: Db;
  readonly handlers: Handlers;
  readonly source = new PeopleSource(
    Array.from({ length: 24 }, (_, i) =>
      someone(i + 1, { companyDomain: `firm${i % 9}.example`, email: i % 7 === 6 ? null : `pat${i}@firm${i % 9}.example` }),
    ),
  );
  /** What the mail server answers next; then it accepts again. */
  answers: (HandOver['outcome'] | 'broke')[] = [];
  /** The model takes so long over the next reply; what is due meanwhile is sent. */
  readingHours = 0;
  /** What has come in, by sender. */
  readonly inboxes = new Map<number, Inbox>();
  readonly ports: JobPorts = { notify: async () => {}, classify: text => this.#classify(text) };
  workspaceId = 0;
  admin!: MemberActor;
  /** Called at each hand-over, before the mail server answers: a second opinion on whether this may leave. */
  inspect: (mail: OutgoingMail) => Promise<void> = async () => {};

  constructor(db: Db, startsAt: Temporal.Instant) {
    this.db = db;
    this.clock = new MovableClock({ standsAt: startsAt });
    this.services = {
      db: mortal(db, this.fate),
      clock: this.clock,
      log: silentLog,
      enqueueIn: tx => enqueueAsRow(tx),
      sources: { directory: this.source },
      transports: { local: this.#mailServer() },
      readers: { local: this.#mailboxes() },
      publicUrl: 'https://drover.example',
    };
    this.handlers = createHandlers(this.services, this.ports);
  }

  #mailServer(): MailTransport {
    return {
      name: 'local',
      handOver: async mail => {
        await this.inspect(mail);
        const answer = this.answers.shift() ?? 'accepted';
        this.handed.push({ mail, at: this.clock.now(), answer });
        if (answer === 'broke') throw new Error('the connection was lost');
        return answer === 'accepted' ? { outcome: answer } : { outcome: answer, detail: 'as told' };
      },
    };
  }

  inbox(senderId: number): Inbox {
    const inbox = this.inboxes.get(senderId) ?? new Inbox();
    this.inboxes.set(senderId, inbox);
    return inbox;
  }

  #mailboxes(): MailReader {
    return {
      read: (mailbox, since, limit) => this.inbox(mailbox.senderId).read(mailbox, since, limit),
      findSent: async () => null,
    };
  }

  /** Reads what has come in for a sender, as its server's news of it would have it read (IDLE). */
  readMail = (senderId: number): Promise<void> => this.#run('read-mail', { workspaceId: this.workspaceId, senderId });

  /** Takes a reply for what its subject ends with; it may fail. */
  async #classify({ subject }: ReplyText): Promise<Classified | null> {
    const hours = this.readingHours;
    this.readingHours = 0;
    if (hours)
      try {
        await this.clock.move({ hours });
        await handleTick(this.services);
        await this.#run('send-due', { workspaceId: this.workspaceId });
      } catch (error) {
        // Who asks the model outlives its failures, but not the end of the process.
        if (error instanceof Killed) Object.assign(this.fate, { in: 1, cut: 'before' });
        throw error;
      }
    const category = /\w+$/.exec(subject)?.[0];
    return isCategory(category) ? { category, until: null } : null;
  }

  #run = (queue: string, payload: object): Promise<void> => this.handlers[queue]!(payload as never, new AbortController().signal);

  /** Makes a workspace with an admin in an empty database. */
  async open(zone: string): Promise<void> {
    this.workspaceId = await workspaceOfTeam(this.db, this.clock.now(), {
      teamId: 'TMODEL',
      name: 'Acme',
      zone,
      botUserId: 'U0',
    });
    this.admin = await enter(this.services, this.workspaceId, drover, async ctx => {
      await ctx.tx.updateTable('workspace').set({ postal_address: '1 Example Street' }).execute();
      const { id } = await ctx.tx
        .insertInto('member')
        .values({ workspace_id: this.workspaceId, slack_user_id: 'UADA', name: 'Ada', role: 'admin', created_at: ctx.now })
        .returning('id')
        .executeTakeFirstOrThrow();
      return { kind: 'member', id, name: 'Ada', role: 'admin', slackUserId: 'UADA' };
    });
  }

  /** A running sequence of these steps, from these senders, on weekdays from nine to five. */
  async sequence(wanted: {
    name: string;
    mode: 'copilot' | 'autopilot';
    cap: number;
    senderIds: number[];
    steps: readonly sequences.StepInput[];
    zone: string;
  }): Promise<number> {
    return enter(this.services, this.workspaceId, this.admin, async ctx => {
      const { id } = await sequences.create(ctx, {
        name: wanted.name,
        dailyCap: wanted.cap,
        steps: wanted.steps,
        window: { zone: wanted.zone, days: [1, 2, 3, 4, 5], from: '09:00', until: '17:00', holidays: new Set() },
        senderIds: wanted.senderIds,
      });
      await sequences.setMode(ctx, id, wanted.mode);
      await sequences.activate(ctx, id);
      return id;
    });
  }

  sender(name: string, dailyLimit: number, minGapMinutes: number): Promise<number> {
    return enter(this.services, this.workspaceId, this.admin, async ctx => {
      const address = `${name.toLowerCase()}@drover.example`;
      const limits = { dailyLimit, minGapMinutes, ramp: false };
      return Number(await senders.add(ctx, { ownerId: this.admin.id, name, address, transport: 'local', ...limits }));
    });
  }

  /** Calls a tool as the admin on the command line, and presses the button where it asks. */
  async call(tool: string, input: object): Promise<Outcome> {
    const asked = await runTool(this.services, {
      ...{ tool, input, workspaceId: this.workspaceId, actor: this.admin, door: 'cli', place: { surface: 'cli' } },
    });
    if (asked.outcome !== 'needs_approval') return asked;
    const { workspaceId, admin: actor } = this;
    const pressed = await decide(this.services, {
      workspaceId,
      approvalId: asked.approval.id,
      actor,
      verdict: 'approve',
      door: 'cli',
    });
    return pressed.outcome === 'approved' ? pressed.did : asked;
  }

  /** Runs what waits, and what that causes. @throws Killed where the process dies on the way */
  async drain(): Promise<void> {
    for (let job: WaitingJob | undefined; ; ) {
      job = await this.#next(job?.id ?? null);
      if (!job) return;
      await this.#run(job.queue, job.payload);
    }
  }

  /** What was done goes and the next begins, in one statement: a job that the process died in is there for its successor. */
  async #next(done: number | null): Promise<WaitingJob | undefined> {
    const { rows } = await sql<WaitingJob>`with gone as (delete from model.job where id = ${done}::bigint)
      update model.job set key = null where id = (select min(id) from model.job where id is distinct from ${done}::bigint)
      returning id, queue, payload`.execute(this.db);
    return rows[0];
  }
}

/** At most one of a key waits; a job that runs has given up its key, so that asking for it again is not lost. */
const enqueueAsRow =
  (tx: Parameters<Services['enqueueIn']>[0]): Enqueue =>
  <P>(queue: Queue<P>, payload: P) =>
    asConnectingUser(tx, async () => {
      const data = queue.payload.parse(payload) as object;
      const key = queue.policy === 'short' ? queue.key!(payload) : null;
      await sql`insert into model.job (queue, key, payload) values (${queue.name}, ${key}, ${data})
        on conflict (queue, key) where key is not null do nothing`.execute(tx);
    });
