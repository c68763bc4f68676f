import { complete, type Draft, draftOf, finished } from './draft.ts';
import type { Reference } from './names.ts';
import type { Reading } from './phrases.ts';
import { special } from './specials.ts';
import type { WrittenStep } from './steps.ts';
import { find, findAny, follow, type Outcome, type Talk } from './talk.ts';
import type { PhraseCall } from './types.ts';

/** What a reading comes to. It follows the talk: a call that it makes is what the next clause may call "it". */
export function build(reading: Reading, talk: Talk, steps: WrittenStep[] | undefined): Outcome {
  const { group } = reading.phrasing;
  const outcome = group.tool.startsWith('$') ? special(reading, talk) : plainCall(reading, group.tool, talk, steps);
  if ('calls' in outcome) for (const call of outcome.calls) follow(talk, call);
  return outcome;
}

function plainCall(reading: Reading, tool: string, talk: Talk, steps: WrittenStep[] | undefined): Outcome {
  const { group } = reading.phrasing;
  const isIt = !isNamed(reading.fields.sequence);
  const ofLast =
    (isIt && tool === 'pause_sequence' ? (stopLast(talk) ?? senderOfLast(talk, 'pause_sender')) : undefined) ??
    (isIt && tool === 'resume_sequence' ? senderOfLast(talk, 'resume_sender') : undefined);
  if (ofLast) return { calls: [ofLast] };
  if (tool === 'show_list' || tool === 'show_sequence') return show(reading, tool, talk);
  const draft = draftOf(reading, tool, talk);
  Object.assign(draft.input, group.set);
  complete(tool, draft, reading, talk);
  if (group.steps && !steps) return { ask: `What do the steps say? Write them out: “${group.example}”.` };
  if (steps && (tool === 'create_sequence' || tool === 'edit_sequence')) draft.input.steps = steps;
  if (group.human) return byHand(tool, draft);
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

/** `resume it`, right after something was done with a mailbox, means that. */
function senderOfLast({ calls, context }: Talk, tool: 'pause_sender' | 'resume_sender'): PhraseCall | undefined {
  const last = calls.at(-1) ?? context.focus.last;
  return last?.input.sender === undefined ? undefined : { tool, input: { sender: last.input.sender } };
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
