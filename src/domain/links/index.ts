import type { Selectable } from 'kysely';
import type { Sequence } from '../../db/types.ts';
import { type Refusal, refuse } from '../../errors.ts';
import { enrollList } from '../../queues.ts';
import type { Context } from '../context.ts';
import * as enrollments from '../enrollments/index.ts';
import { lockSequences } from '../enrollments/queries.ts';
import * as queries from './queries.ts';
import { linkable } from './rules.ts';

export { isGated, linkable } from './rules.ts';

export type LinkRow = queries.LinkRow;

/** The link of a list, if it has one. */
export const activeOf = (ctx: Context, listId: number): Promise<LinkRow | undefined> => queries.active(ctx.tx, listId);

/** The lists that feed a sequence, longest linked first. */
export const of = (ctx: Context, sequenceId: number): Promise<LinkRow[]> => queries.activeOfSequence(ctx.tx, sequenceId);

export interface Linked {
  outcome: 'linked';
  linkId: number;
  /** The link that this one replaced, and what became of its people as far as this transaction went (K3). */
  moved: { fromSequenceId: number; released: enrollments.Released } | null;
}

/**
 * Links a list to an active sequence and has its members enrolled in the background (K1, K2, K5); a list that is linked elsewhere
 * moves, and lets go of whom it had not contacted there (K3). The approval that K3 asks for is the tool's.
 * @returns the refusal of `linkable`, or `linked_meanwhile` when the list was linked by somebody else since the plan.
 */
export async function link(
  ctx: Context,
  { listId, sequenceId, replaces = null }: { listId: number; sequenceId: number; replaces?: number | null },
): Promise<Linked | Refusal> {
  const current = await activeOf(ctx, listId);
  if ((current?.id ?? null) !== replaces) return linkedMeanwhile;
  await lockSequences(ctx.tx, current ? [sequenceId, current.sequence_id] : [sequenceId]);
  const sequence = await sequenceById(ctx, sequenceId);
  const refusal = linkable(sequence);
  if (refusal) return refusal;

  if (current && !(await queries.finish(ctx.tx, [current.id], 'relinked', ctx.now)).length) return linkedMeanwhile;
  const started = await queries.start(ctx.tx, {
    workspaceId: ctx.workspace.id,
    listId,
    sequenceId,
    linkedBy: ctx.actor.kind === 'member' ? ctx.actor.id : null,
    now: ctx.now,
  });
  if (!started) return linkedMeanwhile;
  const released = current && (await enrollments.withdrawUncontacted(ctx, { linkId: current.id, reason: 'relinked' }));
  // The job first lets go of the rest, where there are more than one transaction takes.
  await ctx.enqueue(enrollList, { workspaceId: ctx.workspace.id, linkId: started.id });
  return {
    outcome: 'linked',
    linkId: started.id,
    moved: current && released ? { fromSequenceId: current.sequence_id, released } : null,
  };
}

const linkedMeanwhile = refuse(
  'linked_meanwhile',
  'Somebody changed the link of this list just now. Ask again to see how it stands.',
  ['show my lists'],
);

const sequenceById = (ctx: Context, id: number): Promise<Selectable<Sequence>> =>
  ctx.tx.selectFrom('sequence').selectAll().where('id', '=', id).executeTakeFirstOrThrow();

/**
 * Ends the link of a list: uncontacted people are withdrawn, or pass to another list of the sequence that holds them (K4); contacted
 * ones finish (K6). @returns undefined when the list is not linked.
 */
export async function unlink(
  ctx: Context,
  { listId, reason = 'unlinked' }: { listId: number; reason?: string },
): Promise<{ linkId: number; sequenceId: number; released: enrollments.Released } | undefined> {
  const current = await activeOf(ctx, listId);
  if (!current) return undefined;
  await lockSequences(ctx.tx, [current.sequence_id]);
  const [released] = await endLinks(ctx, [current], reason);
  return released && { linkId: current.id, sequenceId: current.sequence_id, released };
}

/** Ends all links of a sequence that goes to rest or to the archive (S1). Nobody passes on, since no list stays. Returns how many. */
export async function endAll(ctx: Context, sequenceId: number, reason: string): Promise<number> {
  await lockSequences(ctx.tx, [sequenceId]);
  return (await endLinks(ctx, await of(ctx, sequenceId), reason)).length;
}

async function endLinks(ctx: Context, open: LinkRow[], reason: string): Promise<enrollments.Released[]> {
  const linkIds = open.map(link => link.id);
  const ended = await queries.finish(ctx.tx, linkIds, reason, ctx.now);
  const all: enrollments.Released[] = [];
  let room = enrollments.chunkSize;
  for (const { id } of ended) {
    const released =
      room > 0
        ? await enrollments.withdrawUncontacted(ctx, { linkId: id, reason, limit: room })
        : { withdrawn: 0, passed: 0, more: true };
    room -= released.withdrawn + released.passed;
    if (released.more) await ctx.enqueue(enrollList, { workspaceId: ctx.workspace.id, linkId: id });
    all.push(released);
  }
  return all;
}
