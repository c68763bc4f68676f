import { type RawBuilder, sql } from 'kysely';
import type { Tx } from '../../db/transaction.ts';
import { isFree } from '../exclusions/queries.ts';

/** SQL: the states that hold a lead, as the index behind E1 lists them. */
const live = sql`('in_review', 'queued', 'active', 'paused', 'waiting_on_task')`;

/** SQL: was the enrollment under `alias` contacted? `handing` and `unknown` count, since the message may have left. */
export const contacted = (alias: string): RawBuilder<boolean> => sql<boolean>`(${sql.ref(`${alias}.contacted_at`)} is not null
  or exists (select from message cm where cm.enrollment_id = ${sql.ref(`${alias}.id`)} and cm.state in ('handing', 'sent', 'unknown')))`;

/** SQL: one that ended before any contact, withdrawn (not by its review expiring) or with its end taken back, leaves no mark (E5, A6). */
export const leavesNoMark = (alias: string): RawBuilder<boolean> => sql<boolean>`((${sql.ref(`${alias}.state`)} = 'withdrawn'
  and ${sql.ref(`${alias}.reason`)} is distinct from 'review_expired' or ${sql.ref(`${alias}.state`)} in ('refused', 'stopped')
  and ${sql.ref(`${alias}.reason`)} is not distinct from 'taken_back') and not ${contacted(alias)})`;

/** SQL: an exclusion ended the enrollment before any contact: it leaves no mark once nothing excludes its lead any more (E5). */
const excludedUncontacted = (alias: string): RawBuilder<boolean> => sql<boolean>`(${sql.ref(`${alias}.state`)} = 'excluded'
  and not ${contacted(alias)})`;

/** Whom to judge for which sequence. */
export interface Question {
  workspaceId: number;
  listId: number;
  sequenceId: number;
  /** The link that enrols; null in a preflight. */
  linkId: number | null;
  /** A link whose uncontacted enrollments are about to be withdrawn, and so do not hold their leads (K3). */
  leavingLinkId?: number | null;
  /** Enrollments that are about to be taken back, and so leave no mark (A6). */
  takingBack?: readonly number[];
  needsEmail: boolean;
  /** Contacts after this instant still cool down. */
  coolingSince: Temporal.Instant;
  /** The local date on which exclusions are looked up. */
  on: Temporal.PlainDate;
  now: Temporal.Instant;
  /** Judges again those whose skip may have passed (E5). */
  retry?: boolean;
  /** Members in the order of their lead ids, after this one. */
  after?: number;
  limit?: number;
  leadIds?: number[];
}

/**
 * SQL: `ahead` (the members looked at, and the one after them), `place` (without that one) and `judged`: one row a member that this
 * link has not dealt with yet, with the reason not to enrol it (null: enrols), who holds it, and whether to ask again daily (E5).
 * A member that is live in this very sequence through another list is `in_this_sequence`: it is enrolled once already (K4), so
 * nothing is recorded for it, and should the other list let go of it, the enrollment passes on.
 * Everything is looked up member by member, which `lateral` with an aggregate or `offset 0` makes sure of: statistics lag behind a
 * large enrolment, and the embedded database gathers none by itself. Plain joins then took 74 s for 4,000 members, this takes 0.1 s.
 */
