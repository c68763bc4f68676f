import { dateIn, windowOn } from '../../calendar.ts';
import * as queues from '../../queues.ts';
import type { Context } from '../context.ts';
import { lockAll, stepCounts } from '../sequences/queries.ts';
import { isRunning, limitOn, type SequenceRow, windowOf } from '../sequences/rules.ts';
import { freshPaced } from './companies.ts';
import { type Interval, type Placement, plan, type SenderDay, type SequenceDay } from './planner.ts';
import * as queries from './queries.ts';

export { claimDue, recoverLeases, sendDue } from './sending.ts';
export { closeTask, type OpenTask, openTaskOf, openTasks } from './tasks.ts';

/** How many messages a call of `planDay` gave a time, over the sequences that it planned together. */
export interface Planned {
  planned: number;
}

/**
 * Tops today up to the cap, for this sequence and those it shares senders with (E2, S3–S5). Only for active and finishing ones whose
 * window has room today. Repeatable: a second run with nothing changed writes nothing.
 */
export async function planDay(ctx: Context, sequenceId: number): Promise<Planned> {
  const locked = await lockAll(ctx.tx, await queries.kin(ctx.tx, sequenceId));
  const open = locked.filter(sequence => isRunning(sequence.status)).flatMap(sequence => openToday(sequence, ctx.now));
  if (open.length === 0) return { planned: 0 };
  // Sequences of far zones may be on different dates at one instant, and a sender's day is the date on its messages.
  const byDate = Map.groupBy(open, sequence => sequence.on.toString());
  let planned = 0;
  for (const [on, sequences] of byDate) planned += await planDate(ctx, Temporal.PlainDate.from(on), sequences);
  return { planned };
}

interface OpenToday {
  sequence: SequenceRow;
  on: Temporal.PlainDate;
  window: Interval;
}

function openToday(sequence: SequenceRow, now: Temporal.Instant): OpenToday[] {
  const on = dateIn(now, sequence.zone);
  const today = windowOn(on, windowOf(sequence));
  if (!today || Temporal.Instant.compare(now, today.until) >= 0) return [];
  return [
    { sequence, on, window: { from: Temporal.Instant.compare(now, today.from) > 0 ? now : today.from, until: today.until } },
  ];
}

async function planDate(ctx: Context, on: Temporal.PlainDate, open: OpenToday[]): Promise<number> {
  const { tx } = ctx;
  const days = open.map(({ sequence }) => ({ sequenceId: sequence.id, on, limit: sequence.daily_cap }));
  await queries.wakeRested(tx, on);
  const senders = sendersToday(await queries.lockSenders(tx), await queries.taken(tx, on), on);
  await queries.holdLate(tx, days);
  const sending = senders.filter(sender => sender.left > 0).map(sender => sender.id);
  const usual = await queries.sendersOfAll(
    tx,
    days.map(day => day.sequenceId),
  );
  const steps = await stepCounts(
    tx,
    days.map(day => day.sequenceId),
  );
  const used = Map.groupBy(await queries.used(tx, days), row => row.sequenceId);
  const followUps = await queries.due(tx, days, sending);
  const due = Map.groupBy(followUps, row => row.sequenceId);
  const inLine = await freshPaced(
    ctx,
    on,
    days,
    followUps.flatMap(row => row.company ?? []),
  );
  const fresh = Map.groupBy(inLine.fresh, row => row.sequenceId);

  const sequences = open.map(({ sequence: { id, daily_cap }, window }): SequenceDay => {
    const today = used.get(id) ?? [];
    return {
      id,
      cap: daily_cap,
      steps: steps.get(id) ?? 1,
      window,
      used: today.reduce((sum, row) => sum + row.leads, 0),
      newByList: new Map(today.map(row => [row.listId, row.first])),
      senderIds: (usual.get(id) ?? []).filter(senderId => sending.includes(senderId)),
      due: due.get(id) ?? [],
      fresh: fresh.get(id) ?? [],
    };
  });
  const placements: Placement[] = plan({ on, sequences, senders, companies: inLine.pacing });
  return placements.length ? queries.place(ctx, on, placements) : 0;
}

/** Healthy senders, with what their limit of that date leaves. */
const sendersToday = (
  rows: readonly queries.SenderRow[],
  taken: readonly { senderId: number; on: string; at: Temporal.Instant }[],
  on: Temporal.PlainDate,
): SenderDay[] => {
  const bySender = Map.groupBy(taken, row => row.senderId);
  return rows
    .filter(sender => sender.status === 'healthy')
    .map(sender => {
      const own = bySender.get(sender.id) ?? [];
      return {
        id: sender.id,
        left: limitOn(sender, on) - own.filter(row => row.on === on.toString()).length,
        gapMinutes: sender.min_gap_minutes,
        taken: own.map(row => row.at),
      };
    });
};

/** Takes a sequence's unsent messages off the plan, when it is paused. Returns how many had a time. */
export const unplan = (ctx: Context, sequenceId: number): Promise<number> => queries.unplan(ctx.tx, { sequenceId });

/** After a change of cap, window, senders or steps: unsent messages lose their times and today is planned anew (S4). */
export async function replan(ctx: Context, sequenceId: number): Promise<number> {
  const moved = await unplan(ctx, sequenceId);
  await ctx.enqueue(queues.planDay, { workspaceId: ctx.workspace.id, sequenceId });
  return moved;
}

/** Takes unsent messages of enrollments that ended or were withdrawn off the plan; claimed ones are stopped by the gate (D3). */
export const dropPlanned = (ctx: Context, enrollmentIds: readonly number[]): Promise<number> =>
  queries.unplan(ctx.tx, { enrollmentIds });
