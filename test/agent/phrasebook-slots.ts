import { understand } from '../../src/agent/phrasebook/index.ts';
import type { Node } from '../../src/agent/phrasebook/pattern.ts';
import { groups, type Phrasing } from '../../src/agent/phrasebook/phrases.ts';
import { createdList, type Focus, type PhraseCall, type PhraseContext } from '../../src/agent/phrasebook/types.ts';

/** Names as people give them, odd ones among them; no phrasing may stumble over any. */
export const lists = [
  'FR CTOs',
  'Berlin Founders',
  'Q3 – Größe & Co.',
  'Link to nowhere',
  "Bob's own",
  '2026 rétro',
  'VPs (EMEA)',
  'Add and pause',
];
export const sequences = [
  'Fall Intro',
  'Partner Launch',
  'Reply? Maybe!',
  'C++ folks',
  'Wärme 2.0',
  "Don't blink",
  '7 days',
  'If only then',
];
export const context: PhraseContext = { lists, sequences, focus: {}, today: '2026-03-02' };

export type Random = () => number;

/** Mulberry32: the same seed, the same prompts. */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
export const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;

interface Filled {
  text: string;
  value: unknown;
}
const filled = (entries: Record<string, unknown>): Filled[] => Object.entries(entries).map(([text, value]) => ({ text, value }));

const people = filled({
  'VPs of Sales at German fintechs with 50–500 people': {
    titles: ['VP of Sales'],
    industries: ['Fintech'],
    companyLocations: ['Germany'],
    headcount: { min: 50, max: 500 },
  },
  'CTOs in France': { titles: ['CTO'], personLocations: ['France'] },
  'heads of marketing at software companies with over 500 employees': {
    titles: ['head of marketing'],
    industries: ['Software'],
    headcount: { min: 501 },
  },
  'founders at logistics companies in Spain with fewer than fifty people': {
    seniorities: ['founder'],
    industries: ['Logistics'],
    companyLocations: ['Spain'],
    headcount: { max: 49 },
  },
  'CFOs at banks in the UK, not in London': {
    titles: ['CFO'],
    industries: ['Banking'],
    companyLocations: ['United Kingdom'],
    exclude: { companyLocations: ['London'] },
  },
  'marketing managers at companies using HubSpot and Salesforce': {
    titles: ['marketing manager'],
    technologies: ['HubSpot', 'Salesforce'],
  },
  'sales directors at French healthcare companies with at least 200 staff': {
    titles: ['sales director'],
    industries: ['Healthcare'],
    companyLocations: ['France'],
    headcount: { min: 200 },
  },
});

const numbers = filled({
  '20': 20,
  thirty: 30,
  'two hundred': 200,
  '1,000': 1000,
  'a dozen': 12,
  '45': 45,
  'one hundred and fifty': 150,
  'a couple of hundred': 200,
});
const orders = filled({
  'every Monday': { cadence: 'weekly', weekday: 1 },
  'each weekday': { cadence: 'weekdays' },
  daily: { cadence: 'daily' },
  'every day': { cadence: 'daily' },
  'every week': { cadence: 'weekly' },
  weekly: { cadence: 'weekly' },
  'weekly on Tuesdays': { cadence: 'weekly', weekday: 2 },
  'every Friday': { cadence: 'weekly', weekday: 5 },
}); // prettier-ignore
const schedules = filled({
  'between 9 and 5 on weekdays': { sendFrom: '09:00', sendUntil: '17:00', sendDays: [1, 2, 3, 4, 5] },
  'Tuesdays to Thursdays 10:00-16:00': { sendDays: [2, 3, 4], sendFrom: '10:00', sendUntil: '16:00' },
  'Mon-Fri, 8am to 6pm': { sendDays: [1, 2, 3, 4, 5], sendFrom: '08:00', sendUntil: '18:00' },
  'from 9:30 until 17:00': { sendFrom: '09:30', sendUntil: '17:00' },
}); // prettier-ignore

