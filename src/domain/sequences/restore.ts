import { sql } from 'kysely';
import type { Context } from '../context.ts';
import { chunkSize } from '../enrollments/index.ts';
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

/** People by the version of the steps that they had, which was older than the sequence's own. */
export interface Older {
  version: number;
  ids: number[];
}

/**
 * Who is on older steps than the sequence's own, for when an edit moves them (S7). null: they, or those who move with them, are more than
 * one transaction takes.
 */
export async function onOlderSteps(ctx: Context, sequenceId: number): Promise<Older[] | null> {
  const { rows } = await sql<Older>`
    select e.version, jsonb_agg(e.id order by e.id) as ids
    from (select id, version from enrollment where sequence_id = ${sequenceId}
      and state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task') limit ${chunkSize}) e
    group by e.version order by e.version`.execute(ctx.tx);
  const { version } = await ctx.tx
    .selectFrom('sequence')
    .select('version')
    .where('id', '=', sequenceId)
    .executeTakeFirstOrThrow();
  const isWhole = rows.reduce((sum, row) => sum + row.ids.length, 0) < chunkSize;
  const older = rows.filter(row => row.version < version);
  return isWhole ? older : null;
}

/** Moves people back to the steps that they had, where those still have one for them. @returns how many moved */
async function moveBack(ctx: Context, version: number, older: readonly Older[]): Promise<number> {
  const ids = older.flatMap(each => each.ids);
  const versions = older.flatMap(each => each.ids.map(() => each.version));
  const { rows } = await sql`
    with was as (select * from unnest(${ids}::bigint[], ${versions}::int[]) as w (id, version)),
      locked as materialized (select id from enrollment where id = any(${ids}::bigint[]) order by id for no key update)
    update enrollment e
    set version = was.version, held_reason = case when e.held_reason = 'missing_variable' then null else e.held_reason end
    from was join locked using (id)
    where e.id = was.id and e.version = ${version} and e.state in ('in_review', 'queued', 'active', 'paused', 'waiting_on_task')
      and e.next_position <= (select count(*) from step where step.sequence_id = e.sequence_id and step.version = was.version)
    returning e.id`.execute(ctx.tx);
  return rows.length;
}

/** Of people whom an edit moved: to whom a task of the newer steps is open. */
export const atTasksOf = async (ctx: Context, version: number, older: readonly Older[]): Promise<number> =>
  (
    await sql<{ n: number }>`select count(*)::int as n from message
      where enrollment_id = any(${older.flatMap(each => each.ids)}::bigint[]) and version = ${version} and kind = 'task'
        and state = 'claimed'`.execute(ctx.tx)
  ).rows[0]!.n;

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
 * gets the old ones, and whom the edit moved from older ones, `older`, has those again. What is unsent today is planned anew (S4).
 */
export async function restore(
  ctx: Context,
  sequenceId: number,
  was: Snapshot,
  older: readonly Older[] = [],
): Promise<{ replanned: number; movedBack: number }> {
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
  const movedBack = older.length ? await moveBack(ctx, now!.version, older) : 0;
  if (version !== now!.version) {
    await sql`insert into step (workspace_id, sequence_id, version, position, kind, title, delay_days, subject, body)
      select workspace_id, sequence_id, ${version}, position, kind, title, delay_days, subject, body
      from step where sequence_id = ${sequenceId} and version = ${was.version}`.execute(ctx.tx);
    await startMoving(ctx, { sequenceId, version, above: was.version });
  }
  return { replanned: await messages.replan(ctx, sequenceId), movedBack };
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
