import { expect, test } from 'vitest';
import { functions, seniorities } from '../../../src/domain/lists/criteria.ts';
import {
  countries,
  findIndustry,
  findPlace,
  findTechnology,
  findTitle,
  industries,
  industriesUnder,
  nearestIndustry,
  nearestPlace,
  readTitle,
  states,
  titles,
} from '../../../src/domain/lists/vocabulary.ts';

test.each([
  ['VP of Sales', ['vp'], ['sales']],
  ['VPs of Sales', ['vp'], ['sales']],
  ['sales VPs', ['vp'], ['sales']],
  ['Vice President, Sales', ['vp'], ['sales']],
  ['CTOs', ['c_level'], ['engineering']],
  ['chief financial officers', ['c_level'], ['finance']],
  ['heads of marketing', ['head'], ['marketing']],
  ['HR directors', ['director'], ['hr']],
  ['Head of People', ['head'], ['hr']],
  ['VPs and heads of sales', ['vp', 'head'], ['sales']],
  ['engineering leaders', ['c_level', 'vp', 'head', 'director'], ['engineering']],
  ['marketing people', [], ['marketing']],
  ['founders', ['founder'], []],
])('"%s" is a title by seniority and function', (phrase, expectedSeniorities, expectedFunctions) => {
  expect(findTitle(phrase)).toEqual({ seniorities: expectedSeniorities, functions: expectedFunctions });
});

test('a title that is half understood is not understood, and says what is left', () => {
  expect(findTitle('RevOps managers')).toEqual({
    titles: ['RevOps', 'Revenue Operations'],
    seniorities: ['manager'],
    functions: ['operations'],
  });
  expect(findTitle('VP Sales EMEA')).toBeUndefined();
  expect(readTitle('VP Sales EMEA')).toEqual({ meaning: { seniorities: ['vp'], functions: ['sales'] }, rest: ['emea'] });
});

test.each([
  ['fintechs', 'Fintech'],
  ['SaaS companies', 'Software'],
  ['e-commerce startups', 'E-commerce'],
  ['health care', 'Healthcare'],
  ['law firms', 'Legal Services'],
  ['Food & Beverage', 'Food & Beverage'],
  ['tech companies', 'Technology'],
])('"%s" is the industry %s', (phrase, name) => {
  expect(findIndustry(phrase)?.name).toBe(name);
});

test.each([
  ['German', 'country', 'Germany'],
  ['US', 'country', 'United States'],
  ['U.K.', 'country', 'United Kingdom'],
  ['DE', 'country', 'Germany'],
  ['the Nordics', 'region', 'Nordics'],
  ['DACH', 'region', 'DACH'],
  ['München', 'city', 'Munich'],
  ['Berlin, Germany', 'city', 'Berlin'],
  ['Texas', 'state', 'Texas'],
  ['Luxembourg', 'country', 'Luxembourg'],
])('"%s" is the %s %s', (phrase, kind, name) => {
  expect(findPlace(phrase)).toMatchObject({ kind, name });
});

test('common words are no places, and misspellings have a nearest one', () => {
  for (const word of ['it', 'in', 'no', 'de', 'Atlantis', 'fintech']) expect(findPlace(word)).toBeUndefined();
  expect(nearestPlace('Germny')[0]).toBe('Germany');
  expect(nearestIndustry('fintec')[0]).toBe('Fintech');
  expect(findIndustry('underwater basket weaving')).toBeUndefined();
  expect(findTechnology('hub spot')?.name).toBe('HubSpot');
});

test('the data is complete: what it points to exists, and no name is taken by another', () => {
  expect(industries.length).toBeGreaterThanOrEqual(40);
  expect(countries.length).toBeGreaterThanOrEqual(60);
  const names = new Set(industries.map(industry => industry.name));
  for (const industry of industries) {
    expect(findIndustry(industry.name)).toBe(industry);
    for (const name of industriesUnder(industry)) expect(names).toContain(name);
  }
  for (const country of countries) {
    expect(findPlace(country.name)).toMatchObject({ kind: 'country', name: country.name });
    expect(country.region).toBeTruthy();
  }
  const cities = countries.flatMap(country => country.cities);
  expect(new Set(cities).size).toBe(cities.length);
  for (const state of states) for (const city of state.cities) expect(cities).toContain(city);
  for (const meaning of titles.values()) {
    for (const seniority of meaning.seniorities) expect(seniorities).toContain(seniority);
    for (const one of meaning.functions) expect(functions).toContain(one);
  }
});
