import { describe, expect, test } from 'vitest';
import { understand } from '../../src/agent/phrasebook/index.ts';
import type { Focus, PhraseCall } from '../../src/agent/phrasebook/types.ts';
import { calls, plainContext as context, focused, link, said } from './phrasebook-slots.ts';

describe('names', () => {
  test.each([
    ['link FR CTO to Fal Intro', link],
    ['link fr ctos to fall-intro', link],
    ['link the list FR CTOs to the Fall Intro sequence', link],
    ['put everyone on FR CTOs into Fall Intro', link],
  ])('%s', (text, wanted) => expect(calls(text)).toEqual(wanted));

  test('a slip is told, a guess is a question, a number is never guessed', () => {
    expect(understand('link FR CTO to Fall Intro', context)).toMatchObject({ say: expect.stringContaining('“FR CTOs”') });
    const guess = understand('link Berlin to Fall Intro', context);
    expect(guess).toMatchObject({ kind: 'say', text: expect.stringContaining('“Berlin Founders”') });
    const pendingQuestion = guess.kind === 'say' ? guess.pendingQuestion : undefined;
    expect(calls('yes', { pendingQuestion: pendingQuestion! })).toEqual([
      { tool: 'link_list', input: { list: 'Berlin Founders', sequence: 'Fall Intro' } },
    ]);
    const quarters = { ...context, lists: ['Prospects 2026 Q3'] };
    expect(calls('add 20 leads to Prospects 2026 Q4', {}, quarters)).toEqual([]);
    expect(calls('add 20 leads to Prospect 2026 Q3', {}, quarters)).toHaveLength(1);
  });

  test('unknown names are answered with those that exist, or with how to make one', () => {
    expect(said('show Xylophone')).toMatch(/FR CTOs.*Fall Intro/);
    expect(understand('unlink it', { ...context, lists: [] })).toMatchObject({
      text: expect.stringContaining('find 50 CTOs in France'),
    });
    expect(said('unlink it')).toMatch(/Which list\?.*FR CTOs.*Berlin Founders/);
    expect(said('unlink Fall Intro')).toContain('“Fall Intro” is a sequence');
  });

  test('a name that is a list and a sequence is a question', () => {
    const both = { ...context, lists: ['Spring'], sequences: ['Spring'] };
    expect(understand('how is Spring doing?', both)).toMatchObject({
      kind: 'say',
      text: expect.stringContaining('a list and a sequence'),
    });
    expect(calls('link Spring to Spring', {}, both)).toEqual([
      { tool: 'link_list', input: { list: 'Spring', sequence: 'Spring' } },
    ]);
  });

  test.each<[string, Focus, PhraseCall]>([
    ['add 20 every week to it', focused, { tool: 'set_monitoring', input: { list: 'FR CTOs', cadence: 'weekly', amount: 20 } }],
    ['link them to Partner Launch', focused, { tool: 'link_list', input: { list: 'FR CTOs', sequence: 'Partner Launch' } }],
    ['pause this sequence', focused, { tool: 'pause_sequence', input: { sequence: 'Fall Intro' } }],
    [
      'how is it doing?',
      { ...focused, last: { tool: 'add_leads', input: { list: 'FR CTOs', count: 2 } } },
      { tool: 'show_list', input: { list: 'FR CTOs' } },
    ],
    [
      'how is it doing?',
      { ...focused, last: { tool: 'pause_sequence', input: { sequence: 'Fall Intro' } } },
      { tool: 'show_sequence', input: { sequence: 'Fall Intro' } },
    ],
    [
      'stop it',
      { ...focused, last: { tool: 'set_monitoring', input: { list: 'FR CTOs', cadence: 'daily', amount: 2 } } },
      { tool: 'set_monitoring', input: { list: 'FR CTOs', cadence: 'off' } },
    ],
  ])('%s', (text, focus, wanted) => expect(calls(text, focus)).toEqual([wanted]));
});

