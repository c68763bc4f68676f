import { sql } from 'kysely';
import type { Context } from '../context.ts';
import * as pauses from '../enrollments/pauses.ts';
import { isLive } from '../enrollments/rules.ts';
import type { ReplyCategory } from '../ports.ts';
import { act, lockSequences } from './consequences.ts';
import * as queries from './queries.ts';
import { consequences, isHuman, type Outcome } from './rules.ts';

/** A human says what a reply really means. What it means is done again, as far as E3 and what has left allow. */

/** `not_a_reply`: a machine's message that says nothing of the run. */
export type Correction = ReplyCategory | 'not_a_reply';

/** How things were, so that a correction can be taken back (A6). JSON. */
export interface Before {
  category: string | null;
  categoryBy: string | null;
  kind: string;
  outcome: string | null;
  until: string | null;
  correctedBy: number | null;
  state: string | null;
  reason: string | null;
  pausedUntil: string | null;
  emailStatus: string | null;
  repliedAt: string | null;
}

export async function before(ctx: Context, replyId: number): Promise<Before> {
  const { rows } = await sql<Before>`
    select r.category, r.category_by as "categoryBy", r.kind, r.outcome, r.until_on as until, r.corrected_by as "correctedBy", e.state, e.reason,
      e.paused_until as "pausedUntil", l.email_status as "emailStatus", l.replied_at::text as "repliedAt"
    from reply r left join enrollment e on e.id = r.enrollment_id left join lead l on l.id = r.lead_id
    where r.id = ${replyId}`.execute(ctx.tx);
  return rows[0]!;
}

export interface Corrected {
  outcome: Outcome;
  /** The run had ended, and E3 has no way back: it stays so. */
  staysEnded: boolean;
}

/**
 * Corrects a reply's category. A run that the reply paused goes on, or ends, as the category says; one that has ended stays ended, and its
 * label alone changes. What the old category did to the address is taken back; an opt-out never is (X3), which is the caller's to see to.
 */
export async function correct(
  ctx: Context,
  { replyId, as, until }: { replyId: number; as: Correction; until: Temporal.PlainDate | null },
): Promise<Corrected> {
  await lockSequences(ctx, [await queries.aboutReply(ctx.tx, replyId)]);
  const reply = (await queries.lockReply(ctx.tx, replyId))!;
  const category = as === 'not_a_reply' ? 'other' : as;
  const was = reply.category as ReplyCategory | null;
  const run = await runOf(ctx, reply);
  const isOpen = run !== undefined && isLive(run.state);
  const isMachine = as === 'not_a_reply' || !isHuman(category);

  await takeBack(ctx, reply, was, isMachine);
  const outcome = as === 'not_a_reply' ? await goOn(ctx, reply, run) : await again(ctx, reply, { category, isMachine, until });
  const staysEnded = !isOpen && consequences[category].run !== 'unsubscribed';
  await ctx.tx
    .updateTable('reply')
    .set({
      category,
      category_by: 'human',
      until_on: until?.toString() ?? null,
      outcome: staysEnded && category !== 'bounced' ? reply.outcome : outcome,
      kind: category === 'bounced' ? 'bounce' : isMachine ? 'automatic' : 'human',
      corrected_by: ctx.actor.kind === 'member' ? ctx.actor.id : null,
      corrected_at: ctx.now,
    })
    .where('id', '=', replyId)
    .execute();
  return { outcome, staysEnded };
}

/** Does what the category means. */
async function again(
  ctx: Context,
  reply: queries.ReplyRow,
  { category, isMachine, until }: { category: ReplyCategory; isMachine: boolean; until: Temporal.PlainDate | null },
): Promise<Outcome> {
  const [outcome] = await act(ctx, [
    {
      ...{ category, isAutomatic: isMachine, isSoft: false, until },
      receivedAt: reply.received_at,
      readAt: reply.read_at,
      messageId: reply.message_id,
      enrollmentId: reply.enrollment_id,
      leadId: reply.lead_id,
      recipient: null,
      // A human has looked at it.
      ...{ isByAddressOnly: false, isOfAnswer: false },
    },
  ]);
  return outcome!;
}

