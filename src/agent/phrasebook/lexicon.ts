import type { Token } from './text.ts';

export interface Lexicon<T> {
  /** The longest phrase that begins at `at`, and what it means. */
  at(tokens: readonly Token[], at: number): { value: T; end: number } | undefined;
  has(phrase: string): boolean;
}

/** Phrases of several words, found by their first: the longest wins, the first entry of two alike stands. */
export function lexicon<T>(entries: Iterable<readonly [phrase: string, value: T]>): Lexicon<T> {
  const meanings = new Map<string, T>();
  const longest = new Map<string, number>();
  for (const [phrase, value] of entries) {
    const words = phrase.split(' ');
    if (!meanings.has(phrase)) meanings.set(phrase, value);
    longest.set(words[0]!, Math.max(longest.get(words[0]!) ?? 0, words.length));
  }
  return {
    has: phrase => meanings.has(phrase),
    at(tokens, at) {
      const most = longest.get(tokens[at]?.fold ?? '') ?? 0;
      for (let length = Math.min(most, tokens.length - at); length > 0; length--) {
        let phrase = '';
        for (let i = 0; i < length; i++) phrase += `${i ? ' ' : ''}${tokens[at + i]!.fold}`;
        if (meanings.has(phrase)) return { value: meanings.get(phrase)!, end: at + length };
      }
      return undefined;
    },
  };
}
