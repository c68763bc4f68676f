import type { Selectable } from 'kysely';
import { type RawBuilder, sql } from 'kysely';
import type { Tx } from '../../db/transaction.ts';
import type { Sender } from '../../db/types.ts';
import type { Context } from '../context.ts';
import { exclusionOf } from '../exclusions/queries.ts';
import type { FollowUp, NewLead, Placement } from './planner.ts';

export type SenderRow = Selectable<Sender>;

const rows = async <R>(tx: Tx, statement: RawBuilder<R>): Promise<R[]> => (await statement.execute(tx)).rows;

/** States that take a place under the cap (S3); a held message does not. */
const counted = sql.raw(`('planned', 'claimed', 'handing', 'sent', 'unknown')`);

/** A sequence and its local date: what "today" means in a statement over several zones. */
export interface Today {
  sequenceId: number;
  on: Temporal.PlainDate;
}

const todays = (days: readonly Today[]) =>
  sql`unnest(${days.map(day => day.sequenceId)}::bigint[], ${days.map(day => day.on.toString())}::date[]) as d (sequence_id, today)`;

/** Running sequences that share a sender with this one, or with one that does: they are planned together (S5). */
export const kin = async (tx: Tx, sequenceId: number): Promise<number[]> =>
  (
    await rows(
      tx,
      sql<{ id: number }>`
        with recursive kin (id) as (
          select ${sequenceId}::bigint
          union
          select other.sequence_id from kin
          join sequence_sender mine on mine.sequence_id = kin.id
          join sequence_sender other on other.sender_id = mine.sender_id
          join sequence s on s.id = other.sequence_id and s.status in ('active', 'finishing'))
        select id from kin order by id`,
    )
  ).map(row => row.id);

/** Locks the workspace's senders, in id order, so that their shared limits hold whoever plans or claims (S5). They are few. */
export const lockSenders = (tx: Tx): Promise<SenderRow[]> =>
  rows(tx, sql<SenderRow>`select * from sender order by id for no key update`);

/** Which senders each sequence gives new leads to. */
export const sendersOfAll = async (tx: Tx, sequenceIds: readonly number[]): Promise<Map<number, number[]>> => {
  const links = await tx
    .selectFrom('sequence_sender')
    .selectAll()
    .where('sequence_id', 'in', [...sequenceIds])
    .execute();
  const bySequence = Map.groupBy(links, link => link.sequence_id);
  return new Map([...bySequence].map(([id, own]) => [id, own.map(link => link.sender_id).sort((a, b) => a - b)]));
};

