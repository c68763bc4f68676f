import type { Selectable } from 'kysely';
import { type RawBuilder, sql } from 'kysely';
import type { Tx } from '../../db/transaction.ts';
import type { Sender } from '../../db/types.ts';
import type { Context } from '../context.ts';
import type { FollowUp, NewLead, Placement } from './planner.ts';

export type SenderRow = Selectable<Sender>;

export const rows = async <R>(tx: Tx, statement: RawBuilder<R>): Promise<R[]> => (await statement.execute(tx)).rows;

/** States that take a place under the cap (S3); a held message does not. */
const counted = sql.raw(`('planned', 'claimed', 'handing', 'sent', 'unknown')`);

/** A sequence and its local date: what "today" means in a statement over several zones. */
export interface Today {
  sequenceId: number;
  on: Temporal.PlainDate;
}

export const todays = (days: readonly Today[]) =>
  sql`unnest(${days.map(day => day.sequenceId)}::bigint[], ${days.map(day => day.on.toString())}::date[]) as d (sequence_id, today)`;

/** These sequences and the running ones that share a sender with them, or with one that does (S5); in id order. */
export const kin = async (tx: Tx, sequenceIds: readonly number[]): Promise<number[]> =>
  (
    await rows(
      tx,
      sql<{ id: number }>`
        with recursive kin (id, is_sender) as (
          select unnest(${sequenceIds}::bigint[]), false
          union
          select next.* from kin cross join lateral (
            select ss.sender_id, true from sequence_sender ss where not kin.is_sender and ss.sequence_id = kin.id
            union all
            select s.id, false from sequence_sender ss join sequence s on s.id = ss.sequence_id and s.status in ('active', 'finishing')
            where kin.is_sender and ss.sender_id = kin.id) next)
        select id from kin where not is_sender order by id`,
    )
  ).map(row => row.id);

/** Sequences that have begun their day and wait to be planned, in id order. */
export const awaitingPlan = async (tx: Tx): Promise<number[]> =>
  (await rows(tx, sql<{ id: number }>`select id from sequence where awaits_plan order by id`)).map(row => row.id);

/** Call it with the sequences locked. */
export const setAwaitsPlan = (tx: Tx, sequenceIds: readonly number[], awaits: boolean): Promise<unknown> =>
  sql`update sequence set awaits_plan = ${awaits} where id = any(${sequenceIds}::bigint[]) and awaits_plan <> ${awaits}`.execute(
    tx,
  );

/** Locks the workspace's senders, in id order, so that their shared limits hold whoever plans or claims (S5). They are few. */
export const lockSenders = (tx: Tx): Promise<SenderRow[]> =>
  rows(tx, sql<SenderRow>`select * from sender order by id for no key update`);

/** Which senders each sequence gives new leads to. */
export const sendersOfAll = async (tx: Tx, sequenceIds: readonly number[]): Promise<Map<number, number[]>> => {
  const links = await tx
    .selectFrom('sequence_sender')
    .selectAll()
    .where('sequence_id', '=', sql<number>`any(${sequenceIds}::bigint[])`)
    .execute();
  const bySequence = Map.groupBy(links, link => link.sequence_id);
  return new Map([...bySequence].map(([id, own]) => [id, own.map(link => link.sender_id).sort((a, b) => a - b)]));
};

/** Senders that rested for a day's quota are healthy again on the next local day (D5). */
export const wakeRested = (tx: Tx, on: Temporal.PlainDate): Promise<unknown> =>
  sql`update sender set status = 'healthy', status_code = null, status_reason = null, rests_until = null
    where status = 'resting' and rests_until < ${on}`.execute(tx);

/** Messages of earlier days that never left wait for planning again (S3, D3). */
export const holdLate = (tx: Tx, days: readonly Today[]): Promise<unknown> =>
  sql`update message m set state = 'held', reason = 'window_closed' from ${todays(days)}
    where m.sequence_id = d.sequence_id and m.state = 'planned' and m.planned_on < d.today`.execute(tx);

/** Different leads that today touches, and first contacts by list, a sequence (S3). */
export const used = (tx: Tx, days: readonly Today[]) =>
  rows(
    tx,
    sql<{ sequenceId: number; leads: number; listId: number | null; first: number }>`
      select m.sequence_id as "sequenceId", e.list_id as "listId", count(distinct m.lead_id)::int as leads,
        count(*) filter (where m.first_contact)::int as first
      from message m join ${todays(days)} on m.sequence_id = d.sequence_id and m.planned_on = d.today
      join enrollment e on e.id = m.enrollment_id
      where m.state in ${counted} group by 1, 2`,
  );

/**
 * Which senders the people under way in each sequence are written to from; some may be none of its senders any more. They are found by
 * stepping through the index of what is due.
 */
