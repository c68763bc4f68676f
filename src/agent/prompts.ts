import { readFileSync } from 'node:fs';
import { Broken } from '../errors.ts';

/** A slot's value is ours or a workspace's setting; it lands in one line, and is no longer than this. */
const valueLimit = 120;

/** A text of `prompts/`, its slots filled. */
export type Prompt = (values: Record<string, string>) => string;

/**
 * Reads `prompts/<name>.md`. Its header names the slots (`slots: a, b`), then a line `---`; `{{a}}` is a slot.
 * @throws Broken where header and text disagree, so that a slot nobody fills is found when the process starts
 */
export function readPrompt(name: string): Prompt {
  const file = readFileSync(new URL(`../../prompts/${name}.md`, import.meta.url), 'utf8');
  const [, header, text] = /^([\s\S]*?)\n---\n([\s\S]*)$/.exec(file) ?? [];
  if (header === undefined || text === undefined) throw new Broken('bad_prompt', `prompts/${name}.md has no header`);
  const declared = (/^slots:(.*)$/m.exec(header)?.[1] ?? '').split(',').map(slot => slot.trim());
  const used = new Set([...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, slot]) => slot!));
  const wrong = [...used.symmetricDifference(new Set(declared.filter(Boolean)))];
  if (wrong.length) throw new Broken('bad_prompt', `prompts/${name}.md and its header disagree on: ${wrong.join(', ')}`);

  // One pass: a value that looks like a slot stays what it is.
  return values => text.trim().replace(/\{\{(\w+)\}\}/g, (_slot, key: string) => inert(values[key], key));
}

/** A value that cannot end its line, open a marker or reach beyond its place. */
function inert(value: string | undefined, slot: string): string {
  if (value === undefined) throw new Broken('bad_prompt', `the slot ${slot} has no value`);
  return value
    .replace(/[\p{C}\p{Zl}\p{Zp}<>`{}]+/gu, ' ')
    .slice(0, valueLimit)
    .trim();
}
