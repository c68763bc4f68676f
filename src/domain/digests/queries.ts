import { sql } from 'kysely';
import type { Tx } from '../../db/transaction.ts';

/** A stretch of time that a digest or a status tells about: from ≤ t < until. */
export interface Span {
  from: Temporal.Instant;
  until: Temporal.Instant;
}

export interface ListRow {
  id: number;
  name: string;
  members: number;
  ordered: number;
  found: number;
  added: number;
  skipped: Record<string, number>;
  exhausted: boolean;
  /** Of the span, and nothing has come since: what was given up, the latest's kind and error, and how many leads are short by it. */
  failed: { refills: number; missing: number; kind: string; error: string | null } | null;
  /** How many of the latest refills, in a row, added nobody; and how many of those because they failed. */
  emptyInARow: number;
  failedInARow: number;
  monitoring: { cadence: string; amount: number; weekday: number | null; nextDueAt: string } | null;
  sequence: string | null;
}

/** Every list that is not archived: its members, and what its refills of the span were ordered to add and did (G1). */
export const lists = async (tx: Tx, { from, until }: Span): Promise<ListRow[]> =>
  (
    await sql<ListRow>`
      select l.id, l.name,
        (select count(*) from membership m where m.list_id = l.id and m.removed_at is null) as members,
        coalesce(r.ordered, 0) as ordered, coalesce(r.found, 0) as found, coalesce(r.added, 0) as added,
        coalesce(r.skipped, '{}') as skipped, coalesce(r.exhausted, false) as exhausted, coalesce(e.empty, 0) as "emptyInARow",
        coalesce(e.failed, 0) as "failedInARow", b.failed,
        case when o.list_id is not null then jsonb_build_object('cadence', o.cadence, 'amount', o.amount, 'weekday', o.weekday,
          'nextDueAt', to_char(o.next_due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) end as monitoring,
        s.name as sequence
      from list l
      left join monitoring o on o.list_id = l.id
      left join link k on k.list_id = l.id and k.ended_at is null
      left join sequence s on s.id = k.sequence_id
      left join lateral (
        select sum(f.asked) as ordered, sum(f.found) as found, sum(f.added) as added, bool_or(f.ended = 'exhausted') as exhausted,
          (select jsonb_object_agg(reason, total) from (
            select each.key as reason, sum(each.value::int) as total from refill g, jsonb_each_text(g.skipped) each
            where g.list_id = l.id and g.status in ('done', 'failed') and g.finished_at >= ${from} and g.finished_at < ${until}
            group by each.key) t) as skipped
        from refill f where f.list_id = l.id and f.status in ('done', 'failed') and f.finished_at >= ${from} and f.finished_at < ${until}) r on true
      left join lateral (
        select count(*) as empty, count(*) filter (where f.status = 'failed') as failed from refill f
        where f.list_id = l.id and f.status in ('done', 'failed') and f.kind = 'monitoring' and f.id > coalesce(
          (select max(g.id) from refill g where g.list_id = l.id and g.status in ('done', 'failed') and g.added > 0), 0)) e on true
      left join lateral (
        select jsonb_build_object('refills', count(*), 'missing', sum(f.asked - f.added), 'kind', (array_agg(f.kind order by f.id desc))[1],
          'error', (array_agg(f.error order by f.id desc))[1]) as failed
        from refill f where f.list_id = l.id and f.status = 'failed' and f.finished_at >= ${from} and f.finished_at < ${until}
          and f.id > coalesce((select max(g.id) from refill g where g.list_id = l.id and g.status = 'done' and g.added > 0), 0)
        having count(*) > 0) b on true
      where l.archived_at is null
      order by l.name`.execute(tx)
  ).rows;

export interface SequenceRow {
  id: number;
  name: string;
  status: string;
  mode: string;
  dailyCap: number;
  zone: string;
  sendDays: number[];
  steps: number;
  enrolled: number;
  /** Different leads touched in the span, and on its last local day. */
  contacted: number;
  contactedToday: number;
  plannedToday: number;
  /** Never contacted yet, ready to be. */
  backlog: number;
  live: number;
  inReview: number;
  oldestReviewAt: Temporal.Instant | null;
  /** Who came in within the last seven days. */
  weeklyInflow: number;
  /** Manual tasks that wait for the owner. */
  openTasks: number;
  replies: number;
  bounces: number;
  optOuts: number;
  /** By reason, now. */
  held: Record<string, number>;
  unknown: number;
  owner: string;
  failingSenders: string[];
}

