import { sql } from 'kysely';
import { describe, expect } from 'vitest';
import { connectServer } from '../../src/db/connect.ts';
import { planDay, sendDue } from '../../src/domain/messages/index.ts';
import type { HandOver } from '../../src/domain/ports.ts';
import { Unavailable } from '../../src/errors.ts';
import { HttpServer } from '../../src/http.ts';
import { type Handlers, work } from '../../src/jobs/boss.ts';
import { silentLog } from '../../src/log.ts';
import { type Health, Heartbeat } from '../../src/ops/health.ts';
import { createOps } from '../../src/ops/routes.ts';
import * as queues from '../../src/queues.ts';
import { enrol, mailServer, mailThrough, makeSender, makeSequence } from '../support/sequences.ts';
import { transports } from '../support/slack.ts';
import { testOver } from '../support/slack-test.ts';
import { type World, test as withWorld } from '../support/world.ts';

interface Asked {
  status: number;
  text: string;
}

/** Operators' port over a world whose Slack answers, or does not. */
const test = withWorld.extend<{
  asks: { slackAnswers: boolean; isConnected?: () => boolean };
  get: (path: string, db?: World['services']['db']) => Promise<Asked>;
}>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the pattern to know what a fixture needs
  asks: async ({}, use) => use({ slackAnswers: true }),
  get: async ({ world, asks }, use) => {
    await use(async (path, db = world.services.db) => {
      const identity = async () => {
        if (!asks.slackAnswers) throw new Unavailable('slack', 'Slack does not answer.');
      };
      const { isConnected } = asks;
      const ops = createOps({ db, clock: world.clock }, { identity, ...(isConnected ? { isConnected } : {}) });
      const server = new HttpServer({ host: '127.0.0.1', port: 0, routes: ops.routes, log: silentLog, nothingHere: 'Nothing.' });
      const { url } = await server.listen();
      const response = await fetch(`${url}${path}`);
      const told = { status: response.status, text: await response.text() };
      await server.close();
      ops.close();
      return told;
    });
  },
});

const checks = (told: Asked): Record<string, boolean> =>
  Object.fromEntries(Object.entries((JSON.parse(told.text) as Health).checks).map(([name, { ok }]) => [name, ok]));

/** A line of the exposition, as its value. */
const seriesIn = (text: string, series: string): number | undefined => {
  const line = text.split('\n').find(each => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length));
};

/** By how much series rise while something is done, as an operator's Prometheus reads them; none of them tells whose work it was. */
async function raisedBy(world: World, series: string[], act: () => Promise<unknown>): Promise<number[]> {
  const ops = createOps(world.services, { identity: async () => {} });
  const server = new HttpServer({ host: '127.0.0.1', port: 0, routes: ops.routes, log: silentLog, nothingHere: '' });
  const { url } = await server.listen();
  const read = async () => (await fetch(`${url}/metrics`)).text();
  try {
    const before = await read();
    await act();
    const after = await read();
    expect(after).not.toMatch(/canary|acme/i);
    return series.map(name => (seriesIn(after, name) ?? 0) - (seriesIn(before, name) ?? 0));
  } finally {
    await server.close();
    ops.close();
  }
}

describe('health', () => {
  test('a running process is healthy, and ready once database, migrations and Slack are', async ({ get, asks }) => {
    const alive = await get('/healthz');
    expect([alive.status, checks(alive)]).toEqual([200, { event_loop: true }]);
    const ready = await get('/readyz');
    expect([ready.status, checks(ready)]).toEqual([200, { database: true, migrations: true, slack: true }]);
    asks.slackAnswers = false;
    asks.isConnected = () => false;
    const waiting = await get('/readyz');
    expect([waiting.status, checks(waiting)]).toEqual([
      503,
      { database: true, migrations: true, slack: false, slack_socket: false },
    ]);
    expect((await get('/nothing')).status).toBe(404);
  });

  test('a database that is away is named, and nothing of its address is told', async ({ get }) => {
    const away = connectServer('postgres://somebody:hunter2@127.0.0.1:1/nothing', silentLog);
    const told = await get('/readyz', away.db);
    expect([told.status, checks(told)]).toEqual([503, { database: false, migrations: false, slack: true }]);
    expect(told.text).not.toMatch(/hunter2|somebody|127/);
    const metrics = await get('/metrics', away.db);
    expect([metrics.status, seriesIn(metrics.text, 'drover_database_up')]).toEqual([200, 0]);
    await away.close();
  });

  test('a database that lacks a migration is not ready, and the migration is named', async ({ world, get }) => {
    const { db } = world.services;
    const { rows } = await sql<{ name: string; timestamp: string }>`
      delete from kysely_migration where name = '000006_ops' returning name, timestamp`.execute(db);
    const told = await get('/readyz');
    await sql`insert into kysely_migration (name, timestamp) values (${rows[0]!.name}, ${rows[0]!.timestamp})`.execute(db);
    expect([told.status, checks(told)]).toEqual([503, { database: true, migrations: false, slack: true }]);
    expect(told.text).toContain('not applied yet: 000006_ops');
  });

  test('an event loop whose timers do not run is not healthy', () => {
    const heartbeat = new Heartbeat();
    expect(heartbeat.check()).toEqual({ ok: true });
    expect(heartbeat.check(performance.now() + 60_000)).toMatchObject({ ok: false });
    heartbeat.stop();
  });
});

