import { describe } from './criteria.ts';
import around from './fillers.json' with { type: 'json' };
import { lexicon } from './lexicon.ts';
import words from './moods.json' with { type: 'json' };
import { insides, type NameSpan } from './names.ts';
import { numeralAt } from './numbers.ts';
import { openers } from './phrases.ts';
import type { Token } from './text.ts';

/** How something is said, and so whether anything may be done because of it. */
export type Mood = 'do' | 'question' | 'wish' | 'condition' | 'report';

const phrasesOf = (phrases: readonly string[]) => lexicon(phrases.map(phrase => [phrase, true] as const));
const before = phrasesOf(around.fillers.before);
const polite = phrasesOf(around.fillers.polite);
const after = around.fillers.after.map(phrase => phrase.split(' ')).sort((a, b) => b.length - a.length);
const tells = phrasesOf(around.tells);
const asks = phrasesOf(words.asks);
const questions = phrasesOf(words.questions);
const wishes = phrasesOf(words.wishes);
const conditions = phrasesOf(words.conditions);
const reports = new Set(words.reports);
const negations = phrasesOf(words.negations);
const contrasts = new Set(words.contrasts);
const relatives = new Set(words.relatives);
/** What people may be told to do, and Drover cannot. */
const orders = new Set(words.orders);

const skipPunct = (tokens: readonly Token[], at: number): number => {
  while (tokens[at]?.kind === 'punct') at++;
  return at;
};

/** Without what stands in front for politeness or as a bridge; `ask` is what would turn it into a question. */
export function lead(tokens: readonly Token[]): { rest: readonly Token[]; politely: boolean; telling: boolean } {
  let at = skipPunct(tokens, 0);
  let politely = false;
  let telling = false;
  for (let more = true; more; ) {
    const told = tells.at(tokens, at);
    const asked = told ? undefined : polite.at(tokens, at);
    const found = told ?? asked ?? before.at(tokens, at);
    more = found !== undefined && found.end < tokens.length;
    if (!found || !more) break;
    politely ||= asked !== undefined;
    telling ||= told !== undefined;
    at = skipPunct(tokens, found.end);
  }
  return { rest: tokens.slice(at), politely, telling };
}

/** Without `please`, `for me`, `as well` and the like at its end. */
export function trail(tokens: readonly Token[]): readonly Token[] {
  let end = tokens.length;
  const endsIn = (phrase: readonly string[]): boolean =>
    phrase.length < end && phrase.every((word, at) => tokens[end - phrase.length + at]!.fold === word);
  for (let more = true; more; ) {
    while (end > 1 && tokens[end - 1]!.kind === 'punct' && tokens[end - 1]!.text !== ')') end--;
    const phrase = after.find(endsIn);
    more = phrase !== undefined;
    end -= phrase?.length ?? 0;
  }
  return tokens.slice(0, end);
}

/** `should I link A to B`: what it would take to do it. */
export function askedFor(tokens: readonly Token[]): readonly Token[] | undefined {
  const asked = asks.at(tokens, skipPunct(tokens, 0));
  return asked && asked.end < tokens.length ? tokens.slice(asked.end) : undefined;
}

/** The tokens with those of names of several words blanked: "Link if ready" may be a list. */
function withoutNames(tokens: readonly Token[], names: Map<number, NameSpan[]>): Token[] {
  const blanked = [...tokens];
  for (const [at, [longest]] of names)
    if (longest && longest.words > 1)
      for (let i = at; i < longest.end; i++) blanked[i] = { ...tokens[i]!, kind: 'quote', fold: '' };
  return blanked;
}

/** How a sentence is said. Whatever is not plainly an order is taken for less than one. */
export function moodOf(sentence: readonly Token[], names: Map<number, NameSpan[]>): Mood {
  const whole = withoutNames(sentence, names);
  const tokens = trail(whole);
  const { rest, politely, telling } = lead(tokens);
  const reason = tokens.findIndex(({ fold }, at) => fold === 'because' || (fold === 'note' && at > 2));
  const asking = questions.at(rest, 0) !== undefined || telling;
  // "How many replied?" asks and reports nothing.
  const isReport = ({ fold }: Token, at: number): boolean =>
    reports.has(fold) && tokens[at - 1]?.fold !== 'i' && !(reason >= 0 && at > reason) && !(asking && fold === 'replied');
  if (tokens.some(isReport)) return 'report';
  if (tokens.some((_, at) => wishes.at(tokens, at))) return 'wish';
  if (asks.at(rest, 0)) return 'question';
  if (tokens.some((_, at) => isCondition(tokens, at, tokens.length - rest.length, asking))) return 'condition';
  if (asking) return 'question';
  return whole.some(({ text, kind }) => kind === 'punct' && text === '?') && !politely ? 'question' : 'do';
}

function isCondition(tokens: readonly Token[], at: number, first: number, asking: boolean): boolean {
  if (!conditions.at(tokens, at)) return false;
  const { fold } = tokens[at]!;
  if (fold === 'if' || fold === 'when') return !(asking && at <= first);
  if (fold !== 'once') return true;
  return /^(it|they|the|that|this|we|i|you|everyone|all|)$/.test(tokens[at + 1]?.fold ?? '-');
}

/** Is this part of a sentence told not to be done? `CTOs who do not use Salesforce` is not. */
export const isNegated = (clause: readonly Token[], names: Map<number, NameSpan[]>): boolean => {
  const tokens = withoutNames(clause, names);
  return tokens.some((_, at) => negations.at(tokens, at) !== undefined && !relatives.has(tokens[at - 1]?.fold ?? ''));
};

