import { foldName } from '../../nearest.ts';
import { either, listed, makeOne, type NameKind, type Reference, resolveName, typed } from './names.ts';
import { createdList, type PhraseCall, type PhraseContext } from './types.ts';

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
  /** Names that this prompt gives to what it creates, folded, and what stands for them until it is created. */
  created: Map<string, string>;
}

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
  };
}

/** Remembers what a call is about, so that the next clause may say "it". */
export function follow(talk: Talk, call: PhraseCall): void {
  const { list, sequence, name } = call.input as { list?: string; sequence?: string; name?: string };
  talk.calls.push(call);
  const leads = leadsOf(call);
  if (leads) talk.focus = { ...talk.focus, leads };
  if (call.tool === 'create_list') {
    talk.focus = { ...talk.focus, list: createdList, latest: 'list' };
    if (name) nameCreated(talk, name);
  } else if (call.tool === 'create_sequence' && name) {
    talk.focus = { ...talk.focus, sequence: name, latest: 'sequence' };
    talk.sequences = [...talk.sequences, name];
  } else {
    if (list) talk.focus = { ...talk.focus, list, latest: 'list' };
    if (sequence) talk.focus = { ...talk.focus, sequence, ...(list ? {} : { latest: 'sequence' as const }) };
  }
}

/** Whom a call is about: what "her" and "them" mean afterwards. */
function leadsOf({ input: { lead, leads } }: PhraseCall): string[] | undefined {
  if (typeof lead === 'string') return [lead];
  return Array.isArray(leads) && leads.length ? leads.map(String) : undefined;
}

export function nameCreated(talk: Talk, name: string): void {
  talk.lists = [...talk.lists, name];
  talk.created.set(foldName(name), createdList);
}

export type Found = { name: string; note?: string } | { unsure: string; near: string[] };

/** The list or sequence that a reference means; without one: the one in focus, or the only one there is. */
export function find(talk: Talk, kind: NameKind, reference: Reference | undefined): Found {
  const names = kind === 'list' ? talk.lists : talk.sequences;
  const given = (name: string): string => (kind === 'list' ? talk.created.get(foldName(name)) : undefined) ?? name;
  if (reference?.how === 'known') return { name: given(reference.text) };
  if (reference?.how === 'written') {
    const resolved = resolveName(reference.text, kind, names);
    if ('name' in resolved) return { ...resolved, name: given(resolved.name) };
    const other = kind === 'list' ? 'sequence' : 'list';
    const there = resolveName(reference.text, other, other === 'list' ? talk.lists : talk.sequences);
    return 'name' in there ? { unsure: `“${there.name}” is a ${other}, not a ${kind}.`, near: [] } : resolved;
  }
  const focused = talk.focus[kind];
  if (focused) return { name: focused };
  if (names.length === 1) return { name: given(names[0]!) };
  if (!names.length) return { unsure: `There is no ${kind} yet: ${makeOne[kind]}`, near: [] };
  return {
    unsure: `Which ${kind}? There ${names.length > 1 ? 'are' : 'is'} ${listed(names.slice(0, 5))}${names.length > 5 ? ' and more' : ''}.`,
    near: [],
  };
}

/** A reference that may be either kind. A name that is both is a question. */
export function findAny(talk: Talk, reference: Reference): { kind: NameKind; name: string; note?: string } | { unsure: string } {
  if (reference.how === 'pronoun') {
    const kind = talk.focus.latest ?? 'list';
    const found = find(talk, kind, reference);
    return 'name' in found ? { kind, ...found } : found;
  }
  const both = (['list', 'sequence'] as const).map(kind => {
    const names = kind === 'list' ? talk.lists : talk.sequences;
    return { kind, found: resolveName(reference.text, kind, names) };
  });
  const sure = both.flatMap(({ kind, found }) => ('name' in found ? [{ kind, ...found }] : []));
  const exact = sure.filter(({ note }) => !note);
  const [only, second] = exact.length ? exact : sure;
  if (only && second)
    return {
      unsure: `There is a list and a sequence called “${only.name}”. Say “show list ${typed(only.name)}” or “show sequence ${typed(only.name)}”.`,
    };
  if (only) return { ...only, name: (only.kind === 'list' ? talk.created.get(foldName(only.name)) : undefined) ?? only.name };
  const near = both.flatMap(({ found }) => ('near' in found ? found.near : [])).slice(0, 3);
  const known = [...talk.lists, ...talk.sequences];
  const unknown = `I know no list or sequence called “${reference.text.slice(0, 80)}”.`;
  if (near.length) return { unsure: `${unknown} Did you mean ${either([...new Set(near)])}?` };
  return {
    unsure: known.length ? `${unknown} There are ${listed(known.slice(0, 5))}.` : `${unknown} There is none yet: ${makeOne.list}`,
  };
}
