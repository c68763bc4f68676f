import { dateIn, windowOn } from '../../calendar.ts';
import { planDay } from '../../queues.ts';
import type { Context } from '../context.ts';
import type { HandOver } from '../ports.ts';
import * as senders from '../senders/index.ts';
import { type SequenceRow, windowOf } from '../sequences/rules.ts';
import type { Crash } from './crash-points.ts';
import { lockEnrollments } from './queries.ts';
import * as queries from './sending-queries.ts';

/** Has the days of sequences planned again. */
export const planAgain = async (ctx: Context, sequenceIds: Iterable<number>): Promise<void> => {
  for (const sequenceId of new Set(sequenceIds)) await ctx.enqueue(planDay, { workspaceId: ctx.workspace.id, sequenceId });
};

/** First 15 minutes, then twice as long each time, up to 4 hours. */
const backoffMinutes = (attempts: number): number => Math.min(240, 15 * 2 ** Math.max(0, attempts - 1));

/** A message that its server put off this often has failed: two days of tries at least. */
const mostAttempts = 12;
/** A mail server that could not be reached for this many tries of one message keeps its sender from trying the others. */
const unreachableAttempts = 4;

/**
 * Records the mail server's answer and what follows from it, in one transaction (D1, D5, E3).
 * @returns whether its sequence is finishing, and this may have been its last run
 */
export async function recordOutcome(
  ctx: Context,
  message: queries.Claimed,
  handingAt: Temporal.Instant,
  answer: HandOver,
  at: Crash,
): Promise<boolean> {
  const { tx, now } = ctx;
  const sequence = await queries.sequenceStanding(tx, message.sequenceId);
  await lockEnrollments(tx, [message.enrollmentId]);
  await at('outcome_locked');
  const on = dateIn(now, sequence.zone);
  const detail = answer.outcome === 'accepted' ? {} : { detail: answer.detail };
  const end = async (state: 'sent' | 'failed' | 'unknown' | 'held', reason: string | null) => {
    const isOurs = await queries.endHanding(tx, message.id, handingAt, { state, reason, ...detail }, now);
    await at('outcome_written');
    return isOurs;
  };

  switch (answer.outcome) {
    case 'accepted': {
      if (!(await end('sent', null))) return false;
      await queries.becomeActive(tx, message.id);
      const [next] = await queries.advance(tx, [{ id: message.id, on, contactAt: now }], now);
      await senders.hasSent(ctx, message.senderId, on);
      if (next?.dueOn && next.dueOn <= on.toString()) await planAgain(ctx, [message.sequenceId]);
      break;
    }
    case 'unknown':
      if (!(await end('unknown', 'no_answer'))) return false;
      await queries.becomeActive(tx, message.id);
      break;
    case 'bad_address':
      if (!(await end('failed', 'bad_address'))) return false;
      await queries.bounce(tx, message.id, now);
      await senders.checkBounces(ctx, message.senderId);
      await planAgain(ctx, [message.sequenceId]);
      break;
    case 'deferred':
    case 'unreachable':
      await later(ctx, message, handingAt, sequence, answer);
      break;
    default: {
      if (!(await end('held', answer.outcome))) return false;
      await queries.notContacted(tx, message.id);
      await senders.stop(ctx, message.senderId, {
        ...(answer.outcome === 'quota' ? { status: 'resting', restsUntil: on } : { status: stopped[answer.outcome] }),
        ...{ code: answer.outcome, detail: answer.detail },
      });
      await planAgain(ctx, [message.sequenceId]);
    }
  }
  await at('outcome_followed');
  return sequence.status === 'finishing';
}

/** What becomes of a sender whose mail server will not take its messages (D5). */
const stopped = { blocked: 'paused', auth_failed: 'failing', bad_certificate: 'failing' } as const;

/**
 * A message that was put off is tried again later today, while the window is open; otherwise planning finds it another day (D5). One that
 * is put off for good ends its run; a server that nobody can reach stops its sender.
 */
async function later(
  ctx: Context,
  message: queries.Claimed,
  handingAt: Temporal.Instant,
  sequence: SequenceRow,
  { outcome, detail }: { outcome: 'deferred' | 'unreachable'; detail: string },
): Promise<void> {
  const { tx, now } = ctx;
  const { attempts } = await tx.selectFrom('message').select('attempts').where('id', '=', message.id).executeTakeFirstOrThrow();
  if (outcome === 'deferred' && attempts >= mostAttempts) {
    const failed = { state: 'failed' as const, reason: 'deferred_too_often', detail };
    if (!(await queries.endHanding(tx, message.id, handingAt, failed, now))) return;
    await queries.notContacted(tx, message.id);
    await queries.giveUp(tx, message.id, now);
    return planAgain(ctx, [message.sequenceId]);
  }
  const again = now.add({ minutes: backoffMinutes(attempts) });
  const window = windowOn(dateIn(now, sequence.zone), windowOf(sequence));
  const fits = window !== null && Temporal.Instant.compare(again, window.until) < 0;
  const to = fits ? { state: 'planned' as const, plannedAt: again } : { state: 'held' as const };
  if (!(await queries.endHanding(tx, message.id, handingAt, { reason: outcome, detail, ...to }, now))) return;
  await queries.notContacted(tx, message.id);
  if (outcome === 'unreachable' && attempts >= unreachableAttempts)
    await senders.stop(ctx, message.senderId, { status: 'failing', code: 'unreachable', detail });
}
