import { sql } from 'kysely';
import { expect, describe as group, test as pure } from 'vitest';
import type * as forecasts from '../../src/domain/forecasts/index.ts';
import { paceOf } from '../../src/domain/forecasts/rules.ts';
import { enrolledBefore, makeList, makeSequence, settle } from '../support/links.ts';
import { mailThrough } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const monday = Temporal.PlainDate.from('2026-03-02');
const window = { zone: 'UTC', days: [1, 2, 3, 4, 5], from: '09:00', until: '17:00', holidays: new Set<string>() };
const capacity = { cap: 6, effectiveCap: 6, newPerDay: 2, sendingDaysPerWeek: 5, limitedBy: 'cap' as const };
const backlog = (people: number) => [{ sequenceId: 1, position: 1, dueOn: null, people }];
const given = { capacity, isRunning: true, takesNew: true, today: monday, window, delays: [0, 3, 3], orders: [], waiting: [] };

group('the pace', () => {
  pure('M9 a backlog drains on the day whose places its last person takes', () => {
    expect(paceOf({ ...given, waiting: backlog(6) })).toEqual({
      inflowPerWeek: 0,
      roomPerWeek: 10,
      backlog: 6,
      drainsOn: '2026-03-02',
    });
    expect(paceOf({ ...given, waiting: backlog(7) }).drainsOn).toBe('2026-03-03');
    // Monday to Wednesday 18; from Thursday on follow-ups are due, and new leads keep two places a day.
    expect(paceOf({ ...given, waiting: backlog(19) }).drainsOn).toBe('2026-03-05');
    expect(paceOf({ ...given, waiting: backlog(23) }).drainsOn).toBe('2026-03-09');
  });
  pure('M9 nothing is sent on other days, and on holidays', () => {
    const holidays = new Set(['2026-03-02']);
    expect(paceOf({ ...given, window: { ...window, holidays }, waiting: backlog(6) }).drainsOn).toBe('2026-03-03');
    expect(paceOf({ ...given, window: { ...window, days: [7] }, waiting: backlog(6) }).drainsOn).toBe('2026-03-08');
    expect(paceOf({ ...given, window: { ...window, days: [] }, waiting: backlog(6) }).drainsOn).toBeNull();
  });
  pure('M9 a backlog never drains where more comes in than there is room for', () => {
    const orders = [{ cadence: 'weekdays', amount: 3, weekday: null, from: monday }];
    expect(paceOf({ ...given, orders, waiting: backlog(300) })).toMatchObject({
      inflowPerWeek: 15,
      roomPerWeek: 10,
      drainsOn: null,
    });
    expect(paceOf({ ...given, orders: [{ ...orders[0]!, amount: 1 }], waiting: backlog(30) }).drainsOn).not.toBeNull();
    expect(paceOf({ ...given, orders, takesNew: false, waiting: backlog(30) })).toMatchObject({ inflowPerWeek: 0 });
    expect(paceOf({ ...given, isRunning: false, waiting: backlog(1) }).drainsOn).toBeNull();
  });
  pure('M9 follow-ups that are due take their places before further new leads', () => {
    const due = { sequenceId: 1, position: 2, dueOn: '2026-02-27', people: 40 };
    expect(paceOf({ ...given, waiting: [...backlog(4), due] })).toMatchObject({ backlog: 4, drainsOn: '2026-03-03' });
  });
});

const nameless = (world: World, office: Office, leadIds: number[]) =>
  world.in(office, ctx => sql`update lead set first_name = null where id = any(${leadIds}::bigint[])`.execute(ctx.tx));

test('K7 a preflight counts who enrols, who is skipped and held by whom, and what will be held', async ({ world }) => {
  const office = await world.office();
  const winter = await makeSequence(world, office, 'Winter', { owner: office.rep.id });
  const fall = await makeSequence(world, office, 'Fall', { cap: 5 });
  const list = await makeList(world, office, 'Fintech', { members: 30, monitored: { cadence: 'daily', amount: 2 } });
  for (const leadId of list.leads.slice(0, 3))
    await enrolledBefore(world, office, { sequenceId: winter.id, leadId, state: 'active', contactedDaysAgo: 3 });
  await enrolledBefore(world, office, { sequenceId: winter.id, leadId: list.leads[3]!, state: 'replied', contactedDaysAgo: 3 });
  await nameless(world, office, list.leads.slice(4, 6));
  const before = await world.in(office, ctx => sql`select * from enrollment order by id`.execute(ctx.tx));
  const told = await world.call(office, 'preflight_link', { list: 'Fintech', sequence: 'Fall' });
  expect(told).toMatchObject({ outcome: 'done', effect: 'read' });
  const { result, report } = told as { result: forecasts.Preflight; report: { facts: { label: string; value: string }[] } };
  expect(result).toMatchObject({
    members: 30,
    enrolling: 26,
    skipped: { in_other_sequence: 3, replied_before: 1 },
    heldBy: [{ sequence: 'Winter', owner: 'Ray', people: 3 }],
    missing: { first_name: 2 },
    capacity: { cap: 5, effectiveCap: 5 },
    backlog: 0,
    pace: { inflowPerWeek: 14, roomPerWeek: 5, backlog: 26 },
    waitsForReview: false,
    isEstimate: true,
    lastOn: null,
  });
  expect(report.facts.map(fact => fact.label)).toEqual(
    expect.arrayContaining(['Will be held', 'Daily cap', 'Room for new leads', 'First contact', 'Last first contact']),
  );
  expect((await world.in(office, ctx => sql`select * from enrollment order by id`.execute(ctx.tx))).rows).toEqual(before.rows);
  expect(fall.id).toBeGreaterThan(0);
});