const judge = (q: Question) => sql`
  ahead as materialized (
    select m.lead_id from membership m
    where m.list_id = ${q.listId} and m.removed_at is null and m.lead_id > ${q.after ?? 0}
      ${q.leadIds ? sql`and m.lead_id = any(${q.leadIds}::bigint[])` : sql``}
    order by m.lead_id ${q.limit ? sql`limit ${q.limit + 1}` : sql``}
  ),
  place as materialized (select lead_id from ahead order by lead_id ${q.limit ? sql`limit ${q.limit}` : sql``}),
  seen as (
    select place.lead_id, s.lead_id is not null as was_skipped, past.*, case
      when past.here then 'in_this_sequence'
      when past.elsewhere is not null then 'in_other_sequence'
      when past.was_here is not null then 'already_enrolled'
      when past.replied is not null or l.replied_at is not null then 'replied_before'
      when past.recent is not null then 'cooling_down'
      when l.email_status = 'bounced' then 'bad_address'
      when not ${isFree('l', q.on)} then 'excluded'
      when ${q.needsEmail}::boolean and (l.email_key is null or l.email_status = 'invalid') then 'no_email'
    end as reason
    from place
    cross join lateral (
      select bool_or(e.link_id = ${q.linkId}::bigint and not ${leavesNoMark('e')} and not ${excludedUncontacted('e')}) as done,
        bool_or(e.link_id = ${q.linkId}::bigint and ${excludedUncontacted('e')}) as was_excluded,
        bool_or(e.state in ${live} and e.sequence_id = ${q.sequenceId}) as here,
        max(e.id) filter (where e.state in ${live} and e.sequence_id <> ${q.sequenceId}) as elsewhere,
        bool_or(e.state in ${live} and e.sequence_id <> ${q.sequenceId} and ${contacted('e')}) as held_fast,
        max(e.id) filter (where e.state not in ${live} and e.sequence_id = ${q.sequenceId}
          and (e.state in ('refused', 'stopped') or e.reason = 'review_expired' or ${contacted('e')}) and not ${leavesNoMark('e')}) as was_here,
        max(e.id) filter (where e.state = 'replied') as replied,
        max(e.id) filter (where coalesce(e.last_contact_at, e.contacted_at, e.ended_at, ${q.now}) > ${q.coolingSince}
          and ${contacted('e')}) as recent
      from enrollment e where e.workspace_id = ${q.workspaceId} and e.lead_id = place.lead_id
      ${q.takingBack ? sql`and e.id <> all(${[...q.takingBack]}::bigint[])` : sql``}
      ${q.leavingLinkId ? sql`and not (e.link_id = ${q.leavingLinkId} and ${letsGo('e')} and not ${heldByAnother('e')})` : sql``}
    ) past
    left join lateral (select lead_id, retry, reason from skip
      where link_id = ${q.linkId}::bigint and lead_id = place.lead_id
        and exists (select from skip where link_id = ${q.linkId}::bigint) offset 0) s on true
    cross join lateral (select email_key, email_status, linkedin_url, company_domain, replied_at from lead where id = place.lead_id offset 0) l
    where past.done is not true and (past.was_excluded is not true or ${isFree('l', q.on)})
      and (s.lead_id is null ${q.retry ? sql`or s.retry or s.reason = 'bad_address' and l.email_status <> 'bounced'` : sql``})
    offset 0
  ),
  judged as materialized (
    select lead_id, was_skipped, reason,
      coalesce(reason = 'no_email' or reason = 'in_other_sequence' and not held_fast, false) as retry,
      case reason when 'in_other_sequence' then elsewhere when 'already_enrolled' then was_here
        when 'replied_before' then replied when 'cooling_down' then recent end as held_by
    from seen
  )`;

export interface Judged {
  enrolled: number;
  /** Judged fit to enrol; more than `enrolled` when somebody else enrolled them at the same moment. */
  fit: number;
  skipped: Record<string, number>;
  /** The last member looked at, to go on after; null at the end of the list. */
  through: number | null;
}

/**
 * Enrols or skips members in one statement (E1, E5). Rows go in by lead id, so that two lists that share leads wait for each
 * other instead of deadlocking.
 */
export const enroll = async (
  tx: Tx,
  q: Question & { linkId: number; version: number; state: 'in_review' | 'queued' },
): Promise<Judged> => {
  const { rows } = await sql<Judged>`
    with ${judge(q)},
    enrolled as (
      insert into enrollment (workspace_id, sequence_id, lead_id, link_id, list_id, version, state, enrolled_at)
      select ${q.workspaceId}, ${q.sequenceId}, lead_id, ${q.linkId}, ${q.listId}, ${q.version}, ${q.state}, ${q.now}
      from judged where reason is null order by lead_id
      on conflict (workspace_id, lead_id) where state in ${live} do nothing
      returning lead_id
    ),
    ${
      q.retry
        ? sql`cleared as (
      delete from skip where link_id = ${q.linkId} and lead_id = any(array(
        select lead_id from judged where was_skipped and (reason is null or reason = 'in_this_sequence')))
    ),`
        : sql``
    }
    skipped as (
      insert into skip (link_id, lead_id, workspace_id, reason, held_by, retry, skipped_at)
      select ${q.linkId}, lead_id, ${q.workspaceId}, reason, held_by, retry, ${q.now}
      from judged where reason <> 'in_this_sequence' order by lead_id
      on conflict (link_id, lead_id) do update
        set reason = excluded.reason, held_by = excluded.held_by, retry = excluded.retry, skipped_at = excluded.skipped_at
        where (skip.reason, skip.held_by, skip.retry) is distinct from (excluded.reason, excluded.held_by, excluded.retry)
    )
    select (select count(*) from enrolled)::int as enrolled,
      (select count(*) from judged where reason is null)::int as fit,
      (select coalesce(jsonb_object_agg(reason, n), '{}')
        from (select reason, count(*) as n from judged where reason is not null group by reason) counted) as skipped,
      (select max(lead_id) from place where (select count(*) from ahead) > (select count(*) from place)) as through`.execute(tx);
  return rows[0]!;
};

