import { dateIn } from '../../calendar.ts';
import { isEmbedded } from '../../db/transaction.ts';
import { Broken } from '../../errors.ts';
import { planDay } from '../../queues.ts';
import type { Context } from '../context.ts';
import * as messages from '../messages/index.ts';
import * as sequences from '../sequences/index.ts';
import * as queries from './queries.ts';
import { type EndState, type EnrollmentState, isLive, mayBecome, reviewDays } from './rules.ts';

/** One transaction takes at most this many people: on the embedded database everyone waits for it. */
export const chunkSize = 2_000;

/** How many members of a list are enrolled at once: on a server nobody waits, and each transaction costs as much as 200 people. */
export const membersAtOnce = ({ tx }: Pick<Context, 'tx'>): number => (isEmbedded(tx) ? chunkSize : 5_000);

export interface Enrolled {
  enrolled: number;
  /** Reason → people. `in_this_sequence`: enrolled once already through another list (K4). */
  skipped: Record<string, number>;
}

export interface Chunk extends Enrolled {
  /** The last member looked at, to go on after; null when the end is reached or the link enrols nobody now. */
  through: number | null;
}

const nobody: Chunk = { enrolled: 0, skipped: {}, through: null };

/**
 * Enrols the next members of a linked list, in the order of their ids, after `after` (K5). Locks the link and does nothing when it has
 * ended or its sequence is not active. With `retry`, skips that may have passed are judged again (E5).
 */
export async function enrollChunk(
  ctx: Context,
  linkId: number,
  limit = membersAtOnce(ctx),
  { after = 0, retry = false }: { after?: number; retry?: boolean } = {},
): Promise<Chunk> {
  const link = await queries.lockLink(ctx.tx, linkId);
  if (!link || link.endedAt || link.status !== 'active') return nobody;
  const { enrolled, skipped, through } = await judgeAndEnroll(ctx, link, { limit, after, retry });
  if (through === null) await queries.reachedEnd(ctx.tx, linkId, ctx.now);
  return { enrolled, skipped, through };
}

/**
 * Enrols members that a refill has just added, in its transaction (M7); at most `chunkSize` at once.
 * While the sequence is not active they wait for it (`sequence_not_active`); an ended link enrols nobody (`link_ended`).
 */
export async function enrollMembers(ctx: Context, { linkId, leadIds }: { linkId: number; leadIds: number[] }): Promise<Enrolled> {
  if (!leadIds.length) return { enrolled: 0, skipped: {} };
  const link = await queries.lockLink(ctx.tx, linkId);
  if (!link || link.endedAt) return { enrolled: 0, skipped: { link_ended: leadIds.length } };
  if (link.status !== 'active') return { enrolled: 0, skipped: { sequence_not_active: leadIds.length } };
  const { enrolled, skipped } = await judgeAndEnroll(ctx, link, { leadIds });
  return { enrolled, skipped };
}

async function judgeAndEnroll(
  ctx: Context,
  link: queries.OpenLink,
  which: Pick<queries.Question, 'limit' | 'after' | 'retry' | 'leadIds'>,
): Promise<queries.Judged> {
  const question = {
    ...questionOf(ctx, link),
    ...which,
    linkId: link.linkId,
    version: link.version,
    state: link.mode === 'copilot' ? ('in_review' as const) : ('queued' as const),
  };
  const judged = await queries.enroll(ctx.tx, question);
  // Another list was faster with some of them (E1). It has committed, so a second look sees who holds them.
  if (judged.fit > judged.enrolled) {
    const again = await queries.enroll(ctx.tx, question);
    judged.enrolled += again.enrolled;
    for (const [reason, people] of Object.entries(again.skipped))
      judged.skipped[reason] = reason === 'in_this_sequence' ? people : (judged.skipped[reason] ?? 0) + people;
  }
  if (judged.enrolled) await ctx.enqueue(planDay, { workspaceId: ctx.workspace.id, sequenceId: link.sequenceId });
  return judged;
}

const questionOf = (
  ctx: Context,
  { listId, sequenceId, needsEmail }: Pick<queries.OpenLink, 'listId' | 'sequenceId' | 'needsEmail'>,
) => ({
  workspaceId: ctx.workspace.id,
  listId,
  sequenceId,
  needsEmail,
  coolingSince: ctx.now.subtract({ hours: 24 * ctx.workspace.cooling_down_days }),
  on: dateIn(ctx.now, ctx.workspace.zone),
  now: ctx.now,
});

