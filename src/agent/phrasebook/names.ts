import { distance } from 'fastest-levenshtein';
import { foldName, nearest } from '../../nearest.ts';
import type { Token } from './text.ts';

export type NameKind = 'list' | 'sequence';

/** A name as a prompt gives it: one that exists, a pronoun, or words that may or may not be a name. */
export interface Reference {
  how: 'known' | 'pronoun' | 'written';
  text: string;
  kinds: NameKind[];
  /** `list` or `sequence` was said along with it. */
  kindSaid?: boolean;
  /** Other names of the same kind that were said along with it. */
  also?: string[];
}

export interface NameSpan {
  name: string;
  kind: NameKind;
  end: number;
  words: number;
}

interface NameWords {
  name: string;
  kind: NameKind;
  words: string[];
}

/** Where existing names stand in the text, by their first token, longest first. Case, accents and punctuation do not count. */
export function namesIn(
  tokens: readonly Token[],
  lists: readonly string[],
  sequences: readonly string[],
): Map<number, NameSpan[]> {
  const known = new Map<string, NameWords[]>();
  const learn = (name: string, kind: NameKind): void => {
    const words = foldName(withoutOwners(name)).split(' ').filter(Boolean);
    if (words.length) known.set(words[0]!, [...(known.get(words[0]!) ?? []), { name, kind, words }]);
  };
  for (const name of lists) learn(name, 'list');
  for (const name of sequences) learn(name, 'sequence');

  const words = tokens.flatMap((token, at) =>
    wordsOf(token).map((word, part, all) => ({ word, at, first: part === 0, last: part === all.length - 1 })),
  );
  const spans = new Map<number, NameSpan[]>();
  for (const [place, { word, at, first }] of words.entries()) {
    if (!first) continue;
    for (const candidate of known.get(word) ?? []) {
      if (candidate.words.some((each, offset) => words[place + offset]?.word !== each)) continue;
      const final = words[place + candidate.words.length - 1]!;
      if (!final.last) continue;
      const end = closed(tokens, final.at + 1, candidate.name);
      const span = { name: candidate.name, kind: candidate.kind, end, words: candidate.words.length };
      spans.set(
        at,
        [...(spans.get(at) ?? []), span].sort((a, b) => b.words - a.words),
      );
    }
  }
  return spans;
}

/** 'Intro's' is 'intro': an owner's s is no part of a name. */
const withoutOwners = (text: string): string => text.replace(/['’]s(?=\s|$)/gi, '');
const wordsOf = ({ text }: Token): string[] => {
  const folded = foldName(withoutOwners(text));
  return folded ? folded.split(' ') : [];
};

/** Takes in the marks that a name ends with, so that those of "Reply?" and "Acme Co." end no sentence. */
function closed(tokens: readonly Token[], end: number, name: string): number {
  for (const mark of /[^\p{L}\p{N}\s]*$/u.exec(name)![0]) if (tokens[end]?.text === mark) end++;
  return end;
}

/** Places inside names, their first tokens left out: nothing is cut there. */
export function insides(names: Map<number, NameSpan[]>): Set<number> {
  const inside = new Set<number>();
  for (const [at, [longest]] of names) if (longest) for (let i = at + 1; i < longest.end; i++) inside.add(i);
  return inside;
}

export type Resolved = { name: string; note?: string } | { unsure: string; near: string[] };

/**
 * The name that was meant. A slip of the finger in a long name is forgiven, unless it is in a number; anything else that is not the
 * name itself is a question.
 */
export function resolveName(written: string, kind: NameKind, names: readonly string[]): Resolved {
  const exact = names.find(name => foldName(name) === foldName(written) && (foldName(name) || name.trim() === written.trim()));
  if (exact !== undefined) return { name: exact };
  if (/^#\d+$/.test(written)) return { name: written };
  const slips = names.filter(name => isSlip(foldName(written), foldName(name)));
  if (slips.length === 1) return { name: slips[0]!, note: `I took “${written}” to be “${slips[0]}”.` };
  const near = slips.length ? slips : nearest(written, names);
  const unknown = `I know no ${kind} called “${clipped(written)}”.`;
  if (near.length) return { unsure: `${unknown} Did you mean ${either(near)}?`, near };
  if (!names.length) return { unsure: `${unknown} There is no ${kind} yet: ${makeOne[kind]}`, near: [] };
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  return { unsure: `${unknown} There ${names.length === 1 ? 'is' : 'are'} ${listed(names.slice(0, 5))}${more}.`, near: [] };
}

export const makeOne: Record<NameKind, string> = {
  list: 'say “find 50 CTOs in France” to make one.',
  sequence: 'say “create a sequence called Spring” to make one.',
};

const digitsOf = (name: string): string => name.replace(/\D+/g, ' ').trim();
const isSlip = (written: string, name: string): boolean =>
  written.length >= 5 &&
  Math.abs(written.length - name.length) <= 2 &&
  digitsOf(written) === digitsOf(name) &&
  distance(written, name) <= (name.length >= 10 ? 2 : 1);

export const clipped = (text: string): string => (text.length > 80 ? `${text.slice(0, 79)}…` : text);
const quoted = (name: string): string => `“${clipped(name)}”`;
export const listed = (names: readonly string[]): string => names.map(quoted).join(', ');
export const either = (names: readonly string[]): string =>
  names.length < 2 ? listed(names) : `${listed(names.slice(0, -1))} or ${quoted(names.at(-1)!)}`;

/** A name as it can be typed back: in quotation marks unless it is plain words. */
export const typed = (name: string): string => (/^[\p{L}\p{N}][\p{L}\p{N} ._-]*$/u.test(name) ? name : `"${name}"`);
