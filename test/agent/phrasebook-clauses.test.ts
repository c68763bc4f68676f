import { describe, expect, test } from 'vitest';
import { understand } from '../../src/agent/phrasebook/index.ts';
import type { Focus, PhraseCall, PhraseContext } from '../../src/agent/phrasebook/types.ts';

/** Several clauses in one prompt: what "it" means after a step, and where a name or a value ends. A wrong write is the worst answer. */

const context: PhraseContext = {
  lists: ['FR CTOs', 'Fintech VPs', 'Berlin Founders', 'Sales and Marketing'],
  sequences: ['Fall Intro', 'Partner Launch', 'Pause and Reply'],
  focus: {},
  today: '2026-03-02',
};
const understood = (text: string, focus: Focus = {}) => understand(text, { ...context, focus });
const calls = (text: string, focus: Focus = {}): PhraseCall[] => {
  const answer = understood(text, focus);
  return answer.kind === 'calls' ? answer.calls : [{ tool: answer.text, input: {} }];
};
const said = (text: string, focus: Focus = {}): string => {
  const answer = understood(text, focus);
  return answer.kind === 'say' ? answer.text : `calls ${JSON.stringify(answer.calls)}`;
};

/** `tool field=value …`: a call, short enough to read many of. */
const short = ({ tool, input }: PhraseCall): string =>
  [
    tool,
    ...Object.entries(input).map(([field, value]) => `${field}=${typeof value === 'string' ? value : JSON.stringify(value)}`),
  ].join(' | ');
const fall = 'sequence=Fall Intro';
const copied = `duplicate_sequence | ${fall}`;
const ctos = 'criteria={"titles":["CTO"],"personLocations":["France"]}';
const cfos = 'criteria={"titles":["CFO"],"personLocations":["Spain"]}';
const merged = 'combine_lists | how=union | lists=["FR CTOs","Fintech VPs"]';

describe('after something was made, "it" is what was made', () => {
  test.each<[string, string[]]>([
    ['clone Fall Intro, then pause it', [copied, 'pause_sequence | sequence=$created']],
    ['clone Fall Intro, then activate it', [copied, 'activate_sequence | sequence=$created']],
    ['duplicate Fall Intro and call it Winter Intro', [`${copied} | name=Winter Intro`]],
    [
      'duplicate Fall Intro. Call it Winter. Then link FR CTOs to it.',
      [`${copied} | name=Winter`, 'link_list | list=FR CTOs | sequence=$created'],
    ],
    [
      'duplicate Fall Intro, link FR CTOs to it and call it Winter',
      [`${copied} | name=Winter`, 'link_list | list=FR CTOs | sequence=$created'],
    ],
    ['duplicate Fall Intro, then set the daily cap of it to 10', [copied, 'edit_sequence | sequence=$created | dailyCap=10']],
    ['duplicate Fall Intro and set its cap to 10', [copied, 'edit_sequence | sequence=$created | dailyCap=10']],
    [
      'duplicate Fall Intro as Winter Intro with a cap of 10',
      [`${copied} | name=Winter Intro`, 'edit_sequence | sequence=$created | dailyCap=10'],
    ],
    [
      'duplicate Fall Intro as Winter Intro and activate Winter Intro',
      [`${copied} | name=Winter Intro`, 'activate_sequence | sequence=$created'],
    ],
    [
      'copy Fall Intro and name it Winter, then link FR CTOs to Winter',
      [`${copied} | name=Winter`, 'link_list | list=FR CTOs | sequence=$created'],
    ],
    ['make a copy of Fall Intro and rename it to Spring', [copied, 'edit_sequence | sequence=$created | name=Spring']],
    ['clone Fall Intro and pause the copy', [copied, 'pause_sequence | sequence=$created']],
    ['clone Fall Intro and pause Fall Intro', [copied, `pause_sequence | ${fall}`]],
    ['make a copy of Fall Intro called Spring and archive Fall Intro', [`${copied} | name=Spring`, `archive_sequence | ${fall}`]],
    [
      'create a sequence called Winter like Fall Intro and pause it',
      [`${copied} | name=Winter`, 'pause_sequence | sequence=$created'],
    ],
    ['use Fall Intro as a template for Winter and pause it', [`${copied} | name=Winter`, 'pause_sequence | sequence=$created']],
    [
      'duplicate Fall Intro and Partner Launch and activate them',
      [
        copied,
        'duplicate_sequence | sequence=Partner Launch',
        'activate_sequence | sequence=$created',
        'activate_sequence | sequence=$created 2',
      ],
    ],
    ['merge FR CTOs and Fintech VPs and link it to Fall Intro', [merged, `link_list | list=$created | ${fall}`]],
    ['merge FR CTOs and Fintech VPs and call it Europe', [`${merged} | name=Europe`]],
    [
      'combine FR CTOs with Fintech VPs into Europe and add 20 a week to it',
      [`${merged} | name=Europe`, 'set_monitoring | list=$created | amount=20 | cadence=weekly'],
    ],
    [
      'find 50 CTOs in France called Paris and find 20 CFOs in Spain called Madrid, link Madrid to Fall Intro and link Paris to Partner Launch',
      [
        `create_list | count=50 | ${ctos} | name=Paris`,
        `create_list | count=20 | ${cfos} | name=Madrid`,
        `link_list | list=$created 2 | ${fall}`,
        'link_list | list=$created | sequence=Partner Launch',
      ],
    ],
    [
      'find 50 CTOs in France and 20 CFOs in Spain and link them to Fall Intro',
      [
        `create_list | count=50 | ${ctos}`,
        `create_list | count=20 | ${cfos}`,
        `link_list | list=$created | ${fall}`,
        `link_list | list=$created 2 | ${fall}`,
      ],
    ],
    [
      'find 50 CTOs in France and give it to Sam',
      [`create_list | count=50 | ${ctos}`, 'transfer_ownership | what=$created | to=Sam'],
    ],
  ])('%s', (text, wanted) => expect(calls(text).map(short).map(sorted)).toEqual(wanted.map(sorted)));
});