describe('metrics', () => {
  test('say how much waits, by queue and state, and how long', async ({ world, get }) => {
    const office = await world.office('Canary Workspace');
    await world.in(office, async ctx => {
      await ctx.enqueue(queues.planDay, { workspaceId: office.id, sequenceId: 1 });
      await ctx.tx
        .insertInto('slack_post')
        .values({
          workspace_id: office.id,
          post_key: 'k',
          channel: 'C1',
          method: 'chat.postMessage',
          payload: {},
          created_at: ctx.now,
          next_try_at: ctx.now,
        })
        .execute();
    });
    await world.clock.move({ minutes: 2 });
    const { text } = await get('/metrics');
    expect(seriesIn(text, 'drover_jobs{queue="plan-day",state="waiting"}')).toBe(1);
    expect(seriesIn(text, 'drover_jobs{queue="send-due",state="waiting"}')).toBe(0);
    expect(seriesIn(text, 'drover_job_oldest_seconds{queue="plan-day"}')).toBeGreaterThanOrEqual(119);
    expect(seriesIn(text, 'drover_slack_posts{state="waiting"}')).toBe(1);
    expect(seriesIn(text, 'drover_database_up')).toBe(1);
    expect(text).toMatch(/nodejs_eventloop_lag_seconds /);
    expect(text).not.toContain('Canary');
  });

  describe.each(transports)('over %s', transport => {
    testOver(transport)('count posts and acknowledgements where they happen', async ({ world, slack }) => {
      const raised = await raisedBy(
        world,
        [
          'drover_slack_post_attempts_total{outcome="posted"}',
          `drover_slack_ack_seconds_count{transport="${transport}",taken="yes"}`,
        ],
        async () => {
          await slack.slack.control.dm({ text: 'hello canary-words' });
          await world.drain();
        },
      );
      expect(raised).toEqual([1, 1]);
    });
  });

  test("D3 count the mail server's answers and the gate's refusals, by reason", async ({ world }) => {
    const office = await world.office('Canary Workspace');
    const answers: HandOver[] = [{ outcome: 'accepted' }, { outcome: 'deferred', detail: 'later, canary@acme.example' }];
    mailThrough(world, mailServer(async () => answers.shift() ?? { outcome: 'accepted' }).transport);
    const id = await makeSequence(world, office, { senderIds: [await makeSender(world, office, { minGapMinutes: 0 })] });
    await enrol(world, office, id, 3);
    await enrol(world, office, id, 1, { firstName: null });
    await world.in(office, ctx => planDay(ctx, id));
    await world.clock.set(Temporal.Instant.from('2026-03-02T16:59:00Z'));
    const sent = (outcome: string) => `drover_sends_total{outcome="${outcome}"}`;
    const raised = await raisedBy(
      world,
      [sent('accepted'), sent('deferred'), 'drover_gate_refusals_total{reason="missing_variable"}'],
      () => sendDue(world.services, office.id),
    );
    expect(raised).toEqual([2, 1, 1]);
  });

  test('count the jobs of this process, by queue and how they ended', async ({ world }) => {
    const office = await world.office('Canary Workspace');
    const [done, failed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const handlers: Handlers = {
      'plan-day': async () => done.resolve(),
      'send-due': async () => {
        failed.resolve();
        throw new Unavailable('mail', 'canary');
      },
    };
    const ended = (queue: string, outcome: string) => `drover_jobs_total{queue="${queue}",outcome="${outcome}"}`;
    const raised = await raisedBy(
      world,
      [ended('plan-day', 'done'), ended('plan-day', 'failed'), ended('send-due', 'failed'), ended('send-due', 'done')],
      async () => {
        await world.in(office, async ctx => {
          await ctx.enqueue(queues.planDay, { workspaceId: office.id, sequenceId: 1 });
          await ctx.enqueue(queues.sendDue, { workspaceId: office.id });
        });
        await work(world.boss, handlers, silentLog);
        await Promise.all([done.promise, failed.promise]);
        for (const queue of Object.keys(handlers)) await world.boss.offWork(queue, { wait: true });
      },
    );
    expect(raised).toEqual([1, 0, 1, 0]);
  });
});

describe('recovery', () => {
  test('C2 a turn that failed for good frees its thread at the next tick', async ({ world }) => {
    const office = await world.office();
    const ran: number[] = [];
    world.handlers = { ...world.handlers, 'agent-turn': async ({ inboxId }: { inboxId: number }) => void ran.push(inboxId) };
    for (const inboxId of [1, 2]) {
      await world.in(office, ctx => ctx.enqueue(queues.agentTurn, { inboxId, thread: 'T' }));
      await world.clock.move({ seconds: 1 });
    }
    const [job] = await world.boss.fetch(queues.agentTurn.name);
    await world.boss.fail(queues.agentTurn.name, job!.id);
    await sql`update pgboss.job set state = 'failed', completed_on = pgboss.job_now() where id = ${job!.id}`.execute(
      world.services.db,
    );
    expect(await world.boss.getBlockedKeys(queues.agentTurn.name)).toEqual(['T']);
    expect([await world.drain(), ran]).toEqual([0, []]);
    await world.handlers.tick!({} as never, new AbortController().signal);
    await world.drain();
    expect(ran).toEqual([2]);
  });
});
