import { sql } from 'kysely';
import type { Db } from '../../db/transaction.ts';
import type { Criteria } from '../../domain/lists/criteria.ts';
import type { Candidate, LeadSource } from '../../domain/ports.ts';
import { Broken } from '../../errors.ts';
import { matching, unknownValues } from './filters.ts';

export { defaultSize, seedDirectory } from './generate.ts';

const sampleCount = 5;

/**
 * The built-in directory of synthetic people (see docs/directory.md). It belongs to no workspace, so it reads with the connecting
 * user's rights, never inside a transaction. People come in the order in which the directory got to know them.
 */
export const createDirectory = (db: Db): LeadSource => ({
  name: 'directory',

  check: unknownValues,

  async preview(criteria, asOf) {
    const { condition, notes } = matching(criteria);
    const counts = await sql<{ total: number; withEmail: number }>`
      select count(*) as total, count(*) filter (where has_email) as "withEmail"
      from directory_person where known_from <= ${asOf.toString()}::date and ${condition}`.execute(db);
    const { total, withEmail } = counts.rows[0]!;
    const samples = total ? await page(db, criteria, null, sampleCount, asOf) : [];
    return { total, withEmail, samples: samples.map(candidate), notes };
  },

  async next(criteria, { cursor, limit, asOf }) {
    const rows = await page(db, criteria, cursor, limit + 1, asOf);
    const taken = rows.slice(0, limit);
    const last = taken.at(-1);
    return {
      candidates: taken.map(candidate),
      cursor: last ? `${last.known_from}:${last.id}` : cursor,
      exhausted: rows.length <= limit,
    };
  },
});

interface Row {
  id: number;
  known_from: string;
  full_name: string;
  first_name: string;
  last_name: string;
  email: string | null;
  linkedin_url: string | null;
  title: string;
  seniority: string;
  function: string;
  company: string;
  company_domain: string;
  industry: string;
  headcount: number;
  person_country: string;
  person_city: string;
  company_country: string;
  company_city: string;
  technologies: string[];
}

/** Up to `limit` matches after the cursor, the longest known first; whoever becomes known later comes later. */
async function page(db: Db, criteria: Criteria, cursor: string | null, limit: number, asOf: Temporal.PlainDate): Promise<Row[]> {
  const { condition } = matching(criteria);
  const after = cursor === null ? sql<boolean>`true` : afterCursor(cursor);
  const { rows } = await sql<Row>`
    select id, known_from, full_name, first_name, last_name, email, linkedin_url, title, seniority, function, company, company_domain,
      industry, headcount, person_country, person_city, company_country, company_city, technologies
    from directory_person
    where known_from <= ${asOf.toString()}::date and ${after} and ${condition}
    order by known_from, id limit ${limit}`.execute(db);
  return rows;
}

function afterCursor(cursor: string) {
  const [, knownFrom, id] = /^(\d{4}-\d\d-\d\d):(\d+)$/.exec(cursor) ?? [];
  if (!id) throw new Broken('bad_cursor', 'A list holds a place in the directory that the directory never gave.');
  return sql<boolean>`(known_from, id) > (${knownFrom}::date, ${Number(id)}::bigint)`;
}

const candidate = (row: Row): Candidate => ({
  recordId: String(row.id),
  fullName: row.full_name,
  firstName: row.first_name,
  lastName: row.last_name,
  email: row.email,
  linkedinUrl: row.linkedin_url,
  title: row.title,
  seniority: row.seniority,
  function: row.function,
  company: row.company,
  companyDomain: row.company_domain,
  industry: row.industry,
  headcount: row.headcount,
  personLocation: `${row.person_city}, ${row.person_country}`,
  companyLocation: `${row.company_city}, ${row.company_country}`,
  technologies: row.technologies,
  fields: {},
});
