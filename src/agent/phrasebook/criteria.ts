import { type Criteria, type Filters, isEmpty } from '../../domain/lists/criteria.ts';
import { phraseKey } from '../../domain/lists/vocabulary.ts';
import words from './criteria.json' with { type: 'json' };
import { company, companyItem, type Found, isCode, person, place, technology } from './criteria-items.ts';
import { headcountAt } from './headcount.ts';
import { lexicon } from './lexicon.ts';
import type { Token } from './text.ts';

/** Who a phrase describes, and how many of its parts the vocabulary knows: what it does not know is passed on as it was written. */
export interface Description {
  criteria: Criteria;
  known: number;
  unknown: number;
}

type Kind = keyof typeof words.markers;
interface Segment {
  kind: Exclude<Kind, 'not'> | 'who';
  not: boolean;
  items: Token[][];
  /** 'living in' and the like were written before it. */
  marked: boolean;
}

const markers = lexicon(
  Object.entries(words.markers).flatMap(([kind, phrases]) => phrases.map(phrase => [phrase, kind as Kind] as const)),
);
const joiners = lexicon(words.joiners.map(joiner => [joiner, true] as const));

/** Reads `VPs of Sales at German fintechs with 50–500 people, not in Berlin`. Undefined where it describes nobody in particular. */
export function describe(tokens: readonly Token[]): Description | undefined {
  const { rest, headcount, notHeadcount } = pullHeadcounts(withoutThere(tokens));
  const wanted: Found[] = [];
  const unwanted: Found[] = [];
  const segments = segmentsOf(rest);
  for (const [index, segment] of segments.entries()) {
    const before = segments.slice(0, index).filter(({ not }) => !not);
    const found = read(segment, {
      ofCompany: before.some(({ kind }) => kind === 'company' || kind === 'companyPlace') || wanted.some(isCompany),
      someone: wanted.some(({ filter }) => filter === 'titles' || filter === 'seniorities'),
    });
    if (segment.not) unwanted.push(...found.map(each => alike(each, segment, wanted)));
    else wanted.push(...found);
  }
  const size = headcount ?? wanted.find(({ headcount }) => headcount)?.headcount;
  const left = { ...gathered(unwanted), ...(notHeadcount ? { headcount: notHeadcount } : {}) };
  const criteria: Criteria = {
    ...gathered(wanted),
    ...(size ? { headcount: size } : {}),
    ...(Object.keys(left).length ? { exclude: left } : {}),
  };
  if (isEmpty(criteria) && !criteria.exclude) return undefined;
  const known = [...wanted, ...unwanted].filter(({ known }) => known).length;
  return { criteria, known: known + (headcount ? 1 : 0), unknown: wanted.length + unwanted.length - known };
}

/** `in Europe, excluding the UK`: a bare place that is left out is one of the kind that was asked for. */
const alike = (found: Found, { kind }: Segment, wanted: readonly Found[]): Found => {
  const asked = wanted.find(({ filter }) => filter === 'companyLocations' || filter === 'personLocations');
  return kind === 'who' && asked && /Locations$/.test(found.filter ?? '') ? { ...found, filter: asked.filter! } : found;
};

const isCompany = ({ filter, headcount }: Found): boolean =>
  filter === 'industries' || filter === 'companyLocations' || headcount !== undefined;

/** `how many CTOs are there in France`: who, without the "are there". */
const withoutThere = (tokens: readonly Token[]): Token[] =>
  tokens.filter(({ fold }, at) => fold !== 'there' && !(/^(are|is)$/.test(fold) && tokens[at + 1]?.fold === 'there'));

function pullHeadcounts(tokens: readonly Token[]): {
  rest: Token[];
  headcount?: NonNullable<Criteria['headcount']>;
  notHeadcount?: NonNullable<Criteria['headcount']>;
} {
  const rest: Token[] = [];
  const found: { headcount?: NonNullable<Criteria['headcount']>; notHeadcount?: NonNullable<Criteria['headcount']> } = {};
  for (let at = 0; at < tokens.length; ) {
    const size = headcountAt(tokens, at);
    if (size) {
      const not = /^(not|without|except|excluding|no)$/.test(rest.at(-1)?.fold ?? '');
      if (not) rest.pop();
      found[not ? 'notHeadcount' : 'headcount'] = size.range;
    } else rest.push(tokens[at]!);
    at = size?.end ?? at + 1;
  }
  return { rest, ...found };
}

