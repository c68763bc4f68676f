import { sql } from 'kysely';
import type { Tx } from '../../db/transaction.ts';
import { exclusionOf } from '../exclusions/queries.ts';
import type { SequenceRow } from '../sequences/rules.ts';
import type { Person } from '../sequences/templates.ts';
import type { Letter } from './letter.ts';
import { lockEnrollments, rows, type SenderRow, type Today, todays } from './queries.ts';

/** The SQL of sending: claim, gate, hand-over, outcome (D1–D3). */

/** D1: a claim that ran out returns to planned; a hand-over that ran out may have left, and is unknown. Returns the unknown ones. */
export const expireLeases = async (tx: Tx, now: Temporal.Instant): Promise<number> => {
  await sql`update message set state = 'planned', claimed_at = null, lease_until = null
    where state = 'claimed' and lease_until <= ${now}`.execute(tx);
  const late = await rows(
    tx,
    sql<{ enrollment_id: number }>`select enrollment_id from message where state = 'handing' and lease_until <= ${now}`,
  );
  await lockEnrollments(
    tx,
    late.map(row => row.enrollment_id),
  );
  const unknown = await rows(
    tx,
    sql<{ enrollment_id: number }>`
      update message set state = 'unknown', reason = 'lease_ran_out', lease_until = null, ended_at = ${now}
      where state = 'handing' and lease_until <= ${now} and enrollment_id = any(${late.map(row => row.enrollment_id)}::bigint[])
      returning enrollment_id`,
  );
  await sql`update enrollment set state = 'active'
    where id = any(${unknown.map(row => row.enrollment_id)}::bigint[]) and state = 'queued'`.execute(tx);
  return unknown.length;
};

/**
 * A sequence and a sender as they stay until this transaction ends: nobody pauses, edits, plans or claims meanwhile, and others who are
 * at the gate or record an outcome go on beside it. Locks are shared: with the claims' own, hand-overs of one sequence took turns
 * (33 messages a second over a server that takes 100 ms).
 */
export const standing = async (tx: Tx, { sequenceId, senderId }: Pick<Claimed, 'sequenceId' | 'senderId'>) => {
  const sequence = await sequenceStanding(tx, sequenceId);
  const [sender] = await rows(tx, sql<SenderRow>`select * from sender where id = ${senderId} for share`);
  return { sequence, sender: sender! };
};

export const sequenceStanding = async (tx: Tx, id: number): Promise<SequenceRow> =>
  (await rows(tx, sql<SequenceRow>`select * from sequence where id = ${id} for share`))[0]!;

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
  /** Of a first contact: the company that it counts on (S10). */
  company: string | null;
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
      select id, sequence_id as "sequenceId", sender_id as "senderId", lead_id as "leadId", planned_on as on,
        case when first_contact then company end as company
      from message
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

/** Claims that their worker still means to hand over stay its own. */
export const renew = (
  tx: Tx,
  ids: readonly number[],
  claimedAt: Temporal.Instant,
  leaseUntil: Temporal.Instant,
): Promise<unknown> =>
  sql`update message set lease_until = ${leaseUntil}
    where id = any(${ids}::bigint[]) and state = 'claimed' and claimed_at = ${claimedAt}`.execute(tx);

