import { lexicon } from './lexicon.ts';
import { numeralAt } from './numbers.ts';
import type { Token } from './text.ts';
import words from './words.json' with { type: 'json' };

/** What a time phrase means, and where it ends. */
export interface Timed<T> {
  value: T;
  end: number;
}

export interface Order {
  cadence: 'daily' | 'weekdays' | 'weekly' | 'other';
  weekday?: number;
}

const weekdays: Record<string, number> = words.weekdays;
const months: Record<string, number> = words.months;
const cadences = lexicon(
  Object.entries(words.cadences).flatMap(([cadence, phrases]) =>
    phrases.map(phrase => [phrase, cadence as Order['cadence']] as const),
  ),
);

export const weekdayOf = (token: Token | undefined): number | undefined =>
  token && Object.hasOwn(weekdays, token.fold) ? weekdays[token.fold] : undefined;

const is = (token: Token | undefined, ...folds: string[]): boolean => token !== undefined && folds.includes(token.fold);
const skipping = (tokens: readonly Token[], at: number, ...folds: string[]): number => {
  while (is(tokens[at], ...folds)) at++;
  return at;
};

/** `every Monday`, `weekly on Tuesdays`, `each weekday`, `a day`, `/week`, `per week (Mon)`; `other` is one that Drover does not have. */
export function cadenceAt(tokens: readonly Token[], start: number): Timed<Order> | undefined {
  const at = skipping(tokens, start, ',', '-');
  const phrase = cadences.at(tokens, at);
  if (phrase && phrase.value !== 'weekly') return { value: { cadence: phrase.value }, end: phrase.end };
  const lead = phrase?.end ?? skipping(tokens, at, 'every', 'each', 'on', 'any');
  if (!phrase && lead === at && !/s$/.test(tokens[at]?.fold ?? '')) return undefined;
  const dayAt = skipping(tokens, lead, 'on', 'every', 'each', ',', '(', 'a', 'single');
  const weekday = weekdayOf(tokens[dayAt]);
  if (weekday !== undefined) {
    const end = skipping(tokens, dayAt + 1, ')');
    return { value: { cadence: 'weekly', weekday }, end: is(tokens[end], 'morning', 'mornings') ? end + 1 : end };
  }
  return phrase ? { value: { cadence: 'weekly' }, end: phrase.end } : undefined;
}

interface Clock {
  minutes: number;
  /** Said to the half-day: `9am`, `17:00`, `noon`. A bare `5` may yet mean 17:00. */
  sure: boolean;
}

function clockAt(tokens: readonly Token[], at: number): Timed<Clock> | undefined {
  const token = tokens[at];
  if (is(token, 'noon', 'midday')) return { value: { minutes: 720, sure: true }, end: at + 1 };
  if (is(token, 'midnight')) return { value: { minutes: 0, sure: true }, end: at + 1 };
  if (is(token, 'half') && is(tokens[at + 1], 'past')) {
    const hour = numeralAt(tokens, at + 2);
    return hour && hour.value < 24 ? { value: { minutes: hour.value * 60 + 30, sure: false }, end: hour.end } : undefined;
  }
  const written = /^(\d{1,2})(?:[:.h](\d{2}))?(am|pm|h)?$/.exec(token?.fold ?? '');
  const inWords = written ? undefined : token?.kind === 'word' ? numeralAt(tokens, at) : undefined;
  const hour = written ? Number(written[1]) : inWords?.value;
  if (hour === undefined || hour > 24) return undefined;
  let end = inWords?.end ?? at + 1;
  const minute = Number(written?.[2] ?? 0);
  const half = written?.[3] && written[3] !== 'h' ? written[3] : halfDay(tokens, end);
  if (half && !/^[ap]m$/.test(written?.[3] ?? '')) end++;
  if (is(tokens[end], "o'clock", 'oclock', 'h', 'uhr')) end++;
  const sure = half !== undefined || written?.[2] !== undefined || written?.[3] === 'h' || hour > 12;
  const shifted = half === 'pm' && hour < 12 ? hour + 12 : half === 'am' && hour === 12 ? 0 : hour;
  return minute < 60 ? { value: { minutes: shifted * 60 + minute, sure }, end } : undefined;
}

