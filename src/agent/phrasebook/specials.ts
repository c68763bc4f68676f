import { correct } from './corrections.ts';
import { draftOf, finished } from './draft.ts';
import { clipped, type Reference, typed } from './names.ts';
import type { Reading } from './phrases.ts';
import { examplesOf, tryThese } from './suggestions.ts';
import { find, findAny, nameCreated, type Outcome, type Talk } from './talk.ts';
import { createdList, type PhraseCall } from './types.ts';

/** What the phrasebook itself does: several calls from one clause, corrections, answers, small talk. */
export function special(reading: Reading, talk: Talk): Outcome {
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
      return likewise(reading, talk);
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
    case '$say':
      return said(reading, talk);
    default:
      return correct(phrasing.group.tool, { ...fields, ...phrasing.group.set }, talk, focus);
  }
}

const said = ({ phrasing: { group } }: Reading, { context }: Talk): Outcome =>
  group.near ? { ask: `${group.say} ${tryThese(examplesOf(group.near, context))}` } : { remark: group.say!, small: true };

function rename(fields: Record<string, unknown>, talk: Talk): Outcome {
  const found = findAny(talk, fields.any as Reference);
  if ('unsure' in found) return { ask: found.unsure };
  return renamed(found, fields.name);
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

function nameIt(name: string, talk: Talk): Outcome {
  const made: PhraseCall | undefined = talk.calls.findLast(({ tool }) => tool === 'create_list' || tool === 'combine_lists');
  if (made) {
    made.input.name = name;
    if (made.tool === 'create_list') nameCreated(talk, name);
    return { calls: [] };
  }
  const found = findAny(talk, { how: 'pronoun', text: 'it', kinds: ['list', 'sequence'] });
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
  const found = findAny(talk, fields.any as Reference);
  if ('unsure' in found) return { ask: found.unsure };
  return {
    calls: [{ tool: `archive_${found.kind}`, input: { [found.kind]: found.name } }],
    ...(found.note ? { note: found.note } : {}),
  };
}

/** Nothing is deleted; archiving is offered instead, and done after a yes. */
function discard(fields: Record<string, unknown>, talk: Talk): Outcome {
  const archived = archive(fields, talk);
  if (!('calls' in archived)) return archived;
  const [pending] = archived.calls;
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
    : [fields.a as Reference, fields.b as Reference];
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