/**
 * What a link would do: how many enrol, and how many do not, by reason and by who holds them. People whom `leavingLinkId` holds
 * uncontacted count as free, since the link that moves lets go of them (K3). Writes nothing.
 */
export const foresee = async (
  ctx: Context,
  { leavingLinkId, ...of }: { listId: number; sequenceId: number; leavingLinkId: number | null },
): Promise<queries.Foreseen[]> => {
  const needsEmail = await queries.needsEmail(ctx.tx, of.sequenceId);
  return queries.foresee(ctx.tx, { ...questionOf(ctx, { ...of, needsEmail }), linkId: null, leavingLinkId });
};

/** The same, member by member: the given ones, or up to `limit` after a lead id. Writes nothing. */
export const verdicts = async (
  ctx: Context,
  {
    linkId = null,
    leavingLinkId = null,
    leadIds,
    takingBack,
    after,
    limit,
    ...of
  }: { listId: number; sequenceId: number; linkId?: number | null; leavingLinkId?: number | null } & Pick<
    queries.Question,
    'leadIds' | 'after' | 'limit' | 'takingBack'
  >,
): Promise<queries.Verdict[]> => {
  const needsEmail = await queries.needsEmail(ctx.tx, of.sequenceId);
  const which = {
    ...(leadIds ? { leadIds } : {}),
    ...(takingBack ? { takingBack } : {}),
    ...(after === undefined ? {} : { after }),
    ...(limit ? { limit } : {}),
  };
  return queries.verdicts(ctx.tx, { ...questionOf(ctx, { ...of, needsEmail }), ...which, linkId, leavingLinkId });
};

/** Where the enrolment of a link stands (K5). */
export const progress = (ctx: Context, linkId: number): Promise<queries.Progress> => queries.progress(ctx.tx, linkId);

/** What the end of a link would do to its people (K3, K6). Writes nothing. */
export const lettingGo = (ctx: Context, linkId: number): Promise<queries.LettingGo> => queries.lettingGo(ctx.tx, linkId);

export interface Released {
  withdrawn: number;
  /** Kept by another list that is linked to the same sequence (K4). */
  passed: number;
  /** There were more than one transaction takes: call again. */
  more: boolean;
}

/**
 * Lets go of the uncontacted enrollments that a link holds, all or those of some leads (K3, K6, L7): each passes to another list that
 * is linked to the same sequence and holds the lead, keeping its place and review (K4), or is withdrawn and its planned messages with
 * it. A claimed message has not left and goes too; one that is being handed over makes its lead contacted, and that lead stays.
 */
export async function withdrawUncontacted(
  ctx: Context,
  { linkId, leadIds, reason, limit = chunkSize }: { linkId: number; leadIds?: number[]; reason: string; limit?: number },
): Promise<Released> {
  const link = await ctx.tx.selectFrom('link').select('sequence_id').where('id', '=', linkId).executeTakeFirst();
  if (!link) return { withdrawn: 0, passed: 0, more: false };
  await queries.lockSequences(ctx.tx, [link.sequence_id]);
  const ids = await queries.lockUncontacted(ctx.tx, { linkId, leadIds, limit });
  if (!ids.length) return { withdrawn: 0, passed: 0, more: false };
  const passed = new Set(await queries.passOn(ctx.tx, ids));
  const leaving = ids.filter(id => !passed.has(id));
  if (leaving.length) {
    await messages.dropPlanned(ctx, leaving);
    await queries.withdraw(ctx.tx, leaving, reason, ctx.now);
    await freed(ctx, link.sequence_id);
  }
  return { withdrawn: leaving.length, passed: passed.size, more: ids.length === limit };
}

/** Withdraws the uncontacted whom no link holds, since they were enrolled by hand (S1). At most a chunk: they are few. */
export async function withdrawByHand(
  ctx: Context,
  { sequenceId, reason }: { sequenceId: number; reason: string },
): Promise<number> {
  await queries.lockSequences(ctx.tx, [sequenceId]);
  const ids = await queries.lockByHand(ctx.tx, sequenceId, chunkSize);
  if (!ids.length) return 0;
  await messages.dropPlanned(ctx, ids);
  await queries.withdraw(ctx.tx, ids, reason, ctx.now);
  return ids.length;
}