/** In whatever order the fields are. */
const sorted = (call: string): string => call.split(' | ').sort().join(' | ');

describe('after another name was given, the thing has that name', () => {
  test.each<[string, string[]]>([
    [
      'rename FR CTOs to French CTOs and link it to Fall Intro',
      ['rename_list | list=FR CTOs | name=French CTOs', `link_list | list=French CTOs | ${fall}`],
    ],
    [
      'rename FR CTOs to French CTOs and then link it to Fall Intro',
      ['rename_list | list=FR CTOs | name=French CTOs', `link_list | list=French CTOs | ${fall}`],
    ],
    [
      'rename FR CTOs to Paris and link FR CTOs to Fall Intro',
      ['rename_list | list=FR CTOs | name=Paris', `link_list | list=Paris | ${fall}`],
    ],
    [
      'rename Fall Intro to Autumn and set its cap to 10',
      [`edit_sequence | ${fall} | name=Autumn`, 'edit_sequence | sequence=Autumn | dailyCap=10'],
    ],
    [
      'pause Fall Intro, rename it to Autumn, and link FR CTOs to it',
      [`pause_sequence | ${fall}`, `edit_sequence | ${fall} | name=Autumn`, 'link_list | list=FR CTOs | sequence=Autumn'],
    ],
    [
      'create a sequence called Spring and rename it to Summer and link FR CTOs to it',
      [
        'create_sequence | name=Spring',
        'edit_sequence | sequence=Spring | name=Summer',
        'link_list | list=FR CTOs | sequence=Summer',
      ],
    ],
    [
      'give FR CTOs to Sam and link it to Fall Intro',
      ['transfer_ownership | what=FR CTOs | to=Sam', `link_list | list=FR CTOs | ${fall}`],
    ],
  ])('%s', (text, wanted) => expect(calls(text).map(short).map(sorted)).toEqual(wanted.map(sorted)));
});

