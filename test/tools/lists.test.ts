import { expect } from 'vitest';
import * as lists from '../../src/domain/lists/index.ts';
import * as monitoring from '../../src/domain/monitoring/index.ts';
import { isRefusal } from '../../src/errors.ts';
import type { Outcome } from '../../src/tools/run.ts';
import { PeopleSource, someone } from '../support/people-source.ts';
import { type Office, test, type World } from '../support/world.ts';

const vps = { titles: ['VP of Sales'], industries: ['fintech'] };
const everybody = { titles: ['VP of Sales'] };

const withSource = (world: World, source = new PeopleSource()) => {
  world.services.sources = { directory: source };
  return source;
};
// biome-ignore lint/suspicious/noExplicitAny: results differ by tool
const result = (outcome: Outcome): any => {
  if (outcome.outcome !== 'done') throw new Error(JSON.stringify(outcome));
  return outcome.result;
};
const rows = (world: World, office: Office, table: 'list' | 'lead' | 'refill' | 'membership' | 'monitoring') =>
  world.in(office, ctx => ctx.tx.selectFrom(table).selectAll().execute());
const bareFile = (world: World, office: Office) =>
  world.in(office, async ctx => {
    const opened = await monitoring.openImport(ctx, { listName: 'Fair', ownerId: office.admin.id, asked: 1 });
    if (isRefusal(opened)) throw new Error(opened.message);
    await monitoring.importRows(ctx, { ...opened, candidates: [someone(1)] });
    await monitoring.closeImport(ctx, opened.refillId);
  });

test('L1 a list is created, filled and shown without any sequence', async ({ world }) => {
  withSource(world);
  const acme = await world.office();
  const made = result(await world.call(acme, 'create_list', { criteria: vps, count: 30 }));
  expect(made).toMatchObject({ list: 'VP of Sales · fintech', ordered: 30, total: 100 });
  await world.drain();
  const outcome = await world.call(acme, 'show_list', { list: 'vp of sales fintech' });
  expect(result(outcome)).toMatchObject({
    members: 30,
    onOrder: 0,
    sequence: null,
    monitoring: 'off',
    lastRefill: { asked: 30, added: 30, ended: 'filled' },
  });
  const facts = Object.fromEntries(outcome.report.facts!.map(({ label, value }) => [label, value]));
  expect(facts['Last order']).toBe('30 of 30 added, Mon 2 Mar, 08:00');
  expect(facts['Looked at']).toMatch(/^3\d people; skipped .*no e-mail address/);
  expect(outcome.report.tables![0]).toMatchObject({ title: 'Newest members', rows: { length: 5 } });
});

test('L2 a preview shows the total, at most five people and who has an address, and writes nothing', async ({ world }) => {
  const source = withSource(world);
  const acme = await world.office();
  const outcome = await world.call(acme, 'preview_list', { criteria: vps });
  expect(outcome).toMatchObject({ effect: 'read' });
  expect(result(outcome)).toMatchObject({ total: 100, withEmail: 86, samples: { length: 5 } });
  expect(outcome.report.tables![0]!.columns.map(column => column.label)).toEqual(['Name', 'Title', 'Company', 'Place']);
  expect(JSON.stringify(outcome)).not.toContain('@');
  expect(source.served).toBe(0);
  for (const table of ['list', 'lead', 'refill'] as const) expect(await rows(world, acme, table)).toEqual([]);
});

test('L2 a dropped filter is shown, and asked about before saving', async ({ world }) => {
  withSource(world);
  const acme = await world.office();
  const criteria = { ...vps, keywords: ['payments'] };
  const preview = await world.call(acme, 'preview_list', { criteria });
  expect(preview.report).toMatchObject({ tone: 'warning', notes: ['Left out (keywords): it has no keywords.'] });
  expect(await world.call(acme, 'create_list', { criteria })).toMatchObject({
    outcome: 'refused',
    code: 'confirm_first',
    message: expect.stringContaining('cannot filter by keyword'),
  });
  expect(await rows(world, acme, 'list')).toEqual([]);
  const saved = await world.call(acme, 'create_list', { criteria, confirmed: true });
  expect(saved.report.notes).toEqual(['Left out (keywords): it has no keywords.']);
});

test('L2 fewer than half of what was asked for is asked about before saving', async ({ world }) => {
  withSource(world);
  const acme = await world.office();
  expect(await world.call(acme, 'create_list', { criteria: vps, count: 173 })).toMatchObject({
    code: 'confirm_first',
    message: expect.stringContaining('Only 86 of the 173 you asked for match and have an e-mail address.'),
  });
  expect(await rows(world, acme, 'refill')).toEqual([]);
  expect(await world.call(acme, 'create_list', { criteria: vps, count: 172 })).toMatchObject({ outcome: 'done' });
  expect(await world.call(acme, 'create_list', { criteria: vps, count: 173, confirmed: true })).toMatchObject({
    outcome: 'done',
    result: { list: 'VP of Sales · fintech 2' },
  });
});