/** How many of a list would enrol, or why not, and who holds them; writes nothing (K3, K7). */
export interface Foreseen {
  reason: string | null;
  sequence: string | null;
  owner: string | null;
  people: number;
}
export const foresee = async (tx: Tx, q: Question): Promise<Foreseen[]> => {
  const { rows } = await sql<Foreseen>`
    with ${judge(q)},
    counted as (
      select j.reason, case when j.reason = 'in_other_sequence' then e.sequence_id end as sequence_id, count(*)::int as people
      from judged j left join enrollment e on e.id = j.held_by group by 1, 2
    )
    select counted.reason, s.name as sequence, m.name as owner, counted.people
    from counted left join sequence s on s.id = counted.sequence_id left join member m on m.id = s.owner_id
    order by counted.people desc, counted.reason, s.name`.execute(tx);
  return rows;
};

/** Member by member what `foresee` counts: who would enrol (reason null), and who is held by whom; in the order of lead ids. */
export interface Verdict {
  leadId: number;
  reason: string | null;
  sequence: string | null;
  owner: string | null;
}
export const verdicts = async (tx: Tx, q: Question): Promise<Verdict[]> => {
  const { rows } = await sql<Verdict>`
    with ${judge(q)}
    select j.lead_id as "leadId", j.reason, s.name as sequence, o.name as owner
    from judged j left join enrollment e on e.id = j.held_by and j.reason = 'in_other_sequence'
    left join sequence s on s.id = e.sequence_id left join member o on o.id = s.owner_id order by j.lead_id`.execute(tx);
  return rows;
};

/** SQL: may the enrollment under `alias` be withdrawn, being uncontacted (K3, K6, L7)? An open task is no contact yet. */
export function letsGo(alias: string): RawBuilder<boolean> {
  return sql<boolean>`(${sql.ref(`${alias}.state`)} in ${live} and not ${contacted(alias)})`;
}

/** SQL: does another list, actively linked to the same sequence, hold the lead of the enrollment under `alias` (K4)? */
function heldByAnother(alias: string): RawBuilder<boolean> {
  return sql<boolean>`exists (select from link ol join membership om on om.list_id = ol.list_id
    where ol.sequence_id = ${sql.ref(`${alias}.sequence_id`)} and ol.ended_at is null and ol.id <> ${sql.ref(`${alias}.link_id`)}
      and om.lead_id = ${sql.ref(`${alias}.lead_id`)} and om.removed_at is null)`;
}

export interface OpenLink {
  linkId: number;
  listId: number;
  sequenceId: number;
  version: number;
  mode: 'copilot' | 'autopilot';
  status: string;
  needsEmail: boolean;
  endedAt: Temporal.Instant | null;
}

/** SQL: does a version of a sequence write e-mails, and so need addresses (E5)? */
const writesEmail = (sequence: string): RawBuilder<boolean> => sql<boolean>`exists (select from step
  where step.sequence_id = ${sql.ref(`${sequence}.id`)} and step.version = ${sql.ref(`${sequence}.version`)} and step.kind = 'email')`;

export const needsEmail = async (tx: Tx, sequenceId: number): Promise<boolean> => {
  const { rows } = await sql<{ needed: boolean }>`
    select ${writesEmail('s')} as needed from sequence s where s.id = ${sequenceId}`.execute(tx);
  return rows[0]?.needed ?? false;
};

/**
 * Locks a link against its end, and reads its sequence. The sequence comes first, weakly: whoever locks a sequence and then its
 * links would otherwise deadlock with the foreign key check of an enrolment.
 */
export const lockLink = async (tx: Tx, linkId: number): Promise<OpenLink | undefined> => {
  await sql`select from sequence where id = (select sequence_id from link where id = ${linkId}) for key share`.execute(tx);
  const { rows } = await sql<OpenLink>`
    select l.id as "linkId", l.list_id as "listId", l.sequence_id as "sequenceId", l.ended_at as "endedAt",
      s.version, s.mode, s.status,
      ${writesEmail('s')} as "needsEmail"
    from link l join sequence s on s.id = l.sequence_id where l.id = ${linkId} for update of l`.execute(tx);
  return rows[0];
};

