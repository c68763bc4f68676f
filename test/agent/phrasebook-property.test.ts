import fc from 'fast-check';
import { expect, test } from 'vitest';
import { understand } from '../../src/agent/phrasebook/index.ts';
import { phrasings } from '../../src/agent/phrasebook/phrases.ts';
import type { PhraseContext } from '../../src/agent/phrasebook/types.ts';
import { promptFrom, seeded } from './phrasebook-slots.ts';

const anyName = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.constantFrom(
    'link',
    'if',
    'said',
    'should',
    'it',
    'and',
    '"',
    "'",
    '20',
    'a day',
    '?',
    'link A to B',
    'pause',
    '$created',
    '<#C1>',
    '__proto__',
    'constructor',
  ),
);
const anyContext: fc.Arbitrary<PhraseContext> = fc.record({
  lists: fc.array(anyName, { maxLength: 5 }),
  sequences: fc.array(anyName, { maxLength: 5 }),
  focus: fc.record(
    {
      list: anyName,
      sequence: anyName,
      last: fc.constant({ tool: 'set_monitoring', input: { list: 'x', cadence: 'daily', amount: 2 } }),
    },
    { requiredKeys: [] },
  ),
  today: fc.constant('2026-03-02'),
});
const words = phrasings.flatMap(({ source }) => source.match(/[a-z']+/g) ?? []);
const anyText = fc.oneof(
  fc.string({ maxLength: 400 }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc
    .array(fc.constantFrom(...words, '200', 'two hundred', ',', '.', '?', '"', "'", 'FR', 'Germany', 'CTOs', 'step 1:', '\n'), {
      maxLength: 60,
    })
    .map(parts => parts.join(' ')),
);

test('no text and no name makes it throw, and the same prompt means the same', () => {
  fc.assert(
    fc.property(anyText, anyContext, (text, context) => {
      const understood = understand(text, context);
      expect(understand(text, context)).toEqual(understood);
      if (understood.kind === 'say') expect(understood.text).not.toBe('');
      else expect(understood.calls.length).toBeGreaterThan(0);
    }),
    { numRuns: 400, seed: 3 },
  );
});

test('a command that is only quoted never writes, whatever lists and sequences are called', () => {
  const random = seeded(17);
  const orders = phrasings
    .filter(({ group }) => !group.read && !group.tool.startsWith('$'))
    .map(phrasing => promptFrom(phrasing, random).text.replaceAll('"', ''));
  const quoting = fc.constantFrom(
    (order: string) => `"${order}"`,
    (order: string) => `Bob said "${order}"`,
    (order: string) => `> ${order}`,
    (order: string) => `the mail says: “${order}”`,
  );
  const reads = /^(show_|list_|status|help|preview|preflight|forecast|why|activity)/;
  fc.assert(
    fc.property(fc.constantFrom(...orders), quoting, anyContext, (order, quote, context) => {
      const understood = understand(quote(order), context);
      expect(understood.kind === 'calls' ? understood.calls.filter(({ tool }) => !reads.test(tool)) : []).toEqual([]);
    }),
    { numRuns: 400, seed: 3 },
  );
});

test.each([
  ['a', 10_000],
  ['"', 10_000],
  ["'a ", 3_300],
  ['a.', 5_000],
  ['1,000', 2_000],
  ['link ', 2_000],
  ['and add 20 more every Monday ', 350],
  ['in Berlin, ', 900],
  ['<mailto:', 1_250],
  ['step 1: ', 1_250],
  ['Fall Intro ', 900],
  ['one hundred and ', 625],
  ['\n> ', 3_300],
  ['«', 10_000],
])('ten thousand characters of %j come to an end', (piece, times) => {
  const context = { lists: ['a', 'FR CTOs'], sequences: ['Fall Intro'], focus: {}, today: '2026-03-02' };
  expect(understand(piece.repeat(times), context).kind).toBe('say');
  expect(understand(`find 200 CTOs ${piece.repeat(Math.floor(times / 30))}`, context).kind).toMatch(/say|calls/);
});
