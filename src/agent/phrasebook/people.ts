import { foldName } from '../../nearest.ts';
import { lexicon } from './lexicon.ts';
import words from './macros.json' with { type: 'json' };
import { resolveName } from './names.ts';
import { numeralAt } from './numbers.ts';
import type { Taken } from './pattern.ts';
import type { Token } from './text.ts';

/** A person as a prompt gives one: words to look up, or `her` and the like, which the thread knows. */
export type Person = string | { pronoun: 'person' | 'thing'; several?: true };

/** What a slot for people is filled against. */
interface Among {
  tokens: readonly Token[];
  lists: readonly string[];
  sequences: readonly string[];
  slice(from: number, to: number): string;
}

const people = lexicon(words.people.pronouns.map(word => [word, true] as const));
const things = lexicon([...words.pronouns.list, ...words.pronouns.sequence].map(word => [word, true] as const));
const nobody = new Set(words.people.nobody);
const attributes = lexicon(
  Object.entries(words.people.attributes).flatMap(([field, names]) => names.map(name => [name, field] as const)),
);
const isAddress = (text: string): boolean => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text);
const mostWords = 4;
const leadWords = lexicon(words.macros.leads.map(word => [word, true] as const));
const lists = lexicon(words.pronouns.list.map(word => [word, true] as const));
/** `the held leads`, `everyone at Acme`: people of a kind, and nobody's name. */
const kindBefore =
  /^(the|an?|all|any|some|every|each|both|most|no|more|other|others|my|our|your|his|their|these|those|this|that|who|whoever|everyone|everybody|anyone|anybody|nobody|held|leads|people|contacts|prospects|members)$/;
const kindAfter = /^(leads?|people|persons?|contacts?|prospects?|members?|folks|ones?|rest|others)$/;

