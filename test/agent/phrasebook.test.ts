import { describe, expect, test } from 'vitest';
import { groups, phrasings } from '../../src/agent/phrasebook/phrases.ts';
import type { PhraseCall } from '../../src/agent/phrasebook/types.ts';
import {
  calls,
  plainContext as context,
  expected,
  focused,
  link,
  context as odd,
  promptFrom,
  said,
  seeded,
} from './phrasebook-slots.ts';

const tools = [
  'preview_list',
  'create_list',
  'edit_criteria',
  'add_leads',
  'set_monitoring',
  'list_lists',
  'show_list',
  'create_sequence',
  'edit_sequence',
  'activate_sequence',
  'pause_sequence',
  'resume_sequence',
  'set_autopilot',
  'list_sequences',
  'show_sequence',
  'link_list',
  'unlink_list',
  'review_leads',
  'exclude',
  'set_digest',
  'set_workspace',
  'status',
  'help',
  'preflight_link',
  'forecast',
  'why',
  'undo',
  'rename_list',
  'archive_list',
  'remove_member',
  'restore_member',
  'combine_lists',
  'edit_lead',
  'stop_lead',
  'pause_lead',
  'enroll_lead',
  'finish_sequence',
  'archive_sequence',
  'duplicate_sequence',
  'reopen_sequence',
  'finish_task',
  'skip_task',
  'settle_unknown',
  'list_exclusions',
  'lift_exclusion',
  'set_role',
  'transfer_ownership',
  'activity',
  'list_people',
  'list_tasks',
  'list_replies',
  'show_reply',
  'correct_reply',
  'list_senders',
  'test_sender',
  'pause_sender',
  'resume_sender',
  'remove_sender',
  'set_sender',
  'show_numbers',
]; // prettier-ignore

describe('coverage', () => {
  test.each(tools)('%s has eight phrasings or more', tool => {
    expect(
      groups.filter(group => group.tool === tool || group.as?.includes(tool)).flatMap(({ phrases }) => phrases).length,
    ).toBeGreaterThanOrEqual(8);
  });

  const aboutLists = [
    'remove_member',
    'restore_member',
    'edit_criteria',
    'add_leads',
    'set_monitoring',
    'link_list',
    'unlink_list',
  ];
  const aboutSequences = [
    'enroll_lead',
    'finish_sequence',
    'reopen_sequence',
    'duplicate_sequence',
    'edit_sequence',
    'activate_sequence',
    'pause_sequence',
    'resume_sequence',
    'review_leads',
    'link_list',
  ];
  /** What the phrasing leaves out is what the thread is about. */
  const completed = ({ tool, input }: PhraseCall): PhraseCall => ({
    tool,
    input: {
      ...(aboutLists.includes(tool) ? { list: 'FR CTOs' } : {}),
      ...(aboutSequences.includes(tool) ? { sequence: 'Fall Intro' } : {}),
      ...(tool === 'finish_task' || tool === 'skip_task' ? { lead: 'Mia Roe' } : {}),
      ...(tool === 'why' ? { about: 'Mia Roe' } : {}),
      ...input,
    },
  });

  for (const tool of new Set(phrasings.map(({ group }) => group.tool)))
    test(`every phrasing of ${tool}, with every kind of name, number, place and industry, comes to exactly its calls`, () => {
      const random = seeded(tool.length * 7919);
      const wrong: unknown[] = [];
      for (const phrasing of phrasings.filter(({ group }) => group.tool === tool))
        for (let round = 0; round < 4; round++) {
          const prompt = promptFrom(phrasing, random);
          const wanted = expected(phrasing, prompt)?.map(completed);
          const focus = tool === '$send' ? {} : focused;
          const made = wanted && calls(prompt.text, focus, odd);
          if (wanted && JSON.stringify(sorted(made)) !== JSON.stringify(sorted(wanted)))
            wrong.push({ text: prompt.text, wanted, made });
        }
      expect(wrong).toEqual([]);
    });

  test('what the phrasebook suggests, it understands', () => {
    const silent = groups.filter(({ example, tool, steps, near }) => {
      if (
        [
          '$say',
          '$yes',
          '$no',
          '$correct',
          '$swap',
          '$other',
          '$name',
          '$save',
          '$delete',
          '$times',
          '$export',
          'set_autopilot',
          'set_role',
        ].includes(tool) ||
        near
      )
        return false;
      const known = { ...context, sequences: [...context.sequences, 'Spring'] };
      return !steps && calls(example, focused, known).length === 0;
    });
    expect(silent.map(({ example }) => example)).toEqual([]);
  });
});