const halfDay = (tokens: readonly Token[], at: number): 'am' | 'pm' | undefined =>
  is(tokens[at], 'am', 'a.m', 'a.m.') ? 'am' : is(tokens[at], 'pm', 'p.m', 'p.m.') ? 'pm' : undefined;

const hhmm = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;

/** `8:30`, `at 9am`, `17h`, `noon`. */
export function timeAt(tokens: readonly Token[], start: number): Timed<string> | undefined {
  const clock = clockAt(tokens, skipping(tokens, start, 'at', 'around', 'about', '@'));
  return clock && clock.value.minutes < 1440 ? { value: hhmm(clock.value.minutes), end: clock.end } : undefined;
}

export interface Window {
  sendFrom: string;
  sendUntil: string;
}

/** `between 9 and 5`, `10:00-16:00`, `from 9am until 17:00`: an end that would lie before the beginning is in the afternoon. */
export function windowAt(tokens: readonly Token[], start: number): Timed<Window> | undefined {
  const first = skipping(tokens, start, 'between', 'from', 'only', 'at');
  const from = clockAt(tokens, first);
  if (!from || !is(tokens[from.end], 'and', 'to', '-', '–', '—', 'until', 'till', 'through', 'til')) return undefined;
  const until = clockAt(tokens, from.end + 1);
  if (!until) return undefined;
  let end = until.value.minutes;
  if (end <= from.value.minutes && (!until.value.sure || end === 0)) end = end === 0 ? 1440 : end + 720;
  if (end > 1440 || from.value.minutes >= 1440) return undefined;
  return { value: { sendFrom: hhmm(from.value.minutes), sendUntil: hhmm(end) }, end: until.end };
}

const dayGroups = lexicon<readonly number[]>([
  ...words.cadences.weekdays.map(phrase => [phrase, [1, 2, 3, 4, 5]] as const),
  ...['every day', 'daily', 'all week', 'seven days a week', '7 days a week', 'any day', 'all days', 'each day'].map(
    phrase => [phrase, [1, 2, 3, 4, 5, 6, 7]] as const,
  ),
  ...['weekends', 'on weekends', 'the weekend', 'on the weekend', 'at weekends', 'every weekend'].map(
    phrase => [phrase, [6, 7]] as const,
  ),
]);

/** `weekdays`, `Tuesdays to Thursdays`, `Mon-Thu`, `Mondays, Wednesdays and Fridays`. */
export function daysAt(tokens: readonly Token[], start: number): Timed<number[]> | undefined {
  const group = dayGroups.at(tokens, start);
  if (group) return { value: [...group.value], end: group.end };
  const at = skipping(tokens, start, 'on', 'only', 'from', 'every', 'between');
  const days = new Set<number>();
  let end = at;
  for (let next = at; ; next = skipping(tokens, end, ',', 'and', '&', 'or', '/', '+')) {
    const some = spanAt(tokens, next);
    if (!some || (next === end && end > at)) break;
    for (const day of some.value) days.add(day);
    end = some.end;
  }
  return days.size ? { value: [...days].sort(), end } : undefined;
}

function spanAt(tokens: readonly Token[], at: number): Timed<number[]> | undefined {
  const hyphened = /^(\p{L}+)-(\p{L}+)$/u.exec(tokens[at]?.fold ?? '');
  if (hyphened && Object.hasOwn(weekdays, hyphened[1]!) && Object.hasOwn(weekdays, hyphened[2]!))
    return { value: span(weekdays[hyphened[1]!]!, weekdays[hyphened[2]!]!), end: at + 1 };
  const first = weekdayOf(tokens[at]);
  if (first === undefined) return undefined;
  const last = is(tokens[at + 1], 'to', '-', '–', '—', 'through', 'until', 'till', 'thru')
    ? weekdayOf(tokens[at + 2])
    : undefined;
  return last === undefined ? { value: [first], end: at + 1 } : { value: span(first, last), end: at + 3 };
}

const span = (first: number, last: number): number[] =>
  Array.from({ length: ((last - first + 7) % 7) + 1 }, (_, offset) => ((first + offset - 1) % 7) + 1);

export interface Schedule extends Partial<Window> {
  sendDays?: number[];
  zone?: string;
}

