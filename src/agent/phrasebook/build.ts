import type { Criteria } from '../../domain/lists/criteria.ts';
import { complete, type Draft, draftOf, finished } from './draft.ts';
import { forEach, spread, unlessDropped } from './each.ts';
import type { Reference } from './names.ts';
import { numeralAt } from './numbers.ts';
import type { Reading } from './phrases.ts';
import { special } from './specials.ts';
import type { WrittenStep } from './steps.ts';
import { find, findAny, follow, leadsOf, type Outcome, type Talk } from './talk.ts';
import type { PhraseCall } from './types.ts';

/** What a reading comes to. It follows the talk: a call that it makes is what the next clause may call "it". */
export function build(said: Reading, talk: Talk, steps: WrittenStep[] | undefined): Outcome {
  const reading = spread(said, talk);
  const { group } = reading.phrasing;
  const made = group.tool.startsWith('$') ? special(reading, talk) : plainCall(reading, group.tool, talk, steps);
  const outcome = unlessDropped(reading, made, talk);
  if (!('calls' in outcome)) return outcome;
  const half = halfPlaced(reading, outcome.calls, talk);
  if (half) return half;
  for (const call of outcome.calls) follow(talk, call);
  const people = [...new Set(outcome.calls.flatMap(call => leadsOf(call) ?? []))];
  if (people.length) talk.focus = { ...talk.focus, leads: people };
  return outcome;
}

function plainCall(reading: Reading, tool: string, talk: Talk, steps: WrittenStep[] | undefined): Outcome {
  const { group } = reading.phrasing;
  const isIt = !isNamed(reading.fields.sequence);
  const ofLast =
    (isIt && tool === 'pause_sequence' ? (stopLast(talk) ?? senderOfLast(talk, 'pause_sender')) : undefined) ??
    (isIt && tool === 'resume_sequence' ? senderOfLast(talk, 'resume_sender') : undefined) ??
    (isIt && tool === 'edit_sequence' ? limitOfLast(reading, talk) : undefined);
  if (ofLast) return { calls: [ofLast] };
  const people = tool === 'pause_sequence' ? peopleOfLast(reading, talk) : undefined;
  if (people) return { calls: people };
  if (tool === 'show_list' || tool === 'show_sequence') return show(reading, tool, talk);
  const draft = draftOf(reading, tool, talk);
  Object.assign(draft.input, group.set);
  complete(tool, draft, reading, talk);
  if (group.steps && !steps) return { ask: `What do the steps say? Write them out: “${group.example}”.` };
  if (steps && (tool === 'create_sequence' || tool === 'edit_sequence')) draft.input.steps = steps;
  if (group.human) return byHand(tool, draft);
  return forEach(reading, finished(tool, draft), talk);
}

/** `find 10 CTOs and 5 VPs of Sales in Germany`: of whom the place is said is not plain. */
function halfPlaced({ tokens }: Reading, [call]: PhraseCall[], { calls }: Talk): Outcome | undefined {
  const before = calls.at(-1);
  if (call?.tool !== 'create_list' || before?.tool !== 'create_list' || !numeralAt(tokens, 0)) return undefined;
  if (isPlaced(before) || !isPlaced(call)) return undefined;
  return { ask: 'Are all of them to be there? Say each search in full: “find 10 CTOs in Germany. Find 5 CFOs in Germany.”' };
}

const isPlaced = ({ input }: PhraseCall): boolean => {
  const { personLocations, companyLocations } = input.criteria as Criteria;
  return Boolean(personLocations ?? companyLocations);
};

const isNamed = (reference: unknown): boolean => reference !== undefined && (reference as Reference).how !== 'pronoun';

/** `stop it`, right after monitoring or a digest was set, means that. */
function stopLast({ calls, context }: Talk): PhraseCall | undefined {
  const last = calls.at(-1) ?? context.focus.last;
  if (last?.tool === 'set_monitoring') return { tool: last.tool, input: { list: last.input.list, cadence: 'off' } };
  if (last?.tool !== 'set_digest') return undefined;
  return { tool: last.tool, input: { ...(last.input.channel ? { channel: last.input.channel } : {}), cadence: 'off' } };
}

/** `pause them`, right after something was done with people, means those. */
function peopleOfLast({ fields, tokens }: Reading, { calls, context, focus }: Talk): PhraseCall[] | undefined {
  const last = calls.at(-1) ?? context.focus.last;
  const isThem = /^(them|they)$/i.test((fields.sequence as Reference | undefined)?.text ?? '');
  if (!isThem || !last || !leadsOf(last)) return undefined;
  const tool = tokens.some(({ fold }) => /^(pause|hold|suspend|freeze|park)$/.test(fold)) ? 'pause_lead' : 'stop_lead';
  return (focus.leads ?? []).map(lead => ({ tool, input: { lead } }));
}

/** `resume it`, right after something was done with a mailbox, means that. */
function senderOfLast({ calls, context }: Talk, tool: 'pause_sender' | 'resume_sender' | 'set_sender'): PhraseCall | undefined {
  const last = calls.at(-1) ?? context.focus.last;
  return last?.input.sender === undefined ? undefined : { tool, input: { sender: last.input.sender } };
}

/** `set its limit to 40`, right after something was done with a mailbox, is said of that. */
function limitOfLast({ fields, tokens }: Reading, talk: Talk): PhraseCall | undefined {
  const limited = senderOfLast(talk, 'set_sender');
  const isLimit = fields.dailyCap !== undefined && tokens.some(({ fold }) => fold === 'its' || fold === 'it');
  return limited && isLimit ? { tool: 'set_sender', input: { ...limited.input, dailyLimit: fields.dailyCap } } : undefined;
}

/** What only a person does: it says how, and calls nothing (A1). */
function byHand(tool: string, { input, asks }: Draft): Outcome {
  if (asks[0]) return { ask: asks[0].text };
  if (tool === 'set_role')
    return { remark: `Only a person gives roles. On the command line: drover role "${input.member}" ${input.role}` };
  const command = `drover autopilot "${input.sequence}" ${input.on ? 'on' : 'off'}`;
  return { remark: `Only a person switches autopilot ${input.on ? 'on' : 'off'}. On the command line: ${command}` };
}

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
