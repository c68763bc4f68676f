import { sql } from 'kysely';
import type { Tx } from '../../db/transaction.ts';
import type { Context } from '../context.ts';
import type { Entry } from './rules.ts';

/**
 * SQL: why the row under `alias` (with email_key, linkedin_url, company_domain) is excluded on a local date:
 * 'excluded_person', 'excluded_company' or null (X1). A company is excluded by its own domain or by that of the address.
 */
export const exclusionOf = (alias: string, on: Temporal.PlainDate) => sql<'excluded_person' | 'excluded_company' | null>`(
  select case when x.kind = 'domain' then 'excluded_company' else 'excluded_person' end
  from exclusion x
  where x.workspace_id = drover_workspace() and x.lifted_at is null and (x.until_on is null or x.until_on >= ${on})
    and (x.kind = 'address' and x.value = ${sql.ref(`${alias}.email_key`)}
      or x.kind = 'linkedin' and x.value = ${sql.ref(`${alias}.linkedin_url`)}
      or x.kind = 'domain' and x.value in (${sql.ref(`${alias}.company_domain`)}, split_part(${sql.ref(`${alias}.email_key`)}, '@', 2)))
  order by x.kind = 'domain' limit 1)`;

const valuesOf = (entries: readonly Entry[], kind: Entry['kind']): string[] =>
  entries.filter(entry => entry.kind === kind).map(entry => entry.value);

/** SQL: is the lead under `alias` one that the entries name? */
const names = (alias: string, entries: readonly Entry[]) => sql<boolean>`(
  ${sql.ref(`${alias}.email_key`)} = any(${valuesOf(entries, 'address')}::text[])
  or ${sql.ref(`${alias}.linkedin_url`)} = any(${valuesOf(entries, 'linkedin')}::text[])
  or ${sql.ref(`${alias}.company_domain`)} = any(${valuesOf(entries, 'domain')}::text[])
  or split_part(${sql.ref(`${alias}.email_key`)}, '@', 2) = any(${valuesOf(entries, 'domain')}::text[]))`;

export interface Covered {
  leadId: number;
  /** Its live enrollment, if it has one. */
  enrollmentId: number | null;
  sequence: string | null;
}
export const covered = async (tx: Tx, entries: readonly Entry[]): Promise<Covered[]> => {
  const { rows } = await sql<Covered>`
    select l.id as "leadId", e.id as "enrollmentId", s.name as sequence
    from lead l
    left join enrollment e on e.workspace_id = l.workspace_id and e.lead_id = l.id
      and e.state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task')
    left join sequence s on s.id = e.sequence_id
    where ${names('l', entries)} order by l.id`.execute(tx);
  return rows;
};

/** Adds entries; one that is there gets the new reason and end, unless it is an opt-out, which is permanent (X3). */
export const upsert = async (
  ctx: Context,
  entries: readonly Entry[],
  { reason, untilOn, by }: { reason: string; untilOn: string | null; by: number | null },
): Promise<void> => {
  await sql`
    insert into exclusion (workspace_id, kind, value, reason, until_on, created_by, created_at)
    select ${ctx.workspace.id}, kind, value, ${reason}, ${untilOn}::date, ${by}, ${ctx.now}
    from unnest(${entries.map(entry => entry.kind)}::text[], ${entries.map(entry => entry.value)}::text[]) as x (kind, value)
    on conflict (workspace_id, kind, value) where lifted_at is null
      do update set reason = excluded.reason, until_on = excluded.until_on where not exclusion.opt_out`.execute(ctx.tx);
};

/** Which of the entries are there already, and which of those for ever. */
export const existing = async (tx: Tx, entries: readonly Entry[]): Promise<(Entry & { optOut: boolean })[]> => {
  const { rows } = await sql<Entry & { optOut: boolean }>`
    select x.kind, x.value, x.opt_out as "optOut" from exclusion x
    join unnest(${entries.map(entry => entry.kind)}::text[], ${entries.map(entry => entry.value)}::text[]) as w (kind, value)
      on w.kind = x.kind and w.value = x.value
    where x.lifted_at is null`.execute(tx);
  return rows;
};

export interface FoundLead {
  id: number;
  name: string;
  email: string | null;
  linkedin: string | null;
  company: string | null;
}

/** Leads by address, profile or full name; at most 20. */
export const findLeads = async (
  tx: Tx,
  { email, linkedin, name }: { email: string | null; linkedin: string | null; name: string },
): Promise<FoundLead[]> => {
  const { rows } = await sql<FoundLead>`
    select id, full_name as name, email_key as email, linkedin_url as linkedin, company from lead
    where email_key = ${email} or linkedin_url = ${linkedin} or lower(full_name) = lower(${name}) order by id limit 20`.execute(
    tx,
  );
  return rows;
};

/** Names that share a word with what was written, to choose the nearest from. */
export const namesLike = async (tx: Tx, words: string[]): Promise<string[]> => {
  const { rows } = await sql<{ name: string }>`
    select distinct full_name as name from lead
    where lower(full_name) like any(${words.map(word => `%${word.replace(/[\\%_]/g, '\\$&')}%`)}::text[]) limit 200`.execute(tx);
  return rows.map(row => row.name);
};
