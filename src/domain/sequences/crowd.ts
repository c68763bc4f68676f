import { isRefusal } from '../../errors.ts';
import { endStale as endStaleJob, moveSteps as moveStepsJob, planDay } from '../../queues.ts';
import type { Context } from '../context.ts';
import { chunkSize } from '../enrollments/index.ts';
import * as messages from '../messages/index.ts';
import * as sequences from './index.ts';
import * as queries from './queries.ts';

/** What is done to everybody who is in a sequence: a chunk in the transaction that asks for it, the others in the background. */

/** Which live enrollments go over to a version: those of versions after `above` and before it, where it still has a step for them. */
export interface Moving {
  sequenceId: number;
  version: number;
  above: number;
}

/**
 * Moves a chunk, and leaves the others to the background (S7). Whoever is due first goes first, so that today is planned with them.
 * A move back also waits behind an earlier move that is still under way, since that one brings more people to what is taken back.
 */
export async function startMoving(ctx: Context, moving: Moving, limit = chunkSize): Promise<void> {
  const ids = await queries.moveSteps(ctx.tx, moving, { limit, order: 'due' });
  if (ids.length === limit || moving.above > 0) await ctx.enqueue(moveStepsJob, { workspaceId: ctx.workspace.id, ...moving });
}

/**
 * Moves the next chunk of those with ids after `after`; what was planned for them meanwhile is planned anew.
 * @returns the id to go on after; null when the end is reached
 */
export async function moveOn(ctx: Context, moving: Moving, after: number, limit = chunkSize): Promise<number | null> {
  await sequences.lock(ctx, moving.sequenceId);
  const ids = await queries.moveSteps(ctx.tx, moving, { limit, order: 'id', after });
  await messages.dropPlanned(ctx, ids);
  if (ids.length) await ctx.enqueue(planDay, { workspaceId: ctx.workspace.id, sequenceId: moving.sequenceId });
  return ids.length === limit ? ids.at(-1)! : null;
}

/**
 * Ends those whose last message is older than 21 days, a chunk at a time (S9). The sequence sleeps until the last of them has ended,
 * since what follows next would be due to them first. @returns how many end, and whether some of them only in the background
 */
export async function startEnding(
  ctx: Context,
  sequenceId: number,
  limit = chunkSize,
): Promise<{ ended: number; more: boolean }> {
  const on = sequences.today(ctx, await sequences.lock(ctx, sequenceId));
  const { older } = await queries.overdue(ctx.tx, sequenceId, on, ctx.now);
  const ended = await queries.endStale(ctx.tx, sequenceId, { on, now: ctx.now, limit });
  if (ended < older) await ctx.enqueue(endStaleJob, { workspaceId: ctx.workspace.id, sequenceId });
  return { ended: older, more: ended < older };
}

/** Ends the next chunk of the stale, and wakes the sequence after the last. @returns whether there may be more to do */
export async function endOn(ctx: Context, sequenceId: number, limit = chunkSize): Promise<boolean> {
  const sequence = await sequences.lock(ctx, sequenceId);
  if (sequence.status !== 'inactive') return false;
  const on = sequences.today(ctx, sequence);
  if ((await queries.endStale(ctx.tx, sequenceId, { on, now: ctx.now, limit })) === limit) return true;
  const woken = await sequences.resume(ctx, sequenceId, 'all');
  if (isRefusal(woken)) throw new Error(woken.message);
  return false;
}
