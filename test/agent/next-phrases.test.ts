import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { understand } from '../../src/agent/phrasebook/index.ts';

/** What answers and refusals offer to say next is understood as typed: every phrase written in the sources, with names put in. */

const root = path.join(import.meta.dirname, '../../src');
const context = {
  lists: ['FR CTOs', 'Berlin Founders'],
  sequences: ['Fall Intro', 'Partner Launch'],
  focus: {
    list: 'FR CTOs',
    sequence: 'Fall Intro',
    leads: ['Jane Doe'],
    last: { tool: 'set_monitoring', input: { list: 'FR CTOs', cadence: 'weekly', amount: 20 } },
  },
  today: '2026-03-02',
};

/** What stands for an expression of a template: by its words, a name of the kind that it is. */
const standIns: [RegExp, string][] = [
  [/reply|view\.id/i, '7'],
  [/^today/, '2027-01-31'],
  [/batch/, '20'],
  [/email/, 'jane@acme.example'],
  [/\bpage\b|\bcount|cap\b|amount|\bn\b|days|limit|most|total|room|minutes|\bmax|usual|enough/i, '20'],
  [/zone/i, 'Europe/Berlin'],
  [/country/i, 'Germany'],
  [/until|date|since|\bday\b|from\b/i, '2027-01-31'],
  [/sequence|\bto\b|holder|running/i, 'Fall Intro'],
  [/list/i, 'FR CTOs'],
  [/address|sender|mailbox|linkedin|domain/i, 'jane@acme.example'],
  [/lead|person|people|who\b|full_?name/i, 'Jane Doe'],
];
/** What an expression may be that says of itself only that it is a name. */
const names = ['Fall Intro', 'FR CTOs', 'Jane Doe', 'jane@acme.example', 'acme.example'];
const filled = (written: string, name: string): string =>
  written.replace(/\$\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}/g, (_, expression: string) =>
    /^(\w+\.)?(name|about|of|value|asks|what|who)$/.test(expression)
      ? name
      : (standIns.find(([pattern]) => pattern.test(expression))?.[1] ?? name),
  );

/** The source from `at`, which opens a bracket, to where that closes; strings are skipped. */
function bracketed(text: string, at: number): string {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const char = text[i]!;
    if (char === "'" || char === '`') {
      for (i++; i < text.length && text[i] !== char; i++) if (text[i] === '\\') i++;
    } else if ('([{'.includes(char)) depth++;
    else if (')]}'.includes(char) && --depth === 0) return text.slice(at, i + 1);
  }
  return '';
}

/** Strings that stand directly in an array, not those of conditions in it. */
const stringsOf = (array: string): string[] =>
  [...array.matchAll(/(?<![=!]== ?|\w)'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`/g)].map(
    ([, plain, template]) => plain ?? template!,
  );

/** `next: […]`, and the last argument of `refuse(code, message, […])`. */
function phrasesOf(text: string): string[] {
  const after = (pattern: RegExp): string[] =>
    [...text.matchAll(pattern)].map(match => bracketed(text, match.index + match[0].length - 1));
  const arrays = after(/\bnext: \[/g);
  for (const call of after(/\brefuse\(/g)) {
    const at = call.lastIndexOf('[');
    if (at > 0 && /\]\s*,?\s*\)$/.test(call)) arrays.push(call.slice(at));
  }
  return arrays.flatMap(stringsOf).map(phrase => phrase.replaceAll("\\'", "'"));
}

const files = globSync('{tools,domain}/**/*.ts', { cwd: root });
const offered = files.flatMap(file =>
  phrasesOf(readFileSync(path.join(root, file), 'utf8'))
    .filter(phrase => phrase.includes(' ') || /^(undo|status|help|activity|settings|forecast)$/.test(phrase))
    .map(phrase => [file, phrase] as const),
);

test('phrases are found in the sources', () => {
  expect(offered.length).toBeGreaterThan(150);
  expect(offered.map(([, phrase]) => phrase)).toContain('show exclusions');
});

test('what answers and refusals offer to say next, the phrasebook understands', () => {
  const isUnderstood = (text: string): boolean => {
    const answer = understand(text, context);
    return answer.kind === 'calls' || !/^I (did not understand|know no)|^Which|^Who/.test(answer.text) || /^drover /.test(text);
  };
  const silent = offered.filter(([, phrase]) => !names.some(name => isUnderstood(filled(phrase, name))));
  expect(silent.map(([file, phrase]) => `${file}: ${phrase}`)).toEqual([]);
});
