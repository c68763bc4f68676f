import { type RawBuilder, sql } from 'kysely';
import { json, texts } from '../../db/codecs.ts';
import type { Tx } from '../../db/transaction.ts';
import type { Known, LeadFields } from './rules.ts';

/**
 * Makes the callers of one workspace take turns until the transaction ends: two that add the same unseen person at once would
 * otherwise both find nobody, and one of them would fail on the unique key.
 */
export const takeTurns = (tx: Tx, workspaceId: number) =>
  sql`select pg_advisory_xact_lock(hashtext('drover.leads'), ${workspaceId}::int)`.execute(tx);

export interface Keys {
  emails: string[];
  linkedins: string[];
  records: string[];
}

/**
 * The leads that any of the keys names, locked, with their record ids in `source` (L3). One look into an index a key: while a table
 * grows, its statistics lag behind, and `in (…)` read all of `lead` for each 1,000 rows of an import (12 s of 33 for 200,000).
 */
export const findAny = async (tx: Tx, workspaceId: number, source: string, { emails, linkedins, records }: Keys) =>
  (
    await sql<Known>`
    select lead.id, full_name, first_name, last_name, email, email_key, email_status, linkedin_url, title, seniority, function,
      company, company_domain, industry, headcount, person_location, company_location, technologies, fields,
      array(select r.record_id from lead_record r
            where r.workspace_id = ${workspaceId} and r.lead_id = lead.id and r.source = ${source}) as record_ids
    from lead
    where id = any(array(
      select found.id from unnest(${texts(emails)}::text[]) as key, lateral (
        select id from lead where workspace_id = ${workspaceId} and email_key = key limit 1) as found
      union select found.id from unnest(${texts(linkedins)}::text[]) as key, lateral (
        select id from lead where workspace_id = ${workspaceId} and linkedin_url = key limit 1) as found
      union select found.lead_id from unnest(${texts(records)}::text[]) as key, lateral (
        select lead_id from lead_record
        where workspace_id = ${workspaceId} and source = ${source} and record_id = key limit 1) as found))
    order by lead.id
    for update of lead`.execute(tx)
  ).rows;

/** Leads by id, locked, oldest first. */
export const byIds = async (tx: Tx, ids: readonly number[]) =>
  (
    await sql<Known>`
    select lead.id, full_name, first_name, last_name, email, email_key, email_status, linkedin_url, title, seniority, function,
      company, company_domain, industry, headcount, person_location, company_location, technologies, fields,
      '{}'::text[] as record_ids
    from lead where id = any(${[...ids]}::bigint[]) order by lead.id for update of lead`.execute(tx)
  ).rows;

const columns = sql`full_name, first_name, last_name, email, email_key, email_status, linkedin_url, title, seniority, function,
  company, company_domain, industry, headcount, person_location, company_location, technologies, fields`;
const shape = sql`full_name text, first_name text, last_name text, email text, email_key text, email_status text,
  linkedin_url text, title text, seniority text, function text, company text, company_domain text, industry text, headcount int,
  person_location text, company_location text, technologies text[], fields jsonb`;

/** How the columns that are no texts travel in an array of texts; those that no row fills do not travel. */
const asText: { [K in keyof LeadFields]?: (row: LeadFields) => string | null } = {
  headcount: row => row.headcount?.toString() ?? null,
  technologies: row => json(row.technologies),
  fields: row => json(row.fields),
};
const fromText: { [K in keyof LeadFields]?: RawBuilder<unknown> } = {
  headcount: sql`headcount::int`,
  technologies: sql`array(select jsonb_array_elements_text(technologies::jsonb))`,
  fields: sql`fields::jsonb`,
};
const isBlank = (value: LeadFields[keyof LeadFields]): boolean =>
  value === null || (typeof value === 'object' && Object.keys(value).length === 0);

/**
 * Inserts leads and returns their ids in the order given: ids are drawn after the sort. An array a column that any row fills: as one
 * JSON of rows, 200,000 took the database 1.8 s to read instead of 0.4.
 */
export async function insert(tx: Tx, workspaceId: number, now: Temporal.Instant, rows: LeadFields[]): Promise<number[]> {
  const filled = (Object.keys(rows[0]!) as (keyof LeadFields)[]).filter(key => rows.some(row => !isBlank(row[key])));
  const names = sql.join(filled.map(key => sql.ref(key)));
  const arrays = filled.map(key => sql`${texts(rows.map(asText[key] ?? (row => row[key] as string | null)))}::text[]`);
  const values = sql.join(filled.map(key => fromText[key] ?? sql.ref(key)));
  const inserted = await sql<{ id: number }>`
    insert into lead (workspace_id, created_at, updated_at, ${names})
    select ${workspaceId}, ${now}, ${now}, ${values}
    from unnest(${sql.join(arrays)}) with ordinality as x(${names}, place)
    order by place
    returning id`.execute(tx);
  return inserted.rows.map(row => row.id).sort((a, b) => a - b);
}

