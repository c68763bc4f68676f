import type { Context } from '../domain/context.ts';
import * as left from '../domain/enrollments/left.ts';
import * as links from '../domain/links/index.ts';
import * as sequences from '../domain/sequences/index.ts';
import * as restoring from '../domain/sequences/restore.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { hasLeft } from './list-undo.ts';
import { count } from './report.ts';
import type { Undoing } from './tool.ts';

/** How changes of sequences are taken back (A6). */

type Taken = { said: string } | Refusal;
type Of<R> = { sequenceId: number; sequence: string } & R;

const people = (n: number): string => count(n, 'person', 'people');

export const snapshot = (ctx: Context, { sequenceId }: { sequenceId: number }): Promise<restoring.Snapshot> =>
  restoring.snapshot(ctx, sequenceId);

const lock = (ctx: Context, sequenceId: number) => sequences.lock(ctx, sequenceId);

/** A sequence that was set up is archived, as long as it is in setup. */
export async function discard(ctx: Context, { result: { sequenceId, sequence } }: Undoing<unknown, Of<unknown>>): Promise<Taken> {
  const { status } = await lock(ctx, sequenceId);
  if (status !== 'setup')
    return refuse('sequence_started', `"${sequence}" is ${status}, so that it was set up cannot be undone.`, [
      `pause "${sequence}"`,
    ]);
  await restoring.discard(ctx, sequenceId);
  return { said: `the sequence "${sequence}" is gone from your sequences and its name is free.` };
}

/** An activation: back to setup, as long as nothing has left and no list is linked. */
export async function deactivate(
  ctx: Context,
  { before, result: { sequenceId, sequence }, at }: Undoing<restoring.Snapshot, Of<unknown>>,
): Promise<Taken> {
  const { status } = await lock(ctx, sequenceId);
  if (status !== 'active') return refuse('changed_since', `"${sequence}" is ${status} by now.`, [`show sequence "${sequence}"`]);
  const contacted = await left.fromSequence(ctx, { sequenceId, since: at });
  if (contacted) return hasLeft(contacted, 'Pausing it stops the rest.', [`pause "${sequence}"`]);
  const linked = await links.of(ctx, sequenceId);
  if (linked.length)
    return refuse(
      'lists_linked',
      `${count(linked.length, 'list is', 'lists are')} linked to "${sequence}" by now. Unlink first, or pause it.`,
      [`pause "${sequence}"`, `show sequence "${sequence}"`],
    );
  await restoring.putBack(ctx, sequenceId, before.status);
  return { said: `"${sequence}" is ${before.status === 'setup' ? 'in setup' : before.status} again; nothing is sent.` };
}

/** A pause: it goes on with everybody. With anybody overdue that waits for a button, as resuming does (S9). */
export const pauseHasOverdue = async (
  ctx: Context,
  { result: { sequenceId } }: Undoing<unknown, Of<unknown>>,
): Promise<boolean> => (await sequences.awaiting(ctx, await lock(ctx, sequenceId))).overdue.total > 0;

export async function goOn(ctx: Context, { result: { sequenceId, sequence } }: Undoing<unknown, Of<unknown>>): Promise<Taken> {
  const missing = await sequences.missing(ctx, await lock(ctx, sequenceId));
  if (missing.length)
    return refuse('not_ready', `"${sequence}" is not ready: ${missing.join('; ')}.`, [`show sequence "${sequence}"`]);
  const done = await sequences.resume(ctx, sequenceId, 'all');
  return isRefusal(done) ? done : { said: `"${sequence}" is active again and goes on with everybody.` };
}

/** A resumption: paused again, as long as nothing has left and nobody was ended as stale. */
export async function pauseAgain(
  ctx: Context,
  { result: { sequenceId, sequence, ended }, at }: Undoing<unknown, Of<{ ended: number }>>,
): Promise<Taken> {
  if (ended)
    return refuse(
      'people_ended',
      `${people(ended)} ended as stale when "${sequence}" was resumed, and stay so. Pausing it stops the rest.`,
      [`pause "${sequence}"`],
    );
  const contacted = await left.fromSequence(ctx, { sequenceId, since: at });
  if (contacted) return hasLeft(contacted, 'Pausing it stops the rest.', [`pause "${sequence}"`]);
  const done = await sequences.pause(ctx, sequenceId);
  return isRefusal(done) ? done : { said: `"${sequence}" is paused again.` };
}

/** Would putting an edited sequence back make a running one send more, or at more hours (A1)? */
export async function restoringIsBold(
  ctx: Context,
  { before, result: { sequenceId } }: Undoing<restoring.Snapshot, Of<unknown>>,
): Promise<boolean> {
  const now = await lock(ctx, sequenceId);
  if (!sequences.isRunning(now.status)) return false;
  const was = { zone: before.zone, send_days: before.sendDays, send_from: before.sendFrom, send_until: before.sendUntil };
  const window = sequences.windowOf({ ...was, holidays: before.holidays });
  return before.dailyCap > now.daily_cap || sequences.widens(sequences.windowOf(now), window);
}

/** An edit: everything is as it was, unless new texts have left, or more people were reached today than the old cap allows. */
export async function putBackEdit(
  ctx: Context,
  { before, result: { sequenceId, sequence }, at }: Undoing<restoring.Snapshot, Of<unknown>>,
): Promise<Taken> {
  const now = await lock(ctx, sequenceId);
  if (now.status === 'archived') return refuse('sequence_archived', `"${sequence}" is archived by now.`, ['list sequences']);
  const newer = now.version > before.version;
  const contacted = newer ? await left.fromSequence(ctx, { sequenceId, since: at, version: now.version }) : 0;
  if (contacted)
    return hasLeft(contacted, 'Edit the steps again; those who got them keep them.', [`show sequence "${sequence}"`]);
  const atTasks = newer ? await restoring.atTasksSince(ctx, sequenceId, before.version) : 0;
  if (atTasks)
    return refuse('at_tasks', `${people(atTasks)} wait on a task of the new steps. Edit the steps again instead.`, [
      `show sequence "${sequence}"`,
    ]);
  const [glance] = await sequences.overviews(ctx, [sequenceId]);
  if (before.dailyCap < now.daily_cap && glance!.contactedToday > before.dailyCap)
    return hasLeft(glance!.contactedToday, 'Set the cap that you want from now on.', [
      `set the daily cap of "${sequence}" to ${before.dailyCap}`,
    ]);
  const replanned = await restoring.restore(ctx, sequenceId, before);
  const said = [
    ...(before.name === now.name ? [] : [`"${now.name}" is called "${before.name}" again`]),
    ...(before.dailyCap === now.daily_cap ? [] : [`the daily cap is ${before.dailyCap} again`]),
    ...(newer ? ['the steps are the ones before'] : []),
  ];
  const what = said.length ? said.join(', ') : 'window and senders are as they were';
  const planned = replanned
    ? ` ${count(replanned, 'unsent message')} of today ${replanned === 1 ? 'is' : 'are'} planned anew.`
    : '';
  return { said: `of "${before.name}", ${what}.${planned}` };
}
