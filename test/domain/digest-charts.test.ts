import { sql } from 'kysely';
import { expect } from 'vitest';
import type { Days, Overview } from '../../src/domain/digests/index.ts';
import { addedChart, contactedChart, sparkline } from '../../src/tools/day-charts.ts';
import { enrol, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

/** Rows of the ledger of one state on one local day, one a lead. */
const touched = (world: World, office: Office, enrollments: readonly number[], on: string, state = 'sent') =>
  world.in(office, ctx =>
    sql`
      insert into message (workspace_id, enrollment_id, sequence_id, lead_id, sender_id, version, position, first_contact, state,
        planned_on, planned_at, handing_at)
      select ${office.id}, e.id, e.sequence_id, e.lead_id, (select min(sender_id) from sequence_sender q where q.sequence_id = e.sequence_id),
        1, 1 + (select count(*) from message o where o.enrollment_id = e.id), false, ${state}, ${on}::date,
        ${on}::date + time '10:00', ${on}::date + time '10:00'
      from enrollment e where e.id = any(${enrollments}::bigint[])`.execute(ctx.tx),
  );

const done = async <T>(outcome: Promise<unknown>): Promise<T> => (await (outcome as Promise<{ result: T }>)).result;

test('G1 digest, status and show_sequence tell the same last days, by one query', async ({ world }) => {
  const office = await world.office();
  const fall = await makeSequence(world, office, { name: 'Fall', dailyCap: 20 });
  const winter = await makeSequence(world, office, { name: 'Winter', dailyCap: 5, days: [1] });
  const people = await enrol(world, office, fall, 6);
  const others = await enrol(world, office, winter, 2, { list: 'Others', domain: 'other.example' });
  await touched(world, office, people.slice(0, 4), '2026-02-26');
  await touched(world, office, people.slice(0, 2), '2026-02-26', 'unknown');
  await touched(world, office, people.slice(4), '2026-02-26', 'held');
  await touched(world, office, people.slice(0, 1), '2026-02-16');
  await touched(world, office, others, '2026-03-02');
  for (const state of ['active', 'replied'])
    await world.in(office, ctx =>
      sql`update enrollment set state = ${state}, contacted_at = '2026-02-26T10:00Z', ended_at = case when ${state} = 'replied' then
        '2026-02-27T12:00Z'::timestamptz end where id = ${people[0]!}`.execute(ctx.tx),
    );

  const status = await done<Overview>(world.call(office, 'status', {}));
  const shown = await done<{ days: Days }>(world.call(office, 'show_sequence', { sequence: 'Fall' }));
  const days = status.sequences.find(({ name }) => name === 'Fall')!.days;
  expect(shown.days).toEqual(days);
  // 17 February to 2 March: what was before is not shown, a lead counts once a day, what is held does not count (S3).
  expect(days.until).toBe('2026-03-02');
  expect(days.contacted).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
  expect(days.replies).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
  expect(days.cap).toEqual([20, 20, 20, 20, 0, 0, 20, 20, 20, 20, 20, 0, 0, 20]);

  const { report } = await world.call(office, 'status', {});
  const [chart] = report.charts!;
  expect(chart!.labels.slice(-2)).toEqual(['1 Mar', '2']);
  expect(chart!.series.map(({ name, values }) => [name, values.at(9), values.at(-1)])).toEqual([
    ['Contacted', 4, 2],
    ['Cap', 20, 25],
    ['Replies', 0, 0],
  ]);
  const table = report.tables!.find(({ title }) => title === 'Sequences')!;
  const lately = table.columns.findIndex(({ label }) => label === 'Last 14 days');
  expect(table.rows.find(([name]) => name === 'Fall')![lately]).toBe('▁▁▁▁▁▁▁▁▁█▁▁▁▁');
});

test('G1 show_list draws what a list got of what was ordered', async ({ world }) => {
  const office = await world.office();
  await world.in(office, async ctx => {
    const { id } = await ctx.tx
      .insertInto('list')
      .values({ workspace_id: office.id, owner_id: office.admin.id, name: 'Fintech', source: 'directory', created_at: ctx.now })
      .returning('id')
      .executeTakeFirstOrThrow();
    for (const [asked, added, ago] of [
      [50, 40, 24],
      [10, 10, 25],
      [99, 99, 24 * 20],
    ] as const) {
      const at = ctx.now.subtract({ hours: ago });
      await ctx.tx
        .insertInto('refill')
        .values({
          workspace_id: office.id,
          list_id: id,
          kind: 'order',
          status: 'done',
          asked,
          found: asked,
          added,
          ordered_at: at,
          finished_at: at,
        })
        .execute();
    }
  });
  const { report } = await world.call(office, 'show_list', { list: 'Fintech' });
  expect(report.charts![0]!.series.map(({ name, values }) => [name, values.at(-2), values.reduce((a, b) => a + b)])).toEqual([
    ['Added', 50, 50],
    ['Ordered', 60, 60],
  ]);
});

test('G1 nothing is drawn where there is nothing to see', () => {
  const still = { until: '2026-03-02', contacted: [0, 0], replies: [0, 0], cap: [20, 0] };
  expect(contactedChart([still])).toEqual([]);
  expect(contactedChart([])).toEqual([]);
  expect(addedChart([{ name: 'One', ordered: 5, added: 5 }])).toEqual([]);
  expect(sparkline([0, 0])).toBe('–');
  expect(sparkline([0, 1, 100])).toBe('▁▂█');
});

test('G1 days of different zones are drawn as the days they are', () => {
  const london = { until: '2026-03-02', contacted: [1, 2], replies: [0, 0], cap: [9, 9] };
  const auckland = { until: '2026-03-03', contacted: [4, 8], replies: [0, 1], cap: [9, 9] };
  const [chart] = contactedChart([london, auckland]);
  expect(chart!.labels).toEqual(['1 Mar', '2', '3']);
  expect(chart!.series[0]!.values).toEqual([1, 6, 8]);
  expect(chart!.series[2]!.values).toEqual([0, 0, 1]);
});
