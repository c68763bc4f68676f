import { type RawBuilder, sql } from 'kysely';
import type { Tx } from '../../db/transaction.ts';
import { exclusionOf } from '../exclusions/queries.ts';
import type { LiveRun } from './rules.ts';

const rows = async <R>(tx: Tx, statement: RawBuilder<R>): Promise<R[]> => (await statement.execute(tx)).rows;
const iso = (column: string) => sql<string>`to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Something that happened to a lead, as stored. */
export interface Event {
  at: string;
  kind:
    | 'found'
    | 'removed'
    | 'skipped'
    | 'enrolled'
    | 'reviewed'
    | 'planned'
    | 'held'
    | 'contacted'
    | 'failed'
    | 'replied'
    | 'ended';
  list: string | null;
  sequence: string | null;
  reason: string | null;
  /** The step, the source and its record, who holds it, who decided and why, the empty variable: whatever the kind has. */
  position: number | null;
  detail: string | null;
  by: string | null;
}

/** Everything that is stored of one lead's life, oldest first, in one statement. */
export const eventsOf = (tx: Tx, leadId: number): Promise<Event[]> =>
  rows(
    tx,
    sql<Event>`
      with events as (
        select m.added_at as happened, 1 as rank, 'found' as kind, l.name as list, null::text as sequence, r.kind as reason, null::int as position,
          m.source || coalesce(' record ' || m.record_id, '') as detail, o.name as by
        from membership m join list l on l.id = m.list_id left join refill r on r.id = m.refill_id left join member o on o.id = r.ordered_by
        where m.lead_id = ${leadId}
        union all
        select m.removed_at, 9, 'removed', l.name, null, null, null, null, null
        from membership m join list l on l.id = m.list_id where m.lead_id = ${leadId} and m.removed_at is not null
        union all
        select s.skipped_at, 2, 'skipped', l.name, q.name, s.reason, null, hs.name, ho.name
        from skip s join link k on k.id = s.link_id join list l on l.id = k.list_id join sequence q on q.id = k.sequence_id
        left join enrollment h on h.id = s.held_by left join sequence hs on hs.id = h.sequence_id left join member ho on ho.id = hs.owner_id
        where s.lead_id = ${leadId}
        union all
        select e.enrolled_at, 3, 'enrolled', l.name, q.name, null, null, null, null
        from enrollment e join sequence q on q.id = e.sequence_id left join list l on l.id = e.list_id where e.lead_id = ${leadId}
        union all
        select e.reviewed_at, 4, 'reviewed', l.name, q.name, case when e.state = 'refused' then 'refused' else 'approved' end, null, e.review_reason, o.name
        from enrollment e join sequence q on q.id = e.sequence_id left join list l on l.id = e.list_id left join member o on o.id = e.reviewed_by
        where e.lead_id = ${leadId} and e.reviewed_at is not null
        union all
        select coalesce(m.handing_at, m.ended_at, m.planned_at), case m.state when 'planned' then 8 else 5 end,
          case m.state when 'sent' then 'contacted' when 'unknown' then 'contacted' when 'handing' then 'contacted' when 'held' then 'held'
            when 'failed' then 'failed' else 'planned' end,
          null, q.name, case m.state when 'unknown' then coalesce(m.reason, 'no_answer') when 'sent' then null else m.reason end,
          m.position, m.detail, x.address
        from message m join sequence q on q.id = m.sequence_id left join sender x on x.id = m.sender_id where m.lead_id = ${leadId}
        union all
        select r.received_at, 6, 'replied', null, q.name, coalesce(r.category, 'reply_being_read'), m.position, r.outcome, r.from_address
        from reply r left join message m on m.id = r.message_id left join enrollment e on e.id = r.enrollment_id
        left join sequence q on q.id = e.sequence_id where r.lead_id = ${leadId} and r.kind in ('human', 'automatic', 'bounce')
        union all
        select e.ended_at, 7, 'ended', l.name, q.name, coalesce(e.reason, e.state), null, e.state, null
        from enrollment e join sequence q on q.id = e.sequence_id left join list l on l.id = e.list_id
        where e.lead_id = ${leadId} and e.ended_at is not null)
      select ${iso('happened')} as at, kind, list, sequence, reason, position, detail, by from events order by happened, rank`,
  );

/** The live run of a lead, with its place in line. */
export const liveRun = async (tx: Tx, leadId: number): Promise<(LiveRun & { zone: string }) | undefined> =>
  (
    await rows(
      tx,
      sql<LiveRun & { zone: string }>`
        select e.state, e.held_reason as "heldReason", q.name as sequence, q.status as "sequenceStatus", q.zone, e.next_position as position,
          e.next_due_on as "dueOn", e.paused_until as "pausedUntil",
          case when e.state = 'paused' then e.reason end as "pausedFor", m.detail as "heldDetail", coalesce(m.state = 'unknown', false) as unknown,
          case when m.state in ('planned', 'claimed') then ${iso('m.planned_at')} end as "plannedAt",
          case when m.state = 'planned' then m.reason end as "waitsFor",
          case when e.state = 'queued' then (select count(*)::int from enrollment o where o.sequence_id = e.sequence_id
            and o.list_id is not distinct from e.list_id and o.state = 'queued' and o.held_reason is null
            and (o.enrolled_at, o.id) <= (e.enrolled_at, e.id)) end as place
        from enrollment e join sequence q on q.id = e.sequence_id
        left join message m on m.enrollment_id = e.id and m.position = e.next_position
        where e.lead_id = ${leadId} and e.state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task')`,
    )
  )[0];

