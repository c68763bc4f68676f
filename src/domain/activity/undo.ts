import { type Selectable, sql } from 'kysely';
import { json } from '../../db/codecs.ts';
import type { UndoEntry } from '../../db/types.ts';
import type { Context } from '../context.ts';

/** How things were before a call, kept beside the trail so that it can be taken back (A6). */
export type UndoRow = Selectable<UndoEntry>;

export interface Kept {
  activityId: number;
  tool: string;
  /** What it said it did. */
  title: string;
  effect: string;
  /** What it changed, and what else that concerned. */
  objects: readonly string[];
  before: unknown;
  result: unknown;
}

/** Keeps what taking a call back needs. What Drover does by itself is nobody's to undo. */
export async function keep(ctx: Context, { activityId, tool, title, effect, objects, before, result }: Kept): Promise<void> {
  if (ctx.actor.kind !== 'member') return;
  await ctx.tx
    .insertInto('undo_entry')
    .values({
      activity_id: activityId,
      workspace_id: ctx.workspace.id,
      member_id: ctx.actor.id,
      tool,
      title,
      effect,
      objects: [...objects],
      before: json(before ?? null),
      result: json(result ?? null),
      at: ctx.now,
    })
    .execute();
}

/** The last thing that a member did and has not taken back. */
export const lastOf = (ctx: Context, memberId: number): Promise<UndoRow | undefined> =>
  ctx.tx
    .selectFrom('undo_entry')
    .selectAll()
    .where('member_id', '=', memberId)
    .where('undone_at', 'is', null)
    .orderBy('activity_id', 'desc')
    .limit(1)
    .executeTakeFirst();

/** Reads one that still stands, and keeps others from taking it back until the transaction ends. */
export const lock = (ctx: Context, activityId: number): Promise<UndoRow | undefined> =>
  ctx.tx
    .selectFrom('undo_entry')
    .selectAll()
    .where('activity_id', '=', activityId)
    .where('undone_at', 'is', null)
    .forUpdate()
    .executeTakeFirst();

export const markUndone = (ctx: Context, activityId: number) =>
  ctx.tx.updateTable('undo_entry').set({ undone_at: ctx.now }).where('activity_id', '=', activityId).execute();

/** Nothing that a member has done so far can be taken back by `undo` any more. */
export const forgetAll = (ctx: Context, memberId: number) =>
  ctx.tx
    .updateTable('undo_entry')
    .set({ undone_at: ctx.now })
    .where('member_id', '=', memberId)
    .where('undone_at', 'is', null)
    .execute();

export interface LaterChange {
  /** null: Drover itself. */
  memberId: number | null;
  by: string;
  action: string;
  title: string | null;
  at: Temporal.Instant;
}

/**
 * The latest change by anybody, after a kept one, of what that one changed; what was taken back again does not count (A6). A change's
 * first object is what it changed; those after it are what it concerned.
 */
export async function laterChange(ctx: Context, { activity_id, objects }: UndoRow): Promise<LaterChange | undefined> {
  const main = objects[0];
  if (main === undefined) return undefined;
  const { rows } = await sql<LaterChange>`
    select a.member_id as "memberId", coalesce(m.name, 'Drover') as by, a.action, coalesce(u.title, a.detail ->> 'title', a.detail ->> 'summary') as title, a.at
    from activity a
    left join member m on m.id = a.member_id
    left join undo_entry u on u.activity_id = a.id
    where a.workspace_id = ${ctx.workspace.id} and a.id > ${activity_id} and a.outcome = 'done' and a.action <> 'undo'
      and a.effect in ('write', 'gated', 'human') and a.objects @> array[${main}::text] and a.objects[1] = ${main}
      and u.undone_at is null
    order by a.id desc limit 1`.execute(ctx.tx);
  return rows[0];
}
