import { type RawBuilder, sql } from 'kysely';
import type { Tx } from '../../db/transaction.ts';
import type { Counted } from './books.ts';

const rows = async <R>(tx: Tx, statement: RawBuilder<R>): Promise<R[]> => (await statement.execute(tx)).rows;

/** How many rows one transaction reads: on the embedded database everyone waits for it. */
export const pageRows = 20_000;

export const sequences = (tx: Tx) =>
  tx.selectFrom('sequence').selectAll().where('status', 'in', ['active', 'finishing']).orderBy('id').execute();

export interface StepRow {
  sequenceId: number;
  version: number;
  position: number;
  kind: string;
  delayDays: number;
  subject: string | null;
  body: string;
}

/** The steps of every version of the sequences. */
export const steps = (tx: Tx, sequenceIds: readonly number[]): Promise<StepRow[]> =>
  rows(
    tx,
    sql<StepRow>`select sequence_id as "sequenceId", version, position, kind, delay_days as "delayDays", subject, body
      from step where sequence_id = any(${sequenceIds}::bigint[]) order by sequence_id, version, position`,
  );

export const senders = (tx: Tx) => tx.selectFrom('sender').selectAll().orderBy('id').execute();

export const senderIds = (tx: Tx, sequenceIds: readonly number[]) =>
  rows(
    tx,
    sql<{ sequenceId: number; senderId: number }>`select sequence_id as "sequenceId", sender_id as "senderId" from sequence_sender
      where sequence_id = any(${sequenceIds}::bigint[]) order by 1, 2`,
  );

/** Columns of a lead that templates may use, by their variable. */
const columns: Record<string, string> = {
  full_name: 'l.full_name',
  first_name: 'l.first_name',
  last_name: 'l.last_name',
  title: 'l.title',
  company: 'l.company',
  industry: 'l.industry',
  location: 'l.person_location',
  company_location: 'l.company_location',
};

const columnOf = (variable: string): RawBuilder<unknown> =>
  columns[variable] ? sql.ref(columns[variable]) : sql`(l.fields ->> ${variable.replace(/^fields\./, '')})`;

/** SQL: which of the variables are filled for the lead `l`, as '101…'; what templates with tags need besides, as an object. */
const facts = (variables: readonly string[], withValues: boolean) => sql`
  concat(''::text ${variables.length ? sql`, ${sql.join(variables.map(name => sql`case when ${columnOf(name)} ~ '\\S' then '1' else '0' end`))}` : sql``}) as filled,
  ${withValues && variables.length ? sql`jsonb_build_object(${sql.join(variables.map(name => sql`${name}::text, ${columnOf(name)}`))})` : sql`null::jsonb`} as values,
  l.company_domain as company, l.email is null or l.email_status in ('bounced', 'invalid') as "isUnreachable"`;

/** What decides whether a lead's messages can be written (S8, D3). */
export interface LeadFacts {
  company: string | null;
  filled: string;
  values: Record<string, string | null> | null;
  isUnreachable: boolean;
}

export interface RunRow extends LeadFacts {
  id: number;
  leadId: number;
  sequenceId: number;
  listId: number | null;
  linkId: number | null;
  version: number;
  position: number;
  senderId: number | null;
  dueOn: string | null;
  lastContactAt: Temporal.Instant | null;
  isContacted: boolean;
  state: string;
  enrolledAt: number;
  pausedUntil: string | null;
}

/** Enrollments from which something may still leave, in the order of their ids, after `after`. */
export const runs = (
  tx: Tx,
  of: { sequenceIds: readonly number[]; after: number; variables: readonly string[]; withValues: boolean },
): Promise<RunRow[]> =>
  rows(
    tx,
    sql<RunRow>`
      select e.id, e.lead_id as "leadId", e.sequence_id as "sequenceId", e.list_id as "listId", e.link_id as "linkId", e.version,
        e.next_position as position, e.sender_id as "senderId", e.next_due_on as "dueOn", e.last_contact_at as "lastContactAt",
        e.contacted_at is not null as "isContacted", e.state, extract(epoch from e.enrolled_at)::float8 as "enrolledAt",
        e.paused_until as "pausedUntil", ${facts(of.variables, of.withValues)}
      from enrollment e join lead l on l.id = e.lead_id
      where e.sequence_id = any(${of.sequenceIds}::bigint[]) and (e.state in ('queued', 'active', 'in_review') or e.state = 'paused' and e.paused_until is not null)
        and e.held_reason is null and e.id > ${of.after}
      order by e.id limit ${pageRows}`,
  );

