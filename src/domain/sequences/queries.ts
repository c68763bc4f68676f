import { type RawBuilder, sql } from 'kysely';
import type { Tx } from '../../db/transaction.ts';
import type { Context } from '../context.ts';
import type { SequenceRow, SharedSender } from './rules.ts';

export interface StepRow {
  position: number;
  kind: string;
  /** Of a task. */
  title: string | null;
  delay_days: number;
  subject: string | null;
  body: string;
}

export interface SenderRow extends SharedSender {
  id: number;
  name: string;
  address: string;
  status: string;
  transport: string;
}

const rows = async <R>(tx: Tx, statement: RawBuilder<R>): Promise<R[]> => (await statement.execute(tx)).rows;

export const all = (tx: Tx): Promise<SequenceRow[]> => tx.selectFrom('sequence').selectAll().orderBy('id').execute();

/**
 * Locks sequences, in id order, against whoever plans, claims or changes them; inserts that only refer to them go on.
 * Locks are taken in this order everywhere: mailboxes, sequences, senders, enrollments, messages.
 */
export const lockAll = (tx: Tx, ids: readonly number[]): Promise<SequenceRow[]> =>
  rows(tx, sql<SequenceRow>`select * from sequence where id = any(${ids}::bigint[]) order by id for no key update`);

export const stepsOf = (tx: Tx, sequenceId: number, version: number): Promise<StepRow[]> =>
  tx
    .selectFrom('step')
    .select(['position', 'kind', 'title', 'delay_days', 'subject', 'body'])
    .where('sequence_id', '=', sequenceId)
    .where('version', '=', version)
    .orderBy('position')
    .execute();

/** How many steps the newest version of each sequence has. */
export const stepCounts = async (tx: Tx, ids: readonly number[]): Promise<Map<number, number>> =>
  new Map(
    (
      await rows(
        tx,
        sql<{ id: number; n: number }>`select s.id, count(*)::int as n from sequence s
          join step on step.sequence_id = s.id and step.version = s.version where s.id = any(${ids}::bigint[]) group by 1`,
      )
    ).map(row => [row.id, row.n]),
  );

/** Those of the sequences whose newest version is made of manual tasks alone, and so needs no sender. */
export const onlyTasks = async (tx: Tx, ids: readonly number[]): Promise<Set<number>> =>
  new Set(
    (
      await rows(
        tx,
        sql<{ id: number }>`select s.id from sequence s join step on step.sequence_id = s.id and step.version = s.version
          where s.id = any(${ids}::bigint[]) group by s.id having bool_and(step.kind = 'task')`,
      )
    ).map(row => row.id),
  );

/** The senders of sequences, each with what the other running sequences that share it want of it a day (S5). */
export const sendersOf = (tx: Tx, sequenceIds: readonly number[]): Promise<(SenderRow & { sequenceId: number })[]> =>
  rows(
    tx,
    sql<SenderRow & { sequenceId: number }>`
      select ss.sequence_id as "sequenceId", x.id, x.name, x.address, x.status, x.transport, x.daily_limit, x.min_gap_minutes, x.ramp_start,
        x.ramp_step, x.ramp_every, x.sending_days, x.last_sent_on,
        coalesce((
          select jsonb_agg(o.daily_cap::float8 / (select count(*) from sequence_sender n where n.sequence_id = o.id) order by o.id)
          from sequence_sender os join sequence o on o.id = os.sequence_id
          where os.sender_id = x.id and o.id <> ss.sequence_id and o.status in ('active', 'finishing')), '[]'::jsonb) as "othersWant"
      from sequence_sender ss join sender x on x.id = ss.sender_id
      where ss.sequence_id = any(${sequenceIds}::bigint[]) order by ss.sequence_id, x.id`,
  );

export interface NewStep {
  kind: 'email' | 'task';
  title: string | null;
  subject: string | null;
  body: string;
  delayDays: number;
}

export const insertSteps = (ctx: Context, sequenceId: number, version: number, steps: readonly NewStep[]): Promise<unknown> =>
  ctx.tx
    .insertInto('step')
    .values(
      steps.map((step, index) => ({
        workspace_id: ctx.workspace.id,
        sequence_id: sequenceId,
        version,
        position: index + 1,
        kind: step.kind,
        title: step.title,
        delay_days: step.delayDays,
        subject: step.subject,
        body: step.body,
      })),
    )
    .execute();

export const setSenders = async (ctx: Context, sequenceId: number, senderIds: readonly number[]): Promise<void> => {
  await ctx.tx.deleteFrom('sequence_sender').where('sequence_id', '=', sequenceId).execute();
  if (senderIds.length)
    await sql`insert into sequence_sender (sequence_id, sender_id, workspace_id)
      select ${sequenceId}, id, ${ctx.workspace.id} from unnest(${senderIds}::bigint[]) as id`.execute(ctx.tx);
};

/**
 * Unsent steps of live enrollments of versions after `above` go over to a later one where that still has a step for them; what could
 * not be written gets another try (S7). By ids, or whoever is due first, first. Returns ids, at most `limit`, in order.
 */
