import { z } from 'zod';
import * as who from '../domain/enrollments/standings.ts';
import { meaningOf } from '../domain/explanations/index.ts';
import * as lists from '../domain/lists/index.ts';
import * as sequences from '../domain/sequences/index.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { count, day, type Report, type Table, when } from './report.ts';
import { sequenceRef } from './sequence-report.ts';
import { defineTool } from './tool.ts';

/** How many are shown at once. */
const pageSize = 20;

/** A state in the words of its column, of one and of several people, and of a phrase where those would not be understood. */
const words: Record<who.Standing, { state: string; one: string; many: string; phrase?: string }> = {
  in_review: { state: 'in review', one: 'is in review', many: 'are in review' },
  queued: { state: 'queued', one: 'is queued', many: 'are queued' },
  active: { state: 'active', one: 'is active', many: 'are active' },
  paused: { state: 'paused', one: 'is paused', many: 'are paused' },
  waiting_on_task: { state: 'waiting on a task', one: 'waits on a task', many: 'wait on a task' },
  held: { state: 'held', one: 'is held', many: 'are held' },
  unknown: { state: 'unknown', one: 'may or may not have got a message', many: 'may or may not have got a message' },
  skipped: { state: 'skipped', one: 'was skipped', many: 'were skipped' },
  not_enrolled: { state: 'not enrolled', one: 'is not enrolled', many: 'are not enrolled', phrase: 'who are enrolled nowhere' },
  completed: { state: 'completed', one: 'is done', many: 'are done' },
  replied: { state: 'replied', one: 'has replied', many: 'have replied', phrase: 'with a reply' },
  failed: { state: 'failed', one: 'has failed', many: 'have failed' },
  refused: { state: 'refused', one: 'was refused', many: 'were refused' },
  withdrawn: { state: 'withdrawn', one: 'was withdrawn', many: 'were withdrawn' },
  bounced: { state: 'bounced', one: 'bounced', many: 'bounced' },
  unsubscribed: { state: 'unsubscribed', one: 'has unsubscribed', many: 'have unsubscribed' },
  excluded: { state: 'excluded', one: 'was excluded', many: 'were excluded' },
  stopped: { state: 'stopped', one: 'was stopped', many: 'were stopped' },
};

interface Asked extends who.Scope, who.Filter {
  list: string | null;
  sequence: string | null;
  page: number;
}

interface Shown extends Asked {
  all: number;
  people: (Omit<who.Person, 'since'> & { since: string | null })[];
  /** Of a sequence, where no state was asked for. */
  counts: { state: who.Standing; people: number }[];
}

/** Who is on a list or in a sequence, where each of them stands, why and since when (E3, E5, D3). */
export const listPeople = defineTool({
  name: 'list_people',
  description:
    'List the people of a list or a sequence by name, 20 a page: where each one stands (in review, queued, held, skipped, unknown, replied, …), why and since when. For "who …?" and "which leads …?"; by state or stored reason code where asked; without list and sequence those of every sequence.',
  examples: ['who is on "Fintech VPs"?', 'who is held in Fall Intro', 'who was skipped in Fall Intro and why'],
  input: z.object({
    list: z.string().trim().min(1).optional(),
    sequence: sequenceRef.optional(),
    state: z.enum(who.standings).optional(),
    reason: z.string().trim().min(1).max(60).optional().describe('A stored code: no_email, missing_variable, cooling_down, …'),
    page: z.int().min(1).max(10_000).optional(),
  }),
  plan: async (ctx, { list: listRef, sequence: ref, state = null, reason, page = 1 }) => {
    const list = listRef === undefined ? undefined : await lists.resolve(ctx, listRef);
    if (isRefusal(list)) return list;
    const sequence = ref === undefined ? undefined : await sequences.resolve(ctx, ref);
    if (isRefusal(sequence)) return sequence;
    const data: Asked = {
      ...{
        listId: list?.id ?? null,
        sequenceId: sequence?.id ?? null,
        list: list?.name ?? null,
        sequence: sequence?.name ?? null,
      },
      ...{ state, reason: reason?.toLowerCase().replaceAll(' ', '_') ?? null, page },
    };
    return {
      effect: 'read' as const,
      data,
      summary: `List the people${where(data)}.`,
      objects: [...(list ? [`list:${list.id}`] : []), ...(sequence ? [`sequence:${sequence.id}`] : [])],
    };
  },
  run: async (ctx, asked): Promise<Shown | Refusal> => {
    const found = await who.people(ctx, asked, asked, { from: (asked.page - 1) * pageSize, size: pageSize });
    if (!found.people.length && asked.page > 1)
      return refuse('no_such_page', `There is no page ${asked.page}: nobody else ${said(asked, 1)}${where(asked)}.`, [
        phraseOf(asked, 1),
      ]);
    return {
      ...asked,
      all: found.all,
      people: found.people.map(person => ({ ...person, since: person.since?.toString() ?? null })),
      counts: asked.state === null && asked.listId === null && asked.page === 1 ? await who.counts(ctx, asked) : [],
    };
  },
  present: (shown, { zone }): Report => {
    if (isRefusal(shown)) return { tone: 'refused', title: shown.message };
    const { all, people, counts, page } = shown;
    if (!people.length) return { tone: 'neutral', title: `Nobody ${said(shown, 1)}${where(shown)}.`, next: broader(shown) };
    const pages = Math.ceil(all / pageSize);
    const because = shown.reason ? `: each ${meaningOf(shown.reason).says}` : '';
    return {
      tone: 'neutral',
      title: `${count(all, 'person', 'people')} ${said(shown, all)}${where(shown)}${because}.`,
      facts: counts.map(each => ({ label: capital(words[each.state].state), value: each.people.toLocaleString('en-US') })),
      tables: [peopleTable(shown, zone)],
      next: [...(page < pages ? [phraseOf(shown, page + 1)] : []), ...nextFor(shown)],
      ...(pages > 1 ? { footer: `Page ${page} of ${pages.toLocaleString('en-US')}` } : {}),
    };
  },
});