/** Serialises all who let go of leads of these sequences, so that no enrollment passes to a link that ends just then (K4). */
export const lockSequences = (tx: Tx, sequenceIds: readonly number[]) =>
  sql`select from sequence where id = any(${[...sequenceIds]}::bigint[]) order by id for no key update`.execute(tx);

/**
 * Locks up to `limit` uncontacted enrollments of a link and their messages; those that are about to send come first.
 * Contact is asked again once the locks are held: a message may have been handed over while they were waited for.
 */
export async function lockUncontacted(
  tx: Tx,
  { linkId, leadIds, limit }: { linkId: number; leadIds?: number[] | undefined; limit: number },
): Promise<number[]> {
  const locked = await sql<{ id: number }>`select e.id from enrollment e
    where e.link_id = ${linkId} and ${letsGo('e')} ${leadIds ? sql`and e.lead_id = any(${leadIds}::bigint[])` : sql``}
    order by e.sender_id is null, e.id limit ${limit} for update of e`.execute(tx);
  const ids = locked.rows.map(row => row.id);
  await sql`select from message where enrollment_id = any(${ids}::bigint[]) order by id for update`.execute(tx);
  const still = await sql<{ id: number }>`select e.id from enrollment e
    where e.id = any(${ids}::bigint[]) and ${letsGo('e')}`.execute(tx);
  return still.rows.map(row => row.id);
}

/** Locks uncontacted enrollments of a sequence that no link holds. */
export const lockByHand = async (tx: Tx, sequenceId: number, limit: number): Promise<number[]> => {
  const { rows } = await sql<{ id: number }>`select e.id from enrollment e
    where e.sequence_id = ${sequenceId} and e.link_id is null and ${letsGo('e')} order by e.id limit ${limit} for update of e`.execute(
    tx,
  );
  return rows.map(row => row.id);
};

/** Passes enrollments to the longest-standing other link that holds their lead, and returns those it passed (K4). */
export const passOn = async (tx: Tx, ids: number[]): Promise<number[]> => {
  const { rows } = await sql<{ id: number }>`
    with heir as materialized (
      select e.id, e.lead_id, other.link_id, other.list_id
      from unnest(${ids}::bigint[]) as leaving (id)
      cross join lateral (select * from enrollment where id = leaving.id offset 0) e
      cross join lateral (select ol.id as link_id, ol.list_id from link ol
        where ol.sequence_id = e.sequence_id and ol.ended_at is null and ol.id <> e.link_id
          and exists (select from membership om where om.list_id = ol.list_id and om.lead_id = e.lead_id and om.removed_at is null)
        order by ol.linked_at, ol.id limit 1) other
    ),
    cleared as (delete from skip using heir where skip.link_id = heir.link_id and skip.lead_id = heir.lead_id)
    update enrollment e set link_id = heir.link_id, list_id = heir.list_id from heir where e.id = heir.id
    returning e.id`.execute(tx);
  return rows.map(row => row.id);
};

/** Withdraws. One that waits on its first task, or goes on after it was skipped, pauses first; a paused one goes by way of the queue (E3). */
export async function withdraw(tx: Tx, ids: number[], reason: string, now: Temporal.Instant): Promise<void> {
  await sql`update enrollment set state = 'paused'
    where id = any(${ids}::bigint[]) and state in ('waiting_on_task', 'active')`.execute(tx);
  await sql`update enrollment set state = 'queued', paused_until = null
    where id = any(${ids}::bigint[]) and state = 'paused'`.execute(tx);
  await sql`update enrollment set state = 'withdrawn', reason = ${reason}, ended_at = ${now}, held_reason = null
    where id = any(${ids}::bigint[])`.execute(tx);
}

/** An ended link of a list that still holds uncontacted people: its end was cut off half-way. */
export const unreleased = async (tx: Tx, listId: number): Promise<{ linkId: number; reason: string } | undefined> => {
  const { rows } = await sql<{ linkId: number; reason: string }>`
    select l.id as "linkId", coalesce(l.ended_reason, 'unlinked') as reason from link l
    where l.list_id = ${listId} and l.ended_at is not null
      and exists (select from enrollment e where e.link_id = l.id and ${letsGo('e')})
    order by l.id limit 1`.execute(tx);
  return rows[0];
};

/** What the end of a link would do: uncontacted people, how many of them another list would keep (K4), and who was contacted. */
export interface LettingGo {
  uncontacted: number;
  passing: number;
  contacted: number;
}
export const lettingGo = async (tx: Tx, linkId: number): Promise<LettingGo> => {
  const { rows } = await sql<LettingGo>`
    select count(*) filter (where goes)::int as uncontacted, count(*) filter (where goes and kept)::int as passing,
      count(*) filter (where not goes)::int as contacted
    from (select ${letsGo('e')} as goes, ${heldByAnother('e')} as kept
      from enrollment e where e.link_id = ${linkId} and e.state in ${live}) people`.execute(tx);
  return rows[0]!;
};

