import { foldName } from '../../nearest.ts';
import { lexicon } from './lexicon.ts';
import words from './macros.json' with { type: 'json' };
import { resolveName } from './names.ts';
import { numeralAt } from './numbers.ts';
import type { Taken } from './pattern.ts';
import type { Token } from './text.ts';

/** A person as a prompt gives one: words to look up, or `her` and the like, which the thread knows. */
export type Person = string | { pronoun: 'person' | 'thing' };

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

/** `Jane Doe`, `jane@acme.example`, `her`: one person. What is a list or a sequence, or nearly, is none. */
export function personAt(among: Among, at: number): Taken[] {
  const { tokens } = among;
  const pronoun = people.at(tokens, at);
  if (pronoun) return [{ value: { pronoun: 'person' }, end: pronoun.end, weight: 0.5 }];
  const start = /^(lead|person|contact|prospect)$/.test(tokens[at]!.fold) ? at + 1 : at;
  const first = tokens[start];
  if (!first) return [];
  if (first.kind === 'quote') return [{ value: first.text, end: start + 1, weight: 1 }];
  if (isAddress(first.text)) return [{ value: first.text, end: start + 1, weight: 2 + (start - at) }];
  if (/linkedin\.com\//i.test(first.text)) return [{ value: first.text, end: start + 1, weight: 2 }];
  return namesAt(among, start).map(each => ({ ...each, weight: each.weight + (start - at) }));
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
