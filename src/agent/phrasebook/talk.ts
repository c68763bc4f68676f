import { foldName } from '../../nearest.ts';
import { madeBy, makersOf, ordinalOf, standIn } from './made.ts';
import { clipped, either, listed, makeOne, type NameKind, type Reference, resolveName, typed } from './names.ts';
import type { PhraseCall, PhraseContext } from './types.ts';

/** What a clause came to: calls, a remark beside them, or a question in their place. */
export type Outcome =
  | { calls: PhraseCall[]; note?: string }
  | { ask: string; pending?: PhraseCall }
  /** What is left to a person, or alone: said, and in nobody's way. Small talk goes unsaid beside calls. */
  | { remark: string; small?: true };

/** One prompt's state: what exists, what it is about, what was understood so far. */
export interface Talk {
  context: PhraseContext;
  today: string;
  lists: string[];
  sequences: string[];
  focus: { list?: string; sequence?: string; latest?: NameKind; leads?: string[] };
  calls: PhraseCall[];
  /** Names that this prompt gives or takes away, by kind and folded, and what each means from then on: a stand-in or a new name. */
  created: Map<string, string>;
  /** Of which kinds this prompt has named something. */
  named: Set<NameKind>;
}

/** A copy of the talk: nothing that is done with either changes the other. */
export const copyOf = (talk: Talk): Talk => ({
  ...talk,
  calls: talk.calls.map(({ tool, input }) => ({ tool, input: { ...input } })),
  created: new Map(talk.created),
  named: new Set(talk.named),
});

export function beginTalk(context: PhraseContext): Talk {
  const { lists, sequences, focus } = context;
  const last = focus.last?.input ?? {};
  const latest =
    last.sequence && !last.list ? 'sequence' : last.list ? 'list' : focus.sequence && !focus.list ? 'sequence' : 'list';
  return {
    context,
    today: context.today,
    lists: lists.filter(name => name.trim()),
    sequences: sequences.filter(name => name.trim()),
    focus: {
      ...(focus.list ? { list: focus.list } : {}),
      ...(focus.sequence ? { sequence: focus.sequence } : {}),
      ...(focus.leads ? { leads: focus.leads } : {}),
      latest,
    },
    calls: [],
    created: new Map(),
    named: new Set(),
  };
}

/** Remembers what a call is about, so that the next clause may say "it". */
export function follow(talk: Talk, call: PhraseCall): void {
  const { list, sequence, name } = call.input as { list?: string; sequence?: string; name?: string };
  talk.calls.push(call);
  const subjects = subjectsOf(talk, call);
  const asked = call.tool === 'why' && !subjects.length ? [String(call.input.about)] : undefined;
  const leads = leadsOf(call) ?? asked;
  if (leads) talk.focus = { ...talk.focus, leads };
  const made = madeBy(call);
  if (made) {
    const stands = standIn(makersOf(talk.calls).length);
    turnTo(talk, made, stands);
    if (name) nameCreated(talk, made, name, stands);
  } else if (call.tool === 'create_sequence' && name) {
    talk.sequences = [...talk.sequences, name];
    turnTo(talk, 'sequence', name);
  } else if (name && list && call.tool === 'rename_list') nameAnew(talk, 'list', list, name);
  else if (name && sequence && call.tool === 'edit_sequence') nameAnew(talk, 'sequence', sequence, name);
  else {
    for (const [kind, subject] of subjects) turnTo(talk, kind, subject);
    if (list) turnTo(talk, 'list', list);
    if (sequence) turnTo(talk, 'sequence', sequence);
    if (list) talk.focus.latest = 'list';
  }
}

function turnTo(talk: Talk, kind: NameKind, name: string): void {
  talk.focus = { ...talk.focus, [kind]: name, latest: kind };
  talk.named.add(kind);
}

/** What is handed over or asked about may be a list or a sequence. */
function subjectsOf(talk: Talk, { input: { what, about } }: PhraseCall): [NameKind, string][] {
  const subject = what ?? about;
  if (typeof subject !== 'string') return [];
  const n = ordinalOf(subject);
  const made = n === undefined ? undefined : makersOf(talk.calls)[n - 1];
  if (made) return [[madeBy(made)!, subject]];
  const kinds = (['list', 'sequence'] as const).filter(kind =>
    namesOf(talk, kind).some(name => foldName(name) === foldName(subject)),
  );
  return kinds.length === 1 ? [[kinds[0]!, subject]] : [];
}

