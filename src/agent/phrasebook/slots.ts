import { findPlace } from '../../domain/lists/vocabulary.ts';
import { describe } from './criteria.ts';
import { lexicon } from './lexicon.ts';
import words from './macros.json' with { type: 'json' };
import { type NameKind, type NameSpan, namesIn, type Reference } from './names.ts';
import { numeralAt } from './numbers.ts';
import { optionsAt } from './options.ts';
import type { Readable, Taken } from './pattern.ts';
import {
  addressAt,
  attributeAt,
  fieldAt,
  isNamedInFull,
  leadsAt,
  memberAt,
  ownerAt,
  personAt,
  personsAt,
  personTargetAt,
  senderAt,
  sendersAt,
  subjectAt,
  targetAt,
  wholeOwnerAt,
} from './people.ts';
import { type Period, periodAt } from './periods.ts';
import { datesAt, daysBackAt, lengthAt } from './spans.ts';
import type { Token } from './text.ts';
import { cadenceAt, dateAt, scheduleAt, timeAt, weekdayOf, zoneAt } from './times.ts';

/** What slots are filled against. */
export interface Scope {
  lists: readonly string[];
  sequences: readonly string[];
  today: string;
}

/** Longest free name, text and description, in tokens: what keeps reading linear. */
const longest = { name: 12, text: 80, criteria: 120 };
const pronouns: Record<NameKind, ReturnType<typeof lexicon<true>>> = {
  list: lexicon(words.pronouns.list.map(word => [word, true] as const)),
  sequence: lexicon(words.pronouns.sequence.map(word => [word, true] as const)),
};
const determiners = new Set(words.determiners);
const nouns: Record<NameKind, ReadonlySet<string>> = { list: new Set(words.nouns.list), sequence: new Set(words.nouns.sequence) };
const about = lexicon(
  ['about', 'around', 'roughly', 'approximately', 'some', 'up to', 'at least', 'at most', 'circa', 'exactly', 'max'].map(
    word => [word, true] as const,
  ),
);
/** What may stand before a name that is not known: `the list called …`, `everyone on …`; "Prospects" may be a part of it. */
const aroundNames =
  /^(?:(?:(?:all|the) )?(?:leads|people|members|contacts|prospects|everyone|everybody) (?:on|of|from|in) )?(?:(?:the|my|our|this|that|a|your) )?(?:(?:list|sequence|campaign|cadence) )?(?:(?:called|named) )?$/;