const slots: Record<string, readonly Filled[]> = {
  n: numbers,
  order: orders,
  criteria: people,
  people,
  schedule: schedules,
  time: filled({ '8:30': '08:30', 'at 9am': '09:00', 'at 17:15': '17:15', 'at noon': '12:00' }),
  date: filled({
    '2027-01-01': '2027-01-01',
    '1 March 2027': '2027-03-01',
    'the end of June': '2026-06-30',
    '3 months': '2026-06-02',
  }),
  name: filled({ Spring: 'Spring', '"Q4 – Straße"': 'Q4 – Straße', 'Autumn Push': 'Autumn Push', '“Now & then”': 'Now & then' }),
  quoted: filled({ '"Winter Warmth"': 'Winter Warmth' }),
  options: filled({
    'with a cap of 30 a day': { dailyCap: 30 },
    'Tuesdays to Thursdays 10:00-16:00': { sendDays: [2, 3, 4], sendFrom: '10:00', sendUntil: '16:00' },
  }),
  target: filled({
    'acme.example': { domain: 'acme.example' },
    'jane@acme.example': { address: 'jane@acme.example' },
    'Jane Doe': { lead: 'Jane Doe' },
    'the domain acme.example': { domain: 'acme.example' },
    'https://linkedin.com/in/jane-doe': { linkedin: 'https://linkedin.com/in/jane-doe' },
  }),
  surely: filled({ 'acme.example': { domain: 'acme.example' }, 'jane@acme.example': { address: 'jane@acme.example' } }),
  leads: filled({ 'Jane Doe': ['Jane Doe'], 'Jane Doe and bob@acme.example': ['Jane Doe', 'bob@acme.example'] }),
  senders: filled({
    'jane@acme.example': ['jane@acme.example'],
    'jane@acme.example and joe@acme.example': ['jane@acme.example', 'joe@acme.example'],
  }),
  sender: filled({ 'jane@acme.example': 'jane@acme.example', '"Jane of Acme"': 'Jane of Acme', 'Jane Doe': 'Jane Doe' }),
  address: filled({ 'jane@acme.example': 'jane@acme.example', 'joe@acme.example': 'joe@acme.example' }),
  period: filled({
    'since 1 March': { since: '2026-03-01' },
    'last month': { since: '2026-02-01', until: '2026-02-28' },
    'this week': { since: '2026-03-02' },
    'in the last 7 days': { since: '2026-02-24' },
    'in January': { since: '2026-01-01', until: '2026-01-31' },
  }),
  since: filled({ 'since 1 March': '2026-03-01', 'of last week': '2026-02-23', 'this month': '2026-03-01' }),
  channel: filled({ '#sales': '#sales', '<#C012AB3CD|sales>': '<#C012AB3CD|sales>' }),
  zoneish: filled({ 'Europe/Berlin': 'Europe/Berlin', 'America/New_York': 'America/New_York' }),
  lead: filled({ 'Jane Doe': 'Jane Doe', 'jane@acme.example': 'jane@acme.example', Zoë: 'Zoë' }),
  fullname: filled({ 'Jane Doe': 'Jane Doe', 'jane@acme.example': 'jane@acme.example' }),
  owner: filled({ "Jane Doe's": 'Jane Doe', 'Zoë’s': 'Zoë', "jane@acme.example's": 'jane@acme.example' }),
  whose: filled({ "Jane Doe's": 'Jane Doe', "jane@acme.example's": 'jane@acme.example' }),
  field: filled({ plan: 'plan', 'lead status': 'lead status', '"Renewal date"': 'Renewal date' }),
  attribute: filled({ 'e-mail address': 'email', 'job title': 'title', company: 'company', 'last name': 'lastName' }),
  member: filled({ Sam: 'Sam', '<@U02ABC>': '<@U02ABC>', 'Sam Roe': 'Sam Roe', '@Sam Roe': 'Sam Roe' }),
  subject: filled({
    'Jane Doe': 'Jane Doe',
    'FR CTOs': 'FR CTOs',
    '"Reply? Maybe!"': 'Reply? Maybe!',
    'jo@acme.example': 'jo@acme.example',
  }),
  lists: filled({
    'FR CTOs and Berlin Founders': ['FR CTOs', 'Berlin Founders'],
    "Bob's own, VPs (EMEA) and Add and pause": ["Bob's own", 'VPs (EMEA)', 'Add and pause'],
  }),
  length: filled({ 'the next 60 days': 60, 'two weeks': 14, 'the next month': 30 }),
  past: filled({ yesterday: 2, 'in the last 3 days': 3, 'since 1 March': 2, 'this week': 7 }),
  dates: filled({
    '24 December': ['2026-12-24'],
    '2026-12-31 and 1 January': ['2026-12-31', '2027-01-01'],
    '24 and 25 December': ['2026-12-24', '2026-12-25'],
  }),
  country: filled({ German: 'Germany', France: 'France', UK: 'United Kingdom' }),
  zoned: filled({ 'Europe/Berlin': 'Europe/Berlin', 'Berlin time': 'Berlin' }),
};
const texts: Record<string, readonly string[]> = {
  reason: ['they are a partner', 'a complaint'],
  postalAddress: ['1 Main Street, 10115 Berlin', 'Rue de la Paix 5, Paris'],
  about: ['linking', 'monitoring a list'],
  value: ['Acme Ltd', 'new@acme.example'],
  company: ['Acme'],
  title: ['Head of Sales'],
  fullName: ['Jane Roe'],
  email: ['new@acme.example'],
  note: ['wants a demo', 'call again in May'],
  rest: ['getting nothing', 'so slow'],
  who: ['Italy'],
  signature: ['Jane Doe – Acme Ltd', '"Jane Doe, Acme"'],
};

