import { numeralAt } from './numbers.ts';
import { dayBackAt } from './periods.ts';
import type { Token } from './text.ts';
import { dateAt, type Timed } from './times.ts';

/** Stretches of time, as numbers of days, and lists of dates. */

const unitDays: Record<string, number> = { day: 1, week: 7, fortnight: 14, month: 30, quarter: 90, year: 365 };
const unitOf = (token: Token | undefined): number | undefined => unitDays[token?.fold.replace(/s$/, '') ?? ''];

/** `60 days`, `two weeks`, `a month`, `the next 30 days`, `until the end of May`: how many days ahead. */
export function lengthAt(tokens: readonly Token[], start: number, today: string): Timed<number> | undefined {
  let at = start;
  while (/^(the|next|coming|for|over|following|of)$/.test(tokens[at]?.fold ?? '')) at++;
  if (/^(until|till)$/.test(tokens[at]?.fold ?? '')) {
    const date = dateAt(tokens, at + 1, today);
    const days = date && Temporal.PlainDate.from(today).until(date.value).days;
    return date && days && days > 0 ? { value: days, end: date.end } : undefined;
  }
  const n = numeralAt(tokens, at);
  const unit = unitOf(tokens[n?.end ?? at]);
  if (n && unit) return { value: n.value * unit, end: n.end + 1 };
  const one = /^(a|an|one)$/.test(tokens[at]?.fold ?? '') ? unitOf(tokens[at + 1]) : undefined;
  if (one) return { value: one, end: at + 2 };
  return at > start && unit ? { value: unit, end: at + 1 } : undefined;
}

/** `today`, `yesterday`, `this week`, `the last 3 days`, `since Monday`, `lately`: how many days back, today counted. */
export function daysBackAt(tokens: readonly Token[], start: number, today: string): Timed<number> | undefined {
  const word = (offset: number): string => tokens[start + offset]?.fold ?? '';
  if (/^(today|tonight)$/.test(word(0))) return { value: 1, end: start + 1 };
  if (/^(yesterday|overnight)$/.test(word(0))) return { value: 2, end: start + 1 };
  if (/^(lately|recently)$/.test(word(0))) return { value: 7, end: start + 1 };
  if (word(0) === 'since') return since(tokens, start + 1, today);
  let at = start;
  while (/^(in|during|over|for|within|the|this|last|past|previous)$/.test(tokens[at]?.fold ?? '')) at++;
  if (at === start) return undefined;
  const n = numeralAt(tokens, at);
  const unit = unitOf(tokens[n?.end ?? at]);
  if (!unit) return undefined;
  const isPeriodBefore = !n && unit > 1 && /^(last|previous)$/.test(tokens[at - 1]!.fold);
  return { value: (n?.value ?? 1) * unit * (isPeriodBefore ? 2 : 1), end: (n?.end ?? at) + 1 };
}

function since(tokens: readonly Token[], at: number, today: string): Timed<number> | undefined {
  const day = dayBackAt(tokens, at, today);
  const days = day && Temporal.PlainDate.from(day.value).until(today).days;
  return day && days !== undefined && days >= 0 ? { value: days + 1, end: day.end } : undefined;
}

/** `24 December`, `24, 25 and 26 December`, `2026-12-24 and 2026-12-31`: days on which nothing is sent. */
export function datesAt(tokens: readonly Token[], start: number, today: string): Timed<string[]> | undefined {
  const value: string[] = [];
  let end = start;
  const bare: number[] = [];
  for (let at = start; at < tokens.length; ) {
    if (/^(,|and|&|or|on|the)$/.test(tokens[at]!.fold)) {
      at++;
      continue;
    }
    const date = isDate(tokens, at) ? dateAt(tokens, at, today) : undefined;
    const day = date ? undefined : /^(\d{1,2})(?:st|nd|rd|th)?$/.exec(tokens[at]!.fold)?.[1];
    if (!date && !day) break;
    if (date) {
      // The month of the last of them is that of those before it: `24 and 25 December`.
      value.push(...bare.splice(0).map(each => `${date.value.slice(0, 8)}${String(each).padStart(2, '0')}`), date.value);
      at = end = date.end;
    } else {
      bare.push(Number(day));
      at++;
    }
  }
  return value.length ? { value: [...new Set(value)].sort(), end } : undefined;
}

/** Not `Friday` or `3 weeks`, which are no day of a calendar. */
const isDate = (tokens: readonly Token[], at: number): boolean =>
  /^\d{4}-\d{2}-\d{2}$/.test(tokens[at]!.text) ||
  /^(tomorrow|january|jan|february|feb|march|mar|april|apr|may|june|jun|july|jul|august|aug|september|sept?|october|oct|november|nov|december|dec)$/.test(
    [tokens[at]!.fold, ...(/^\d/.test(tokens[at]!.fold) ? [tokens[at + 1]?.fold ?? '', tokens[at + 2]?.fold ?? ''] : [])].find(
      word => /^\p{L}{3,}$/u.test(word),
    ) ?? '',
  );
