import { setImmediate } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Db } from '../../db/transaction.ts';
import { type Company, generate, type Person } from './people.ts';

/** 25,000 people are what the tour needs; a benchmark takes 1,000,000. */
export const defaultSize = 25_000;
export const defaultSeed = 'drover';

/** Rows a statement: 2,000 take about 100 ms on the embedded database, where everyone waits meanwhile. */
const chunkSize = 2_000;

interface Seeding {
  size?: number;
  seed?: string;
  /** The base date: about half of the people are known on it, the others become known within a year. */
  today: Temporal.PlainDate;
  onProgress?: (written: number, size: number) => void;
}

/**
 * Fills the directory, in chunks, without holding up the event loop. Does nothing where it is filled already with the same seed and
 * size, whatever the date; goes on where it was cut short; replaces a directory of another seed or size.
 * @returns how many people it wrote.
 */
export async function seedDirectory(
  db: Db,
  { size = defaultSize, seed = defaultSeed, today, onProgress }: Seeding,
): Promise<number> {
  const there = await count(db);
  if (there === size && (await isSame(db, size, seed))) return 0;
  if (there > 0 && !(there < size && (await isSame(db, size, seed)))) await sql`truncate directory_person`.execute(db);

  let written = 0;
  for (const chunk of chunks(size, seed)) {
    if (!(await has(db, chunk.firstId + chunk.people.length - 1))) written += await insert(db, chunk, today);
    onProgress?.(chunk.firstId + chunk.people.length - 1, size);
    await setImmediate();
  }
  // Counting from indexes alone needs the visibility map, and autovacuum does not run on the embedded database.
  await sql`vacuum (analyze) directory_person`.execute(db);
  return written;
}

const count = async (db: Db): Promise<number> =>
  (await sql<{ n: number }>`select count(*) as n from directory_person`.execute(db)).rows[0]!.n;

const has = async (db: Db, id: number): Promise<boolean> =>
  (await sql`select from directory_person where id = ${id}`.execute(db)).rows.length > 0;

/** The first hundred people tell one seed and size from another. */
async function isSame(db: Db, size: number, seed: string): Promise<boolean> {
  const stored = await sql<{ name: string; domain: string }>`
    select full_name as name, company_domain as domain from directory_person where id <= 100 order by id`.execute(db);
  const expected: string[] = [];
  for (const { company, people } of generate(size, seed)) {
    if (expected.length >= stored.rows.length) break;
    expected.push(...people.map(person => `${fullName(person)} ${company.domain}`));
  }
  return stored.rows.every(({ name, domain }, at) => expected[at] === `${name} ${domain}`);
}

const fullName = (person: Person): string => `${person.firstName} ${person.lastName}`;

interface Chunk {
  firstId: number;
  companies: Company[];
  people: Person[];
  /** For each person, its company's index. */
  employers: number[];
}

function* chunks(size: number, seed: string): Generator<Chunk> {
  let chunk: Chunk = { firstId: 1, companies: [], people: [], employers: [] };
  for (const { company, people } of generate(size, seed)) {
    if (chunk.people.length + people.length > chunkSize) {
      yield chunk;
      chunk = { firstId: chunk.firstId + chunk.people.length, companies: [], people: [], employers: [] };
    }
    for (const person of people) {
      chunk.people.push(person);
      chunk.employers.push(chunk.companies.length);
    }
    chunk.companies.push(company);
  }
  yield chunk;
}

/** A company's columns travel once, not once a person; its lists travel as text, since arrays of unequal arrays do not exist in SQL. */
async function insert(db: Db, { firstId, companies, people, employers }: Chunk, today: Temporal.PlainDate): Promise<number> {
  const ofPeople = <K extends keyof Person>(key: K): Person[K][] => people.map(person => person[key]);
  const ofCompanies = <K extends keyof Company>(key: K): Company[K][] => companies.map(company => company[key]);
  const { numAffectedRows } = await sql`
    insert into directory_person (id, known_from, full_name, first_name, last_name, email, has_email, linkedin_url, title, seniority,
      function, person_country, person_city, company, company_domain, industry, headcount, company_country, company_city,
      technologies, keywords)
    select ${firstId}::bigint + p.at - 1, ${today.toString()}::date + p.known_after, p.first_name || ' ' || p.last_name, p.first_name,
      p.last_name, p.email, p.has_email, p.linkedin_url, p.title, p.seniority, p.function, p.country, p.city, c.name, c.domain,
      c.industry, c.headcount, c.country, c.city, string_to_array(c.technologies, '|'), string_to_array(c.keywords, '|')
    from unnest(${employers}::int[], ${ofPeople('knownAfterDays')}::int[], ${ofPeople('firstName')}::text[],
        ${ofPeople('lastName')}::text[], ${ofPeople('email')}::text[], ${ofPeople('hasEmail')}::bool[],
        ${ofPeople('linkedinUrl')}::text[], ${ofPeople('title')}::text[], ${ofPeople('seniority')}::text[],
        ${ofPeople('function')}::text[], ${ofPeople('country')}::text[], ${ofPeople('city')}::text[])
      with ordinality as p (employer, known_after, first_name, last_name, email, has_email, linkedin_url, title, seniority, function,
        country, city, at)
    join unnest(${ofCompanies('name')}::text[], ${ofCompanies('domain')}::text[], ${ofCompanies('industry')}::text[],
        ${ofCompanies('headcount')}::int[], ${ofCompanies('country')}::text[], ${ofCompanies('city')}::text[],
        ${ofCompanies('technologies').map(list => list.join('|'))}::text[], ${ofCompanies('keywords').map(list => list.join('|'))}::text[])
      with ordinality as c (name, domain, industry, headcount, country, city, technologies, keywords, at) on c.at - 1 = p.employer
    order by p.at
    on conflict (id) do nothing`.execute(db);
  return Number(numAffectedRows ?? 0);
}