const said = ({ state, list, sequence }: Asked, n: number): string =>
  state
    ? words[state][n === 1 ? 'one' : 'many']
    : list && !sequence
      ? n === 1
        ? 'is'
        : 'are'
      : n === 1
        ? 'is or was'
        : 'are or were';

const where = ({ list, sequence }: Asked): string =>
  sequence ? ` in "${sequence}"${list ? ` from "${list}"` : ''}` : list ? ` on "${list}"` : ' in your sequences';

function peopleTable(shown: Shown, zone: string): Table {
  const { people, list, sequence } = shown;
  const isOfList = list !== null && sequence === null;
  const told = [...(isOfList || sequence === null ? ['sequence' as const] : []), ...(isOfList ? [] : ['list' as const])].filter(
    what => people.some(person => person[what] !== null),
  );
  return {
    columns: ['Name', 'Company', 'State', 'Why', 'Since', ...told.map(capital)].map(label => ({ label })),
    rows: people.map(person => [
      person.name,
      person.company ?? '–',
      words[person.state].state,
      why(person),
      person.since ? when(person.since, zone) : '–',
      ...told.map(what => person[what] ?? '–'),
    ]),
  };
}

/** 'a template variable is empty for this lead (first_name)', in the words of `why`. */
function why({ reason, detail, by, pausedUntil }: Shown['people'][number]): string {
  const about = [detail, by].filter(Boolean).join(', ');
  const until = pausedUntil ? `until ${day(pausedUntil)}` : '';
  const says = reason ? `${meaningOf(reason).says}${about ? ` (${about})` : ''}` : about;
  return [says, until].filter(Boolean).join(', ') || '–';
}

const capital = (text: string): string => text[0]!.toUpperCase() + text.slice(1);

/** What to say for a page of the same: `list the people of "Fall Intro" who are held, page 2`. */
function phraseOf({ list, sequence, state }: Asked, page: number): string {
  const whose = sequence ? ` of "${sequence}"` : list ? ` of "${list}"` : '';
  return `list the people${whose}${state ? ` ${words[state].phrase ?? `who ${words[state].many}`}` : ''}${page > 1 ? `, page ${page}` : ''}`;
}

/** Where nobody stands so: those who stand elsewhere. */
const broader = ({ list, sequence, state }: Asked): string[] =>
  sequence
    ? [...(state ? [`list the people of "${sequence}"`] : []), `show sequence "${sequence}"`]
    : list
      ? [...(state ? [`list the people of "${list}"`] : []), `show list "${list}"`]
      : ['status'];

function nextFor({ state, sequence, people }: Shown): string[] {
  const [first] = people;
  const of = sequence ? ` of "${sequence}"` : '';
  switch (state) {
    case 'unknown':
      return [`settle the unknown messages${of} as sent`, `resend the unknown messages${of}`];
    case 'waiting_on_task':
      return [`list tasks${of}`];
    case 'in_review':
      return sequence ? [`show reviews of "${sequence}"`] : ['status'];
    case 'replied':
      return [`show replies${of}`];
    default:
      return [`why ${first!.email ?? first!.name}`];
  }
}
