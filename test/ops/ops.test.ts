import { sql } from 'kysely';
import { describe, expect } from 'vitest';
import { connectServer } from '../../src/db/connect.ts';
import { Unavailable } from '../../src/errors.ts';
import { HttpServer } from '../../src/http.ts';
import { silentLog } from '../../src/log.ts';
import { type Health, Heartbeat } from '../../src/ops/health.ts';
import { createOps } from '../../src/ops/routes.ts';
import { agentTurn, planDay } from '../../src/queues.ts';
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
      await ctx.enqueue(planDay, { workspaceId: office.id, sequenceId: 1 });
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

  testOver('http')('count posts and acknowledgements where they happen', async ({ world, slack }) => {
    const ops = createOps(world.services, { identity: slack.app.identity });
    const read = async () => {
      const server = new HttpServer({ host: '127.0.0.1', port: 0, routes: ops.routes, log: silentLog, nothingHere: '' });
      const { url } = await server.listen();
      const text = await (await fetch(`${url}/metrics`)).text();
      await server.close();
      return text;
    };
    const series = [
      'drover_slack_post_attempts_total{outcome="posted"}',
      'drover_slack_ack_seconds_count{transport="http",taken="yes"}',
    ];
    const before = await read();
    await slack.slack.control.dm({ text: 'hello canary-words' });
    await world.drain();
    const after = await read();
    expect(series.map(name => (seriesIn(after, name) ?? 0) - (seriesIn(before, name) ?? 0))).toEqual([1, 1]);
    expect(after).not.toMatch(/canary|Acme/);
    ops.close();
  });
});

describe('recovery', () => {
  test('C2 a turn that failed for good frees its thread at the next tick', async ({ world }) => {
    const office = await world.office();
    const ran: number[] = [];
    world.handlers = { ...world.handlers, 'agent-turn': async ({ inboxId }: { inboxId: number }) => void ran.push(inboxId) };
    for (const inboxId of [1, 2]) {
      await world.in(office, ctx => ctx.enqueue(agentTurn, { inboxId, thread: 'T' }));
      await world.clock.move({ seconds: 1 });
    }
    const [job] = await world.boss.fetch(agentTurn.name);
    await world.boss.fail(agentTurn.name, job!.id);
    await sql`update pgboss.job set state = 'failed', completed_on = pgboss.job_now() where id = ${job!.id}`.execute(
      world.services.db,
    );
    expect(await world.boss.getBlockedKeys(agentTurn.name)).toEqual(['T']);
    expect([await world.drain(), ran]).toEqual([0, []]);
    await world.handlers.tick!({} as never, new AbortController().signal);
    await world.drain();
    expect(ran).toEqual([2]);
  });
});