/** Senders that rested for a day's quota are healthy again on the next local day (D5). */
export const wakeRested = (tx: Tx, on: Temporal.PlainDate): Promise<unknown> =>
  sql`update sender set status = 'healthy', status_reason = null, rests_until = null
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

/** When each sender's messages left or will leave, from the day before `from` on; a sender's day is the date written on them. */
export const taken = (tx: Tx, from: Temporal.PlainDate) =>
  rows(
    tx,
    sql<{ senderId: number; on: string; at: Temporal.Instant }>`
      select sender_id as "senderId", planned_on as on, coalesce(handing_at, claimed_at, planned_at) as at
      from message where sender_id in (select id from sender) and planned_on >= ${from.subtract({ days: 1 })} and state in ${counted}`,
  );

/** Due follow-ups, oldest first, up to `limit` a sequence and sender, from senders that can still send. */
export const due = (tx: Tx, days: readonly (Today & { limit: number })[], senderIds: readonly number[]) =>
  rows(
    tx,
    sql<FollowUp & { sequenceId: number }>`
      select d.sequence_id as "sequenceId", e.*
      from unnest(${days.map(day => day.sequenceId)}::bigint[], ${days.map(day => day.on.toString())}::date[],
        ${days.map(day => day.limit)}::int[]) as d (sequence_id, today, places)
      cross join unnest(${senderIds}::bigint[]) as x (id)
      cross join lateral (
        select e.id as "enrollmentId", e.sender_id as "senderId", e.next_due_on as "dueOn", e.last_contact_at as "lastContactAt",
          exists (select from message t where t.sequence_id = e.sequence_id and t.planned_on = d.today and t.lead_id = e.lead_id
            and t.state in ${counted}) as touched
        from enrollment e
        where e.sequence_id = d.sequence_id and e.sender_id = x.id and e.state = 'active' and e.held_reason is null
          and e.next_due_on <= d.today
          and not exists (select from message m where m.enrollment_id = e.id and m.position = e.next_position and m.state <> 'held')
        order by e.next_due_on, e.last_contact_at, e.id limit d.places) e`,
  );

/**
 * New leads, oldest enrollment first, up to `limit` a sequence and list. The lists are found by stepping through the queue's index:
 * reading every queued row to know them cost 40 times as much with 100,000 queued.
 */
export const fresh = (tx: Tx, days: readonly { sequenceId: number; limit: number }[]) =>
  rows(
    tx,
    sql<NewLead & { sequenceId: number }>`
      with recursive d as (
        select * from unnest(${days.map(day => day.sequenceId)}::bigint[], ${days.map(day => day.limit)}::int[]) as d (sequence_id, places)),
      feed (sequence_id, places, list_id) as (
        select d.*, (select min(e.list_id) from enrollment e
          where e.sequence_id = d.sequence_id and e.state = 'queued' and e.held_reason is null) from d
        union all
        select f.sequence_id, f.places, (select min(e.list_id) from enrollment e where e.sequence_id = f.sequence_id
          and e.state = 'queued' and e.held_reason is null and e.list_id > f.list_id) from feed f where f.list_id is not null)
      select f.sequence_id as "sequenceId", e.id as "enrollmentId", f.list_id as "listId"
      from feed f cross join lateral (
        select e.id, e.enrolled_at from enrollment e
        where e.sequence_id = f.sequence_id and e.list_id = f.list_id and e.state = 'queued' and e.held_reason is null
          and not exists (select from message m where m.enrollment_id = e.id and m.position = e.next_position and m.state <> 'held')
        order by e.enrolled_at, e.id limit f.places) e
      where f.list_id is not null
      union all
      select d.sequence_id, e.id, null
      from d cross join lateral (
        select e.id, e.enrolled_at from enrollment e
        where e.sequence_id = d.sequence_id and e.list_id is null and e.state = 'queued' and e.held_reason is null
          and not exists (select from message m where m.enrollment_id = e.id and m.position = e.next_position and m.state <> 'held')
        order by e.enrolled_at, e.id limit d.places) e`,
  );

/** Writes the day's placements: new rows, and rows that were held for want of room take their new time (D1: one a step). */
export async function place(ctx: Context, on: Temporal.PlainDate, placements: readonly Placement[]): Promise<number> {
  const written = await rows(
    ctx.tx,
    sql<{ enrollment_id: number }>`
      insert into message (workspace_id, enrollment_id, sequence_id, lead_id, sender_id, version, position, first_contact, state,
        planned_on, planned_at)
      select e.workspace_id, e.id, e.sequence_id, e.lead_id, p.sender_id, e.version, e.next_position, e.contacted_at is null, 'planned',
        ${on}::date, p.at
      from unnest(${placements.map(p => p.enrollmentId)}::bigint[], ${placements.map(p => p.senderId)}::bigint[],
        ${placements.map(p => p.at)}::timestamptz[]) as p (enrollment_id, sender_id, at)
      join enrollment e on e.id = p.enrollment_id
      on conflict (enrollment_id, position) do update
        set state = 'planned', reason = null, sender_id = excluded.sender_id, version = excluded.version,
          first_contact = excluded.first_contact, planned_on = excluded.planned_on, planned_at = excluded.planned_at
        where message.state = 'held'
      returning enrollment_id`,
  );
  await sql`update enrollment e set sender_id = m.sender_id from message m
    where e.id = any(${written.map(row => row.enrollment_id)}::bigint[]) and m.enrollment_id = e.id and m.position = e.next_position
      and e.sender_id is distinct from m.sender_id`.execute(ctx.tx);
  return written.length;
}

/** Takes unsent messages off the plan, by sequence or by enrollment; those that wait held go too. Returns how many had a time. */
export const unplan = async (tx: Tx, which: { sequenceId: number } | { enrollmentIds: readonly number[] }): Promise<number> => {
  const gone = await rows(
    tx,
    'sequenceId' in which
      ? sql<{ state: string }>`delete from message where sequence_id = ${which.sequenceId} and state = 'planned' returning state`
      : sql<{ state: string }>`delete from message where enrollment_id = any(${which.enrollmentIds}::bigint[])
          and state in ('planned', 'held') returning state`,
  );
  return gone.filter(row => row.state === 'planned').length;
};

// Sending (D1–D3) ------------------------------------------------------------------------------------------------------

/** D1: a claim that ran out returns to planned; a hand-over that ran out may have left, and is unknown. Returns the unknown ones. */
export const expireLeases = async (tx: Tx, now: Temporal.Instant): Promise<number> => {
  await sql`update message set state = 'planned', claimed_at = null, lease_until = null
    where state = 'claimed' and lease_until <= ${now}`.execute(tx);
  const unknown = await rows(
    tx,
    sql<{ id: number; enrollment_id: number }>`
      update message set state = 'unknown', reason = 'lease_ran_out', lease_until = null, ended_at = ${now}
      where state = 'handing' and lease_until <= ${now} returning id, enrollment_id`,
  );
  await sql`update enrollment set state = 'active'
    where id = any(${unknown.map(row => row.enrollment_id)}::bigint[]) and state = 'queued'`.execute(tx);
  return unknown.length;
};

/** Sequences with a message whose time has come. */
export const dueSequences = async (tx: Tx, now: Temporal.Instant): Promise<number[]> =>
  (
    await rows(
      tx,
      sql<{
        id: number;
      }>`select distinct sequence_id as id from message where state = 'planned' and planned_at <= ${now} order by 1`,
    )
  ).map(row => row.id);

export interface SendingDay extends Today {
  isSending: boolean;
  isOpen: boolean;
}

/** Holds what came too late or whose sequence or sender stopped, with its reason; planning gives it another time (D3). */
export const holdUnready = async (tx: Tx, days: readonly SendingDay[], now: Temporal.Instant): Promise<number[]> =>
  (
    await rows(
      tx,
      sql<{ sequence_id: number }>`
        update message m
        set state = 'held', reason = case when not d.is_sending then 'sequence_not_sending'
          when m.planned_on < d.today or not d.is_open then 'window_closed' else 'sender_not_healthy' end
        from unnest(${days.map(day => day.sequenceId)}::bigint[], ${days.map(day => day.on.toString())}::date[],
          ${days.map(day => day.isSending)}::bool[], ${days.map(day => day.isOpen)}::bool[])
          as d (sequence_id, today, is_sending, is_open), sender x
        where m.sequence_id = d.sequence_id and x.id = m.sender_id and m.state = 'planned' and m.planned_at <= ${now}
          and (not d.is_sending or not d.is_open or m.planned_on < d.today or x.status <> 'healthy')
        returning m.sequence_id`,
    )
  ).map(row => row.sequence_id);

export interface Candidate {
  id: number;
  sequenceId: number;
  senderId: number;
  leadId: number;
  on: string;
}

/** Due messages of senders whose gap has passed, oldest time first. */
export const candidates = (
  tx: Tx,
  sequenceIds: readonly number[],
  senderIds: readonly number[],
  now: Temporal.Instant,
  limit: number,
) =>
  rows(
    tx,
    sql<Candidate>`
      select id, sequence_id as "sequenceId", sender_id as "senderId", lead_id as "leadId", planned_on as on from message
      where state = 'planned' and planned_at <= ${now} and sequence_id = any(${sequenceIds}::bigint[])
        and sender_id = any(${senderIds}::bigint[])
      order by planned_at, id limit ${limit} for update skip locked`,
  );

/** Leads that each sequence touched today: what the cap has been used for (D2). */
export const touched = (tx: Tx, days: readonly Today[]) =>
  rows(
    tx,
    sql<{ sequenceId: number; leadId: number }>`
      select distinct m.sequence_id as "sequenceId", m.lead_id as "leadId"
      from message m join ${todays(days)} on m.sequence_id = d.sequence_id and m.planned_on = d.today
      where m.state in ('claimed', 'handing', 'sent', 'unknown')`,
  );

/** What each sender has sent on each date, and when last. */
export const sentBy = (tx: Tx, from: Temporal.PlainDate) =>
  rows(
    tx,
    sql<{ senderId: number; on: string; n: number; last: Temporal.Instant }>`
      select sender_id as "senderId", planned_on as on, count(*)::int as n, max(coalesce(handing_at, claimed_at)) as last
      from message where sender_id in (select id from sender) and planned_on >= ${from}
        and state in ('claimed', 'handing', 'sent', 'unknown') group by 1, 2`,
  );

export const claim = (tx: Tx, ids: readonly number[], now: Temporal.Instant, leaseUntil: Temporal.Instant) =>
  rows(
    tx,
    sql<Claimed>`update message set state = 'claimed', claimed_at = ${now}, lease_until = ${leaseUntil}
      where id = any(${ids}::bigint[]) and state = 'planned'
      returning id, sequence_id as "sequenceId", sender_id as "senderId", enrollment_id as "enrollmentId", lead_id as "leadId",
        planned_at as "plannedAt"`,
  );

export interface Claimed {
  id: number;
  sequenceId: number;
  senderId: number;
  enrollmentId: number;
  leadId: number;
  plannedAt: Temporal.Instant;
}

/** Everything about one claimed message that the gate and the template look at; its enrollment is locked until the commit. */
export const atTheGate = async (
  tx: Tx,
  id: number,
  claimedAt: Temporal.Instant,
  on: Temporal.PlainDate,
): Promise<AtTheGate | undefined> =>
  (
    await rows(
      tx,
      sql<AtTheGate>`
        select m.id, m.position, m.version, m.planned_on as "plannedOn", m.attempts, m.mail_id as "mailId", e.state as "enrollmentState",
          l.email, l.email_status as "emailStatus", l.full_name, l.first_name, l.last_name, l.title, l.company, l.industry,
          l.person_location as location, l.company_location, l.fields, ${exclusionOf('l', on)} as exclusion,
          exists (select from enrollment r where r.workspace_id = e.workspace_id and r.lead_id = e.lead_id and r.state = 'replied'
            and r.ended_at >= e.enrolled_at) as replied,
          step.subject, step.body, coalesce(step.subject, opening.subject) as "threadSubject"
        from message m join enrollment e on e.id = m.enrollment_id join lead l on l.id = m.lead_id
        left join step on step.sequence_id = m.sequence_id and step.version = m.version and step.position = m.position
        left join step opening on opening.sequence_id = m.sequence_id and opening.version = m.version and opening.position = 1
        where m.id = ${id} and m.state = 'claimed' and m.claimed_at = ${claimedAt}
        for no key update of e, m`,
    )
  )[0];

export interface AtTheGate {
  id: number;
  position: number;
  version: number;
  plannedOn: string;
  attempts: number;
  mailId: string | null;
  enrollmentState: string;
  email: string | null;
  emailStatus: string;
  full_name: string;
  first_name: string | null;
  last_name: string | null;
  title: string | null;
  company: string | null;
  industry: string | null;
  location: string | null;
  company_location: string | null;
  fields: Record<string, string>;
  exclusion: 'excluded_person' | 'excluded_company' | null;
  replied: boolean;
  subject: string | null;
  body: string | null;
  threadSubject: string | null;
}

/** Holds a claimed message for a reason. `keepsLead` says that its lead leaves the queue until released (S3). */
export async function hold(tx: Tx, id: number, reason: string, keepsLead: boolean): Promise<void> {
  await sql`update message set state = 'held', reason = ${reason}, claimed_at = null, lease_until = null, handing_at = null
    where id = ${id}`.execute(tx);
  if (keepsLead)
    await sql`update enrollment e set held_reason = ${reason} from message m where m.id = ${id} and e.id = m.enrollment_id
      and e.state in ('queued', 'active')`.execute(tx);
}

/** X1: an excluded lead's enrollment ends, whatever else was to come. */
export const endExcluded = (tx: Tx, id: number, reason: string, now: Temporal.Instant): Promise<unknown> =>
  sql`update enrollment e set state = 'excluded', reason = ${reason}, ended_at = ${now}, next_due_on = null
    from message m where m.id = ${id} and e.id = m.enrollment_id
      and e.state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task')`.execute(tx);