/** When the first e-mail that somebody has claimed is free again; null when nobody has. */
export const nextFree = async (tx: Tx): Promise<Temporal.Instant | null> =>
  (await rows(tx, sql<{ at: Temporal.Instant | null }>`select min(lease_until) as at from message where state = 'claimed'`))[0]!
    .at;

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
        select m.id, m.position, m.version, m.planned_on as "plannedOn", m.attempts, m.mail_id as "mailId", m.opt_out_token as "optOutToken", e.state as "enrollmentState",
          l.email, l.email_status as "emailStatus", l.full_name, l.first_name, l.last_name, l.title, l.company, l.industry,
          l.person_location as location, l.company_location, l.fields, ${exclusionOf('l', on)} as exclusion,
          coalesce(l.replied_at >= e.enrolled_at, false) or exists (select from enrollment r where r.workspace_id = e.workspace_id
            and r.lead_id = e.lead_id and r.state = 'replied' and r.ended_at >= e.enrolled_at) as replied,
          exists (select from reply r where r.workspace_id = e.workspace_id and r.lead_id = e.lead_id and r.kind = 'human'
            and r.category is null) as "isBeingRead",
          (select count(distinct t.lead_id)::int from message t where t.sequence_id = m.sequence_id and t.planned_on = ${on}
            and t.state in ('claimed', 'handing', 'sent', 'unknown')) as touched,
          (select count(*)::int from message t where t.sender_id = m.sender_id and t.planned_on = m.planned_on
            and t.state in ('claimed', 'handing', 'sent', 'unknown')) as "bySender",
          step.subject, step.body, opening.subject as "openingSubject", thread.subject as "threadSubject", thread.mail_ids as "threadMailIds"
        from message m join enrollment e on e.id = m.enrollment_id join lead l on l.id = m.lead_id
        left join step on step.sequence_id = m.sequence_id and step.version = m.version and step.position = m.position
        left join lateral (select subject from step where sequence_id = m.sequence_id and version = m.version and kind = 'email'
          order by position limit 1) opening on true
        left join lateral (
          select array_agg(t.mail_id order by t.position) as mail_ids, (array_agg(t.subject order by t.position))[1] as subject
          from message t where t.enrollment_id = m.enrollment_id and t.position < m.position and t.kind = 'email'
            and t.state in ('sent', 'unknown') and t.position >= (select max(o.position) from message o
              where o.enrollment_id = m.enrollment_id and o.position < m.position and o.starts_thread and o.state in ('sent', 'unknown'))
          ) thread on true
        where m.id = ${id} and m.state = 'claimed' and m.claimed_at = ${claimedAt}
        for no key update of e, m`,
    )
  )[0];

export interface AtTheGate extends Person {
  id: number;
  position: number;
  version: number;
  plannedOn: string;
  attempts: number;
  mailId: string | null;
  optOutToken: string | null;
  enrollmentState: string;
  email: string | null;
  emailStatus: string;
  exclusion: 'excluded_person' | 'excluded_company' | null;
  replied: boolean;
  /** Somebody has still to say what a reply of theirs means. */
  isBeingRead: boolean;
  /** Leads of the sequence, and messages of the sender, that the day holds, this one counted. */
  touched: number;
  bySender: number;
  subject: string | null;
  body: string | null;
  /** The subject of the run's first e-mail step, as a template. */
  openingSubject: string | null;
  /** What has left in the thread that this step would answer in: its subject as it left, and its Message-IDs, oldest first. */
  threadSubject: string | null;
  threadMailIds: string[] | null;
}

/** Holds a claimed message for a reason. `keepsLead` says that its lead leaves the queue until released (S3). */
export async function hold(tx: Tx, id: number, reason: string, keepsLead: boolean, detail: string | null = null): Promise<void> {
  await sql`update message set state = 'held', reason = ${reason}, detail = ${detail}, claimed_at = null, lease_until = null, handing_at = null
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

/** D1: committed just before the mail server is called; from here on the lead counts as contacted. */
export async function startHanding(
  tx: Tx,
  id: number,
  letter: Letter & { recipient: string },
  now: Temporal.Instant,
  leaseUntil: Temporal.Instant,
) {
  await sql`update message set state = 'handing', handing_at = ${now}, lease_until = ${leaseUntil}, attempts = attempts + 1,
    subject = ${letter.subject}, body = ${letter.text}, mail_id = ${letter.mailId}, opt_out_token = ${letter.optOutToken},
    starts_thread = ${letter.startsThread}, recipient = ${letter.recipient} where id = ${id}`.execute(tx);
  await sql`update enrollment e set contacted_at = coalesce(e.contacted_at, ${now}::timestamptz)
    from message m where m.id = ${id} and e.id = m.enrollment_id`.execute(tx);
}

/** Ends a hand-over of ours: it must still be in the state, and of the moment, in which we left it. */
export const endHanding = async (
  tx: Tx,
  id: number,
  handingAt: Temporal.Instant,
  to: {
    state: 'sent' | 'failed' | 'unknown' | 'planned' | 'held';
    reason: string | null;
    detail?: string;
    plannedAt?: Temporal.Instant;
  },
  now: Temporal.Instant,
): Promise<boolean> =>
  (
    await rows(
      tx,
      sql`update message set state = ${to.state}, reason = ${to.reason}, detail = ${to.detail ?? null}, lease_until = null,
          ended_at = case when ${to.state} in ('sent', 'failed', 'unknown') then ${now}::timestamptz end,
          claimed_at = case when ${to.state} in ('planned', 'held') then null else claimed_at end,
          handing_at = case when ${to.state} in ('planned', 'held') then null else handing_at end,
          planned_at = coalesce(${to.plannedAt ?? null}::timestamptz, planned_at)
        where id = ${id} and state in ('handing', 'unknown') and handing_at = ${handingAt} returning id`,
    )
  ).length > 0;

