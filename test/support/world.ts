import type { PgBoss } from 'pg-boss';
import { test as base, expect } from 'vitest';
import { MovableClock } from '../../src/clock.ts';
import type { Connection } from '../../src/db/connect.ts';
import { workspaceOfTeam } from '../../src/db/system.ts';
import { type Context, drover, enter, type MemberActor, type Services } from '../../src/domain/context.ts';
import { drain, enqueueWith, type Handlers, startBoss } from '../../src/jobs/boss.ts';
import { createHandlers, type JobPorts } from '../../src/jobs/handlers.ts';
import { silentLog } from '../../src/log.ts';
import { decide, type Invocation, type Outcome, runTool } from '../../src/tools/run.ts';
import { everyday, inTables, listen, sightings } from './canary.ts';
import { empty, openDatabase } from './database.ts';

/** A Monday, 08:00 in London: before the window of a working day opens. */
export const start = Temporal.Instant.from('2026-03-02T08:00:00Z');

interface Engine {
  connection: Connection;
  clock: MovableClock;
  boss: PgBoss;
}

/** One database and one pg-boss a worker, shared by its files (isolate: false). */
const shared = globalThis as { droverEngine?: Promise<Engine> };

async function boot(): Promise<Engine> {
  const connection = await openDatabase();
  const clock = new MovableClock({ standsAt: start });
  return { connection, clock, boss: await startBoss(connection, clock, silentLog, { supervise: false }) };
}

/** A workspace with an admin and a rep, in London unless said otherwise. */
export interface Office {
  id: number;
  admin: MemberActor;
  rep: MemberActor;
}

/** Drover as a test drives it: real database, real pg-boss, a clock that stands still until moved. */
export class World {
  readonly connection: Connection;
  readonly clock: MovableClock;
  readonly boss: PgBoss;
  readonly services: Services;
  /** What jobs would hand to surfaces goes nowhere, unless a test listens. */
  readonly ports: JobPorts = { notify: async () => {} };
  handlers: Handlers;

  constructor({ connection, clock, boss }: Engine, overrides: Partial<Services> = {}) {
    this.connection = connection;
    this.clock = clock;
    this.boss = boss;
    this.services = {
      db: connection.db,
      clock,
      log: silentLog,
      enqueueIn: enqueueWith(boss),
      sources: {},
      transports: {},
      publicUrl: 'https://drover.example',
      ...overrides,
    };
    this.handlers = createHandlers(this.services, this.ports);
  }

  get now(): Temporal.Instant {
    return this.clock.now();
  }

  /** Runs every job that waits, and those that they cause. */
  drain(): Promise<number> {
    return drain(this.boss, this.handlers);
  }

  async office(name = 'Acme', zone = 'Europe/London'): Promise<Office> {
    const id = await workspaceOfTeam(this.services.db, this.now, { teamId: `T${name}`, name, zone, botUserId: 'UDROVER' });
    return enter(this.services, id, drover, async ctx => {
      await ctx.tx.updateTable('workspace').set({ postal_address: '1 Example Street, London' }).execute();
      const join = async (who: string, role: 'admin' | 'rep'): Promise<MemberActor> => {
        const slackUserId = `U${who}${name}`.toUpperCase();
        const row = await ctx.tx
          .insertInto('member')
          .values({ workspace_id: id, slack_user_id: slackUserId, name: who, role, created_at: ctx.now })
          .returning('id')
          .executeTakeFirstOrThrow();
        return { kind: 'member', id: row.id, name: who, role, slackUserId };
      };
      return { id, admin: await join('Ada', 'admin'), rep: await join('Ray', 'rep') };
    });
  }

  /** A transaction inside an office, as one of its members (its admin unless said). */
  in<R>(office: Office, work: (ctx: Context) => Promise<R>, as: MemberActor = office.admin): Promise<R> {
    return enter(this.services, office.id, as, work);
  }

  /** Calls a tool as a person on the command line would. */
  call(office: Office, tool: string, input: object, how: Partial<Invocation> = {}): Promise<Outcome> {
    return runTool(this.services, {
      tool,
      input,
      workspaceId: office.id,
      actor: office.admin,
      door: 'cli',
      place: { surface: 'cli' },
      ...how,
    });
  }

  /** Presses a card's button. */
  press(office: Office, approvalId: number, verdict: 'approve' | 'cancel' = 'approve', actor: MemberActor = office.admin) {
    return decide(this.services, { workspaceId: office.id, approvalId, actor, verdict, door: 'button' });
  }
}

/** `test('K1 …', async ({ world }) => …)`: an empty Drover for each test. */
export const test = base.extend<{ world: World }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the pattern to know what a fixture needs
  world: async ({}, use) => {
    shared.droverEngine ??= boot();
    const engine = await shared.droverEngine;
    await empty(engine.connection);
    await engine.clock.set(start);
    const heard = listen();
    await use(new World(engine, { log: heard.log }));
    const { db } = engine.connection;
    expect([...sightings('log', heard.text(), everyday), ...(await inTables(db, everyday))], 'A5 secrets of the suite').toEqual(
      [],
    );
  },
});