export const moveSteps = async (
  tx: Tx,
  { sequenceId, version, above }: { sequenceId: number; version: number; above: number },
  { limit, order, after = 0 }: { limit: number; order: 'due' | 'id'; after?: number },
): Promise<number[]> =>
  (
    await rows(
      tx,
      sql<{ id: number }>`
        with chosen as materialized (
          select id from enrollment where sequence_id = ${sequenceId} and version > ${above} and version < ${version} and id > ${after}
            and state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task')
            and next_position <= (select count(*) from step where sequence_id = ${sequenceId} and version = ${version})
          order by ${order === 'due' ? sql`next_due_on,` : sql``} id limit ${limit}),
        locked as materialized (
          select id from enrollment where id = any(array(select id from chosen)) order by id for no key update)
        update enrollment e
        set version = ${version}, held_reason = case
            when e.held_reason in ('missing_variable', 'template_error', 'empty_message') then null else e.held_reason end
        from locked where e.id = locked.id returning e.id`,
    )
  )
    .map(row => row.id)
    .sort((a, b) => a - b);

/** Live enrollments that move to a version of so many steps (null: as many as it has), and those that stay on an older one (S7). */
export const groupsAt = async (
  tx: Tx,
  sequenceId: number,
  { version, steps }: { version: number; steps: number | null },
): Promise<{ moving: number; keeping: number }> =>
  (
    await rows(
      tx,
      sql<{ moving: number; keeping: number }>`
        with size as (select coalesce(${steps}::int,
          (select count(*)::int from step where sequence_id = ${sequenceId} and version = ${version})) as n)
        select count(*) filter (where next_position <= size.n)::int as moving,
          count(*) filter (where next_position > size.n)::int as keeping
        from enrollment, size where sequence_id = ${sequenceId} and version < ${version}
          and state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task')`,
    )
  )[0]!;

export interface Overdue {
  /** Days since the last message: up to 7, up to 21, more. */
  upTo7: number;
  upTo21: number;
  older: number;
  total: number;
}

/** Whose next step was due before today, by the age of their last message (S9). */
export const overdue = async (tx: Tx, sequenceId: number, on: Temporal.PlainDate, now: Temporal.Instant): Promise<Overdue> =>
  (
    await rows(
      tx,
      sql<Overdue>`
        select count(*) filter (where age <= interval '7 days')::int as "upTo7",
          count(*) filter (where age > interval '7 days' and age <= interval '21 days')::int as "upTo21",
          count(*) filter (where age > interval '21 days')::int as older, count(*)::int as total
        from (select ${now}::timestamptz - last_contact_at as age from enrollment
          where sequence_id = ${sequenceId} and state = 'active' and next_due_on < ${on}) as late`,
    )
  )[0]!;

/** Ends up to `limit` of those whose last message is older than 21 days (S9). Returns how many. */
export const endStale = async (
  tx: Tx,
  sequenceId: number,
  { on, now, limit }: { on: Temporal.PlainDate; now: Temporal.Instant; limit: number },
): Promise<number> =>
  (
    await rows(
      tx,
      sql<{ id: number }>`
        update enrollment set state = 'stopped', reason = 'stale', ended_at = ${now}, next_due_on = null, held_reason = null
        where id = any(array(
          select id from enrollment where sequence_id = ${sequenceId} and state = 'active' and next_due_on < ${on}
            and last_contact_at < ${now}::timestamptz - interval '21 days' order by id limit ${limit} for update))
        returning id`,
    )
  ).length;

/** Members of linked lists that are neither enrolled here nor skipped for the life of their link (S9). */
export const notEnrolled = async (tx: Tx, sequenceId: number): Promise<number> =>
  (
    await rows(
      tx,
      sql<{ n: number }>`
        select count(distinct m.lead_id)::int as n
        from link l join membership m on m.list_id = l.list_id and m.removed_at is null
        where l.sequence_id = ${sequenceId} and l.ended_at is null
          and not exists (select from enrollment e where e.workspace_id = m.workspace_id and e.lead_id = m.lead_id
            and e.sequence_id = l.sequence_id and not (e.state = 'withdrawn' and e.reason is distinct from 'review_expired'
              or e.state in ('refused', 'stopped') and e.reason is not distinct from 'taken_back'))
          and not exists (select from skip s where s.link_id = l.id and s.lead_id = m.lead_id and not s.retry)`,
    )
  )[0]!.n;

/** S1: a finishing sequence whose last live enrollment has ended becomes inactive. Returns whether it did. */
export const settle = async (tx: Tx, sequenceId: number, now: Temporal.Instant): Promise<boolean> =>
  (
    await rows(
      tx,
      sql`update sequence s set status = 'inactive', next_day_at = null, paused_at = ${now}
        where s.id = ${sequenceId} and s.status = 'finishing' and not exists (
          select from enrollment e where e.sequence_id = s.id
            and e.state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task'))
        returning s.id`,
    )
  ).length > 0;

