import { dateIn, isZone, type SendWindow } from '../../calendar.ts';
import { isRefusal, NotFound, type Refusal, refuse } from '../../errors.ts';
import { foldName, nearest } from '../../nearest.ts';
import * as queues from '../../queues.ts';
import { type Context, mayChange } from '../context.ts';
import * as forecasts from '../forecasts/index.ts';
import * as messages from '../messages/index.ts';
import * as crowd from './crowd.ts';
import type { HolidayPlan } from './holidays.ts';
import * as queries from './queries.ts';
import * as rules from './rules.ts';
import * as templates from './templates.ts';

export { countryName, countryNamed, type HolidayPlan, isHoliday, opensHolidays, planOf } from './holidays.ts';
export type { Glance, Overdue, SenderRow, StepRow } from './queries.ts';
export type { Capacity, Pace, SequenceRow } from './rules.ts';
export { after, becomesReal, isRunning, widens, windowOf, withheldFor } from './rules.ts';

/**
 * A step as somebody writes it. Without a subject, a later e-mail answers in the thread of the first (S6). A task has a title, and its
 * body is the instruction for the sequence's owner.
 */
export interface StepInput {
  kind?: 'email' | 'task' | undefined;
  title?: string | undefined;
  subject?: string | undefined;
  body: string;
  delayDays?: number | undefined;
}

/** Days between steps where none are said. */
const usualDelayDays = 3;

const isTask = (step: StepInput): boolean => step.kind === 'task';

const normalized = (steps: readonly StepInput[]): queries.NewStep[] =>
  steps.map((step, index) => ({
    kind: step.kind ?? 'email',
    title: isTask(step) ? step.title!.trim() : null,
    subject: isTask(step) ? null : step.subject?.trim() || null,
    body: step.body.trim(),
    delayDays: step.delayDays ?? (index === 0 ? 0 : usualDelayDays),
  }));

/** Finds a sequence by its name, ignoring case, accents and punctuation, or by `#id`; the refusal names the nearest. */
export async function resolve(ctx: Context, ref: string): Promise<rules.SequenceRow | Refusal> {
  const all = await queries.all(ctx.tx);
  const wanted = ref.trim();
  const id = /^#(\d+)$/.exec(wanted)?.[1];
  const found =
    (id ? all.find(sequence => sequence.id === Number(id)) : undefined) ??
    all.find(sequence => sequence.name.toLowerCase() === wanted.toLowerCase());
  if (found) return found;
  const alike = all.filter(sequence => foldName(sequence.name) === foldName(wanted));
  if (alike.length === 1) return alike[0]!;
  if (alike.length > 1) {
    const names = alike.map(sequence => `"${sequence.name}"`).join(' or ');
    return refuse(
      'ambiguous_sequence',
      `Which sequence do you mean, ${names}?`,
      alike.map(({ name }) => `show sequence ${name}`),
    );
  }
  const near = nearest(
    wanted,
    all.map(sequence => sequence.name),
  );
  const hint = near.length ? ` The nearest: ${near.map(name => `"${name}"`).join(', ')}.` : '';
  const next = near.length ? near.map(name => `show sequence ${name}`) : ['list sequences'];
  return refuse('unknown_sequence', `There is no sequence called "${wanted}".${hint}`, next);
}

/** Finds a sequence that the asker may change (W2). */
export async function mine(ctx: Context, ref: string): Promise<rules.SequenceRow | Refusal> {
  const sequence = await resolve(ctx, ref);
  if (isRefusal(sequence) || mayChange(ctx.actor, sequence.owner_id)) return sequence;
  const owner = await ctx.tx.selectFrom('member').select('name').where('id', '=', sequence.owner_id).executeTakeFirstOrThrow();
  return refuse('not_yours', `"${sequence.name}" belongs to ${owner.name}; only they or an admin can change it.`, [
    `show sequence ${sequence.name}`,
  ]);
}

/** Reads one and keeps others from planning, sending from or changing it until this transaction ends. @throws NotFound */
export async function lock(ctx: Context, id: number): Promise<rules.SequenceRow> {
  const [sequence] = await queries.lockAll(ctx.tx, [id]);
  if (!sequence) throw new NotFound('no_sequence', `There is no sequence ${id}.`);
  return sequence;
}

export const today = (ctx: Context, sequence: Pick<rules.SequenceRow, 'zone'>): Temporal.PlainDate =>
  dateIn(ctx.now, sequence.zone);

export const stepsOf = (ctx: Context, sequence: rules.SequenceRow) => queries.stepsOf(ctx.tx, sequence.id, sequence.version);
export const sendersOf = (ctx: Context, sequenceId: number) => queries.sendersOf(ctx.tx, [sequenceId]);

