import type { Context } from '../domain/context.ts';
import * as links from '../domain/links/index.ts';
import * as sequences from '../domain/sequences/index.ts';
import * as life from '../domain/sequences/life.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { sequencePaceFacts } from './list-pace.ts';
import { count } from './report.ts';
import type { Undoing, Undone } from './tool.ts';

/** How the ends of a sequence's life are taken back (A6, S1). */

interface BeforeFinish {
  status: string;
  lists: { id: number; name: string }[];
}
type Told = { sequenceId: number; sequence: string } | Refusal;

export async function beforeFinish(ctx: Context, { sequenceId }: { sequenceId: number }): Promise<BeforeFinish> {
  const { status } = await sequences.lock(ctx, sequenceId);
  const lists = await ctx.tx
    .selectFrom('link')
    .innerJoin('list', 'list.id', 'link.list_id')
    .select(['list.id', 'list.name'])
    .where('link.sequence_id', '=', sequenceId)
    .where('link.ended_at', 'is', null)
    .orderBy('list.name')
    .execute();
  return { status, lists };
}

/** It activates and links, so it asks where it can be done at all (A1). */
export const unfinishIsGated = async (ctx: Context, { before, result }: Undoing<BeforeFinish, Told>): Promise<boolean> => {
  const { status } = await sequences.lock(ctx, (result as Exclude<Told, Refusal>).sequenceId);
  return before.status === 'active' && ['finishing', 'inactive'].includes(status);
};

/** Active again, with its lists: whom the end had to let go enrol anew. One that was paused cannot get its lists back (K1). */
export async function unfinish(ctx: Context, { before, result, at }: Undoing<BeforeFinish, Told>): Promise<Undone | Refusal> {
  // A refusal wrote nothing, and is not kept.
  const { sequenceId, sequence: name } = result as Exclude<Told, Refusal>;
  const sequence = await sequences.lock(ctx, sequenceId);
  const ways: Record<string, string> = {
    finishing: `reopen "${name}"`,
    inactive: `resume "${name}"`,
    archived: `duplicate "${name}"`,
    active: `show sequence "${name}"`,
  };
  const next = [ways[sequence.status] ?? 'list sequences'];
  if (sequence.status !== 'finishing' && sequence.status !== 'inactive')
    return refuse('changed_since', `"${name}" is ${sequence.status} by now.`, next);
  if (before.status !== 'active')
    return refuse(
      'was_paused',
      `"${name}" was paused when it was finished, and lists are linked to active sequences only. ${sequence.status === 'finishing' ? 'Reopen' : 'Resume'} it and link its lists again.`,
      next,
    );
  const missing = await sequences.missing(ctx, sequence);
  if (missing.length) return refuse('not_ready', `"${name}" is not ready: ${missing.join('; ')}.`, [`show sequence "${name}"`]);
  const woken =
    sequence.status === 'finishing' ? await life.reopen(ctx, sequenceId) : await sequences.resume(ctx, sequenceId, 'all');
  if (isRefusal(woken)) return woken;
  const free = before.lists.length
    ? await ctx.tx
        .selectFrom('list')
        .select('id')
        .where(
          'id',
          'in',
          before.lists.map(list => list.id),
        )
        .where('archived_at', 'is', null)
        .execute()
    : [];
  const [linked, elsewhere]: [string[], string[]] = [[], []];
  for (const list of before.lists) {
    const isFree = free.some(({ id }) => id === list.id);
    const isLinked = isFree && !isRefusal(await links.link(ctx, { listId: list.id, sequenceId }));
    (isLinked ? linked : elsewhere).push(`"${list.name}"`);
  }
  const alone = await life.letGoByHand(ctx, sequenceId, at);
  const said = [
    `"${name}" is active again`,
    ...(linked.length
      ? [`${linked.join(', ')} ${linked.length === 1 ? 'is' : 'are'} linked again, and whom that had to let go enrol anew`]
      : []),
    ...(elsewhere.length
      ? [`${elsewhere.join(', ')} ${elsewhere.length === 1 ? 'is' : 'are'} linked elsewhere or archived`]
      : []),
    ...(alone ? [`${count(alone, 'person', 'people')} enrolled by hand ${alone === 1 ? 'stays' : 'stay'} out of it`] : []),
  ];
  return { said: `${said.join('; ')}.`, facts: await sequencePaceFacts(ctx, sequenceId) };
}

/** Finishing again, as long as nobody new has come. */
export async function finishAgain(ctx: Context, { result }: Undoing<unknown, Told>): Promise<Undone | Refusal> {
  // A refusal wrote nothing, and is not kept.
  const { sequenceId, sequence: name } = result as Exclude<Told, Refusal>;
  const { status } = await sequences.lock(ctx, sequenceId);
  if (status !== 'active') return refuse('changed_since', `"${name}" is ${status} by now.`, [`show sequence "${name}"`]);
  const { lists, uncontacted } = await life.ending(ctx, sequenceId);
  if (lists.length || uncontacted)
    return refuse(
      'came_since',
      `Since then ${[
        ...(lists.length ? [`${count(lists.length, 'list was', 'lists were')} linked`] : []),
        ...(uncontacted ? [`${count(uncontacted, 'person', 'people')} came`] : []),
      ].join(' and ')}. Finish "${name}" to let them go again.`,
      [`finish "${name}"`, `show sequence "${name}"`],
    );
  const done = await life.finish(ctx, sequenceId);
  if (isRefusal(done)) return done;
  return {
    said:
      done.status === 'finishing'
        ? `"${name}" is finishing again: nobody new, and people in flight get their remaining steps.`
        : `"${name}" is inactive: nobody is in flight any more.`,
  };
}
