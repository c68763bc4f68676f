import { numeralAt } from './numbers.ts';
import type { Token } from './text.ts';
import { dateAt, type Timed, weekdayOf, writtenDay } from './times.ts';

/** Stretches of days behind us, as their first day and, where they are over, their last. */
export interface Period {
  since: string;
  until?: string;
}

type Unit = 'day' | 'week' | 'month' | 'quarter' | 'year';
const unitOf = (token: Token | undefined): Unit | undefined =>
  /^(day|week|month|quarter|year)s?$/.exec(token?.fold ?? '')?.[1] as Unit | undefined;
const spanOf = (n: number, unit: Unit): Temporal.DurationLike => (unit === 'quarter' ? { months: 3 * n } : { [`${unit}s`]: n });

/** The first day of the week (a Monday), month, quarter or year that a day lies in. */
function startOf(unit: Unit, day: Temporal.PlainDate): Temporal.PlainDate {
  if (unit === 'day') return day;
  if (unit === 'week') return day.subtract({ days: day.dayOfWeek - 1 });
  if (unit === 'month') return day.with({ day: 1 });
  return day.with({ day: 1, month: unit === 'year' ? 1 : day.month - ((day.month - 1) % 3) });
}

/** `since 1 March`, `last month`, `the last 7 days`, `this week`, `in March`, `between 1 and …`, `yesterday`. */
export function periodAt(tokens: readonly Token[], start: number, today: string): Timed<Period> | undefined {
  const now = Temporal.PlainDate.from(today);
  const word = (at: number): string => tokens[at]?.fold ?? '';
  if (/^(since|after)$/.test(word(start))) {
    const first = dayBackAt(tokens, start + 1, today);
    return first && { value: { since: first.value }, end: first.end };
  }
  let at = start;
  while (/^(in|of|for|over|during|within|from|between|the)$/.test(word(at))) at++;
  if (word(at) === 'today') return { value: { since: today }, end: at + 1 };
  if (word(at) === 'yesterday') {
    const day = now.subtract({ days: 1 }).toString();
    return { value: { since: day, until: day }, end: at + 1 };
  }
  if (/^(this|last|past|previous)$/.test(word(at))) return relative(tokens, at, now);
  if (/^(from|between)$/.test(word(start))) return between(tokens, at, today);
  return /^(in|of|for|during)$/.test(word(start)) ? monthAt(tokens, at, now) : undefined;
}

/** `this week`, `last month`, `the last 30 days`: the days counted include today, the weeks and months before are whole. */
function relative(tokens: readonly Token[], at: number, now: Temporal.PlainDate): Timed<Period> | undefined {
  const n = numeralAt(tokens, at + 1);
  const unit = unitOf(tokens[n?.end ?? at + 1]);
  if (!unit || (n && n.value > 1000)) return undefined;
  const end = (n?.end ?? at + 1) + 1;
  if (n) return { value: { since: now.subtract(spanOf(n.value, unit)).add({ days: 1 }).toString() }, end };
  const current = startOf(unit, now);
  if (tokens[at]!.fold === 'this') return { value: { since: current.toString() }, end };
  return { value: whole(current.subtract(spanOf(1, unit)), current, now), end };
}

/** `March`, `March 2026`: the whole month, of those without a year the last one that began. */
function monthAt(tokens: readonly Token[], at: number, now: Temporal.PlainDate): Timed<Period> | undefined {
  const written = writtenDay(tokens, at);
  if (!written || written.day !== undefined) return undefined;
  const { month, year = month > now.month ? now.year - 1 : now.year, end } = written;
  const first = Temporal.PlainDate.from({ year, month, day: 1 });
  return { value: whole(first, first.add({ months: 1 }), now), end };
}

/** `from 1 March to 15 March`, `between 2026-01-01 and 2026-01-31`. */
function between(tokens: readonly Token[], at: number, today: string): Timed<Period> | undefined {
  const first = dayBackAt(tokens, at, today);
  if (!first || !/^(to|until|till|through|and|-|–)$/.test(tokens[first.end]?.fold ?? '')) return undefined;
  const last = dayBackAt(tokens, first.end + 1, today);
  return last && { value: { since: first.value, until: last.value }, end: last.end };
}

function whole(first: Temporal.PlainDate, next: Temporal.PlainDate, now: Temporal.PlainDate): Period {
  const isOver = Temporal.PlainDate.compare(next, now) <= 0;
  return { since: first.toString(), ...(isOver ? { until: next.subtract({ days: 1 }).toString() } : {}) };
}

/** A day that is behind us: `1 March`, `Monday`, `yesterday`, `2 weeks ago`, `last month`, `March` (its first day). */
export function dayBackAt(tokens: readonly Token[], start: number, today: string): Timed<string> | undefined {
  const now = Temporal.PlainDate.from(today);
  const at = tokens[start]?.fold === 'the' ? start + 1 : start;
  if (tokens[at]?.fold === 'today') return { value: today, end: at + 1 };
  if (tokens[at]?.fold === 'yesterday') return { value: now.subtract({ days: 1 }).toString(), end: at + 1 };
  if (/^(this|last|past|previous)$/.test(tokens[at]?.fold ?? '')) {
    const period = relative(tokens, at, now);
    if (period) return { value: period.value.since, end: period.end };
  }
  const n = numeralAt(tokens, at);
  const unit = n && n.value <= 1000 ? unitOf(tokens[n.end]) : undefined;
  if (n && unit) {
    const end = tokens[n.end + 1]?.fold === 'ago' ? n.end + 2 : n.end + 1;
    return { value: now.subtract(spanOf(n.value, unit)).toString(), end };
  }
  const date = tokens[at]?.fold === 'tomorrow' ? undefined : dateAt(tokens, at, today);
  if (!date) return undefined;
  // Weekdays, and dates without a year, are read as those to come; these are behind us.
  let day = Temporal.PlainDate.from(date.value);
  const isSaid = tokens.slice(at, date.end).some(({ text }) => /^20\d\d/.test(text));
  const back = tokens.slice(at, date.end).some(token => weekdayOf(token) !== undefined) ? { weeks: 1 } : { years: 1 };
  while (!isSaid && Temporal.PlainDate.compare(day, now) > 0) day = day.subtract(back);
  return { value: day.toString(), end: date.end };
}
