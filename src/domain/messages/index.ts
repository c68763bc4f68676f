import { dateIn, windowOn } from '../../calendar.ts';
import { isEmbedded } from '../../db/transaction.ts';
import * as queues from '../../queues.ts';
import type { Context } from '../context.ts';
import { lockAll, stepCounts } from '../sequences/queries.ts';
import { isRunning, limitOn, type SequenceRow, windowOf } from '../sequences/rules.ts';
import { freshPaced, Pacing } from './companies.ts';
import { type Interval, type Placement, plan, type SequenceDay } from './planner.ts';
import * as queries from './queries.ts';

export { claimDue, recoverLeases, sendDue, toBeRead } from './sending.ts';
export { closeTask, type OpenTask, openTaskOf, openTasks } from './tasks.ts';

/** One transaction gives at most this many a time, and the others get theirs in the next one: on the embedded database all wait for it. */
export const placedAtOnce = ({ tx }: Pick<Context, 'tx'>): number => (isEmbedded(tx) ? 2_000 : 20_000);

/** How many messages a call of `planDay` gave a time, over the sequences that it planned together. */
export interface Planned {
  planned: number;
}

/** Tops today up to the cap, for this sequence and those it shares senders with (E2, S3–S5): what `planDays` does for many. */
export const planDay = (ctx: Context, sequenceId: number): Promise<Planned> => planDays(ctx, [sequenceId]);

/** Has sequences planned together with all others that have begun their day and wait for it (E2). Call it with them locked. */
export async function planSoon(ctx: Context, sequenceIds: readonly number[]): Promise<void> {
  await queries.setAwaitsPlan(ctx.tx, sequenceIds, true);
  await ctx.enqueue(queues.planDay, { workspaceId: ctx.workspace.id });
}

/** Plans every sequence of the workspace that waits for it, see `planSoon`. */
export async function planAwaiting(ctx: Context): Promise<Planned> {
  const waiting = await queries.awaitingPlan(ctx.tx);
  return waiting.length ? planDays(ctx, waiting) : { planned: 0 };
}

/**
 * Tops today up to the cap, for these sequences and those they share senders with (E2, S3–S5): each statement once for all of them.
 * Only for active and finishing ones whose window has room today. What comes of it is what planning them one after another would give.
 * Repeatable: a second run with nothing changed writes nothing. Whom one transaction cannot take waits for the next job.
 */
export async function planDays(ctx: Context, sequenceIds: readonly number[]): Promise<Planned> {
  const locked = await lockAll(ctx.tx, await queries.kin(ctx.tx, sequenceIds));
  const usual = await queries.sendersOfAll(
    ctx.tx,
    locked.map(sequence => sequence.id),
  );
  const open = new Map(
    locked.filter(sequence => isRunning(sequence.status)).flatMap(sequence => openToday(sequence, usual, ctx.now)),
  );
  let room = placedAtOnce(ctx);
  const families: OpenToday[][] = [];
  const later: number[] = [];
  for (const ids of familiesOf(sequenceIds, usual)) {
    const family = ids.flatMap(id => open.get(id) ?? []);
    const most = family.reduce((sum, day) => sum + day.sequence.daily_cap, 0);
    if (!family.length) continue;
    if (families.length && most > room) later.push(...ids);
    else families.push(family);
    room -= most;
  }
  let planned = 0;
  // Sequences of far zones may be on different dates at one instant, and a sender's day is the date on its messages.
  for (const on of new Set(families.flat().map(day => day.on.toString()))) {
    const today = families.map(family => family.filter(day => day.on.toString() === on)).filter(family => family.length);
    const placements = await planDate(ctx, Temporal.PlainDate.from(on), today);
    const now = placements.slice(0, placedAtOnce(ctx) - planned);
    if (now.length) planned += await queries.place(ctx, Temporal.PlainDate.from(on), now);
    later.push(...placements.slice(now.length).map(placement => placement.sequenceId));
  }
  const done = locked.filter(sequence => sequence.awaits_plan && !later.includes(sequence.id));
  if (done.length)
    await queries.setAwaitsPlan(
      ctx.tx,
      done.map(sequence => sequence.id),
      false,
    );
  if (later.length) await planSoon(ctx, [...new Set(later)]);
  return { planned };
}

interface OpenToday {
  sequence: SequenceRow;
  on: Temporal.PlainDate;
  window: Interval;
  /** Whom its new leads may leave from. */
  senderIds: readonly number[];
}

function openToday(
  sequence: SequenceRow,
  usual: ReadonlyMap<number, readonly number[]>,
  now: Temporal.Instant,
): [number, OpenToday][] {
  const on = dateIn(now, sequence.zone);
  const today = windowOn(on, windowOf(sequence));
  if (!today || Temporal.Instant.compare(now, today.until) >= 0) return [];
  const window = { from: Temporal.Instant.compare(now, today.from) > 0 ? now : today.from, until: today.until };
  return [[sequence.id, { sequence, on, window, senderIds: usual.get(sequence.id) ?? [] }]];
}