export interface Prompt {
  text: string;
  fields: Record<string, unknown>;
}

/** A prompt that a phrasing describes: choices drawn, slots filled, and what they were filled with. */
export function promptFrom(phrasing: Phrasing, random: Random): Prompt {
  const fields: Record<string, unknown> = {};
  const words: string[] = [];
  const write = (nodes: readonly Node[]): void => {
    for (const node of nodes)
      if (node.kind === 'word') words.push(node.word);
      else if (node.kind === 'choice') write(pick(random, node.options));
      else words.push(fill(node.slot, node.field, fields, random));
  };
  write(phrasing.nodes);
  return { text: words.join(' '), fields };
}

function fill(slot: string, field: string, fields: Record<string, unknown>, random: Random): string {
  if (slot === 'list' || slot === 'sequence' || slot === 'known' || slot === 'any' || slot === 'named') {
    const name = pick(random, slot === 'list' ? lists : sequences);
    fields[field] = name;
    return random() < 0.3 ? `"${name}"` : name;
  }
  if (slot === 'text') {
    const text = pick(random, texts[field] ?? ['that']);
    fields[field] = text.replace(/^"(.*)"$/, '$1');
    return text;
  }
  const { text, value } = pick(random, slots[slot] ?? [{ text: slot, value: slot }]);
  fields[field] = value;
  return text;
}

