import fc from 'fast-check';
import { expect, test as pure } from 'vitest';
import type { Cadence } from '../../src/calendar.ts';
import { drover, enter } from '../../src/domain/context.ts';
import type { Criteria } from '../../src/domain/lists/criteria.ts';
import * as lists from '../../src/domain/lists/index.ts';
import * as monitoring from '../../src/domain/monitoring/index.ts';
import { latestMissed, periodAfter, periodIn, summary } from '../../src/domain/monitoring/rules.ts';
import { isRefusal } from '../../src/errors.ts';
import { PeopleSource, someone } from '../support/people-source.ts';
import { type Office, test, type World } from '../support/world.ts';

const anybody: Criteria = { titles: ['VP of Sales'] };
/** Everybody of it can be added. */
const reachable = (count: number, from = 1) =>
  new PeopleSource(Array.from({ length: count }, (_, i) => someone(from + i, { email: `pat${from + i}@firm.example` })));

async function setUp(
  world: World,
  { source = reachable(300), criteria = anybody as Criteria | null, zone = 'Europe/London' } = {},
) {
  world.services.sources = { directory: source };
  const acme = await world.office('Acme', zone);
  const list = await world.in(acme, ctx =>
    lists.create(ctx, { name: 'VPs', ownerId: acme.admin.id, source: 'directory', criteria }),
  );
  if (isRefusal(list)) throw new Error(list.message);
  return { acme, listId: list.id, source };
}

const order = (world: World, office: Office, listId: number, asked: number) =>
  world.in(office, async ctx => (await monitoring.order(ctx, { listId, asked, kind: 'order', orderedBy: office.admin.id }))!);
const receipt = async (world: World, office: Office, refillId: number) =>
  monitoring.receiptOf(
    await world.in(office, ctx => ctx.tx.selectFrom('refill').selectAll().where('id', '=', refillId).executeTakeFirstOrThrow()),
  );
const fill = async (world: World, office: Office, listId: number, asked: number) => {
  const id = await order(world, office, listId, asked);
  await world.drain();
  return receipt(world, office, id);
};
const refills = (world: World, office: Office) =>
  world.in(office, ctx => ctx.tx.selectFrom('refill').select(['period', 'asked', 'added', 'kind']).orderBy('id').execute());
const set = (
  world: World,
  office: Office,
  listId: number,
  cadence: Cadence | 'off',
  amount = 20,
  weekday: number | null = null,
) =>
  world.in(office, ctx =>
    monitoring.set(ctx, {
      listId,
      to: cadence === 'off' ? null : { cadence, amount, weekday: cadence === 'weekly' ? (weekday ?? 1) : null },
    }),
  );
/** What the tick does for a list. */
const tick = async (world: World, office: Office, listId: number) => {
  const refillId = await enter(world.services, office.id, drover, ctx => monitoring.runDue(ctx, listId));
  await world.drain();
  return refillId;
};
const at = (text: string) => Temporal.Instant.from(text);
const memberCount = async (world: World, office: Office) =>
  (await world.in(office, ctx => ctx.tx.selectFrom('membership').select('lead_id').execute())).length;

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

test('M2 an order adds exactly N: who is skipped is replaced', async ({ world }) => {
  const { acme, listId } = await setUp(world, { source: new PeopleSource(600) });
  const got = await fill(world, acme, listId, 200);
  expect(got).toMatchObject({ asked: 200, added: 200, ended: 'filled' });
  // Persons 10, 20, … have no address and 7, 32, … an invalid one: 234 are looked at for 200.
  expect(got.found).toBe(200 + got.skipped.no_email! + got.skipped.invalid_email!);
  expect(await memberCount(world, acme)).toBe(200);
});

test('M2 the people that a page held beyond N come with the next order, nobody is lost', async ({ world }) => {
  const { acme, listId, source } = await setUp(world, { source: reachable(100) });
  for (const asked of [7, 3, 41, 49])
    expect(await fill(world, acme, listId, asked)).toMatchObject({ found: asked, added: asked });
  expect(await memberCount(world, acme)).toBe(source.people.length);
});

test('M2 L5 an exhausted source is said so, and an exhausted list takes up whom the source knows later', async ({ world }) => {
  const { acme, listId, source } = await setUp(world, { source: reachable(30) });
  expect(await fill(world, acme, listId, 50)).toMatchObject({ found: 30, added: 30, skipped: {}, ended: 'exhausted' });
  source.people.push(someone(31, { knownFrom: '2026-03-03' }), someone(33, { knownFrom: '2026-03-03' }));
  expect(await fill(world, acme, listId, 1)).toMatchObject({ found: 30, added: 0, skipped: { already_on_list: 30 } });
  await world.clock.move({ hours: 24 });
  expect(await fill(world, acme, listId, 1)).toMatchObject({ found: 1, added: 1, skipped: {}, ended: 'filled' });
});