/** Days, hours and a zone in any order: `Tuesdays to Thursdays 10:00-16:00`, `between 9 and 5 on weekdays, Berlin time`. */
export function scheduleAt(tokens: readonly Token[], start: number): Timed<Schedule> | undefined {
  const value: Schedule = {};
  let end = start;
  for (let at = start; at < tokens.length; ) {
    at = skipping(tokens, at, ',', 'and', 'only', 'on', 'in', '(');
    const window = value.sendFrom ? undefined : windowAt(tokens, at);
    const days = window || value.sendDays ? undefined : daysAt(tokens, at);
    const zone = window || days || value.zone ? undefined : zoneAt(tokens, at);
    const part = window ?? days ?? zone;
    if (!part) break;
    if (window) Object.assign(value, window.value);
    if (days) value.sendDays = days.value;
    if (zone) value.zone = zone.value;
    at = end = skipping(tokens, part.end, ')');
  }
  return end > start ? { value, end } : undefined;
}

/** `Europe/Berlin`, `UTC`, `Berlin time`. */
export function zoneAt(tokens: readonly Token[], at: number): Timed<string> | undefined {
  const [first, slash, second] = tokens.slice(at, at + 3);
  if (slash?.text === '/' && second && /^[A-Z]/.test(first!.text) && /^[A-Z]/.test(second.text))
    return { value: `${first!.text}/${second.text}`, end: at + 3 };
  if (is(first, 'utc', 'gmt', 'cet', 'est', 'pst')) return { value: first!.text.toUpperCase(), end: at + 1 };
  for (let length = 1; length <= 3; length++)
    if (is(tokens[at + length], 'time') && tokens.slice(at, at + length).every(({ text }) => /^\p{Lu}/u.test(text)))
      return {
        value: tokens
          .slice(at, at + length)
          .map(({ text }) => text)
          .join(' '),
        end: at + length + 1,
      };
  return undefined;
}

/** A local date: `2027-01-01`, `1 March 2027`, `March 1st`, `tomorrow`, `next Friday`, `the end of May`, `3 months`. */
export function dateAt(tokens: readonly Token[], start: number, today: string): Timed<string> | undefined {
  const now = Temporal.PlainDate.from(today);
  const at = skipping(tokens, start, 'the', 'next', 'on', 'another', 'about', 'coming');
  const token = tokens[at];
  const told = (date: Temporal.PlainDate, end: number): Timed<string> => ({ value: date.toString(), end });
  if (/^\d{4}-\d{2}-\d{2}$/.test(token?.text ?? '')) return valid(token!.text, at + 1);
  if (is(token, 'tomorrow')) return told(now.add({ days: 1 }), at + 1);
  if (is(token, 'week', 'month', 'year', 'quarter') && at > start) return told(now.add(spanOf(token!.fold, 1)), at + 1);
  if (is(token, 'end') && is(tokens[at + 1], 'of')) return endOf(tokens, at + 2, now);
  const weekday = weekdayOf(token);
  if (weekday !== undefined) return told(now.add({ days: ((weekday - now.dayOfWeek + 6) % 7) + 1 }), at + 1);
  const length = numeralAt(tokens, at) ?? (is(token, 'a', 'an') ? { value: 1, end: at + 1 } : undefined);
  const unit = length && /^(day|week|month|quarter|year)s?$/.exec(tokens[length.end]?.fold ?? '')?.[1];
  if (length && unit && length.value <= 1000) return told(now.add(spanOf(unit, length.value)), length.end + 1);
  return dayAndMonth(tokens, at, now);
}

const spanOf = (unit: string, n: number): Temporal.DurationLike =>
  unit === 'day'
    ? { days: n }
    : unit === 'week'
      ? { weeks: n }
      : unit === 'year'
        ? { years: n }
        : { months: unit === 'quarter' ? 3 * n : n };

function valid(text: string, end: number): Timed<string> | undefined {
  try {
    return { value: Temporal.PlainDate.from(text, { overflow: 'reject' }).toString(), end };
  } catch {
    return undefined;
  }
}