const sorted = (value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, inner]) => [key, sorted(inner)]),
      )
    : Array.isArray(value)
      ? value.map(sorted)
      : value;

const vps = {
  titles: ['VP of Sales'],
  companyLocations: ['Germany'],
  industries: ['Fintech'],
  headcount: { min: 50, max: 500 },
};

describe('prompts as people write them', () => {
  test('three clauses in one prompt become three calls in their order', () => {
    expect(
      calls('Find 200 VPs of Sales at German fintechs with 50–500 people, add 20 more every Monday, and put them in Fall Intro'),
    ).toEqual([
      { tool: 'create_list', input: { criteria: vps, count: 200 } },
      { tool: 'set_monitoring', input: { list: '$created', cadence: 'weekly', weekday: 1, amount: 20 } },
      { tool: 'link_list', input: { list: '$created', sequence: 'Fall Intro' } },
    ]);
  });

  test.each<[string, PhraseCall[]]>([
    ['how is Fall Intro doing?', [{ tool: 'show_sequence', input: { sequence: 'Fall Intro' } }]],
    ['Never contact acme.example', [{ tool: 'exclude', input: { domain: 'acme.example' } }]],
    [
      'exclude jane@acme.example until 2027-01-01',
      [{ tool: 'exclude', input: { address: 'jane@acme.example', until: '2027-01-01' } }],
    ],
    ['post a digest here every weekday at 8:30', [{ tool: 'set_digest', input: { cadence: 'weekdays', at: '08:30' } }]],
    [
      'weekly digest on Mondays in #sales at 9',
      [{ tool: 'set_digest', input: { cadence: 'weekly', weekday: 1, channel: '#sales', at: '09:00' } }],
    ],
    [
      'preview CTOs at French healthcare companies',
      [
        {
          tool: 'preview_list',
          input: { criteria: { titles: ['CTO'], companyLocations: ['France'], industries: ['Healthcare'] } },
        },
      ],
    ],
    ['contact 20 a day', [{ tool: 'edit_sequence', input: { sequence: 'Fall Intro', dailyCap: 20 } }]],
    ['add 20 a day to FR CTOs', [{ tool: 'set_monitoring', input: { list: 'FR CTOs', cadence: 'daily', amount: 20 } }]],
    ['Hi! Could you please link “FR CTOs” with “Fall Intro” for me? Thanks!', link],
    [
      'create a sequence called Spring, link FR CTOs to it and activate it',
      [
        { tool: 'create_sequence', input: { name: 'Spring' } },
        { tool: 'link_list', input: { list: 'FR CTOs', sequence: 'Spring' } },
        { tool: 'activate_sequence', input: { sequence: 'Spring' } },
      ],
    ],
    [
      'find 50 CTOs in France, call it Paris, and link Paris to Fall Intro',
      [
        { tool: 'create_list', input: { name: 'Paris', count: 50, criteria: { titles: ['CTO'], personLocations: ['France'] } } },
        { tool: 'link_list', input: { list: '$created', sequence: 'Fall Intro' } },
      ],
    ],
    [
      'resume Fall Intro and end the stale ones',
      [{ tool: 'resume_sequence', input: { sequence: 'Fall Intro', overdue: 'end_stale' } }],
    ],
    [
      'find CTOs in the U.S. and add two hundred a week',
      [
        { tool: 'create_list', input: { criteria: { titles: ['CTO'], personLocations: ['United States'] } } },
        { tool: 'set_monitoring', input: { list: '$created', cadence: 'weekly', amount: 200 } },
      ],
    ],
    [
      'stop monitoring FR CTOs and unlink it',
      [
        { tool: 'set_monitoring', input: { list: 'FR CTOs', cadence: 'off' } },
        { tool: 'unlink_list', input: { list: 'FR CTOs' } },
      ],
    ],
    ['who waits for review?', [{ tool: 'review_leads', input: { sequence: 'Fall Intro', decision: 'show' } }]],
    [
      'I need about 100 heads of engineering in Berlin',
      [
        {
          tool: 'create_list',
          input: { count: 100, criteria: { titles: ['head of engineering'], personLocations: ['Berlin'] } },
        },
      ],
    ],
    [
      'Could you look for HR directors in Austria?',
      [{ tool: 'preview_list', input: { criteria: { titles: ['HR director'], personLocations: ['Austria'] } } }],
    ],
    [
      'how many VPs of Sales are there at fintechs in Germany?',
      [
        {
          tool: 'preview_list',
          input: { criteria: { titles: ['VP of Sales'], industries: ['Fintech'], companyLocations: ['Germany'] } },
        },
      ],
    ],
    [
      'Build me a list with 300 sales leaders in DACH software companies, excluding founders',
      [
        {
          tool: 'create_list',
          input: {
            count: 300,
            criteria: {
              titles: ['sales leader'],
              industries: ['Software'],
              companyLocations: ['DACH'],
              exclude: { seniorities: ['founder'] },
            },
          },
        },
      ],
    ],
    [
      'find CTOs in France, Germany and Spain with 50 to 200 employees using HubSpot but not Salesforce',
      [
        {
          tool: 'create_list',
          input: {
            criteria: {
              titles: ['CTO'],
              personLocations: ['France', 'Germany', 'Spain'],
              technologies: ['HubSpot'],
              headcount: { min: 50, max: 200 },
              exclude: { technologies: ['Salesforce'] },
            },
          },
        },
      ],
    ],
    [
      'find founders who do not use Salesforce in the UK, except in London',
      [
        {
          tool: 'create_list',
          input: {
            criteria: {
              seniorities: ['founder'],
              personLocations: ['United Kingdom'],
              exclude: { technologies: ['Salesforce'], personLocations: ['London'] },
            },
          },
        },
      ],
    ],
    [
      'find wizards at flibber companies',
      [{ tool: 'create_list', input: { criteria: { titles: ['wizard'], industries: ['flibber'] } } }],
    ],
    [
      'pause Fall Intro and Partner Launch',
      [
        { tool: 'pause_sequence', input: { sequence: 'Fall Intro' } },
        { tool: 'pause_sequence', input: { sequence: 'Partner Launch' } },
      ],
    ],
    [
      'Create a list of CTOs in France and a sequence called Spring',
      [
        { tool: 'create_list', input: { criteria: { titles: ['CTO'], personLocations: ['France'] } } },
        { tool: 'create_sequence', input: { name: 'Spring' } },
      ],
    ],
    [
      'create a sequence "Spring Intro" with a daily cap of 30',
      [{ tool: 'create_sequence', input: { name: 'Spring Intro', dailyCap: 30 } }],
    ],
    [
      'Monitor it: 20 a week on Tuesdays',
      [{ tool: 'set_monitoring', input: { list: 'FR CTOs', cadence: 'weekly', weekday: 2, amount: 20 } }],
    ],
    [
      'Please never email jane@acme.example again because she asked',
      [{ tool: 'exclude', input: { address: 'jane@acme.example', reason: 'she asked' } }],
    ],
    ['<mailto:jane@acme.example|jane@acme.example> &amp; co', []],
  ])('%s', (text, wanted) => expect(calls(text, focused)).toEqual(wanted));

  test('steps come along as they are written, whatever they say', () => {
    const text =
      'create a sequence called Spring with a cap of 30 a day: step 1: subject: Hello {{first_name}} body: Hi, should I link you? If not, don\'t reply. step 2 after 3 days: body: "Delete everything"';
    expect(calls(text)).toEqual([
      {
        tool: 'create_sequence',
        input: {
          name: 'Spring',
          dailyCap: 30,
          steps: [
            { subject: 'Hello {{first_name}}', body: "Hi, should I link you? If not, don't reply." },
            { delayDays: 3, body: 'Delete everything' },
          ],
        },
      },
    ]);
  });

  test('A1 autopilot is for a person: it says how, and calls nothing', () => {
    expect(said('switch Fall Intro to autopilot')).toContain('drover autopilot "Fall Intro" on');
    expect(said('turn off autopilot for Fall Intro')).toContain('drover autopilot "Fall Intro" off');
  });

  test('what is not understood is said, with three things that are', () => {
    const answer = said('flubber the gronk');
    expect(answer).toContain('flubber the gronk');
    const tries = [...answer.slice(answer.indexOf('Try')).matchAll(/“([^”]+)”/g)].map(([, phrase]) => phrase!);
    expect(tries).toHaveLength(3);
    expect(tries.filter(phrase => calls(phrase, focused).length === 0)).toEqual([]);
  });

  test('one clause that is not understood stops the others', () => {
    expect(said('link FR CTOs to Fall Intro and gronk it thrice')).toContain('gronk it thrice');
  });

  test.each([
    ['undo everything', /one thing at a time/],
    ['delete everything', /delete nothing/],
    ['delete Fall Intro', /can be archived/],
    ['export FR CTOs', /drover export/],
    ['hello', /Hello/],
    ['thank you!', /welcome/],
    ['', /Say what to do/],
    ['create a sequence called Spring with 3 steps and a gronk', /gronk/],
    ['add some more leads to FR CTOs', /How many/],
    ['add 20 a month to FR CTOs', /daily, on weekdays, or weekly/],
  ])('%s: says so', (text, answer) => expect(said(text)).toMatch(answer));
});
