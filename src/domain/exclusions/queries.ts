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

/**
 * SQL: does nothing exclude the row under `alias` on a local date? Whether anything stands at all is asked once a statement: in a
 * workspace without exclusions looking them up for each person was a tenth of what enrolling takes.
 */
export const isFree = (alias: string, on: Temporal.PlainDate) => sql<boolean>`(not exists (select from exclusion
  where workspace_id = drover_workspace() and lifted_at is null and (until_on is null or until_on >= ${on}))
  or ${exclusionOf(alias, on)} is null)`;

const valuesOf = (entries: readonly Entry[], kind: Entry['kind']): string[] =>
  entries.filter(entry => entry.kind === kind).map(entry => entry.value);

/** SQL: is the lead under `alias` one that the entries name? What no entry is about is not asked: each part has an index of its own. */
export function names(alias: string, entries: readonly Entry[]) {
  const [addresses, profiles, domains] = (['address', 'linkedin', 'domain'] as const).map(kind => valuesOf(entries, kind));
  const parts = [
    addresses!.length ? sql`${sql.ref(`${alias}.email_key`)} = any(${addresses}::text[])` : null,
    profiles!.length ? sql`${sql.ref(`${alias}.linkedin_url`)} = any(${profiles}::text[])` : null,
    domains!.length ? sql`${sql.ref(`${alias}.company_domain`)} = any(${domains}::text[])` : null,
    domains!.length ? sql`split_part(${sql.ref(`${alias}.email_key`)}, '@', 2) = any(${domains}::text[])` : null,
  ].filter(part => part !== null);
  return parts.length ? sql<boolean>`(${sql.join(parts, sql` or `)})` : sql<boolean>`false`;
}

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

/** Excludes entries for good, at the person's own wish; what was excluded for another reason is an opt-out from now on (X3). */
export const optOut = async (ctx: Context, entries: readonly Entry[], reason: string): Promise<number> => {
  const { rows } = await sql`
    insert into exclusion (workspace_id, kind, value, reason, opt_out, created_at)
    select ${ctx.workspace.id}, kind, value, ${reason}, true, ${ctx.now}
    from unnest(${entries.map(entry => entry.kind)}::text[], ${entries.map(entry => entry.value)}::text[]) as x (kind, value)
    on conflict (workspace_id, kind, value) where lifted_at is null
      do update set reason = excluded.reason, until_on = null, opt_out = true where not exclusion.opt_out returning id`.execute(
    ctx.tx,
  );
  return rows.length;
};

/** Notes with the runs that people opt out by that they did so; who has opted out already does not do it again. Before they are excluded. */
export const countOptOuts = (
  ctx: Context,
  people: readonly { leadId: number; enrollmentId?: number | null; messageId?: number | null }[],
): Promise<unknown> =>
  sql`update enrollment e set opted_out_at = ${ctx.now}, opted_out_of = o.message_id
    from (select distinct on (lead_id) * from unnest(${people.map(one => one.leadId)}::bigint[],
      ${people.map(one => one.enrollmentId ?? null)}::bigint[], ${people.map(one => one.messageId ?? null)}::bigint[]) as o (lead_id, enrollment_id, message_id)
      where enrollment_id is not null order by lead_id) o
    join lead l on l.id = o.lead_id
    where e.id = o.enrollment_id and not exists (select from exclusion x
      where x.workspace_id = l.workspace_id and x.lifted_at is null and x.opt_out
        and (x.kind = 'address' and x.value = l.email_key or x.kind = 'linkedin' and x.value = l.linkedin_url))`.execute(ctx.tx);

/** Which of the entries are there already, and which of those for ever. */
export const existing = async (tx: Tx, entries: readonly Entry[]): Promise<(Entry & { optOut: boolean })[]> => {
  const { rows } = await sql<Entry & { optOut: boolean }>`
    select x.kind, x.value, x.opt_out as "optOut" from exclusion x
    join unnest(${entries.map(entry => entry.kind)}::text[], ${entries.map(entry => entry.value)}::text[]) as w (kind, value)
      on w.kind = x.kind and w.value = x.value
    where x.lifted_at is null`.execute(tx);
  return rows;
};

export interface Standing extends Entry {
  reason: string;
  untilOn: string | null;
}

/** Those of the entries that stand, with reason and end. */
export const standing = async (tx: Tx, entries: readonly Entry[]): Promise<Standing[]> => {
  const { rows } = await sql<Standing>`
    select x.kind, x.value, x.reason, x.until_on as "untilOn" from exclusion x
    join unnest(${entries.map(entry => entry.kind)}::text[], ${entries.map(entry => entry.value)}::text[]) as w (kind, value)
      on w.kind = x.kind and w.value = x.value
    where x.lifted_at is null`.execute(tx);
  return rows;
};