describe('a name or a value ends where an order begins', () => {
  test.each<[string, string[]]>([
    [
      'merge FR CTOs and Fintech VPs into Europe and link Europe to Fall Intro',
      [`${merged} | name=Europe`, `link_list | list=$created | ${fall}`],
    ],
    [
      'merge FR CTOs and Fintech VPs into Europe, then archive FR CTOs',
      [`${merged} | name=Europe`, 'archive_list | list=FR CTOs'],
    ],
    [
      'merge FR CTOs and Sales and Marketing into Europe and link Europe to Fall Intro',
      [
        'combine_lists | how=union | lists=["FR CTOs","Sales and Marketing"] | name=Europe',
        `link_list | list=$created | ${fall}`,
      ],
    ],
    [
      'everyone on FR CTOs who is not on Berlin Founders as Rest and link Rest to Fall Intro',
      ['combine_lists | how=minus | lists=["FR CTOs","Berlin Founders"] | name=Rest', `link_list | list=$created | ${fall}`],
    ],
    [
      'set company of jane@x.example to Acme and stop her',
      ['edit_lead | lead=jane@x.example | changes={"company":"Acme"}', 'stop_lead | lead=jane@x.example'],
    ],
    [
      'Jane Doe now works at Acme, pause her until 3 May',
      ['edit_lead | lead=Jane Doe | changes={"company":"Acme"}', 'pause_lead | lead=Jane Doe | until=2026-05-03'],
    ],
    [
      'change the title of jane@x.example to CTO and her company to Acme',
      [
        'edit_lead | lead=jane@x.example | changes={"title":"CTO"}',
        'edit_lead | lead=jane@x.example | changes={"company":"Acme"}',
      ],
    ],
    [
      'rename FR CTOs to Europe and Fall Intro should send on weekdays',
      ['rename_list | list=FR CTOs | name=Europe', `edit_sequence | ${fall} | sendDays=[1,2,3,4,5]`],
    ],
    [
      'rename FR CTOs to Europe; archive Fintech VPs',
      ['rename_list | list=FR CTOs | name=Europe', 'archive_list | list=Fintech VPs'],
    ],
    [
      'rename FR CTOs to "Stop and link" and pause Fall Intro',
      ['rename_list | list=FR CTOs | name=Stop and link', `pause_sequence | ${fall}`],
    ],
    ['rename FR CTOs to Research and Development', ['rename_list | list=FR CTOs | name=Research and Development']],
    ['rename FR CTOs to Stop and Go', ['rename_list | list=FR CTOs | name=Stop and Go']],
    ['link Sales and Marketing to Pause and Reply', ['link_list | list=Sales and Marketing | sequence=Pause and Reply']],
    ['Jane Doe now works at Marks and Spencer', ['edit_lead | lead=Jane Doe | changes={"company":"Marks and Spencer"}']],
    [
      "change Jane Doe's title to VP of Sales and Marketing",
      ['edit_lead | lead=Jane Doe | changes={"title":"VP of Sales and Marketing"}'],
    ],
    [
      'done with the call to Jane, note: she wants a demo and call again in May',
      ['finish_task | lead=Jane | note=she wants a demo and call again in May'],
    ],
    [
      'exclude acme.example because they said no and pause Fall Intro',
      ['exclude | domain=acme.example | reason=they said no', `pause_sequence | ${fall}`],
    ],
    ['resume Fall Intro and end the stale ones', [`resume_sequence | ${fall} | overdue=end_stale`]],
  ])('%s', (text, wanted) => expect(calls(text).map(short).map(sorted)).toEqual(wanted.map(sorted)));

  test.each([
    ['set company of jane@x.example to Acme and flubber her', 'flubber her'],
    ['rename FR CTOs to Europe and flubber it', 'flubber it'],
    ['rename FR CTOs to Europe and tell Sam', 'tell Sam'],
    ['create a sequence Spring, then tell Sam about it', 'tell Sam about it'],
    ['set the signature of jane@acme.example to Best, Jane and flubber it', 'flubber it'],
    ['FR CTOs should look for CTOs in Spain and should get 20 a week', 'should get 20 a week'],
  ])('%s: what is not understood is told, not swallowed', (text, missed) => {
    expect(understood(text).kind).toBe('say');
    expect(said(text)).toContain(missed);
  });

  test.each([
    'rename FR CTOs to Europe and flubber it',
    'merge FR CTOs and Fintech VPs into Europe and archive both',
    'Jane Doe now works at Link and Search GmbH',
  ])('%s: it says how a name is kept whole', text => {
    expect(said(text)).toMatch(/quotation marks/);
  });

  test('a value in quotation marks stays whole', () => {
    expect(calls('set company of jane@x.example to "Acme and release her"')).toMatchObject([
      { input: { changes: { company: 'Acme and release her' } } },
    ]);
    expect(calls('Jane Doe now works at "Link and Search GmbH"')).toMatchObject([
      { input: { changes: { company: 'Link and Search GmbH' } } },
    ]);
  });
});