const kindWords = /^(lists?|sequences?|campaigns?|cadence|outreach)$/;
const unseen = /^[,:;()*_~"“”„«»`'‘’[\]{}!?.…]$/;

/** A clause that patterns can be tried on. What a slot takes at a place is worked out once, for all patterns. */
export class Clause implements Readable {
  readonly length: number;
  readonly tokens: readonly Token[];
  private readonly text: string;
  private readonly scope: Scope;
  private readonly names: Map<number, NameSpan[]>;
  private readonly taken = new Map<string, readonly Taken[]>();

  constructor(tokens: readonly Token[], text: string, scope: Scope) {
    this.tokens = tokens;
    this.length = tokens.length;
    this.text = text;
    this.scope = scope;
    this.names = namesIn(tokens, scope.lists, scope.sequences);
  }

  wordAt(at: number): string {
    return this.tokens[at]!.fold;
  }

  skip(at: number): number {
    while (at < this.length && this.tokens[at]!.kind === 'punct' && unseen.test(this.tokens[at]!.text)) at++;
    return at;
  }

  take(slot: string, at: number): readonly Taken[] {
    const key = `${slot} ${at}`;
    const known = this.taken.get(key);
    if (known) return known;
    const fresh = this.fill(slot, at);
    this.taken.set(key, fresh);
    return fresh;
  }

  /** As written, from one token to before another; a lone quotation without its marks. */
  slice(from: number, to: number): string {
    const first = this.tokens[from]!;
    return to - from === 1 && first.kind === 'quote' ? first.text : this.text.slice(first.start, this.tokens[to - 1]!.end).trim();
  }

  private fill(slot: string, at: number): readonly Taken[] {
    const { tokens } = this;
    const one = (found: { value: unknown; end: number } | undefined): Taken[] =>
      found ? [{ value: found.value, end: found.end, weight: found.end - at }] : [];
    switch (slot) {
      case 'list':
      case 'sequence':
        return this.reference(at, [slot]);
      case 'any':
        return this.reference(at, ['list', 'sequence']);
      case 'known':
        return this.known(at, ['sequence']);
      case 'n':
        return one(numeralAt(tokens, about.at(tokens, at)?.end ?? at)).map(each => ({ ...each, weight: 1 }));
      case 'order':
        return one(cadenceAt(tokens, at));
      case 'time':
        return one(timeAt(tokens, at));
      case 'schedule':
        return one(scheduleAt(tokens, at));
      case 'date':
        return one(dateAt(tokens, at, this.scope.today));
      case 'zoned':
        return one(zoneAt(tokens, at));
      case 'options':
        return one(optionsAt(tokens, at));
      case 'zoneish':
        return this.free(at, 5, 0).map(each => ({
          ...each,
          value: String(each.value)
            .replace(/\s*\/\s*/g, '/')
            .replace(/ time$/i, ''),
        }));
      case 'channel':
        return tokens[at]!.kind === 'channel' || /^#\S/.test(tokens[at]!.text)
          ? [{ value: tokens[at]!.text, end: at + 1, weight: 1 }]
          : [];
      case 'name':
        return tokens[at]!.kind === 'quote' ? this.quoted(at) : this.free(at, longest.name, 0);
      case 'quoted':
        return this.quoted(at);
      case 'text':
        return this.free(at, longest.text, 0);
      case 'target':
        return [...targetAt(tokens, at), ...(this.names.has(at) ? [] : personTargetAt(this.among, at))];
      case 'surely':
        return targetAt(tokens, at).map(each => ({ ...each, weight: each.weight + 0.5 }));
      case 'leads':
        return leadsAt(this.among, at);
      case 'lead':
        return personAt(this.among, at);
      case 'persons':
        return personsAt(this.among, at);
      case 'fullname':
        return personAt(this.among, at).filter(isNamedInFull);
      case 'whose':
        return wholeOwnerAt(this.among, at);
      case 'field':
        return fieldAt(this.among, at);
      case 'named':
        return this.known(at, ['list', 'sequence']);
      case 'owner':
        return ownerAt(this.among, at);
      case 'member':
        return memberAt(this.among, at);
      case 'attribute':
        return attributeAt(tokens, at);
      case 'subject':
        return subjectAt(this.among, at, [...this.known(at, ['list', 'sequence']), ...sendersAt(tokens, at)]);
      case 'lists':
        return this.several(at);
      case 'length':
        return one(lengthAt(tokens, at, this.scope.today));
      case 'past':
        return one(daysBackAt(tokens, at, this.scope.today));
      case 'dates':
        return one(datesAt(tokens, at, this.scope.today));
      case 'country':
        return this.country(at);
      case 'senders':
        return sendersAt(tokens, at);
      case 'sender':
        return senderAt(this.among, at);
      case 'address':
        return addressAt(tokens, at);
      case 'period':
        return one(periodAt(tokens, at, this.scope.today));
      case 'since':
        return one(periodAt(tokens, at, this.scope.today)).map(each => ({ ...each, value: (each.value as Period).since }));
      case 'criteria':
        return this.spans(at);
      case 'people':
        return this.spans(at).filter(({ value }) => isPeople(value as Token[]));
      case 'change':
        return this.change(at, false);
      case 'sure':
        return this.change(at, true);
      default:
        throw new Error(`no slot called ${slot}`);
    }
  }

  private get among() {
    return { ...this.scope, tokens: this.tokens, slice: (from: number, to: number) => this.slice(from, to) };
  }

  private known(at: number, kinds: NameKind[]): Taken[] {
    return this.reference(at, kinds).filter(({ value }) => (value as Reference).how === 'known');
  }

  /** Two lists or more: `A, B and C`. */
  private several(at: number): Taken[] {
    return this.known(at, ['list']).filter(({ value }) => (value as Reference).also);
  }

  /** `German`, `the UK`, `New York`: a place as it was written; the tool knows which countries have holidays. */
  private country(at: number): Taken[] {
    return this.free(at, 4, 0).flatMap(({ value, end }) => {
      const place = findPlace(String(value).replace(/^the /i, ''));
      if (place) return [{ value: place.kind === 'country' ? place.name : value, end, weight: end - at }];
      // Written as a name and known to nobody: the tool answers with the nearest that it knows.
      const isName = /^\p{Lu}/u.test(this.tokens[end - 1]!.text) && /^(the )?\p{Lu}/u.test(String(value));
      return isName && !this.names.has(at) ? [{ value, end, weight: -1 }] : [];
    });
  }

  private quoted(at: number): Taken[] {
    return this.tokens[at]!.kind === 'quote' ? [{ value: this.tokens[at]!.text, end: at + 1, weight: 1 }] : [];
  }

  /** From `at` up to each of the next tokens, shortest first, never beginning or ending in punctuation. */
  private free(at: number, most: number, weight: number): Taken[] {
    if (this.tokens[at]!.kind === 'punct') return [];
    const taken: Taken[] = [];
    for (let end = at + 1; end <= Math.min(this.length, at + most); end++)
      if (this.tokens[end - 1]!.kind !== 'punct') taken.push({ value: this.slice(at, end), end, weight });
    return taken;
  }

  private spans(at: number): Taken[] {
    const taken: Taken[] = [];
    for (let end = at + 1; end <= Math.min(this.length, at + longest.criteria); end++)
      taken.push({ value: this.tokens.slice(at, end), end, weight: 0.5 });
    return taken;
  }

  /** Existing names first, longest first; then a pronoun, a quotation, and any other words. `the`, `list` and the like may stand around. */
  private reference(at: number, kinds: NameKind[]): Taken[] {
    const taken: Taken[] = [];
    const put = (how: Reference['how'], text: string, of: NameKind[], end: number, weight: number, from = at): void => {
      const before = from > at && this.tokens.slice(at, from).some(({ fold }) => kindWords.test(fold));
      const value: Reference = { how, text, kinds: of, ...(before ? { kindSaid: true } : {}) };
      const after = kinds.some(kind => nouns[kind].has(this.tokens[end]?.fold ?? ''));
      if (after && how !== 'written') {
        const kindSaid = kindWords.test(this.tokens[end]!.fold);
        taken.push({ value: { ...value, ...(kindSaid ? { kindSaid } : {}) }, end: end + 1, weight: weight + 1 });
      }
      taken.push({ value, end, weight });
    };
    for (const from of this.starts(at, kinds)) {
      const spans = (this.names.get(from) ?? []).filter(({ kind }) => kinds.includes(kind));
      for (const { name, end, words: length } of spans) {
        const of = spans.filter(other => other.name === name && other.end === end).map(({ kind }) => kind);
        put('known', name, of, end, 2 + length + (from - at), from);
        const chain = this.chain(end, of[0]!);
        if (chain)
          taken.unshift({ value: { how: 'known', text: name, kinds: of, also: chain.also }, end: chain.end, weight: 3 + length });
      }
    }
    for (const kind of kinds) {
      const pronoun = pronouns[kind].at(this.tokens, at);
      if (pronoun) put('pronoun', this.slice(at, pronoun.end), kinds, pronoun.end, 0.9);
    }
    for (const from of this.starts(at, kinds))
      if (this.tokens[from]?.kind === 'quote') put('written', this.tokens[from]!.text, kinds, from + 1, 1 + (from - at));
    const from = this.starts(at, kinds).findLast(start => aroundNames.test(this.foldsOf(at, start)))!;
    if (from < this.length && !/^(and|but|then|also)$/.test(this.tokens[from]!.fold))
      for (const { value, end } of this.free(from, longest.name, 0)) {
        const bare =
          nouns[kinds[0]!].has(this.tokens[end - 1]!.fold) && end - from > 1 ? this.slice(from, end - 1) : String(value);
        taken.push({ value: { how: 'written', text: bare, kinds }, end, weight: -3 });
      }
    return taken;
  }

  /** More names of the same kind, joined by commas and `and`: `pause Fall Intro and Partner Launch`. */
  private chain(start: number, kind: NameKind): { also: string[]; end: number } | undefined {
    const also: string[] = [];
    let end = start;
    for (let at = start; /^(,|and|&|or|with|plus)$/.test(this.tokens[at]?.fold ?? ''); ) {
      while (/^(,|and|&|or|with|plus|also|the|list)$/.test(this.tokens[at]?.fold ?? '')) at++;
      const next = this.names.get(at)?.find(span => span.kind === kind);
      if (!next) break;
      also.push(next.name);
      at = end = next.end;
    }
    return also.length ? { also, end } : undefined;
  }

  private foldsOf(from: number, to: number): string {
    return this.tokens
      .slice(from, to)
      .map(({ fold }) => `${fold} `)
      .join('');
  }

  private starts(at: number, kinds: NameKind[]): number[] {
    const starts = [at];
    for (let from = at; from < this.length - 1 && starts.length < 5; from++) {
      const { fold } = this.tokens[from]!;
      if (!determiners.has(fold) && !kinds.some(kind => nouns[kind].has(fold))) break;
      starts.push(from + 1);
    }
    return starts;
  }

  /** What a correction may bring: a number and how often, a weekday, a time, hours, a name, or other people. */
  private change(at: number, sure: boolean): Taken[] {
    const { tokens } = this;
    const taken: Taken[] = [];
    const put = (end: number, value: object, weight = end - at): void => void taken.push({ end, value, weight });
    const n = numeralAt(tokens, at);
    if (n) {
      let end = n.end;
      while (/^(more|new|leads|people|contacts|prospects|of|them)$/.test(tokens[end]?.fold ?? '')) end++;
      const order = cadenceAt(tokens, end);
      if (order) put(order.end, { n: n.value, order: order.value });
      put(end, { n: n.value });
    }
    const order = cadenceAt(tokens, at);
    if (order) {
      const time = timeAt(tokens, order.end);
      if (time) put(time.end, { order: order.value, time: time.value });
      put(order.end, { order: order.value });
    }
    const day = /^(on|every)$/.test(tokens[at]!.fold) ? at + 1 : at;
    const weekday = weekdayOf(tokens[day]);
    if (weekday !== undefined) put(day + 1, { order: { cadence: 'weekly', weekday } });
    if (sure) return taken;
    const schedule = scheduleAt(tokens, at);
    if (schedule) put(schedule.end, { schedule: schedule.value });
    const time = timeAt(tokens, at);
    if (time) put(time.end, { time: time.value });
    for (const kind of ['list', 'sequence'] as const)
      for (const { value, end, weight } of this.reference(at, [kind]))
        if ((value as Reference).how === 'known') put(end, { reference: { ...(value as Reference), kinds: [kind] } }, weight);
    for (const { value, end } of this.spans(at)) put(end, { people: value }, 0.5);
    return taken;
  }
}

/** `me it` is neither the people of IT nor those of Maine, which are written large. */
const isPronoun = (tokens: readonly Token[]): boolean => tokens.every(({ text }) => /^([Mm]e|[Uu]s|[Ii]t)$/.test(text));

/** Words that surely describe people: a known role, or anything else the vocabulary knows together with a word for people. */
const isPeople = (tokens: readonly Token[]): boolean => {
  const described = isPronoun(tokens) ? undefined : describe(tokens);
  if (!described?.known) return false;
  const { titles, seniorities, functions } = described.criteria;
  return (
    Boolean(seniorities ?? functions ?? (titles && described.known > 0)) ||
    tokens.some(({ fold }) => /^(people|leads|contacts|companies)$/.test(fold))
  );
};
