import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dateIn, instantAt, type SendWindow, windowOn } from '../../src/calendar.ts';
import {
  type Day,
  type FollowUp,
  type NewLead,
  plan,
  type SenderDay,
  type SequenceDay,
} from '../../src/domain/messages/planner.ts';

const monday = Temporal.PlainDate.from('2026-03-02');
const hours = (from: string, until: string, zone = 'Europe/London', on = monday) => ({
  from: instantAt(on, from, zone),
  until: instantAt(on, until, zone),
});
let nextId = 1;
const leads = (n: number, listId: number | null = 1): NewLead[] =>
  Array.from({ length: n }, () => ({ enrollmentId: nextId++, listId }));
const followUps = (n: number, senderId = 1, dueOn = '2026-03-02'): FollowUp[] =>
  Array.from({ length: n }, () => ({ enrollmentId: nextId++, senderId, dueOn, lastContactAt: null, touched: false }));
const sequence = (given: Partial<SequenceDay> = {}): SequenceDay => ({
  id: 1,
  cap: 20,
  steps: 3,
  window: hours('09:00', '17:00'),
  used: 0,
  newByList: new Map(),
  senderIds: [1],
  due: [],
  fresh: [],
  ...given,
});
const sender = (given: Partial<SenderDay> = {}): SenderDay => ({ id: 1, left: 30, gapMinutes: 5, taken: [], ...given });
const day = (sequences: SequenceDay[], senders: SenderDay[] = [sender()], on = monday): Day => ({ on, sequences, senders });
const countNew = (placed: ReturnType<typeof plan>) => placed.filter(placement => placement.firstContact).length;

describe('who', () => {
  test('S3 due follow-ups come first, and new leads keep a third of the places of three steps', () => {
    const placed = plan(day([sequence({ due: followUps(40), fresh: leads(40) })]));
    expect(placed).toHaveLength(20);
    expect(countNew(placed)).toBe(6);
  });

  test('S3 new leads keep one place at least, unless the cap is 1', () => {
    expect(countNew(plan(day([sequence({ cap: 2, steps: 5, due: followUps(9), fresh: leads(9) })])))).toBe(1);
    expect(countNew(plan(day([sequence({ cap: 1, steps: 1, due: followUps(9), fresh: leads(9) })])))).toBe(0);
  });

  test('S3 places that nobody needs go to the others', () => {
    expect(countNew(plan(day([sequence({ due: followUps(3), fresh: leads(40) })])))).toBe(17);
    expect(plan(day([sequence({ due: followUps(40) })]))).toHaveLength(20);
  });

  test('S3 the oldest follow-ups come first', () => {
    const [late, early] = [followUps(3, 1, '2026-03-01'), followUps(3, 1, '2026-02-20')];
    const placed = plan(day([sequence({ cap: 4, due: [...late, ...early] })]));
    const chosen = new Set(placed.map(placement => placement.enrollmentId));
    expect(early.every(due => chosen.has(due.enrollmentId))).toBe(true);
    expect(chosen.has(late[0]!.enrollmentId)).toBe(true);
  });

  test('S3 new leads go round-robin over lists, oldest enrollment first', () => {
    const [a, b, c] = [leads(50, 1), leads(2, 2), leads(50, 3)];
    const placed = new Set(
      plan(day([sequence({ cap: 10, fresh: [...a, ...b, ...c] })])).map(placement => placement.enrollmentId),
    );
    for (const [list, n] of [
      [a, 4],
      [b, 2],
      [c, 4],
    ] as const)
      expect(list.map(lead => placed.has(lead.enrollmentId))).toEqual(list.map((_, index) => index < n));
  });

  test('S3 what today served already counts in the round, and over the days nobody is first for ever', () => {
    const [a, b] = [leads(9, 1), leads(9, 2)];
    const one = (given: Partial<SequenceDay>, on = monday) =>
      plan(
        day(
          [sequence({ cap: 4, used: 3, fresh: [...a, ...b], window: hours('09:00', '17:00', 'Europe/London', on), ...given })],
          [sender()],
          on,
        ),
      )[0]!;
    expect(
      one({
        newByList: new Map([
          [1, 2],
          [2, 1],
        ]),
      }).enrollmentId,
    ).toBe(b[0]!.enrollmentId);
    const first = [0, 1, 2, 3].map(n => one({ newByList: new Map() }, monday.add({ days: n })).enrollmentId);
    expect(new Set(first).size).toBe(2);
  });

  test('S3 a second touch of a lead on the same day takes no further place', () => {
    const [again] = followUps(1);
    expect(plan(day([sequence({ cap: 5, used: 5, due: [{ ...again!, touched: true }], fresh: leads(3) })]))).toHaveLength(1);
  });

  test('S5 the smallest of cap, sender limit and window wins', () => {
    expect(plan(day([sequence({ cap: 50, fresh: leads(60) })]))).toHaveLength(30);
    expect(plan(day([sequence({ fresh: leads(60), window: hours('09:00', '09:30') })]))).toHaveLength(5);
    expect(
      plan(day([sequence({ fresh: leads(60), senderIds: [1, 2] })], [sender({ left: 3 }), sender({ id: 2, left: 4 })])),
    ).toHaveLength(7);
    expect(plan(day([sequence({ fresh: leads(60), senderIds: [] })]))).toEqual([]);
  });

  test('S5 the kept places shrink with what the senders can send', () => {
    const placed = plan(day([sequence({ cap: 300, due: followUps(90), fresh: leads(90) })]));
    expect([placed.length, countNew(placed)]).toEqual([30, 10]);
  });

  test('S5 a shared sender: follow-ups of all sequences oldest first, then new leads round-robin over sequences', () => {
    const [old, young] = [followUps(4, 1, '2026-02-20'), followUps(4, 1, '2026-03-01')];
    const placed = plan(
      day(
        [sequence({ id: 1, due: young, fresh: leads(20) }), sequence({ id: 2, due: old, fresh: leads(20) })],
        [sender({ left: 16 })],
      ),
    );
    expect(placed).toHaveLength(16);
    const fresh = placed.filter(placement => placement.firstContact).map(placement => placement.sequenceId);
    expect([fresh.filter(id => id === 1).length, fresh.filter(id => id === 2).length]).toEqual([4, 4]);
    const tight = plan(day([sequence({ id: 1, due: young }), sequence({ id: 2, due: old })], [sender({ left: 5 })]));
    expect(tight.filter(placement => placement.sequenceId === 2)).toHaveLength(4);
  });

  test('S5 a follow-up leaves from the sender of its first step, or waits', () => {
    const placed = plan(day([sequence({ senderIds: [2], due: followUps(3, 1) })], [sender({ left: 2 }), sender({ id: 2 })]));
    expect(placed.map(placement => placement.senderId)).toEqual([1, 1]);
  });
});