export interface Letter {
  mailId: string;
  subject: string;
  body: string;
}

/** D1: committed just before the mail server is called; from here on the lead counts as contacted. */
export async function startHanding(tx: Tx, id: number, letter: Letter, now: Temporal.Instant, leaseUntil: Temporal.Instant) {
  await sql`update message set state = 'handing', handing_at = ${now}, lease_until = ${leaseUntil}, attempts = attempts + 1,
    subject = ${letter.subject}, body = ${letter.body}, mail_id = ${letter.mailId} where id = ${id}`.execute(tx);
  await sql`update enrollment e set contacted_at = coalesce(e.contacted_at, ${now}::timestamptz)
    from message m where m.id = ${id} and e.id = m.enrollment_id`.execute(tx);
}

/** Ends a hand-over of ours: it must still be in the state, and of the moment, in which we left it. */
export const endHanding = async (
  tx: Tx,
  id: number,
  handingAt: Temporal.Instant,
  to: { state: 'sent' | 'failed' | 'unknown' | 'planned' | 'held'; reason: string | null; plannedAt?: Temporal.Instant },
  now: Temporal.Instant,
): Promise<boolean> =>
  (
    await rows(
      tx,
      sql`update message set state = ${to.state}, reason = ${to.reason}, lease_until = null,
          ended_at = case when ${to.state} in ('sent', 'failed', 'unknown') then ${now}::timestamptz end,
          claimed_at = case when ${to.state} in ('planned', 'held') then null else claimed_at end,
          handing_at = case when ${to.state} in ('planned', 'held') then null else handing_at end,
          planned_at = coalesce(${to.plannedAt ?? null}::timestamptz, planned_at)
        where id = ${id} and state in ('handing', 'unknown') and handing_at = ${handingAt} returning id`,
    )
  ).length > 0;