/** Senders by address or name, ignoring case; without names, every healthy one: those of this machine only where there is no other. */
export async function resolveSenders(ctx: Context, names?: readonly string[]): Promise<number[] | Refusal> {
  const all = await ctx.tx
    .selectFrom('sender')
    .select(['id', 'name', 'address', 'status', 'transport'])
    .where('removed_at', 'is', null)
    .orderBy('id')
    .execute();
  if (!names?.length) {
    const healthy = all.filter(sender => sender.status === 'healthy');
    const real = healthy.filter(rules.isReal);
    return (real.length ? real : healthy).map(sender => sender.id);
  }
  const ids = new Set<number>();
  for (const name of names) {
    const wanted = name.trim().toLowerCase();
    const found = all.find(sender => sender.address.toLowerCase() === wanted || sender.name.toLowerCase() === wanted);
    if (!found) {
      const near = nearest(
        name,
        all.flatMap(sender => [sender.address, sender.name]),
      );
      const there = near.length ? near : all.map(sender => sender.address);
      const known = there.length ? `There is ${there.join(', ')}.` : 'The workspace has no sender yet.';
      return refuse('unknown_sender', `There is no sender "${name}". ${known}`);
    }
    ids.add(found.id);
  }
  return [...ids];
}

/** How a sequence is set up; absent fields take the workspace's settings, a cap of 20, and copilot (W1, E4). */
export interface Setup {
  name: string;
  steps: readonly StepInput[];
  dailyCap: number;
  window: SendWindow;
  senderIds: readonly number[];
}

/** Checks what somebody wants to save; null when it may be. Templates are refused here, with every fault at once (S8). */
export async function check(
  ctx: Context,
  wanted: { name?: string | undefined; steps?: readonly StepInput[] | undefined; window: SendWindow },
  except?: number,
): Promise<Refusal | null> {
  const { name, steps, window } = wanted;
  if (name !== undefined) {
    const taken = (await queries.all(ctx.tx)).find(other => other.name.toLowerCase() === name.trim().toLowerCase());
    if (taken && taken.id !== except)
      return refuse('name_taken', `There is a sequence called "${taken.name}" already. Choose another name.`, [
        `show sequence ${taken.name}`,
      ]);
  }
  if (!isZone(window.zone)) return refuse('unknown_zone', `"${window.zone}" is not a time zone. Write one like Europe/Berlin.`);
  if (window.from >= window.until)
    return refuse('bad_window', `The send window has to end after it starts; ${window.from} to ${window.until} does not.`);
  if (!steps) return null;
  const untitled = steps.findIndex(step => isTask(step) && !step.title?.trim());
  if (untitled >= 0) return refuse('no_title', `Step ${untitled + 1} is a task, so it needs a title: what is to be done.`);
  const opening = steps.find(step => !isTask(step));
  if (opening && !opening.subject?.trim())
    return refuse('no_subject', 'The first e-mail needs a subject; later ones without one answer in its thread.');
  return templates.check(steps);
}