const iso = (year: number, month: number, day: number): string =>
  `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;

const monthOf = (token: Token | undefined): number | undefined =>
  token && Object.hasOwn(months, token.fold) ? months[token.fold] : undefined;

const yearAt = (tokens: readonly Token[], at: number): number | undefined =>
  /^20\d\d$/.test(tokens[at]?.text ?? '') ? Number(tokens[at]!.text) : undefined;

function endOf(tokens: readonly Token[], start: number, now: Temporal.PlainDate): Timed<string> | undefined {
  const at = skipping(tokens, start, 'the', 'this');
  const year = yearAt(tokens, at) ?? (is(tokens[at], 'year') ? now.year : undefined);
  if (year) return valid(`${year}-12-31`, at + 1);
  const month = is(tokens[at], 'month') ? now.month : monthOf(tokens[at]);
  if (!month) return undefined;
  const said = yearAt(tokens, at + 1);
  const first = Temporal.PlainDate.from(iso(said ?? (month < now.month ? now.year + 1 : now.year), month, 1));
  return { value: first.with({ day: first.daysInMonth }).toString(), end: said ? at + 2 : at + 1 };
}

/** `1 March 2027`, `March 1st, 2027`, `March 2027` (its first day); without a year the next one to come, of those that have the day. */
function dayAndMonth(tokens: readonly Token[], at: number, now: Temporal.PlainDate): Timed<string> | undefined {
  const written = writtenDay(tokens, at);
  if (!written) return undefined;
  const { year, month, day = 1, end } = written;
  if (year) return valid(iso(year, month, day), end);
  // A 29 February is at most eight years away.
  for (let next = now.year; next <= now.year + 8; next++) {
    const found = valid(iso(next, month, day), end);
    if (found && found.value > now.toString()) return found;
  }
  return undefined;
}

interface WrittenDay {
  year?: number;
  month: number;
  day?: number;
  end: number;
}

/** `1 March 2027`, `March`: a month, with what is said of its day and year. */
export function writtenDay(tokens: readonly Token[], at: number): WrittenDay | undefined {
  const dayOf = (token: Token | undefined): number | undefined => {
    const day = /^(\d{1,2})(?:st|nd|rd|th)?$/.exec(token?.fold ?? '')?.[1];
    return day ? Number(day) : undefined;
  };
  const first = dayOf(tokens[at]);
  const monthPlace = first ? skipping(tokens, at + 1, 'of', '.') : at;
  const month = monthOf(tokens[monthPlace]);
  if (!month) return undefined;
  const second = first ? undefined : dayOf(tokens[monthPlace + 1]);
  const end = monthPlace + (second ? 2 : 1);
  const yearPlace = skipping(tokens, end, ',');
  const year = yearAt(tokens, yearPlace);
  const day = first ?? second;
  return { month, ...(day ? { day } : {}), ...(year ? { year } : {}), end: year ? yearPlace + 1 : end };
}

/** A date that no calendar has, and why: `2026-02-30`, `31 February`, `29 Feb 2027`. Undefined where it has it, or none is written. */
export function noSuchDay(tokens: readonly Token[], at: number): { end: number; why: string } | undefined {
  const numbers = /^(\d{4})-(\d{2})-(\d{2})$/
    .exec(tokens[at]?.text ?? '')
    ?.slice(1)
    .map(Number);
  const written = numbers ? { year: numbers[0]!, month: numbers[1]!, day: numbers[2]!, end: at + 1 } : writtenDay(tokens, at);
  if (written?.day === undefined) return undefined;
  const { year, month, day, end } = written;
  if (month < 1 || month > 12) return { end, why: 'a year has 12 months' };
  // Beyond 31 it is a number beside the name of a month, unless it is said to be a date.
  if (!numbers && day > 31 && !is(tokens[at - 1], ...dated)) return undefined;
  // Without a year it may be a day of any: 2028 is a leap year.
  const first = Temporal.PlainDate.from(iso(year ?? 2028, month, 1));
  if (day >= 1 && day <= first.daysInMonth) return undefined;
  const named = first.toLocaleString('en-US', { month: 'long', ...(year ? { year: 'numeric' } : {}) });
  const most = month === 2 && !year ? 'at most ' : '';
  return { end, why: `${named} has ${most}${first.daysInMonth} days` };
}

const dated = ['until', 'till', 'through', 'since', 'on', 'from', 'before', 'after'];