test('M2 an order that comes to the end looks once more from the start, where people may be eligible by now', async ({
  world,
}) => {
  const { acme, listId } = await setUp(world, { source: reachable(30) });
  await world.in(acme, ctx =>
    ctx.tx
      .insertInto('exclusion')
      .values({
        workspace_id: acme.id,
        kind: 'address',
        value: 'pat3@firm.example',
        reason: 'later',
        until_on: '2026-03-02',
        created_at: ctx.now,
      })
      .execute(),
  );
  expect(await fill(world, acme, listId, 10)).toMatchObject({ found: 11, added: 10, skipped: { excluded_person: 1 } });
  await world.clock.move({ hours: 24 });
  // 19 further on and person 3; the ten from before are looked at, nobody twice.
  expect(await fill(world, acme, listId, 25)).toMatchObject({
    found: 30,
    added: 20,
    skipped: { already_on_list: 10 },
    ended: 'exhausted',
  });
});

test('M2 the budget ends an order that hardly finds anybody', async ({ world }) => {
  const source = new PeopleSource(Array.from({ length: 1500 }, (_, i) => someone(i + 1, { email: null })));
  const { acme, listId } = await setUp(world, { source });
  expect(await fill(world, acme, listId, 2)).toMatchObject({
    found: 1100,
    added: 0,
    skipped: { no_email: 1100 },
    ended: 'budget',
  });
  expect(await fill(world, acme, listId, 9)).toMatchObject({ found: 1450, ended: 'budget' });
});

test('M4 who was ever on a list is not added to it again by a source', async ({ world }) => {
  const { acme, listId } = await setUp(world, { source: reachable(10) });
  await fill(world, acme, listId, 5);
  await world.in(acme, ctx => ctx.tx.updateTable('membership').set({ removed_at: ctx.now }).where('lead_id', '=', 2).execute());
  expect(await fill(world, acme, listId, 10)).toMatchObject({ added: 5, skipped: { already_on_list: 4, removed_before: 1 } });
  const removed = await world.in(acme, ctx =>
    ctx.tx.selectFrom('membership').select('lead_id').where('removed_at', 'is not', null).execute(),
  );
  expect(removed).toEqual([{ lead_id: 2 }]);
});

test('L4 a member keeps source, record, criteria, time and refill', async ({ world }) => {
  const { acme, listId } = await setUp(world);
  const id = await order(world, acme, listId, 1);
  await world.in(acme, ctx => lists.editCriteria(ctx, { listId, criteria: { titles: ['CTO'] }, source: 'directory' }));
  await world.drain();
  const member = await world.in(acme, ctx =>
    ctx.tx
      .selectFrom('membership')
      .innerJoin('refill', 'refill.id', 'membership.refill_id')
      .select(['membership.source', 'record_id', 'added_at', 'refill_id', 'refill.criteria'])
      .executeTakeFirstOrThrow(),
  );
  expect(member).toEqual({ source: 'directory', record_id: 'p1', added_at: world.now, refill_id: id, criteria: anybody });
});

test('L6 edited criteria count for later refills, from the start of the source', async ({ world }) => {
  const { acme, listId } = await setUp(world, { source: new PeopleSource(600) });
  await fill(world, acme, listId, 20);
  const before = await order(world, acme, listId, 5);
  await world.in(acme, ctx => lists.editCriteria(ctx, { listId, criteria: { industries: ['fintech'] }, source: 'directory' }));
  const after = await order(world, acme, listId, 4);
  await world.drain();
  expect(await receipt(world, acme, before)).toMatchObject({
    added: 5,
    skipped: expect.not.objectContaining({ excluded_person: 1 }),
  });
  // Every third is in fintech: 3, 6, 9 … are on the list up to where the first criteria came.
  const { skipped, added } = await receipt(world, acme, after);
  expect(added).toBe(4);
  expect(skipped.already_on_list).toBeGreaterThan(5);
});

test('L6 an order with criteria of its own, or of before an edit, does not move where the list reads', async ({ world }) => {
  const { acme, listId } = await setUp(world, { source: reachable(600) });
  await fill(world, acme, listId, 100);
  const own = await world.in(acme, ctx =>
    monitoring.order(ctx, { listId, asked: 5, kind: 'order', criteria: { industries: ['fintech'] }, orderedBy: null }),
  );
  await world.drain();
  // From the start: 3, 6, … 99 are on the list, 102 and the four after it are new.
  expect(await receipt(world, acme, own!)).toMatchObject({ found: 38, added: 5, skipped: { already_on_list: 33 } });
  // From 101 on: ten new ones, and 102, 105, 108, 111 and 114 in between.
  expect(await fill(world, acme, listId, 10)).toMatchObject({ found: 15, added: 10, skipped: { already_on_list: 5 } });
});

test('M2 M3 a job that is run twice, or beside another worker, adds N and not more', async ({ world }) => {
  const { acme, listId } = await setUp(world, { source: reachable(2000) });
  const id = await order(world, acme, listId, 700);
  await Promise.all([1, 2, 3].map(() => monitoring.carryOut(world.services, acme.id, id)));
  await monitoring.carryOut(world.services, acme.id, id);
  expect(await receipt(world, acme, id)).toMatchObject({ found: 700, added: 700, ended: 'filled' });
  expect(await memberCount(world, acme)).toBe(700);
});

