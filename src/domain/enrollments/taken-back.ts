import { sql } from 'kysely';
import { dateIn } from '../../calendar.ts';
import { planDay } from '../../queues.ts';
import type { Context } from '../context.ts';
import { isFree } from '../exclusions/queries.ts';
import * as messages from '../messages/index.ts';
import * as sequences from '../sequences/index.ts';
import * as enrollments from './index.ts';
import * as queries from './queries.ts';

/**
 * Runs that go back to where they were before a decision (A6). No state follows itself backwards (E3), so each run ends as taken back,
 * which leaves no mark (E5), and another takes its place: as old, with the same steps, by the same list.
 */

const endedAs = 'taken_back';

/** What became of those whom an approval let go on. Counts of people. */
export interface BackToReview {
  waiting: number;
  /** Something has left to them: they stay. */
  contacted: number;
  /** They had left the sequence by then. */
  gone: number;
}

/** Those who were approved at an instant: the uncontacted wait for review again, since as long as before (E4). */
export async function toReview(
  ctx: Context,
  {
    sequenceId,
    enrollmentIds,
    approvedAt,
  }: { sequenceId: number; enrollmentIds: readonly number[]; approvedAt: Temporal.Instant },
): Promise<BackToReview> {
  await queries.lockSequences(ctx.tx, [sequenceId]);
  const { rows } = await sql<{ id: number }>`
    select id from enrollment where id = any(${[...enrollmentIds]}::bigint[]) and reviewed_at = ${approvedAt} and state <> 'refused'
    order by id for update`.execute(ctx.tx);
  const ids = rows.map(row => row.id);
  await sql`select from message where enrollment_id = any(${ids}::bigint[]) order by id for update`.execute(ctx.tx);
  const now = await sql<{ id: number; goes: boolean; contacted: boolean }>`
    select e.id, ${queries.letsGo('e')} as goes, ${queries.contacted('e')} as contacted
    from enrollment e where e.id = any(${ids}::bigint[])`.execute(ctx.tx);
  const back = now.rows.filter(row => row.goes).map(row => row.id);
  const contacted = now.rows.filter(row => row.contacted).length;
  if (back.length) {
    await messages.dropPlanned(ctx, back);
    await queries.withdraw(ctx.tx, back, endedAs, ctx.now);
    await startAnew(ctx, back, 'in_review');
    await ctx.enqueue(planDay, { workspaceId: ctx.workspace.id, sequenceId });
  }
  return { waiting: back.length, contacted, gone: ids.length - back.length - contacted };
}

/** What became of runs that a refusal or a stop had ended. Counts of people. */
export interface Resumed {
  /** The runs that took their place. */
  enrollmentIds: number[];
  /** Who stays as they are, by reason (E5). */
  stay: Record<string, number>;
}

/**
 * Runs that were refused or stopped before any contact start anew, where their link still stands and nothing of E5 has come in between;
 * the others stay as they are. Nothing is written where that is all of them.
 */
export async function anew(
  ctx: Context,
  { sequenceId, enrollmentIds, state }: { sequenceId: number; enrollmentIds: readonly number[]; state: 'in_review' | 'queued' },
): Promise<Resumed> {
  const { status } = await sequences.lock(ctx, sequenceId);
  const { rows } = await sql<{ id: number; leadId: number; listId: number | null; stays: string | null }>`
    select e.id, e.lead_id as "leadId", case when e.link_id is not null then e.list_id end as "listId",
      case when e.state not in ('refused', 'stopped') or e.reason = ${endedAs} then 'changed_since'
        when ${queries.contacted('e')} then 'already_enrolled'
        when e.next_position > 1 then 'past_its_first_task'
        when ${status} not in ('active', 'inactive') then 'sequence_takes_nobody_new'
        when e.link_id is null and exists (select from enrollment o where o.workspace_id = e.workspace_id and o.lead_id = e.lead_id
          and o.state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task')) then 'in_other_sequence'
        when e.link_id is null and not ${isFree('l', dateIn(ctx.now, ctx.workspace.zone))} then 'excluded'
        when e.link_id is not null and not exists (select from link k where k.id = e.link_id and k.ended_at is null) then 'list_unlinked'
        end as stays
    from enrollment e join lead l on l.id = e.lead_id where e.id = any(${[...enrollmentIds]}::bigint[]) and e.sequence_id = ${sequenceId}
    order by e.id for update of e`.execute(ctx.tx);
  const held = new Map(rows.flatMap(row => (row.stays ? [[row.id, row.stays] as const] : [])));
  for (const [listId, own] of Map.groupBy(
    rows.filter(row => !held.has(row.id)),
    row => row.listId,
  )) {
    const judged = listId === null ? null : await judge(ctx, { sequenceId, listId, own });
    for (const { id, leadId } of judged ? own : []) {
      const reason = judged!.has(leadId) ? judged!.get(leadId) : 'removed';
      if (reason) held.set(id, reason);
    }
  }
  const back = rows.filter(row => !held.has(row.id)).map(row => row.id);
  const stay: Record<string, number> = {};
  for (const reason of held.values()) stay[reason] = (stay[reason] ?? 0) + 1;
  if (!back.length) return { enrollmentIds: [], stay };
  await sql`update enrollment set reason = ${endedAs} where id = any(${back}::bigint[])`.execute(ctx.tx);
  const started = await startAnew(ctx, back, state);
  await ctx.enqueue(planDay, { workspaceId: ctx.workspace.id, sequenceId });
  return { enrollmentIds: started, stay };
}

/** Why members of a list would not enrol now, by lead; null: they would (E5). Who is no member any more is not among them. */
async function judge(
  ctx: Context,
  { sequenceId, listId, own }: { sequenceId: number; listId: number; own: readonly { id: number; leadId: number }[] },
): Promise<Map<number, string | null>> {
  const verdicts = await enrollments.verdicts(ctx, {
    ...{ sequenceId, listId, leadIds: own.map(row => row.leadId) },
    takingBack: own.map(row => row.id),
  });
  return new Map(verdicts.map(verdict => [verdict.leadId, verdict.reason]));
}

/** One live run a lead (E1): where somebody else was faster, that one stands. */
async function startAnew(ctx: Context, ids: readonly number[], state: 'in_review' | 'queued'): Promise<number[]> {
  const { rows } = await sql<{ id: number }>`
    insert into enrollment (workspace_id, sequence_id, lead_id, link_id, list_id, version, state, enrolled_at, reviewed_at, reviewed_by)
    select workspace_id, sequence_id, lead_id, link_id, list_id, version, ${state}, enrolled_at,
      case when ${state} = 'queued' then reviewed_at end, case when ${state} = 'queued' then reviewed_by end
    from enrollment where id = any(${[...ids]}::bigint[]) order by lead_id
    on conflict (workspace_id, lead_id) where state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task') do nothing
    returning id`.execute(ctx.tx);
  return rows.map(row => row.id);
}
