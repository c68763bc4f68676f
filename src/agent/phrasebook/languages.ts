import words from './languages.json' with { type: 'json' };
import { foldWord } from './text.ts';

/** Usual words of other languages that mean nothing in English: enough to tell that a prompt is none of ours, not which one it is. */
const known = new Set(Object.values(words).flat());

export const englishOnly =
  'I read English only here, so nothing was done. With a model (OPENAI_API_KEY) I read other languages too.';

/** Is this in a language that the phrasebook does not read? Its first word says so, or any two, or letters that are not Latin. */
export function isForeign(text: string): boolean {
  const letters = text.match(/\p{L}/gu) ?? [];
  if (letters.filter(letter => !/\p{Script=Latin}/u.test(letter)).length > letters.length / 2) return true;
  const said = (text.match(/[\p{L}\p{M}'’]+/gu) ?? []).map(foldWord);
  return known.has(said[0] ?? '') || said.filter(word => known.has(word)).length > 1;
}
