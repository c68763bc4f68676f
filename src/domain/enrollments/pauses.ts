import { sql } from 'kysely';
import { Broken } from '../../errors.ts';
import { planDay } from '../../queues.ts';
import type { Context } from '../context.ts';
import * as messages from '../messages/index.ts';
import * as sequences from '../sequences/index.ts';
import { chunkSize } from './index.ts';
import { contacted } from './queries.ts';
import { type EnrollmentState, mayBecome } from './rules.ts';

/** Pauses of single people (E3), and of a company's people after one of them replied (S10). */

const planAgain = (ctx: Context, sequenceId: number): Promise<void> =>
  ctx.enqueue(planDay, { workspaceId: ctx.workspace.id, sequenceId });

/**
 * Pauses a run until a local date of its sequence, on which it goes on by itself; one that is paused gets the new date. What was planned
 * loses its time, and an open task is taken back. @throws Broken `bad_transition` where E3 does not allow it.
 */
export async function pause(
  ctx: Context,
  { enrollmentId, until, reason }: { enrollmentId: number; until: string; reason: string },
): Promise<{ unplanned: number }> {
  const row = await ctx.tx
    .selectFrom('enrollment')
    .select(['id', 'state', 'sequence_id'])
    .where('id', '=', enrollmentId)
    .forUpdate()
    .executeTakeFirstOrThrow();
  if (row.state !== 'paused' && !mayBecome(row.state as EnrollmentState, 'paused'))
    throw new Broken('bad_transition', `Enrollment ${row.id} may not go from ${row.state} to paused.`);
  const unplanned = await messages.dropPlanned(ctx, [enrollmentId]);
  await ctx.tx
    .updateTable('enrollment')
    .set({ state: 'paused', paused_until: until, reason })
    .where('id', '=', enrollmentId)
    .execute();
  await planAgain(ctx, row.sequence_id);
  return { unplanned };
}

/**
 * Lets pauses of a sequence end whose date has come, a chunk at a time: whoever nothing has reached queues again in the old place,
 * everybody else is active and due as before (E3). @returns whether there may be more to do
 */
export async function endPauses(ctx: Context, sequenceId: number, limit = chunkSize): Promise<boolean> {
  const sequence = await sequences.lock(ctx, sequenceId);
  if (!sequences.isRunning(sequence.status)) return false;
  return (
    (await wake(ctx, sql`e.sequence_id = ${sequenceId} and e.paused_until <= ${sequences.today(ctx, sequence)}`, limit)) === limit
  );
}

/** Lets one person's pause end now. */
export async function endPause(ctx: Context, enrollmentId: number, sequenceId: number): Promise<void> {
  await wake(ctx, sql`e.id = ${enrollmentId}`, 1);
  await planAgain(ctx, sequenceId);
}

/** A first step that was skipped has been passed all the same, so its run is active rather than queued. */
const wake = async ({ tx }: Context, which: ReturnType<typeof sql>, limit: number): Promise<number> =>
  (
    await sql`
      update enrollment e set paused_until = null, reason = null,
        state = case when e.next_position = 1 and not ${contacted('e')} then 'queued' else 'active' end
      where e.id in (select e.id from enrollment e where e.state = 'paused' and ${which} order by e.id limit ${limit} for update)
      returning e.id`.execute(tx)
  ).rows.length;

/**
 * A human answered: the run ends as replied, and colleagues at the same company pause for the workspace's days, wherever they are (S10).
 * New first contacts of the company wait as long; planning sees to that. @returns how many colleagues paused
 */
export async function replied(ctx: Context, enrollmentId: number): Promise<{ paused: number }> {
  const found = await ctx.tx
    .selectFrom('enrollment')
    .innerJoin('lead', 'lead.id', 'enrollment.lead_id')
    .select(['enrollment.state', 'enrollment.lead_id', 'enrollment.sequence_id', 'lead.company_domain'])
    .where('enrollment.id', '=', enrollmentId)
    .forUpdate('enrollment')
    .executeTakeFirstOrThrow();
  if (!mayBecome(found.state as EnrollmentState, 'replied'))
    throw new Broken('bad_transition', `Enrollment ${enrollmentId} may not go from ${found.state} to replied.`);
  await messages.dropPlanned(ctx, [enrollmentId]);
  await ctx.tx
    .updateTable('enrollment')
    .set({ state: 'replied', reason: 'human_reply', ended_at: ctx.now, next_due_on: null, held_reason: null })
    .where('id', '=', enrollmentId)
    .execute();
  await sequences.settle(ctx, found.sequence_id);
  await planAgain(ctx, found.sequence_id);
  return { paused: found.company_domain ? await pauseColleagues(ctx, found.lead_id, found.company_domain) : 0 };
}

async function pauseColleagues(ctx: Context, leadId: number, company: string): Promise<number> {
  const days = ctx.workspace.company_reply_pause_days;
  if (days === 0) return 0;
  const { rows } = await sql<{ id: number; sequenceId: number }>`
    with colleague as (
      select e.id, (${ctx.now}::timestamptz at time zone s.zone)::date + ${days}::int as until
      from lead l join enrollment e on e.lead_id = l.id join sequence s on s.id = e.sequence_id
      where l.workspace_id = ${ctx.workspace.id} and l.company_domain = ${company} and l.id <> ${leadId}
        and e.state in ('queued', 'active', 'waiting_on_task', 'paused') order by e.id for update of e)
    update enrollment e set state = 'paused', reason = 'colleague_replied', paused_until = greatest(e.paused_until, colleague.until)
    from colleague where e.id = colleague.id returning e.id, e.sequence_id as "sequenceId"`.execute(ctx.tx);
  await messages.dropPlanned(
    ctx,
    rows.map(row => row.id),
  );
  for (const sequenceId of new Set(rows.map(row => row.sequenceId))) await planAgain(ctx, sequenceId);
  return rows.length;
}