test('L2 empty criteria, unknown values and criteria that nobody matches are answered with what to do', async ({ world }) => {
  withSource(world);
  const acme = await world.office();
  const refusal = (criteria: object) => world.call(acme, 'create_list', { criteria, count: 5 });
  expect(await refusal({})).toMatchObject({ code: 'empty_criteria', next: expect.any(Array) });
  expect(await refusal({ exclude: { industries: ['fintech'] } })).toMatchObject({ code: 'empty_criteria' });
  expect(await refusal({ industries: ['fintek'] })).toMatchObject({
    code: 'unknown_industry',
    message: 'I do not know "fintek" as an industry. Nearest: fintech.',
  });
  expect(await refusal({ companyLocations: ['Germania'] })).toMatchObject({
    code: 'unknown_place',
    message: expect.stringContaining('Nearest: Germany.'),
  });
  expect(await refusal({ titles: ['Astronaut'], industries: ['fintech'] })).toMatchObject({
    code: 'nobody_matches',
    message: 'Nobody matches. Without the title there would be 100.',
    next: ['preview people at fintech companies'],
  });
  expect(await rows(world, acme, 'list')).toEqual([]);
});

test('a source that does not answer is said so and nothing is saved', async ({ world }) => {
  withSource(world).failures = 1;
  const acme = await world.office();
  expect(await world.call(acme, 'create_list', { criteria: vps, count: 5 })).toMatchObject({ code: 'source_unavailable' });
  world.services.sources = {};
  expect(await world.call(acme, 'preview_list', { criteria: vps })).toMatchObject({ code: 'no_source' });
  expect(await rows(world, acme, 'list')).toEqual([]);
});

test('L6 a taken name is refused with a free one; a name that is made is free', async ({ world }) => {
  withSource(world);
  const acme = await world.office();
  await world.call(acme, 'create_list', { name: 'Fall', criteria: vps });
  expect(await world.call(acme, 'create_list', { name: 'fall', criteria: vps, count: 5 })).toMatchObject({
    code: 'name_taken',
    next: ['call it "fall 2"'],
  });
  expect(await rows(world, acme, 'refill')).toEqual([]);
});

test('an order of 1 to 10,000 is taken, others are refused', async ({ world }) => {
  withSource(world);
  const acme = await world.office();
  await world.call(acme, 'create_list', { name: 'Fall', criteria: everybody });
  for (const count of [0, -5, 10_001, 1.5]) {
    expect(await world.call(acme, 'add_leads', { list: 'Fall', count })).toMatchObject({ code: 'count_out_of_range' });
    expect(await world.call(acme, 'create_list', { criteria: vps, count })).toMatchObject({ code: 'count_out_of_range' });
  }
  expect(await world.call(acme, 'add_leads', { list: 'Fall', count: 10_000 })).toMatchObject({ outcome: 'done' });
});

test('M1 M3 monitoring reads at a glance, and the answer names the first run', async ({ world }) => {
  withSource(world);
  const acme = await world.office();
  await world.call(acme, 'create_list', { name: 'Fall', criteria: everybody });
  const set = (input: object) => world.call(acme, 'set_monitoring', { list: 'Fall', ...input });
  expect(await set({ cadence: 'daily' })).toMatchObject({ code: 'how_many' });
  const daily = await set({ cadence: 'daily', amount: 20 });
  expect(daily.report.title).toBe('"Fall" gets 20 / day, first on Tue 3 Mar, 06:00.');
  expect(result(daily)).toMatchObject({ firstRunAt: '2026-03-03T06:00:00Z' });
  // A correction keeps what it does not mention.
  expect(result(await set({ cadence: 'weekly' }))).toMatchObject({ monitoring: '20 / week (Mon)', before: '20 / day' });
  expect(result(await set({ cadence: 'weekly', weekday: 4 }))).toMatchObject({ monitoring: '20 / week (Thu)' });
  expect(result(await set({ cadence: 'weekly', amount: 30 }))).toMatchObject({ monitoring: '30 / week (Thu)' });
  expect(result(await set({ cadence: 'weekdays' }))).toMatchObject({ monitoring: '30 / weekday' });
  expect((await set({ cadence: 'off' })).report.title).toBe('Monitoring of "Fall" is off.');
  expect(await rows(world, acme, 'monitoring')).toEqual([]);
});

test('M1 N is 1 to 1,000, and a weekday goes with weekly', async ({ world }) => {
  withSource(world);
  const acme = await world.office();
  await world.call(acme, 'create_list', { name: 'Fall', criteria: everybody });
  const set = (input: object) => world.call(acme, 'set_monitoring', { list: 'Fall', ...input });
  for (const amount of [0, 1001, 2.5, -1])
    expect(await set({ cadence: 'daily', amount })).toMatchObject({ code: 'amount_out_of_range' });
  expect(await set({ cadence: 'daily', amount: 5, weekday: 2 })).toMatchObject({ code: 'weekday_needs_weekly' });
  expect(await rows(world, acme, 'monitoring')).toEqual([]);
  for (const amount of [1, 1000]) expect(await set({ cadence: 'daily', amount })).toMatchObject({ outcome: 'done' });
});

