import { expect } from 'vitest';
import { understand } from '../../src/agent/phrasebook/index.ts';
import { needs } from '../../src/domain/digests/rules.ts';
import { createHandlers } from '../../src/jobs/handlers.ts';
import { handleTick } from '../../src/jobs/tick.ts';
import type { Report } from '../../src/tools/report.ts';
import { makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

/** What was posted, per key, as the surface would see it. */
function listen(world: World): { key: string; channel: string; report: Report }[] {
  const posted: { key: string; channel: string; report: Report }[] = [];
  world.handlers = createHandlers(world.services, { ...world.ports, notify: async (_ctx, note) => void posted.push(note) });
  return posted;
}

const tickAndDrain = async (world: World) => {
  await handleTick(world.services);
  await world.drain();
};

/** A list with a finished refill, so that a digest has something to tell. */
const refilled = (world: World, office: Office, name: string, counts: { asked: number; added: number; kind?: string }) =>
  world.in(office, async ctx => {
    const list = await ctx.tx
      .insertInto('list')
      .values({ workspace_id: office.id, owner_id: office.admin.id, name, source: 'directory', created_at: ctx.now })
      .returning('id')
      .executeTakeFirstOrThrow();
    await ctx.tx
      .insertInto('refill')
      .values({
        workspace_id: office.id,
        list_id: list.id,
        kind: counts.kind ?? 'order',
        status: 'done',
        asked: counts.asked,
        found: counts.added + 3,
        added: counts.added,
        skipped: { no_email: 2, excluded_person: 1 },
        ended: counts.added < counts.asked ? 'exhausted' : 'filled',
        ordered_at: ctx.now,
        finished_at: ctx.now,
      })
      .execute();
    return list.id;
  });

test('G1 a digest tells added against ordered, and why less', async ({ world }) => {
  const office = await world.office();
  const posted = listen(world);
  await world.call(office, 'set_digest', { channel: '#sales', cadence: 'daily', at: '09:30' });
  await refilled(world, office, 'Fintech', { asked: 50, added: 40 });
  await world.clock.move({ hours: 2 });
  await tickAndDrain(world);
  expect(posted).toHaveLength(1);
  const [{ report }] = posted as [(typeof posted)[number]];
  const lists = report.tables!.find(table => table.title === 'Lists')!;
  expect(lists.rows[0]!.slice(0, 3)).toEqual(['Fintech', '0', '40 / 50']);
  expect(report.notes).toEqual([
    'Fintech got 40 of 50: the source has nobody else now; skipped: 2 no e-mail address, 1 excluded.',
  ]);
});

test('G1 what needs a human comes first, most urgent on top', () => {
  const sequence = {
    id: 1,
    name: 'Fall',
    status: 'active',
    mode: 'copilot',
    dailyCap: 20,
    zone: 'UTC',
    sendDays: [1],
    steps: 3,
    enrolled: 12,
    contacted: 0,
    contactedToday: 0,
    plannedToday: 0,
    backlog: 0,
    live: 0,
    inReview: 5,
    weeklyInflow: 12,
    openTasks: 0,
    oldestReviewAt: Temporal.Instant.from('2026-03-01T00:00:00Z'),
    replies: 0,
    bounces: 0,
    optOuts: 0,
    held: { missing_variable: 3 },
    unknown: 2,
    owner: 'Ada',
    failingSenders: ['ada@acme.example'],
  };
  const now = Temporal.Instant.from('2026-03-11T00:00:00Z');
  const order = (inReview: number) =>
    needs({ lists: [], sequences: [{ ...sequence, inReview }], approvals: [] }, now).map(need => need.text);
  expect(order(5)[0]).toMatch(/ada@acme.example does not send/);
  expect(order(5)[1]).toMatch(/2 messages may or may not have left/);
  expect(order(5)[2]).toMatch(/5 people wait for review, the oldest for 10 days; 12 came in within a week/);
  expect(order(5)[3]).toMatch(/3 messages are held/);
  const single = needs(
    { lists: [], sequences: [{ ...sequence, unknown: 1, held: { missing_variable: 1 } }], approvals: [] },
    now,
  ).map(need => need.text);
  expect(single).toContain('Fall: 1 message may or may not have left. A person must settle it.');
  expect(single).toContain('Fall: 1 message is held (missing variable).');
  // E4: above 200 in review, review comes first.
  expect(order(201)[0]).toMatch(/201 people wait for review/);
});

test('G1 whatever a need says to say is understood, whatever its sequence or list is called', () => {
  for (const name of ['Fall Intro', 'Fall and Spring', "Don't blink", '7 days', 'Reply? Maybe!']) {
    const sequence = { name, failingSenders: [], unknown: 1, inReview: 1, oldestReviewAt: null, held: { x: 1 }, openTasks: 1 };
    const list = { name, emptyInARow: 2, failedInARow: 0, failed: null };
    const told = needs(
      {
        sequences: [{ ...sequence, weeklyInflow: 1, owner: 'Ada' }] as never,
        lists: [
          list,
          { ...list, failedInARow: 1 },
          { ...list, failedInARow: 2 },
          { ...list, emptyInARow: 0, failed: { refills: 1, missing: 7, kind: 'order', error: null } },
          { ...list, emptyInARow: 0, failed: { refills: 2, missing: 20_000, kind: 'monitoring', error: 'It broke.' } },
          { ...list, emptyInARow: 0, failed: { refills: 1, missing: 1, kind: 'import', error: 'It broke off.' } },
        ] as never,
        approvals: [],
      },
      Temporal.Instant.from('2026-03-02T00:00:00Z'),
    );
    const tools = (lists: string[], sequences: string[], from: typeof told) =>
      from.map(({ next }) => {
        const understood = understand(next!, { lists, sequences, focus: {}, today: '2026-03-02' });
        return understood.kind === 'calls' ? understood.calls.map(({ tool }) => tool).join() : understood.text;
      });
    expect([name, ...tools([], [name], told.slice(0, 3)), ...tools([], [name], told.slice(3, 4))]).toEqual([
      ...[name, 'list_people', 'review_leads', 'list_tasks', 'list_people'],
    ]);
    expect([name, ...tools([name], [], told.slice(4))]).toEqual([
      ...[name, 'add_leads', 'add_leads', 'show_list', 'show_list', 'show_list', 'why'],
    ]);
    expect(told.map(({ text }) => text).slice(4)).toEqual([
      `${name}: an order was given up after a day, 7 leads short. Order them again.`,
      `${name}: 2 orders were given up, each after a day, 20000 leads short. It broke. The next refill comes at its time; order these if they are needed before.`,
      `${name}: an import was broken off. It broke off.`,
      `${name}: the last 2 refills found nobody new. Wider criteria would help.`,
      `${name}: the last 2 refills added nobody; 1 of them could not be carried out.`,
      `${name}: the last 2 refills could not be carried out.`,
    ]);
  }
});

test('G2 a digest is posted once per channel and period, whatever is run again', async ({ world }) => {
  const office = await world.office();
  const posted = listen(world);
  await world.call(office, 'set_digest', { channel: '#sales', cadence: 'weekdays', at: '09:30' });
  await refilled(world, office, 'Fintech', { asked: 5, added: 5 });
  await tickAndDrain(world);
  expect(posted).toHaveLength(0);
  await world.clock.move({ hours: 2 });
  await handleTick(world.services);
  await tickAndDrain(world);
  await tickAndDrain(world);
  expect(posted.map(note => note.key)).toEqual([expect.stringMatching(/^digest:\d+:2026-03-02$/)]);
  // The clock goes back over the due time: the period's digest exists.
  await world.clock.move({ hours: -2 });
  await tickAndDrain(world);
  await world.clock.move({ hours: 2 });
  await tickAndDrain(world);
  expect(posted).toHaveLength(1);
});

test('G2 a digest whose time is put later on the same day is not posted again that day', async ({ world }) => {
  const office = await world.office();
  const posted = listen(world);
  await world.call(office, 'set_digest', { channel: '#sales', cadence: 'daily', at: '09:30' });
  await refilled(world, office, 'Fintech', { asked: 5, added: 5 });
  await world.clock.move({ hours: 2 });
  await tickAndDrain(world);
  await world.call(office, 'set_digest', { channel: '#sales', cadence: 'daily', at: '11:30' });
  await refilled(world, office, 'Banks', { asked: 5, added: 5 });
  await world.clock.move({ hours: 2 });
  await tickAndDrain(world);
  expect(posted.map(note => note.key.slice(-10))).toEqual(['2026-03-02']);
});

test('G2 nothing changed, nothing said, except once a week', async ({ world }) => {
  const office = await world.office();
  const posted = listen(world);
  await world.call(office, 'set_digest', { channel: '#sales', cadence: 'daily', at: '09:30' });
  // Each morning makes the digest that was due the day before: the first heartbeat a week after the order, the next a week later.
  for (let day = 0; day < 15; day++) {
    await world.clock.move({ hours: 24 });
    await tickAndDrain(world);
  }
  expect(posted.map(note => note.key.slice(-10))).toEqual(['2026-03-08', '2026-03-15']);
  expect(posted[0]!.report.title).toMatch(/Nothing changed/);
});

test('G1 G2 nothing changed, and yet something needs a human: that is said every time', async ({ world }) => {
  const office = await world.office();
  const posted = listen(world);
  await makeSequence(world, office);
  await world.in(office, ctx => ctx.tx.updateTable('sender').set({ status: 'failing' }).execute());
  await world.call(office, 'set_digest', { channel: '#sales', cadence: 'daily', at: '09:30' });
  for (let day = 0; day < 3; day++) {
    await world.clock.move({ hours: 24 });
    await tickAndDrain(world);
  }
  expect(posted.map(note => note.key.slice(-10))).toEqual(['2026-03-02', '2026-03-03', '2026-03-04']);
  for (const { report } of posted) {
    expect(report.title).not.toMatch(/Nothing changed/);
    expect(JSON.stringify(report)).toContain('does not send, so Fall Intro waits');
  }
});

test('G2 in which channel is asked when nobody said', async ({ world }) => {
  const office = await world.office();
  expect(await world.call(office, 'set_digest', { cadence: 'daily' })).toMatchObject({
    outcome: 'refused',
    code: 'which_channel',
  });
  expect(await world.call(office, 'set_digest', { channel: '#sales', cadence: 'off' })).toMatchObject({
    outcome: 'refused',
    code: 'no_digest',
  });
});
