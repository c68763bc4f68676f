import { sql } from 'kysely';
import { expect } from 'vitest';
import { chooseModel } from '../../src/agent/model.ts';
import { createAgentTurn } from '../../src/agent/turn.ts';
import { drover, enter } from '../../src/domain/context.ts';
import * as messages from '../../src/domain/messages/index.ts';
import type { HandOver } from '../../src/domain/ports.ts';
import { work } from '../../src/jobs/boss.ts';
import { queues } from '../../src/queues.ts';
import { createSlackApp } from '../../src/slack/app.ts';
import { post } from '../../src/slack/outbox.ts';
import { canary, inTables, listen, quoting, sightings } from '../support/canary.ts';
import { PeopleSource } from '../support/people-source.ts';
import { drover as commandLine } from '../support/process.ts';
import { enrol, makeSequence } from '../support/sequences.ts';
import { test, World } from '../support/world.ts';

/** Secrets of true shape. */
const secrets = {
  bot: `xoxb-1234567890-${canary}abcdefghijkl`,
  app: `xapp-1-A0123-4567-${canary}abcdefghijkl`,
  model: `sk-proj-${canary}abcdefghijklmnopqrstuvwx`,
  database: `postgres://drover:${canary}Pa55@127.0.0.1:1/none`,
  smtp: `smtp://ada:${canary}Pa55@mail.example:587`,
  bearer: `Bearer ${canary}.abcdefghijkl.mnopqr`,
  signing: `${canary}0123456789abcdef0123456789`,
};

test('A5 the scanner finds a planted secret in a log, in a table and in a job', async ({ world }) => {
  const heard = listen();
  heard.log.info({ note: `the key is ${canary}` }, 'planted');
  expect(sightings('log', heard.text())).toHaveLength(1);
  const office = await world.office(`Acme ${canary}`);
  await world.boss.send('tick', { planted: canary }, { singletonKey: 'planted' });
  const found = await inTables(world.connection.db);
  expect(found.some(line => line.startsWith('table public.workspace'))).toBe(true);
  expect(found.some(line => line.startsWith('table pgboss.'))).toBe(true);
  expect(office.id).toBeGreaterThan(0);
});

