import { describe, expect, test } from 'vitest';
import type { Focus, PhraseCall } from '../../src/agent/phrasebook/types.ts';
import { calls, plainContext as context, focused, said } from './phrasebook-slots.ts';

const call = (tool: string, input: Record<string, unknown> = {}): PhraseCall => ({ tool, input });
const weekly = call('set_monitoring', { list: 'FR CTOs', cadence: 'weekly', amount: 20, weekday: 1 });
const link = call('link_list', { list: 'FR CTOs', sequence: 'Fall Intro' });

describe('what is not plain is asked back', () => {
  test.each([
    ['find 10 people', /^Who should I look for\? .*“save it”/],
    ['find 200', /^Who should I look for\?/],
    ['make a list', /^Who should I look for\?/],
    ['create a new list', /^Who should I look for\?/],
    ['I need a list', /^Who should I look for\?/],
    ['add lots more to it', /^How many\? Name a number/],
    ['add as many as possible to FR CTOs', /^How many\? Name a number/],
    ['find 10 people named John', /not by their names/],
    ['find someone called Jane Doe', /not by their names/],
    ['stop everything', /one list or sequence at a time.*“pause Fall Intro”/],
    ['pause it all', /one list or sequence at a time/],
    ['archive all lists', /one list or sequence at a time/],
    ['link all lists to Fall Intro', /one list or sequence at a time.*“link FR CTOs to Fall Intro”/],
  ])('%s', (text, answer) => {
    expect(said(text, focused)).toMatch(answer);
    expect(calls(text, focused)).toEqual([]);
  });

  test('how often without how many', () => {
    expect(said('make it daily instead', { last: call('show_list', { list: 'FR CTOs' }) })).toMatch(
      /How many.*“add 20 daily to FR/,
    );
  });
});

describe('dates', () => {
  test.each([
    ['exclude acme.example until 2026-02-30', /^There is no 2026-02-30: February 2026 has 28 days\. Nothing was done/],
    ['exclude acme.example until 31 February', /^There is no 31 February: February has at most 29 days/],
    ['exclude acme.example until February 29th, 2027', /^There is no February 29th, 2027: February 2027 has 28 days/],
    ['do not send on 24 December and 31 November', /^There is no 31 November: November has 30 days/],
    ['do not send on 2026-13-01', /^There is no 2026-13-01: a year has 12 months/],
    ['pause Jane Doe until 32 May', /^There is no 32 May: May has 31 days/],
    ['what happened since 31 April?', /^There is no 31 April/],
  ])('%s: there is none', (text, answer) => {
    expect(said(text, focused)).toMatch(answer);
    expect(calls(text, focused)).toEqual([]);
  });

  test.each<[string, PhraseCall]>([
    ['exclude acme.example until 29 February', call('exclude', { domain: 'acme.example', until: '2028-02-29' })],
    ['exclude acme.example until 29 Feb 2028', call('exclude', { domain: 'acme.example', until: '2028-02-29' })],
  ])('%s: there is one', (text, wanted) => expect(calls(text, focused).at(-1)).toEqual(wanted));

  test('a name is no date', () => {
    const odd = { ...context, lists: ['Fair 31 February'] };
    expect(calls('show Fair 31 February', {}, odd)).toEqual([call('show_list', { list: 'Fair 31 February' })]);
  });

  test('S4 a country nobody knows goes to the tool, which knows the nearest', () => {
    const holidays = { sequence: 'Fall Intro', holidays: { country: 'Germoney' } };
    for (const text of ['respect Germoney holidays in Fall Intro', 'respect the holidays of Germoney in Fall Intro'])
      expect(calls(text, focused)).toEqual([call('edit_sequence', holidays)]);
  });
});

describe('languages', () => {
  test.each([
    'Suche 50 CTOs in Deutschland',
    'Bitte pausiere Fall Intro',
    'Trouve 50 CTO en France',
    'Busca 50 directores en España',
    'Cerca 20 CTO a Milano',
    'Найди 50 директоров',
    '探して CTO 50人',
  ])('%s: it says which it reads', text => expect(said(text, focused)).toMatch(/^I read English only/));

  test.each(['frobnicate the leads', 'dance mit Fall Intro', 'tango Größe & Co.'])('%s: is English as far as it knows', text =>
    expect(said(text)).not.toMatch(/English/),
  );
});