/** Every sequence that is not archived: what happened in the span, and what waits now (G1). `today` is computed in each one's zone. */
export const sequences = async (tx: Tx, { from, until }: Span, now: Temporal.Instant): Promise<SequenceRow[]> =>
  (
    await sql<SequenceRow>`
      select s.id, s.name, s.status, s.mode, s.daily_cap as "dailyCap", s.zone, s.send_days as "sendDays", o.name as owner,
        (select count(*) from step t where t.sequence_id = s.id and t.version = s.version) as steps,
        coalesce(e.enrolled, 0) as enrolled, coalesce(e.backlog, 0) as backlog, coalesce(e.live, 0) as live,
        coalesce(e.in_review, 0) as "inReview", e.oldest_review as "oldestReviewAt", coalesce(e.week, 0) as "weeklyInflow",
        coalesce(e.tasks, 0) as "openTasks", coalesce(e.replies, 0) as replies,
        coalesce(e.bounces, 0) as bounces, coalesce(e.opt_outs, 0) as "optOuts", coalesce(h.held, '{}') as held,
        coalesce(m.contacted, 0) as contacted, coalesce(m.today, 0) as "contactedToday", coalesce(m.planned, 0) as "plannedToday",
        coalesce(m.unknown, 0) as unknown,
        coalesce((select array_agg(d.address order by d.address) from sequence_sender q join sender d on d.id = q.sender_id
          where q.sequence_id = s.id and d.status in ('paused', 'failing')), '{}') as "failingSenders"
      from sequence s
      join member o on o.id = s.owner_id
      left join lateral (
        select count(*) filter (where e.enrolled_at >= ${from} and e.enrolled_at < ${until}) as enrolled,
          count(*) filter (where e.state = 'queued' and e.contacted_at is null) as backlog,
          count(*) filter (where e.state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task')) as live,
          count(*) filter (where e.state = 'in_review') as in_review,
          min(e.enrolled_at) filter (where e.state = 'in_review') as oldest_review,
          count(*) filter (where e.enrolled_at > ${now}::timestamptz - interval '7 days') as week,
          count(*) filter (where e.state = 'waiting_on_task') as tasks,
          count(*) filter (where e.state = 'replied' and e.ended_at >= ${from} and e.ended_at < ${until}) as replies,
          count(*) filter (where e.state = 'bounced' and e.ended_at >= ${from} and e.ended_at < ${until}) as bounces,
          count(*) filter (where e.opted_out_at >= ${from} and e.opted_out_at < ${until}) as opt_outs
        from enrollment e where e.sequence_id = s.id) e on true
      left join lateral (
        select jsonb_object_agg(reason, total) as held from (
          select e.held_reason as reason, count(*) as total from enrollment e
          where e.sequence_id = s.id and e.held_reason is not null
            and e.state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task') group by e.held_reason) t) h on true
      left join lateral (
        select count(distinct m.lead_id) filter (where m.state in ('handing', 'sent', 'unknown') and m.handing_at >= ${from}
            and m.handing_at < ${until}) as contacted,
          count(distinct m.lead_id) filter (where m.state in ('handing', 'sent', 'unknown')
            and m.planned_on = (${now}::timestamptz at time zone s.zone)::date) as today,
          count(distinct m.lead_id) filter (where m.state in ('planned', 'claimed')
            and m.planned_on = (${now}::timestamptz at time zone s.zone)::date) as planned,
          count(*) filter (where m.state = 'unknown') as unknown
        from message m where m.sequence_id = s.id) m on true
      where s.status <> 'archived'
      order by case s.status when 'active' then 0 when 'finishing' then 1 when 'setup' then 2 else 3 end, s.name`.execute(tx)
  ).rows;

/** Plans that wait for somebody's button. */
export const waitingApprovals = async (tx: Tx, now: Temporal.Instant): Promise<{ id: number; summary: string; by: string }[]> =>
  (
    await sql<{ id: number; summary: string; by: string }>`
      select a.id, a.summary, m.name as by from approval a join member m on m.id = a.requested_by
      where a.status = 'pending' and a.expires_at > ${now} order by a.id`.execute(tx)
  ).rows;

/** What changed hands in the span because its owner left (W3). */
export const handedOver = async (tx: Tx, { from, until }: Span) =>
  (
    await sql<{ to: string; promoted: boolean; lists: number; sequences: number; senders: number }>`
      select detail->>'to' as to, coalesce((detail->>'promoted')::boolean, false) as promoted, (detail->>'lists')::int as lists, (detail->>'sequences')::int as sequences,
        (detail->>'senders')::int as senders
      from activity where action in ('deactivate_member', 'inherit') and detail ? 'to' and at >= ${from} and at < ${until} order by id`.execute(
      tx,
    )
  ).rows;
