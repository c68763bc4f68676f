import fc from 'fast-check';
import { expect, test as pure } from 'vitest';
import type { Cadence } from '../../src/calendar.ts';
import { drover, enter } from '../../src/domain/context.ts';
import * as monitoring from '../../src/domain/monitoring/index.ts';
import { latestMissed, periodAfter, periodIn, summary } from '../../src/domain/monitoring/rules.ts';
import { at, fill, memberCount, order, receipt, refills, set, setUp, tick } from '../support/refills.ts';
import type { Office, World } from '../support/world.ts';
import { test } from '../support/world.ts';

pure('M1 a standing order reads at a glance', () => {
  expect(summary({ cadence: 'daily', amount: 20, weekday: null })).toBe('20 / day');
  expect(summary({ cadence: 'weekdays', amount: 20, weekday: null })).toBe('20 / weekday');
  expect(summary({ cadence: 'weekly', amount: 100, weekday: 1 })).toBe('100 / week (Mon)');
  expect(summary({ cadence: 'weekly', amount: 100, weekday: 7 })).toBe('100 / week (Sun)');
  expect(summary(null)).toBe('off');
});

test('M1 bounds are checked in code and in the database', async ({ world }) => {
  const { acme, listId } = await setUp(world);
  await expect(set(world, acme, listId, 'daily', 1001)).rejects.toThrow(/monitoring_amount_check/);
  await expect(set(world, acme, listId, 'daily', 0)).rejects.toThrow(/monitoring_amount_check/);
});

test('M3 refills run at 06:00 of the zone, once a local day', async ({ world }) => {
  const { acme, listId } = await setUp(world, { zone: 'America/New_York' });
  const first = await set(world, acme, listId, 'daily');
  expect(first).toMatchObject({ key: '2026-03-02', at: at('2026-03-02T11:00:00Z') });
  expect(await tick(world, acme, listId)).toBeNull();
  await world.clock.set(at('2026-03-02T11:00:00Z'));
  expect(await tick(world, acme, listId)).not.toBeNull();
  expect(await tick(world, acme, listId)).toBeNull();
  expect(await refills(world, acme)).toEqual([{ period: '2026-03-02', asked: 20, added: 20, kind: 'monitoring' }]);
});

test('M3 weekly orders run once an ISO week, weekday orders not on weekends', async ({ world }) => {
  const { acme, listId } = await setUp(world);
  expect(await set(world, acme, listId, 'weekly', 100)).toMatchObject({ key: '2026-W11', at: at('2026-03-09T06:00:00Z') });
  expect(await set(world, acme, listId, 'weekly', 100, 3)).toMatchObject({ key: '2026-W10', at: at('2026-03-04T06:00:00Z') });
  await world.clock.set(at('2026-03-06T08:00:00Z'));
  expect(await set(world, acme, listId, 'weekdays')).toMatchObject({ at: at('2026-03-09T06:00:00Z') });
});

test('M3 after downtime the latest missed period runs once, older ones are not made up', async ({ world }) => {
  const { acme, listId } = await setUp(world);
  await set(world, acme, listId, 'daily');
  await world.clock.set(at('2026-03-12T05:00:00Z'));
  await tick(world, acme, listId);
  await tick(world, acme, listId);
  expect(await refills(world, acme)).toMatchObject([{ period: '2026-03-11' }]);
  await world.clock.set(at('2026-03-12T06:00:00Z'));
  await tick(world, acme, listId);
  expect(await refills(world, acme)).toMatchObject([{ period: '2026-03-11' }, { period: '2026-03-12' }]);
});

test('M3 two workers, a repeat and a clock put back make no second refill of a period', async ({ world }) => {
  const { acme, listId } = await setUp(world);
  await set(world, acme, listId, 'daily');
  await world.clock.set(at('2026-03-03T06:00:00Z'));
  await Promise.all([1, 2].map(() => enter(world.services, acme.id, drover, ctx => monitoring.runDue(ctx, listId))));
  await world.clock.set(at('2026-03-03T05:00:00Z'));
  await set(world, acme, listId, 'daily', 30);
  await world.clock.set(at('2026-03-03T06:30:00Z'));
  await tick(world, acme, listId);
  expect(await refills(world, acme)).toMatchObject([{ period: '2026-03-03', asked: 20 }]);
  await expect(
    world.in(acme, ctx =>
      ctx.tx
        .insertInto('refill')
        .values({
          workspace_id: acme.id,
          list_id: listId,
          kind: 'monitoring',
          period: '2026-03-03',
          asked: 1,
          ordered_at: ctx.now,
        })
        .execute(),
    ),
  ).rejects.toThrow(/refill_period_key/);
});

test('M3 a period that is ordered again is the same refill', async ({ world }) => {
  const { acme, listId } = await setUp(world);
  const again = () =>
    world.in(acme, ctx => monitoring.order(ctx, { listId, asked: 5, kind: 'monitoring', period: '2026-03-02', orderedBy: null }));
  expect(await again()).not.toBeNull();
  expect(await again()).toBeNull();
});