describe('when', () => {
  const local = (placed: ReturnType<typeof plan>, zone: string) =>
    placed.map(({ at }) => at.toZonedDateTimeISO(zone).toPlainTime()).sort(Temporal.PlainTime.compare);

  test('S4 times are spread over the window, and the same day gives the same times', () => {
    const state = () => day([sequence({ fresh: Array.from({ length: 20 }, (_, n) => ({ enrollmentId: n, listId: 1 })) })]);
    const placed = plan(state());
    const perHour = Map.groupBy(local(placed, 'Europe/London'), at => at.hour);
    expect([...perHour.keys()].sort((a, b) => a - b)).toEqual([9, 10, 11, 12, 13, 14, 15, 16]);
    expect(Math.max(...[...perHour.values()].map(group => group.length))).toBeLessThanOrEqual(4);
    expect(plan(state())).toEqual(placed);
    const times = placed.map(({ at }) => at.epochMilliseconds).sort((a, b) => a - b);
    expect(new Set(times.slice(1).map((time, index) => time - times[index]!)).size).toBeGreaterThan(10);
  });

  test('S5 a full window does not tick like a clock: no gap is below the least, and hardly two are alike', () => {
    const placed = plan(day([sequence({ cap: 99, fresh: leads(99) })], [sender({ left: 99, gapMinutes: 5 })]));
    expect(placed).toHaveLength(74);
    const times = placed.map(({ at }) => at.epochMilliseconds).sort((a, b) => a - b);
    const gaps = times.slice(1).map((time, index) => (time - times[index]!) / 60_000);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(5);
    expect(Math.max(...gaps)).toBeLessThan(10);
    expect(new Set(gaps).size).toBeGreaterThan(40);
  });

  const clockChanges: [string, string, string, number][] = [
    ['London, spring', 'Europe/London', '2026-03-29', 5],
    ['London, autumn', 'Europe/London', '2026-10-25', 7],
    ['New York, spring', 'America/New_York', '2026-03-08', 5],
    ['New York, autumn', 'America/New_York', '2026-11-01', 7],
  ];
  test.each(clockChanges)('S4 on the clock-change day of %s the window has its true hours', (_, zone, date, length) => {
    const on = Temporal.PlainDate.from(date);
    const window: SendWindow = { zone, days: [7], from: '00:00', until: '06:00', holidays: new Set() };
    const today = windowOn(on, window)!;
    expect(today.from.until(today.until).total('hours')).toBe(length);
    const placed = plan(
      day([sequence({ cap: 500, window: today, fresh: leads(400) })], [sender({ left: 500, gapMinutes: 5 })], on),
    );
    // A window is full at the widest gap, 6:30 of 5 minutes.
    expect(placed).toHaveLength(Math.floor((length * 60 * 60 - 1) / 390) + 1);
    for (const { at } of placed) {
      expect(dateIn(at, zone).toString()).toBe(date);
      expect(at.toZonedDateTimeISO(zone).hour).toBeLessThan(6);
    }
  });

  const days = fc.record({
    cap: fc.integer({ min: 1, max: 60 }),
    steps: fc.integer({ min: 1, max: 6 }),
    minutes: fc.integer({ min: 1, max: 600 }),
    due: fc.integer({ min: 0, max: 60 }),
    fresh: fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 4 }),
    senders: fc.array(fc.record({ left: fc.integer({ min: 0, max: 40 }), gapMinutes: fc.integer({ min: 0, max: 40 }) }), {
      minLength: 1,
      maxLength: 3,
    }),
    taken: fc.array(fc.integer({ min: -30, max: 630 }), { maxLength: 10 }),
    second: fc.boolean(),
  });

  test('S3 S4 S5 E2 no plan breaks a cap, limit, gap or window, and planning its result again places nobody', () => {
    fc.assert(
      fc.property(days, given => {
        const window = {
          from: hours('09:00', '17:00').from,
          until: hours('09:00', '17:00').from.add({ minutes: given.minutes }),
        };
        const senders = given.senders.map((one, index) =>
          sender({ id: index + 1, ...one, taken: given.taken.map(minute => window.from.add({ minutes: minute })) }),
        );
        const senderIds = senders.map(({ id }) => id);
        const make = (id: number) =>
          sequence({
            id,
            cap: given.cap,
            steps: given.steps,
            window,
            senderIds,
            due: followUps(given.due),
            fresh: given.fresh.flatMap((n, list) => leads(n, list)),
          });
        const state = day(given.second ? [make(1), make(2)] : [make(1)], senders);
        const placed = plan(state);

        const own = (id: number) => placed.filter(placement => placement.sequenceId === id);
        for (const { id, cap } of state.sequences) expect(own(id).length).toBeLessThanOrEqual(cap);
        for (const one of senders) {
          const at = placed.filter(placement => placement.senderId === one.id).map(placement => placement.at.epochMilliseconds);
          expect(at.length).toBeLessThanOrEqual(one.left);
          for (const [index, time] of at.entries()) {
            expect(time).toBeGreaterThanOrEqual(window.from.epochMilliseconds);
            expect(time).toBeLessThan(window.until.epochMilliseconds);
            const others = [...at.slice(0, index), ...at.slice(index + 1), ...one.taken.map(taken => taken.epochMilliseconds)];
            for (const other of others) expect(Math.abs(time - other)).toBeGreaterThanOrEqual(one.gapMinutes * 60_000);
          }
        }
        const chosen = new Set(placed.map(placement => placement.enrollmentId));
        expect(chosen.size).toBe(placed.length);
        const again = plan({
          on: state.on,
          sequences: state.sequences.map(one => {
            const mine = own(one.id).filter(placement => placement.firstContact);
            const lists = new Map<number | null, number>();
            for (const { enrollmentId } of mine) {
              const { listId } = one.fresh.find(lead => lead.enrollmentId === enrollmentId)!;
              lists.set(listId, (lists.get(listId) ?? 0) + 1);
            }
            const left = <T extends { enrollmentId: number }>(all: readonly T[]) =>
              all.filter(item => !chosen.has(item.enrollmentId));
            return { ...one, used: own(one.id).length, newByList: lists, due: left(one.due), fresh: left(one.fresh) };
          }),
          senders: senders.map(one => {
            const mine = placed.filter(placement => placement.senderId === one.id);
            return { ...one, left: one.left - mine.length, taken: [...one.taken, ...mine.map(placement => placement.at)] };
          }),
        });
        expect(again).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
