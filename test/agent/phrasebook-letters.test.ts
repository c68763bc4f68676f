import { describe, expect, test } from 'vitest';
import { understand } from '../../src/agent/phrasebook/index.ts';
import { context } from './phrasebook-slots.ts';

const made = (text: string) => {
  const understood = understand(text, context);
  return understood.kind === 'calls' ? understood.calls : understood.text;
};

describe('letters', () => {
  test.each<[string, Record<string, unknown>]>([
    ['answer: Thursday at 10 suits me.', { text: 'Thursday at 10 suits me.' }],
    ['Answer Ann Example: yes', { text: 'yes', lead: 'Ann Example' }],
    ['reply to ann@acme.example: yes', { text: 'yes', lead: 'ann@acme.example' }],
    ['please answer reply 12: yes', { text: 'yes', reply: 12 }],
    ['answer the reply of Ann Example: yes', { text: 'yes', lead: 'Ann Example' }],
    ['write back to her: yes', { text: 'yes' }],
  ])('%s', (prompt, input) => expect(made(prompt)).toEqual([{ tool: 'answer_reply', input }]));

  test('A3 a letter leaves word for word: nothing in it is an order, a quotation or a condition', () => {
    const text = 'Do not pause "Fall Intro".\n\nIf you like, archive FR CTOs: it is never a problem — Bob said so?\n  Ada';
    expect(made(`answer: ${text}`)).toEqual([{ tool: 'answer_reply', input: { text } }]);
  });

  test.each(['reply to Ann Example', 'answer'])('without a text it says how: %s', prompt =>
    expect(made(prompt)).toContain('after a colon'),
  );
});

describe('reminders', () => {
  const on = '2026-05-01';
  test.each<[string, Record<string, unknown>]>([
    ['remind me on 1 May of the reply of Ann Example', { on, lead: 'Ann Example' }],
    ['Please remind me of the reply of ann@acme.example on 2026-05-01', { on, lead: 'ann@acme.example' }],
    ['remind me on 1 May of this reply', { on }],
    ['remind me of the last reply on 1 May', { on }],
    ['remind me on 1 May about reply 12', { on, reply: 12 }],
    ['remind me on 1 May to write to Ann Example again', { on, lead: 'Ann Example' }],
    ['remind me to contact Ann Example again on 1 May', { on, lead: 'Ann Example' }],
  ])('D4 %s', (prompt, input) => expect(made(prompt)).toEqual([{ tool: 'remind_reply', input }]));
});
