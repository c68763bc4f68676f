import { exportActivity, exportOf } from '../../tools/export-command.ts';
import { correct } from './corrections.ts';
import { draftOf, finished } from './draft.ts';
import { forEach } from './each.ts';
import { madeBy, madeIn, makersOf, ordinalOf, standIn } from './made.ts';
import { clipped, type Reference, typed } from './names.ts';
import type { Reading } from './phrases.ts';
import { examplesOf, tryThese } from './suggestions.ts';
import { find, findAny, nameCreated, type Outcome, severalOf, type Talk } from './talk.ts';

/** What the phrasebook itself does: several calls from one clause, corrections, answers, small talk. */
export function special(reading: Reading, talk: Talk): Outcome {
  const { fields, phrasing } = reading;
  const { focus } = talk.context;
  switch (phrasing.group.tool) {
    case '$monitored': {
      const draft = draftOf(reading, 'create_list', talk);
      const { criteria, amount, cadence, weekday } = draft.input;
      if (draft.asks.length) return finished('create_list', draft);
      const order = { list: nextStandIn(talk), cadence, amount, ...(weekday ? { weekday } : {}) };
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
      const link = { tool: 'link_list', input: { list: nextStandIn(talk), sequence: found.name } };
      return { calls: [{ tool: 'create_list', input: draft.input }, link] };
    }
    case '$copy':
      return copy(reading, talk);
    case '$send':
      return talk.focus.sequence
        ? finished('edit_sequence', draftOf(reading, 'edit_sequence', talk))
        : { calls: [{ tool: 'set_workspace', input: { ...(fields.schedule as object) } }] };
    case '$rename':
      return rename(fields, talk);
    case '$archive':
      return archive(fields, talk);
    case '$delete':
      return discard(fields, talk);
    case '$combine':
      return combine(reading, talk);
    case '$likewise':
      return forEach(reading, likewise(reading, talk), talk);
    case '$yes':
      return yes(talk);
    case '$no':
      return no(talk);
    case '$show':
      return both(fields, talk);
    case '$save':
      return save(fields, talk);
    case '$name':
      return nameIt(String(fields.name), talk);
    case '$export':
      return exported(reading, talk);
    case '$say':
      return said(reading, talk);
    default:
      return correct(phrasing.group.tool, { ...fields, ...phrasing.group.set }, talk, focus);
  }
}

/** A copy, with what is to be different in it. */
function copy(reading: Reading, talk: Talk): Outcome {
  const draft = draftOf(reading, 'duplicate_sequence', talk);
  if (draft.asks.length) return finished('duplicate_sequence', draft);
  const { sequence, name, ...changes } = draft.input;
  if (!Object.keys(changes).length)
    return { ask: 'A copy has the steps of what it is copied from. Say “change the steps of …” for others.' };
  return {
    calls: [
      { tool: 'duplicate_sequence', input: { sequence, ...(name === undefined ? {} : { name }) } },
      { tool: 'edit_sequence', input: { sequence: nextStandIn(talk), ...changes } },
    ],
  };
}

/** What stands for the thing that is made next. */
const nextStandIn = ({ calls }: Talk): string => standIn(makersOf(calls).length + 1);

const said = ({ phrasing: { group } }: Reading, { context }: Talk): Outcome =>
  group.near ? { ask: `${group.say} ${tryThese(examplesOf(group.near, context))}` } : { remark: group.say!, small: true };

function rename(fields: Record<string, unknown>, talk: Talk): Outcome {
  const found = findAny(talk, fields.any as Reference, { order: true });
  if ('unsure' in found) return { ask: found.unsure };
  return renamed(found, fields.name);
}

