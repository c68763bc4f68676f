import type { Context } from '../domain/context.ts';
import * as left from '../domain/enrollments/left.ts';
import * as links from '../domain/links/index.ts';
import { all as allSenders } from '../domain/senders/index.ts';
import * as sequences from '../domain/sequences/index.ts';
import * as restoring from '../domain/sequences/restore.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { sequencePaceFacts } from './list-pace.ts';
import { hasLeft } from './list-undo.ts';
import { count } from './report.ts';
import { holidaysText, hoursText } from './sequence-report.ts';
import type { Undoing, Undone } from './tool.ts';

/** How changes of sequences are taken back (A6). */

type Taken = Undone | Refusal;
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

/** How a sequence was before an edit, and who had older steps where the edit moves people. JSON. */
export interface Edited extends restoring.Snapshot {
  /** null: they were too many to be remembered. */
  older?: restoring.Older[] | null;
}

export const snapshotEdit = async (
  ctx: Context,
  { sequenceId, changes }: { sequenceId: number; changes: { moveUnsent?: boolean | undefined } },
): Promise<Edited> => ({
  ...(await restoring.snapshot(ctx, sequenceId)),
  older: changes.moveUnsent ? await restoring.onOlderSteps(ctx, sequenceId) : [],
});

/** Would putting an edited sequence back make a running one send more, at more hours or on more days, other texts, or to strangers (A1)? */
export async function restoringIsBold(
  ctx: Context,
  { before, result: { sequenceId, movesUnsent } }: Undoing<Edited, Of<{ movesUnsent: boolean }>>,
): Promise<boolean> {
  const now = await lock(ctx, sequenceId);
  if (!sequences.isRunning(now.status)) return false;
  const senders = (await allSenders(ctx)).filter(sender => before.senderIds.includes(sender.id));
  return (
    movesUnsent ||
    before.dailyCap > now.daily_cap ||
    sequences.becomesReal(await sequences.sendersOf(ctx, sequenceId), senders) ||
    sequences.widens(sequences.windowOf(now), windowBefore(before)) ||
    sequences.opensHolidays(sequences.planOf(now.holidays), sequences.planOf(before.holidays))
  );
}

const windowBefore = ({ zone, sendDays, sendFrom, sendUntil, holidays }: restoring.Snapshot) =>
  sequences.windowOf({ zone, send_days: sendDays, send_from: sendFrom, send_until: sendUntil, holidays });

/** An edit: everything is as it was, unless new texts have left, or more people were reached today than the old cap allows. */
export async function putBackEdit(
  ctx: Context,
  { before, result: { sequenceId, sequence, movesUnsent }, at }: Undoing<Edited, Of<{ movesUnsent: boolean }>>,
): Promise<Undone | Refusal> {
  const now = await lock(ctx, sequenceId);
  if (now.status === 'archived') return refuse('sequence_archived', `"${sequence}" is archived by now.`, ['list sequences']);
  const show = [`show sequence "${sequence}"`];
  const { older } = before;
  if (movesUnsent && !older)
    return refuse(
      'too_many_moved',
      `More people of "${sequence}" moved to its newest steps than can be put back. Write the steps that they should get, and move unsent messages to those.`,
      [`pause "${sequence}"`, ...show],
    );
  const newer = now.version > before.version;
  const movedIds = older?.flatMap(each => each.ids) ?? [];
  const contacted = newer
    ? await left.fromSequence(ctx, { sequenceId, since: at, version: now.version })
    : await left.inRuns(ctx, movedIds, at);
  if (contacted) return hasLeft(contacted, 'Edit the steps again; those who got them keep them.', show);
  const atTasks = newer
    ? await restoring.atTasksSince(ctx, sequenceId, before.version)
    : await restoring.atTasksOf(ctx, now.version, older ?? []);
  if (atTasks)
    return refuse('at_tasks', `${people(atTasks)} wait on a task of the new steps. Edit the steps again instead.`, show);
  const [glance] = await sequences.overviews(ctx, [sequenceId]);
  if (before.dailyCap < now.daily_cap && glance!.contactedToday > before.dailyCap)
    return hasLeft(glance!.contactedToday, 'Set the cap that you want from now on.', [
      `set the daily cap of "${sequence}" to ${before.dailyCap}`,
    ]);
  const was = await restoring.snapshot(ctx, sequenceId);
  const { replanned, movedBack } = await restoring.restore(ctx, sequenceId, before, older ?? []);
  const said = [
    ...differences(
      was,
      before,
      (await sequences.sendersOf(ctx, sequenceId)).map(sender => sender.address),
    ),
    ...(newer ? ['the steps are the ones before'] : []),
    ...(movedBack ? [`${people(movedBack)} ${movedBack === 1 ? 'has' : 'have'} the older steps again that they had`] : []),
  ];
  const planned = replanned
    ? ` ${count(replanned, 'unsent message')} of today ${replanned === 1 ? 'is' : 'are'} planned anew.`
    : '';
  const what = said.join(', ') || 'nothing was different by now';
  return { said: `of "${before.name}", ${what}.${planned}`, facts: await sequencePaceFacts(ctx, sequenceId) };
}

/** What is as it was again, each by its name. */
function differences(now: restoring.Snapshot, before: restoring.Snapshot, senders: readonly string[]): string[] {
  const [hours, hoursBefore] = [windowBefore(now), windowBefore(before)].map(hoursText);
  const [closed, closedBefore] = [now, before].map(each => holidaysText(sequences.planOf(each.holidays)));
  return [
    ...(before.name === now.name ? [] : [`"${now.name}" is called "${before.name}" again`]),
    ...(before.dailyCap === now.dailyCap ? [] : [`the daily cap is ${before.dailyCap} again`]),
    ...(before.zone === now.zone ? [] : [`the zone is ${before.zone} again`]),
    ...(hours === hoursBefore ? [] : [`it sends ${hoursBefore} again`]),
    ...(closed === closedBefore ? [] : [`the holidays are ${closedBefore} again`]),
    ...(String(before.senderIds) === String(now.senderIds) ? [] : [`it leaves from ${senders.join(', ') || 'nobody'} again`]),
  ];
}
