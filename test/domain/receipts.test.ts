import { expect } from 'vitest';
import * as monitoring from '../../src/domain/monitoring/index.ts';
import { createHandlers } from '../../src/jobs/handlers.ts';
import { handleTick } from '../../src/jobs/tick.ts';
import { notify } from '../../src/slack/notify.ts';
import { makeSequence } from '../support/links.ts';
import type { Note } from '../support/notes.ts';
import { reachable, set, setUp, tick } from '../support/refills.ts';
import { type Office, test, type World } from '../support/world.ts';

const thread = { surface: 'slack' as const, channel: 'C1', root: '111.222' };

/** What is told, in order. */
function listen(world: World): Note[] {
  const told: Note[] = [];
  world.handlers = createHandlers(world.services, { ...world.ports, notify: async (_ctx, note) => void told.push(note) });
  return told;
}

const add = (world: World, office: Office, count: number, how = {}) =>
  world.call(office, 'add_leads', { list: 'VPs', count }, { place: thread, ...how });
const facts = ({ report }: Note) => Object.fromEntries(report.facts!.map(({ label, value }) => [label, value]));

test('L5 M7 an order that is carried out is told in its thread: asked, looked at, added, skipped by reason, and how many enrolled', async ({
  world,
}) => {
  const { acme } = await setUp(world, { source: reachable(40) });
  await makeSequence(world, acme, 'Fall');
  await world.call(acme, 'link_list', { list: 'VPs', sequence: 'Fall' });
  await world.call(acme, 'exclude', { address: 'pat3@firm.example' });
  const told = listen(world);
  await add(world, acme, 10, { actor: acme.admin });
  await world.drain();
  expect(told).toMatchObject([{ key: expect.stringMatching(/^receipt:\d+$/), channel: 'C1', threadTs: '111.222' }]);
  const [note] = told as [Note];
  expect([note.report.tone, note.report.title]).toEqual(['good', '"VPs" got the 10 leads that you ordered.']);
  expect(facts(note)).toEqual({
    ...{ 'Asked for': '10', 'Looked at': '11', Added: '10', Skipped: '1 excluded', Enrolled: '10' },
  });
});

test('M8 L5 a short order says why, and what would widen it, in the same message', async ({ world }) => {
  const { acme } = await setUp(world, { source: reachable(40), criteria: { titles: ['VP of Sales'], industries: ['fintech'] } });
  const told = listen(world);
  await add(world, acme, 30);
  await world.drain();
  const [{ report }] = told as [Note];
  expect([told.length, report.tone, report.title]).toEqual([1, 'warning', '"VPs" got 13 of the 30 leads that you ordered.']);
  expect(report.notes).toEqual([
    'Why not more: nobody else matches today.',
    'Without the industry there would be 27 more people.',
  ]);
  expect(report.next![0]).toMatch(/^"VPs" should look for VPs? of Sales/i);
  const shown = await world.call(acme, 'show_list', { list: 'VPs' });
  expect(shown.report.facts).toContainEqual({ label: 'Would find more', value: 'without the industry: 27 more people' });
});

test('L5 a new list’s first leads are told where they were ordered; outside Slack the asker is told directly', async ({
  world,
}) => {
  const { acme } = await setUp(world);
  const told = listen(world);
  const find = (name: string, how: object) =>
    world.call(acme, 'create_list', { name, criteria: { titles: ['VP of Sales'] }, count: 5 }, { actor: acme.rep, ...how });
  await find('One', { place: thread });
  await find('Two', { place: { surface: 'slack', channel: 'D7', root: 'top' } });
  await find('Three', {});
  await world.drain();
  expect(told.map(({ channel, threadTs, report }) => [report.title, channel, threadTs]).sort()).toEqual([
    ['"One" got the 5 leads that you ordered.', 'C1', '111.222'],
    ['"Three" got the 5 leads that you ordered.', acme.rep.slackUserId, undefined],
    ['"Two" got the 5 leads that you ordered.', 'D7', undefined],
  ]);
});