/** Writes whole rows of leads that changed. */
export const update = (tx: Tx, now: Temporal.Instant, rows: (LeadFields & { id: number })[]) =>
  sql`
  update lead set updated_at = ${now}, (${columns}) = (select ${columns} from (select x.*) as y)
  from jsonb_to_recordset(${json(rows)}::jsonb) as x(id bigint, ${shape})
  where lead.id = x.id`.execute(tx);

/** Remembers the source's record ids. One that another lead of the batch has already stays there. */
export const insertRecords = (
  tx: Tx,
  workspaceId: number,
  source: string,
  records: readonly { recordId: string; leadId: number }[],
) =>
  sql`
  insert into lead_record (workspace_id, source, record_id, lead_id)
  select ${workspaceId}, ${source}, record_id, lead_id
  from unnest(${records.map(r => r.recordId)}::text[], ${records.map(r => r.leadId)}::bigint[]) as x(record_id, lead_id)
  on conflict do nothing`.execute(tx);

/** Pairs of leads that are one person: `from` becomes `to`. */
export interface Pairs {
  from: number[];
  to: number[];
}
const pair = ({ from, to }: Pairs) => sql`unnest(${from}::bigint[], ${to}::bigint[]) as pair(from_id, to_id)`;

/** Of people about to be merged: the live enrollments that began after another live one of the same person (L3, E1). */
export const laterLive = async (tx: Tx, pairs: Pairs): Promise<number[]> =>
  (
    await sql<{ id: number }>`
    select id from (
      select e.id, row_number() over (partition by coalesce(pair.to_id, e.lead_id) order by e.enrolled_at, e.id) as place
      from enrollment e left join ${pair(pairs)} on pair.from_id = e.lead_id
      where e.lead_id = any(${[...pairs.from, ...pairs.to]}::bigint[])
        and e.state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task')) as live
    where place > 1`.execute(tx)
  ).rows.map(row => row.id);

/** Memberships move to the older lead. Removed from a list once, as either, is removed (M4); the earlier day counts. */
export const moveMemberships = (tx: Tx, pairs: Pairs) =>
  sql`
  insert into membership (list_id, lead_id, workspace_id, source, record_id, refill_id, added_at, removed_at)
  select distinct on (m.list_id, pair.to_id) m.list_id, pair.to_id, m.workspace_id, m.source, m.record_id, m.refill_id, m.added_at,
    max(m.removed_at) over (partition by m.list_id, pair.to_id)
  from membership m join ${pair(pairs)} on pair.from_id = m.lead_id
  order by m.list_id, pair.to_id, m.added_at
  on conflict (list_id, lead_id) do update set
    added_at = least(membership.added_at, excluded.added_at),
    removed_at = coalesce(membership.removed_at, excluded.removed_at)`.execute(tx);

export const moveSkips = (tx: Tx, pairs: Pairs) =>
  sql`
  insert into skip (link_id, lead_id, workspace_id, reason, held_by, retry, skipped_at)
  select distinct on (s.link_id, pair.to_id) s.link_id, pair.to_id, s.workspace_id, s.reason, s.held_by, s.retry, s.skipped_at
  from skip s join ${pair(pairs)} on pair.from_id = s.lead_id
  order by s.link_id, pair.to_id, s.skipped_at
  on conflict do nothing`.execute(tx);

export const moveEnrollments = (tx: Tx, pairs: Pairs) =>
  sql`
  update enrollment set lead_id = pair.to_id from ${pair(pairs)} where lead_id = pair.from_id`.execute(tx);

export const moveMessages = (tx: Tx, pairs: Pairs) =>
  sql`
  update message set lead_id = pair.to_id from ${pair(pairs)} where lead_id = pair.from_id`.execute(tx);

/** Replies too; the earlier answer counts. */
export const moveReplies = async (tx: Tx, pairs: Pairs): Promise<void> => {
  await sql`update reply set lead_id = pair.to_id from ${pair(pairs)} where lead_id = pair.from_id`.execute(tx);
  await sql`
    update lead set replied_at = least(lead.replied_at, said.at)
    from (select pair.to_id, min(l.replied_at) as at from lead l join ${pair(pairs)} on pair.from_id = l.id
      where l.replied_at is not null group by 1) said
    where lead.id = said.to_id`.execute(tx);
};

export const moveRecords = (tx: Tx, pairs: Pairs) =>
  sql`
  update lead_record set lead_id = pair.to_id from ${pair(pairs)} where lead_id = pair.from_id`.execute(tx);

export const remove = (tx: Tx, ids: readonly number[]) => sql`delete from lead where id = any(${ids}::bigint[])`.execute(tx);