const namesOf = (talk: Talk, kind: NameKind): string[] => (kind === 'list' ? talk.lists : talk.sequences);

/** Whom a call is about: what "her" and "them" mean afterwards. */
export function leadsOf({ input: { lead, leads } }: PhraseCall): string[] | undefined {
  if (typeof lead === 'string') return [lead];
  return Array.isArray(leads) && leads.length ? leads.map(String) : undefined;
}

const keyOf = (kind: NameKind, name: string): string => `${kind} ${foldName(name)}`;

/** What a name means by now. */
const given = ({ created }: Talk, kind: NameKind, name: string): string => created.get(keyOf(kind, name)) ?? name;

function learn(talk: Talk, kind: NameKind, name: string): void {
  if (kind === 'list') talk.lists = [...talk.lists, name];
  else talk.sequences = [...talk.sequences, name];
}

export function nameCreated(talk: Talk, kind: NameKind, name: string, stands: string): void {
  learn(talk, kind, name);
  talk.created.set(keyOf(kind, name), stands);
}

/** From here on the old name means the thing that has the new one. */
function nameAnew(talk: Talk, kind: NameKind, before: string, name: string): void {
  learn(talk, kind, name);
  for (const [key, meant] of talk.created) if (meant === before) talk.created.set(key, name);
  talk.created.set(keyOf(kind, before), name);
  talk.created.delete(keyOf(kind, name));
  turnTo(talk, kind, name);
}

/** The lists or sequences that the last order of this prompt named, where it named more than one: what "them" means. */
export function severalOf(talk: Talk, kind: NameKind): string[] {
  const { calls } = talk;
  const from = calls.findLastIndex(({ tool }) => tool !== calls.at(-1)?.tool) + 1;
  const makers = makersOf(calls);
  const names = calls.slice(from).flatMap(call => {
    const made = madeBy(call);
    if (made) return made === kind ? [standIn(makers.indexOf(call) + 1)] : [];
    const name = call.input[kind];
    return typeof name === 'string' ? [given(talk, kind, name)] : [];
  });
  return [...new Set(names)];
}

/** A thing for a person to read: `the list “FR CTOs”`, `the new list`. */
function told(talk: Talk, kind: NameKind, name: string): string {
  const text = shown(talk, kind, name);
  return text.startsWith('“') ? `the ${kind} ${text}` : text;
}

function shown(talk: Talk, kind: NameKind, name: string): string {
  const n = ordinalOf(name);
  const made = n === undefined ? undefined : makersOf(talk.calls)[n - 1];
  if (!made) return `“${clipped(name)}”`;
  if (made.input.name !== undefined) return `“${clipped(String(made.input.name))}”`;
  return made.tool === 'duplicate_sequence' ? `the copy of “${clipped(String(made.input.sequence))}”` : `the new ${kind}`;
}

const bare = /^(it|its|this|that|them|they|these|those|there|this one|that one|all of them)$/i;

const copy = /\b(copy|duplicate|clone)$/i;

/** Why "it" and the like are not plain here; a thing that was not said at all may still be the one in focus. */
function doubtOf(talk: Talk, kind: NameKind, reference: Reference | undefined): string | undefined {
  const several = severalOf(talk, kind);
  if (several.length > 1) {
    const which = [...new Set(several.map(name => shown(talk, kind, name)))];
    return `Which ${kind}${which.length > 1 ? `: ${which.join(' or ')}` : ''}? Name the one that you mean.`;
  }
  const isBare = reference !== undefined && bare.test(reference.text);
  const { list, sequence, sender } = (talk.calls.at(-1) ?? (isBare ? talk.context.focus.last : undefined))?.input ?? {};
  if (typeof sender === 'string' && list === undefined && sequence === undefined)
    return `That would be of the mailbox ${sender} here. Name the ${kind} that you mean.`;
  if (!isBare) return undefined;
  const people = leadsOf(talk.calls.at(-1) ?? talk.context.focus.last ?? { tool: '', input: {} });
  if (people && /^(them|they|these|those)$/i.test(reference.text))
    return `“${reference.text}” would be ${people.slice(0, 3).join(', ')} here. Name the ${kind} that you mean.`;
  const other = kind === 'list' ? 'sequence' : 'list';
  const named = talk.focus[other];
  return named && talk.named.has(other) && !talk.named.has(kind)
    ? `“${reference.text}” would be ${told(talk, other, named)} here. Name the ${kind} that you mean.`
    : undefined;
}