describe('what a thread is about', () => {
  test('a list called like a function of people is not taken for it', () => {
    const odd = { ...context, lists: ['CTO', 'Frenchies'] };
    for (const text of ['show it', 'show me it', 'Show It'])
      expect(calls(text, { list: 'CTO' }, odd)).toEqual([call('show_list', { list: 'CTO' })]);
    expect(calls('show IT people', { list: 'CTO' }, odd)).toEqual([call('preview_list', { criteria: { functions: ['it'] } })]);
  });

  test.each<[string, PhraseCall[]]>([
    [
      'show me FR CTOs and Fall Intro',
      [call('show_list', { list: 'FR CTOs' }), call('show_sequence', { sequence: 'Fall Intro' })],
    ],
    ['show Fall Intro and FR CTOs', [call('show_sequence', { sequence: 'Fall Intro' }), call('show_list', { list: 'FR CTOs' })]],
    [
      'show FR CTOs, Berlin Founders and Fall Intro',
      [
        call('show_list', { list: 'FR CTOs' }),
        call('show_list', { list: 'Berlin Founders' }),
        call('show_sequence', { sequence: 'Fall Intro' }),
      ],
    ],
    ['how many replies did we get?', [call('show_numbers')]],
    ['how many people replied this week?', [call('show_numbers', { since: '2026-03-02' })]],
    ['how many replies did Fall Intro get?', [call('show_numbers', { sequence: 'Fall Intro' })]],
  ])('%s', (text, wanted) => expect(calls(text, focused)).toEqual(wanted));

  test.each<[string, PhraseCall, PhraseCall]>([
    ['make it daily instead', weekly, call('set_monitoring', { ...weekly.input, cadence: 'daily', weekday: undefined })],
    ['make it weekdays only', weekly, call('set_monitoring', { ...weekly.input, cadence: 'weekdays', weekday: undefined })],
    ['weekdays only', weekly, call('set_monitoring', { ...weekly.input, cadence: 'weekdays', weekday: undefined })],
    ['not Fall Intro, Partner Launch', link, call('link_list', { ...link.input, sequence: 'Partner Launch' })],
    ['not Fall Intro, Partner Launch', weekly, call('show_sequence', { sequence: 'Partner Launch' })],
    [
      'not Fall Intro, Partner Launch',
      call('show_sequence', { sequence: 'Fall Intro' }),
      call('show_sequence', { sequence: 'Partner Launch' }),
    ],
  ])('%s, after %j', (text, last, wanted) => expect(calls(text, { ...focused, last })).toEqual([wanted]));

  test('A1 no to a plan that waits names its card; no to a question is about the question', () => {
    const waiting: Focus = { ...focused, approvals: [3, 7] };
    for (const text of ['cancel that', 'no', 'never mind'])
      expect(said(text, waiting)).toMatch(/^Nothing was changed\. Plan 7 still waits, and 1 more .*Cancel.*drover cancel 7\.$/);
    expect(said('no', { ...waiting, pendingQuestion: link })).not.toContain('Plan');
    expect(said('cancel that', focused)).toMatch(/^Fine/);
  });
});

describe('help', () => {
  test.each<[string, PhraseCall[]]>([
    ['help', [call('help')]],
    ['help me out', [call('help')]],
    ['can you help me?', [call('help')]],
    ['I need help', [call('help')]],
    ['help me with linking', [call('help', { about: 'linking' })]],
    ['help me understand monitoring', [call('help', { about: 'monitoring' })]],
    ['could you tell me how to link a list?', [call('help', { about: 'link a list' })]],
    ['can you tell me how I add leads?', [call('help', { about: 'add leads' })]],
  ])('%s', (text, wanted) => expect(calls(text, focused)).toEqual(wanted));

  const berlin = call('create_list', { criteria: { titles: ['CTO'], personLocations: ['Berlin'] }, count: 200 });
  test.each<[string, PhraseCall[]]>([
    ['help me find 200 CTOs in Berlin', [berlin]],
    ['help find 200 CTOs in Berlin', [berlin]],
    ['can you help us find 200 CTOs in Berlin?', [berlin]],
    ['I need help finding 200 CTOs in Berlin', [berlin]],
    ['help with finding 200 CTOs in Berlin', [berlin]],
    ['help me pause Fall Intro', [call('pause_sequence', { sequence: 'Fall Intro' })]],
    [
      'help us find 200 CTOs in Berlin and add 20 more every Monday',
      [berlin, call('set_monitoring', { list: '$created', cadence: 'weekly', amount: 20, weekday: 1 })],
    ],
  ])('%s: is done', (text, wanted) => expect(calls(text)).toEqual(wanted));

  test('an order that is not understood is not answered with help', () => {
    expect(said('help me frobnicate FR CTOs')).toMatch(/^I did not understand/);
  });
});

describe('S10 how one company is paced', () => {
  test.each<[string, Record<string, unknown>]>([
    ['set the company limit to 3 a day', { companyFirstsPerDay: 3 }],
    ['our limit per company is 3', { companyFirstsPerDay: 3 }],
    ['at most 3 people of one company a day', { companyFirstsPerDay: 3 }],
    ['contact no more than 3 people per company per day', { companyFirstsPerDay: 3 }],
    ['pause colleagues for 10 days after a reply', { companyReplyPauseDays: 10 }],
    ['after a reply pause the colleagues for two weeks', { companyReplyPauseDays: 14 }],
    ['a reply should pause colleagues for 10 days', { companyReplyPauseDays: 10 }],
    ["don't pause colleagues after a reply", { companyReplyPauseDays: 0 }],
    ["what's our company limit?", {}],
  ])('%s', (text, input) => expect(calls(text, focused)).toEqual([call('set_workspace', input)]));
});