/** What stands against a lead now, and where it stands. */
export const leadFacts = async (tx: Tx, leadId: number, on: Temporal.PlainDate) =>
  (
    await rows(
      tx,
      sql<{ email: string | null; emailStatus: string; company: string | null; exclusion: string | null; links: string[] }>`
        select l.email_key as email, l.email_status as "emailStatus", l.company, ${exclusionOf('l', on)} as exclusion,
          coalesce((select array_agg(q.name order by q.name) from membership m join link k on k.list_id = m.list_id and k.ended_at is null
            join sequence q on q.id = k.sequence_id where m.lead_id = l.id and m.removed_at is null), '{}') as links
        from lead l where l.id = ${leadId}`,
    )
  )[0];

export interface Sender {
  id: number;
  name: string;
  address: string;
  status: string;
  /** Why it does not send; the mail server's own words are in `reason`. */
  code: string | null;
  reason: string | null;
  restsUntil: string | null;
  limit: number;
  gapMinutes: number;
  sequences: string[];
}

export const senders = (tx: Tx): Promise<Sender[]> =>
  rows(
    tx,
    sql<Sender>`select x.id, x.name, x.address, x.status, x.status_code as code, x.status_reason as reason, x.rests_until as "restsUntil", x.daily_limit as limit,
        x.min_gap_minutes as "gapMinutes", coalesce((select array_agg(q.name order by q.name) from sequence_sender s
          join sequence q on q.id = s.sequence_id where s.sender_id = x.id), '{}') as sequences
      from sender x where x.removed_at is null order by x.id`,
  );

/** How a sender's day stands, by state; and its next message. */
export const senderToday = async (tx: Tx, senderId: number, on: Temporal.PlainDate) =>
  (
    await rows(
      tx,
      sql<{ sent: number; planned: number; nextAt: string | null }>`
        select count(*) filter (where state in ('handing', 'sent', 'unknown'))::int as sent,
          count(*) filter (where state in ('planned', 'claimed'))::int as planned,
          to_char(min(planned_at) filter (where state = 'planned') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "nextAt"
        from message where sender_id = ${senderId} and planned_on = ${on.toString()}::date`,
    )
  )[0]!;

/** Who of a sequence or of a list's link does not move, by stored reason: held messages, skipped members, ends. */
export interface Reasons {
  kind: 'held' | 'late' | 'skipped' | 'ended';
  reason: string;
  people: number;
}
export const reasonsOf = (
  tx: Tx,
  { sequenceId, listId }: { sequenceId: number | null; listId: number | null },
): Promise<Reasons[]> =>
  rows(
    tx,
    sql<Reasons>`
      with run as (select * from enrollment where (${sequenceId}::bigint is null or sequence_id = ${sequenceId})
        and (${listId}::bigint is null or list_id = ${listId}))
      select 'held' as kind, held_reason as reason, count(*)::int as people from run
        where held_reason is not null and state in ('queued', 'active') group by 2
      union all
      select 'late', m.reason, count(*)::int from run join message m on m.enrollment_id = run.id and m.state in ('held', 'unknown')
        where m.reason is not null and run.held_reason is null and run.state in ('queued', 'active') group by 2
      union all
      select 'skipped', s.reason, count(*)::int from skip s join link k on k.id = s.link_id and k.ended_at is null
        where (${sequenceId}::bigint is null or k.sequence_id = ${sequenceId}) and (${listId}::bigint is null or k.list_id = ${listId})
        group by 2
      union all
      select 'ended', coalesce(reason, state), count(*)::int from run where ended_at is not null and state <> 'completed' group by 2
      order by 1, 3 desc`,
  );