/**
 * E3: first contact makes it active; the next step is due its calendar days later, or the run is complete (S4). A run that was paused
 * meanwhile stays so; one that ended keeps its end, and remembers the contact.
 */
export const advance = async (
  tx: Tx,
  id: number,
  on: Temporal.PlainDate,
  now: Temporal.Instant,
): Promise<{ dueOn: string | null }> =>
  (
    await rows(
      tx,
      sql<{ dueOn: string | null }>`
        with step_sent as (
          select m.enrollment_id, after.delay_days, after.position is null as is_last,
            e.state in ('queued', 'active', 'paused', 'waiting_on_task') as is_live
          from message m join enrollment e on e.id = m.enrollment_id left join step after
            on after.sequence_id = m.sequence_id and after.version = m.version and after.position = m.position + 1
          where m.id = ${id})
        update enrollment e
        set last_contact_at = ${now}, next_position = e.next_position + 1,
          state = case when not is_live then e.state when is_last then 'completed' when e.state = 'queued' then 'active' else e.state end,
          next_due_on = case when is_live then ${on}::date + delay_days end,
          ended_at = case when is_live and is_last then ${now}::timestamptz else e.ended_at end
        from step_sent where e.id = step_sent.enrollment_id
        returning e.next_due_on as "dueOn"`,
    )
  )[0] ?? { dueOn: null };

