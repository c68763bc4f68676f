import { remindOfReply } from '../../queues.ts';
import type { Context } from '../context.ts';
import * as queries from './queries.ts';

/** Who says "not now" is not written to again by itself (D4): their owner is reminded on a date, and decides. */

/** Owners read it when their day begins. */
const at = Temporal.PlainTime.from('08:00');

/** Has the owner of a reply reminded of it on a date of its zone, instead of any date before; null: not at all. */
export async function remind(
  ctx: Context,
  { replyId, on, zone }: { replyId: number; on: string | null; zone: string },
): Promise<void> {
  await ctx.tx.updateTable('reply').set({ remind_on: on }).where('id', '=', replyId).execute();
  if (on === null) return;
  const when = Temporal.PlainDate.from(on).toZonedDateTime({ timeZone: zone, plainTime: at }).toInstant();
  await ctx.enqueue(remindOfReply, { workspaceId: ctx.workspace.id, replyId, on }, { at: when });
}

/** Takes a reminder that is due; undefined where it was called off, or moved to another date. */
export async function takeReminder(ctx: Context, replyId: number, on: string): Promise<queries.View | undefined> {
  const { numUpdatedRows } = await ctx.tx
    .updateTable('reply')
    .set({ remind_on: null })
    .where('id', '=', replyId)
    .where('remind_on', '=', on)
    .executeTakeFirst();
  return numUpdatedRows ? (await queries.views(ctx.tx, [replyId]))[0] : undefined;
}
