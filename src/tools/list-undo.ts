import type { Context } from '../domain/context.ts';
import * as enrollments from '../domain/enrollments/index.ts';
import * as left from '../domain/enrollments/left.ts';
import * as links from '../domain/links/index.ts';
import * as lists from '../domain/lists/index.ts';
import { freeName } from '../domain/lists/rules.ts';
import * as monitoring from '../domain/monitoring/index.ts';
import * as sequences from '../domain/sequences/index.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { count } from './report.ts';

/** How changes of lists are taken back (A6). */

const people = (n: number): string => count(n, 'person', 'people');

/** Where something has left because of a change, it stays; `instead` says what can be done. */
export const hasLeft = (n: number, instead: string, next: string[]): Refusal =>
  refuse(
    'has_left',
    `${people(n)} ${n === 1 ? 'has' : 'have'} been contacted because of it, so it cannot be undone. ${instead}`,
    next,
  );

/** Takes back that a list was made: it is archived, its orders are cancelled, and its name is free again. */
export async function discard(
  ctx: Context,
  { listId, list: name }: { listId: number; list: string },
): Promise<{ said: string } | Refusal> {
  const list = await lists.lock(ctx, listId);
  if (!list || list.archived_at) return refuse('list_archived', `"${name}" is archived already.`, ['show my lists']);
  const contacted = await left.toMembers(ctx, { listId });
  if (contacted) return hasLeft(contacted, 'Archiving the list ends what is open.', [`archive list "${list.name}"`]);
  const coming = await monitoring.onTheWay(ctx, listId);
  await links.unlink(ctx, { listId, reason: 'undone' });
  await lists.archive(ctx, listId);
  await lists.rename(ctx, listId, freeName(`${list.name.slice(0, 80)} (undone)`, await lists.allNames(ctx)));
  return {
    said: `the list "${list.name}" is gone from your lists and its name is free.${coming ? ` ${count(coming, 'lead')} that ${coming === 1 ? 'was' : 'were'} on order ${coming === 1 ? 'is' : 'are'} cancelled.` : ''}`,
  };
}

/** The link that a list had. JSON. */
export interface Linkage {
  linkId: number;
  sequenceId: number;
  sequence: string;
}

export async function linkageOf(ctx: Context, listId: number): Promise<Linkage | null> {
  const link = await links.activeOf(ctx, listId);
  if (!link) return null;
  const sequence = await sequences.resolve(ctx, `#${link.sequence_id}`);
  return isRefusal(sequence) ? null : { linkId: link.id, sequenceId: link.sequence_id, sequence: sequence.name };
}

/** Would linking a list again, as it was, wait for a button (A1)? */
export async function relinkIsGated(ctx: Context, listId: number, was: Linkage | null): Promise<boolean> {
  if (!was) return false;
  const sequence = await sequences.resolve(ctx, `#${was.sequenceId}`);
  if (isRefusal(sequence)) return false;
  const current = await links.activeOf(ctx, listId);
  const foreseen = await enrollments.foresee(ctx, {
    listId,
    sequenceId: was.sequenceId,
    leavingLinkId: current?.id ?? null,
  });
  const enrolling = foreseen.find(({ reason }) => reason === null)?.people ?? 0;
  return links.isGated({
    mode: sequence.mode,
    reach: enrolling + (await monitoring.onTheWay(ctx, listId)),
    isMonitored: (await monitoring.of(ctx, listId)) !== undefined,
    moves: current !== undefined,
  });
}

/** Links a list again as it was; whom the end of that link withdrew enrol anew. The refusal says why it cannot be. */
export async function relink(ctx: Context, listId: number, was: Linkage): Promise<undefined | Refusal> {
  const current = await links.activeOf(ctx, listId);
  const linked = await links.link(ctx, { listId, sequenceId: was.sequenceId, replaces: current?.id ?? null });
  return isRefusal(linked) ? linked : undefined;
}

/** Takes people off a list again whom a call put on it (L7, M4). */
export async function takeOff(ctx: Context, listId: number, leadIds: number[]): Promise<{ said: string } | Refusal> {
  const { removed, withdrawn } = await lists.members.remove(ctx, listId, leadIds);
  const unenrolled = withdrawn ? `, and ${people(withdrawn)} not contacted yet left the sequence` : '';
  return { said: `${people(removed)} ${removed === 1 ? 'is' : 'are'} off the list again${unenrolled}.` };
}
