import { lexicon } from './lexicon.ts';
import words from './macros.json' with { type: 'json' };
import { numeralAt } from './numbers.ts';
import type { Token } from './text.ts';
import { type Schedule, scheduleAt, type Timed } from './times.ts';

/** What may be said along with a new sequence, in any order. */
export interface SequenceOptions extends Schedule {
  dailyCap?: number;
  senders?: string[];
  /** How many steps were announced; their texts come separately. */
  announced?: number;
}

const glue = new Set(
  'with of at and up to a an the daily cap limit max maximum most contacting contact emailing sending send sends capped on from for , ( ) : using only'.split(
    ' ',
  ),
);
const perDay = lexicon(words.macros.day.map(phrase => [phrase, true] as const));
const leads = lexicon(words.macros.leads.map(phrase => [phrase, true] as const));

/** `with 3 steps, 30 a day, Tuesdays to Thursdays 10:00-16:00, from jane@acme.example`. */
export function optionsAt(tokens: readonly Token[], start: number): Timed<SequenceOptions> | undefined {
  const value: SequenceOptions = {};
  let end = start;
  for (let at = start; at < tokens.length; ) {
    const part = partAt(tokens, at, value);
    if (part) at = end = part;
    else if (glue.has(tokens[at]!.fold) && at - end < 8) at++;
    else break;
  }
  return end > start ? { value, end } : undefined;
}

function partAt(tokens: readonly Token[], at: number, value: SequenceOptions): number | undefined {
  if (tokens[at]!.fold === 'daily' && /^(cap|limit|maximum|max)$/.test(tokens[at + 1]?.fold ?? '')) return undefined;
  const schedule = scheduleAt(tokens, at);
  if (schedule) {
    Object.assign(value, schedule.value);
    return schedule.end;
  }
  if (/^[^\s@]+@[^\s@]+$/.test(tokens[at]!.text)) {
    value.senders = [...(value.senders ?? []), tokens[at]!.text];
    return at + 1;
  }
  const n = numeralAt(tokens, at);
  if (!n) return undefined;
  if (
    /^(e-?mail|mail)?steps?$|^(emails|mails|messages|touches)$/.test(tokens[n.end]?.fold ?? '') &&
    !perDay.at(tokens, n.end + 1)
  ) {
    value.announced = n.value;
    return n.end + 1;
  }
  const people = leads.at(tokens, n.end)?.end ?? n.end;
  const daily = perDay.at(tokens, people);
  const capped = tokens
    .slice(Math.max(0, at - 4), at)
    .some(({ fold }) => fold === 'cap' || fold === 'limit' || fold === 'capped');
  if (!daily && !capped) return undefined;
  value.dailyCap = n.value;
  return daily?.end ?? people;
}
