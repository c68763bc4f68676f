import { type RawBuilder, sql } from 'kysely';
import type { Criteria, Filters } from '../../domain/lists/criteria.ts';
import {
  findIndustry,
  findPlace,
  findTechnology,
  industriesUnder,
  nearestIndustry,
  nearestPlace,
  nearestTechnology,
  type Place,
  readTitle,
} from '../../domain/lists/vocabulary.ts';
import type { FilterNote, UnknownValue } from '../../domain/ports.ts';
import { foldName } from '../../nearest.ts';
import companyData from './companies.json' with { type: 'json' };

/** Criteria as conditions on `directory_person`, and what could not be asked as it was meant. Pure. */

type Condition = RawBuilder<boolean>;
type Part = Filters & { headcount?: Criteria['headcount'] };

const any = (conditions: Condition[]): Condition => sql`(${sql.join(conditions, sql` or `)})`;
const all = (conditions: Condition[]): Condition =>
  conditions.length ? sql`(${sql.join(conditions, sql` and `)})` : sql<boolean>`true`;

/** Values of the criteria that the directory has nobody for, since it does not know the word. */
export function unknownValues(criteria: Criteria): UnknownValue[] {
  const look = (part: Filters, prefix: string): UnknownValue[] => {
    const unknown = (filter: keyof Filters, isKnown: (word: string) => unknown, nearest: (word: string) => string[]) =>
      ((part[filter] ?? []) as string[])
        .filter(value => !isKnown(value))
        .map(value => ({ filter: `${prefix}${filter}`, value, nearest: nearest(value) }));
    return [
      ...unknown('industries', findIndustry, nearestIndustry),
      ...unknown('personLocations', findPlace, nearestPlace),
      ...unknown('companyLocations', findPlace, nearestPlace),
      ...unknown('technologies', findTechnology, nearestTechnology),
    ];
  };
  return [...look(criteria, ''), ...look(criteria.exclude ?? {}, 'exclude.')];
}

/** What must hold for a person to match: every filter asked for, and none of those excluded. */
export function matching(criteria: Criteria): { condition: Condition; notes: FilterNote[] } {
  const notes: FilterNote[] = [];
  const wanted = conditionsOf(criteria, place => {
    notes.push(...widened(place, criteria));
    return { ...place, cities: [] };
  });
  const unwanted = conditionsOf(criteria.exclude ?? {}, place => {
    notes.push({
      filter: 'exclude',
      effect: 'dropped',
      note: `The directory does not know who is in ${place.name}, so nobody is left out for it.`,
    });
    return null;
  });
  return { condition: all([...wanted, ...unwanted.map(condition => sql<boolean>`not ${condition}`)]), notes };
}

const widened = (place: Place, { companyLocations, personLocations }: Filters): FilterNote[] =>
  Object.entries({ personLocations, companyLocations })
    .filter(([, places]) => places?.some(each => findPlace(each)?.name === place.name))
    .slice(0, 1)
    .map(([filter]) => ({
      filter,
      effect: 'widened',
      note: `The directory does not know who is in ${place.name}, so it looks in all of ${place.countries.join(', ')}.`,
    }));

/** One condition a filter. `coarsen` says what to do with a state that the directory has no cities of. */
function conditionsOf(part: Part, coarsen: (state: Place) => Place | null): Condition[] {
  const conditions: Condition[] = [];
  const where = <T>(values: readonly T[] | undefined, condition: (values: readonly T[]) => Condition | null) => {
    const made = values?.length ? condition(values) : null;
    if (made) conditions.push(made);
  };
  const at = (countryColumn: string, cityColumn: string) => (values: readonly string[]) =>
    located(sql.ref(countryColumn), sql.ref(cityColumn), values, coarsen);

  where(part.titles, titles => any(titles.map(titled)));
  where(part.seniorities, values => sql`seniority = any(${[...values]}::text[])`);
  where(part.functions, values => sql`function = any(${[...values]}::text[])`);
  where(part.industries, values => sql`industry = any(${values.flatMap(industriesOf)}::text[])`);
  where(part.personLocations, at('person_country', 'person_city'));
  where(part.companyLocations, at('company_country', 'company_city'));
  where(part.technologies, values => sql`technologies && ${values.map(value => findTechnology(value)?.name ?? value)}::text[]`);
  where(part.keywords, values => any(values.map(aboutCompany)));
  if (part.headcount)
    conditions.push(sql`headcount between ${part.headcount.min ?? 1} and ${part.headcount.max ?? 2_147_483_647}`);
  return conditions;
}

/** An unknown industry is nobody's: dropping it would answer with people who were not asked for. */
const industriesOf = (word: string): string[] => {
  const industry = findIndustry(word);
  return industry ? industriesUnder(industry) : [word];
};

/** Titles are spelled in many ways, so what is understood of one goes by seniority and function, and only the rest by its words. */
function titled(title: string): Condition {
  const { meaning, rest } = readTitle(title);
  return all([
    ...(meaning.seniorities.length ? [sql<boolean>`seniority = any(${meaning.seniorities}::text[])`] : []),
    ...(meaning.functions.length ? [sql<boolean>`function = any(${meaning.functions}::text[])`] : []),
    ...(meaning.titles ? [any(meaning.titles.map(inTitle))] : []),
    ...rest.map(inTitle),
  ]);
}

const inTitle = (words: string): Condition => sql`title ilike ${`%${words.replace(/[\\%_]/g, '\\$&')}%`}`;

function located(
  country: RawBuilder<unknown>,
  city: RawBuilder<unknown>,
  values: readonly string[],
  coarsen: (state: Place) => Place | null,
): Condition | null {
  const found = values.map(value => findPlace(value));
  const known = found.filter(place => place !== undefined);
  const places = known.map(place => (place.kind === 'state' && !place.cities.length ? coarsen(place) : place));
  const whole = places.flatMap(place => (place && !place.cities.length ? place.countries : []));
  const cities = places.filter(place => place?.cities.length);
  if (known.length && !places.some(Boolean)) return null;
  return any([
    sql<boolean>`${country} = any(${whole}::text[])`,
    ...cities.map(
      place => sql<boolean>`(${country} = any(${place!.countries}::text[]) and ${city} = any(${place!.cities}::text[]))`,
    ),
  ]);
}

const keywords = [...new Set(Object.values(companyData.industries).flatMap(industry => industry.keywords))];

/** A keyword in what the company does, as whole words or part of them, or at the start of its name. */
function aboutCompany(keyword: string): Condition {
  const word = foldName(keyword).replace(/s$/, '');
  const meant = word ? keywords.filter(each => foldName(each).includes(word)) : [];
  return sql`(keywords && ${meant}::text[] or lower(company) like ${`${keyword.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`})`;
}