/** Creates a sequence in setup; its owner is whoever asks (S1, W3). */
export async function create(ctx: Context, { name, steps, dailyCap, window, senderIds }: Setup): Promise<rules.SequenceRow> {
  if (ctx.actor.kind !== 'member') throw new NotFound('no_owner', 'A sequence needs a member who owns it.');
  const sequence = await ctx.tx
    .insertInto('sequence')
    .values({
      workspace_id: ctx.workspace.id,
      owner_id: ctx.actor.id,
      name: name.trim(),
      daily_cap: dailyCap,
      zone: window.zone,
      send_days: [...window.days],
      send_from: window.from,
      send_until: window.until,
      created_at: ctx.now,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  if (steps.length) await queries.insertSteps(ctx, sequence.id, sequence.version, normalized(steps));
  await queries.setSenders(ctx, sequence.id, senderIds);
  return sequence;
}

export interface Changes {
  name?: string | undefined;
  dailyCap?: number | undefined;
  window?: SendWindow | undefined;
  steps?: readonly StepInput[] | undefined;
  senderIds?: readonly number[] | undefined;
  holidays?: HolidayPlan | undefined;
  /** Unsent steps go over to the new version as well (S7). */
  moveUnsent?: boolean | undefined;
}

/** What an edit did: messages that lost their time and are planned anew, and enrollments by which steps they get. */
export interface Edited {
  replanned: number;
  moved: number;
  keptOlder: number;
}

/** Changes a sequence; new steps make a new version (S7). What was planned is planned anew where the change touches it (S4). */
export async function edit(ctx: Context, sequenceId: number, changes: Changes): Promise<Edited> {
  const before = await lock(ctx, sequenceId);
  const { name, dailyCap, window, steps, senderIds, holidays, moveUnsent } = changes;
  const version = steps ? before.version + 1 : before.version;
  await ctx.tx
    .updateTable('sequence')
    .set({
      version,
      ...(name === undefined ? {} : { name: name.trim() }),
      ...(dailyCap === undefined ? {} : { daily_cap: dailyCap }),
      ...(window ? { zone: window.zone, send_days: [...window.days], send_from: window.from, send_until: window.until } : {}),
      ...(holidays ? { holidays } : {}),
      ...(window && rules.isRunning(before.status) ? { next_day_at: rules.nextDayAt(ctx.now, window.zone) } : {}),
    })
    .where('id', '=', sequenceId)
    .execute();
  if (steps?.length) await queries.insertSteps(ctx, sequenceId, version, normalized(steps));
  if (senderIds) await queries.setSenders(ctx, sequenceId, senderIds);
  const { moving, keeping } = await queries.groupsAt(ctx.tx, sequenceId, { version, steps: null });
  if (moveUnsent) await crowd.startMoving(ctx, { sequenceId, version, above: 0 });
  const [moved, keptOlder] = moveUnsent ? [moving, keeping] : [0, moving + keeping];
  const touchesPlan = Boolean(dailyCap !== undefined || window || steps || senderIds || holidays || moveUnsent);
  return { replanned: touchesPlan ? await messages.replan(ctx, sequenceId) : 0, moved, keptOlder };
}

/** Everything that keeps it from being activated, or from going on with other senders, at once (S2). */
export async function missing(
  ctx: Context,
  sequence: rules.SequenceRow,
  senders?: rules.Readiness['senders'],
): Promise<string[]> {
  const steps = await stepsOf(ctx, sequence);
  return rules.missing({
    steps: steps.length,
    writesEmail: steps.length === 0 || steps.some(step => step.kind === 'email'),
    templateFaults: [
      ...new Set(steps.flatMap(step => [step.subject ?? '', step.title ?? '', step.body].flatMap(templates.faultsOf))),
    ],
    senders: senders ?? (await sendersOf(ctx, sequence.id)),
    hasSendingHour: rules.hasSendingHour(rules.windowOf(sequence)),
    cap: sequence.daily_cap,
    postalAddress: ctx.workspace.postal_address,
    optOutLine: sequence.opt_out_line,
    publicUrl: ctx.publicUrl,
  });
}

/** What its cap, its senders and its window come to, a day (S5, M9). */
export async function capacity(ctx: Context, sequence: rules.SequenceRow): Promise<rules.Capacity> {
  return (await capacities(ctx, [sequence])).get(sequence.id)!;
}

export async function capacities(ctx: Context, sequences: readonly rules.SequenceRow[]): Promise<Map<number, rules.Capacity>> {
  const ids = sequences.map(sequence => sequence.id);
  const senders = Map.groupBy(await queries.sendersOf(ctx.tx, ids), sender => sender.sequenceId);
  const steps = await queries.stepCounts(ctx.tx, ids);
  const onlyTasks = await queries.onlyTasks(ctx.tx, ids);
  return new Map(
    sequences.map(sequence => {
      const { id, daily_cap: cap } = sequence;
      const healthy = (senders.get(id) ?? []).filter(sender => sender.status === 'healthy');
      const limits = {
        cap,
        steps: steps.get(id) ?? 0,
        window: rules.windowOf(sequence),
        senders: healthy,
        onlyTasks: onlyTasks.has(id),
      };
      return [id, rules.capacityOf(limits, today(ctx, sequence))];
    }),
  );
}

/** Moves a sequence by a verb of S1; the refusal says what can be done instead. What else a verb means is the caller's. */
export async function change(ctx: Context, sequenceId: number, verb: rules.Verb): Promise<rules.SequenceRow | Refusal> {
  const sequence = await lock(ctx, sequenceId);
  const status = rules.after(sequence, verb);
  if (typeof status !== 'string') return status;
  const next_day_at = rules.isRunning(status) ? rules.nextDayAt(ctx.now, sequence.zone) : null;
  const changed = { status, next_day_at, paused_at: status === 'inactive' ? ctx.now : null };
  await ctx.tx.updateTable('sequence').set(changed).where('id', '=', sequenceId).execute();
  return { ...sequence, ...changed };
}

/** Starts sending, when ready (S1, S2). */
export async function activate(ctx: Context, sequenceId: number): Promise<{ status: string } | Refusal> {
  const moved = await change(ctx, sequenceId, 'activate');
  if (isRefusal(moved)) return moved;
  await wake(ctx, sequenceId);
  return { status: moved.status };
}

/** Stops everything: nothing is sent at all, and what was planned loses its time (S1). */
export async function pause(ctx: Context, sequenceId: number): Promise<{ unplanned: number } | Refusal> {
  const moved = await change(ctx, sequenceId, 'pause');
  if (isRefusal(moved)) return moved;
  return { unplanned: await messages.unplan(ctx, sequenceId) };
}

/** What resuming finds (S9). Units: people; dates are local to the sequence. */
export interface Awaiting {
  overdue: queries.Overdue;
  /** Linked members that came while it slept. */
  accrued: number;
  /** More than one cap's worth is overdue, so the oldest end unless told otherwise. */
  usual: 'all' | 'end_stale';
  /** The date by which the overdue have been sent, at the places that follow-ups get a day; null: never, or nobody is. */
  drainsOn: Record<'all' | 'end_stale', string | null>;
}

export async function awaiting(ctx: Context, sequence: rules.SequenceRow): Promise<Awaiting> {
  const overdue = await queries.overdue(ctx.tx, sequence.id, today(ctx, sequence), ctx.now);
  const { effectiveCap, newPerDay } = await capacity(ctx, sequence);
  const perDay = Math.max(effectiveCap > 0 ? 1 : 0, effectiveCap - newPerDay);
  const window = rules.windowOf(sequence);
  const drained = (people: number): string | null =>
    people > 0 && perDay > 0
      ? (rules.nthSendingDay(today(ctx, sequence), Math.ceil(people / perDay), window)?.toString() ?? null)
      : null;
  return {
    overdue,
    accrued: await queries.notEnrolled(ctx.tx, sequence.id),
    usual: overdue.total > sequence.daily_cap ? 'end_stale' : 'all',
    drainsOn: { all: drained(overdue.total), end_stale: drained(overdue.total - overdue.older) },
  };
}

/**
 * Goes on after a pause: with all who are overdue, or without the stale ones; planning then spreads them under the cap (S9). Where more
 * are stale than one transaction ends, it wakes by itself after the last of them.
 */
export async function resume(
  ctx: Context,
  sequenceId: number,
  choice: 'all' | 'end_stale',
): Promise<{ ended: number } | Refusal> {
  const status = rules.after(await lock(ctx, sequenceId), 'resume');
  if (isRefusal(status)) return status;
  const { ended, more } = choice === 'end_stale' ? await crowd.startEnding(ctx, sequenceId) : { ended: 0, more: false };
  if (more) return { ended };
  const sequence = await change(ctx, sequenceId, 'resume');
  if (isRefusal(sequence)) return sequence;
  await wake(ctx, sequenceId, sequence.zone);
  return { ended };
}

/** Plans what may still leave today; with a zone, links wake too and enrol who came meanwhile (S1). */
export async function wake(ctx: Context, sequenceId: number, zone?: string): Promise<void> {
  const workspaceId = ctx.workspace.id;
  if (zone) await ctx.enqueue(queues.dailyEnrollment, { workspaceId, sequenceId, on: dateIn(ctx.now, zone).toString() });
  await ctx.enqueue(queues.planDay, { workspaceId, sequenceId });
}

/** Marks today as begun: the next day is due at its local start. Call it where the day's enrolment is done (E2). */
export async function beginDay(ctx: Context, sequenceId: number): Promise<void> {
  const sequence = await lock(ctx, sequenceId);
  const nextDayAt = rules.isRunning(sequence.status) ? rules.nextDayAt(ctx.now, sequence.zone) : null;
  await ctx.tx.updateTable('sequence').set({ next_day_at: nextDayAt }).where('id', '=', sequenceId).execute();
  // Whoever ended its last run may have died before saying so.
  await settle(ctx, sequenceId);
}

/** A finishing sequence becomes inactive by itself when its last live enrollment has ended (S1). */
export const settle = (ctx: Context, sequenceId: number): Promise<boolean> => queries.settle(ctx.tx, sequenceId, ctx.now);

/** Copilot: leads wait for a human; autopilot: they queue at once. Leads already in review stay there (E4). */
export const setMode = async (ctx: Context, sequenceId: number, mode: 'copilot' | 'autopilot'): Promise<void> => {
  await ctx.tx.updateTable('sequence').set({ mode }).where('id', '=', sequenceId).execute();
};

/** A sequence at a glance, with what its limits come to and its pace (M9). */
export interface Overview extends queries.Glance {
  capacity: rules.Capacity;
  pace: rules.Pace;
}

/** Every sequence that is not archived, or the given ones. */
export async function overviews(ctx: Context, ids?: readonly number[]): Promise<Overview[]> {
  const wanted = (await queries.all(ctx.tx)).filter(row => (ids ? ids.includes(row.id) : row.status !== 'archived'));
  const glances = await queries.glances(
    ctx.tx,
    wanted.map(row => ({ id: row.id, on: today(ctx, row) })),
  );
  const can = await capacities(ctx, wanted);
  const paces = await forecasts.paces(ctx, wanted);
  return glances.map(glance => ({ ...glance, capacity: can.get(glance.id)!, pace: paces.get(glance.id)! }));
}

export const nextSends = (ctx: Context, sequenceId: number, limit = 5) => queries.nextSends(ctx.tx, sequenceId, limit);