/** E3: first contact makes it active; so does one of which nobody knows (D2). */
export const becomeActive = (tx: Tx, id: number): Promise<unknown> =>
  sql`update enrollment e set state = 'active' from message m
    where m.id = ${id} and e.id = m.enrollment_id and e.state = 'queued'`.execute(tx);

/** A step that has left, or was skipped (`contactAt` null), and the local day from which the next one's delay counts. */
export interface StepDone {
  id: number;
  on: Temporal.PlainDate;
  contactAt: Temporal.Instant | null;
}

/**
 * After steps have left: the next one, of the version that the enrollment has now (S7), is due its calendar days later, or the run is
 * complete (S4). A run that was paused meanwhile stays so; one that waited on this task goes on; one that ended keeps its end, and
 * remembers the contact.
 */
export const advance = (tx: Tx, done: readonly StepDone[], now: Temporal.Instant): Promise<{ dueOn: string | null }[]> =>
  rows(
    tx,
    sql<{ dueOn: string | null }>`
      with step_done as (
        select m.enrollment_id, d.on, d.contact_at, after.delay_days, after.position is null as is_last,
          e.state in ('queued', 'active', 'paused', 'waiting_on_task') as is_live
        from unnest(${done.map(each => each.id)}::bigint[], ${done.map(each => each.on.toString())}::date[],
            ${done.map(each => each.contactAt)}::timestamptz[]) as d (id, "on", contact_at)
        join message m on m.id = d.id join enrollment e on e.id = m.enrollment_id left join step after
          on after.sequence_id = m.sequence_id and after.version = e.version and after.position = m.position + 1)
      update enrollment e
      set last_contact_at = coalesce(contact_at, e.last_contact_at), next_position = e.next_position + 1,
        state = case when is_live and is_last then 'completed' when e.state = 'waiting_on_task' then 'active' else e.state end,
        next_due_on = case when is_live then step_done.on + delay_days end,
        ended_at = case when is_live and is_last then ${now}::timestamptz else e.ended_at end
      from step_done where e.id = step_done.enrollment_id
      returning e.next_due_on as "dueOn"`,
  );

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

/** It cannot be delivered, however often it is tried: the run ends, and the address keeps its chance elsewhere. */
export const giveUp = (tx: Tx, id: number, now: Temporal.Instant): Promise<unknown> =>
  sql`update enrollment e set state = 'stopped', reason = 'undeliverable', ended_at = ${now}, next_due_on = null
    from message m where m.id = ${id} and e.id = m.enrollment_id
      and e.state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task')`.execute(tx);

/** Senders whose replies can be read and have not been read to the end since an instant (D4). */
export const unreadSince = async (tx: Tx, transports: readonly string[], since: Temporal.Instant): Promise<number[]> =>
  (
    await rows(
      tx,
      sql<{ id: number }>`select x.id from sender x join mailbox b on b.sender_id = x.id
        where x.transport = any(${transports}::text[]) and (b.smtp_host is null or b.imap_host is not null)
          and (b.read_at is null or b.read_at < ${since})`,
    )
  ).map(row => row.id);

/** Senders with something due whose replies were not read within the last half minute: they are read first (D4), unless that failed lately. */
export const toBeRead = async (tx: Tx, transports: readonly string[], now: Temporal.Instant): Promise<number[]> =>
  (
    await rows(
      tx,
      sql<{
        id: number;
      }>`select distinct x.id from message m join sender x on x.id = m.sender_id join mailbox b on b.sender_id = x.id
        where m.state = 'planned' and m.planned_at <= ${now} and x.transport = any(${transports}::text[]) and x.status = 'healthy'
          and (b.read_at is null or b.read_at < ${now.subtract({ seconds: 30 })})
          and (b.failures = 0 or b.next_read_at <= ${now}) order by 1`,
    )
  ).map(row => row.id);

/** Says at what is due why its sender waits; it stays planned, and leaves as soon as that has passed. */
export const noteWaiting = (tx: Tx, waiting: ReadonlyMap<number, string>, now: Temporal.Instant): Promise<unknown> =>
  sql`update message m set reason = w.reason
    from unnest(${[...waiting.keys()]}::bigint[], ${[...waiting.values()]}::text[]) as w (sender_id, reason)
    where m.sender_id = w.sender_id and m.state = 'planned' and m.planned_at <= ${now}
      and m.reason is distinct from w.reason`.execute(tx);
