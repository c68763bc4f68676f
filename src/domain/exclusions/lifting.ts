import { sql } from 'kysely';
import { dateIn } from '../../calendar.ts';
import { enrollList } from '../../queues.ts';
import type { Context } from '../context.ts';
import { contacted } from '../enrollments/queries.ts';
import { exclusionOf, names } from './queries.ts';
import type { Entry } from './rules.ts';

/** What follows for people whom nothing excludes any more. */
export interface Freed {
  /** People whose run it ended before any contact: their lists enrol them anew. */
  again: number;
  /** People whom linked lists passed over: they stay out for the life of the link (E5). One of them by name. */
  passedOver: { count: number; one: { name: string; email: string | null; list: string; sequence: string } | null };
  /**
   * Whose run it ended when they had been contacted, or had opted out: no list takes them again, a person may, by name (E5). Three of
   * them by name.
   */
  stayEnded: { count: number; some: { name: string; email: string | null; sequence: string }[] };
}

/** The answer is the same for so many people; the others are counted. */
const named = 3;

/**
 * What follows where nothing excludes people any more whom entries did: those who lost their run before any contact leave no mark, and
 * their lists enrol them in the background (K5); those whom a link has passed over stay out of it (E5).
 */
export async function free(ctx: Context, entries: readonly Entry[]): Promise<Freed> {
  const on = dateIn(ctx.now, ctx.workspace.zone);
  const free = sql`free as materialized (
    select l.id, l.full_name as name, l.email_key as email from lead l
    where ${names('l', entries)} and ${exclusionOf('l', on)} is null and not exists (select from enrollment e
      where e.workspace_id = l.workspace_id and e.lead_id = l.id and e.ended_at is null))`;
  const { rows: lost } = await sql<{ linkId: number; leadId: number }>`
    with ${free}
    select distinct e.link_id as "linkId", e.lead_id as "leadId" from free
    join enrollment e on e.workspace_id = ${ctx.workspace.id} and e.lead_id = free.id
    join link on link.id = e.link_id and link.ended_at is null
    join membership m on m.list_id = link.list_id and m.lead_id = e.lead_id and m.removed_at is null
    where e.state = 'excluded' and not ${contacted('e')}`.execute(ctx.tx);
  const { rows: passed } = await sql<{ name: string; email: string | null; list: string; sequence: string; all: number }>`
    with ${free}
    select free.name, free.email, list.name as list, s.name as sequence, count(*) over ()::int as all
    from free join skip on skip.workspace_id = ${ctx.workspace.id} and skip.lead_id = free.id and skip.reason = 'excluded'
    join link on link.id = skip.link_id and link.ended_at is null
    join list on list.id = link.list_id join sequence s on s.id = link.sequence_id order by free.id limit 1`.execute(ctx.tx);
  const { rows: ended } = await sql<{ name: string; email: string | null; sequence: string; all: number }>`
    with ${free}
    select free.name, free.email, s.name as sequence, count(*) over ()::int as all
    from free join enrollment e on e.workspace_id = ${ctx.workspace.id} and e.lead_id = free.id
    join sequence s on s.id = e.sequence_id and s.status <> 'archived'
    where e.state = 'unsubscribed' or e.state = 'excluded' and ${contacted('e')} order by e.ended_at desc, e.id limit ${named}`.execute(
    ctx.tx,
  );
  for (const linkId of new Set(lost.map(row => row.linkId)))
    await ctx.enqueue(enrollList, { workspaceId: ctx.workspace.id, linkId });
  const [{ all, ...one } = { all: 0 }] = passed;
  return {
    again: new Set(lost.map(row => row.leadId)).size,
    passedOver: { count: all, one: 'name' in one ? one : null },
    stayEnded: { count: ended[0]?.all ?? 0, some: ended.map(({ all, ...one }) => one) },
  };
}
