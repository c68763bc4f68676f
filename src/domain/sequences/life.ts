import { sql } from 'kysely';
import { isRefusal, type Refusal } from '../../errors.ts';
import { archiveSequence } from '../../queues.ts';
import type { Context } from '../context.ts';
import * as enrollments from '../enrollments/index.ts';
import { contacted } from '../enrollments/queries.ts';
import * as links from '../links/index.ts';
import { freeName } from '../lists/rules.ts';
import * as messages from '../messages/index.ts';
import * as sequences from './index.ts';
import * as queries from './queries.ts';
import { windowOf } from './rules.ts';

/** The ends of a sequence's life, and its second one (S1). They end links and people, which the other verbs leave alone. */

/** Whom an end touches. Counts of people. */
export interface Ending {
  lists: string[];
  /** Never contacted: they leave. */
  uncontacted: number;
  /** Contacted, with steps to come. */
  inFlight: number;
}

export async function ending(ctx: Context, sequenceId: number): Promise<Ending> {
  const { rows } = await sql<Ending>`
    select count(*) filter (where not ${contacted('e')})::int as uncontacted, count(*) filter (where ${contacted('e')})::int as "inFlight",
      (select coalesce(jsonb_agg(l.name order by l.name), '[]') from link k join list l on l.id = k.list_id
        where k.sequence_id = ${sequenceId} and k.ended_at is null) as lists
    from enrollment e where e.sequence_id = ${sequenceId}
      and e.state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task')`.execute(ctx.tx);
  return rows[0]!;
}

/**
 * Nobody new: lists are unlinked, whoever was not contacted leaves, people in flight get their remaining steps. It becomes inactive by
 * itself when the last of them is through, at once where nobody is in flight (S1).
 */
export async function finish(ctx: Context, sequenceId: number): Promise<{ status: string } | Refusal> {
  const moved = await sequences.change(ctx, sequenceId, 'finish');
  if (isRefusal(moved)) return moved;
  await links.endAll(ctx, sequenceId, 'sequence_finishing');
  await enrollments.withdrawByHand(ctx, { sequenceId, reason: 'sequence_finishing' });
  await sequences.settle(ctx, sequenceId);
  await sequences.wake(ctx, sequenceId);
  return { status: (await sequences.lock(ctx, sequenceId)).status };
}

/** Whom finishing at an instant let go though no list had brought them: nothing enrols them anew by itself. */
export const letGoByHand = async (ctx: Context, sequenceId: number, at: Temporal.Instant): Promise<number> =>
  (
    await sql<{ n: number }>`select count(*)::int as n from enrollment where sequence_id = ${sequenceId} and link_id is null
      and state = 'withdrawn' and reason = 'sequence_finishing' and ended_at = ${at}`.execute(ctx.tx)
  ).rows[0]!.n;

/** Takes new people again; lists are linked again by hand (S1). */
export const reopen = (ctx: Context, sequenceId: number): Promise<{ status: string } | Refusal> =>
  sequences.activate(ctx, sequenceId);

/** For good: lists are unlinked, and everybody who is live ends, the first of them here and the rest in the background (S1). */
export async function archive(ctx: Context, sequenceId: number): Promise<{ status: string } | Refusal> {
  const moved = await sequences.change(ctx, sequenceId, 'archive');
  if (isRefusal(moved)) return moved;
  await messages.unplan(ctx, sequenceId);
  await links.endAll(ctx, sequenceId, 'sequence_archived');
  if (await endArchived(ctx, sequenceId)) await ctx.enqueue(archiveSequence, { workspaceId: ctx.workspace.id, sequenceId });
  return { status: moved.status };
}

/** Ends people of an archived sequence, a chunk at a time. @returns whether there may be more to do */
export async function endArchived(ctx: Context, sequenceId: number, limit = enrollments.chunkSize): Promise<boolean> {
  const { status } = await sequences.lock(ctx, sequenceId);
  if (status !== 'archived') return false;
  const { rows } = await sql<{ id: number }>`
    select id from enrollment where sequence_id = ${sequenceId}
      and state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task') order by id limit ${limit}`.execute(ctx.tx);
  await enrollments.end(ctx, { enrollmentIds: rows.map(row => row.id), state: 'stopped', reason: 'sequence_archived' });
  return rows.length === limit;
}

/** Of those who are in it: who would get the newest steps after an edit, and who keeps older ones (S7). Counts of people. */
export const groupsAt = (
  ctx: Context,
  { id, version }: sequences.SequenceRow,
  { steps, moveUnsent }: Pick<sequences.Changes, 'steps' | 'moveUnsent'>,
): Promise<{ moving: number; keeping: number }> =>
  queries.groupsAt(ctx.tx, id, {
    version: steps ? version + 1 : version,
    steps: moveUnsent ? (steps?.length ?? null) : 0,
  });

/** A copy in setup: steps, window, holidays, cap and senders; always in copilot, since only a human decides otherwise (E4). */
export async function duplicate(ctx: Context, sequenceId: number, name: string): Promise<sequences.SequenceRow> {
  const original = await sequences.lock(ctx, sequenceId);
  const steps = await sequences.stepsOf(ctx, original);
  const copy = await sequences.create(ctx, {
    name,
    steps: steps.map(step => ({
      kind: step.kind as 'email' | 'task',
      body: step.body,
      delayDays: step.delay_days,
      ...(step.title === null ? {} : { title: step.title }),
      ...(step.subject === null ? {} : { subject: step.subject }),
    })),
    dailyCap: original.daily_cap,
    window: windowOf(original),
    senderIds: (await sequences.sendersOf(ctx, sequenceId)).map(sender => sender.id),
  });
  await ctx.tx
    .updateTable('sequence')
    .set({ holidays: original.holidays as object, opt_out_line: original.opt_out_line })
    .where('id', '=', copy.id)
    .execute();
  return copy;
}

/** 'Fall Intro (copy)', or the next name like it that is free. */
export const copyName = async (ctx: Context, name: string): Promise<string> =>
  freeName(
    `${name} (copy)`,
    (await ctx.tx.selectFrom('sequence').select('name').execute()).map(row => row.name),
  );
