import { isEmpty } from '../../domain/lists/criteria.ts';
import { describe } from './criteria.ts';
import { either, type Reference } from './names.ts';
import type { SequenceOptions } from './options.ts';
import type { Person } from './people.ts';
import type { Reading } from './phrases.ts';
import { find, findAny, type Outcome, type Talk } from './talk.ts';
import type { Token } from './text.ts';
import type { Order } from './times.ts';

/** A call in the making: its input, what is still to be asked, what is to be said along with it. */
export interface Draft {
  input: Record<string, unknown>;
  asks: { text: string; near: string[] }[];
  notes: string[];
  /** The people of whom the call is made, one after another. */
  each?: { field: string; names: string[] };
}

/** Tools whose list or sequence may stay unsaid: it is the one in focus. */
const about: Record<string, ('list' | 'sequence')[]> = {
  edit_criteria: ['list'],
  add_leads: ['list'],
  set_monitoring: ['list'],
  show_list: ['list'],
  link_list: ['list', 'sequence'],
  unlink_list: ['list'],
  edit_sequence: ['sequence'],
  activate_sequence: ['sequence'],
  pause_sequence: ['sequence'],
  resume_sequence: ['sequence'],
  finish_sequence: ['sequence'],
  reopen_sequence: ['sequence'],
  duplicate_sequence: ['sequence'],
  remove_member: ['list'],
  restore_member: ['list'],
  preflight_link: ['list', 'sequence'],
  set_autopilot: ['sequence'],
  show_sequence: ['sequence'],
  review_leads: ['sequence'],
  enroll_lead: ['sequence'],
}; // prettier-ignore

/** Tools for which a list or sequence that is named beside the rest says nothing more. */
const idle: Record<string, readonly string[]> = { unlink_list: ['sequence'], create_list: ['list', 'sequence'] };

export function finished(tool: string, { input, asks, notes, each }: Draft): Outcome {
  const calls = each ? each.names.map(name => ({ tool, input: { ...input, [each.field]: name } })) : [{ tool, input }];
  if (!asks.length) return { calls, ...(notes.length ? { note: notes.join(' ') } : {}) };
  const [only, more] = asks as [Draft['asks'][number], Draft['asks'][number]?];
  return only.near.length === 1 && !more
    ? { ask: `${only.text} Say yes and I go on with it.`, pending: { tool, input } }
    : { ask: only.text };
}

export function draftOf({ fields, phrasing: { group } }: Reading, tool: string, talk: Talk): Draft {
  const draft: Draft = { input: {}, asks: [], notes: [] };
  const needed = about[tool] ?? [];
  for (const kind of ['list', 'sequence'] as const) {
    const isSaid = fields[kind] !== undefined && !idle[tool]?.includes(kind);
    if (!needed.includes(kind) && !isSaid) continue;
    const reference = fields[kind] as Reference | undefined;
    const found = find(talk, kind, reference);
    if ('name' in found) draft.input[kind] = found.name;
    else {
      draft.asks.push({ text: found.unsure, near: found.near });
      if (found.near[0]) draft.input[kind] = found.near[0];
    }
    if ('note' in found && found.note) draft.notes.push(found.note);
  }
  for (const [field, value] of Object.entries(fields)) fill(draft, field, value, { read: group.read === true, talk });
  return draft;
}

interface Filling {
  read: boolean;
  talk: Talk;
}

