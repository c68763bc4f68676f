import type { Selectable } from 'kysely';
import { type Cadence, dateIn, nextPeriod, startOfDay } from '../../calendar.ts';
import type { Digest } from '../../db/types.ts';
import { postDigest } from '../../queues.ts';
import type { Context } from '../context.ts';
import * as forecasts from '../forecasts/index.ts';
import * as days from './days.ts';
import * as queries from './queries.ts';
import { type Need, needs } from './rules.ts';

export type { Days, ListDay } from './days.ts';
export type { ListRow, SequenceRow, Span } from './queries.ts';
export type { Need } from './rules.ts';

/** What a digest or a status tells: from the database alone, never from a model (G1). JSON but for the span. */
export interface Overview {
  from: string;
  until: string;
  needs: Need[];
  lists: queries.ListRow[];
  sequences: (Omit<queries.SequenceRow, 'oldestReviewAt'> & forecasts.Pace & { days: days.Days })[];
  handedOver: { to: string; promoted: boolean; lists: number; sequences: number; senders: number }[];
  /** Did anything happen in the span? */
  changed: boolean;
}

/** Composes what happened in a span and what waits now. */
export async function compose(ctx: Context, span: queries.Span): Promise<Overview> {
  const [lists, sequences, approvals, handedOver] = [
    await queries.lists(ctx.tx, span),
    await queries.sequences(ctx.tx, span, ctx.now),
    await queries.waitingApprovals(ctx.tx, ctx.now),
    await queries.handedOver(ctx.tx, span),
  ];
  const paces = await forecasts.pacesOf(
    ctx,
    sequences.map(sequence => sequence.id),
  );
  const lately = await days.ofSequences(ctx);
  const happened = (s: queries.SequenceRow) => s.enrolled + s.contacted + s.replies + s.bounces + s.optOuts > 0;
  return {
    from: span.from.toString(),
    until: span.until.toString(),
    needs: needs({ lists, sequences, approvals }, ctx.now),
    lists,
    sequences: sequences.map(({ oldestReviewAt: _, ...sequence }) => ({
      ...sequence,
      ...paces.get(sequence.id)!,
      days: lately.get(sequence.id)!,
    })),
    handedOver,
    changed: lists.some(list => list.ordered > 0) || sequences.some(happened) || handedOver.length > 0,
  };
}

/** The workspace's today so far. */
export const today = (ctx: Context): Promise<Overview> =>
  compose(ctx, {
    from: startOfDay(dateIn(ctx.now, ctx.workspace.zone), ctx.workspace.zone),
    until: ctx.now.add({ milliseconds: 1 }),
  });

export interface DigestOrder {
  channel: string;
  cadence: Cadence;
  weekday: number | null;
  /** 'HH:MM' in the workspace's zone */
  at: string;
}

/** Orders a digest in a channel, or changes the one that is there. */
export async function order(ctx: Context, { channel, cadence, weekday, at }: DigestOrder): Promise<Selectable<Digest>> {
  const next = nextPeriod(ctx.now, { cadence, weekday, at, zone: ctx.workspace.zone });
  const terms = { cadence, weekday, at_time: at, next_due_at: next.at, next_period: next.key };
  return ctx.tx
    .insertInto('digest')
    .values({ workspace_id: ctx.workspace.id, channel, created_at: ctx.now, ...terms })
    .onConflict(conflict => conflict.columns(['workspace_id', 'channel']).doUpdateSet(terms))
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Ends the digest of a channel; false when there was none. */
export const cancel = async (ctx: Context, channel: string): Promise<boolean> =>
  (await ctx.tx.deleteFrom('digest').where('channel', '=', channel).executeTakeFirst()).numDeletedRows > 0n;

export const all = (ctx: Context): Promise<Selectable<Digest>[]> =>
  ctx.tx.selectFrom('digest').selectAll().orderBy('channel').execute();

/** Puts every digest's next turn where the workspace's zone now says (W1). */
export async function reschedule(ctx: Context): Promise<void> {
  for (const digest of await all(ctx))
    await order(ctx, {
      channel: digest.channel,
      cadence: digest.cadence as Cadence,
      weekday: digest.weekday,
      at: digest.at_time.slice(0, 5),
    });
}

/** Puts the job for a digest that is due in the queue; the digest itself stays due until it is made. */
export const runDue = (ctx: Context, digestId: number): Promise<void> =>
  ctx.enqueue(postDigest, { workspaceId: ctx.workspace.id, digestId });

/** A digest that says nothing at all for longer than this looks broken: then it says that nothing changed (G2). */
const heartbeat = { hours: 7 * 24 };

/**
 * Makes the digest of its due period once: whatever is restarted, the period's row decides (G2).
 * @returns what to post and where; null when it is not due, was made already, or has nothing to say.
 */
export async function make(
  ctx: Context,
  digestId: number,
): Promise<{ key: string; channel: string; overview: Overview; quiet: boolean } | null> {
  const digest = await ctx.tx.selectFrom('digest').selectAll().where('id', '=', digestId).forUpdate().executeTakeFirst();
  if (!digest || Temporal.Instant.compare(digest.next_due_at, ctx.now) > 0) return null;
  const last = await ctx.tx
    .selectFrom('digest_post')
    .select('covers_until')
    .where('digest_id', '=', digestId)
    .orderBy('covers_until', 'desc')
    .executeTakeFirst();
  const span = { from: last?.covers_until ?? digest.created_at, until: ctx.now };
  const overview = await compose(ctx, span);
  const lastSaid = digest.last_heartbeat_at ?? digest.created_at;
  const isQuiet = !overview.changed && overview.needs.length === 0;
  const silent = isQuiet && Temporal.Instant.compare(lastSaid.add(heartbeat), ctx.now) > 0;
  const made = await ctx.tx
    .insertInto('digest_post')
    .values({
      digest_id: digestId,
      period: digest.next_period,
      workspace_id: ctx.workspace.id,
      covers_from: span.from,
      covers_until: span.until,
      silent,
      posted_at: ctx.now,
    })
    .onConflict(conflict => conflict.columns(['digest_id', 'period']).doNothing())
    .executeTakeFirst();
  const next = nextPeriod(ctx.now, {
    cadence: digest.cadence as Cadence,
    weekday: digest.weekday,
    at: digest.at_time,
    zone: ctx.workspace.zone,
  });
  await ctx.tx
    .updateTable('digest')
    .set({ next_due_at: next.at, next_period: next.key, ...(silent ? {} : { last_heartbeat_at: ctx.now }) })
    .where('id', '=', digestId)
    .execute();
  if (silent || made.numInsertedOrUpdatedRows !== 1n) return null;
  return { key: `digest:${digestId}:${digest.next_period}`, channel: digest.channel, overview, quiet: isQuiet };
}
