import { sql } from 'kysely';
import { expect } from 'vitest';
import type { Criteria } from '../../../src/domain/lists/criteria.ts';
import type { LeadSource } from '../../../src/domain/ports.ts';
import { createDirectory, seedDirectory } from '../../../src/sources/directory/index.ts';
import { test as base } from '../../support/world.ts';

const today = Temporal.PlainDate.from('2026-03-02');

/** The default directory, as it is on the day of its first start. */
const test = base.extend<{ directory: LeadSource }>({
  directory: async ({ world }, use) => {
    await seedDirectory(world.connection.db, { today });
    await use(createDirectory(world.connection.db));
  },
});

test('it is filled once', { timeout: 180_000 }, async ({ world, directory }) => {
  expect(await seedDirectory(world.connection.db, { today })).toBe(0);
  expect(directory.name).toBe('directory');
});

const vpsOfSales: Criteria = {
  titles: ['VP of Sales'],
  industries: ['fintech'],
  companyLocations: ['Germany'],
  headcount: { min: 50, max: 500 },
};
const tour: [string, Criteria][] = [
  ['VPs of Sales at German fintechs with 50–500 people', vpsOfSales],
  ['CTOs at French healthcare companies', { titles: ['CTOs'], industries: ['healthcare'], companyLocations: ['French'] }],
  [
    'heads of marketing at e-commerce companies in the Nordics',
    { titles: ['Heads of Marketing'], industries: ['e-commerce'], companyLocations: ['the Nordics'] },
  ],
  ['CFOs at logistics companies in the UK', { titles: ['CFO'], industries: ['logistics'], companyLocations: ['UK'] }],
  ['HR directors in US software companies', { titles: ['HR directors'], industries: ['SaaS'], personLocations: ['US'] }],
];

test.for(tour)('the tour finds at least 600 %s, and more each month', async ([, criteria], { directory }) => {
  const now = await directory.preview(criteria, today);
  expect(now.total).toBeGreaterThanOrEqual(600);
  expect(now.withEmail / now.total).toBeCloseTo(0.9, 1);
  expect(now.notes).toEqual([]);
  for (let month = 1, before = now.total; month <= 11; month++) {
    const { total } = await directory.preview(criteria, today.add({ months: month }));
    expect(total - before).toBeGreaterThanOrEqual(20);
    before = total;
  }
});

test('a preview shows five of those who would come first', async ({ directory }) => {
  const { samples } = await directory.preview(vpsOfSales, today);
  const { candidates } = await directory.next(vpsOfSales, { cursor: null, limit: 5, asOf: today });
  expect(samples).toEqual(candidates);
  for (const person of samples) {
    expect(person).toMatchObject({ seniority: 'vp', function: 'sales', industry: 'Fintech' });
    expect(person.companyLocation).toMatch(/, Germany$/);
    expect(person.headcount).toBeGreaterThanOrEqual(50);
    expect(person.headcount).toBeLessThanOrEqual(500);
  }
});

test('pages go through everybody once, and whoever becomes known later comes last', async ({ directory }) => {
  const { total } = await directory.preview(vpsOfSales, today);
  const seen: string[] = [];
  let cursor: string | null = null;
  for (let exhausted = false; !exhausted; ) {
    const page = await directory.next(vpsOfSales, { cursor, limit: 250, asOf: today });
    seen.push(...page.candidates.map(person => person.recordId!));
    ({ cursor, exhausted } = page);
  }
  expect(seen).toHaveLength(total);
  expect(new Set(seen).size).toBe(total);

  const nobody = await directory.next(vpsOfSales, { cursor, limit: 250, asOf: today });
  expect(nobody).toEqual({ candidates: [], cursor, exhausted: true });
  const later = today.add({ days: 30 });
  const fresh = await directory.next(vpsOfSales, { cursor, limit: 1000, asOf: later });
  expect(fresh.candidates.length).toBe((await directory.preview(vpsOfSales, later)).total - total);
  expect(fresh.candidates.some(person => seen.includes(person.recordId!))).toBe(false);
});

test('a full page that ends with the last person says so', async ({ directory }) => {
  const { total } = await directory.preview(vpsOfSales, today);
  expect(await directory.next(vpsOfSales, { cursor: null, limit: total, asOf: today })).toMatchObject({ exhausted: true });
  expect(await directory.next(vpsOfSales, { cursor: null, limit: total - 1, asOf: today })).toMatchObject({ exhausted: false });
  await expect(directory.next(vpsOfSales, { cursor: 'x', limit: 1, asOf: today })).rejects.toMatchObject({ code: 'bad_cursor' });
});