describe('what is not plain is a question, never a guess', () => {
  const focus: Focus = { list: 'Berlin Founders', sequence: 'Partner Launch', leads: ['Mia Roe'] };
  test.each([
    ['find 50 CTOs in France and pause it', /“it” would be the new list/],
    ['pause Fall Intro and unlink it', /“it” would be the sequence “Fall Intro”/],
    ['rename FR CTOs to X and pause it', /“it” would be the list “X”/],
    ['pause Fall Intro and Pause and Reply and rename it to X', /Which sequence: “Fall Intro” or “Pause and Reply”/],
    [
      'duplicate Fall Intro and duplicate Partner Launch and pause it',
      /the copy of “Fall Intro” or the copy of “Partner Launch”/,
    ],
    ['add 50 to FR CTOs and 20 to Fintech VPs and link it to Fall Intro', /Which list: “FR CTOs” or “Fintech VPs”/],
    ['link FR CTOs to Fall Intro and rename it to X1', /the list “FR CTOs” or the sequence “Fall Intro”/],
    ['link FR CTOs to Fall Intro and give it to Sam', /the list “FR CTOs” or the sequence “Fall Intro”/],
    ['link FR CTOs to Fall Intro and archive it', /the list “FR CTOs” or the sequence “Fall Intro”/],
    ['pause the mailbox jane@acme.example and archive it', /of the mailbox jane@acme\.example/],
    ['pause the mailbox jane@acme.example and rename it to Y', /of the mailbox jane@acme\.example/],
    ['find 50 CTOs in France, pause Fall Intro and call it X', /Call which one X/],
    ['find 10 CTOs and 5 VPs of Sales in Germany', /Are all of them to be there/],
    ['rename FR CTOs and Fintech VPs to Europe', /one at a time/],
    ['find 100 CTOs in France for Fall Intro and Partner Launch', /one at a time/],
    ['delete FR CTOs and Fintech VPs', /archive one thing at a time/],
    ['everyone on FR CTOs and Fintech VPs but not on Berlin Founders', /Of which one list/],
    ['remove Jane Doe and Bob Roe from FR CTOs and stop her', /“Jane Doe” or “Bob Roe”/],
    ['remove Jane Doe and Bob Roe from FR CTOs and link them to Fall Intro', /“them” would be Jane Doe, Bob Roe/],
    ['pause the copy', /Which copy/],
  ])('%s', (text, answer) => expect(said(text, focus)).toMatch(answer));

  test('the same across messages', () => {
    const linked: Focus = { ...focus, last: { tool: 'link_list', input: { list: 'FR CTOs', sequence: 'Fall Intro' } } };
    expect(said('archive it', linked)).toMatch(/the list “FR CTOs” or the sequence “Fall Intro”/);
    const mailbox: Focus = { ...focus, last: { tool: 'pause_sender', input: { sender: 'jane@acme.example' } } };
    expect(said('rename it to Y', mailbox)).toMatch(/“rename … to Y”|of the mailbox/);
    expect(
      calls('pause the copy', { ...focus, last: { tool: 'duplicate_sequence', input: { sequence: 'Fall Intro' } } }),
    ).toEqual([{ tool: 'pause_sequence', input: { sequence: 'Partner Launch' } }]);
  });
});

describe('several things in one order are each done, and none is left out', () => {
  test.each<[string, string[]]>([
    ['archive FR CTOs and Fintech VPs', ['archive_list | list=FR CTOs', 'archive_list | list=Fintech VPs']],
    [
      'give FR CTOs and Fintech VPs to Sam',
      ['transfer_ownership | what=FR CTOs | to=Sam', 'transfer_ownership | what=Fintech VPs | to=Sam'],
    ],
    [
      'pause Fall Intro and Partner Launch, then resume them',
      [
        `pause_sequence | ${fall}`,
        'pause_sequence | sequence=Partner Launch',
        `resume_sequence | ${fall}`,
        'resume_sequence | sequence=Partner Launch',
      ],
    ],
    [
      'link FR CTOs and Fintech VPs to Fall Intro and archive them',
      [
        `link_list | list=FR CTOs | ${fall}`,
        `link_list | list=Fintech VPs | ${fall}`,
        'archive_list | list=FR CTOs',
        'archive_list | list=Fintech VPs',
      ],
    ],
    [
      'add 50 leads to FR CTOs and Fintech VPs and 20 to Berlin Founders',
      [
        'add_leads | list=FR CTOs | count=50',
        'add_leads | list=Fintech VPs | count=50',
        'add_leads | list=Berlin Founders | count=20',
      ],
    ],
    [
      'everyone on FR CTOs who is not on Fintech VPs and Berlin Founders',
      ['combine_lists | how=minus | lists=["FR CTOs","Fintech VPs","Berlin Founders"]'],
    ],
    ['stop Jane Doe and Bob Roe in Fall Intro', [`stop_lead | lead=Jane Doe | ${fall}`, `stop_lead | lead=Bob Roe | ${fall}`]],
    [
      'stop Jane Doe and Bob Roe and exclude them',
      ['stop_lead | lead=Jane Doe', 'stop_lead | lead=Bob Roe', 'exclude | lead=Jane Doe', 'exclude | lead=Bob Roe'],
    ],
    [
      'remove Jane Doe and Bob Roe from FR CTOs and pause them',
      ['remove_member | list=FR CTOs | leads=["Jane Doe","Bob Roe"]', 'pause_lead | lead=Jane Doe', 'pause_lead | lead=Bob Roe'],
    ],
    [
      'remove Jane Doe from FR CTOs, then exclude her',
      ['remove_member | list=FR CTOs | leads=["Jane Doe"]', 'exclude | lead=Jane Doe'],
    ],
    [
      'turn off the ramp of jane@acme.example and set its limit to 40',
      ['set_sender | sender=jane@acme.example | ramp=false', 'set_sender | sender=jane@acme.example | dailyLimit=40'],
    ],
  ])('%s', (text, wanted) =>
    expect(calls(text, { sequence: 'Partner Launch', list: 'Berlin Founders' }).map(short).map(sorted)).toEqual(
      wanted.map(sorted),
    ),
  );
});