/** What a sequence looks like at a glance. Dates and instants as ISO text. */
export interface Glance {
  id: number;
  name: string;
  owner: string;
  status: string;
  mode: string;
  dailyCap: number;
  version: number;
  steps: number;
  /** By state. */
  enrolled: Record<string, number>;
  contactedToday: number;
  plannedToday: number;
  nextSendAt: string | null;
  inReview: number;
  oldestReviewAt: string | null;
  /** Why people wait, by reason. */
  held: Record<string, number>;
  /** Of those held for an empty variable: by variable (S8). */
  emptyVariables: Record<string, number>;
  lists: string[];
  inflowPerWeek: number;
}

/**
 * One row a sequence, all in one statement. `days` are the local dates on which each one's today counts.
 * A list's inflow is what its monitoring orders: a daily order counts seven times a week, on weekdays five.
 */
export const glances = (tx: Tx, days: readonly { id: number; on: Temporal.PlainDate }[]): Promise<Glance[]> =>
  rows(
    tx,
    sql<Glance>`
      with day as (select * from unnest(${days.map(day => day.id)}::bigint[], ${days.map(day => day.on.toString())}::date[]) as d (id, today)),
      counted as (
        select sequence_id, state, held_reason, count(*)::int as n, min(enrolled_at) as oldest from enrollment
        where sequence_id = any(${days.map(day => day.id)}::bigint[]) group by 1, 2, 3),
      people as (
        select sequence_id, jsonb_object_agg(state, n) as by_state, min(oldest) filter (where state = 'in_review') as oldest_review
        from (select sequence_id, state, sum(n)::int as n, min(oldest) as oldest from counted group by 1, 2) as each group by 1),
      holds as (
        select sequence_id, jsonb_object_agg(held_reason, n) as by_reason
        from (select sequence_id, held_reason, sum(n)::int as n from counted
          where held_reason is not null and state in ('queued', 'active') group by 1, 2) as each group by 1),
      empties as (
        select sequence_id, jsonb_object_agg(detail, n) as by_variable
        from (select m.sequence_id, m.detail, count(*)::int as n from enrollment e
          join message m on m.enrollment_id = e.id and m.position = e.next_position and m.state = 'held' and m.detail is not null
          where e.sequence_id = any(${days.map(day => day.id)}::bigint[]) and e.held_reason = 'missing_variable'
            and e.state in ('queued', 'active') group by 1, 2) as each group by 1),
      today as (
        select m.sequence_id, count(distinct m.lead_id) filter (where m.state in ('handing', 'sent', 'unknown'))::int as contacted,
          count(distinct m.lead_id) filter (where m.state in ('planned', 'claimed'))::int as planned,
          min(m.planned_at) filter (where m.state = 'planned') as next_at
        from message m join day on day.id = m.sequence_id and m.planned_on = day.today group by 1),
      feeds as (
        select l.sequence_id, jsonb_agg(li.name order by li.name) as lists,
          sum(case mo.cadence when 'daily' then 7 when 'weekdays' then 5 when 'weekly' then 1 else 0 end * coalesce(mo.amount, 0))::int as inflow
        from link l join list li on li.id = l.list_id left join monitoring mo on mo.list_id = l.list_id
        where l.ended_at is null group by 1)
      select s.id, s.name, o.name as owner, s.status, s.mode, s.daily_cap as "dailyCap", s.version,
        (select count(*)::int from step where step.sequence_id = s.id and step.version = s.version) as steps,
        coalesce(people.by_state, '{}') as enrolled, coalesce(today.contacted, 0) as "contactedToday",
        coalesce(today.planned, 0) as "plannedToday", to_char(today.next_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "nextSendAt",
        coalesce((people.by_state ->> 'in_review')::int, 0) as "inReview",
        to_char(people.oldest_review at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "oldestReviewAt",
        coalesce(holds.by_reason, '{}') as held, coalesce(empties.by_variable, '{}') as "emptyVariables", coalesce(feeds.lists, '[]') as lists, coalesce(feeds.inflow, 0) as "inflowPerWeek"
      from day join sequence s on s.id = day.id join member o on o.id = s.owner_id
      left join people on people.sequence_id = s.id left join holds on holds.sequence_id = s.id left join empties on empties.sequence_id = s.id
      left join today on today.sequence_id = s.id left join feeds on feeds.sequence_id = s.id
      order by s.id`,
  );

/** The next sends that are planned, with their lead, step and sender. */
export const nextSends = (tx: Tx, sequenceId: number, limit: number) =>
  rows(
    tx,
    sql<{ at: string; lead: string; company: string | null; position: number; sender: string | null }>`
      select to_char(m.planned_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as at, l.full_name as lead, l.company,
        m.position, x.address as sender
      from message m join lead l on l.id = m.lead_id left join sender x on x.id = m.sender_id
      where m.sequence_id = ${sequenceId} and m.state = 'planned' order by m.planned_at, m.id limit ${limit}`,
  );
