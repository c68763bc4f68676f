import { sql } from 'kysely';
import type { Context } from '../context.ts';
import { freeName } from '../lists/rules.ts';
import * as messages from '../messages/index.ts';
import { startMoving } from './crowd.ts';
import * as queries from './queries.ts';
import * as rules from './rules.ts';

/** Putting a sequence back as it was (A6). The callers say no where something has left. */

/** What an edit may change of a sequence. JSON. */
export interface Snapshot {
  name: string;
  status: string;
  mode: string;
  version: number;
  dailyCap: number;
  zone: string;
  sendDays: number[];
  sendFrom: string;
  sendUntil: string;
  holidays: unknown;
  senderIds: number[];
}

export async function snapshot(ctx: Context, sequenceId: number): Promise<Snapshot> {
  const row = await ctx.tx.selectFrom('sequence').selectAll().where('id', '=', sequenceId).executeTakeFirstOrThrow();
  const senders = await ctx.tx
    .selectFrom('sequence_sender')
    .select('sender_id')
    .where('sequence_id', '=', sequenceId)
    .orderBy('sender_id')
    .execute();
  return {
    name: row.name,
    status: row.status,
    mode: row.mode,
    version: row.version,
    dailyCap: row.daily_cap,
    zone: row.zone,
    sendDays: row.send_days,
    sendFrom: row.send_from,
    sendUntil: row.send_until,
    holidays: row.holidays,
    senderIds: senders.map(sender => sender.sender_id),
  };
}

/**
 * Puts a sequence's settings back, and its steps as a version of their own, since versions only grow (S7): who had the steps that go
 * gets the old ones. What is unsent today is planned anew (S4). Returns how many messages lost their time.
 */
export async function restore(ctx: Context, sequenceId: number, was: Snapshot): Promise<number> {
  const [now] = await queries.lockAll(ctx.tx, [sequenceId]);
  const version = now!.version === was.version ? was.version : now!.version + 1;
  await ctx.tx
    .updateTable('sequence')
    .set({
      name: was.name,
      version,
      daily_cap: was.dailyCap,
      zone: was.zone,
      send_days: was.sendDays,
      send_from: was.sendFrom,
      send_until: was.sendUntil,
      holidays: was.holidays as object,
      ...(rules.isRunning(now!.status) ? { next_day_at: rules.nextDayAt(ctx.now, was.zone) } : {}),
    })
    .where('id', '=', sequenceId)
    .execute();
  await queries.setSenders(ctx, sequenceId, was.senderIds);
  if (version !== now!.version) {
    await sql`insert into step (workspace_id, sequence_id, version, position, kind, title, delay_days, subject, body)
      select workspace_id, sequence_id, ${version}, position, kind, title, delay_days, subject, body
      from step where sequence_id = ${sequenceId} and version = ${was.version}`.execute(ctx.tx);
    await startMoving(ctx, { sequenceId, version, above: was.version });
  }
  return messages.replan(ctx, sequenceId);
}

/** Is anybody at a task of the steps after a version? Those steps cannot be taken away from under them. */
export const atTasksSince = async (ctx: Context, sequenceId: number, version: number): Promise<number> =>
  (
    await sql<{ n: number }>`select count(*)::int as n from enrollment
      where sequence_id = ${sequenceId} and version > ${version} and state = 'waiting_on_task'`.execute(ctx.tx)
  ).rows[0]!.n;

/** Puts a sequence back to the status in which nothing of it was sent; what was planned loses its time. */
export async function putBack(ctx: Context, sequenceId: number, status: string): Promise<void> {
  const [now] = await queries.lockAll(ctx.tx, [sequenceId]);
  await ctx.tx
    .updateTable('sequence')
    .set({
      status,
      next_day_at: rules.isRunning(status) ? now!.next_day_at : null,
      paused_at: status === 'inactive' ? ctx.now : null,
    })
    .where('id', '=', sequenceId)
    .execute();
  await messages.unplan(ctx, sequenceId);
}

/** Takes back that a sequence was set up: it is archived, and its name is free again. */
export async function discard(ctx: Context, sequenceId: number): Promise<void> {
  const all = await queries.all(ctx.tx);
  const { name } = all.find(sequence => sequence.id === sequenceId)!;
  const free = freeName(
    `${name} (undone)`,
    all.map(sequence => sequence.name),
  );
  await ctx.tx.updateTable('sequence').set({ name: free, status: 'archived' }).where('id', '=', sequenceId).execute();
}
