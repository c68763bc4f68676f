import { sql } from 'kysely';
import type { Context } from '../context.ts';

/** A member of a list with where it came from (L4) and how far it is: its live enrollment, or else its latest. */
export interface ExportedMember {
  id: number;
  email: string | null;
  first_name: string | null;
  last_name: string | null;
  full_name: string;
  title: string | null;
  seniority: string | null;
  function: string | null;
  company: string | null;
  company_domain: string | null;
  industry: string | null;
  headcount: number | null;
  linkedin_url: string | null;
  person_location: string | null;
  company_location: string | null;
  technologies: string[];
  fields: Record<string, string>;
  source: string;
  record_id: string | null;
  added_at: Temporal.Instant;
  /** What the refill that added it was: 'import', 'order', 'monitoring'. */
  added_by: string | null;
  /** What that refill looked for. */
  criteria: object | null;
  sequence: string | null;
  state: string | null;
  state_reason: string | null;
  contacted_at: Temporal.Instant | null;
  /** Why the list's link did not enrol it (E5). */
  skipped: string | null;
}

/** The next members of a list, by id after `after`; call again with the last one's id until none come. */
export const exportPage = async (ctx: Context, listId: number, { after, limit }: { after: number; limit: number }) =>
  (
    await sql<ExportedMember>`
    select lead.id, email, first_name, last_name, full_name, title, seniority, function, company, company_domain, industry, headcount,
      linkedin_url, person_location, company_location, technologies, fields, m.source, m.record_id, m.added_at,
      refill.kind as added_by, refill.criteria, e.sequence, e.state, e.state_reason, e.contacted_at, skip.reason as skipped
    from (select * from membership where list_id = ${listId} and removed_at is null and lead_id > ${after}
          order by lead_id limit ${limit}) m
    join lead on lead.id = m.lead_id
    left join refill on refill.id = m.refill_id
    left join link on link.list_id = m.list_id and link.ended_at is null
    left join skip on skip.link_id = link.id and skip.lead_id = m.lead_id
    left join lateral (
      select sequence.name as sequence, state, coalesce(reason, held_reason) as state_reason, contacted_at
      from enrollment join sequence on sequence.id = sequence_id
      where enrollment.workspace_id = ${ctx.workspace.id} and lead_id = m.lead_id
      order by state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task') desc, enrollment.id desc limit 1) as e on true
    order by lead.id`.execute(ctx.tx)
  ).rows;

/** A file has so many columns at most; further fields of leads stay here. */
const mostFields = 200;

/** Names of the further fields that members of a list have. */
export const exportFields = async (ctx: Context, listId: number): Promise<string[]> =>
  (
    await sql<{ name: string }>`
    select distinct field.name from membership join lead on lead.id = lead_id, lateral jsonb_object_keys(fields) as field(name)
    where list_id = ${listId} and removed_at is null order by 1 limit ${mostFields}`.execute(ctx.tx)
  ).rows.map(row => row.name);