test('K7 the first and the last contact of the preflight are those that come about', async ({ world }) => {
  const office = await world.office();
  mailThrough(world);
  await makeSequence(world, office, 'Fall', { cap: 5 });
  const list = await makeList(world, office, 'Fintech', { members: 12 });
  const told = (await world.call(office, 'preflight_link', { list: 'Fintech', sequence: 'Fall' })) as {
    result: forecasts.Preflight;
  };
  const asked = await world.call(office, 'link_list', { list: 'Fintech', sequence: 'Fall' });
  expect(asked.outcome).toBe('done');
  expect(asked.report.facts!.find(fact => fact.label === 'Last first contact')).toBeDefined();
  await world.drain();
  const { rows } = await world.in(office, ctx =>
    sql<{ at: Temporal.Instant }>`select min(planned_at) as at from message`.execute(ctx.tx),
  );
  expect(told.result.firstAt).toBe(rows[0]!.at.toString());
  // Five on Monday and five on Tuesday; the last two on Wednesday.
  expect(told.result.lastOn).toBe('2026-03-04');
  expect(list.leads).toHaveLength(12);
});

test('M9 monitoring and lists state inflow, room and when the backlog drains', async ({ world }) => {
  const office = await world.office();
  await makeSequence(world, office, 'Fall', { cap: 6 });
  await makeList(world, office, 'Fintech', { members: 25 });
  await world.call(office, 'link_list', { list: 'Fintech', sequence: 'Fall' });
  await settle(world);
  const facts = async (tool: string, input: object) => {
    const { report } = await world.call(office, tool, input);
    return Object.fromEntries((report.facts ?? []).map(({ label, value }) => [label, value]));
  };
  expect(await facts('set_monitoring', { list: 'Fintech', cadence: 'daily', amount: 3 })).toMatchObject({
    'Fall: coming in': '21 a week',
    'Fall: room for new leads': '10 a week',
    'Fall: backlog': expect.stringMatching(/^25 leads, never drained/),
  });
  expect(await facts('set_monitoring', { list: 'Fintech', cadence: 'off' })).toMatchObject({
    'Fall: backlog': expect.stringMatching(/^25 leads, drained around Tue 10 Mar$/),
  });
  expect(await facts('show_list', { list: 'Fintech' })).toMatchObject({ 'Fall: room for new leads': '10 a week' });
  expect(await facts('show_sequence', { sequence: 'Fall' })).toMatchObject({ 'Room for new leads': '10 a week' });
  const status = (await world.call(office, 'status', {})) as { result: { sequences: forecasts.Pace[] } };
  expect(status.result.sequences[0]).toMatchObject({ roomPerWeek: 10, backlog: 25, drainsOn: '2026-03-10' });
  // The card shows what the change would come to.
  const card = await world.call(office, 'edit_sequence', { sequence: 'Fall', dailyCap: 25 });
  expect(card.report.facts).toContainEqual({ label: 'Room for new leads', value: '40 a week' });
});

test('S3 forecast tells week by week what is added, contacted and followed up, and writes nothing', async ({ world }) => {
  const office = await world.office();
  await makeSequence(world, office, 'Fall', { cap: 6 });
  await makeList(world, office, 'Fintech', { members: 25, monitored: { cadence: 'weekly', amount: 5 } });
  const asked = await world.call(office, 'link_list', { list: 'Fintech', sequence: 'Fall' });
  if (asked.outcome === 'needs_approval') await world.press(office, asked.approval.id);
  await settle(world);
  const told = (await world.call(office, 'forecast', { sequence: 'Fall', days: 28 })) as {
    result: {
      stretches: { newLeads: number; followUps: number; enrolled: number }[];
      sequences: forecasts.Forecast['sequences'];
    };
  };
  const total = (of: 'newLeads' | 'followUps' | 'enrolled') => told.result.stretches.reduce((sum, each) => sum + each[of], 0);
  expect(told.result.stretches).toHaveLength(4);
  expect(total('enrolled')).toBe(20);
  expect(total('newLeads')).toBeGreaterThan(30);
  expect(total('newLeads') + total('followUps')).toBeLessThanOrEqual(20 * 6);
  expect(told.result.sequences).toMatchObject([{ name: 'Fall', backlog: 25 }]);
  expect(told.result.sequences[0]!.drainsOn).not.toBeNull();
  const { rows } = await world.in(office, ctx => sql<{ n: number }>`select count(*)::int as n from message`.execute(ctx.tx));
  expect(rows[0]!.n).toBe(0);
});