test('M3 a changed order counts from the next period; off and on again does not run a period twice', async ({ world }) => {
  const { acme, listId } = await setUp(world);
  await set(world, acme, listId, 'weekly', 100, 2);
  await world.clock.set(at('2026-03-03T06:00:00Z'));
  await tick(world, acme, listId);
  await set(world, acme, listId, 'off');
  expect(await set(world, acme, listId, 'weekly', 50, 5)).toMatchObject({ key: '2026-W11', at: at('2026-03-13T06:00:00Z') });
  await world.clock.set(at('2026-03-13T06:00:00Z'));
  await tick(world, acme, listId);
  expect(await refills(world, acme)).toMatchObject([
    { period: '2026-W10', asked: 100 },
    { period: '2026-W11', asked: 50 },
  ]);
});

test('M3 a run that is due when the order changes still runs, with the old order', async ({ world }) => {
  const { acme, listId } = await setUp(world);
  await set(world, acme, listId, 'daily', 20);
  await world.clock.set(at('2026-03-03T06:00:30Z'));
  expect(await set(world, acme, listId, 'daily', 30)).toMatchObject({ key: '2026-03-04' });
  await world.drain();
  expect(await refills(world, acme)).toMatchObject([{ period: '2026-03-03', asked: 20 }]);
});

test('M3 an order of its own uses up no period', async ({ world }) => {
  const { acme, listId } = await setUp(world);
  await set(world, acme, listId, 'daily');
  await world.clock.set(at('2026-03-03T05:59:00Z'));
  await fill(world, acme, listId, 7);
  await world.clock.set(at('2026-03-03T06:00:00Z'));
  await tick(world, acme, listId);
  expect(await refills(world, acme)).toMatchObject([
    { period: null, added: 7 },
    { period: '2026-03-03', added: 20 },
  ]);
});

test('M3 W1 a change of zone moves the next run to 06:00 there; its period neither repeats nor is left out', async ({
  world,
}) => {
  const { acme, listId } = await setUp(world);
  const moveTo = (zone: string) =>
    world.in(acme, async ctx => {
      await ctx.tx.updateTable('workspace').set({ zone }).execute();
      await monitoring.reschedule(ctx);
    });
  await set(world, acme, listId, 'daily');
  await world.clock.set(at('2026-03-03T05:30:00Z'));
  await moveTo('Europe/Berlin');
  // It is 06:30 in Berlin: today's run is due at once.
  expect(await world.in(acme, ctx => monitoring.of(ctx, listId))).toMatchObject({
    next_period: '2026-03-03',
    next_due_at: at('2026-03-03T05:00:00Z'),
  });
  await tick(world, acme, listId);
  await moveTo('America/New_York');
  await world.clock.set(at('2026-03-03T11:00:00Z'));
  expect(await tick(world, acme, listId)).toBeNull();
  await world.clock.set(at('2026-03-04T11:00:00Z'));
  await tick(world, acme, listId);
  expect(await refills(world, acme)).toMatchObject([{ period: '2026-03-03' }, { period: '2026-03-04' }]);
});

pure('M3 a period keeps its key in every zone, and years have 52 or 53 weeks', () => {
  for (const weekday of [1, 4, 7])
    for (const from of ['2026-12-20T08:00:00Z', '2026-12-28T08:00:00Z', '2021-01-01T08:00:00Z']) {
      const period = periodAfter(at(from), { cadence: 'weekly', weekday }, 'UTC');
      expect(periodIn(period.key, { weekday }, 'UTC')).toEqual(period);
    }
});

pure('M3 the latest missed period has begun and the one after has not (property)', () => {
  const zones = ['UTC', 'Europe/London', 'America/New_York', 'Pacific/Apia', 'Asia/Kathmandu', 'Australia/Lord_Howe'];
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.constantFrom('daily', 'weekdays', 'weekly'),
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 0, max: 24 * 400 }),
      fc.integer({ min: 0, max: 24 * 60 }),
      (zone, cadence, day, hours, later) => {
        const to = { cadence: cadence as Cadence, weekday: cadence === 'weekly' ? day : null };
        const set = at('2026-01-01T00:00:00Z').add({ hours });
        const due = periodAfter(set, to, zone);
        const now = due.at.add({ hours: later });
        const latest = latestMissed(due, now, to, zone);
        const next = periodAfter(latest.at, to, zone);
        expect(Temporal.Instant.compare(latest.at, now)).toBeLessThanOrEqual(0);
        expect(Temporal.Instant.compare(next.at, now)).toBeGreaterThan(0);
        expect(next.key).not.toBe(latest.key);
        expect(latest.at.toZonedDateTimeISO(zone).toPlainTime().toString()).toBe('06:00:00');
      },
    ),
    { numRuns: 200 },
  );
});

