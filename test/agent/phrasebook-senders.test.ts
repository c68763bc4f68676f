import { describe, expect, test } from 'vitest';
import type { Focus, PhraseCall } from '../../src/agent/phrasebook/types.ts';
import { calls, focused, said } from './phrasebook-slots.ts';

const call = (tool: string, input: Record<string, unknown> = {}): PhraseCall => ({ tool, input });
const ann = 'ann@acme.example';

describe('mailboxes', () => {
  test.each<[string, PhraseCall]>([
    ['How are our mailboxes?', call('list_senders')],
    ['which mailboxes are paused?', call('list_senders')],
    [`pause the mailbox ${ann}`, call('pause_sender', { sender: ann })],
    [`Please pause sender <mailto:${ann}|${ann}>`, call('pause_sender', { sender: ann })],
    ['pause the mailbox "Ann of Acme"', call('pause_sender', { sender: 'Ann of Acme' })],
    ['pause the mailbox Ann Roe', call('pause_sender', { sender: 'Ann Roe' })],
    [`stop sending from ${ann} please`, call('pause_sender', { sender: ann })],
    [`don't send anything from ${ann} for now`, call('pause_sender', { sender: ann })],
    [`let ${ann} send again`, call('resume_sender', { sender: ann })],
    [`unpause the mailbox ${ann}`, call('resume_sender', { sender: ann })],
    [`does the mailbox ${ann} work?`, call('test_sender', { sender: ann })],
    [`can ${ann} sign in?`, call('test_sender', { sender: ann })],
    [`why is the mailbox ${ann} not sending?`, call('why', { about: ann })],
    [`remove the sender ${ann} for good`, call('remove_sender', { sender: ann })],
    [`set the gap of ${ann} to 10 minutes`, call('set_sender', { sender: ann, gapMinutes: 10 })],
    [`raise the limit of ${ann} to 40 a day`, call('set_sender', { sender: ann, dailyLimit: 40 })],
    [`set ${ann}'s daily limit to 40`, call('set_sender', { sender: ann, dailyLimit: 40 })],
    [`let ${ann} send at most forty a day`, call('set_sender', { sender: ann, dailyLimit: 40 })],
    [`turn off the ramp of ${ann}`, call('set_sender', { sender: ann, ramp: false })],
    [`warm up ${ann}`, call('set_sender', { sender: ann, ramp: true })],
    [`set the signature of ${ann} to Ann Roe, Acme Ltd`, call('set_sender', { sender: ann, signature: 'Ann Roe, Acme Ltd' })],
    [
      `set the signature of ${ann} to "Ann Roe. Acme Ltd, and more"`,
      call('set_sender', { sender: ann, signature: 'Ann Roe. Acme Ltd, and more' }),
    ],
    [`pause ${ann}'s mailbox`, call('pause_sender', { sender: ann })],
    [`set the limit to 40 a day for ${ann}`, call('set_sender', { sender: ann, dailyLimit: 40 })],
    [`is ${ann} paused?`, call('why', { about: ann })],
    ['which sender failed?', call('list_senders')],
    [`remove the signature of ${ann}`, call('set_sender', { sender: ann, signature: '' })],
    [`rename the mailbox ${ann} to Ann of Acme`, call('set_sender', { sender: ann, name: 'Ann of Acme' })],
  ])('S5 %s', (text, wanted) => expect(calls(text, focused)).toEqual([wanted]));

  test.each<[string, PhraseCall]>([
    [`pause ${ann}`, call('pause_lead', { lead: ann })],
    [`remove ${ann} from FR CTOs`, call('remove_member', { list: 'FR CTOs', leads: [ann] })],
    [`stop emailing ${ann}`, call('exclude', { address: ann })],
    ['set the limit of Fall Intro to 40 a day', call('edit_sequence', { sequence: 'Fall Intro', dailyCap: 40 })],
    ['stop sending from Fall Intro', call('pause_sequence', { sequence: 'Fall Intro' })],
    [`send Fall Intro from ${ann}`, call('edit_sequence', { sequence: 'Fall Intro', senders: [ann] })],
    [
      `set the senders of Fall Intro to ${ann} and bob@acme.example`,
      call('edit_sequence', { sequence: 'Fall Intro', senders: [ann, 'bob@acme.example'] }),
    ],
  ])('%s: an address without the word is a person, and a sequence stays one', (text, wanted) =>
    expect(calls(text, focused)).toEqual([wanted]),
  );

  const about = (last: PhraseCall): Focus => ({ ...focused, last });
  test.each<[string, PhraseCall, PhraseCall]>([
    ['make it 20', call('set_sender', { sender: ann, dailyLimit: 40 }), call('set_sender', { sender: ann, dailyLimit: 20 })],
    ['make it 20', call('set_sender', { sender: ann, gapMinutes: 10 }), call('set_sender', { sender: ann, gapMinutes: 20 })],
    ['resume it', call('pause_sender', { sender: ann }), call('resume_sender', { sender: ann })],
    ['pause it', call('resume_sender', { sender: ann }), call('pause_sender', { sender: ann })],
    ['pause it', call('link_list', { list: 'FR CTOs' }), call('pause_sequence', { sequence: 'Fall Intro' })],
  ])('%s after %j', (text, last, wanted) => expect(calls(text, about(last))).toEqual([wanted]));

  test.each([
    'connect my mailbox',
    `add a new sender ${ann}`,
    `connect ${ann} as a mailbox`,
    `set the password of ${ann} to hunter2`,
    `the password of the mailbox ${ann} is hunter2`,
  ])('A1 %s: an operator does that on the command line', text => {
    expect(said(text, focused)).toMatch(/^Passwords never go through a chat: .*drover sender add/);
    expect(calls(text, focused)).toEqual([]);
  });
});