/** People left a sequence: others may have their places today (E2), and a finishing one may be through (S1). */
async function freed(ctx: Context, sequenceId: number): Promise<void> {
  await sequences.settle(ctx, sequenceId);
  await ctx.enqueue(planDay, { workspaceId: ctx.workspace.id, sequenceId });
}

/** Goes on letting go where a list's former links ended, a chunk at a time. @returns whether there may be more to do */
export async function releaseChunk(ctx: Context, listId: number, limit = chunkSize): Promise<boolean> {
  const left = await queries.unreleased(ctx.tx, listId);
  if (!left) return false;
  await withdrawUncontacted(ctx, { ...left, limit });
  return true;
}

/** Ends live enrollments all in one way; see `endAll`. */
export const end = (
  ctx: Context,
  { enrollmentIds, state, reason }: { enrollmentIds: number[]; state: EndState; reason: string },
): Promise<{ ended: number; sequenceIds: number[] }> =>
  endAll(
    ctx,
    enrollmentIds.map(enrollmentId => ({ enrollmentId, state, reason })),
  );

/** A run that is to end. */
export interface Ending {
  enrollmentId: number;
  state: EndState;
  reason: string;
}

/**
 * Ends live enrollments: `excluded`, `stopped`, `bounced`, `unsubscribed`, … Their planned messages go with them. Those that have ended
 * already stay as they are. @throws Broken `bad_transition` where E3 does not allow it; then nothing is written.
 */
export async function endAll(ctx: Context, wanted: readonly Ending[]): Promise<{ ended: number; sequenceIds: number[] }> {
  if (!wanted.length) return { ended: 0, sequenceIds: [] };
  const endings = new Map(wanted.map(one => [one.enrollmentId, one]));
  // Sequences before their runs, as everybody who sends takes them: a finishing one settles below when its last run ends.
  const of = await ctx.tx
    .selectFrom('enrollment')
    .select('sequence_id as id')
    .distinct()
    .where('id', 'in', [...endings.keys()])
    .execute();
  await queries.lockSequences(
    ctx.tx,
    of.map(sequence => sequence.id),
  );
  const locked = await ctx.tx
    .selectFrom('enrollment')
    .select(['id', 'state', 'sequence_id'])
    .where('id', 'in', [...endings.keys()])
    .orderBy('id')
    .forUpdate()
    .execute();
  const open = locked.filter(row => isLive(row.state)).map(row => ({ ...row, to: endings.get(row.id)! }));
  const stuck = open.find(row => !mayBecome(row.state as EnrollmentState, row.to.state));
  if (stuck) throw new Broken('bad_transition', `Enrollment ${stuck.id} may not go from ${stuck.state} to ${stuck.to.state}.`);
  await messages.dropPlanned(
    ctx,
    open.map(row => row.id),
  );
  await queries.finish(
    ctx.tx,
    open.map(row => row.to),
    ctx.now,
  );
  const sequenceIds = [...new Set(open.map(row => row.sequence_id))];
  for (const sequenceId of sequenceIds) await freed(ctx, sequenceId);
  return { ended: open.length, sequenceIds };
}

/** Withdraws runs that have contacted nobody. The caller has locked them and seen that. */
export async function withdraw(ctx: Context, runs: readonly { id: number; sequenceId: number }[], reason: string): Promise<void> {
  if (!runs.length) return;
  const ids = runs.map(run => run.id);
  await messages.dropPlanned(ctx, ids);
  await queries.withdraw(ctx.tx, ids, reason, ctx.now);
  for (const sequenceId of new Set(runs.map(run => run.sequenceId))) await freed(ctx, sequenceId);
}

/** Withdraws leads that nobody reviewed for 30 days (E4), a chunk at a time. @returns whether there may be more to do */
export async function expireReviews(ctx: Context, sequenceId: number, limit = chunkSize): Promise<boolean> {
  const since = ctx.now.subtract({ hours: 24 * reviewDays });
  return (await queries.expireReviews(ctx.tx, { sequenceId, since, now: ctx.now, limit })) === limit;
}
