import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import { systemClock } from '../src/clock.ts';
import * as digests from '../src/domain/digests/index.ts';
import * as messages from '../src/domain/messages/index.ts';
import { work } from '../src/jobs/boss.ts';
import { type Running, startDrover } from '../test/support/process.ts';
import { startSlack } from '../test/support/slack.ts';
import { atMost, type Line, ms, percentile, timed, whole } from './measure.ts';
import { analyze, type Bench, bareEnrol, call, makeList, makeSequence, openBench } from './world.ts';

/** A slash command's tool, over a workspace with some content. */
export async function slashCommand(leads: number): Promise<Line[]> {
  const bench = await openBench('slash');
  const parts = 20;
  for (let i = 0; i < parts; i++) {
    const listId = await makeList(bench, `List ${i}`, leads / parts, (i * leads) / parts);
    const sequenceId = await makeSequence(bench, `Sequence ${i}`, { cap: 100 });
    if (i % 2) continue;
    await bareEnrol(bench, listId, sequenceId)();
    await bench.in(ctx => messages.planDay(ctx, sequenceId));
  }
  await analyze(bench);
  const took: number[] = [];
  for (let round = 0; round < 20; round++)
    for (const [tool, input] of [
      ['status', {}],
      ['list_lists', {}],
      ['show_list', { list: 'List 4' }],
      ['list_sequences', {}],
      ['show_sequence', { sequence: 'Sequence 4' }],
      ['why', { about: 'Sequence 4' }],
      ['why', { about: 'p7@c2.example' }],
      ['forecast', { sequence: 'Sequence 4' }],
      ['review_leads', { sequence: 'Sequence 4', decision: 'show' }],
      ['list_replies', {}],
      ['show_numbers', { sequence: 'Sequence 4' }],
      ['list_senders', {}],
      ['activity', {}],
      ['help', {}],
    ] as const)
      took.push(await timed(() => call(bench, tool, input)));
  await bench.close();
  return [
    atMost(
      `a slash command over ${whole(leads)} leads, p95 of ${took.length}`,
      percentile(took, 95),
      leads === 10_000 ? 100 : undefined,
    ),
  ];
}

/** A digest over many messages. */
export async function digest(sent: number): Promise<Line[]> {
  const bench = await openBench('digest');
  const listId = await makeList(bench, 'List', sent);
  const sequenceId = await makeSequence(bench, 'Sequence');
  await sql`insert into enrollment (workspace_id, sequence_id, lead_id, list_id, version, state, enrolled_at, contacted_at)
    select workspace_id, ${sequenceId}, lead_id, list_id, 1, 'active', ${bench.clock.now()}, ${bench.clock.now()} from membership where list_id = ${listId}`.execute(
    bench.services.db,
  );
  await sql`insert into message (workspace_id, enrollment_id, sequence_id, lead_id, sender_id, version, position, first_contact, state, planned_on, planned_at, handing_at, ended_at)
    select e.workspace_id, e.id, e.sequence_id, e.lead_id, (select min(id) from sender), 1, 1, true, 'sent', '2026-03-02', ${bench.clock.now()}, ${bench.clock.now()}, ${bench.clock.now()}
    from enrollment e`.execute(bench.services.db);
  await analyze(bench);
  const took: number[] = [];
  for (let i = 0; i < 5; i++) took.push(await timed(() => bench.in(ctx => digests.today(ctx))));
  await bench.close();
  return [atMost(`a digest over ${whole(sent)} messages`, percentile(took, 50), sent === 100_000 ? 1_000 : undefined)];
}

/** Messages to the bot at a rate, through local Slack and the real port; turns take 50 ms and run meanwhile. */
async function converse(bench: Bench, { events, threads, perSecond }: { events: number; threads: number; perSecond: number }) {
  const harness = await startSlack({ ...bench.services, clock: systemClock });
  const { control } = harness.slack;
  const answered: { root: string; text: string }[] = [];
  harness.turns.answer = async ({ text, root }) => {
    await new Promise(resolve => setTimeout(resolve, 50));
    answered.push({ root, text });
    return { text };
  };
  await work(bench.boss, harness.handlers, bench.services.log);
  const acks: number[] = [];
  const roots: string[] = [];
  const say = async (i: number): Promise<void> => {
    const root = roots[i % threads];
    const text = `@drover ${i}`;
    acks.push(
      await timed(async () => {
        const message = root ? await control.say({ channel: 'sales', threadTs: root, text }) : await control.mention({ text });
        if (!root) roots.push(message.ts);
      }),
    );
  };
  const took = await timed(async () => {
    const began = performance.now();
    const open: Promise<void>[] = [];
    for (let i = 0; i < events; i++) {
      const dueIn = began + (i * 1000) / perSecond - performance.now();
      if (dueIn > 0) await new Promise(resolve => setTimeout(resolve, dueIn));
      const said = say(i);
      if (i < threads) await said;
      else open.push(said);
    }
    await Promise.all(open);
    await until(() => answered.length >= events);
  });
  await bench.boss.stop({ graceful: true });
  await harness.close();
  return { acks, answered, took };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(resolve => setTimeout(resolve, 20));
}

/** Acknowledging while turns run, and answering each message once and in order per thread. */
export async function events(): Promise<Line[]> {
  const bench = await openBench('events');
  const { acks, answered, took } = await converse(bench, { events: 1_000, threads: 200, perSecond: 50 });
  await bench.connection.close();
  const once = answered.length === 1_000 && new Set(answered.map(({ text }) => text)).size === 1_000;
  const inOrder = [...Map.groupBy(answered, ({ root }) => root).values()].every(turns =>
    turns.every(({ text }, i) => i === 0 || Number(text) > Number(turns[i - 1]!.text)),
  );
  return [
    atMost('50 messages a second acknowledged while turns run, p99', percentile(acks, 99), 500),
    {
      what: '1,000 messages in 200 threads: each answered once, in order',
      measured: `${answered.length} answers, ${once ? 'each once' : 'NOT each once'}, ${inOrder ? 'in order' : 'OUT of order'}, ${ms(took)}`,
      target: 'once, in order',
      met: once && inOrder,
    },
  ];
}

/** From `npm start` on an empty home to a page that answers, and again on the home that it made. */
export async function startUp(): Promise<Line[]> {
  const home = await mkdtemp(path.join(tmpdir(), 'drover-bench-'));
  const lines: Line[] = [];
  for (const what of ['the first time', 'again']) {
    let running: Running | undefined;
    const took = await timed(async () => {
      running = await startDrover({ DROVER_HOME: home, LOG_LEVEL: 'silent' });
      const page = await fetch(running.url);
      if (!page.ok) throw new Error(`the page answered ${page.status}`);
    });
    await running?.stop();
    lines.push(atMost(`npm start to a page that answers, ${what}`, took, 6_000));
  }
  await rm(home, { recursive: true, force: true });
  return lines;
}