test('L5 a receipt is posted once, whoever carries the order out and however often; a standing order posts none', async ({
  world,
}) => {
  const { acme, listId } = await setUp(world);
  world.handlers = { ...createHandlers(world.services, { notify }), 'slack-post': async () => {} };
  const done = await add(world, acme, 60);
  const { refillId } = (done as unknown as { result: { refillId: number } }).result;
  const again = () => world.handlers['refill-list']!({ workspaceId: acme.id, refillId } as never, new AbortController().signal);
  await Promise.all([again(), again(), again()]);
  await world.drain();
  await again();
  await set(world, acme, listId, 'daily', 5);
  await world.clock.move({ hours: 24 });
  expect(await tick(world, acme, listId)).not.toBeNull();
  const posts = await world.in(acme, ctx =>
    ctx.tx.selectFrom('slack_post').select(['post_key', 'channel', 'thread_ts']).execute(),
  );
  expect(posts).toEqual([{ post_key: `receipt:${refillId}`, channel: 'C1', thread_ts: '111.222' }]);
});

test('L5 a receipt is there if and only if its order has ended: where it cannot be stored, the order goes on', async ({
  world,
}) => {
  const { acme } = await setUp(world);
  const done = await add(world, acme, 5);
  const { refillId } = (done as unknown as { result: { refillId: number } }).result;
  const broken = monitoring.carryOut(world.services, acme.id, refillId, {
    tell: async () => {
      throw new Error('the disk is full');
    },
  });
  await expect(broken).rejects.toThrow('the disk is full');
  const read = () =>
    world.in(acme, ctx =>
      ctx.tx.selectFrom('refill').select(['status', 'added']).where('id', '=', refillId).executeTakeFirstOrThrow(),
    );
  expect(await read()).toEqual({ status: 'running', added: 0 });
  const told = listen(world);
  await world.drain();
  expect([told.length, await read()]).toEqual([1, { status: 'done', added: 5 }]);
});

test('L5 G1 an order that is given up tells its asker what to do, and is in the digest and its needs; a list that got people since is not', async ({
  world,
}) => {
  const { acme, source } = await setUp(world);
  const told = listen(world);
  await add(world, acme, 30, { actor: acme.admin });
  source.failures = 1_000;
  const attempt = async () => {
    await handleTick(world.services);
    await world.drain().catch(() => {});
  };
  await attempt();
  expect(told).toEqual([]);
  await world.clock.move({ hours: 25 });
  await attempt();
  const [note] = told as [Note];
  expect(told).toHaveLength(1);
  expect(note).toMatchObject({ channel: 'C1', threadTs: '111.222', report: { tone: 'warning' } });
  expect(note.report.title).toBe('The order of 30 leads for "VPs" could not be carried out: 0 were added.');
  expect(note.report.notes).toEqual(['The directory does not answer. It was tried for a day. Order the rest again.']);
  expect(note.report.next![0]).toBe('add 30 to "VPs"');
  const status = await world.call(acme, 'status', {});
  expect(status.report.urgent).toEqual([
    'VPs: an order was given up after a day, 30 leads short. The directory does not answer. Order them again.',
  ]);
  expect(status.report.next).toEqual(['add 30 to "VPs"']);
  expect(status.report.notes!.join(' ')).toContain('VPs got 0 of 30');
  source.failures = 0;
  await add(world, acme, 30);
  await world.drain();
  expect((await world.call(acme, 'status', {})).report.urgent).toEqual([]);
});

test('M8 refills that failed count as empty, and say so instead of asking for wider criteria', async ({ world }) => {
  const { acme, listId, source } = await setUp(world);
  await set(world, acme, listId, 'daily', 5);
  source.failures = 1_000;
  for (let day = 0; day < 4; day++) {
    await world.clock.move({ hours: 24 });
    await handleTick(world.services);
    await world.drain().catch(() => {});
  }
  const urgent = (await world.call(acme, 'status', {})).report.urgent!;
  expect(urgent).toHaveLength(1);
  expect(urgent[0]).toMatch(/^VPs: .*refill.* given up/);
  expect(urgent.join(' ')).not.toContain('Wider criteria');
});
