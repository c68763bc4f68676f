import { distance } from 'fastest-levenshtein';
import { typed } from './names.ts';
import { type Group, groups } from './phrases.ts';
import type { PhraseContext } from './types.ts';

/** The words of every example's phrasings: what a prompt that was not understood is compared with. */
const known = groups
  .filter(({ tool, near }) => !tool.startsWith('$') || !near)
  .filter(
    ({ tool }) =>
      !['$yes', '$no', '$say', '$correct', '$other', '$swap', '$name', '$again', '$times', '$likewise'].includes(tool),
  )
  .map(group => ({ group, words: new Set([...group.phrases, group.example].flatMap(wordsOf)) }));

function wordsOf(text: string): string[] {
  return text
    .replace(/<[^>]*>|\{\w+\}/g, ' ')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(word => word.length > 3);
}

const rarity = new Map<string, number>();
for (const { words } of known) for (const word of words) rarity.set(word, (rarity.get(word) ?? 0) + 1);

const usual = ['create_list', 'status', 'help'];
const helpful = (tools: readonly string[]): Group[] => tools.map(tool => groups.find(group => group.tool === tool)!);

/** The three things it can do that are nearest to what was said, as phrases with names that exist. */
export function nearestExamples(text: string, context: PhraseContext): string[] {
  const said = [...new Set(wordsOf(text))].slice(0, 60);
  const scored = known
    .map(({ group, words }) => ({ group, score: said.reduce((sum, word) => sum + likeness(word, words), 0) }))
    .filter(({ score }) => score > 0.05)
    .sort((a, b) => b.score - a.score);
  const best: Group[] = [];
  for (const group of [...scored.map(each => each.group), ...helpful(usual)])
    if (best.length < 3 && !best.some(({ tool }) => tool === group.tool)) best.push(group);
  return best.map(({ example }) => withNames(example, context));
}

function likeness(word: string, words: ReadonlySet<string>): number {
  if (words.has(word)) return 1 / rarity.get(word)!;
  if (word.length < 4 || word.length > 20) return 0;
  for (const other of words)
    if (Math.abs(other.length - word.length) < 2 && distance(word, other) <= (word.length > 6 ? 2 : 1))
      return 0.6 / rarity.get(other)!;
  return 0;
}

export const examplesOf = (tools: readonly string[], context: PhraseContext): string[] =>
  helpful(tools).map(({ example }) => withNames(example, context));

const withNames = (example: string, { lists, sequences, focus }: PhraseContext): string =>
  example
    .replaceAll('FR CTOs', () => typed(focus.list ?? lists[0] ?? 'FR CTOs'))
    .replaceAll('Fall Intro', () => typed(focus.sequence ?? sequences[0] ?? 'Fall Intro'));

/** 'Try “a”, “b” or “c”.' */
export const tryThese = (phrases: readonly string[]): string =>
  `Try ${phrases
    .slice(0, -1)
    .map(each => `“${each}”`)
    .join(', ')}${phrases.length > 1 ? ' or ' : ''}“${phrases.at(-1)}”.`;