/** Lifts entries that stand, opt-outs excepted (X3). Returns how many. */
export const lift = async (ctx: Context, entries: readonly Entry[]): Promise<number> => {
  const { rows } = await sql`
    update exclusion x set lifted_at = ${ctx.now}
    from unnest(${entries.map(entry => entry.kind)}::text[], ${entries.map(entry => entry.value)}::text[]) as w (kind, value)
    where w.kind = x.kind and w.value = x.value and x.lifted_at is null and not x.opt_out
    returning x.id`.execute(ctx.tx);
  return rows.length;
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

/** One exclusion as people see it. */
export interface Listed extends Standing {
  id: number;
  optOut: boolean;
  by: string | null;
  byId: number | null;
  at: Temporal.Instant;
}

const listed = sql`select x.id, x.kind, x.value, x.reason, x.until_on as "untilOn", x.opt_out as "optOut", m.name as by,
    x.created_by as "byId", x.created_at as at
  from exclusion x left join member m on m.id = x.created_by
  where x.lifted_at is null`;

/** What stands on a local date, newest first; ended ones are left out. */
export const list = async (tx: Tx, on: Temporal.PlainDate, { from, size }: { from: number; size: number }): Promise<Listed[]> =>
  (
    await sql<Listed>`${listed} and (x.until_on is null or x.until_on >= ${on})
      order by x.created_at desc, x.id desc limit ${size} offset ${from}`.execute(tx)
  ).rows;

/** What stands on a local date of these values, companies last. */
export const standingOn = async (tx: Tx, on: Temporal.PlainDate, values: readonly string[]): Promise<Listed[]> =>
  (
    await sql<Listed>`${listed} and (x.until_on is null or x.until_on >= ${on}) and x.value = any(${[...values]}::text[])
      order by x.kind = 'domain', x.id`.execute(tx)
  ).rows;

/** Addresses at a domain that are excluded one by one on a local date: how many, and the first of them by the alphabet. */
export const addressesAt = async (
  tx: Tx,
  on: Temporal.PlainDate,
  domain: string,
  most: number,
): Promise<{ all: number; values: string[] }> =>
  (
    await sql<{ all: number; values: string[] }>`
      select count(*)::int as all, coalesce((array_agg(value order by value))[1:${most}], '{}') as values from exclusion
      where lifted_at is null and (until_on is null or until_on >= ${on}) and kind = 'address'
        and split_part(value, '@', 2) = ${domain}`.execute(tx)
  ).rows[0]!;

export const countStanding = async (tx: Tx, on: Temporal.PlainDate): Promise<{ all: number; optOuts: number }> =>
  (
    await sql<{ all: number; optOuts: number }>`select count(*)::int as all, count(*) filter (where opt_out)::int as "optOuts"
      from exclusion where lifted_at is null and (until_on is null or until_on >= ${on})`.execute(tx)
  ).rows[0]!;

/** The entries of these values that stand. */
export const byValue = async (tx: Tx, values: readonly string[]): Promise<Listed[]> =>
  (await sql<Listed>`${listed} and x.value = any(${[...values]}::text[]) order by x.id for update of x`.execute(tx)).rows;

/** The companies of the leads with these addresses or profiles, by the domain under which they may be excluded (X1). */
export const companiesOf = async (tx: Tx, values: readonly string[]): Promise<string[]> =>
  (
    await sql<{ domain: string }>`
      select coalesce(company_domain, split_part(email_key, '@', 2)) as domain from lead
      where email_key = any(${[...values]}::text[]) or linkedin_url = any(${[...values]}::text[])`.execute(tx)
  ).rows.flatMap(row => row.domain ?? []);

/** Values that stand and look like what was written, to name the nearest. */
export const valuesLike = async (tx: Tx): Promise<string[]> =>
  (
    await sql<{ value: string }>`select value from exclusion where lifted_at is null order by created_at desc limit 2000`.execute(
      tx,
    )
  ).rows.map(row => row.value);

/** Lifts one, an opt-out too: the caller knows that a human asks (X3). */
export const liftOne = (ctx: Context, id: number) =>
  sql`update exclusion set lifted_at = ${ctx.now} where id = ${id} and lifted_at is null`.execute(ctx.tx);

/** Puts a lifted one back as it was, unless it was excluded again meanwhile. Returns whether it did. */
export const unlift = async (ctx: Context, id: number): Promise<boolean> =>
  (
    await sql`update exclusion x set lifted_at = null where x.id = ${id} and x.lifted_at is not null
      and not exists (select from exclusion o where o.workspace_id = x.workspace_id and o.kind = x.kind and o.value = x.value
        and o.lifted_at is null) returning x.id`.execute(ctx.tx)
  ).rows.length > 0;
