import { sql } from 'kysely';
import { type Refusal, refuse } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import type { Context } from '../context.ts';
import * as enrollments from '../enrollments/index.ts';
import * as messages from '../messages/index.ts';
import type { Endpoint } from '../ports.ts';
import * as queries from './queries.ts';
import { bounceRate, type Counted, isTooMuch, type Stop, usualLimits } from './rules.ts';

export type { Inspected, SenderRow, Untold } from './queries.ts';
export { hardCeiling, type Stop, usualLimits } from './rules.ts';

/** How a mailbox is reached; `secret` is sealed already. Without endpoints: Drover's own mail server on this machine. */
export interface Reach {
  smtp: Endpoint;
  imap: Endpoint | null;
  user: string;
  sealedSecret: string;
}

export interface NewSender {
  ownerId: number;
  name: string;
  address: string;
  /** Which adapter messages leave through. */
  transport: 'local' | 'smtp';
  reach?: Reach;
  signature?: string | null;
  dailyLimit?: number;
  minGapMinutes?: number;
  /** Starts small and grows, unless said otherwise (S5). */
  ramp?: boolean;
}

/** Adds a mailbox that messages leave from. An address has one sender at a time. @returns its id */
export async function add(ctx: Context, sender: NewSender): Promise<number | Refusal> {
  const { transport, reach, ramp = true } = sender;
  const address = sender.address.trim();
  const known = await queries.byAddress(ctx.tx, address);
  if (known) return refuse('sender_exists', `There is a sender ${known.address} already.`, ['list senders']);
  const { id } = await ctx.tx
    .insertInto('sender')
    .values({
      workspace_id: ctx.workspace.id,
      owner_id: sender.ownerId,
      name: sender.name.trim(),
      address,
      transport,
      signature: sender.signature?.trim() || null,
      daily_limit: sender.dailyLimit ?? usualLimits.perDay,
      min_gap_minutes: sender.minGapMinutes ?? usualLimits.gapMinutes,
      ...(ramp ? { ramp_start: usualLimits.rampStart, ramp_step: usualLimits.rampStep, ramp_every: usualLimits.rampEvery } : {}),
      created_at: ctx.now,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await queries.insertMailbox(ctx, id, reach);
  return id;
}

/** Gives a mailbox a new sign-in, or a newly sealed one. What has been read stays read. */
export const setReach = (ctx: Context, id: number, reach: Reach): Promise<unknown> => queries.updateMailbox(ctx, id, reach);

/** How it is reached; undefined where its mail stays on this machine. */
export const reachOf = (ctx: Context, id: number): Promise<Reach | undefined> => queries.reachOf(ctx.tx, id);

/** Every sender that is not removed. */
export const all = (ctx: Context): Promise<queries.SenderRow[]> => queries.all(ctx.tx);

/** The sender that an address or a name means, ignoring case; several, or none, is a question. */
export async function resolve(ctx: Context, ref: string): Promise<queries.SenderRow | Refusal> {
  const all = await queries.all(ctx.tx);
  const wanted = ref.trim().toLowerCase();
  const found = all.filter(one => one.address.toLowerCase() === wanted || one.name.toLowerCase() === wanted);
  if (found.length === 1) return found[0]!;
  if (found.length > 1)
    return refuse(
      'ambiguous_sender',
      `Several senders are called "${ref}": ${found.map(one => one.address).join(', ')}. Name the address.`,
      found.map(one => `why ${one.address}`),
    );
  const near = nearest(
    ref,
    all.flatMap(one => [one.address, one.name]),
  );
  const there = near.length ? near : all.map(one => one.address);
  return refuse(
    'unknown_sender',
    `There is no sender "${ref}". ${there.length ? `There is ${there.join(', ')}.` : 'The workspace has no sender yet: an operator runs `drover sender add`.'}`,
    ['list senders'],
  );
}

/** Every sender that is not removed, with its day and what keeps it. */
export const inspect = (ctx: Context): Promise<queries.Inspected[]> => queries.inspect(ctx);

/** Addresses of a sequence's senders whose replies nobody reads: whoever answers them gets the next step all the same (D4). */
export const blind = (ctx: Context, sequenceId: number): Promise<string[]> => queries.blind(ctx.tx, sequenceId);

/**
 * Stops a sender, of which its owner has yet to be told. Its people wait and keep it; what was planned gets another time when it goes on
 * (D5). One that is stopped already keeps its first reason, unless that was only a rest.
 */
export async function stop(ctx: Context, id: number, how: Stop): Promise<void> {
  if (await queries.stop(ctx.tx, id, how)) await replanAll(ctx, id);
}

/** Lets a sender go on that stopped for this one reason, which has passed; its owner has yet to be told. */
export async function recover(ctx: Context, id: number, code: string): Promise<void> {
  if (await queries.recover(ctx.tx, id, code)) await replanAll(ctx, id);
}

/** Stops it at somebody's wish. */
export async function pause(ctx: Context, id: number): Promise<void> {
  await ctx.tx
    .updateTable('sender')
    .set({ status: 'paused', status_code: 'by_hand', status_reason: null, rests_until: null, owner_told: true })
    .where('id', '=', id)
    .execute();
  await replanAll(ctx, id);
}

/** Lets it send again, whatever stopped it. Where its bounces did, those from before do not stop it again; otherwise they still count (D5). */
export async function resume(ctx: Context, id: number): Promise<void> {
  // Mailbox before sender, as everybody who reads it.
  await ctx.tx.updateTable('mailbox').set({ failures: 0, next_read_at: ctx.now }).where('sender_id', '=', id).execute();
  await ctx.tx
    .updateTable('sender')
    .set({
      ...{ status: 'healthy', status_code: null, status_reason: null, rests_until: null, owner_told: true },
      bounces_from: sql<Temporal.Instant>`case when status_code = 'bounce_rate' then ${ctx.now}::timestamptz else bounces_from end`,
    })
    .where('id', '=', id)
    .execute();
  await replanAll(ctx, id);
}

export interface Limits {
  dailyLimit?: number;
  minGapMinutes?: number;
  ramp?: boolean;
  signature?: string | null;
  name?: string;
}

/** Changes a sender's limits; unsent messages are planned anew (S4). */
export async function change(
  ctx: Context,
  id: number,
  { dailyLimit, minGapMinutes, ramp, signature, name }: Limits,
): Promise<void> {
  await ctx.tx
    .updateTable('sender')
    .set({
      ...(dailyLimit === undefined ? {} : { daily_limit: dailyLimit }),
      ...(minGapMinutes === undefined ? {} : { min_gap_minutes: minGapMinutes }),
      ...(ramp === undefined
        ? {}
        : ramp
          ? { ramp_start: usualLimits.rampStart, ramp_step: usualLimits.rampStep, ramp_every: usualLimits.rampEvery }
          : { ramp_start: null, ramp_step: null }),
      ...(signature === undefined ? {} : { signature: signature?.trim() || null }),
      ...(name === undefined ? {} : { name: name.trim() }),
    })
    .where('id', '=', id)
    .execute();
  if (dailyLimit !== undefined || minGapMinutes !== undefined || ramp !== undefined) await replanAll(ctx, id);
}

/** Who waits for it: people whom it has contacted, and others who would get another sender. */
export const waiting = (ctx: Context, id: number): Promise<{ contacted: number; others: number }> => queries.waiting(ctx.tx, id);

/**
 * Removes a sender and forgets its sign-in. Runs that it has contacted stop, since all steps of a run leave from one sender (S5); others
 * get another one.
 */
export async function remove(ctx: Context, id: number): Promise<{ stopped: number }> {
  // Before everything else, since whoever reads it takes it before sequences and runs.
  await ctx.tx.deleteFrom('mailbox').where('sender_id', '=', id).execute();
  const sequenceIds = await queries.sequencesOf(ctx.tx, id);
  const { ended } = await enrollments.end(ctx, {
    enrollmentIds: await queries.contactedBy(ctx.tx, id),
    ...{ state: 'stopped', reason: 'sender_removed' },
  });
  await messages.dropPlanned(ctx, await queries.release(ctx.tx, id));
  await ctx.tx.deleteFrom('sequence_sender').where('sender_id', '=', id).execute();
  await ctx.tx
    .updateTable('sender')
    .set({ removed_at: ctx.now, status: 'paused', status_code: 'removed', owner_told: true })
    .where('id', '=', id)
    .execute();
  for (const sequenceId of sequenceIds) await messages.replan(ctx, sequenceId);
  return { stopped: ended };
}

/** It has sent on a local date: its ramp counts the days on which it did (S5). */
export const hasSent = (ctx: Context, id: number, on: Temporal.PlainDate): Promise<unknown> => queries.countDay(ctx.tx, id, on);

/** D5: too many of the last week's messages came back, so it pauses itself. @returns the count, where it does */
export async function checkBounces(ctx: Context, id: number): Promise<Counted | null> {
  const counted = await queries.bouncesOf(ctx.tx, id, ctx.now.subtract({ hours: 24 * 7 }));
  if (!isTooMuch(counted)) return null;
  await stop(ctx, id, {
    ...{ status: 'paused', code: 'bounce_rate' },
    detail: `${counted.bounced} of ${counted.sent} messages of 7 days came back (${bounceRate(counted)})`,
  });
  return counted;
}

/** Senders that stopped and whose owners have yet to be told; they count as told when the transaction commits. */
export const untold = (ctx: Context): Promise<queries.Untold[]> => queries.tell(ctx.tx);

async function replanAll(ctx: Context, id: number): Promise<void> {
  for (const sequenceId of await queries.sequencesOf(ctx.tx, id)) await messages.replan(ctx, sequenceId);
}
