import { type RawBuilder, sql } from 'kysely';
import type { Context } from '../context.ts';
import { endStates, liveStates } from './rules.ts';

/** Where somebody of a list or a sequence stands: a state of E3, or what says more than it. */
export const standings = [...liveStates, 'held', 'unknown', 'skipped', 'not_enrolled', ...endStates] as const;
export type Standing = (typeof standings)[number];

/** Whose people: a list's, a sequence's; with both, those whom the list brought into the sequence; with neither, those of all sequences. */
export interface Scope {
  listId: number | null;
  sequenceId: number | null;
}

export interface Filter {
  state: Standing | null;
  /** A stored reason code. */
  reason: string | null;
}

/** JSON but for the instant. */
export interface Person {
  leadId: number;
  name: string;
  email: string | null;
  company: string | null;
  state: Standing;
  /** A stored code (E5, D3); null where the state says it all. */
  reason: string | null;
  /** What it is about: the empty variable, a reviewer's words, the sequence that holds them. */
  detail: string | null;
  /** Who holds them there. */
  by: string | null;
  pausedUntil: string | null;
  list: string | null;
  sequence: string | null;
  /** Null where nobody wrote down when it began: of a pause. */
  since: Temporal.Instant | null;
}

const live = sql.raw(`('in_review', 'queued', 'active', 'paused', 'waiting_on_task')`);
const isHeld = sql`(e.held_reason is not null and e.state in ${live})`;

/** Messages of which nobody knows whether they left; they are few, and have an index of their own. */
const unknowns = (workspaceId: number) => sql`
  select distinct on (m.enrollment_id) m.enrollment_id, m.position, m.handing_at, coalesce(m.reason, 'no_answer') as reason
  from message m where m.workspace_id = ${workspaceId} and m.state = 'unknown' order by m.enrollment_id, m.id`;

/** SQL: does an unknown message say where the run under `e` stands? One that has ended only where unknown ones are asked for. */
const isUnknown = ({ state }: Filter): RawBuilder<unknown> =>
  sql`(u.enrollment_id is not null and (e.state in ${live} or ${state === 'unknown'}::boolean))`;

/** SQL: where the run under `e` stands, with its unknown message under `u`; and why, as a code. An unknown or held message goes first. */
const standing = (filter: Filter): RawBuilder<unknown> => sql`
  case when ${isUnknown(filter)} then 'unknown' when ${isHeld} then 'held' else e.state end`;
const cause = (filter: Filter): RawBuilder<unknown> => sql`
  case when ${isUnknown(filter)} then u.reason when ${isHeld} then e.held_reason
    when e.state = 'paused' or e.ended_at is not null then e.reason end`;

/** SQL: which rows of enrollment can stand so at all? It is what their indexes are asked for. */
function candidates({ state }: Filter): RawBuilder<unknown> {
  if (state === null) return sql`true`;
  if (state === 'unknown') return sql`e.id in (select enrollment_id from unknown)`;
  return state === 'held' ? isHeld : sql`e.state = ${state}`;
}

/** Everybody who ran through a sequence, or was skipped by a link of it that holds. */
const runsOf = (workspaceId: number, { listId, sequenceId }: Scope, filter: Filter): RawBuilder<unknown> => sql`
  select e.id, e.lead_id, e.list_id, e.sequence_id, ${standing(filter)} as state, ${cause(filter)} as reason, e.enrolled_at as began_at,
    e.ended_at as over_at, null::bigint as held_by
  from enrollment e left join unknown u on u.enrollment_id = e.id
  where e.workspace_id = ${workspaceId} and (${sequenceId}::bigint is null or e.sequence_id = ${sequenceId})
    and (${listId}::bigint is null or e.list_id = ${listId}) and ${candidates(filter)}
  union all
  select null, s.lead_id, k.list_id, k.sequence_id, 'skipped', s.reason, s.skipped_at, s.skipped_at, s.held_by
  from link k join skip s on s.link_id = k.id
  where k.workspace_id = ${workspaceId} and k.ended_at is null and (${sequenceId}::bigint is null or k.sequence_id = ${sequenceId})
    and (${listId}::bigint is null or k.list_id = ${listId}) and (${filter.state}::text is null or ${filter.state} = 'skipped')`;

/** SQL: which members of a list can stand so at all? */
function mayStand(workspaceId: number, { state }: Filter): RawBuilder<unknown> {
  if (state === null) return sql`true`;
  const runs = sql`select e.lead_id from enrollment e where e.workspace_id = ${workspaceId}`;
  if (state === 'not_enrolled') return sql`lead_id not in (${runs})`;
  if (state === 'skipped') return sql`lead_id in (select s.lead_id from skip s join way on way.id = s.link_id)`;
  return sql`lead_id in (${runs} and ${candidates({ state, reason: null })})`;
}

/**
 * Everybody on a list, with the run that says most of them: the live one, wherever it is; else why the list's link skipped them; else
 * the last that ended.
 */
