import { describe, expect, test } from 'vitest';
import { understand } from '../../src/agent/phrasebook/index.ts';
import type { Focus, PhraseCall } from '../../src/agent/phrasebook/types.ts';
import { catalogue } from '../../src/tools/catalogue.ts';
import { calls, plainContext as context, focused, said } from './phrasebook-slots.ts';

const call = (tool: string, input: Record<string, unknown> = {}): PhraseCall => ({ tool, input });
const both = ['FR CTOs', 'Berlin Founders'];

describe('questions about what was and what will be', () => {
  test.each<[string, PhraseCall]>([
    ['why is Jane Doe not contacted?', call('why', { about: 'Jane Doe' })],
    ["why hasn't jane doe been contacted", call('why', { about: 'jane doe' })],
    ['Why did the FR CTOs list get fewer?', call('why', { about: 'FR CTOs' })],
    ['why is Fall Intro not sending', call('why', { about: 'Fall Intro' })],
    ['why is it so slow?', call('why', { about: 'FR CTOs' })],
    ["why isn't jane@acme.example moving?", call('why', { about: 'jane@acme.example' })],
    ['what is holding up Fall Intro?', call('why', { about: 'Fall Intro' })],
    ['has Jane Doe been contacted?', call('why', { about: 'Jane Doe' })],
    ['why is she stuck?', call('why', { about: 'Mia Roe' })],
    ['what would happen if I link FR CTOs to Fall Intro', call('preflight_link', { list: 'FR CTOs', sequence: 'Fall Intro' })],
    ['what if we put it into Partner Launch?', call('preflight_link', { list: 'FR CTOs', sequence: 'Partner Launch' })],
    ['when will the backlog drain?', call('forecast')],
    ['forecast the next 60 days', call('forecast', { days: 60 })],
    ['forecast Fall Intro for three weeks', call('forecast', { sequence: 'Fall Intro', days: 21 })],
    ['When will Fall Intro be done?', call('forecast', { sequence: 'Fall Intro' })],
    ['what happened yesterday', call('activity', { days: 2 })],
    ['who changed Fall Intro?', call('activity', { about: 'Fall Intro' })],
    ['what did Sam do this week?', call('activity', { member: 'Sam', days: 7 })],
    ['what did <@U02ABC|sam> do since 20 February?', call('activity', { member: '<@U02ABC>', days: 11 })],
    ['history of FR CTOs', call('activity', { about: 'FR CTOs' })],
    ['show the last 5 changes', call('activity', { limit: 5 })],
    ['who is excluded?', call('list_exclusions')],
  ])('%s', (text, wanted) => expect(calls(text, focused)).toEqual([wanted]));

  test('a question about nothing in particular asks back', () => {
    expect(said('why?')).toMatch(/Name a person, a list, a sequence/);
    expect(said('stop her')).toMatch(/Who\?/);
  });
});