/** Whether it left is not known: the lead counts as contacted and waits for a human (D2). */
export const waitUnknown = (tx: Tx, id: number): Promise<unknown> =>
  sql`update enrollment e set state = 'active' from message m
    where m.id = ${id} and e.id = m.enrollment_id and e.state = 'queued'`.execute(tx);

/** It did not leave: a lead that nothing else reached is not contacted after all. */
export const notContacted = (tx: Tx, id: number): Promise<unknown> =>
  sql`update enrollment e set contacted_at = null from message m
    where m.id = ${id} and e.id = m.enrollment_id and m.first_contact and e.last_contact_at is null`.execute(tx);

/** D5: the address does not exist; the run ends, and the lead's address is marked. */
export async function bounce(tx: Tx, id: number, now: Temporal.Instant): Promise<void> {
  await sql`update enrollment e set state = 'bounced', reason = 'bad_address', ended_at = ${now}, next_due_on = null
    from message m where m.id = ${id} and e.id = m.enrollment_id
      and e.state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task')`.execute(tx);
  await sql`update lead l set email_status = 'bounced', updated_at = ${now} from message m
    where m.id = ${id} and l.id = m.lead_id`.execute(tx);
}

export const setSender = (
  tx: Tx,
  id: number,
  change: { status?: string; status_reason?: string; rests_until?: string; started_on?: string },
): Promise<unknown> => tx.updateTable('sender').set(change).where('id', '=', id).execute();
