import { sql } from 'kysely';
import { Broken } from '../../errors.ts';
import { planDay } from '../../queues.ts';
import type { Context } from '../context.ts';
import * as messages from '../messages/index.ts';
import * as sequences from '../sequences/index.ts';
import { chunkSize, end } from './index.ts';
import * as queries from './queries.ts';
import { type EnrollmentState, mayBecome } from './rules.ts';

/** Pauses of single people (E3), and of a company's people after one of them replied (S10). */

const planAgain = (ctx: Context, sequenceId: number): Promise<void> =>
  ctx.enqueue(planDay, { workspaceId: ctx.workspace.id, sequenceId });

/** A run that is to pause until a local date of its sequence, on which it goes on by itself; null: until somebody says more. */
export interface Pause {
  enrollmentId: number;
  until: string | null;
  reason: string;
}

/** Pauses one run; see `pauseAll`. */
export const pause = (ctx: Context, one: Pause): Promise<{ unplanned: number }> => pauseAll(ctx, [one]);

/**
 * Pauses runs, each once. One that is paused gets the new date. What was planned loses its time, and an open task is taken back.
 * @throws Broken `bad_transition` where E3 does not allow it.
 */
export async function pauseAll(ctx: Context, wanted: readonly Pause[]): Promise<{ unplanned: number }> {
  if (!wanted.length) return { unplanned: 0 };
  const ids = wanted.map(one => one.enrollmentId);
  const locked = await ctx.tx
    .selectFrom('enrollment')
    .select(['id', 'state', 'sequence_id'])
    .where('id', 'in', ids)
    .orderBy('id')
    .forUpdate()
    .execute();
  const stuck = locked.find(row => row.state !== 'paused' && !mayBecome(row.state as EnrollmentState, 'paused'));
  if (stuck) throw new Broken('bad_transition', `Enrollment ${stuck.id} may not go from ${stuck.state} to paused.`);
  const unplanned = await messages.dropPlanned(ctx, ids);
  await sql`update enrollment e set state = 'paused', paused_until = wanted.until, reason = wanted.reason
    from unnest(${ids}::bigint[], ${wanted.map(one => one.until)}::date[], ${wanted.map(one => one.reason)}::text[]) as wanted (id, until, reason)
    where e.id = wanted.id`.execute(ctx.tx);
  for (const sequenceId of new Set(locked.map(row => row.sequence_id))) await planAgain(ctx, sequenceId);
  return { unplanned };
}

/**
 * Lets pauses of a sequence end whose date has come, a chunk at a time: whoever nothing has reached queues again in the old place,
 * everybody else is active and due as before (E3). @returns whether there may be more to do
 */
export async function endPauses(ctx: Context, sequenceId: number, limit = chunkSize): Promise<boolean> {
  const sequence = await sequences.lock(ctx, sequenceId);
  if (!sequences.isRunning(sequence.status)) return false;
  const which = sql`e.sequence_id = ${sequenceId} and e.paused_until <= ${sequences.today(ctx, sequence)}`;
  return (await wake(ctx, which, limit)).length === limit;
}

/** Lets one person's pause end now. */
export async function endPause(ctx: Context, enrollmentId: number, sequenceId: number): Promise<void> {
  await wake(ctx, sql`e.id = ${enrollmentId}`, 1);
  await planAgain(ctx, sequenceId);
}

/** A first step that was skipped has been passed all the same, so its run is active rather than queued. @returns their sequences */
const wake = async ({ tx }: Context, which: ReturnType<typeof sql>, limit: number): Promise<number[]> =>
  (
    await sql<{ sequenceId: number }>`
      update enrollment e set paused_until = null, reason = null,
        state = case when e.next_position = 1 and not ${queries.contacted('e')} then 'queued' else 'active' end
      where e.id in (select e.id from enrollment e where e.state = 'paused' and ${which} order by e.id limit ${limit} for update)
      returning e.sequence_id as "sequenceId"`.execute(tx)
  ).rows.map(row => row.sequenceId);

/**
 * A human answered: the run ends as replied, and colleagues at the same company pause for the workspace's days, wherever they are (S10).
 * New first contacts of the company wait as long; planning sees to that. @returns how many colleagues paused
 */
export async function replied(ctx: Context, enrollmentId: number): Promise<{ paused: number }> {
  const { lead_id } = await ctx.tx
    .selectFrom('enrollment')
    .select('lead_id')
    .where('id', '=', enrollmentId)
    .executeTakeFirstOrThrow();
  await end(ctx, { enrollmentIds: [enrollmentId], state: 'replied', reason: 'human_reply' });
  return { paused: await pauseColleagues(ctx, [lead_id]) };
}

/**
 * Pauses everybody else at leads' companies after human replies (S10). Who is paused already keeps the reason, and pauses no shorter.
 * @returns how many
 */
export async function pauseColleagues(ctx: Context, leadIds: readonly number[]): Promise<number> {
  const days = ctx.workspace.company_reply_pause_days;
  if (days === 0 || !leadIds.length) return 0;
  const live = await queries.colleagues(ctx.tx, { workspaceId: ctx.workspace.id, leadIds });
  if (!live.length) return 0;
  const { rows } = await sql<{ id: number; sequenceId: number }>`
    with colleague as (
      select e.id, (${ctx.now}::timestamptz at time zone s.zone)::date + ${days}::int as until
      from enrollment e join sequence s on s.id = e.sequence_id
      where e.id = any(${live}::bigint[])
        and e.state in ('queued', 'active', 'waiting_on_task', 'paused') order by e.id for no key update of e)
    update enrollment e set state = 'paused', paused_until = greatest(e.paused_until, colleague.until),
      reason = case when e.state = 'paused' and e.reason is distinct from 'reply_being_read' then e.reason else 'colleague_replied' end
    from colleague where e.id = colleague.id returning e.id, e.sequence_id as "sequenceId"`.execute(ctx.tx);
  await messages.dropPlanned(
    ctx,
    rows.map(row => row.id),
  );
  for (const sequenceId of new Set(rows.map(row => row.sequenceId))) await planAgain(ctx, sequenceId);
  return rows.length;
}

/** Nobody at a lead's company has replied after all: those who paused for that alone go on. @returns how many */
export async function endColleaguePauses(ctx: Context, leadId: number): Promise<number> {
  const live = await queries.colleagues(ctx.tx, { workspaceId: ctx.workspace.id, leadIds: [leadId] });
  const woken = await wake(ctx, sql`e.id = any(${live}::bigint[]) and e.reason = 'colleague_replied'`, live.length);
  for (const sequenceId of new Set(woken)) await planAgain(ctx, sequenceId);
  return woken.length;
}
