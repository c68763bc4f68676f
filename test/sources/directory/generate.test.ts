import { sql } from 'kysely';
import { expect } from 'vitest';
import { isEmail } from '../../../src/domain/leads/rules.ts';
import { findTechnology, findTitle, industries } from '../../../src/domain/lists/vocabulary.ts';
import { seedDirectory } from '../../../src/sources/directory/generate.ts';
import { generate } from '../../../src/sources/directory/people.ts';
import { test, type World } from '../../support/world.ts';

const today = Temporal.PlainDate.from('2026-03-02');

const fingerprint = async (world: World): Promise<string> => {
  const { rows } = await sql<{ all: string }>`
    select count(*) || md5(string_agg(md5(p::text), '' order by id)) as all from directory_person p`.execute(world.connection.db);
  return rows[0]!.all;
};

test('the default directory has 25,000 people at more than 3,000 companies, all of them under .example', () => {
  const staff = [...generate(25_000, 'drover')].flatMap(({ company, people }) => people.map(person => ({ company, person })));
  const people = staff.map(({ person }) => person);
  const reachable = people.filter(person => person.hasEmail);
  expect(people).toHaveLength(25_000);
  expect(new Set(staff.map(({ company }) => company.domain)).size).toBeGreaterThan(3_000);
  expect(staff.filter(({ company }) => !/^[a-z0-9-]+\.example$/.test(company.domain))).toEqual([]);
  expect(staff.filter(({ company, person }) => person.hasEmail && !person.email!.endsWith(`@${company.domain}`))).toEqual([]);
  expect(people.filter(person => person.hasEmail !== isEmail(person.email ?? ''))).toEqual([]);
  expect(people.filter(person => Math.abs(person.knownAfterDays) > 365)).toEqual([]);
  expect(new Set(reachable.map(person => person.email)).size).toBe(reachable.length);
  expect(reachable.length / people.length).toBeCloseTo(0.9, 1);
  expect(people.filter(person => !person.email).length).toBeGreaterThan(500);
  expect(people.filter(person => person.email && !person.hasEmail).length).toBeGreaterThan(500);
});

test('every industry of the vocabulary has companies, and no company an unknown word', () => {
  const companies = [...generate(25_000, 'drover')].map(({ company }) => company);
  const known = industries.filter(industry => !industry.includes).map(({ name }) => name);
  expect(new Set(companies.map(company => company.industry))).toEqual(new Set(known));
  const technologies = new Set(companies.flatMap(company => company.technologies));
  expect([...technologies].filter(name => findTechnology(name)?.name !== name)).toEqual([]);
});

test('one role is spelled in many ways, and each spelling means that role', () => {
  const spellings = new Set<string>();
  for (const { people } of generate(5_000, 'drover'))
    for (const { title, seniority, function: job } of people) {
      if (seniority !== 'vp' || job !== 'sales') continue;
      spellings.add(title);
      const meaning = findTitle(title);
      if (meaning) expect(meaning.seniorities).toContain('vp');
    }
  expect(spellings.size).toBeGreaterThan(20);
});

test('the same seed and size make the same directory, and it is written once', async ({ world }) => {
  const { db } = world.connection;
  const small = { size: 600, seed: 'a', today };
  await seedDirectory(db, { ...small, seed: 'b' });
  const other = await fingerprint(world);
  expect(await seedDirectory(db, small)).toBe(600);
  const first = await fingerprint(world);
  expect(first).not.toBe(other);
  expect(await seedDirectory(db, { ...small, today: today.add({ days: 40 }) })).toBe(0);
  expect(await fingerprint(world)).toBe(first);
  expect(await seedDirectory(db, { ...small, size: 650 })).toBe(650);
  await seedDirectory(db, small);
  expect(await fingerprint(world)).toBe(first);
});

test('a seeding that was cut short goes on where it stopped', async ({ world }) => {
  const { db } = world.connection;
  const size = 4_500;
  await seedDirectory(db, { size, seed: 'a', today });
  const whole = await fingerprint(world);
  await sql`delete from directory_person where id > 2500`.execute(db);
  expect(await seedDirectory(db, { size, seed: 'a', today })).toBe(2_000);
  expect(await fingerprint(world)).toBe(whole);
});
