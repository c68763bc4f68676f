import { describe, expect, test } from 'vitest';
import type { PhraseCall } from '../../src/agent/phrasebook/types.ts';
import { calls, focused, said } from './phrasebook-slots.ts';

const call = (tool: string, input: Record<string, unknown>): PhraseCall => ({ tool, input });

describe('E5 a person is enrolled by name', () => {
  const into = (lead: string, sequence = 'Fall Intro') => [call('enroll_lead', { sequence, lead })];
  test.each([
    ['enrol jane@x.example in Fall Intro', into('jane@x.example')],
    ['put Jane Doe into Fall Intro by hand', into('Jane Doe')],
    ['Please enroll Jane Doe in Partner Launch.', into('Jane Doe', 'Partner Launch')],
    ['enrol her again in Partner Launch', into('Mia Roe', 'Partner Launch')],
    ['put Jane Doe back in Fall Intro', into('Jane Doe')],
    ['add jane@x.example to Fall Intro anyway', into('jane@x.example')],
    ['start Fall Intro for Jane Doe again', into('Jane Doe')],
    ['contact Jane Doe again with Fall Intro', into('Jane Doe')],
    ['give Jane Doe another try in Fall Intro', into('Jane Doe')],
    ['put FR CTOs in Fall Intro', [call('link_list', { list: 'FR CTOs', sequence: 'Fall Intro' })]],
    ['enrol FR CTOs in Fall Intro', [call('link_list', { list: 'FR CTOs', sequence: 'Fall Intro' })]],
    ['put Jane Doe back on FR CTOs', [call('restore_member', { list: 'FR CTOs', leads: ['Jane Doe'] })]],
    ['contact Jane Doe again in 3 weeks', [call('pause_lead', { lead: 'Jane Doe', until: '2026-03-23' })]],
  ])('%s', (text, wanted) => expect(calls(text, focused)).toEqual(wanted));

  test('a list of that name wins', () => {
    const among = { lists: ['Jane Doe'], sequences: ['Fall Intro'], focus: {}, today: '2026-03-02' };
    expect(calls('put Jane Doe in Fall Intro', {}, among)).toEqual([
      call('link_list', { list: 'Jane Doe', sequence: 'Fall Intro' }),
    ]);
  });

  test.each([
    "don't enrol Jane Doe in Fall Intro",
    'should I enrol Jane Doe in Fall Intro?',
    'if she replies, enrol Jane Doe in Fall Intro',
  ])('%s: changes nothing', text => expect(calls(text, focused)).toEqual([]));

  test('a sequence that there is not is a question', () => {
    expect(said('enrol Jane Doe in Nope')).toContain('I know no sequence called “Nope”');
  });
});

describe('E3 the pause of one person ends', () => {
  const end = (lead: string) => [call('pause_lead', { lead, end: true })];
  test.each([
    ['resume Jane Doe', end('Jane Doe')],
    ['unpause jane@x.example', end('jane@x.example')],
    ['end the pause of Jane Doe', end('Jane Doe')],
    ["end Jane Doe's pause now", end('Jane Doe')],
    ['take Jane Doe off hold', end('Jane Doe')],
    ['resume her', end('Mia Roe')],
    ['resume Fall Intro', [call('resume_sequence', { sequence: 'Fall Intro' })]],
    ['resume it', [call('resume_sequence', { sequence: 'Fall Intro' })]],
    ['end the pause of Fall Intro', [call('resume_sequence', { sequence: 'Fall Intro' })]],
    ['resume sender jane@x.example', [call('resume_sender', { sender: 'jane@x.example' })]],
    ['resume the mailbox Jane Doe', [call('resume_sender', { sender: 'Jane Doe' })]],
  ])('%s', (text, wanted) => expect(calls(text, focused)).toEqual(wanted));
});

describe('L3 S8 everything that a template is filled with can be set', () => {
  const edit = (changes: object, lead = 'Jane Doe') => [call('edit_lead', { lead, changes })];
  test.each([
    ['set plan of Jane Doe to pro', edit({ fields: { plan: 'pro' } })],
    ['set the plan of jane@x.example to pro', edit({ fields: { plan: 'pro' } }, 'jane@x.example')],
    ["change Jane Doe's lead status to warm", edit({ fields: { 'lead status': 'warm' } })],
    ['set "Renewal date" of Jane Doe to 1 May', edit({ fields: { 'Renewal date': '1 May' } })],
    ['set region of Jane Doe to Germany', edit({ fields: { region: 'Germany' } })],
    ['set the field plan of Jane to pro', edit({ fields: { plan: 'pro' } }, 'Jane')],
    ['set the industry of Jane Doe to Fintech', edit({ industry: 'Fintech' })],
    ["change Jane Doe's location to Berlin", edit({ location: 'Berlin' })],
    ['set the company location of Jane Doe to Paris', edit({ companyLocation: 'Paris' })],
    ['set the title of Jane Doe to CTO', edit({ title: 'CTO' })],
    ['set the daily cap of Fall Intro to 30', [call('edit_sequence', { sequence: 'Fall Intro', dailyCap: 30 })]],
    ['set the limit of jane@x.example to 40 a day', [call('set_sender', { sender: 'jane@x.example', dailyLimit: 40 })]],
    ['set the owner of FR CTOs to Sam', [call('transfer_ownership', { what: 'FR CTOs', to: 'Sam' })]],
  ])('%s', (text, wanted) => expect(calls(text, focused)).toEqual(wanted));

  test('what a list or a sequence has not is no field of a person', () => {
    expect(said('set the cap of Winter Intro to 30')).toContain('I know no sequence called “Winter Intro”');
    expect(calls('set the colour of Fall Intro to red', focused)).toEqual([]);
    expect(calls("set Fall Intro's colour to red", focused)).toEqual([]);
  });
});
