import words from './criteria.json' with { type: 'json' };
import { lexicon } from './lexicon.ts';
import { numeralAt } from './numbers.ts';
import type { Token } from './text.ts';

export interface Headcount {
  range: { min?: number; max?: number };
  end: number;
}

const comparators = lexicon(
  (['over', 'least', 'under', 'most', 'about'] as const).flatMap(kind => words[kind].map(phrase => [phrase, kind] as const)),
);
const nouns = new Set(words.employees);
const leads = new Set([
  'with',
  'having',
  'have',
  'of',
  'size',
  'sized',
  'headcount',
  'employees',
  'between',
  'from',
  'has',
  'to',
  'is',
]);
const labels = new Set(['headcount', 'size', 'sized', 'employees']);

/**
 * `with 50–500 people`, `over 500 employees`, `between 50 and 200`, `fewer than fifty staff`, `1k+ employees`, `headcount 11-50`.
 * `over` and `under` leave the number itself out. A bare number without a word for people is no headcount.
 */
export function headcountAt(tokens: readonly Token[], start: number): Headcount | undefined {
  let at = start;
  let labelled = false;
  let between = false;
  while (leads.has(tokens[at]?.fold ?? '') || (at > start && tokens[at]?.text === ':')) {
    labelled ||= labels.has(tokens[at]!.fold);
    between ||= tokens[at]!.fold === 'between';
    at++;
  }
  const comparator = comparators.at(tokens, at);
  const ranged = rangeAt(tokens, comparator?.end ?? at, between);
  if (!ranged) return undefined;
  const opened = at > start;
  const noun = nounAt(tokens, ranged.end);
  const shaped = ranged.range !== undefined || ranged.orMore || comparator !== undefined;
  if (!noun && !labelled && !(opened && shaped)) return undefined;
  if (noun && !opened && !shaped && tokens[ranged.end]?.fold !== 'employees') return undefined;
  return { range: meant(ranged, comparator?.value), end: noun ?? ranged.end };
}

interface Ranged {
  low: number;
  range?: { min: number; max: number };
  orMore: boolean;
  end: number;
}

function rangeAt(tokens: readonly Token[], at: number, between: boolean): Ranged | undefined {
  const low = numeralAt(tokens, at);
  if (!low) return undefined;
  const joiner = tokens[low.end]?.fold ?? '';
  if (/^([-–—]|to|through|until|till)$/.test(joiner) || (between && joiner === 'and')) {
    const high = numeralAt(tokens, low.end + 1);
    if (high) {
      const scaled = high.value > low.value || !/k$/i.test(tokens[low.end + 1]!.text) ? low.value : low.value * 1000;
      const [min, max] = scaled <= high.value ? [scaled, high.value] : [high.value, scaled];
      return { low: min, range: { min, max }, orMore: false, end: high.end };
    }
  }
  const more = joiner === 'or' && /^(more|above|over|greater|larger|bigger)$/.test(tokens[low.end + 1]?.fold ?? '');
  const plus = joiner === '+' || joiner === 'plus';
  return { low: low.value, orMore: low.orMore || more || plus, end: low.end + (more ? 2 : plus ? 1 : 0) };
}

function nounAt(tokens: readonly Token[], at: number): number | undefined {
  const word = tokens[at]?.fold ?? '';
  if (word === 'or' && /^(more|fewer|less)$/.test(tokens[at + 1]?.fold ?? '')) return nounAt(tokens, at + 2);
  if (word === '-') return nounAt(tokens, at + 1);
  if (!nouns.has(word)) return undefined;
  return word === 'team' && tokens[at + 1]?.fold === 'members' ? at + 2 : at + 1;
}

function meant({ low, range, orMore }: Ranged, comparator: string | undefined): Headcount['range'] {
  if (range) return range;
  if (orMore || comparator === 'least') return { min: low };
  if (comparator === 'over') return { min: low + 1 };
  if (comparator === 'under') return { max: Math.max(1, low - 1) };
  if (comparator === 'most') return { max: low };
  return { min: Math.max(1, Math.round(low * 0.8)), max: Math.round(low * 1.2) };
}