/** `Jane Doe`, `jane@acme.example`, `her`: one person. What is a list or a sequence, or nearly, is none. */
export function personAt(among: Among, at: number): Taken[] {
  const { tokens } = among;
  const pronoun = people.at(tokens, at);
  if (pronoun) {
    const several = /^(them|they)$/.test(tokens[at]!.fold) ? { several: true } : {};
    return [{ value: { pronoun: 'person', ...several }, end: pronoun.end, weight: 0.5 }];
  }
  const start = /^(lead|person|contact|prospect)$/.test(tokens[at]!.fold) ? at + 1 : at;
  const first = tokens[start];
  if (!first) return [];
  if (first.kind === 'quote') return [{ value: first.text, end: start + 1, weight: 1 }];
  if (isAddress(first.text)) return [{ value: first.text, end: start + 1, weight: 2 + (start - at) }];
  if (/linkedin\.com\//i.test(first.text)) return [{ value: first.text, end: start + 1, weight: 2 }];
  return namesAt(among, start).map(each => ({ ...each, weight: each.weight + (start - at) }));
}

/** Two people or more, each by name or address: `Jane Doe and bob@acme.example`. */
export function personsAt(among: Among, at: number): Taken[] {
  const chains = (start: number, before: string[], weight: number): Taken[] =>
    personAt(among, start).flatMap(one => {
      if (typeof one.value !== 'string') return [];
      const value = [...before, one.value];
      let next = one.end;
      while (/^(,|and|&)$/.test(among.tokens[next]?.fold ?? '')) next++;
      const more =
        next > one.end && next < among.tokens.length && value.length < 10 ? chains(next, value, weight + one.weight) : [];
      return value.length > 1 ? [...more, { value, end: one.end, weight: weight + one.weight }] : more;
    });
  return chains(at, [], 1);
}

/** `ann@acme.example`, `Ann Sales`, `"Ann Sales"`: a mailbox, which is said beside it. */
export function senderAt(among: Among, at: number): Taken[] {
  const first = among.tokens[at]!;
  if (first.kind === 'quote') return [{ value: first.text, end: at + 1, weight: 1 }];
  return [...addressAt(among.tokens, at), ...namesAt(among, at)];
}

/** `ann@acme.example, "Bob Sales" and cid@acme.example`: mailboxes, by their addresses or in quotation marks. */
export function sendersAt(tokens: readonly Token[], at: number): Taken[] {
  const value: string[] = [];
  let end = at;
  for (let next = at; next < tokens.length; next++) {
    const { kind, text, fold } = tokens[next]!;
    if (kind === 'quote' || /^[^\s@]+@[^\s@]+$/.test(text)) {
      value.push(text);
      end = next + 1;
    } else if (!/^(,|and|&)$/.test(fold)) break;
  }
  return value.length ? [{ value, end, weight: value.length }] : [];
}

/** `ann@acme.example`, also as `ann@acme.example's`. */
export function addressAt(tokens: readonly Token[], at: number): Taken[] {
  const { text } = tokens[at]!;
  if (!isAddress(text)) return [];
  const isOwner = /^['’]$/.test(tokens[at + 1]?.text ?? '') && tokens[at + 2]?.fold === 's';
  return [{ value: text, end: isOwner ? at + 3 : at + 1, weight: 3 }];
}

/** One to four words that may be a person's name, shortest first. */
export function namesAt(among: Among, at: number): Taken[] {
  const { tokens } = among;
  const taken: Taken[] = [];
  for (let end = at + 1; end <= Math.min(tokens.length, at + mostWords); end++) {
    if (!isNamePart(tokens, end - 1)) break;
    const value = among.slice(at, end);
    if (!isKnown(value, among)) taken.push({ value, end, weight: /^\p{Lu}/u.test(value) ? 0 : -2 });
  }
  return taken;
}

const isNamePart = (tokens: readonly Token[], at: number): boolean => {
  const token = tokens[at]!;
  return token.kind === 'word' && !nobody.has(token.fold) && !numeralAt(tokens, at) && !/[@#/]/.test(token.text);
};

/** A list or sequence, a slip of one, or words out of the name of one. */
const isKnown = (text: string, { lists, sequences }: Among): boolean =>
  'name' in resolveName(text, 'list', lists) ||
  'name' in resolveName(text, 'sequence', sequences) ||
  [...lists, ...sequences].some(name => ` ${foldName(name)} `.includes(` ${foldName(text)} `));

/** `Jane's`, `Jane Doe's`, `her`: whose something is. */
export function ownerAt(among: Among, at: number): Taken[] {
  const { tokens } = among;
  const first = tokens[at]!;
  if (/^(her|his|their)$/.test(first.fold)) return [{ value: { pronoun: 'person' }, end: at + 1, weight: 0.5 }];
  if (isAddress(first.text) && /^['’]$/.test(tokens[at + 1]?.text ?? '') && tokens[at + 2]?.fold === 's')
    return [{ value: first.text, end: at + 3, weight: 2 }];
  for (let end = at + 1; end <= Math.min(tokens.length, at + mostWords); end++) {
    const { kind, text } = tokens[end - 1]!;
    const isOwner = kind === 'word' && /.['’]s?$/i.test(text);
    if (!isOwner && !isNamePart(tokens, end - 1)) return [];
    if (isOwner) return [{ value: among.slice(at, end).replace(/['’]s?$/i, ''), end, weight: 1 }];
  }
  return [];
}

/** One person who is named in full: `Jane Doe`, `jane@acme.example`. */
export const isNamedInFull = ({ value }: Taken): boolean =>
  typeof value === 'string' && (/@/.test(value) || /^\p{Lu}\S* \p{Lu}/u.test(value));

/** `Jane Doe's`: what is a list or a sequence is nobody. */
export const wholeOwnerAt = (among: Among, at: number): Taken[] =>
  ownerAt(among, at).filter(each => isNamedInFull(each) && !isKnown(String(each.value), among));

/** Words that no name has and a column may have, beside another: `lead status`, `last call`. */
const inColumns = /^(lead|last|next|first|sales|email|mail|task|step|status|owner|message|day|week|month|year|contact|who|one)$/;

/** `plan`, `lead status`: up to three words that may be a further column of a file. Whatever else fits, fits better. */
export function fieldAt({ tokens, slice }: Among, at: number): Taken[] {
  if (tokens[at]!.kind === 'quote') return [{ value: tokens[at]!.text, end: at + 1, weight: -1 }];
  const taken: Taken[] = [];
  for (let end = at + 1; end <= Math.min(tokens.length, at + 3); end++) {
    if (!isNamePart(tokens, end - 1) && !inColumns.test(tokens[end - 1]!.fold)) break;
    if (end - at > 1 || isNamePart(tokens, at)) taken.push({ value: slice(at, end), end, weight: -1.2 });
  }
  return taken;
}

/** `e-mail address`, `job title`: which of a person's fields. */
export function attributeAt(tokens: readonly Token[], at: number): Taken[] {
  const found = attributes.at(tokens, at);
  return found ? [{ value: found.value, end: found.end, weight: found.end - at }] : [];
}

/** A colleague: `Sam`, `Sam Roe`, `<@U02ABC>`. */
export function memberAt(among: Among, at: number): Taken[] {
  const first = among.tokens[at]!;
  if (first.kind === 'member') return [{ value: first.text, end: at + 1, weight: 2 }];
  if (first.kind === 'quote') return [{ value: first.text, end: at + 1, weight: 1 }];
  if (first.text.startsWith('@') && first.text.length > 1) return mentioned(among, at);
  return people.at(among.tokens, at) ? [] : namesAt(among, at);
}

/** `@Sam Roe`: a name of several words is written out behind its mark. */
function mentioned({ tokens, slice }: Among, at: number): Taken[] {
  const taken: Taken[] = [];
  for (let end = at + 1; end <= Math.min(tokens.length, at + mostWords); end++) {
    if (end > at + 1 && !isNamePart(tokens, end - 1)) break;
    taken.push({ value: slice(at, end).slice(1), end, weight: 2 });
  }
  return taken;
}

/** What "why" and "who changed" are asked about: a list, a sequence, a person, a sender; longest first, since words follow it. */
export function subjectAt(among: Among, at: number, known: readonly Taken[]): Taken[] {
  const person = personAt(among, at).sort((a, b) => b.end - a.end);
  const pronoun = things.at(among.tokens, at);
  return [...known, ...(pronoun ? [{ value: { pronoun: 'thing' as const }, end: pronoun.end, weight: 0.9 }] : []), ...person];
}

/** `Jane Doe, bob@acme.example and Mia Roe`; not `it`, `them`, a number or `the held leads`, which mean something else. */
export function leadsAt({ tokens, slice }: Among, at: number): Taken[] {
  const isElse = tokens[at]!.kind === 'punct' || numeralAt(tokens, at) || leadWords.at(tokens, at) || lists.at(tokens, at);
  if (isElse) return [];
  const taken: Taken[] = [];
  for (let end = at + 1; end <= Math.min(tokens.length, at + 40); end++) {
    if (tokens[end - 1]!.kind === 'punct') continue;
    const value: string[] = [];
    let isKind = false;
    for (let from = at, to = at; to <= end; to++) {
      const separates = to === end || /^(,|and|&)$/.test(tokens[to]!.fold);
      if (separates && to > from) {
        value.push(slice(from, to));
        isKind ||= kindBefore.test(tokens[from]!.fold) || kindAfter.test(tokens[to - 1]!.fold);
      }
      if (separates) from = to + 1;
    }
    if (!isKind) taken.push({ value, end, weight: -1 });
  }
  return taken;
}

/** An address, a domain or a profile, and what may stand around it. */
export function targetAt(tokens: readonly Token[], start: number): Taken[] {
  let at = start;
  while (
    /^(the|domain|address|email|e-mail|company|everyone|anyone|everybody|anybody|people|at|from|all|of|person|profile)$/.test(
      tokens[at]?.fold ?? '',
    )
  )
    at++;
  const token = tokens[at];
  if (!token) return [];
  const told = (value: object): Taken[] => [{ value, end: at + 1, weight: 2 + at - start }];
  const text = token.text.replace(/[.,]$/, '');
  if (/linkedin\.com\//i.test(text)) return told({ linkedin: text });
  if (isAddress(text)) return told({ address: text });
  const domain = /^(?:https?:\/\/|@)?(?:www\.)?((?:[\p{L}\p{N}-]+\.)+\p{L}{2,})\/?$/iu.exec(text)?.[1];
  if (domain) return told({ domain: domain.toLowerCase() });
  return token.kind === 'quote' ? told({ lead: token.text }) : [];
}

/** A person by name, or `her`: nothing that is a number or a thing. */
export function personTargetAt(among: Among, at: number): Taken[] {
  if (among.tokens[at]!.kind !== 'word') return [];
  const pronoun = personAt(among, at).filter(({ value }) => typeof value !== 'string');
  if (pronoun.length) return pronoun.map(each => ({ ...each, value: { lead: each.value } }));
  return namesAt(among, at).map(({ value, end }) => ({ value: { lead: value }, end, weight: 0 }));
}