export const isContrast = (clause: readonly Token[]): boolean => contrasts.has(clause[skipPunct(clause, 0)]?.fold ?? '');

const separators = new Set([',', ';', 'and', 'then', '&', 'but', '-', '–', '—', '+', 'plus', 'also']);

/** Parts of a sentence: cut at commas, `and` and the like, but only where a new clause really begins. */
export function clausesOf(sentence: readonly Token[], names: Map<number, NameSpan[]>): Token[][] {
  const clauses: Token[][] = [[]];
  const inside = insides(names);
  for (let at = 0; at < sentence.length; at++)
    for (let i = at + 1, end = numeralAt(sentence, at)?.end ?? 0; i < end; i++) inside.add(i);
  for (let at = 0; at < sentence.length; at++) {
    const token = sentence[at]!;
    if (at > 0 && separators.has(token.fold) && !inside.has(at) && begins(sentence, at, names)) clauses.push([]);
    clauses.at(-1)!.push(token);
  }
  return clauses
    .filter(clause => clause.some(isSaid))
    .map((clause, at, all) => (at < all.length - 1 ? clause.slice(0, clause.findLastIndex(isSaid) + 1) : clause));
}

const isSaid = ({ kind, fold }: Token): boolean => kind !== 'punct' && !separators.has(fold);

const quantities = /^(more|new|additional|extra|leads|people|contacts|prospects|a|per|each|every|daily|weekly|on|another)$/;
/** `… and 20 to Berlin Founders`, `… and Berlin Founders to Partner Launch`: what comes before a name that begins anew. */
const aims = /^(to|into|for|in|on|with)$/;
const neverOpens = new Set([
  'who',
  'that',
  'which',
  'the',
  'a',
  'in',
  'on',
  'to',
  'with',
  'at',
  'for',
  'from',
  'and',
  'but',
  'not',
  'no',
  'only',
  'is',
  'any',
  'all',
  'every',
  'each',
  'y',
  'n',
  'of',
  'sales',
  'summary',
  'report',
  'one',
  'people',
  'leads',
  'lead',
  'right',
  'fine',
  'anything',
  'anyone',
  'everything',
  'everyone',
  'everybody',
  'those',
  'unknown',
  'task',
  'contacts',
  'sequence',
  'outreach',
  'another',
  'others',
  'more',
  'campaigns',
  'monitoring',
  'digest',
  'mail',
  'email',
  'emails',
]);

/** `a sequence called Spring`, after `create a list of …`. */
const newThing = ([article, next, after]: readonly Token[]): boolean =>
  /^(a|an|another)$/.test(article?.fold ?? '') &&
  /^(sequence|campaign|digest)$/.test((next?.fold === 'new' ? after : next)?.fold ?? '');

/** `… and flubber it`: what is done to something is a clause, whether or not it is understood. */
const objects = /^(it|them|her|him)$/;
/** `… and Fall Intro should send on weekdays`, after an order. */
const predicates = /^(should|can|may|must|sends|gets|needs|runs)$/;
/** `… and her company to Acme`, `… and should get 20 a week`. */
const owners = /^(her|his|their|its)$/;
const duties = /^(should|must)$/;

/** Does something that can stand alone begin behind this separator? After a number, another one is the rest of a range (`50–500 people`). */
function begins(tokens: readonly Token[], separator: number, names: Map<number, NameSpan[]>): boolean {
  const start = separator + 1;
  const numbered = numeralAt(tokens, separator - 1) !== undefined;
  let at = start;
  for (; at < tokens.length && (separators.has(tokens[at]!.fold) || tokens[at]!.kind === 'punct'); at++);
  if (at > start && separators.has(tokens[start]!.fold) && tokens[start]!.fold !== ',') return false;
  const rest = lead(tokens.slice(at)).rest;
  const first = rest[0];
  if (!first) return false;
  if (tokens[separator]!.fold === 'then' || tokens[separator]!.fold === ';') return true;
  if (negations.at(rest, 0)) return true;
  const n = numeralAt(rest, 0);
  if (newThing(rest)) return true;
  const place = tokens.indexOf(first);
  const named = names.get(place)?.[0];
  if (named && aims.test(tokens[named.end]?.fold ?? '') && named.kind === 'list' && names.has(named.end + 1)) return true;
  if (named && predicates.test(tokens[named.end]?.fold ?? '') && !names.has(tokens.indexOf(lead(tokens).rest[0]!))) return true;
  if (named && named.words > 1) return false;
  if (n)
    return (
      !numbered &&
      (quantities.test(rest[n.end]?.fold ?? '') ||
        (aims.test(rest[n.end]?.fold ?? '') && names.has(place + n.end + 1)) ||
        isRole(rest.slice(n.end)))
    );
  if (owners.test(first.fold) && rest.slice(2, 5).some(({ fold }) => fold === 'to' || fold === 'is')) return true;
  if (duties.test(first.fold)) return true;
  if (first.kind === 'word' && objects.test(rest[1]?.fold ?? '') && !neverOpens.has(first.fold)) return true;
  return (openers.has(first.fold) || orders.has(first.fold)) && !neverOpens.has(first.fold);
}

/** `… and 20 CFOs in Spain`. */
const isRole = (tokens: readonly Token[]): boolean =>
  [1, 2, 3].some(length => {
    const described = describe(tokens.slice(0, length));
    const { titles, seniorities, functions } = described?.criteria ?? {};
    return Boolean(described?.known && !described.unknown && (titles ?? seniorities ?? functions));
  });