test('M2 orders of one list are carried out one after the other, and both in full', async ({ world }) => {
  const { acme, listId } = await setUp(world, { source: reachable(2000) });
  const [a, b] = [await order(world, acme, listId, 600), await order(world, acme, listId, 500)];
  await Promise.all([b, a, b].map(id => monitoring.carryOut(world.services, acme.id, id)));
  await world.drain();
  expect(await receipt(world, acme, a)).toMatchObject({ found: 600, added: 600 });
  expect(await receipt(world, acme, b)).toMatchObject({ found: 500, added: 500 });
});

test('M3 a refill that breaks off between pages goes on where it was', async ({ world }) => {
  const { acme, listId, source } = await setUp(world, { source: reachable(2000) });
  const id = await order(world, acme, listId, 1200);
  const next = source.next.bind(source);
  let calls = 0;
  source.next = (...page) => {
    if (++calls === 3) throw new Error('the process died here');
    return next(...page);
  };
  await expect(world.drain()).rejects.toThrow('died');
  const broken = await receipt(world, acme, id);
  expect(broken).toMatchObject({ added: source.served, ended: null });
  expect(broken.added).toBeGreaterThan(0);
  const open = await world.in(acme, ctx => ctx.tx.selectFrom('refill').select(['status', 'error']).executeTakeFirstOrThrow());
  expect(open).toEqual({ status: 'queued', error: 'The directory does not answer.' });
  await monitoring.carryOut(world.services, acme.id, id);
  expect(await receipt(world, acme, id)).toMatchObject({ found: 1200, added: 1200, ended: 'filled' });
  expect(await memberCount(world, acme)).toBe(1200);
});

test('M3 an order whose source does not answer for a day is given up and says so', async ({ world }) => {
  const { acme, listId, source } = await setUp(world);
  const id = await order(world, acme, listId, 5);
  source.failures = 2;
  await expect(monitoring.carryOut(world.services, acme.id, id)).rejects.toThrow();
  await world.clock.move({ hours: 25 });
  await expect(monitoring.carryOut(world.services, acme.id, id)).rejects.toThrow();
  const row = await world.in(acme, ctx => ctx.tx.selectFrom('refill').select(['status', 'error']).executeTakeFirstOrThrow());
  expect(row).toEqual({ status: 'failed', error: 'The directory does not answer.' });
});

test('L6 an order for a list that was archived meanwhile ends without adding', async ({ world }) => {
  const { acme, listId } = await setUp(world);
  const id = await order(world, acme, listId, 5);
  await world.in(acme, ctx => lists.archive(ctx, listId));
  await world.drain();
  expect(await receipt(world, acme, id)).toMatchObject({ added: 0, ended: 'list_archived' });
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

test('X1 a refill adds nobody who is excluded', async ({ world }) => {
  const { acme, listId } = await setUp(world, { source: new PeopleSource(Array.from({ length: 12 }, (_, i) => someone(i + 1))) });
  await world.in(acme, ctx =>
    ctx.tx
      .insertInto('exclusion')
      .values([
        { workspace_id: acme.id, kind: 'domain', value: 'firm1.example', reason: 'client', created_at: ctx.now },
        { workspace_id: acme.id, kind: 'linkedin', value: 'linkedin.com/in/pat-2', reason: 'asked', created_at: ctx.now },
      ])
      .execute(),
  );
  expect(await fill(world, acme, listId, 12)).toMatchObject({
    added: 8,
    skipped: { excluded_company: 1, excluded_person: 1, no_email: 1, invalid_email: 1 },
  });
});

test('L5 whatever a source holds, a receipt adds up and N is N (property)', async ({ world }) => {
  const acme = await world.office();
  let lap = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ id: fc.integer({ min: 1, max: 25 }), kind: fc.constantFrom('ok', 'ok', 'ok', 'none', 'bad') }), {
        maxLength: 40,
      }),
      fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 4 }),
      async (people, orders) => {
        lap++;
        const source = new PeopleSource(
          people.map(({ id, kind }, i) =>
            someone(i + 1, {
              recordId: `${lap}-${i}`,
              linkedinUrl: null,
              email: kind === 'ok' ? `p${lap}x${id}@firm.example` : kind === 'bad' ? 'x@' : null,
            }),
          ),
        );
        world.services.sources = { directory: source };
        const list = await world.in(acme, ctx =>
          lists.create(ctx, { name: `Lap ${lap}`, ownerId: acme.admin.id, source: 'directory', criteria: anybody }),
        );
        if (isRefusal(list)) throw new Error(list.message);
        let left = new Set(people.filter(({ kind }) => kind === 'ok').map(({ id }) => id)).size;
        for (const asked of orders) {
          const got = await fill(world, acme, list.id, asked);
          expect(got.found).toBe(got.added + Object.values(got.skipped).reduce((sum, n) => sum + n, 0));
          expect(got.found).toBeLessThanOrEqual(people.length);
          expect(got.added).toBe(Math.min(asked, left));
          expect(got.ended).toBe(got.added === asked ? 'filled' : 'exhausted');
          left -= got.added;
        }
      },
    ),
    { numRuns: 30 },
  );
});
