import { foldName, nearest } from '../../nearest.ts';
import type { functions as functionNames, seniorities as seniorityNames } from './criteria.ts';
import industryData from './vocabulary/industries.json' with { type: 'json' };
import placeData from './vocabulary/places.json' with { type: 'json' };
import technologyData from './vocabulary/technologies.json' with { type: 'json' };
import titleData from './vocabulary/titles.json' with { type: 'json' };

/** The words that criteria are written in, and what each of them means. All of it is data; this file only looks things up. */

export type Seniority = (typeof seniorityNames)[number];
export type JobFunction = (typeof functionNames)[number];

export interface Industry {
  name: string;
  synonyms: string[];
  /** A heading over other industries ('Financial Services') names them here. */
  includes?: string[];
}

export interface Country {
  code: string;
  name: string;
  demonyms: string[];
  synonyms: string[];
  cities: string[];
  /** The smallest everyday region it belongs to. */
  region: string;
}

/** Somewhere that a person or company may be. `countries` are names; with `cities`, only those cities of them are meant. */
export interface Place {
  kind: 'country' | 'region' | 'state' | 'city';
  name: string;
  countries: string[];
  cities: string[];
}

/** What a job title asks for: all three must hold, the values of one are alternatives, empty asks nothing. */
export interface TitleMeaning {
  /** Words of which one must stand in the title itself, for roles that seniority and function do not pin down. */
  titles?: string[];
  seniorities: Seniority[];
  functions: JobFunction[];
}

const small = new Set(['of', 'the', 'for', 'in', 'and', 'or', 'a', 'an', 'at', 'department', 'dept']);

const singular = (word: string): string => {
  if (word.length < 3 || /(ss|us|is)$/.test(word)) return word;
  if (word.endsWith('sses')) return word.slice(0, -2);
  return word.endsWith('ies') && word.length > 4 ? `${word.slice(0, -3)}y` : word.replace(/s$/, '');
};

/** What makes two spellings of a phrase one: case, accents, punctuation, plurals and small words do not count. */
export const phraseKey = (phrase: string): string => {
  const words = foldName(phrase).split(' ');
  const telling = words.filter(word => !small.has(word));
  return (telling.length ? telling : words).map(singular).join(' ');
};

/** First meaning wins, so the order of entries is their priority. */
function indexed<T>(entries: Iterable<readonly [phrase: string, meaning: T]>): Map<string, T> {
  const index = new Map<string, T>();
  for (const [phrase, meaning] of entries) if (!index.has(phraseKey(phrase))) index.set(phraseKey(phrase), meaning);
  return index;
}

/** The nearest canonical names for a word, through every spelling that they have. */
function nearestNames(word: string, surfaces: ReadonlyMap<string, { name: string }>, count: number): string[] {
  const found = nearest(phraseKey(word), [...surfaces.keys()], count * 5).map(surface => surfaces.get(surface)!.name);
  return [...new Set(found)].slice(0, count);
}

// Industries ------------------------------------------------------------------------------------------------------------

export const industries: readonly Industry[] = industryData;
const industryIndex = indexed([
  ...industries.map(industry => [industry.name, industry] as const),
  ...industries.flatMap(industry => industry.synonyms.map(synonym => [synonym, industry] as const)),
]);
const companyWords =
  /( (company|firm|business|startup|start up|scaleup|scale up|sector|industry|organi[sz]ation|provider|vendor|brand|player|space|house))+$/;

/** The industry that a word or phrase names ('fintechs', 'SaaS companies'), if it is a known one. */
export const findIndustry = (phrase: string): Industry | undefined =>
  industryIndex.get(phraseKey(phrase)) ?? industryIndex.get(phraseKey(phrase).replace(companyWords, ''));

/** Names of the known industries nearest to a word, nearest first. */
export const nearestIndustry = (phrase: string, count = 3): string[] =>
  nearestNames(phraseKey(phrase).replace(companyWords, ''), industryIndex, count);

/** The industry itself, or those under it when it is a heading. */
export const industriesUnder = (industry: Industry): string[] => industry.includes ?? [industry.name];

// Places ----------------------------------------------------------------------------------------------------------------

export const regions: readonly { name: string; synonyms: string[]; countries: string[] }[] = placeData.regions;
export const states: readonly { name: string; synonyms: string[]; country: string; cities: string[] }[] = placeData.states;
const regionOf = (code: string): string =>
  regions.filter(region => region.countries.includes(code)).sort((a, b) => a.countries.length - b.countries.length)[0]!.name;
export const countries: readonly Country[] = placeData.countries.map(country => ({ ...country, region: regionOf(country.code) }));
export const places = { countries, regions, states };

const byCode = new Map(countries.map(country => [country.code, country]));
const countryName = (code: string): string => byCode.get(code)!.name;
const asPlace = (country: Country): Place => ({ kind: 'country', name: country.name, countries: [country.name], cities: [] });
const citySynonyms = new Map(Object.entries(placeData.cities));

const named = (place: Place, ...phrases: string[]): (readonly [string, Place])[] =>
  [place.name, ...phrases].map(phrase => [phrase, place] as const);