test('M1 a bare file refuses monitoring and orders, and asks for criteria; with them it takes both', async ({ world }) => {
  withSource(world);
  const acme = await world.office();
  await bareFile(world, acme);
  expect(await world.call(acme, 'set_monitoring', { list: 'Fair', cadence: 'daily', amount: 20 })).toMatchObject({
    code: 'no_criteria',
  });
  expect(await world.call(acme, 'add_leads', { list: 'Fair', count: 20 })).toMatchObject({ code: 'no_criteria' });
  const edited = await world.call(acme, 'edit_criteria', { list: 'Fair', criteria: everybody });
  expect(edited.report.tables![0]).toMatchObject({ rows: [['Title', '–', 'VP of Sales']] });
  await world.call(acme, 'add_leads', { list: 'Fair', count: 10 });
  await world.drain();
  expect(result(await world.call(acme, 'show_list', { list: 'Fair' }))).toMatchObject({ members: 11, source: 'directory' });
});

test('L5 show_list and list_lists tell the last receipt with its reasons', async ({ world }) => {
  withSource(world, new PeopleSource(30));
  const acme = await world.office();
  await world.call(acme, 'create_list', { name: 'Fall', criteria: everybody, count: 40 });
  expect(result(await world.call(acme, 'list_lists', {}))).toMatchObject({ lists: [{ name: 'Fall', members: 0, onOrder: 40 }] });
  await world.drain();
  const shown = await world.call(acme, 'show_list', { list: 'Fall' });
  const facts = Object.fromEntries(shown.report.facts!.map(({ label, value }) => [label, value]));
  expect(facts['Last order']).toBe('26 of 40 added, Mon 2 Mar, 08:00 (nobody else matches today)');
  expect(facts['Looked at']).toBe('30 people; skipped 3 no e-mail address, 1 invalid e-mail address');
  const all = await world.call(acme, 'list_lists', {});
  expect(all.report.tables![0]!.rows).toEqual([['Fall', '26', 'off', '–', '26 of 40, Mon 2 Mar', 'Ada']]);
});

test('W2 a rep changes own lists and looks at all', async ({ world }) => {
  withSource(world);
  const acme = await world.office();
  await world.call(acme, 'create_list', { name: 'Fall', criteria: everybody });
  const asRep = (tool: string, input: object) => world.call(acme, tool, input, { actor: acme.rep });
  for (const [tool, input] of [
    ['add_leads', { count: 5 }],
    ['set_monitoring', { cadence: 'daily', amount: 5 }],
    ['edit_criteria', { criteria: vps }],
  ] as const)
    expect(await asRep(tool, { list: 'Fall', ...input })).toMatchObject({
      code: 'not_yours',
      message: expect.stringContaining('Ada'),
    });
  expect(await asRep('show_list', { list: 'Fall' })).toMatchObject({ outcome: 'done' });
  await asRep('create_list', { name: 'Mine', criteria: everybody });
  expect(await asRep('add_leads', { list: 'Mine', count: 5 })).toMatchObject({ outcome: 'done' });
  expect(await world.call(acme, 'add_leads', { list: 'Mine', count: 5 })).toMatchObject({ outcome: 'done' });
});

test('an unknown list is answered with the nearest, by every tool that takes one', async ({ world }) => {
  withSource(world);
  const acme = await world.office();
  await world.call(acme, 'create_list', { name: 'Fall VPs', criteria: everybody });
  for (const [tool, input] of [
    ['show_list', {}],
    ['add_leads', { count: 5 }],
    ['set_monitoring', { cadence: 'off' }],
    ['edit_criteria', { criteria: vps }],
  ] as const)
    expect(await world.call(acme, tool, { list: 'Fal VPs', ...input })).toMatchObject({
      code: 'unknown_list',
      message: 'There is no list called "Fal VPs". The nearest: "Fall VPs".',
    });
});

test('A8 results are JSON that comes back as it went', async ({ world }) => {
  withSource(world);
  const acme = await world.office();
  const outcomes = [
    await world.call(acme, 'create_list', { name: 'Fall', criteria: everybody, count: 3 }),
    await world.call(acme, 'set_monitoring', { list: 'Fall', cadence: 'daily', amount: 5 }),
  ];
  await world.drain();
  for (const tool of ['show_list', 'list_lists']) outcomes.push(await world.call(acme, tool, { list: 'Fall' }));
  for (const outcome of outcomes) expect(JSON.parse(JSON.stringify(outcome))).toEqual(outcome);
});

test('L6 nobody sees an archived list among the lists', async ({ world }) => {
  withSource(world);
  const acme = await world.office();
  const { listId } = result(await world.call(acme, 'create_list', { name: 'Fall', criteria: everybody }));
  await world.in(acme, ctx => lists.archive(ctx, listId));
  expect(result(await world.call(acme, 'list_lists', {}))).toMatchObject({ lists: [] });
  expect(await world.call(acme, 'add_leads', { list: 'Fall', count: 5 })).toMatchObject({ code: 'list_archived' });
});