export const writers = (tx: Tx, sequenceIds: readonly number[]) =>
  rows(
    tx,
    sql<{ sequenceId: number; senderId: number }>`
      with recursive writer (sequence_id, sender_id) as (
        select s.id, (select min(e.sender_id) from enrollment e where e.sequence_id = s.id and e.state = 'active' and e.held_reason is null)
        from unnest(${sequenceIds}::bigint[]) as s (id)
        union all
        select w.sequence_id, (select min(e.sender_id) from enrollment e where e.sequence_id = w.sequence_id and e.state = 'active'
          and e.held_reason is null and e.sender_id > w.sender_id) from writer w where w.sender_id is not null)
      select sequence_id as "sequenceId", sender_id as "senderId" from writer where sender_id is not null`,
  );

/** When messages of these senders left or will leave, from the day before `from` on; a sender's day is the date written on them. */
export const taken = (tx: Tx, from: Temporal.PlainDate, senderIds: readonly number[]) =>
  rows(
    tx,
    sql<{ senderId: number; on: string; at: Temporal.Instant }>`
      select sender_id as "senderId", planned_on as on, coalesce(handing_at, claimed_at, planned_at) as at
      from message where sender_id = any(${senderIds}::bigint[]) and planned_on >= ${from.subtract({ days: 1 })} and state in ${counted}`,
  );

/** SQL: is the next step of the enrollment under `e` a manual task? */
const nextIsTask = sql<boolean>`exists (select from step t where t.sequence_id = e.sequence_id and t.version = e.version
  and t.position = e.next_position and t.kind = 'task')`;

/**
 * SQL: the next step of the enrollment under `e` has no row yet, or one that waits to be planned again. `offset 0` has it asked row by row:
 * statistics lag behind a day that was just planned, and a join then read all its messages for each, 14 s instead of 0.1 s.
 */
const unplanned = sql<boolean>`not exists (select from message m where m.enrollment_id = e.id and m.position = e.next_position
  and m.state <> 'held' offset 0)`;

const followUp = sql`e.id as "enrollmentId", e.sender_id as "senderId", e.next_due_on as "dueOn", e.last_contact_at as "lastContactAt",
  exists (select from message t where t.sequence_id = e.sequence_id and t.planned_on = d.today and t.lead_id = e.lead_id
    and t.state in ${counted}) as touched,
  e.contacted_at is null as "isFirst",
  case when e.contacted_at is null then (select l.company_domain from lead l where l.id = e.lead_id) end as company`;

/**
 * Due follow-ups, oldest first, up to `limit` a sequence and sender, of the pairs that can still send; and due tasks and messages of
 * people whom no sender has written to yet, of the sequences that have tasks at all.
 */
export const due = (
  tx: Tx,
  days: readonly (Today & { limit: number })[],
  pairs: readonly { sequenceId: number; senderId: number }[],
) =>
  rows(
    tx,
    sql<FollowUp & { sequenceId: number }>`
      with d as (
        select d.*, exists (select from step where step.sequence_id = d.sequence_id and step.kind = 'task') as has_tasks
        from unnest(${days.map(day => day.sequenceId)}::bigint[], ${days.map(day => day.on.toString())}::date[],
          ${days.map(day => day.limit)}::int[]) as d (sequence_id, today, places))
      select d.sequence_id as "sequenceId", e.*
      from d join unnest(${pairs.map(pair => pair.sequenceId)}::bigint[], ${pairs.map(pair => pair.senderId)}::bigint[])
        as x (sequence_id, id) on x.sequence_id = d.sequence_id
      cross join lateral (
        select ${followUp}, false as "isTask" from enrollment e
        where e.sequence_id = d.sequence_id and e.sender_id = x.id and e.state = 'active' and e.held_reason is null
          and e.next_due_on <= d.today and ${unplanned} and not (d.has_tasks and ${nextIsTask})
        order by e.next_due_on, e.last_contact_at, e.id limit d.places) e
      union all
      select d.sequence_id, e.*
      from d cross join lateral (
        select ${followUp}, ${nextIsTask} as "isTask" from enrollment e
        where e.sequence_id = d.sequence_id and e.state = 'active' and e.held_reason is null
          and e.next_due_on <= d.today and ${unplanned} and (e.sender_id is null or ${nextIsTask})
        order by e.next_due_on, e.last_contact_at, e.id limit d.places) e
      where d.has_tasks`,
  );

/** Whose new leads are looked for, and how many a list; `family` says which of the companies that were passed count for it. */
export interface Looking {
  sequenceId: number;
  limit: number;
  family: number;
}

/**
 * New leads, oldest enrollment first, up to `limit` a sequence and list, without those of the companies in `full`, or of those that the
 * family has passed (S10). The lists are found by stepping through the queue's index: reading every queued row to know them cost 40 times
 * as much with 100,000 queued.
 */
