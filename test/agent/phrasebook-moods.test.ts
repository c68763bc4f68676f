import { describe, expect, test } from 'vitest';
import { type Phrasing, phrasings } from '../../src/agent/phrasebook/phrases.ts';
import { calls, focused, link, context as odd, pick, promptFrom, said, seeded, writes } from './phrasebook-slots.ts';

describe('nothing that is not an order writes', () => {
  const writing = phrasings.filter(({ group }) => !group.read && !group.negated && !group.tool.startsWith('$'));
  const prompts = (seed: number): string[] => {
    const random = seeded(seed);
    return writing.map((phrasing: Phrasing) => promptFrom(phrasing, random).text);
  };
  const says: [string, (order: string) => string][] = [
    ['negations', order => `don't ${order}`],
    ['polite negations', order => `please do not ${order}`],
    ['never', order => `never ${order}`],
    ['questions', order => `should I ${order}?`],
    ['suppositions', order => `what would happen if we ${order}`],
    ['question marks', order => `${order}?`],
    ['wishes', order => `I wish we could ${order}`],
    ['dreams', order => `it would be nice to ${order}`],
    ['reports', order => `Bob said ${order}`],
    ['quoted reports', order => `Bob wrote: 'please ${order}'`],
    ['quotations', order => `"${order.replaceAll('"', '')}"`],
    ['quoted lines', order => `> ${order}`],
    ['conditions', order => `if it is ready, ${order}`],
    ['conditions behind', order => `${order} if everything looks fine`],
    ['orders after a report', order => `This is what the customer told me. ${order}`],
  ];
  test.each(says)('%s', (_, say) => {
    const random = seeded(5);
    const wrong = prompts(11)
      .map(order => ({ text: say(order), made: writes(calls(say(order), { ...focused, last: pick(random, link) }, odd)) }))
      .filter(({ made }) => made.length);
    expect(wrong).toEqual([]);
  });

  test.each([
    ["Bob said 'link FR CTOs to Fall Intro'", /someone said or wrote/],
    ['According to the mail, link FR CTOs to Fall Intro', /someone said or wrote/],
    ['I wish we could link FR CTOs to Fall Intro', /sounds like a wish/],
    ['maybe link FR CTOs to Fall Intro', /sounds like a wish/],
    ['link FR CTOs to Fall Intro if it is active', /cannot wait for a condition/],
    ['"delete everything"', /quotation/],
    ['“link FR CTOs to Fall Intro”', /quotation/],
    ['should I link FR CTOs to Fall Intro?', /a question, so I changed nothing/],
    ["don't link FR CTOs to Fall Intro", /left that as it is/],
  ])('%s: says why nothing was done', (text, answer) => expect(said(text)).toMatch(answer));

  test('a word in quotation marks is a name and never an order', () => {
    expect(calls('"pause" Fall Intro')).toEqual([]);
    expect(calls("'yes'", { pendingQuestion: link[0]! })).toEqual([]);
  });

  test('a question about how things are is answered by reading', () => {
    expect(calls('is Fall Intro active?')).toEqual([{ tool: 'show_sequence', input: { sequence: 'Fall Intro' } }]);
    expect(calls('tell me if Fall Intro is paused')).toEqual([{ tool: 'show_sequence', input: { sequence: 'Fall Intro' } }]);
    expect(calls('when does Fall Intro send next?')).toEqual([{ tool: 'show_sequence', input: { sequence: 'Fall Intro' } }]);
    expect(calls('how do I link a list?')).toEqual([{ tool: 'help', input: { about: 'link a list' } }]);
  });

  test('a question says what to type to have it done', () => {
    expect(said('should I link FR CTOs to Fall Intro?')).toContain('“link FR CTOs to Fall Intro”');
  });

  test('a negation covers what follows, up to a contrast', () => {
    expect(calls("don't link FR CTOs to Fall Intro and add 20 leads to it", focused)).toEqual([]);
    expect(calls("don't link FR CTOs to Fall Intro, just add 20 leads to it", focused)).toEqual([
      { tool: 'add_leads', input: { list: 'FR CTOs', count: 20 } },
    ]);
    expect(calls("link FR CTOs to Fall Intro but don't activate it")).toEqual(link);
  });
});
