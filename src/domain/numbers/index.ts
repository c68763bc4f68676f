import { sql } from 'kysely';
import type { Context } from '../context.ts';

/** What was counted for one sequence, step, list or sender. Opens and clicks are not counted: nothing in a message reports back. */
export interface Numbers {
  by: 'sequence' | 'step' | 'list' | 'sender';
  name: string;
  /** Of a step: its position. */
  position: number | null;
  /** Different people whom a message reached the mail server for. */
  contacted: number;
  /** Messages that a mail server took, or refused for their address. */
  sent: number;
  /** Of those: what is not known to have come back, for good or for now. */
  delivered: number;
  /** Refused for their address, or sent back later because it is no good. */
  bounced: number;
  /** Different people who answered; an absence note is no answer. */
  replied: number;
  /** Of those: interested, or asking for a meeting. */
  interested: number;
  /** Different people who asked not to be written to, by link or by answer. */
  optedOut: number;
}

/** What to count of: everything, or one sequence, list or sender. */
export interface Of {
  sequenceId?: number;
  listId?: number;
  senderId?: number;
}

/** Rates of fewer messages than this are noise, and are not told. */
export const enoughToTell = 100;

/**
 * What left and what came of it between two local dates of the workspace, both counted: a message on the day it left, an answer on the day
 * it came, and an opt-out on its day, for the run and the message that it came from, whatever state that run was in. Everything is told by sequence, by step, by list and by sender, most sent first.
 */
export async function count(
  ctx: Context,
  { from, until, ...of }: Of & { from: Temporal.PlainDate; until: Temporal.PlainDate },
): Promise<Numbers[]> {
  const { zone } = ctx.workspace;
  const since = from.toZonedDateTime(zone).toInstant();
  const before = until.add({ days: 1 }).toZonedDateTime(zone).toInstant();
  const isOf = (sequence: string, list: string, sender: string) =>
    sql.join(
      [
        sql`true`,
        ...(of.sequenceId === undefined ? [] : [sql`${sql.ref(sequence)} = ${of.sequenceId}`]),
        ...(of.listId === undefined ? [] : [sql`${sql.ref(list)} = ${of.listId}`]),
        ...(of.senderId === undefined ? [] : [sql`${sql.ref(sender)} = ${of.senderId}`]),
      ],
      sql` and `,
    );
  const { rows } = await sql<Numbers>`
    with left_us as (
      select m.enrollment_id, m.sequence_id, m.position, e.list_id, m.sender_id,
        case when m.state = 'failed' then 'bounced' else (select min(r.outcome) from reply r
          where r.message_id = m.id and r.kind = 'bounce' and r.outcome in ('bounced', 'deferred')) end as came_to
      from message m join enrollment e on e.id = m.enrollment_id
      where m.workspace_id = ${ctx.workspace.id} and m.kind = 'email' and (m.state = 'sent' or m.state = 'failed' and m.reason = 'bad_address')
        and m.ended_at >= ${since} and m.ended_at < ${before} and ${isOf('m.sequence_id', 'e.list_id', 'm.sender_id')}),
    came_back as (
      select r.enrollment_id, e.sequence_id, coalesce(m.position, last.position) as position, e.list_id, r.sender_id, r.category
      from reply r join enrollment e on e.id = r.enrollment_id left join message m on m.id = r.message_id
      left join lateral (select position from message where enrollment_id = e.id and state = 'sent' order by position desc limit 1) last on true
      where r.workspace_id = ${ctx.workspace.id} and r.kind = 'human' and r.received_at >= ${since} and r.received_at < ${before}
        and ${isOf('e.sequence_id', 'e.list_id', 'r.sender_id')}),
    opted_out as (
      select e.id as enrollment_id, e.sequence_id, via.position, e.list_id, via.sender_id
      from enrollment e join lateral (select position, sender_id from message where enrollment_id = e.id and kind = 'email'
        and (id = e.opted_out_of or e.opted_out_of is null and state = 'sent') order by position desc limit 1) via on true
      where e.workspace_id = ${ctx.workspace.id} and e.opted_out_at >= ${since} and e.opted_out_at < ${before}
        and ${isOf('e.sequence_id', 'e.list_id', 'via.sender_id')}),
    event as (
      select enrollment_id, sequence_id, position, list_id, sender_id, 'sent' as what from left_us
      union all select enrollment_id, sequence_id, position, list_id, sender_id, came_to from left_us where came_to is not null
      union all select enrollment_id, sequence_id, position, list_id, sender_id, 'replied' from came_back
      union all select enrollment_id, sequence_id, position, list_id, sender_id, 'interested' from came_back
        where category in ('interested', 'meeting')
      union all select enrollment_id, sequence_id, position, list_id, sender_id, 'opted_out' from opted_out),
    counted as (
      select sequence_id, position, list_id, sender_id, grouping(sequence_id, position, list_id, sender_id) as grouped,
        count(distinct enrollment_id) filter (where what = 'sent')::int as contacted, count(*) filter (where what = 'sent')::int as sent,
        count(*) filter (where what = 'bounced')::int as bounced,
        (count(*) filter (where what = 'sent') - count(*) filter (where what in ('bounced', 'deferred')))::int as delivered,
        count(distinct enrollment_id) filter (where what = 'replied')::int as replied,
        count(distinct enrollment_id) filter (where what = 'interested')::int as interested,
        count(distinct enrollment_id) filter (where what = 'opted_out')::int as "optedOut"
      from event group by grouping sets ((sequence_id), (sequence_id, position), (list_id), (sender_id)))
    select case c.grouped when 7 then 'sequence' when 3 then 'step' when 13 then 'list' else 'sender' end as by,
      case c.grouped when 13 then coalesce(l.name, 'by hand') when 14 then x.address else s.name end as name,
      case when c.grouped = 3 then c.position end as position,
      c.contacted, c.sent, c.delivered, c.bounced, c.replied, c.interested, c."optedOut"
    from counted c left join sequence s on s.id = c.sequence_id left join list l on l.id = c.list_id left join sender x on x.id = c.sender_id
    order by 1, c.sent desc, 2, 3`.execute(ctx.tx);
  return rows;
}