/** The calls that a phrasing with these values has to come to; undefined where it talks instead of calling. */
export function expected({ group }: Phrasing, { fields }: Prompt): PhraseCall[] | undefined {
  const {
    order,
    options,
    target,
    schedule,
    period,
    known: _known,
    any,
    ...plain
  } = fields as Record<string, Record<string, unknown>>;
  const input = { ...inTheirPlaces(plain), ...order, ...options, ...target, ...schedule, ...period, ...group.set };
  const { amount, criteria, sequence, ...rest } = input as Record<string, unknown>;
  if (group.human) return undefined;
  switch (group.tool) {
    case '$monitored':
      return [
        { tool: 'create_list', input: { criteria, count: amount } },
        { tool: 'set_monitoring', input: { list: createdList, amount, ...rest } },
      ];
    case '$linked':
      return [
        { tool: 'create_list', input: { criteria, ...rest } },
        { tool: 'link_list', input: { list: createdList, sequence } },
      ];
    case '$send':
      return [{ tool: 'set_workspace', input }];
    case '$rename':
      return [{ tool: 'edit_sequence', input: { sequence: any, ...plain } }];
    case '$archive':
      return [{ tool: 'archive_sequence', input: { sequence: any } }];
    case '$combine': {
      const { a, b, lists = [a, b], ...named } = input as Record<string, unknown>;
      return a !== undefined && a === b ? undefined : [{ tool: 'combine_lists', input: { ...named, lists } }];
    }
    case 'unlink_list':
      return [{ tool: 'unlink_list', input: rest }];
    default:
      return group.tool.startsWith('$') || group.steps ? undefined : [{ tool: group.tool, input }];
  }
}

/** Where the input of a tool has what a slot takes: a person's fields, holidays, names in lists. */
function inTheirPlaces(fields: Record<string, unknown>): Record<string, unknown> {
  const { attribute, field, value, company, title, fullName, email, country, dates, addDates, removeDates, excluded, ...others } =
    fields;
  const { rest: _rest, ...input } = others;
  const changes = {
    ...(attribute ? { [String(attribute)]: value } : {}),
    ...(field ? { fields: { [String(field)]: value } } : {}),
    ...defined({ company, title, fullName, email }),
  };
  const holidays = defined({ country, dates, addDates, removeDates });
  return {
    ...input,
    ...(Array.isArray(input.what) ? { what: input.what[0] } : {}),
    ...(typeof input.leads === 'string' ? { leads: [input.leads] } : {}),
    ...(excluded ? { value: Object.values(excluded)[0] } : {}),
    ...(Object.keys(changes).length ? { changes } : {}),
    ...(Object.keys(holidays).length ? { holidays } : {}),
  };
}

const defined = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

export const toolsOf = (): Set<string> =>
  new Set(groups.flatMap(({ tool, as }) => as ?? [tool]).filter(tool => !tool.startsWith('$')));

/** A workspace as the tour finds it. */
export const plainContext: PhraseContext = {
  lists: ['FR CTOs', 'Berlin Founders'],
  sequences: ['Fall Intro', 'Partner Launch'],
  focus: {},
  today: '2026-03-02',
};
export const focused: Focus = { list: 'FR CTOs', sequence: 'Fall Intro', leads: ['Mia Roe'] };
export const calls = (text: string, focus: Focus = {}, among: PhraseContext = plainContext): PhraseCall[] => {
  const understood = understand(text, { ...among, focus });
  return understood.kind === 'calls' ? understood.calls : [];
};
export const said = (text: string, focus: Focus = {}): string => {
  const understood = understand(text, { ...plainContext, focus });
  return understood.kind === 'say' ? understood.text : `calls ${JSON.stringify(understood.calls)}`;
};
const reads = new Set([
  'preview_list',
  'list_lists',
  'show_list',
  'list_sequences',
  'show_sequence',
  'status',
  'help',
  'preflight_link',
  'forecast',
  'why',
  'activity',
  'list_exclusions',
  'list_replies',
  'show_reply',
  'list_senders',
  'test_sender',
  'show_numbers',
]);
export const writes = (made: readonly PhraseCall[]): PhraseCall[] =>
  made.filter(
    ({ tool, input }) =>
      !reads.has(tool) &&
      !(tool === 'review_leads' && input.decision === 'show') &&
      !(tool === 'set_workspace' && !Object.keys(input).length),
  );

export const link = [{ tool: 'link_list', input: { list: 'FR CTOs', sequence: 'Fall Intro' } }];