export const fresh = (
  tx: Tx,
  days: readonly Looking[],
  { full, passed }: { full: readonly string[]; passed: readonly { family: number; company: string }[] },
) => {
  const line = (of: string) => sql`
    select e.id, ${nextIsTask} as is_task, l.company_domain as company from enrollment e
    cross join lateral (select company_domain from lead where lead.id = e.lead_id offset 0) l
    where e.sequence_id = ${sql.ref(`${of}.sequence_id`)} and e.state = 'queued' and e.held_reason is null and ${unplanned}
      and (l.company_domain is null or l.company_domain <> all(${full}::text[])
        and (${sql.ref(`${of}.family`)}, l.company_domain) not in (select * from
          unnest(${passed.map(row => row.family)}::int[], ${passed.map(row => row.company)}::text[])))`;
  return rows(
    tx,
    sql<NewLead & { sequenceId: number }>`
      with recursive d as (
        select * from unnest(${days.map(day => day.sequenceId)}::bigint[], ${days.map(day => day.limit)}::int[],
          ${days.map(day => day.family)}::int[]) as d (sequence_id, places, family)),
      feed (sequence_id, places, family, list_id) as (
        select d.*, (select min(e.list_id) from enrollment e
          where e.sequence_id = d.sequence_id and e.state = 'queued' and e.held_reason is null) from d
        union all
        select f.sequence_id, f.places, f.family, (select min(e.list_id) from enrollment e where e.sequence_id = f.sequence_id
          and e.state = 'queued' and e.held_reason is null and e.list_id > f.list_id) from feed f where f.list_id is not null)
      select f.sequence_id as "sequenceId", e.id as "enrollmentId", f.list_id as "listId", e.is_task as "isTask", e.company
      from feed f cross join lateral (
        ${line('f')} and e.list_id = f.list_id order by e.enrolled_at, e.id limit f.places) e
      where f.list_id is not null
      union all
      select d.sequence_id, e.id, null, e.is_task, e.company
      from d cross join lateral (${line('d')} and e.list_id is null order by e.enrolled_at, e.id limit d.places) e`,
  );
};

/** Locks enrollments before their messages, in id order, as everybody does. */
export const lockEnrollments = (tx: Tx, ids: readonly number[]): Promise<unknown> =>
  sql`select from enrollment where id = any(${ids}::bigint[]) order by id for no key update`.execute(tx);

/** Writes the day's placements: new rows, and rows that were held for want of room take their new time (D1: one a step). */
export async function place(ctx: Context, on: Temporal.PlainDate, placements: readonly Placement[]): Promise<number> {
  await lockEnrollments(
    ctx.tx,
    placements.map(p => p.enrollmentId),
  );
  const written = await rows(
    ctx.tx,
    sql<{ enrollmentId: number; senderId: number | null }>`
      insert into message (workspace_id, enrollment_id, sequence_id, lead_id, sender_id, kind, version, position, first_contact,
        company, state, planned_on, planned_at)
      select e.workspace_id, e.id, e.sequence_id, e.lead_id, p.sender_id, case when p.sender_id is null then 'task' else 'email' end,
        e.version, e.next_position, e.contacted_at is null,
        case when e.contacted_at is null then (select company_domain from lead where lead.id = e.lead_id) end,
        'planned', ${on}::date, p.at
      from unnest(${placements.map(p => p.enrollmentId)}::bigint[], ${placements.map(p => p.senderId)}::bigint[],
        ${placements.map(p => p.at)}::timestamptz[]) as p (enrollment_id, sender_id, at)
      join enrollment e on e.id = p.enrollment_id and e.state in ('queued', 'active') and e.held_reason is null
      on conflict (enrollment_id, position) do update
        set state = 'planned', reason = null, detail = null, sender_id = excluded.sender_id, kind = excluded.kind,
          version = excluded.version, first_contact = excluded.first_contact, company = excluded.company, planned_on = excluded.planned_on, planned_at = excluded.planned_at
        where message.state = 'held'
      returning enrollment_id as "enrollmentId", sender_id as "senderId"`,
  );
  await sql`update enrollment e set sender_id = p.sender_id
    from unnest(${written.map(row => row.enrollmentId)}::bigint[], ${written.map(row => row.senderId)}::bigint[]) as p (id, sender_id)
    where e.id = p.id and p.sender_id is not null and e.sender_id is distinct from p.sender_id`.execute(ctx.tx);
  return written.length;
}

/**
 * Takes unsent messages off the plan, by sequence or by enrollment; of an enrollment, those that wait held and its open task go too.
 * One that was handed over before, put off or sent again, keeps its row: a copy may be out, with its Message-ID and its opt-out link.
 * Returns how many had a time.
 */
export const unplan = async (tx: Tx, which: { sequenceId: number } | { enrollmentIds: readonly number[] }): Promise<number> => {
  const those =
    'sequenceId' in which
      ? sql`sequence_id = ${which.sequenceId} and state = 'planned'`
      : sql`enrollment_id = any(${which.enrollmentIds}::bigint[]) and (state in ('planned', 'held') or kind = 'task' and state = 'claimed')`;
  const gone = await rows(
    tx,
    sql<{ state: string }>`
      with kept as (
        update message set state = 'held', reason = coalesce(reason, 'handed_before')
        where ${those} and state = 'planned' and mail_id is not null returning 'planned' as state),
      deleted as (delete from message where ${those} and mail_id is null returning state)
      select state from kept union all select state from deleted`,
  );
  return gone.filter(row => row.state === 'planned').length;
};