test('A5 no secret reaches a log, a table or a request body, whatever fails', { timeout: 120_000 }, async ({ world: bare }) => {
  const heard = listen();
  const world = new World(
    { connection: bare.connection, clock: bare.clock, boss: bare.boss },
    { log: heard.log, sources: { directory: new PeopleSource(40) } },
  );
  const office = await world.office();

  // The model refuses, quoting the key.
  const model = await quoting(({ credentials }) => ({
    status: 500,
    body: { error: { message: `Incorrect API key provided: ${secrets.model} (${credentials})`, type: 'server_error' } },
  }));
  const runTurn = createAgentTurn({
    services: world.services,
    model: chooseModel({
      OPENAI_API_KEY: secrets.model,
      OPENAI_BASE_URL: `${model.url}/v1`,
      OPENAI_MODEL: 'gpt-5-mini',
      OPENAI_FALLBACK_MODEL: 'spare',
    }),
    log: world.services.log,
    retryAfterMs: 1,
  });
  const asked = {
    workspaceId: office.id,
    inboxId: 1,
    asker: office.admin,
    surface: 'slack' as const,
    channel: 'D1',
    root: '1.1',
  };
  const answer = await runTurn({ ...asked, text: 'find 20 VPs of Sales at fintechs' }, async () => {});
  expect(answer.status).toBe('stopped');
  await model.close();

  // Slack refuses, quoting the token.
  const slackServer = await quoting(({ path, credentials }) =>
    path.endsWith('auth.test')
      ? { status: 200, body: { ok: true, team_id: 'TAcme', team: 'Acme', user_id: 'UDROVER', bot_id: 'B1' } }
      : {
          status: path.endsWith('chat.update') ? 200 : 500,
          body: { ok: false, error: `invalid_auth for ${secrets.bot} ${credentials}` },
        },
  );
  const slack = createSlackApp({
    ...{
      services: world.services,
      botToken: secrets.bot,
      apiUrl: `${slackServer.url}/api/`,
      zone: 'Europe/London',
      runTurn,
      paced: false,
    },
    pause: async () => {},
  });
  await enter(world.services, office.id, drover, ctx =>
    post(ctx, 'a', { channel: 'C1' }, [
      { text: 'hello', blocks: [{ type: 'section', text: { type: 'mrkdwn', text: 'hello' } }] },
    ]),
  );
  for (let n = 0; n < 3; n++)
    await slack.deliverPosts(office.id, 'C1').catch(error => heard.log.error({ err: error }, 'posting broke off'));
  await slack.handleRequest(1).catch(error => heard.log.error({ err: error }, 'a request broke off'));
  await slackServer.close();

  // Mail servers refuse, quoting what they were told; one breaks.
  const refusals: (HandOver | Error)[] = [
    { outcome: 'deferred', detail: `421 try later, ${secrets.smtp}` },
    { outcome: 'blocked', detail: `550 blocked for ${secrets.bearer}` },
    { outcome: 'unknown', detail: `no answer from ${secrets.smtp}` },
    Object.assign(new Error(`535 authentication failed for ${secrets.smtp}`), {
      command: secrets.bearer,
      cause: new Error(secrets.bearer),
    }),
  ];
  for (const [n, refusal] of refusals.entries()) {
    Object.assign(world.services, {
      transports: {
        local: {
          name: 'local',
          handOver: async () => {
            if (refusal instanceof Error) throw refusal;
            return refusal;
          },
        },
      },
    });
    const sequenceId = await makeSequence(world, office, { name: `Fall ${n}` });
    await enrol(world, office, sequenceId, 1, { list: `Leads ${n}`, domain: `firm${n}.example` });
    await enter(world.services, office.id, drover, ctx => messages.planDay(ctx, sequenceId));
    await world.clock.set(Temporal.Instant.from('2026-03-02T16:50:00Z'));
    await messages.sendDue(world.services, office.id);
    await world.clock.set(Temporal.Instant.from('2026-03-02T08:00:00Z'));
  }

  // A source breaks in a job; pg-boss keeps what the job threw.
  const broken = Object.assign(new Error(`getaddrinfo ENOTFOUND ${secrets.database}`), {
    config: { headers: { authorization: secrets.bearer } },
  });
  const rejected = async () => {
    throw broken;
  };
  world.services.sources = { directory: { name: 'directory', check: () => [], preview: rejected, next: rejected } };
  await world
    .call(office, 'preview_list', { criteria: { titles: ['CTO'] } })
    .catch(error => heard.log.error({ err: error }, 'a tool broke off'));
  await work(world.boss, { 'refill-list': rejected, 'plan-day': async () => {} }, heard.log);
  await world.boss.send('refill-list', { workspaceId: office.id, refillId: 1 }, { singletonKey: '1', retryLimit: 0 });
  for (let tries = 0; tries < 200; tries++) {
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from pgboss.job where output is not null`.execute(
      world.connection.db,
    );
    if (rows[0]!.n > 0) break;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  for (const queue of queues) await world.boss.offWork(queue.name).catch(() => {});
  const { rows: outputs } = await sql<{ output: unknown }>`select output from pgboss.job where output is not null`.execute(
    world.connection.db,
  );
  expect(JSON.stringify(outputs)).toContain('ENOTFOUND');

  const requests = [...model.requests, ...slackServer.requests];
  expect(requests.length).toBeGreaterThan(3);
  expect(heard.text()).toContain('[secret]');
  expect([
    ...sightings('log', heard.text()),
    ...(await inTables(world.connection.db)),
    ...requests.flatMap(({ path, body }) => sightings(`request ${path}`, body)),
    ...sightings('answer', JSON.stringify(answer)),
  ]).toEqual([]);
});

test('A5 a start that fails prints no secret', { timeout: 60_000 }, async () => {
  const base = {
    LOG_LEVEL: 'debug',
    SLACK_BOT_TOKEN: secrets.bot,
    SLACK_SIGNING_SECRET: secrets.signing,
    OPENAI_API_KEY: secrets.model,
  };
  const starts = [
    { ...base, DATABASE_URL: secrets.database },
    { ...base, DATABASE_URL: secrets.database.replace('postgres:', 'mysql:') },
    { ...base, SLACK_BOT_TOKEN: secrets.app, DATABASE_URL: secrets.database },
    { ...base, DATABASE_URL: secrets.database, OPENAI_BASE_URL: `not a url ${secrets.bearer}` },
  ];
  for (const settings of starts) {
    const { code, out, err } = await commandLine(settings, 'migrate');
    expect(code).not.toBe(0);
    expect(err).not.toBe('');
    expect(sightings('terminal', out + err)).toEqual([]);
  }
});
