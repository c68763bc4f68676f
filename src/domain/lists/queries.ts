import { type Selectable, sql } from 'kysely';
import { texts } from '../../db/codecs.ts';
import type { Tx } from '../../db/transaction.ts';
import type { List } from '../../db/types.ts';
import { exclusionOf } from '../exclusions/queries.ts';

export type ListRow = Selectable<List>;

/** Names of lists with their ids, archived ones too: they keep their names (L6). */
export const names = (tx: Tx): Promise<{ id: number; name: string; archived_at: Temporal.Instant | null }[]> =>
  tx.selectFrom('list').select(['id', 'name', 'archived_at']).orderBy('id').execute();

export const byId = (tx: Tx, id: number): Promise<ListRow | undefined> =>
  tx.selectFrom('list').selectAll().where('id', '=', id).executeTakeFirst();

/** Keeps others from adding to or changing a list until the transaction ends; rows that point to it may still be written. */
export const lock = (tx: Tx, id: number): Promise<ListRow | undefined> =>
  tx.selectFrom('list').selectAll().where('id', '=', id).forNoKeyUpdate().executeTakeFirst();

/** The newest receipt of a list, and what else one sees of it at a glance. */
export interface Overview {
  id: number;
  name: string;
  owner: string;
  owner_slack_id: string;
  source: string;
  criteria: unknown;
  requires_email: boolean;
  created_at: Temporal.Instant;
  members: number;
  with_email: number;
  cadence: string | null;
  amount: number | null;
  weekday: number | null;
  next_due_at: Temporal.Instant | null;
  sequence: string | null;
  sequence_status: string | null;
  /** Orders that are not carried out yet, in leads. */
  on_order: number;
  refill: LastRefill | null;
  newest: { name: string; title: string | null; company: string | null; place: string | null; addedAt: string }[] | null;
}

/** As its row says, times as text. */
export interface LastRefill {
  kind: string;
  period: string | null;
  status: string;
  asked: number;
  found: number;
  added: number;
  skipped: Record<string, number>;
  ended: string | null;
  enrolled: number;
  not_enrolled: Record<string, number>;
  ordered_at: string;
  finished_at: string | null;
  error: string | null;
  /** Which filter left out would find most, where it fell short (M8). */
  widen: { filter: string; total: number; more: number; words: string } | null;
}

/** Every list that is not archived, or one, newest activity first; with `newest` members where asked. One statement. */
export const overview = async (tx: Tx, { listId = null, newest = 0 }: { listId?: number | null; newest?: number } = {}) =>
  (
    await sql<Overview>`
    select list.id, list.name, owner.name as owner, owner.slack_user_id as owner_slack_id, list.source, list.criteria,
      list.requires_email, list.created_at, member_count.members, member_count.with_email,
      monitoring.cadence, monitoring.amount, monitoring.weekday, monitoring.next_due_at,
      sequence.name as sequence, sequence.status as sequence_status,
      coalesce((select sum(r.asked - r.added) from refill r
                where r.list_id = list.id and r.status in ('queued', 'running') and r.kind <> 'import'), 0)::int as on_order,
      (select to_jsonb(r) from refill r where r.list_id = list.id order by r.ordered_at desc, r.id desc limit 1) as refill,
      newest.newest
    from list
    join member owner on owner.id = list.owner_id
    left join monitoring on monitoring.list_id = list.id
    left join link on link.list_id = list.id and link.ended_at is null
    left join sequence on sequence.id = link.sequence_id
    left join lateral (
      select count(*)::int as members, count(lead.email_key)::int as with_email
      from membership join lead on lead.id = membership.lead_id
      where membership.list_id = list.id and membership.removed_at is null) as member_count on true
    left join lateral (
      select jsonb_agg(jsonb_build_object('name', m.full_name, 'title', m.title, 'company', m.company,
        'place', m.person_location, 'addedAt', m.added_at) order by m.added_at desc, m.id desc) as newest
      from (select lead.id, full_name, title, company, person_location, added_at
            from membership join lead on lead.id = membership.lead_id
            where membership.list_id = list.id and membership.removed_at is null
            order by added_at desc, lead.id desc limit ${newest}) as m) as newest on true
    where list.archived_at is null and (${listId}::bigint is null or list.id = ${listId}::bigint)
    order by list.created_at desc, list.id desc`.execute(tx)
  ).rows;

/** How people known by their keys and leads stand to a list; `person` numbers them, several rows may be one person. */
export interface Standing {
  person: number;
  membership: 'already_on_list' | 'removed_before' | null;
  excluded: 'excluded_person' | 'excluded_company' | null;
}

export interface Identities {
  person: number[];
  leadId: (number | null)[];
  emailKey: (string | null)[];
  linkedin: (string | null)[];
  domain: (string | null)[];
}

/** Of each person who ever was on the list (M4), or is covered by an exclusion on a local date (X1): which. Nothing of the others. */
export const standings = async (tx: Tx, listId: number, on: Temporal.PlainDate, who: Identities): Promise<Standing[]> =>
  (
    await sql<Standing>`
    select known.person,
      case when bool_or(m.removed_at is not null) then 'removed_before' when count(m.lead_id) > 0 then 'already_on_list' end as membership,
      coalesce(max(known.excluded) filter (where known.excluded = 'excluded_person'), max(known.excluded)) as excluded
    from (select key.*, ${exclusionOf('key', on)} as excluded
          from unnest(${who.person}::int[], ${who.leadId}::bigint[], ${texts(who.emailKey)}::text[], ${texts(who.linkedin)}::text[],
            ${texts(who.domain)}::text[]) as key(person, lead_id, email_key, linkedin_url, company_domain)
          offset 0) as known -- else the exclusion is looked up three times a person
    left join lateral (
      select lead_id, removed_at from membership where list_id = ${listId} and lead_id = known.lead_id limit 1) as m on true
    where known.excluded is not null or m.lead_id is not null
    group by known.person`.execute(tx)
  ).rows;

export interface NewMember {
  leadId: number;
  recordId: string | null;
}

/** Puts leads on a list with their provenance (L4). Those that ever were on it stay as they are (M4). */
export const insertMembers = async (
  tx: Tx,
  into: { workspaceId: number; listId: number; source: string; refillId: number; now: Temporal.Instant },
  members: readonly NewMember[],
): Promise<number[]> =>
  (
    await sql<{ lead_id: number }>`
    insert into membership (list_id, lead_id, workspace_id, source, record_id, refill_id, added_at)
    select ${into.listId}, lead_id, ${into.workspaceId}, ${into.source}, record_id, ${into.refillId}, ${into.now}
    from unnest(${members.map(m => m.leadId)}::bigint[], ${members.map(m => m.recordId)}::text[]) as x(lead_id, record_id)
    on conflict (list_id, lead_id) do nothing
    returning lead_id`.execute(tx)
  ).rows.map(row => row.lead_id);