export type Found = { name: string; note?: string } | { unsure: string; near: string[] };

/** The list or sequence that a reference means; without one: the one in focus, or the only one there is. */
export function find(talk: Talk, kind: NameKind, reference: Reference | undefined): Found {
  const names = namesOf(talk, kind);
  if (reference?.how === 'known') return { name: given(talk, kind, reference.text) };
  if (reference?.how === 'written') {
    const resolved = resolveName(reference.text, kind, names);
    if ('name' in resolved) return { ...resolved, name: given(talk, kind, resolved.name) };
    const other = kind === 'list' ? 'sequence' : 'list';
    const there = resolveName(reference.text, other, namesOf(talk, other));
    return 'name' in there ? { unsure: `“${there.name}” is a ${other}, not a ${kind}.`, near: [] } : resolved;
  }
  if (reference && copy.test(reference.text)) return copied(talk);
  const doubt = doubtOf(talk, kind, reference);
  if (doubt) return { unsure: doubt, near: [] };
  const focused = talk.focus[kind];
  if (focused) return { name: focused };
  if (names.length === 1) return { name: given(talk, kind, names[0]!) };
  if (!names.length) return { unsure: `There is no ${kind} yet: ${makeOne[kind]}`, near: [] };
  return {
    unsure: `Which ${kind}? There ${names.length > 1 ? 'are' : 'is'} ${listed(names.slice(0, 5))}${names.length > 5 ? ' and more' : ''}.`,
    near: [],
  };
}

/** `the copy`: what this prompt, or the last order of the thread, copied. */
function copied({ calls, context }: Talk): Found {
  const at = makersOf(calls).findLastIndex(({ tool }) => tool === 'duplicate_sequence');
  if (at >= 0) return { name: standIn(at + 1) };
  const { last, sequence } = context.focus;
  return last?.tool === 'duplicate_sequence' && sequence
    ? { name: sequence }
    : { unsure: 'Which copy? Name the sequence that you mean.', near: [] };
}

/** A reference that may be either kind. A name that is both is a question; so is "it" in an order, after an order that named both. */
export function findAny(
  talk: Talk,
  reference: Reference,
  { order = false } = {},
): { kind: NameKind; name: string; note?: string } | { unsure: string } {
  if (reference.how === 'pronoun') {
    const kind = copy.test(reference.text) ? 'sequence' : (talk.focus.latest ?? 'list');
    const { list, sequence } = (talk.calls.at(-1) ?? talk.context.focus.last)?.input ?? {};
    if (order && typeof list === 'string' && typeof sequence === 'string' && bare.test(reference.text))
      return {
        unsure: `Which do you mean: ${told(talk, 'list', list)} or ${told(talk, 'sequence', sequence)}?`,
      };
    const found = find(talk, kind, reference);
    return 'name' in found ? { kind, ...found } : found;
  }
  const both = (['list', 'sequence'] as const).map(kind => {
    return { kind, found: resolveName(reference.text, kind, namesOf(talk, kind)) };
  });
  const sure = both.flatMap(({ kind, found }) => ('name' in found ? [{ kind, ...found }] : []));
  const exact = sure.filter(({ note }) => !note);
  const [only, second] = exact.length ? exact : sure;
  if (only && second)
    return {
      unsure: `There is a list and a sequence called “${only.name}”. Say “show list ${typed(only.name)}” or “show sequence ${typed(only.name)}”.`,
    };
  if (only) return { ...only, name: given(talk, only.kind, only.name) };
  const near = both.flatMap(({ found }) => ('near' in found ? found.near : [])).slice(0, 3);
  const known = [...talk.lists, ...talk.sequences];
  const unknown = `I know no list or sequence called “${reference.text.slice(0, 80)}”.`;
  if (near.length) return { unsure: `${unknown} Did you mean ${either([...new Set(near)])}?` };
  return {
    unsure: known.length ? `${unknown} There are ${listed(known.slice(0, 5))}.` : `${unknown} There is none yet: ${makeOne.list}`,
  };
}