describe('corrections', () => {
  const monitoring = { tool: 'set_monitoring', input: { list: 'FR CTOs', cadence: 'daily', amount: 20 } };
  const preview = { tool: 'preview_list', input: { criteria: { titles: ['CTO'], personLocations: ['France'] } } };
  const digest = { tool: 'set_digest', input: { cadence: 'weekdays', at: '08:30' } };
  const changed = (call: PhraseCall, change: Record<string, unknown>): PhraseCall => ({
    tool: call.tool,
    input: { ...call.input, ...change },
  });

  test.each<[string, PhraseCall, PhraseCall]>([
    ['make it 30', monitoring, changed(monitoring, { amount: 30 })],
    ['no, weekly', monitoring, changed(monitoring, { cadence: 'weekly' })],
    ['not 20, 30', monitoring, changed(monitoring, { amount: 30 })],
    ['I meant Tuesday', monitoring, changed(monitoring, { cadence: 'weekly', weekday: 2 })],
    ['on Fridays instead', monitoring, changed(monitoring, { cadence: 'weekly', weekday: 5 })],
    ['make it thirty every Tuesday', monitoring, changed(monitoring, { cadence: 'weekly', weekday: 2, amount: 30 })],
    ['sorry, I meant Berlin Founders', monitoring, changed(monitoring, { list: 'Berlin Founders' })],
    ['the other one', monitoring, changed(monitoring, { list: 'Berlin Founders' })],
    [
      'make it 30',
      { tool: 'show_sequence', input: { sequence: 'Fall Intro' } },
      { tool: 'edit_sequence', input: { sequence: 'Fall Intro', dailyCap: 30 } },
    ],
    [
      'make it 300',
      { tool: 'create_list', input: { criteria: {}, count: 200 } },
      { tool: 'add_leads', input: { list: 'FR CTOs', count: 100 } },
    ],
    [
      'make it 30',
      { tool: 'add_leads', input: { list: 'FR CTOs', count: 20 } },
      { tool: 'add_leads', input: { list: 'FR CTOs', count: 10 } },
    ],
    ['no, at 9', digest, changed(digest, { at: '09:00' })],
    ['no, Partner Launch', link[0]!, changed(link[0]!, { sequence: 'Partner Launch' })],
    ['no, in Germany', preview, { tool: 'preview_list', input: { criteria: { titles: ['CTO'], personLocations: ['Germany'] } } }],
    [
      'use Germany instead of France',
      preview,
      { tool: 'preview_list', input: { criteria: { titles: ['CTO'], personLocations: ['Germany'] } } },
    ],
    ['save it as “French”', preview, { tool: 'create_list', input: { ...preview.input, name: 'French' } }],
  ])('%s', (text, last, wanted) => expect(calls(text, { ...focused, last })).toEqual([wanted]));

  test('a refused order is corrected whole, one that was carried out is only added to', () => {
    const last = { tool: 'add_leads', input: { list: 'FR CTOs', count: 5000 } };
    expect(calls('make it 500', { ...focused, last, lastRefused: true })).toEqual([
      { tool: 'add_leads', input: { list: 'FR CTOs', count: 500 } },
    ]);
    expect(said('make it 500', { ...focused, last })).toContain('cannot take any back');
  });

  test('yes and no answer the question that is open, and nothing else', () => {
    const pendingQuestion = { tool: 'create_list', input: { criteria: { titles: ['CTO'] }, count: 200 } };
    expect(calls('yes please', { pendingQuestion })).toEqual([
      { tool: 'create_list', input: { ...pendingQuestion.input, confirmed: true } },
    ]);
    expect(calls('no', { pendingQuestion })).toEqual([]);
    expect(calls('make it 50', { pendingQuestion })).toEqual([
      { tool: 'create_list', input: { ...pendingQuestion.input, count: 50 } },
    ]);
    expect(said('yes')).toContain('waits for a yes');
    expect(said('yes', { approvals: [7] })).toContain('drover approve 7');
  });
});
