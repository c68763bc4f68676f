import { describe, expect, test } from 'vitest';
import { understand } from '../../src/agent/phrasebook/index.ts';
import { groups, type Phrasing, phrasings } from '../../src/agent/phrasebook/phrases.ts';
import type { Focus, PhraseCall, PhraseContext } from '../../src/agent/phrasebook/types.ts';
import { expected, context as odd, pick, promptFrom, seeded } from './phrasebook-slots.ts';

const context: PhraseContext = {
  lists: ['FR CTOs', 'Berlin Founders'],
  sequences: ['Fall Intro', 'Partner Launch'],
  focus: {},
  today: '2026-03-02',
};
const focused: Focus = { list: 'FR CTOs', sequence: 'Fall Intro' };
const calls = (text: string, focus: Focus = {}, among: PhraseContext = context): PhraseCall[] => {
  const understood = understand(text, { ...among, focus });
  return understood.kind === 'calls' ? understood.calls : [];
};
const said = (text: string, focus: Focus = {}): string => {
  const understood = understand(text, { ...context, focus });
  return understood.kind === 'say' ? understood.text : `calls ${JSON.stringify(understood.calls)}`;
};
const reads = new Set(['preview_list', 'list_lists', 'show_list', 'list_sequences', 'show_sequence', 'status', 'help']);
const writes = (made: readonly PhraseCall[]): PhraseCall[] =>
  made.filter(
    ({ tool, input }) =>
      !reads.has(tool) &&
      !(tool === 'review_leads' && input.decision === 'show') &&
      !(tool === 'set_workspace' && !Object.keys(input).length),
  );

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
]; // prettier-ignore

describe('coverage', () => {
  test.each(tools)('%s has eight phrasings or more', tool => {
    expect(groups.filter(group => group.tool === tool).flatMap(({ phrases }) => phrases).length).toBeGreaterThanOrEqual(8);
  });

  const aboutLists = ['edit_criteria', 'add_leads', 'set_monitoring', 'link_list', 'unlink_list'];
  const aboutSequences = ['edit_sequence', 'activate_sequence', 'pause_sequence', 'resume_sequence', 'review_leads', 'link_list'];
  /** What the phrasing leaves out is what the thread is about. */
  const completed = ({ tool, input }: PhraseCall): PhraseCall => ({
    tool,
    input: {
      ...(aboutLists.includes(tool) ? { list: 'FR CTOs' } : {}),
      ...(aboutSequences.includes(tool) ? { sequence: 'Fall Intro' } : {}),
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
      if (['$say', '$yes', '$no', '$correct', '$swap', '$other', '$name', '$save', 'set_autopilot'].includes(tool) || near)
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

const link = [{ tool: 'link_list', input: { list: 'FR CTOs', sequence: 'Fall Intro' } }];
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
    ['undo', /cannot undo yet/],
    ['why was Jane Doe not contacted?', /cannot tell why yet/],
    ['forecast Fall Intro', /cannot forecast yet/],
    ['archive Fall Intro', /cannot delete or archive/],
    ['hello', /Hello/],
    ['thank you!', /welcome/],
    ['', /Say what to do/],
    ['create a sequence called Spring with 3 steps and a gronk', /gronk/],
    ['add some more leads to FR CTOs', /How many/],
    ['add 20 a month to FR CTOs', /daily, on weekdays, or weekly/],
  ])('%s: says so', (text, answer) => expect(said(text)).toMatch(answer));
});

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