/** Sequences with those they share senders with, or that do with one that does; in the order in which `first` names them (S5). */
function familiesOf(first: readonly number[], sendersOf: ReadonlyMap<number, readonly number[]>): number[][] {
  const sharing = Map.groupBy(
    [...sendersOf].flatMap(([id, senderIds]) => senderIds.map(senderId => ({ id, senderId }))),
    pair => pair.senderId,
  );
  const seen = new Set<number>();
  return first.flatMap(root => {
    if (seen.has(root)) return [];
    const family = new Set([root]);
    for (const id of family)
      for (const senderId of sendersOf.get(id) ?? []) {
        for (const other of sharing.get(senderId) ?? []) family.add(other.id);
        sharing.delete(senderId);
      }
    for (const id of family) seen.add(id);
    return [[...family].sort((a, b) => a - b)];
  });
}

/** Who is touched on a date and when: the pure planner's answer for each family, one after another. */
async function planDate(ctx: Context, on: Temporal.PlainDate, families: readonly OpenToday[][]): Promise<Placement[]> {
  const { tx } = ctx;
  const days = families.map(family => family.map(({ sequence }) => ({ sequenceId: sequence.id, on, limit: sequence.daily_cap })));
  const all = days.flat();
  const ids = all.map(day => day.sequenceId);
  await queries.wakeRested(tx, on);
  const locked = await queries.lockSenders(tx);
  const writers = await queries.writers(tx, ids);
  const known = new Set([...families.flat().flatMap(day => day.senderIds), ...writers.map(pair => pair.senderId)]);
  const mine = locked.filter(sender => known.has(sender.id) && sender.status === 'healthy');
  const senders = sendersToday(
    mine,
    await queries.taken(
      tx,
      on,
      mine.map(sender => sender.id),
    ),
    on,
  );
  await queries.holdLate(tx, all);
  const canSend = new Set([...senders.values()].flatMap(sender => (sender.left > 0 ? sender.id : [])));
  const steps = await stepCounts(tx, ids);
  const used = Map.groupBy(await queries.used(tx, all), row => row.sequenceId);
  const followUps = await queries.due(
    tx,
    all,
    writers.filter(pair => canSend.has(pair.senderId)),
  );
  const due = Map.groupBy(followUps, row => row.sequenceId);
  const pacing = await Pacing.of(ctx, on);
  await pacing.meet(followUps.map(row => row.company));
  const fresh = await freshPaced(ctx, pacing, days);
  const isFull = new Set(pacing.full());

  const placements: Placement[] = [];
  for (const [index, family] of families.entries()) {
    const companyOf = new Map<number, string>();
    const looked = family.flatMap(day => fresh.get(day.sequence.id)!);
    // Families before this one may have used up the companies of people who were looked at.
    const isStale = looked.some(({ company }) => company && pacing.left(company) <= 0 && !isFull.has(company));
    const inLine = isStale ? await freshPaced(ctx, pacing, [days[index]!]) : fresh;
    const sequences = family.map(({ sequence: { id, daily_cap }, window, senderIds }): SequenceDay => {
      const today = used.get(id) ?? [];
      const day = { due: due.get(id) ?? [], fresh: inLine.get(id)! };
      for (const { enrollmentId, company } of [...day.due, ...day.fresh]) if (company) companyOf.set(enrollmentId, company);
      return {
        id,
        cap: daily_cap,
        steps: steps.get(id) ?? 1,
        window,
        used: today.reduce((sum, row) => sum + row.leads, 0),
        newByList: new Map(today.map(row => [row.listId, row.first])),
        senderIds: senderIds.filter(senderId => canSend.has(senderId)),
        ...day,
      };
    });
    const writing = new Set(sequences.flatMap(day => [...day.senderIds, ...day.due.flatMap(row => row.senderId ?? [])]));
    const companies = {
      perDay: pacing.perDay,
      today: new Map([...companyOf.values()].map(company => [company, pacing.today.get(company) ?? 0])),
    };
    const own = [...writing].flatMap(senderId => senders.get(senderId) ?? []);
    const placed = plan({ on, sequences, senders: own, companies });
    for (const { enrollmentId, senderId, at, firstContact } of placed) {
      const company = companyOf.get(enrollmentId);
      if (firstContact && company) pacing.count(company);
      if (senderId === null) continue;
      const sender = senders.get(senderId)!;
      sender.left -= 1;
      sender.taken.push(at);
    }
    placements.push(...placed);
  }
  return placements;
}

/** By id, senders with what their limit of that date leaves. */
function sendersToday(
  rows: readonly queries.SenderRow[],
  taken: readonly { senderId: number; on: string; at: Temporal.Instant }[],
  on: Temporal.PlainDate,
) {
  const bySender = Map.groupBy(taken, row => row.senderId);
  return new Map(
    rows.map(sender => {
      const own = bySender.get(sender.id) ?? [];
      const left = limitOn(sender, on) - own.filter(row => row.on === on.toString()).length;
      return [sender.id, { id: sender.id, left, gapMinutes: sender.min_gap_minutes, taken: own.map(row => row.at) }];
    }),
  );
}

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