/** The run that a reply acts on: the one that it answers, or else the live one that its lead had then. Locked. */
async function runOf(ctx: Context, reply: queries.ReplyRow): Promise<queries.Run | undefined> {
  const about = { enrollmentIds: [reply.enrollment_id ?? 0], leadIds: [reply.lead_id ?? 0] };
  await queries.lockRuns(ctx.tx, about, []);
  const runs = await queries.runs(ctx.tx, about);
  const answered = runs.find(run => run.id === reply.enrollment_id);
  if (answered && isLive(answered.state)) return answered;
  const live = runs.find(run => isLive(run.state) && Temporal.Instant.compare(run.enrolledAt, reply.read_at) <= 0);
  return live ?? answered;
}

/**
 * An address that the old category marked is unproven again, and who only seemed to have answered has not: colleagues who paused for that
 * go on (S10).
 */
async function takeBack(ctx: Context, reply: queries.ReplyRow, was: ReplyCategory | null, isMachine: boolean): Promise<void> {
  if (reply.lead_id === null) return;
  const marked = was && consequences[was].address;
  if (marked)
    await ctx.tx
      .updateTable('lead')
      .set({ email_status: 'unknown', updated_at: ctx.now })
      .where('id', '=', reply.lead_id)
      .where('email_status', '=', marked)
      .execute();
  if (!isMachine) return;
  const since = ctx.now.subtract({ hours: 24 * ctx.workspace.company_reply_pause_days });
  const others = { leadId: reply.lead_id, replyId: reply.id, since };
  if (reply.kind === 'human' && !(await queries.companyAnswered(ctx.tx, others)))
    await pauses.endColleaguePauses(ctx, reply.lead_id);
  await sql`update lead set replied_at = (select min(r.received_at) from reply r
        where r.lead_id = lead.id and r.kind = 'human' and r.id <> ${reply.id})
      where id = ${reply.lead_id} and replied_at is not null`.execute(ctx.tx);
}

/** A run that this reply paused goes on. */
async function goOn(ctx: Context, reply: queries.ReplyRow, run: queries.Run | undefined): Promise<Outcome> {
  if (run?.state !== 'paused' || reply.outcome !== 'paused') return 'none';
  await pauses.endPause(ctx, run.id, run.sequenceId);
  return 'resumed';
}

/** Puts back how things were before a correction. The caller has seen that the run has not ended by it. */
export async function putBack(ctx: Context, replyId: number, before: Before): Promise<void> {
  const reply = (await queries.lockReply(ctx.tx, replyId))!;
  await ctx.tx
    .updateTable('reply')
    .set({
      category: before.category,
      category_by: before.categoryBy,
      kind: before.kind,
      outcome: before.outcome,
      until_on: before.until,
      corrected_by: before.correctedBy,
      ...(before.correctedBy === null ? { corrected_at: null } : {}),
    })
    .where('id', '=', replyId)
    .execute();
  if (reply.lead_id !== null)
    await sql`update lead set email_status = ${before.emailStatus}, replied_at = ${before.repliedAt}::timestamptz
      where id = ${reply.lead_id}`.execute(ctx.tx);
  if (before.kind === 'human' && reply.kind !== 'human' && before.outcome !== 'none' && reply.lead_id !== null)
    await pauses.pauseColleagues(ctx, [reply.lead_id]);
  const run = await runOf(ctx, reply);
  if (!run || !isLive(run.state)) return;
  if (before.state === 'paused')
    await pauses.pause(ctx, {
      enrollmentId: run.id,
      until: before.pausedUntil,
      reason: before.reason ?? 'by_hand',
    });
  // A run elsewhere may be paused for reasons of its own.
  else if (run.state === 'paused' && (run.id === reply.enrollment_id || reply.outcome === 'paused'))
    await pauses.endPause(ctx, run.id, run.sequenceId);
}