describe('orders about people, lists, sequences and tasks', () => {
  test.each<[string, PhraseCall]>([
    ['undo', call('undo')],
    ['undo that', call('undo')],
    ['take that back', call('undo')],
    ['rename FR CTOs to French CTOs', call('rename_list', { list: 'FR CTOs', name: 'French CTOs' })],
    ['call it French CTOs', call('rename_list', { list: 'FR CTOs', name: 'French CTOs' })],
    ['rename Fall Intro to Autumn', call('edit_sequence', { sequence: 'Fall Intro', name: 'Autumn' })],
    ['archive FR CTOs', call('archive_list', { list: 'FR CTOs' })],
    ['archive Fall Intro', call('archive_sequence', { sequence: 'Fall Intro' })],
    ['remove jane@acme.example from FR CTOs', call('remove_member', { list: 'FR CTOs', leads: ['jane@acme.example'] })],
    ['remove Jane Doe and Bob Roe from FR CTOs', call('remove_member', { list: 'FR CTOs', leads: ['Jane Doe', 'Bob Roe'] })],
    ['put her back', call('restore_member', { list: 'FR CTOs', leads: ['Mia Roe'] })],
    ['put Jane Doe back on Berlin Founders', call('restore_member', { list: 'Berlin Founders', leads: ['Jane Doe'] })],
    ['remove Jane Doe from Fall Intro', call('stop_lead', { lead: 'Jane Doe', sequence: 'Fall Intro' })],
    ['merge FR CTOs and Berlin Founders into Europe', call('combine_lists', { how: 'union', lists: both, name: 'Europe' })],
    [
      'merge FR CTOs with Berlin Founders and call it Europe',
      call('combine_lists', { how: 'union', lists: both, name: 'Europe' }),
    ],
    ['everyone on FR CTOs who is not on Berlin Founders', call('combine_lists', { how: 'minus', lists: both })],
    ['people on both FR CTOs and Berlin Founders', call('combine_lists', { how: 'intersection', lists: both })],
    ["change Jane's e-mail to jane@new.example", call('edit_lead', { lead: 'Jane', changes: { email: 'jane@new.example' } })],
    [
      "Change Jane Doe's job title to Chief of Staff.",
      call('edit_lead', { lead: 'Jane Doe', changes: { title: 'Chief of Staff' } }),
    ],
    ['Jane Doe now works at Acme', call('edit_lead', { lead: 'Jane Doe', changes: { company: 'Acme' } })],
    ['stop Jane', call('stop_lead', { lead: 'Jane' })],
    ['stop Jane in Fall Intro because she left', call('stop_lead', { lead: 'Jane', sequence: 'Fall Intro', reason: 'she left' })],
    ['stop Fall Intro', call('pause_sequence', { sequence: 'Fall Intro' })],
    ['pause Jane until 3 May', call('pause_lead', { lead: 'Jane', until: '2026-05-03' })],
    ['pause Fall Intro', call('pause_sequence', { sequence: 'Fall Intro' })],
    ['finish Fall Intro', call('finish_sequence', { sequence: 'Fall Intro' })],
    ['reopen Fall Intro', call('reopen_sequence', { sequence: 'Fall Intro' })],
    ['duplicate Fall Intro as Winter Intro', call('duplicate_sequence', { sequence: 'Fall Intro', name: 'Winter Intro' })],
    ['done with the call to Jane', call('finish_task', { lead: 'Jane' })],
    [
      'done with the call to Jane, note: she asked for a demo',
      call('finish_task', { lead: 'Jane', note: 'she asked for a demo' }),
    ],
    ['skip that task', call('skip_task', { lead: 'Mia Roe' })],
    ['mark the unknown ones as sent', call('settle_unknown', { as: 'sent' })],
    ['resend the unknown ones in Fall Intro', call('settle_unknown', { as: 'resend', sequence: 'Fall Intro' })],
    ['lift the exclusion of acme.example', call('lift_exclusion', { value: 'acme.example' })],
    ['give the list to Sam', call('transfer_ownership', { what: 'FR CTOs', to: 'Sam' })],
    ['give Fall Intro to <@U02ABC>', call('transfer_ownership', { what: 'Fall Intro', to: '<@U02ABC>' })],
    [
      'respect German holidays in Fall Intro',
      call('edit_sequence', { sequence: 'Fall Intro', holidays: { country: 'Germany' } }),
    ],
    ['ignore holidays in Fall Intro', call('edit_sequence', { sequence: 'Fall Intro', holidays: { country: null } })],
    ['do not send on 24 December', call('edit_sequence', { sequence: 'Fall Intro', holidays: { addDates: ['2026-12-24'] } })],
    [
      "don't send on 24, 25 and 26 December in Fall Intro",
      call('edit_sequence', { sequence: 'Fall Intro', holidays: { addDates: ['2026-12-24', '2026-12-25', '2026-12-26'] } }),
    ],
    [
      'add 31 December to the holidays of Fall Intro',
      call('edit_sequence', { sequence: 'Fall Intro', holidays: { addDates: ['2026-12-31'] } }),
    ],
    [
      'remove 31 December from the holidays of Fall Intro',
      call('edit_sequence', { sequence: 'Fall Intro', holidays: { removeDates: ['2026-12-31'] } }),
    ],
    [
      '31 December is not a holiday in Fall Intro',
      call('edit_sequence', { sequence: 'Fall Intro', holidays: { removeDates: ['2026-12-31'] } }),
    ],
    [
      'send on 31 December again in Fall Intro',
      call('edit_sequence', { sequence: 'Fall Intro', holidays: { removeDates: ['2026-12-31'] } }),
    ],
    [
      'set the holidays of Fall Intro to 24 and 31 December',
      call('edit_sequence', { sequence: 'Fall Intro', holidays: { dates: ['2026-12-24', '2026-12-31'] } }),
    ],
    [
      'set the holidays of Fall Intro to Germany',
      call('edit_sequence', { sequence: 'Fall Intro', holidays: { country: 'Germany' } }),
    ],
  ])('%s', (text, wanted) => expect(calls(text, focused)).toEqual([wanted]));

  test('A1 roles are for a person: it says how, and calls nothing', () => {
    expect(said('make Sam an admin')).toContain('drover role "Sam" admin');
    expect(said('demote Sam to rep')).toContain('drover role "Sam" rep');
  });

  test('deleting is offered as archiving, and done after a yes', () => {
    expect(said('delete FR CTOs')).toContain('“archive FR CTOs”');
    expect(calls('delete FR CTOs')).toEqual([]);
    const pendingQuestion = call('archive_list', { list: 'FR CTOs' });
    expect(calls('yes', { pendingQuestion })).toEqual([pendingQuestion]);
  });

  test('whom the thread is about is who was named last', () => {
    expect(calls('remove Jane Doe from FR CTOs. Put her back.')).toEqual([
      call('remove_member', { list: 'FR CTOs', leads: ['Jane Doe'] }),
      call('restore_member', { list: 'FR CTOs', leads: ['Jane Doe'] }),
    ]);
  });

  test.each([
    "don't stop Jane Doe",
    'should I archive FR CTOs?',
    'Bob said finish Fall Intro',
    'never undo that',
    'I wish we could merge FR CTOs and Berlin Founders',
    '"stop Jane Doe"',
    'if she replies, stop Jane Doe',
  ])('%s: changes nothing', text => expect(calls(text, focused)).toEqual([]));

  test('a task is a step among others', () => {
    const text =
      'create a sequence called Spring: step 1: subject: Hi body: Hello step 2: task after 3 days: call them step 3 (task, after a week): write a letter body: by hand step 4 after 2 days: task: visit';
    expect(calls(text)).toEqual([
      call('create_sequence', {
        name: 'Spring',
        steps: [
          { subject: 'Hi', body: 'Hello' },
          { kind: 'task', title: 'call them', delayDays: 3 },
          { kind: 'task', title: 'write a letter', body: 'by hand', delayDays: 7 },
          { kind: 'task', title: 'visit', delayDays: 2 },
        ],
      }),
    ]);
  });
});