/** Cuts at the words that say what comes next: `at`, `based in`, `using`, `except`. */
function segmentsOf(tokens: readonly Token[]): Segment[] {
  const segments: Segment[] = [{ kind: 'who', not: false, items: [[]], marked: false }];
  const open = (kind: Segment['kind'], not: boolean, marked: boolean): void => {
    segments.push({ kind, not, items: [[]], marked });
  };
  for (let at = 0; at < tokens.length; ) {
    const last = segments.at(-1)!;
    const marker = markerAt(tokens, at);
    const joiner = joiners.at(tokens, at);
    if (marker?.value === 'not') open('who', true, false);
    else if (marker) {
      if (last.not && !last.marked && !hasWords(last)) Object.assign(last, { kind: marker.value, marked: true });
      else open(marker.value as Segment['kind'], false, true);
    } else if (joiner) last.items.push([]);
    else if (tokens[at]!.kind !== 'punct') last.items.at(-1)!.push(tokens[at]!);
    at = marker?.end ?? joiner?.end ?? at + 1;
  }
  return segments.map(segment => ({ ...segment, items: segment.items.filter(item => item.length) }));
}

const hasWords = ({ items }: Segment): boolean => items.some(item => item.length);

/** A marker with nothing behind it marks nothing. */
function markerAt(tokens: readonly Token[], at: number): { value: Kind; end: number } | undefined {
  const marker = markers.at(tokens, at);
  return marker && marker.end < tokens.length ? marker : undefined;
}

interface Around {
  /** A company was described before: places and industries that follow are its. */
  ofCompany: boolean;
  /** A role was named before. */
  someone: boolean;
}

function read({ kind, not, items }: Segment, around: Around): Found[] {
  switch (kind) {
    case 'who':
      return person(items, not);
    case 'titles':
      return person(items, false);
    case 'company':
      return company(items);
    case 'place':
      return items.flatMap(item => place(item, around.ofCompany ? 'companyLocations' : 'personLocations'));
    case 'companyPlace':
      return items.flatMap(item => place(item, 'companyLocations'));
    case 'in':
      return items.flatMap(item => somewhere(item, around));
    case 'technologies':
      return items.flatMap(technology);
    case 'keywords':
      return items.flatMap(item => keyword(item));
    case 'with':
      return items.flatMap(item => technology(item));
  }
}

/** `in Berlin`, `in fintech`, `in marketing`: a place, else an industry, else what people do; a capital letter makes the unknown a place. */
function somewhere(item: Token[], { ofCompany, someone }: Around): Found[] {
  const where = place(item, ofCompany ? 'companyLocations' : 'personLocations');
  const asCompany = companyItem(item);
  const asPerson = person([item], false);
  const doing = asPerson.filter(({ filter, known }) => filter === 'functions' && known);
  if (isCode(item.map(({ text }) => text).join(' ')) && doing.length) return doing;
  if (where.some(({ known }) => known)) return where;
  if (!someone && !ofCompany && doing.length) return doing;
  if (asCompany.length && asCompany.every(({ known }) => known)) return asCompany;
  if (doing.length) return doing;
  return asCompany.length > 1 || !/^\p{Lu}/u.test(item[0]!.text) ? asCompany : where;
}

const keyword = (item: Token[]): Found[] => [
  { filter: 'keywords', values: [item.map(({ text }) => text).join(' ')], known: true },
];

/** One array a filter, each value once, in the order of the prompt. */
function gathered(found: readonly Found[]): Filters {
  const filters: Record<string, string[]> = {};
  for (const { filter, values } of found) {
    if (!filter) continue;
    const kept = filters[filter] ?? [];
    for (const value of values) if (!kept.some(other => phraseKey(other) === phraseKey(value))) kept.push(value);
    filters[filter] = kept;
  }
  return filters as Filters;
}