const membersOf = (workspaceId: number, filter: Filter): RawBuilder<unknown> => sql`
  select case when s.lead_id is null then e.id end as id, m.lead_id, null::bigint as list_id,
    case when s.lead_id is null then e.sequence_id end as sequence_id,
    case when s.lead_id is not null then 'skipped' when e.id is null then 'not_enrolled' else ${standing(filter)} end as state,
    case when s.lead_id is not null then s.reason else ${cause(filter)} end as reason,
    case when s.lead_id is not null then s.skipped_at else coalesce(e.enrolled_at, m.added_at) end as began_at,
    case when s.lead_id is null then e.ended_at end as over_at, s.held_by, m.added_at
  from newest m left join way k on true
  left join (
    select distinct on (e.lead_id) e.id, e.lead_id, e.sequence_id, e.state, e.reason, e.held_reason, e.enrolled_at, e.ended_at
    from enrollment e where e.workspace_id = ${workspaceId} and e.lead_id in (select lead_id from newest)
    order by e.lead_id, e.state in ${live} desc, e.id desc) e on e.lead_id = m.lead_id
  left join unknown u on u.enrollment_id = e.id
  left join skip s on s.link_id = k.id and s.lead_id = m.lead_id
    and not coalesce(e.state in ${live} and e.sequence_id = k.sequence_id, false)`;

interface Page {
  from: number;
  size: number;
}

/**
 * One page of the people of a list or a sequence, and how many there are. Of a sequence: who is under way before who is not, the longest
 * there first, and of the others the latest first. Of a list: the newest first.
 */
export async function people(ctx: Context, scope: Scope, filter: Filter, page: Page): Promise<{ people: Person[]; all: number }> {
  const { workspace, tx } = ctx;
  const { state, reason } = filter;
  const listId = scope.sequenceId === null ? scope.listId : null;
  const isCut = listId !== null && state === null && reason === null;
  const run = listId === null ? runsOf(workspace.id, scope, filter) : membersOf(workspace.id, filter);
  const all = isCut
    ? sql`(select count(*) from membership where list_id = ${listId} and removed_at is null)`
    : sql`count(*) over ()`;
  const order = listId === null ? sql`over_at desc nulls first, began_at, id, lead_id` : sql`added_at desc, lead_id desc`;
  const { rows } = await sql<Person & { all: number }>`
    with unknown as (${unknowns(workspace.id)}),
      way as (select id, sequence_id from link where list_id = ${listId} and ended_at is null),
      newest as (select lead_id, added_at from membership where list_id = ${listId} and removed_at is null
        and ${mayStand(workspace.id, filter)} ${isCut ? sql`order by ${order} limit ${page.size} offset ${page.from}` : sql``}),
      run as (${run}),
      chosen as (select *, ${all} as people from run
        where (${state}::text is null or state = ${state}) and (${reason}::text is null or reason = ${reason})
        order by ${order} limit ${page.size} offset ${isCut ? 0 : page.from})
    select c.people::int as all, l.id as "leadId", l.full_name as name, l.email_key as email, l.company, c.state, c.reason,
      case c.state when 'held' then m.detail when 'refused' then e.review_reason else holding.name end as detail, holder.name as by,
      case when c.state = 'paused' then e.paused_until end as "pausedUntil", t.name as list, q.name as sequence,
      case c.state when 'unknown' then u.handing_at when 'held' then coalesce(m.planned_at, c.began_at)
        when 'waiting_on_task' then coalesce(m.claimed_at, c.began_at) when 'queued' then coalesce(e.reviewed_at, c.began_at)
        when 'active' then coalesce(e.contacted_at, c.began_at) when 'paused' then null else coalesce(c.over_at, c.began_at) end as since
    from chosen c join lead l on l.id = c.lead_id
    left join enrollment e on e.id = c.id left join unknown u on u.enrollment_id = c.id
    left join message m on m.enrollment_id = e.id and m.position = e.next_position
    left join list t on t.id = c.list_id left join sequence q on q.id = c.sequence_id
    left join enrollment h on h.id = c.held_by left join sequence holding on holding.id = h.sequence_id
    left join member holder on holder.id = holding.owner_id
    order by ${listId === null ? sql`c.over_at desc nulls first, c.began_at, c.id, c.lead_id` : sql`c.added_at desc, c.lead_id desc`}`.execute(
    tx,
  );
  return { people: rows.map(({ all: _, ...person }) => person), all: rows[0]?.all ?? 0 };
}

/** How many of a sequence, or of every one, stand where; most first. */
export const counts = async (ctx: Context, scope: Scope): Promise<{ state: Standing; people: number }[]> =>
  (
    await sql<{ state: Standing; people: number }>`
      with unknown as (${unknowns(ctx.workspace.id)}), run as (${runsOf(ctx.workspace.id, scope, { state: null, reason: null })})
      select state, count(*)::int as people from run group by state order by 2 desc, 1`.execute(ctx.tx)
  ).rows;