describe('people of a kind are nobody by name', () => {
  test.each([
    'approve the held leads of Fall Intro',
    'release the held leads of Fall Intro',
    'approve the CTOs in Fall Intro',
    'refuse the bounced people in Fall Intro',
    'remove the bounced leads from FR CTOs',
    'approve everyone at Acme in Fall Intro',
  ])('%s', text => {
    const made = calls(text).filter(({ tool }) => tool === 'review_leads' || tool === 'remove_member');
    expect(made).toEqual([]);
  });
});

describe('a question is never answered with itself', () => {
  const questions = [
    'who is snoring in Fall Intro',
    'who is snoring in Fall Intro?',
    'is it raining?',
    'should I link FR CTOs to Fall Intro?',
    'should I link Foo to Fall Intro?',
    'should we pause it?',
    'can I delete FR CTOs?',
    'could I export FR CTOs?',
    'should I switch Fall Intro to autopilot?',
    'which people are bored on FR CTOs?',
    'will FR CTOs to Fall Intro work?',
    'what would you rename FR CTOs to?',
    'why is Jane Doe not contacted and stop her',
    'who is on FR CTOs and link it to Fall Intro',
    'when will she call?',
    'is anyone here',
  ];
  test.each(questions)('%s', text => {
    const answer = understood(text);
    if (answer.kind !== 'say') return;
    for (const [, phrase] of answer.text.matchAll(/(?:say|Try|,|or) “([^”…]+)”/g)) {
      expect(phrase!.replace(/\?$/, '')).not.toBe(text.replace(/\?$/, ''));
      expect(said(phrase!)).not.toContain(`“${phrase}”`);
    }
  });

  test('it says what to type only where that is an order', () => {
    expect(said('should I link FR CTOs to Fall Intro?')).toContain('say “link FR CTOs to Fall Intro”');
    expect(said('should I link Foo to Fall Intro?')).toMatch(/changed nothing\. I know no list called “Foo”/);
  });
});

describe('the activity, exclusions and files', () => {
  test.each<[string, PhraseCall]>([
    ['show the trail of Jane Doe', { tool: 'activity', input: { about: 'Jane Doe' } }],
    ["show Jane Doe's history in the last 7 days", { tool: 'activity', input: { about: 'Jane Doe', days: 7 } }],
    ['activity by Sam', { tool: 'activity', input: { member: 'Sam' } }],
    ['history of Fall Intro by Sam', { tool: 'activity', input: { about: 'Fall Intro', member: 'Sam' } }],
    ['is acme.example excluded?', { tool: 'list_exclusions', input: { value: 'acme.example' } }],
    ['is jane@acme.example excluded?', { tool: 'list_exclusions', input: { value: 'jane@acme.example' } }],
    ['show exclusions, page 2', { tool: 'list_exclusions', input: { page: 2 } }],
  ])('%s', (text, wanted) => expect(calls(text)).toEqual([wanted]));

  test.each([
    ['export the activity', 'drover export activity – or a part of it, with --about NAME, --by NAME, --days N'],
    ['export the activity of Jane Doe of the last 7 days', 'drover export activity --about "Jane Doe" --days 7'],
    ['download the audit log of Fall Intro by Sam', 'drover export activity --about "Fall Intro" --by Sam'],
    ['export FR CTOs', 'drover export list "FR CTOs"'],
    ['export the Fall Intro sequence', 'drover export sequence "Fall Intro"'],
  ])('%s: names the command', (text, command) => expect(said(text)).toContain(command));
});
