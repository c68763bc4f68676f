import { sql } from 'kysely';
import { expect, test as pureTest } from 'vitest';
import { dateIn, instantAt, isOpen, isoWeek, type SendWindow, startOfDay, windowOn } from '../../src/calendar.ts';
import { nextDueAt } from '../../src/db/system.ts';
import { drover, enter } from '../../src/domain/context.ts';
import * as messages from '../../src/domain/messages/index.ts';
import { plan, type SequenceDay } from '../../src/domain/messages/planner.ts';
import * as monitoring from '../../src/domain/monitoring/index.ts';
import { latestMissed, periodAfter } from '../../src/domain/monitoring/rules.ts';
import { nextDayAt } from '../../src/domain/sequences/rules.ts';
import { handleTick } from '../../src/jobs/tick.ts';
import { set as setMonitoring, setUp } from '../support/refills.ts';
import { enrol, mailServer, mailThrough, makeSender, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const zones = [
  'America/New_York',
  'Europe/London',
  'Europe/Berlin',
  'America/Sao_Paulo',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Pacific/Auckland',
  'UTC',
];

const first = Temporal.PlainDate.from('2026-01-01');
const last = Temporal.PlainDate.from('2030-12-31');

function* days(): Generator<Temporal.PlainDate> {
  for (let day = first; Temporal.PlainDate.compare(day, last) <= 0; day = day.add({ days: 1 })) yield day;
}
const total = first.until(last).days + 1;

const hoursOf = (day: Temporal.PlainDate, zone: string): number =>
  startOfDay(day, zone)
    .until(startOfDay(day.add({ days: 1 }), zone))
    .total('hours');

/** The days on which a zone's clocks change. */
const changes = (zone: string): Temporal.PlainDate[] => [...days()].filter(day => hoursOf(day, zone) !== 24);

for (const zone of zones) {
  pureTest(`M3 ${zone}: every day and every week of 2026–2030 is refilled once, at 06:00`, () => {
    for (const [order, expected] of [
      [{ cadence: 'daily', weekday: null }, [...days()].map(String)],
      [{ cadence: 'weekdays', weekday: null }, [...days()].filter(day => day.dayOfWeek < 6).map(String)],
      [{ cadence: 'weekly', weekday: 7 }, [...days()].filter(day => day.dayOfWeek === 7).map(isoWeek)],
    ] as const) {
      const keys: string[] = [];
      const until = startOfDay(last.add({ days: 1 }), zone);
      for (let period = periodAfter(startOfDay(first, zone), order, zone); Temporal.Instant.compare(period.at, until) < 0; ) {
        keys.push(period.key);
        expect(period.at.toZonedDateTimeISO(zone).toPlainTime().toString(), period.key).toBe('06:00:00');
        expect(latestMissed(period, period.at, order, zone), 'the one that is due now is the latest').toEqual(period);
        const next = periodAfter(period.at, order, zone);
        // A clock that goes backwards finds the same next run again, and never an earlier one.
        expect(periodAfter(next.at.subtract({ minutes: 1 }), order, zone)).toEqual(next);
        period = next;
      }
      expect(keys).toEqual(expected);
      expect(new Set(keys).size).toBe(keys.length);
    }
  });

  pureTest(`E2 S4 ${zone}: every day of 2026–2030 begins once, and its window is what the wall clock says`, () => {
    const wholeDay: SendWindow = { zone, days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', until: '24:00', holidays: new Set() };
    const office: SendWindow = { ...wholeDay, from: '09:00', until: '17:00' };
    const night: SendWindow = { ...wholeDay, from: '01:30', until: '03:15' };
    let begun = 0;
    let at = startOfDay(first, zone);
    for (const day of days()) {
      expect(dateIn(at, zone).equals(day)).toBe(true);
      begun++;
      const next = nextDayAt(at, zone);
      expect(dateIn(next.subtract({ seconds: 1 }), zone).equals(day)).toBe(true);
      expect(
        nextDayAt(next.subtract({ seconds: 1 }), zone).equals(next),
        'backwards: no day is skipped and none comes twice',
      ).toBe(true);

      const whole = windowOn(day, wholeDay)!;
      expect([whole.from.equals(at), whole.until.equals(next)]).toEqual([true, true]);
      const open = windowOn(day, office)!;
      expect(open.from.until(open.until).total('hours')).toBe(8);
      for (const window of [wholeDay, office, night]) {
        const today = windowOn(day, window);
        if (!today) continue;
        expect([isOpen(today.from, window), isOpen(today.until, window)]).toEqual([true, window === wholeDay]);
        expect(isOpen(today.until.subtract({ seconds: 1 }), window)).toBe(true);
        expect(dateIn(today.until.subtract({ seconds: 1 }), zone).equals(day)).toBe(true);
      }
      at = next;
    }
    expect(begun).toBe(total);
  });

  pureTest(`S3 S4 S5 ${zone}: every planned day of 2026–2030 contacts once and inside its window`, () => {
    const window: SendWindow = { zone, days: [1, 2, 3, 4, 5, 6, 7], from: '01:00', until: '05:00', holidays: new Set() };
    for (const on of days()) {
      const open = windowOn(on, window);
      if (!open) continue;
      const sequence: SequenceDay = {
        ...{ id: 1, cap: 3, steps: 2, window: open, used: 0, newByList: new Map(), senderIds: [1] },
        due: [{ enrollmentId: 1, senderId: 1, dueOn: on.toString(), lastContactAt: null, touched: false }],
        fresh: [2, 3, 4].map(enrollmentId => ({ enrollmentId, listId: 1 })),
      } as SequenceDay;
      const senders = [{ id: 1, left: 5, gapMinutes: 10, taken: [] }];
      const placed = plan({ on, sequences: [sequence], senders });
      expect(placed.map(each => each.enrollmentId).sort(), on.toString()).toEqual([1, 2, 3]);
      for (const { at } of placed) expect(isOpen(at, window) && dateIn(at, zone).equals(on), `${on} at ${at}`).toBe(true);
      const taken = { id: 1, left: 2, gapMinutes: 10, taken: placed.map(each => each.at) };
      const again = plan({
        on,
        sequences: [{ ...sequence, used: 3, due: [], fresh: sequence.fresh.slice(2) }],
        senders: [taken],
      });
      expect(again, 'a second plan adds nobody').toEqual([]);
    }
  });
}

/** Everything that fell due by now is done. */
async function settle(world: World): Promise<void> {
  await handleTick(world.services);
  await world.drain();
}

const count = async (world: World, office: Office, table: 'refill' | 'message' | 'membership'): Promise<number> =>
  world.in(office, async ctx => {
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from ${sql.table(table)}`.execute(ctx.tx);
    return rows[0]!.n;
  });

for (const zone of zones)
  test(`M3 S3 S4 ${zone}: around each clock change the database refills and contacts once a day`, { timeout: 120_000 }, async ({
    world,
  }) => {
    const server = mailServer();
    mailThrough(world, server.transport);
    const sought = changes(zone).slice(0, 2);
    const around = (sought.length ? sought : [Temporal.PlainDate.from('2026-03-29')]).map(day => day.subtract({ days: 1 }));
    await world.clock.set(startOfDay(around[0]!, zone));
    const { acme, listId } = await setUp(world, { zone });
    const senderId = await makeSender(world, acme, { minGapMinutes: 1 });
    const window = { zone, days: [1, 2, 3, 4, 5, 6, 7], from: '00:30', until: '05:00' };
    const sequenceId = await makeSequence(world, acme, { steps: 1, dailyCap: 1, senderIds: [senderId], ...window });
    await enrol(world, acme, sequenceId, 12);
    await setMonitoring(world, acme, listId, 'daily', 1);
    const expected: string[] = [];
    const refilled: string[] = [];
    for (const [block, start] of around.entries()) {
      await world.clock.set(startOfDay(start, zone));
      await settle(world);
      // After months without anybody, the latest missed period runs, and only that one (M3).
      if (block > 0) refilled.push(start.subtract({ days: 1 }).toString());
      for (const day of [start, start.add({ days: 1 }), start.add({ days: 2 })]) {
        expected.push(day.toString());
        refilled.push(day.toString());
        const until = startOfDay(day.add({ days: 1 }), zone);
        for (;;) {
          const due = await nextDueAt(world.services.db, world.now);
          if (!due || Temporal.Instant.compare(due, until) >= 0) break;
          await world.clock.set(due);
          await settle(world);
        }
        const sofar = async () => [await count(world, acme, 'refill'), await count(world, acme, 'message'), server.handed.length];
        const before = await sofar();
        // Twice through the hours in which clocks change, backwards: that adds nothing.
        for (const time of ['23:30', '03:30', '02:30', '01:30']) {
          await world.clock.set(instantAt(day, time, zone));
          await settle(world);
        }
        expect(await sofar()).toEqual(before);
        await world.clock.set(until.subtract({ seconds: 1 }));
      }
    }
    const left = await world.in(acme, ctx =>
      ctx.tx.selectFrom('message').select(['planned_on', 'handing_at']).where('state', '=', 'sent').orderBy('id').execute(),
    );
    expect(left.map(row => row.planned_on)).toEqual(expected);
    for (const { planned_on, handing_at } of left) {
      expect(dateIn(handing_at!, zone).toString()).toBe(planned_on);
      expect(isOpen(handing_at!, { ...window, holidays: new Set() })).toBe(true);
    }
    const refills = await world.in(acme, ctx => ctx.tx.selectFrom('refill').select('period').orderBy('id').execute());
    expect(refills.map(row => row.period)).toEqual(refilled);
  });

test('M3 E2 a clock that goes back by days adds nothing, and goes on where it was', async ({ world }) => {
  const server = mailServer();
  mailThrough(world, server.transport);
  const { acme, listId } = await setUp(world);
  const sequenceId = await makeSequence(world, acme, { steps: 1, dailyCap: 2, days: [1, 2, 3, 4, 5, 6, 7] });
  await enrol(world, acme, sequenceId, 12);
  await setMonitoring(world, acme, listId, 'daily', 1);
  const at = (text: string) => world.clock.set(Temporal.Instant.from(text));
  for (const now of ['2026-03-03T06:00:00Z', '2026-03-03T16:59:00Z', '2026-03-04T06:00:00Z', '2026-03-04T16:59:00Z']) {
    await at(now);
    await settle(world);
  }
  const before = [await count(world, acme, 'refill'), await count(world, acme, 'membership'), server.handed.length];
  for (const now of [
    '2026-03-02T06:00:00Z',
    '2026-03-03T06:00:00Z',
    '2026-03-03T12:00:00Z',
    '2026-03-04T05:59:00Z',
    '2026-03-04T16:59:30Z',
  ]) {
    await at(now);
    await settle(world);
    await enter(world.services, acme.id, drover, ctx => monitoring.runDue(ctx, listId));
    await enter(world.services, acme.id, drover, ctx => messages.recoverLeases(ctx));
  }
  expect([await count(world, acme, 'refill'), await count(world, acme, 'membership')]).toEqual(before.slice(0, 2));
  const byDay = await world.in(acme, async ctx => {
    const { rows } = await sql<{ on: string; n: number }>`
      select planned_on as on, count(distinct lead_id)::int as n from message where state = 'sent' group by 1 order by 1`.execute(
      ctx.tx,
    );
    return rows;
  });
  for (const { on, n } of byDay) expect(n, on).toBeLessThanOrEqual(2);
  await at('2026-03-05T06:00:00Z');
  await settle(world);
  expect(await count(world, acme, 'refill')).toBe(before[0]! + 1);
});
