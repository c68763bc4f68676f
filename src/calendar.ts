/** Local time: days, periods and send windows in a zone. Nothing else in Drover turns an instant into a date or back. */

export type Weekday = 1 | 2 | 3 | 4 | 5 | 6 | 7;

/** When messages may leave: ISO weekdays and wall-clock hours of a zone, `from` ≤ t < `until`, both `HH:MM`. */
export interface SendWindow {
  zone: string;
  days: readonly number[];
  from: string;
  until: string;
  /** Local dates (YYYY-MM-DD) on which nothing leaves. */
  holidays: ReadonlySet<string>;
}

/** Refills run at this wall-clock time of the workspace (M3). */
export const refillTime = Temporal.PlainTime.from('06:00');

export const dateIn = (now: Temporal.Instant, zone: string): Temporal.PlainDate => now.toZonedDateTimeISO(zone).toPlainDate();

/** The instant at which a wall clock shows `time` on `date`; a time that a clock change skips is the first one after the gap. */
export const instantAt = (date: Temporal.PlainDate, time: Temporal.PlainTime | string, zone: string): Temporal.Instant =>
  date.toZonedDateTime({ timeZone: zone, plainTime: Temporal.PlainTime.from(time) }).toInstant();

/** When the local day begins: not always midnight, and an instant even where midnight is skipped. */
export const startOfDay = (date: Temporal.PlainDate, zone: string): Temporal.Instant => date.toZonedDateTime(zone).toInstant();

/** '2026-W47': the ISO week that a date belongs to. */
export const isoWeek = (date: Temporal.PlainDate): string => `${date.yearOfWeek}-W${String(date.weekOfYear).padStart(2, '0')}`;

/** Is a zone one that this machine knows, under any of its names? */
export function isZone(zone: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone);
    return !/^[+-]/.test(zone);
  } catch {
    return false;
  }
}

export const isSendingDay = (date: Temporal.PlainDate, window: SendWindow): boolean =>
  window.days.includes(date.dayOfWeek) && !window.holidays.has(date.toString());

/** The window of one day as instants, or null where nothing may leave on it. Right on both clock-change days (S4). */
export function windowOn(
  date: Temporal.PlainDate,
  window: SendWindow,
): { from: Temporal.Instant; until: Temporal.Instant } | null {
  if (!isSendingDay(date, window)) return null;
  const from = instantAt(date, window.from, window.zone);
  const until =
    window.until === '24:00' ? startOfDay(date.add({ days: 1 }), window.zone) : instantAt(date, window.until, window.zone);
  return Temporal.Instant.compare(from, until) < 0 ? { from, until } : null;
}

/** The first sending day on or after `date`, within two years; null where there is none (S4). */
export function sendingDayFrom(date: Temporal.PlainDate, window: SendWindow): Temporal.PlainDate | null {
  for (let day = date, left = 731; left > 0; day = day.add({ days: 1 }), left--) if (windowOn(day, window)) return day;
  return null;
}

/** May a message leave at this instant? */
export function isOpen(now: Temporal.Instant, window: SendWindow): boolean {
  const today = windowOn(dateIn(now, window.zone), window);
  return today !== null && Temporal.Instant.compare(now, today.from) >= 0 && Temporal.Instant.compare(now, today.until) < 0;
}

export type Cadence = 'daily' | 'weekdays' | 'weekly';

/** One turn of a recurring order: when it runs, and the key under which it runs once (M3, G2). */
export interface Period {
  at: Temporal.Instant;
  key: string;
}

/** The first run of a cadence strictly after `after`, at a wall-clock time of a zone. Weekly keys are ISO weeks, others local dates. */
export function nextPeriod(
  after: Temporal.Instant,
  { cadence, weekday, at, zone }: { cadence: Cadence; weekday: number | null; at: Temporal.PlainTime | string; zone: string },
): Period {
  for (let date = dateIn(after, zone).subtract({ days: 1 }); ; date = date.add({ days: 1 })) {
    if (cadence === 'weekly' && date.dayOfWeek !== (weekday ?? 1)) continue;
    if (cadence === 'weekdays' && date.dayOfWeek > 5) continue;
    const instant = instantAt(date, at, zone);
    if (Temporal.Instant.compare(instant, after) <= 0) continue;
    return { at: instant, key: cadence === 'weekly' ? isoWeek(date) : date.toString() };
  }
}
