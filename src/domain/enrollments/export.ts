import { sql } from 'kysely';
import type { Context } from '../context.ts';

/** One enrollment as a row of a file. */
export interface ExportedEnrollment {
  id: number;
  email: string | null;
  full_name: string;
  title: string | null;
  company: string | null;
  linkedin_url: string | null;
  list: string | null;
  state: string;
  reason: string | null;
  held_reason: string | null;
  next_position: number;
  /** Local date in the sequence's zone. */
  next_due_on: string | null;
  sender: string | null;
  enrolled_at: Temporal.Instant;
  reviewed_at: Temporal.Instant | null;
  reviewed_by: string | null;
  contacted_at: Temporal.Instant | null;
  last_contact_at: Temporal.Instant | null;
  ended_at: Temporal.Instant | null;
}

/** The next enrollments of a sequence, by id after `after`; call again with the last one's id until none come. */
export const exportPage = async (ctx: Context, sequenceId: number, { after, limit }: { after: number; limit: number }) =>
  (
    await sql<ExportedEnrollment>`
    select e.id, lead.email, lead.full_name, lead.title, lead.company, lead.linkedin_url, list.name as list, e.state, e.reason,
      e.held_reason, e.next_position, e.next_due_on, sender.address as sender, e.enrolled_at, e.reviewed_at,
      member.name as reviewed_by, e.contacted_at, e.last_contact_at, e.ended_at
    from (select * from enrollment where workspace_id = ${ctx.workspace.id} and sequence_id = ${sequenceId} and id > ${after}
          order by id limit ${limit}) e
    join lead on lead.id = e.lead_id
    left join list on list.id = e.list_id
    left join sender on sender.id = e.sender_id
    left join member on member.id = e.reviewed_by
    order by e.id`.execute(ctx.tx)
  ).rows;