function fill(draft: Draft, field: string, value: unknown, { read, talk }: Filling): void {
  switch (field) {
    case 'list':
    case 'sequence':
      return;
    case 'criteria': {
      const described = describe(value as Token[]);
      const ask = 'Who should I look for? Name a role, an industry or a place: “find 50 CTOs at fintechs in Germany”.';
      if (!described || (isEmpty(described.criteria) && !read)) draft.asks.push({ text: ask, near: [] });
      else draft.input.criteria = described.criteria;
      return;
    }
    case 'order': {
      const order = value as Order;
      if (order.cadence === 'other')
        draft.asks.push({ text: 'I can do that daily, on weekdays, or weekly on one weekday. Which one?', near: [] });
      else Object.assign(draft.input, order);
      return;
    }
    case 'options': {
      const { announced, ...options } = value as SequenceOptions;
      Object.assign(draft.input, options);
      if (announced) draft.notes.push(stepsToWrite(announced));
      return;
    }
    case 'lead':
    case 'leads':
    case 'about':
    case 'what':
      name(draft, field, value, talk);
      return;
    case 'attribute':
    case 'field':
    case 'value':
    case 'rest':
      return;
    case 'title':
    case 'company':
    case 'email':
    case 'fullName':
      draft.input.changes = { ...(draft.input.changes as object), [field]: value };
      return;
    case 'country':
    case 'dates':
    case 'addDates':
    case 'removeDates':
      draft.input.holidays = { ...(draft.input.holidays as object), [field]: value };
      return;
    case 'excluded': {
      const [excluded] = Object.values(value as object);
      if (isPronoun(excluded)) name(draft, 'value', excluded, talk);
      else draft.input.value = excluded;
      return;
    }
    case 'target': {
      const { lead } = value as { lead?: unknown };
      if (isPronoun(lead)) name(draft, 'lead', lead, talk);
      else Object.assign(draft.input, value);
      return;
    }
    case 'schedule':
    case 'period':
      Object.assign(draft.input, value);
      return;
    default:
      draft.input[field] = value;
  }
}

const stepsToWrite = (n: number): string =>
  `Its ${n === 1 ? 'step is' : `${n} steps are`} still to be written: “change the steps of it: step 1: subject: … body: …${n > 1 ? ' step 2 after 3 days: body: …' : ''}”.`;

const isPronoun = (value: unknown): value is Exclude<Person, string> =>
  typeof value === 'object' && value !== null && 'pronoun' in value;

/** Puts the name of a person, a list or a sequence in its field; what stands for one is looked up in the thread. */
function name(draft: Draft, field: string, value: unknown, talk: Talk): void {
  const put = (names: string[]): void => {
    draft.input[field] = field === 'leads' ? names : names[0];
  };
  if (Array.isArray(value)) {
    put(value as string[]);
    if (field === 'lead') draft.each = { field, names: value as string[] };
    return;
  }
  if (typeof value === 'string') {
    put([value]);
    return;
  }
  if (!isPronoun(value) || value.pronoun === 'thing') {
    thing(
      draft,
      field,
      isPronoun(value) ? { how: 'pronoun', text: 'it', kinds: ['list', 'sequence'] } : (value as Reference),
      talk,
    );
    return;
  }
  const { leads = [] } = talk.focus;
  if (!leads.length) draft.asks.push({ text: 'Who? Name the person, or give the e-mail address.', near: [] });
  else if (leads.length > 1 && !value.several)
    draft.asks.push({ text: `Who: ${either(leads.slice(0, 5))}? Name the one that you mean.`, near: [] });
  else put(leads);
  if (field !== 'leads' && leads.length > 1) draft.each = { field, names: leads };
}

function thing(draft: Draft, field: string, reference: Reference, talk: Talk): void {
  const found = findAny(talk, reference, { order: field === 'what' });
  if ('unsure' in found) draft.asks.push({ text: found.unsure, near: [] });
  else draft.input[field] = found.name;
}

/** What a call lacks although its tool needs it: the person whom the thread is about, or a question. */
export function complete(tool: string, draft: Draft, { fields }: Reading, talk: Talk): void {
  if (fields.attribute !== undefined)
    draft.input.changes = { [String(fields.attribute)]: String(fields.value).replace(/[.!]$/, '') };
  if (fields.field !== undefined)
    draft.input.changes = { fields: { [String(fields.field)]: String(fields.value).replace(/[.!]$/, '') } };
  const lacksLead = (tool === 'finish_task' || tool === 'skip_task') && draft.input.lead === undefined;
  if (lacksLead && !draft.asks.length) name(draft, 'lead', { pronoun: 'person' } satisfies Person, talk);
  if (tool !== 'why' || draft.input.about !== undefined || draft.asks.length) return;
  const { leads, list, sequence } = talk.focus;
  const subject = leads?.[0] ?? (talk.focus.latest === 'sequence' ? (sequence ?? list) : (list ?? sequence));
  if (subject) draft.input.about = subject;
  else
    draft.asks.push({
      text: 'Why what? Name a person, a list, a sequence or a sender: “why is Jane Doe not contacted?”',
      near: [],
    });
}
