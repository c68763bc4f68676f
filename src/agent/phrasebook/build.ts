import { isEmpty } from '../../domain/lists/criteria.ts';
import { correct } from './corrections.ts';
import { describe } from './criteria.ts';
import { clipped, type Reference, typed } from './names.ts';
import type { SequenceOptions } from './options.ts';
import type { Reading } from './phrases.ts';
import type { WrittenStep } from './steps.ts';
import { examplesOf, tryThese } from './suggestions.ts';
import { find, findAny, follow, nameCreated, type Outcome, type Talk } from './talk.ts';
import type { Token } from './text.ts';
import type { Order } from './times.ts';
import { createdList, type PhraseCall } from './types.ts';

interface Draft {
  input: Record<string, unknown>;
  asks: { text: string; near: string[] }[];
  notes: string[];
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
  set_autopilot: ['sequence'],
  show_sequence: ['sequence'],
  review_leads: ['sequence'],
}; // prettier-ignore

/** What a reading comes to. It follows the talk: a call that it makes is what the next clause may call "it". */
export function build(reading: Reading, talk: Talk, steps: WrittenStep[] | undefined): Outcome {
  const { group } = reading.phrasing;
  const outcome = group.tool.startsWith('$') ? special(reading, talk, steps) : plainCall(reading, group.tool, talk, steps);
  if ('calls' in outcome) for (const call of outcome.calls) follow(talk, call);
  return outcome;
}

function plainCall(reading: Reading, tool: string, talk: Talk, steps: WrittenStep[] | undefined): Outcome {
  const { group } = reading.phrasing;
  const stopped = tool === 'pause_sequence' && !isNamed(reading.fields.sequence) ? stopLast(talk) : undefined;
  if (stopped) return { calls: [stopped] };
  if (tool === 'show_list' || tool === 'show_sequence') return show(reading, tool, talk);
  const draft = draftOf(reading, tool, talk);
  Object.assign(draft.input, group.set);
  if (group.steps && !steps) return { ask: `What do the steps say? Write them out: “${group.example}”.` };
  if (steps && (tool === 'create_sequence' || tool === 'edit_sequence')) draft.input.steps = steps;
  if (group.human) return byHand(draft);
  return forEach(reading, finished(tool, draft), talk);
}

/** `pause Fall Intro and Partner Launch`: the same call for each of the names. */
function forEach({ fields }: Reading, outcome: Outcome, talk: Talk): Outcome {
  if (!('calls' in outcome)) return outcome;
  const calls = [...outcome.calls];
  for (const kind of ['list', 'sequence'] as const) {
    const { also = [] } = (fields[kind] ?? {}) as Partial<Reference>;
    const made = [...calls];
    for (const text of also) {
      const found = find(talk, kind, { how: 'known', text, kinds: [kind] });
      if ('name' in found) calls.push(...made.map(call => ({ ...call, input: { ...call.input, [kind]: found.name } })));
    }
  }
  return { ...outcome, calls };
}

const isNamed = (reference: unknown): boolean => reference !== undefined && (reference as Reference).how !== 'pronoun';

/** `stop it`, right after monitoring or a digest was set, means that. */
function stopLast({ calls, context }: Talk): PhraseCall | undefined {
  const last = calls.at(-1) ?? context.focus.last;
  if (last?.tool === 'set_monitoring') return { tool: last.tool, input: { list: last.input.list, cadence: 'off' } };
  if (last?.tool !== 'set_digest') return undefined;
  return { tool: last.tool, input: { ...(last.input.channel ? { channel: last.input.channel } : {}), cadence: 'off' } };
}

function finished(tool: string, { input, asks, notes }: Draft): Outcome {
  if (!asks.length) return { calls: [{ tool, input }], ...(notes.length ? { note: notes.join(' ') } : {}) };
  const [only, more] = asks as [Draft['asks'][number], Draft['asks'][number]?];
  return only.near.length === 1 && !more
    ? { ask: `${only.text} Say yes and I go on with it.`, pending: { tool, input } }
    : { ask: only.text };
}

/** Switching autopilot is a person's: it says how, and calls nothing (A1). */
function byHand({ input, asks }: Draft): Outcome {
  if (asks[0]) return { ask: asks[0].text };
  const command = `drover autopilot "${input.sequence}" ${input.on ? 'on' : 'off'}`;
  return { remark: `Only a person switches autopilot ${input.on ? 'on' : 'off'}. On the command line: ${command}` };
}

function draftOf({ fields, phrasing: { group } }: Reading, tool: string, talk: Talk): Draft {
  const draft: Draft = { input: {}, asks: [], notes: [] };
  for (const kind of about[tool] ?? []) {
    const reference = fields[kind] as Reference | undefined;
    if (tool === 'unlink_list' && kind === 'sequence') continue;
    const found = find(talk, kind, reference);
    if ('name' in found) draft.input[kind] = found.name;
    else {
      draft.asks.push({ text: found.unsure, near: found.near });
      if (found.near[0]) draft.input[kind] = found.near[0];
    }
    if ('note' in found && found.note) draft.notes.push(found.note);
  }
  for (const [field, value] of Object.entries(fields)) fill(draft, field, value, group.read === true);
  return draft;
}

function fill(draft: Draft, field: string, value: unknown, read: boolean): void {
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
    case 'target':
    case 'schedule':
      Object.assign(draft.input, value);
      return;
    default:
      draft.input[field] = value;
  }
}