describe('the same again, with a difference', () => {
  const ofCompanies = call('preview_list', { criteria: { titles: ['CTO'], companyLocations: ['France'] } });
  const weekly = call('set_monitoring', { list: 'FR CTOs', cadence: 'weekly', amount: 20 });
  const about = (last: PhraseCall): Focus => ({ ...focused, last });
  test.each<[string, PhraseCall, PhraseCall]>([
    ['What about Italy?', ofCompanies, call('preview_list', { criteria: { titles: ['CTO'], companyLocations: ['Italy'] } })],
    ['and in Spain?', ofCompanies, call('preview_list', { criteria: { titles: ['CTO'], companyLocations: ['Spain'] } })],
    ['no, in Germany', ofCompanies, call('preview_list', { criteria: { titles: ['CTO'], companyLocations: ['Germany'] } })],
    [
      'same for founders',
      ofCompanies,
      call('preview_list', { criteria: { seniorities: ['founder'], companyLocations: ['France'] } }),
    ],
    [
      'What about Italy?',
      call('create_list', { criteria: { titles: ['CTO'], personLocations: ['France'] }, count: 50 }),
      call('preview_list', { criteria: { titles: ['CTO'], personLocations: ['Italy'] }, count: 50 }),
    ],
    ['double it', weekly, call('set_monitoring', { ...weekly.input, amount: 40 })],
    ['halve it', weekly, call('set_monitoring', { ...weekly.input, amount: 10 })],
    ['double it', call('add_leads', { list: 'FR CTOs', count: 50 }), call('add_leads', { list: 'FR CTOs', count: 50 })],
    [
      'double it',
      call('edit_sequence', { sequence: 'Fall Intro', dailyCap: 30 }),
      call('edit_sequence', { sequence: 'Fall Intro', dailyCap: 60 }),
    ],
  ])('%s after %j', (text, last, wanted) => expect(calls(text, about(last))).toEqual([wanted]));

  test('what cannot be multiplied or moved elsewhere is a question', () => {
    expect(said('double it', about(call('show_list', { list: 'FR CTOs' })))).toContain('“make it 40”');
    expect(said('What about Italy?', about(weekly))).toContain('“preview CTOs in Italy”');
  });

  test.each<[string, PhraseCall[]]>([
    [
      'Add 50 to FR CTOs and 20 to Berlin Founders',
      [call('add_leads', { list: 'FR CTOs', count: 50 }), call('add_leads', { list: 'Berlin Founders', count: 20 })],
    ],
    [
      'add 50 every week to FR CTOs and 20 to Berlin Founders',
      [
        call('set_monitoring', { list: 'FR CTOs', cadence: 'weekly', amount: 50 }),
        call('set_monitoring', { list: 'Berlin Founders', cadence: 'weekly', amount: 20 }),
      ],
    ],
    [
      'link FR CTOs to Fall Intro and Berlin Founders to Partner Launch',
      [
        call('link_list', { list: 'FR CTOs', sequence: 'Fall Intro' }),
        call('link_list', { list: 'Berlin Founders', sequence: 'Partner Launch' }),
      ],
    ],
    [
      'make "FR CTOs" look for founders in Berlin instead',
      [call('edit_criteria', { list: 'FR CTOs', criteria: { seniorities: ['founder'], personLocations: ['Berlin'] } })],
    ],
    [
      'create a list "Fintech" of VPs of Sales at fintechs in Germany',
      [
        call('create_list', {
          name: 'Fintech',
          criteria: { titles: ['VP of Sales'], industries: ['Fintech'], companyLocations: ['Germany'] },
        }),
      ],
    ],
  ])('%s', (text, wanted) => expect(calls(text, focused, context)).toEqual(wanted));
});

describe('what tools say of themselves', () => {
  const known = {
    lists: ['Fintech VPs', 'CTOs London', 'FR CTOs', 'Berlin Founders'],
    sequences: ['Fall Intro', 'Partner Launch', 'Winter Intro'],
    focus: { leads: ['Ann Example'] },
    today: '2026-03-02',
  };
  test.each(catalogue.flatMap(tool => tool.examples.map(example => [tool.name, example, tool.humanOnly] as const)))(
    '%s: “%s” is understood',
    (tool, example, humanOnly) => {
      const understood = understand(example, known);
      const made = understood.kind === 'calls' ? understood.calls.map(each => each.tool) : [];
      if (humanOnly) expect(understood).toMatchObject({ kind: 'say', text: expect.stringContaining('drover') });
      else expect(understood.kind === 'say' ? [understood.text] : made).toContain(tool);
    },
  );
});