describe('numbers', () => {
  const fall = 'Fall Intro';
  test.each<[string, PhraseCall]>([
    ['show the numbers', call('show_numbers')],
    ['show me our results', call('show_numbers')],
    ['how is Fall Intro performing?', call('show_numbers', { sequence: fall })],
    ['how well is Fall Intro converting this month?', call('show_numbers', { sequence: fall, since: '2026-03-01' })],
    ['show the numbers of Fall Intro since 2026-02-10', call('show_numbers', { sequence: fall, since: '2026-02-10' })],
    ['show the numbers of Fall Intro since 1 March', call('show_numbers', { sequence: fall, since: '2026-03-01' })],
    ['numbers since 5 March', call('show_numbers', { since: '2025-03-05' })],
    ['stats since Friday', call('show_numbers', { since: '2026-02-27' })],
    ['stats since two weeks ago', call('show_numbers', { since: '2026-02-16' })],
    ['reply rate of Fall Intro', call('show_numbers', { sequence: fall })],
    ['what is our bounce rate?', call('show_numbers')],
    ['bounce rate', call('show_numbers')],
    ['results of last month', call('show_numbers', { since: '2026-02-01', until: '2026-02-28' })],
    ['performance of Fall Intro last week', call('show_numbers', { sequence: fall, since: '2026-02-23', until: '2026-03-01' })],
    ['show the numbers for the last 7 days', call('show_numbers', { since: '2026-02-24' })],
    ['results of last quarter', call('show_numbers', { since: '2025-10-01', until: '2025-12-31' })],
    ['results of this year', call('show_numbers', { since: '2026-01-01' })],
    ['numbers in January', call('show_numbers', { since: '2026-01-01', until: '2026-01-31' })],
    ['numbers for April 2025', call('show_numbers', { since: '2025-04-01', until: '2025-04-30' })],
    ['numbers in March', call('show_numbers', { since: '2026-03-01' })],
    ['numbers of yesterday', call('show_numbers', { since: '2026-03-01', until: '2026-03-01' })],
    ['numbers from 1 February to 15 February', call('show_numbers', { since: '2026-02-01', until: '2026-02-15' })],
    [
      'how many replies did Fall Intro get last week?',
      call('show_numbers', { sequence: fall, since: '2026-02-23', until: '2026-03-01' }),
    ],
    ['show the numbers by sender', call('show_numbers', { by: 'sender' })],
    ['numbers by sender', call('show_numbers', { by: 'sender' })],
    ['numbers per list since 5 March', call('show_numbers', { by: 'list', since: '2025-03-05' })],
    ['reply rate by step of Fall Intro', call('show_numbers', { by: 'step', sequence: fall })],
    ['which sequence works best?', call('show_numbers', { by: 'sequence' })],
    ['numbers of FR CTOs', call('show_numbers', { list: 'FR CTOs' })],
    ['show me the stats of the list FR CTOs since Friday', call('show_numbers', { list: 'FR CTOs', since: '2026-02-27' })],
    ['what is the reply rate of FR CTOs?', call('show_numbers', { list: 'FR CTOs' })],
    [`how is ${ann} doing?`, call('show_numbers', { sender: ann })],
    [`show the numbers of ${ann}`, call('show_numbers', { sender: ann })],
    [`bounce rate of the mailbox ${ann}`, call('show_numbers', { sender: ann })],
    ['how many people bounced this week?', call('show_numbers', { since: '2026-03-02' })],
    ['how is it performing?', call('show_numbers', { sequence: fall })],
    ['how is FR CTOs performing?', call('show_list', { list: 'FR CTOs' })],
    ['show the replies since Friday', call('list_replies', { since: '2026-02-27' })],
    ['any replies this week?', call('list_replies', { since: '2026-03-02' })],
  ])('%s', (text, wanted) => expect(calls(text, focused)).toEqual([wanted]));
});

describe('review', () => {
  test.each<[string, Record<string, unknown>]>([
    ['refuse Mia Castell because she is a customer', { leads: ['Mia Castell'], reason: 'she is a customer' }],
    ['refuse all in Fall Intro because the list is wrong', { all: true, reason: 'the list is wrong' }],
    ['reject the first 3 since they are partners', { count: 3, reason: 'they are partners' }],
    ['refuse Mia Castell', { leads: ['Mia Castell'] }],
  ])('E4 %s', (text, input) =>
    expect(calls(text, focused)).toEqual([call('review_leads', { sequence: 'Fall Intro', decision: 'refuse', ...input })]),
  );
});
