import type { Context } from '../domain/context.ts';
import * as review from '../domain/enrollments/review.ts';
import * as takenBack from '../domain/enrollments/taken-back.ts';
import { type Refusal, refuse } from '../errors.ts';
import { hasLeft } from './list-undo.ts';
import { count, reasons } from './report.ts';
import type { Undoing, Undone } from './tool.ts';

/** How decisions in review are taken back (A6): whoever has not been contacted waits for review again. */

interface Decided {
  sequence: string;
  sequenceId: number;
  decision: 'show' | 'approve' | 'refuse';
}

/** Whom a decision is about. JSON; a copy, since the result is told. */
export const decidedOn = async (_ctx: Context, { ids }: { ids: number[] }): Promise<number[]> => ids;

export const takeBackDecision = (ctx: Context, { before, result, at }: Undoing<number[], Decided>): Promise<Undone | Refusal> =>
  result.decision === 'approve' ? unapprove(ctx, before, result, at) : unrefuse(ctx, before, result);

async function unapprove(
  ctx: Context,
  enrollmentIds: number[],
  { sequence, sequenceId }: Decided,
  approvedAt: Temporal.Instant,
): Promise<Undone | Refusal> {
  const { waiting, contacted, gone } = await takenBack.toReview(ctx, { sequenceId, enrollmentIds, approvedAt });
  const next = [`pause "${sequence}"`, `show sequence "${sequence}"`];
  if (!waiting && contacted) return hasLeft(contacted, `Pausing "${sequence}" stops what follows.`, next);
  if (!waiting)
    return refuse('left_since', `Nobody whom you approved is still in "${sequence}".`, [`show sequence "${sequence}"`]);
  const others = [
    ...(contacted ? [`${count(contacted, 'was', 'were')} contacted already and ${contacted === 1 ? 'stays' : 'stay'}`] : []),
    ...(gone ? [`${count(gone, 'has', 'have')} left it since`] : []),
  ];
  return again(ctx, { sequence, sequenceId, waiting, others });
}

async function unrefuse(ctx: Context, enrollmentIds: number[], { sequence, sequenceId }: Decided): Promise<Undone | Refusal> {
  const { enrollmentIds: back, stay } = await takenBack.anew(ctx, { sequenceId, enrollmentIds, state: 'in_review' });
  const staying = Object.values(stay).reduce((sum, n) => sum + n, 0);
  const why = `${count(staying, 'stays', 'stay')} refused: ${reasons(stay)}`;
  if (!back.length)
    return refuse('stays_refused', `Whom you refused in "${sequence}" cannot wait for review again; ${why}.`, [
      `show sequence "${sequence}"`,
    ]);
  return again(ctx, { sequence, sequenceId, waiting: back.length, others: staying ? [why] : [] });
}

async function again(
  ctx: Context,
  told: { sequence: string; sequenceId: number; waiting: number; others: string[] },
): Promise<Undone> {
  const waiting = await review.countWaiting(ctx, told.sequenceId);
  return {
    said: `${count(told.waiting, 'lead waits', 'leads wait')} for review in "${told.sequence}" again.${told.others.length ? ` ${told.others.join('; ')}.` : ''}`,
    facts: [{ label: 'Waiting for review', value: waiting.toLocaleString('en-US') }],
  };
}
