import { distance } from 'fastest-levenshtein';

/** Folds case, accents and punctuation: what makes two spellings of a name one. */
export const foldName = (name: string): string =>
  name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** How unlike two names are, from 0 (the same when folded) to 1. A name contained in the other counts as near. */
export function unlikeness(a: string, b: string): number {
  const [x, y] = [foldName(a), foldName(b)];
  if (x === y) return 0;
  const longest = Math.max(x.length, y.length) || 1;
  const edits = distance(x, y) / longest;
  const contained = x && y && (x.includes(y) || y.includes(x)) ? 0.3 : 1;
  return Math.min(edits, contained);
}

/** The `count` names nearest to what was written, nearest first; names unlike it in more than 60 % are left out. */
export const nearest = (wanted: string, names: readonly string[], count = 3): string[] =>
  names
    .map(name => ({ name, far: unlikeness(wanted, name) }))
    .filter(({ far }) => far <= 0.6)
    .sort((a, b) => a.far - b.far || a.name.localeCompare(b.name))
    .slice(0, count)
    .map(({ name }) => name);