export interface Progress {
  members: number;
  enrolled: number;
  /** Enrolled in the same sequence by another list (K4). */
  byAnotherList: number;
  skipped: Record<string, number>;
  /** Not looked at yet. */
  remaining: number;
}

/** Where the enrolment of a link stands: every current member is counted once (K5). */
export const progress = async (tx: Tx, linkId: number): Promise<Progress> => {
  const { rows } = await sql<Progress>`
    with member_state as (
      select case
        when exists (select from enrollment e where e.workspace_id = m.workspace_id and e.lead_id = m.lead_id
          and e.link_id = l.id and not ${leavesNoMark('e')}) then 'enrolled'
        else coalesce(
          (select s.reason from skip s where s.link_id = l.id and s.lead_id = m.lead_id),
          case when exists (select from enrollment o where o.workspace_id = m.workspace_id and o.lead_id = m.lead_id
            and o.sequence_id = l.sequence_id and o.state in ${live}) then 'by_another_list' else 'remaining' end) end as state
      from link l join membership m on m.list_id = l.list_id and m.removed_at is null
      where l.id = ${linkId}
    ),
    counted as (select state, count(*)::int as n from member_state group by state)
    select coalesce(sum(n), 0)::int as members,
      coalesce(sum(n) filter (where state = 'enrolled'), 0)::int as enrolled,
      coalesce(sum(n) filter (where state = 'by_another_list'), 0)::int as "byAnotherList",
      coalesce(sum(n) filter (where state = 'remaining'), 0)::int as remaining,
      coalesce(jsonb_object_agg(state, n) filter (where state not in ('enrolled', 'by_another_list', 'remaining')), '{}') as skipped
    from counted`.execute(tx);
  return rows[0]!;
};

export const finish = (
  tx: Tx,
  endings: readonly { enrollmentId: number; state: string; reason: string }[],
  now: Temporal.Instant,
): Promise<unknown> =>
  sql`update enrollment e set state = wanted.state, reason = wanted.reason, ended_at = ${now}, held_reason = null, next_due_on = null, paused_until = null
    from unnest(${endings.map(one => one.enrollmentId)}::bigint[], ${endings.map(one => one.state)}::text[],
      ${endings.map(one => one.reason)}::text[]) as wanted (id, state, reason)
    where e.id = wanted.id`.execute(tx);

/**
 * Runs of everybody else at leads' companies (S10), in the order of their ids. Lead by lead: statistics lag behind a growing table, and a
 * plain join then read every run of the workspace (400 ms a reply).
 */
export const colleagues = async (
  tx: Tx,
  { workspaceId, leadIds }: { workspaceId: number; leadIds: readonly number[] },
): Promise<number[]> => {
  const { rows } = await sql<{ id: number }>`
    select run.id from (select distinct company_domain from lead where id = any(${[...leadIds]}::bigint[]) and company_domain is not null) c
    cross join lateral (select id from lead where workspace_id = ${workspaceId} and company_domain = c.company_domain
      and id <> all(${[...leadIds]}::bigint[]) offset 0) l
    cross join lateral (select id from enrollment where workspace_id = ${workspaceId} and lead_id = l.id
      and state in ('queued', 'active', 'waiting_on_task', 'paused') offset 0) run order by run.id`.execute(tx);
  return rows.map(row => row.id);
};

/** Notes that background enrolment has reached the end of the list, the first time it does (K5). */
export const reachedEnd = (tx: Tx, linkId: number, now: Temporal.Instant) =>
  sql`update link set enrolled_through_at = ${now} where id = ${linkId} and enrolled_through_at is null`.execute(tx);

/** Withdraws what nobody reviewed since an instant (E4). Returns how many. */
export const expireReviews = async (
  tx: Tx,
  { sequenceId, since, now, limit }: { sequenceId: number; since: Temporal.Instant; now: Temporal.Instant; limit: number },
): Promise<number> => {
  const { rows } = await sql`
    update enrollment set state = 'withdrawn', reason = 'review_expired', ended_at = ${now}
    where id in (select id from enrollment where sequence_id = ${sequenceId} and state = 'in_review' and enrolled_at <= ${since}
      order by id limit ${limit} for update)
    returning id`.execute(tx);
  return rows.length;
};