const placeIndex = indexed<Place>([
  ...countries.flatMap(country => named(asPlace(country), ...country.demonyms, ...country.synonyms)),
  ...regions.flatMap(({ name, synonyms, countries: codes }) =>
    named({ kind: 'region', name, countries: codes.map(countryName), cities: [] }, ...synonyms),
  ),
  ...countries.flatMap(country =>
    country.cities.flatMap(city =>
      named({ kind: 'city', name: city, countries: [country.name], cities: [city] }, ...(citySynonyms.get(city) ?? [])),
    ),
  ),
  ...states.flatMap(({ name, synonyms, country, cities }) =>
    named({ kind: 'state', name, countries: [countryName(country)], cities }, ...synonyms),
  ),
]);

/** The country, region, state or city that a phrase names, also by demonym ('German') or, in capitals, by country code ('DE'). */
export function findPlace(phrase: string): Place | undefined {
  const exact = placeIndex.get(phraseKey(phrase));
  if (exact) return exact;
  const country = byCode.get(phrase.trim());
  if (country) return asPlace(country);
  const [first, ...rest] = phrase.split(',').map(part => part.trim());
  return rest.length && first ? findPlace(first) : undefined; // 'Berlin, Germany'
}

/** Names of the known places nearest to a word, nearest first. */
export const nearestPlace = (phrase: string, count = 3): string[] => nearestNames(phrase, placeIndex, count);

// Technologies ----------------------------------------------------------------------------------------------------------

export const technologies: readonly { name: string; synonyms?: string[] }[] = technologyData;
const technologyIndex = indexed(
  technologies.flatMap(technology => [technology.name, ...(technology.synonyms ?? [])].map(word => [word, technology] as const)),
);
export const findTechnology = (word: string): { name: string } | undefined => technologyIndex.get(phraseKey(word));
export const nearestTechnology = (word: string, count = 3): string[] => nearestNames(word, technologyIndex, count);

// Titles ----------------------------------------------------------------------------------------------------------------

const meaning = (of: { titles?: string[]; seniorities?: string[]; functions?: string[] }): TitleMeaning => ({
  ...(of.titles ? { titles: of.titles } : {}),
  seniorities: (of.seniorities ?? []) as Seniority[],
  functions: (of.functions ?? []) as JobFunction[],
});

/** Every phrase that titles are made of ('cto', 'vp', 'sales', 'revops'), by `phraseKey`. */
export const titles: ReadonlyMap<string, TitleMeaning> = indexed([
  ...titleData.roles.flatMap(role => role.phrases.map(phrase => [phrase, meaning(role)] as const)),
  ...Object.entries(titleData.seniorities).flatMap(([seniority, phrases]) =>
    phrases.map(phrase => [phrase, meaning({ seniorities: [seniority] })] as const),
  ),
  ...Object.entries(titleData.groups).map(([phrase, seniorities]) => [phrase, meaning({ seniorities })] as const),
  ...Object.entries(titleData.functions).flatMap(([name, phrases]) =>
    phrases.map(phrase => [phrase, meaning({ functions: [name] })] as const),
  ),
]);
const longestPhrase = Math.max(...[...titles.keys()].map(phrase => phrase.split(' ').length));

/**
 * What a title asks for, in any usual spelling: 'VP of Sales', 'sales VPs', 'Vice President, Sales', 'heads of marketing', 'CFOs',
 * 'RevOps managers'. Undefined when any word of it is unknown: half an understanding would find the wrong people.
 */
export function findTitle(phrase: string): TitleMeaning | undefined {
  const { meaning, rest } = readTitle(phrase);
  return rest.length ? undefined : meaning;
}

/** What of a title is understood, and the words that are not ('VP Sales EMEA': a VP in sales, and 'emea'). */
export function readTitle(phrase: string): { meaning: TitleMeaning; rest: string[] } {
  const words = titleKey(phrase).split(' ');
  const parts: TitleMeaning[] = [];
  const rest: string[] = [];
  for (let at = 0; at < words.length; ) {
    let length = Math.min(longestPhrase, words.length - at);
    while (length && !titles.has(words.slice(at, at + length).join(' '))) length--;
    if (length) parts.push(titles.get(words.slice(at, at + length).join(' '))!);
    else rest.push(words[at]!);
    at += length || 1;
  }
  const union = <T>(pick: (part: TitleMeaning) => readonly T[]): T[] => [...new Set(parts.flatMap(pick))];
  const inTitle = union(part => part.titles ?? []);
  return {
    meaning: {
      ...(inTitle.length ? { titles: inTitle } : {}),
      seniorities: union(part => part.seniorities),
      functions: union(part => part.functions),
    },
    rest,
  };
}

/** 'chief … officer' is a chief of …, and 'marketing people' are marketing; but 'head of people' is a head of HR. */
function titleKey(phrase: string): string {
  const key = phraseKey(phrase);
  const chief = key.replace(/^chief (.+) officer$/, 'chief $1');
  if (chief !== key) return titles.has(key) ? key : chief;
  const bare = key.replace(/ (people|person|professional|staff|team)$/, '');
  return titles.get(bare)?.functions.length ? bare : key;
}