/** An active copilot sequence that the list is linked to. */
async function linkTo(world: World, office: Office, listId: number) {
  return world.in(office, async ctx => {
    const own = { workspace_id: office.id };
    const sequence = await ctx.tx
      .insertInto('sequence')
      .values({
        ...own,
        owner_id: office.admin.id,
        name: 'Fall Intro',
        status: 'active',
        daily_cap: 5,
        zone: 'Europe/London',
        send_days: [1, 2, 3, 4, 5],
        send_from: '09:00',
        send_until: '17:00',
        created_at: ctx.now,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await ctx.tx
      .insertInto('step')
      .values({ ...own, sequence_id: sequence.id, version: 1, position: 1, delay_days: 0, subject: 'Hi', body: 'Hello' })
      .execute();
    const link = await ctx.tx
      .insertInto('link')
      .values({ ...own, list_id: listId, sequence_id: sequence.id, linked_at: ctx.now, enrolled_through_at: ctx.now })
      .returning('id')
      .executeTakeFirstOrThrow();
    return { sequenceId: sequence.id, linkId: link.id };
  });
}

test('M7 L5 leads enrol as the refill adds them, and the receipt says how many did and why not the rest', async ({ world }) => {
  const { acme, listId } = await setUp(world);
  const { sequenceId } = await linkTo(world, acme, listId);
  await world.in(acme, ctx =>
    ctx.tx
      .insertInto('lead')
      .values({
        workspace_id: acme.id,
        full_name: 'Pat Example 3',
        email: 'pat3@firm.example',
        email_key: 'pat3@firm.example',
        email_status: 'bounced',
        created_at: ctx.now,
        updated_at: ctx.now,
      })
      .execute(),
  );
  const id = await order(world, acme, listId, 30);
  await monitoring.carryOut(world.services, acme.id, id);
  expect(await receipt(world, acme, id)).toMatchObject({ added: 30, enrolled: 29, notEnrolled: { bad_address: 1 } });
  const enrolled = await world.in(acme, ctx => ctx.tx.selectFrom('enrollment').select(['sequence_id', 'state']).execute());
  expect(enrolled).toHaveLength(29);
  expect(enrolled[0]).toEqual({ sequence_id: sequenceId, state: 'in_review' });
});

test('M7 a refill enrols whom it adds and nobody else: who was on the list before is the link’s to enrol', async ({ world }) => {
  const { acme, listId } = await setUp(world);
  await fill(world, acme, listId, 10);
  await linkTo(world, acme, listId);
  expect(await fill(world, acme, listId, 5)).toMatchObject({ added: 5, enrolled: 5 });
  const enrolled = await world.in(acme, ctx => ctx.tx.selectFrom('enrollment').select('id').execute());
  expect(enrolled).toHaveLength(5);
});

test('M5 a refill runs as Drover and touches nothing but members, receipts and enrollments', async ({ world }) => {
  const { acme, listId } = await setUp(world);
  await linkTo(world, acme, listId);
  await set(world, acme, listId, 'daily', 30);
  const rest = () =>
    world.in(acme, async ctx => ({
      sequences: await ctx.tx.selectFrom('sequence').selectAll().execute(),
      links: await ctx.tx.selectFrom('link').selectAll().execute(),
      exclusions: await ctx.tx.selectFrom('exclusion').selectAll().execute(),
      lists: await ctx.tx.selectFrom('list').select(['name', 'criteria', 'owner_id', 'archived_at']).execute(),
      order: await ctx.tx.selectFrom('monitoring').select(['cadence', 'amount', 'weekday', 'changed_at', 'changed_by']).execute(),
    }));
  const before = await rest();
  await world.clock.set(at('2026-03-03T06:00:00Z'));
  const refillId = await enter(world.services, acme.id, drover, ctx => monitoring.runDue(ctx, listId));
  await monitoring.carryOut(world.services, acme.id, refillId!);
  expect(await receipt(world, acme, refillId!)).toMatchObject({ added: 30, enrolled: 30 });
  expect(await rest()).toEqual(before);
  const trail = await world.in(acme, ctx =>
    ctx.tx.selectFrom('activity').select(['action', 'member_id']).where('action', '=', 'refill').execute(),
  );
  expect(trail).toEqual([{ action: 'refill', member_id: null }]);
});

test('M6 monitoring runs without a link, and changing it changes no cap, nor does a cap change it', async ({ world }) => {
  const { acme, listId } = await setUp(world);
  await set(world, acme, listId, 'daily', 50);
  await world.clock.set(at('2026-03-03T06:00:00Z'));
  await tick(world, acme, listId);
  expect(await memberCount(world, acme)).toBe(50);
  const { sequenceId } = await linkTo(world, acme, listId);
  await set(world, acme, listId, 'daily', 500);
  const cap = () =>
    world.in(acme, ctx => ctx.tx.selectFrom('sequence').select('daily_cap').where('id', '=', sequenceId).execute());
  expect(await cap()).toEqual([{ daily_cap: 5 }]);
  await world.in(acme, ctx => ctx.tx.updateTable('sequence').set({ daily_cap: 9 }).execute());
  expect(await world.in(acme, ctx => monitoring.of(ctx, listId))).toMatchObject({ amount: 500 });
});