const stepsToWrite = (n: number): string =>
  `Its ${n === 1 ? 'step is' : `${n} steps are`} still to be written: “change the steps of it: step 1: subject: … body: …${n > 1 ? ' step 2 after 3 days: body: …' : ''}”.`;

function show(reading: Reading, tool: string, talk: Talk): Outcome {
  const { fields } = reading;
  const kind = tool === 'show_list' ? 'list' : 'sequence';
  const reference = (fields[kind] ?? { how: 'pronoun', text: 'it', kinds: [kind] }) as Reference;
  const explicit = new RegExp(`\\b${kind}\\b`, 'i').test(reference.text);
  if (reference.how !== 'written' && (reference.kindSaid || explicit)) {
    const found = find(talk, kind, reference);
    return 'name' in found ? { calls: [{ tool, input: { [kind]: found.name } }] } : { ask: found.unsure };
  }
  const found = findAny(talk, reference);
  if ('unsure' in found) return { ask: found.unsure };
  const call = { tool: `show_${found.kind}`, input: { [found.kind]: found.name } };
  return forEach(
    { ...reading, fields: { [found.kind]: reference } },
    { calls: [call], ...(found.note ? { note: found.note } : {}) },
    talk,
  );
}

/** What the phrasebook itself does: several calls from one clause, corrections, answers, small talk. */
function special(reading: Reading, talk: Talk, steps: WrittenStep[] | undefined): Outcome {
  const { fields, phrasing } = reading;
  const { focus } = talk.context;
  switch (phrasing.group.tool) {
    case '$monitored': {
      const draft = draftOf(reading, 'create_list', talk);
      const { criteria, amount, cadence, weekday } = draft.input;
      if (draft.asks.length) return finished('create_list', draft);
      const order = { list: createdList, cadence, amount, ...(weekday ? { weekday } : {}) };
      return {
        calls: [
          { tool: 'create_list', input: { criteria, count: amount } },
          { tool: 'set_monitoring', input: order },
        ],
      };
    }
    case '$linked': {
      const draft = draftOf(reading, 'create_list', talk);
      const found = find(talk, 'sequence', fields.sequence as Reference);
      if (draft.asks.length || !('name' in found)) return finished('create_list', draft);
      const link = { tool: 'link_list', input: { list: createdList, sequence: found.name } };
      return { calls: [{ tool: 'create_list', input: draft.input }, link] };
    }
    case '$send':
      return talk.focus.sequence
        ? plainCall(reading, 'edit_sequence', talk, steps)
        : { calls: [{ tool: 'set_workspace', input: { ...(fields.schedule as object) } }] };
    case '$rename':
      return rename(fields, talk);
    case '$yes':
      return yes(talk);
    case '$no':
      return { remark: 'Fine, I leave it. Nothing was changed.', small: true };
    case '$save':
      return save(fields, talk);
    case '$name':
      return nameIt(String(fields.name), talk);
    case '$say':
      return said(reading, talk);
    default:
      return correct(phrasing.group.tool, fields, talk, focus);
  }
}

const said = ({ phrasing: { group } }: Reading, { context }: Talk): Outcome =>
  group.near ? { ask: `${group.say} ${tryThese(examplesOf(group.near, context))}` } : { remark: group.say!, small: true };

function rename(fields: Record<string, unknown>, talk: Talk): Outcome {
  const found = findAny(talk, fields.any as Reference);
  if ('unsure' in found) return { ask: found.unsure };
  if (found.kind === 'list') return { ask: `I cannot rename a list yet. “show ${typed(found.name)}” shows it.` };
  return { calls: [{ tool: 'edit_sequence', input: { sequence: found.name, name: fields.name } }] };
}

/** Yes to the question that is open, and to nothing else. */
function yes({ context }: Talk): Outcome {
  const { pendingQuestion, approvals } = context.focus;
  if (pendingQuestion) {
    const confirmed = pendingQuestion.tool === 'create_list' ? { confirmed: true } : {};
    return { calls: [{ tool: pendingQuestion.tool, input: { ...pendingQuestion.input, ...confirmed } }] };
  }
  if (approvals?.length)
    return { remark: `That needs a person's button: press it on the card, or run drover approve ${approvals.at(-1)}.` };
  return { remark: 'I have asked nothing that waits for a yes.' };
}

/** Turns the preview that was looked at into a list. */
function save(fields: Record<string, unknown>, { context }: Talk): Outcome {
  const { last, pendingQuestion } = context.focus;
  const extra = { ...(fields.name ? { name: fields.name } : {}), ...(fields.count ? { count: fields.count } : {}) };
  const asked = pendingQuestion?.tool === 'create_list' ? pendingQuestion : undefined;
  if (asked) return { calls: [{ tool: 'create_list', input: { ...asked.input, ...extra, confirmed: true } }] };
  if (last?.tool === 'preview_list') return { calls: [{ tool: 'create_list', input: { ...last.input, ...extra } }] };
  return { ask: 'There is no preview to save. Say who to find: “preview CTOs at French healthcare companies”.' };
}

function nameIt(name: string, talk: Talk): Outcome {
  const made: PhraseCall | undefined = talk.calls.findLast(({ tool }) => tool === 'create_list');
  if (!made)
    return {
      ask: `I cannot rename yet. A new list can be named as it is made: “find 50 CTOs in France called ${clipped(typed(name))}”.`,
    };
  made.input.name = name;
  nameCreated(talk, name);
  return { calls: [] };
}