/** The ledger's rows that yesterday's and today's limits count, and those that keep a run from being planned. */
export const counted = (tx: Tx, from: Temporal.PlainDate): Promise<Counted[]> =>
  rows(
    tx,
    sql<Counted>`
      select m.enrollment_id as "enrollmentId", m.lead_id as "leadId", m.sequence_id as "sequenceId", e.list_id as "listId",
        m.sender_id as "senderId", m.position, m.planned_on as on, coalesce(m.handing_at, m.claimed_at, m.planned_at) as at,
        m.first_contact as "isFirst", m.company, m.state in ('planned', 'claimed') as "isPlanned"
      from message m join enrollment e on e.id = m.enrollment_id
      where m.state in ('planned', 'claimed', 'handing', 'sent', 'unknown') and m.planned_on >= ${from}
        or m.state in ('planned', 'claimed', 'handing', 'unknown')
      order by m.planned_at, m.id`,
  );

/** Companies of which somebody replied lately, and until when they are left alone (S10). */
export const silentUntil = async (tx: Tx, days: number, now: Temporal.Instant): Promise<Map<string, Temporal.Instant>> => {
  const found = await rows(
    tx,
    sql<{ company: string; last: Temporal.Instant }>`
      select l.company_domain as company, max(e.ended_at) as last from enrollment e join lead l on l.id = e.lead_id
      where e.state = 'replied' and e.ended_at > ${now.subtract({ hours: 24 * days })} and l.company_domain is not null group by 1`,
  );
  return new Map(found.map(row => [row.company, row.last.add({ hours: 24 * days })]));
};

export interface LinkRow {
  linkId: number;
  listId: number;
  sequenceId: number;
  isUnderWay: boolean;
}

export const links = (tx: Tx): Promise<LinkRow[]> =>
  rows(
    tx,
    sql<LinkRow>`select id as "linkId", list_id as "listId", sequence_id as "sequenceId", enrolled_through_at is null as "isUnderWay"
      from link where ended_at is null order by id`,
  );

export interface OrderRow {
  listId: number;
  cadence: string;
  amount: number;
  weekday: number | null;
  at: Temporal.Instant;
}

export const standingOrders = (tx: Tx): Promise<OrderRow[]> =>
  rows(
    tx,
    sql<OrderRow>`select list_id as "listId", cadence, amount, weekday, next_due_at as at from monitoring order by list_id`,
  );

export const onTheWay = (tx: Tx) =>
  rows(
    tx,
    sql<{ listId: number; amount: number }>`select list_id as "listId", sum(asked - added)::int as amount from refill
      where status in ('queued', 'running') and kind <> 'import' group by 1 having sum(asked - added) > 0 order by 1`,
  );

/** Members of linked lists with whom their link has not dealt yet, by link and lead (E2). */
export const unmet = (tx: Tx, linkIds: readonly number[]) =>
  rows(
    tx,
    sql<{ linkId: number; leadId: number }>`
      select k.id as "linkId", m.lead_id as "leadId" from link k join membership m on m.list_id = k.list_id and m.removed_at is null
      where k.id = any(${linkIds}::bigint[])
        and not exists (select from enrollment e where e.workspace_id = m.workspace_id and e.lead_id = m.lead_id and e.link_id = k.id)
        and not exists (select from skip s where s.link_id = k.id and s.lead_id = m.lead_id)
      order by k.id, m.lead_id`,
  );

/** What can be written to leads, by their ids. */
export const leadFacts = (tx: Tx, leadIds: readonly number[], variables: readonly string[], withValues: boolean) =>
  rows(
    tx,
    sql<LeadFacts & { leadId: number }>`select l.id as "leadId", ${facts(variables, withValues)} from lead l
      where l.id = any(${leadIds}::bigint[]) order by l.id`,
  );

export const listNames = async (tx: Tx, ids: readonly number[]): Promise<Map<number, string>> =>
  new Map(
    (await rows(tx, sql<{ id: number; name: string }>`select id, name from list where id = any(${ids}::bigint[])`)).map(row => [
      row.id,
      row.name,
    ]),
  );

/** Due follow-ups by sequence, step and date; and who waits for the first contact: what a pace is made of (M9). */
export interface Waiting {
  sequenceId: number;
  position: number;
  dueOn: string | null;
  people: number;
}
export const waiting = (tx: Tx, sequenceIds: readonly number[]): Promise<Waiting[]> =>
  rows(
    tx,
    sql<Waiting>`select sequence_id as "sequenceId", next_position as position, case when state = 'active' then next_due_on end as "dueOn",
        count(*)::int as people
      from enrollment where sequence_id = any(${sequenceIds}::bigint[]) and held_reason is null
        and (state = 'queued' or state = 'active' and next_due_on is not null) group by 1, 2, 3`,
  );
