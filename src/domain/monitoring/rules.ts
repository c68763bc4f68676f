import { type Cadence, instantAt, isoWeek, nextPeriod, type Period, refillTime } from '../../calendar.ts';

/** Standing orders and receipts, as far as they are pure. */

export interface Standing {
  cadence: Cadence;
  amount: number;
  /** ISO weekday; only of a weekly order. */
  weekday: number | null;
}

/** M1: how many leads a standing order may ask for. */
export const amounts = { least: 1, most: 1000 };

/** How many leads a single order may ask for. */
export const orders = { least: 1, most: 10_000 };

const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** `20 / day`, `20 / weekday`, `100 / week (Mon)`, `off` (M1). */
export function summary(order: { cadence: string; amount: number; weekday: number | null } | null | undefined): string {
  if (!order) return 'off';
  if (order.cadence === 'weekly') return `${order.amount} / week (${weekdays[(order.weekday ?? 1) - 1]})`;
  return `${order.amount} / ${order.cadence === 'weekdays' ? 'weekday' : 'day'}`;
}

/** The standing order in a row that may have none. */
export const orderOf = (row: { cadence: string | null; amount: number | null; weekday: number | null }) =>
  row.cadence !== null && row.amount !== null ? { cadence: row.cadence, amount: row.amount, weekday: row.weekday } : null;

/** The first run strictly after an instant, in the workspace's zone (M3). */
export const periodAfter = (after: Temporal.Instant, { cadence, weekday }: Omit<Standing, 'amount'>, zone: string): Period =>
  nextPeriod(after, { cadence, weekday, at: refillTime, zone });

/** The same period where the clock of another zone shows the refill time: its key stays, so that it still runs once (M3). */
export function periodIn(key: string, { weekday }: Pick<Standing, 'weekday'>, zone: string): Period {
  return { key, at: instantAt(dateOf(key, weekday), refillTime, zone) };
}

function dateOf(key: string, weekday: number | null): Temporal.PlainDate {
  const week = /^(\d+)-W(\d+)$/.exec(key);
  if (!week) return Temporal.PlainDate.from(key);
  // 4 January is always in week 1.
  const first = Temporal.PlainDate.from({ year: Number(week[1]), month: 1, day: 4 });
  const date = first.add({ weeks: Number(week[2]) - 1 }).add({ days: (weekday ?? 1) - first.dayOfWeek });
  if (isoWeek(date) !== key) throw new RangeError(`${key} has no weekday ${weekday}`);
  return date;
}

/** Of a standing order that was due at `due`: the latest period that has begun by now; older ones are not made up (M3). */
export function latestMissed(due: Period, now: Temporal.Instant, order: Omit<Standing, 'amount'>, zone: string): Period {
  for (let latest = due; ; ) {
    const next = periodAfter(latest.at, order, zone);
    if (Temporal.Instant.compare(next.at, now) > 0) return latest;
    latest = next;
  }
}

/** Where a refill, or a list's next one, goes on reading: after `cursor`, leaving out the first `skip` (they were dealt with). */
export interface Position {
  cursor: string | null;
  skip: number;
}

/** How far one refill has read. */
export interface Progress extends Position {
  /** Has it begun at the source's start, or gone back there? */
  fromStart: boolean;
  /** The first record that it looked at: having gone back to the start, it ends there, so that nobody counts twice. */
  first: string | null;
  /** The source's end, as it was when it went back from there. */
  end: Position | null;
}

export const beginning: Position = { cursor: null, skip: 0 };

export const startAt = (position: Position): Progress => ({
  ...position,
  fromStart: position.cursor === null && position.skip === 0,
  first: null,
  end: null,
});

/** A list's stored position as it was written by `positionText`; null: the beginning. */
export const readPosition = (text: string | null): Position => (text === null ? beginning : (JSON.parse(text) as Position));
export const positionText = ({ cursor, skip }: Position): string => JSON.stringify({ cursor, skip });

/** At most this many candidates are looked at for an order, so that one that hardly finds anybody new ends (M2). */
export const budget = (asked: number): number => asked * 50 + 1000;

/** How many candidates are fetched at once: some to spare for skips, and no more than a short transaction takes (300: about 100 ms). */
export const pageSize = (want: number): number => Math.min(300, Math.max(50, Math.ceil(want * 1.25)));

/** What was asked for, and what came of it. found = added + Σ skipped (L5). */
export interface Receipt {
  asked: number;
  found: number;
  added: number;
  skipped: Record<string, number>;
  ended: 'filled' | 'exhausted' | 'budget' | 'list_archived' | 'cancelled' | null;
  enrolled: number;
  notEnrolled: Record<string, number>;
}

/** Two counts by reason as one. */
export function plus(a: Record<string, number>, b: Record<string, number>): Record<string, number> {
  const sum = { ...a };
  for (const [reason, n] of Object.entries(b)) sum[reason] = (sum[reason] ?? 0) + n;
  return sum;
}