const filters: [string, Criteria, string][] = [
  [
    'seniority and function',
    { seniorities: ['vp', 'head'], functions: ['data'] },
    `seniority in ('vp', 'head') and function = 'data'`,
  ],
  [
    'a title that is half known',
    { titles: ['VP Sales EMEA'] },
    `seniority = 'vp' and function = 'sales' and title ilike '%emea%'`,
  ],
  ['a title by its words', { titles: ['Paralegal'] }, `title ilike '%paralegal%'`],
  [
    'titles as alternatives',
    { titles: ['CFO', 'Recruiter'] },
    `seniority = 'c_level' and function = 'finance' or function = 'hr' and title like '%Recruiter%'`,
  ],
  [
    'an industry heading',
    { industries: ['professional services'] },
    `industry in ('Legal Services', 'Consulting', 'Accounting', 'Engineering Services', 'Architecture', 'Staffing & Recruiting')`,
  ],
  ['a region', { companyLocations: ['DACH'] }, `company_country in ('Germany', 'Austria', 'Switzerland')`],
  ['a city or a country', { personLocations: ['Munich', 'Poland'] }, `person_city = 'Munich' or person_country = 'Poland'`],
  ['a state', { companyLocations: ['Texas'] }, `company_city in ('Austin', 'Dallas', 'Houston')`],
  ['a technology', { technologies: ['hub spot', 'k8s'] }, `technologies && '{HubSpot,Kubernetes}'`],
  ['a keyword', { keywords: ['Payments'] }, `keywords && '{payments}'`],
  ['the start of a name', { keywords: ['nordpa'] }, `company ilike 'nordpa%'`],
  ['a least headcount', { headcount: { min: 9000 } }, 'headcount >= 9000'],
  [
    'exclusions',
    {
      functions: ['legal'],
      exclude: { seniorities: ['intern'], industries: ['Banking'], companyLocations: ['US'], headcount: { max: 10 } },
    },
    `function = 'legal' and seniority <> 'intern' and industry <> 'Banking' and company_country <> 'United States' and headcount > 10`,
  ],
];

test.for(filters)('filters by %s', async ([, criteria, where], { world, directory }) => {
  const { rows } = await sql<{ total: number; withEmail: number }>`
    select count(*) as total, count(*) filter (where has_email) as "withEmail"
    from directory_person where known_from <= ${today.toString()}::date and (${sql.raw(where)})`.execute(world.connection.db);
  expect(await directory.preview(criteria, today)).toMatchObject(rows[0]!);
  expect(rows[0]!.total).toBeGreaterThan(0);
});

test('L2 a filter that the directory cannot apply as asked is told', async ({ directory }) => {
  const nevada = await directory.preview({ functions: ['sales'], companyLocations: ['Nevada'] }, today);
  const country = await directory.preview({ functions: ['sales'], companyLocations: ['US'] }, today);
  expect(nevada.notes).toEqual([
    {
      filter: 'companyLocations',
      effect: 'widened',
      note: 'The directory does not know who is in Nevada, so it looks in all of United States.',
    },
  ]);
  expect(nevada.total).toBe(country.total);
  const without = await directory.preview({ functions: ['sales'], exclude: { companyLocations: ['Nevada'] } }, today);
  expect(without.notes).toMatchObject([{ filter: 'exclude', effect: 'dropped' }]);
  expect(without.total).toBe((await directory.preview({ functions: ['sales'] }, today)).total);
});

test('unknown words are named with the nearest known ones, and match nobody', async ({ directory }) => {
  const criteria: Criteria = {
    industries: ['fintec', 'fintech'],
    companyLocations: ['Germny'],
    technologies: ['Salesfroce'],
    exclude: { personLocations: ['Atlantis'] },
  };
  const unknown = directory.check(criteria);
  expect(unknown.map(({ filter, value, nearest }) => [filter, value, nearest[0]])).toEqual([
    ['industries', 'fintec', 'Fintech'],
    ['companyLocations', 'Germny', 'Germany'],
    ['technologies', 'Salesfroce', 'Salesforce'],
    ['exclude.personLocations', 'Atlantis', expect.any(String)],
  ]);
  expect(directory.check(vpsOfSales)).toEqual([]);
  expect(await directory.preview({ industries: ['fintec'] }, today)).toMatchObject({ total: 0, samples: [] });
  expect(await directory.preview({ companyLocations: ['Germny'] }, today)).toMatchObject({ total: 0 });
});

test('it is never read inside a transaction', async ({ world, directory }) => {
  const office = await world.office();
  await expect(world.in(office, () => directory.preview(vpsOfSales, today))).rejects.toMatchObject({
    code: 'outside_transaction',
  });
});