/** Files go out by the command line: which command it is. */
function exported(reading: Reading, talk: Talk): Outcome {
  const { any } = reading.fields as { any?: Reference };
  if (any) {
    const found = findAny(talk, any);
    if ('unsure' in found) return { ask: found.unsure };
    return { remark: `Files go out by the command line: ${exportOf(found.kind, found.name)}` };
  }
  const { input, asks } = draftOf(reading, 'activity', talk);
  if (asks[0]) return { ask: asks[0].text };
  const parts = Object.keys(input).length ? '' : ' – or a part of it, with --about NAME, --by NAME, --days N';
  return { remark: `Files go out by the command line: ${exportActivity(input)}${parts}` };
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

/** No to the question that is open. A plan that waits for a button goes on waiting: only a person ends it, by its card (A1). */
function no({ context, calls }: Talk): Outcome {
  const { pendingQuestion, approvals = [] } = context.focus;
  const id = approvals.at(-1);
  if (id === undefined || pendingQuestion || calls.length)
    return { remark: 'Fine, I leave it. Nothing was changed.', small: true };
  const others = approvals.length > 1 ? `, and ${approvals.length - 1} more in this thread` : '';
  return {
    remark: `Nothing was changed. Plan ${id} still waits${others}: press Cancel on its card, or run drover cancel ${id}.`,
    small: true,
  };
}

/** `show FR CTOs and Fall Intro`: each of them, of whichever kind. */
function both({ a, b }: Record<string, unknown>, talk: Talk): Outcome {
  const references = [a as Reference, b as Reference].flatMap(reference => [
    reference,
    ...(reference.also ?? []).map(text => ({ how: 'known' as const, text, kinds: reference.kinds })),
  ]);
  const found = references.map(reference => findAny(talk, reference));
  const unsure = found.find(each => 'unsure' in each);
  if (unsure) return { ask: unsure.unsure };
  return {
    calls: found.flatMap(each => ('kind' in each ? [{ tool: `show_${each.kind}`, input: { [each.kind]: each.name } }] : [])),
  };
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

/** Names what this prompt makes, or gives what the thread is about another name. */
function nameIt(name: string, talk: Talk): Outcome {
  const makers = makersOf(talk.calls);
  const { latest } = talk.focus;
  const about = ordinalOf(latest && talk.focus[latest]);
  const unnamed = makers.flatMap((call, at) => (call.input.name === undefined ? [at + 1] : []));
  const [only, second] = unnamed;
  const last = talk.calls.at(-1);
  const isInvolved = only !== undefined && (last === makers[only - 1] || madeIn(last!).includes(only));
  const isOne = latest !== undefined && severalOf(talk, latest).length < 2;
  const n = second === undefined && isInvolved ? only : isOne ? about : undefined;
  const made = n === undefined ? undefined : makers[n - 1];
  if (made && n !== undefined) {
    made.input.name = name;
    nameCreated(talk, madeBy(made)!, name, standIn(n));
    return { calls: [] };
  }
  if (only !== undefined)
    return {
      ask: `Call which one ${clipped(typed(name))}? Say it right after what makes it: “duplicate Fall Intro as Winter Intro”.`,
    };
  const found = findAny(talk, { how: 'pronoun', text: 'it', kinds: ['list', 'sequence'] }, { order: true });
  if ('unsure' in found)
    return {
      ask: `Call what so? Say “rename … to ${clipped(typed(name))}”, or name a list as it is made: “find 50 CTOs in France”.`,
    };
  return renamed(found, name);
}

const renamed = ({ kind, name: before }: { kind: 'list' | 'sequence'; name: string }, name: unknown): Outcome => ({
  calls: [{ tool: kind === 'list' ? 'rename_list' : 'edit_sequence', input: { [kind]: before, name } }],
});

function archive(fields: Record<string, unknown>, talk: Talk): Outcome {
  const reference = fields.any as Reference;
  const references = [reference, ...(reference.also ?? []).map(text => ({ ...reference, text }))];
  const found = references.map(each => findAny(talk, each, { order: true }));
  const unsure = found.find(each => 'unsure' in each);
  if (unsure) return { ask: unsure.unsure };
  const notes = found.flatMap(each => ('note' in each && each.note ? [each.note] : []));
  return {
    calls: found.flatMap(each => ('kind' in each ? [{ tool: `archive_${each.kind}`, input: { [each.kind]: each.name } }] : [])),
    ...(notes.length ? { note: notes.join(' ') } : {}),
  };
}

/** Nothing is deleted; archiving is offered instead, and done after a yes. */
function discard(fields: Record<string, unknown>, talk: Talk): Outcome {
  const archived = archive(fields, talk);
  if (!('calls' in archived)) return archived;
  const [pending, more] = archived.calls;
  if (more) return { ask: 'I delete nothing, and archive one thing at a time on a yes. Say “archive …” of each.' };
  const name = String(pending!.input.list ?? pending!.input.sequence);
  return {
    ask: `I delete nothing, but “${clipped(name)}” can be archived: out of the way, its history kept. Say yes, or “archive ${typed(name)}”.`,
    pending: pending!,
  };
}

/** Two lists or more become a new one. */
function combine({ fields, phrasing: { group } }: Reading, talk: Talk): Outcome {
  const several = fields.lists as Reference | undefined;
  const references = several
    ? [several, ...(several.also ?? []).map(text => ({ how: 'known' as const, text, kinds: ['list' as const] }))]
    : [fields.a as Reference, fields.b as Reference].flatMap(each => [
        each,
        ...(each.also ?? []).map(text => ({ ...each, text })),
      ]);
  if (group.set?.how === 'minus' && (fields.a as Reference | undefined)?.also)
    return { ask: 'Of which one list should the others be taken away? Say “everyone on FR CTOs who is not on Berlin Founders”.' };
  const found = references.map(reference => find(talk, 'list', reference));
  const unsure = found.find(each => 'unsure' in each);
  if (unsure) return { ask: unsure.unsure };
  const lists = [...new Set(found.flatMap(each => ('name' in each ? [each.name] : [])))];
  if (lists.length < 2) return { ask: 'That is one list. Name two or more: “merge FR CTOs and Berlin Founders”.' };
  const notes = found.flatMap(each => ('note' in each && each.note ? [each.note] : []));
  const input = { ...group.set, lists, ...(fields.name === undefined ? {} : { name: fields.name }) };
  return { calls: [{ tool: 'combine_lists', input }], ...(notes.length ? { note: notes.join(' ') } : {}) };
}

/** `… and 20 to Berlin Founders`, after what it continues: the same again, with another number and name. */
function likewise(reading: Reading, talk: Talk): Outcome {
  const before = talk.calls.at(-1);
  if (reading.fields.n === undefined && reading.fields.count === undefined)
    return before?.tool === 'link_list'
      ? finished('link_list', draftOf(reading, 'link_list', talk))
      : { ask: 'What should I do with the two? Say “link … to …”.' };
  const draft = draftOf(reading, 'add_leads', talk);
  if (before?.tool !== 'set_monitoring' || before.input.cadence === 'off') return finished('add_leads', draft);
  const { count, list } = draft.input;
  return finished('set_monitoring', { ...draft, input: { ...before.input, list, amount: count } });
}
