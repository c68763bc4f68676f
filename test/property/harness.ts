import { sql } from 'kysely';
import { MovableClock } from '../../src/clock.ts';
import { workspaceOfTeam } from '../../src/db/system.ts';
import { asConnectingUser, type Db } from '../../src/db/transaction.ts';
import { drover, enter, type MemberActor, type Services } from '../../src/domain/context.ts';
import type { HandOver, MailTransport, OutgoingMail } from '../../src/domain/ports.ts';
import * as sequences from '../../src/domain/sequences/index.ts';
import type { Handlers } from '../../src/jobs/boss.ts';
import { createHandlers } from '../../src/jobs/handlers.ts';
import { silentLog } from '../../src/log.ts';
import type { Enqueue, Queue } from '../../src/queues.ts';
import { decide, type Outcome, runTool } from '../../src/tools/run.ts';
import { PeopleSource, someone } from '../support/people-source.ts';

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
      transports: { outbox: this.#mailServer() },
    };
    this.handlers = createHandlers(this.services, { notify: async () => {} });
  }

  #mailServer(): MailTransport {
    return {
      name: 'outbox',
      handOver: async mail => {
        await this.inspect(mail);
        const answer = this.answers.shift() ?? 'accepted';
        this.handed.push({ mail, at: this.clock.now(), answer });
        if (answer === 'broke') throw new Error('the connection was lost');
        return answer === 'accepted' ? { outcome: answer } : { outcome: answer, detail: 'as told' };
      },
    };
  }

  /** Makes what stories need in the database, besides Drover's own schema. */
  static prepare = (db: Db) =>
    sql`do $$ begin
      create schema if not exists model;
      create table if not exists model.job (id bigint generated always as identity primary key, queue text not null, key text, payload jsonb not null);
      create unique index if not exists job_key on model.job (queue, key) where key is not null;
    end $$`.execute(db);

  /** Empties what earlier runs left, without the price of a truncate, and makes a workspace with an admin and two senders. */
  async open(zone: string): Promise<void> {
    await sql`do $$ declare t text; begin
      set local session_replication_role = replica;
      for t in select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
        and relname not like 'kysely%' and relname <> 'directory_person' loop execute format('delete from %I', t); end loop;
      delete from model.job;
    end $$`.execute(this.db);
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

  /** A sequence of three e-mails, a day apart, from these senders. */
  async sequence(wanted: {
    name: string;
    mode: 'copilot' | 'autopilot';
    cap: number;
    senderIds: number[];
    zone: string;
  }): Promise<number> {
    return enter(this.services, this.workspaceId, this.admin, async ctx => {
      const { id } = await sequences.create(ctx, {
        name: wanted.name,
        dailyCap: wanted.cap,
        steps: [
          { subject: 'Hello {{ first_name }}', body: 'One' },
          { body: 'Two', delayDays: 1 },
          { body: 'Three', delayDays: 2 },
        ],
        window: { zone: wanted.zone, days: [1, 2, 3, 4, 5], from: '09:00', until: '17:00', holidays: new Set() },
        senderIds: wanted.senderIds,
      });
      await sequences.setMode(ctx, id, wanted.mode);
      await sequences.activate(ctx, id);
      return id;
    });
  }

  sender(name: string, dailyLimit: number, minGapMinutes: number): Promise<number> {
    return enter(this.services, this.workspaceId, this.admin, ctx =>
      sequences.createSender(ctx, {
        ...{ ownerId: this.admin.id, name, address: `${name.toLowerCase()}@drover.example`, transport: 'outbox' },
        ...{ dailyLimit, minGapMinutes },
      }),
    );
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
    for (;;) {
      const { rows } = await sql<{ id: number; queue: string; payload: object }>`
        update model.job set key = null where id = (select min(id) from model.job) returning *`.execute(this.db);
      const [job] = rows;
      if (!job) return;
      await this.handlers[job.queue]!(job.payload as never, new AbortController().signal);
      await sql`delete from model.job where id = ${job.id}`.execute(this.db);
    }
  }

  async isQuiet(): Promise<boolean> {
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from model.job`.execute(this.db);
    return rows[0]!.n === 0;
  }
}

/** At most one of a key waits; a job that runs has given up its key, so that asking for it again is not lost. */
const enqueueAsRow =
  (tx: Parameters<Services['enqueueIn']>[0]): Enqueue =>
  <P>(queue: Queue<P>, payload: P) =>
    asConnectingUser(tx, async () => {
      const data = queue.payload.parse(payload) as object;
      await sql`insert into model.job (queue, key, payload) values (${queue.name}, ${queue.key?.(payload) ?? null}, ${data})
        on conflict (queue, key) where key is not null do nothing`.execute(tx);
    });
