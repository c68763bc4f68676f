import type { Span } from './pattern.ts';
import type { Reading } from './phrases.ts';
import type { Token } from './text.ts';

/** Slots that take what they know. Every other takes words as they come. */
const knowing = new Set('n order time schedule date zoned options channel length past dates period since'.split(' '));
/** What is told in many words, where a clause is more likely a part of it. */
const telling = new Set(['reason', 'note', 'rest', 'what', 'about', 'who']);
const longer = new Set(['signature', 'postalAddress', 'criteria', 'people']);

/** `flubber it`, `should get 20 a week`: said as an order is, understood or not. */
const isLikeAnOrder = (words: readonly Token[]): boolean =>
  /^(it|its|them|her|him)$/.test(words[1]?.fold ?? '') || /^(should|must)$/.test(words[0]?.fold ?? '');

const wordsOf = (clause: readonly Token[]): Token[] =>
  clause.filter(({ kind, fold }) => kind !== 'punct' && fold !== 'and' && fold !== 'then');

/** `… and Go`, of "Stop and Go". */
export const isLikeAName = (clause: readonly Token[]): boolean => {
  const words = wordsOf(clause);
  return words.length < 3 && words.every(({ text, kind }) => kind === 'word' && /^\p{Lu}/u.test(text));
};

/**
 * Would a reading take a clause that could have stood alone into a name, a value or a text? Where it means nothing by itself, it may be
 * the rest of a text or of a description of people, and written as names are, of a name.
 * @param isMissed the clause means nothing by itself.
 */
export function swallows({ spans, tokens, fields }: Reading, clause: readonly Token[], isMissed: boolean): boolean {
  const words = wordsOf(clause);
  const begins = words[0]!.start;
  const isRest = (field: string): boolean =>
    isLikeAName(clause) || (isMissed && (telling.has(field) || (longer.has(field) && !isLikeAnOrder(words))));
  const takesIn = ({ slot, field, from, end }: Span): boolean => {
    if (knowing.has(slot) || (fields[field] as { how?: string } | undefined)?.how === 'known') return false;
    return tokens[from]!.start < begins && tokens[end - 1]!.end > begins && !isRest(field);
  };
  return spans.some(takesIn);
}
