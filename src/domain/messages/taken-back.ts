import { sql } from 'kysely';
import { json } from '../../db/codecs.ts';
import { planDay } from '../../queues.ts';
import type { Context } from '../context.ts';
import { lockAll } from '../sequences/queries.ts';
import { dropPlanned } from './index.ts';
import { lockEnrollments, rows } from './queries.ts';

/** Taking back what somebody said became of a task, or of messages that nobody knows of (A6). */

/** How a run stood before its task was closed. JSON. */
export interface AtTask {
  position: number;
  contactedAt: string | null;
  lastContactAt: string | null;
  dueOn: string | null;
}

/** SQL: an instant as text that keeps its microseconds. */
const iso = (column: string) =>
  sql<string | null>`to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

export const atTask = async (ctx: Context, enrollmentId: number): Promise<AtTask> =>
  (
    await rows(
      ctx.tx,
      sql<AtTask>`
        select next_position as position, ${iso('contacted_at')} as "contactedAt", ${iso('last_contact_at')} as "lastContactAt",
          next_due_on as "dueOn"
        from enrollment where id = ${enrollmentId}`,
    )
  )[0]!;

/**
 * Opens a closed task again, as long as its run waits for the next step and nothing of that has begun (E3: active → waiting_on_task).
 * @returns `opened`, `begun` where the next step is under way or was, or the state that the run has instead
 */
export async function reopenTask(
  ctx: Context,
  { messageId, before }: { messageId: number; before: AtTask },
): Promise<'opened' | 'begun' | { state: string }> {
  const { tx } = ctx;
  const found = await tx
    .selectFrom('message')
    .select(['sequence_id', 'enrollment_id'])
    .where('id', '=', messageId)
    .where('kind', '=', 'task')
    .executeTakeFirst();
  if (!found) return { state: 'gone' };
  await lockAll(tx, [found.sequence_id]);
  await lockEnrollments(tx, [found.enrollment_id]);
  const [run] = await rows(
    tx,
    sql<{ state: string; begun: boolean }>`
      select e.state, e.next_position <> ${before.position + 1} or exists (select from message later where later.enrollment_id = e.id
        and later.position > ${before.position} and (later.state not in ('planned', 'held') or later.mail_id is not null)) as begun
      from enrollment e where e.id = ${found.enrollment_id}`,
  );
  if (run!.state !== 'active') return { state: run!.state };
  if (run!.begun) return 'begun';
  await dropPlanned(ctx, [found.enrollment_id]);
  await sql`update message set state = 'claimed', reason = null, detail = null, handing_at = null, ended_at = null
    where id = ${messageId}`.execute(tx);
  await sql`update enrollment set state = 'waiting_on_task', next_position = ${before.position}, next_due_on = ${before.dueOn}::date,
      contacted_at = ${before.contactedAt}::timestamptz, last_contact_at = ${before.lastContactAt}::timestamptz
    where id = ${found.enrollment_id}`.execute(tx);
  await ctx.enqueue(planDay, { workspaceId: ctx.workspace.id, sequenceId: found.sequence_id });
  return 'opened';
}

/** An unknown message as it was before somebody had it sent again. JSON. */
export interface WasUnknown {
  id: number;
  reason: string | null;
  claimedAt: string | null;
  handingAt: string | null;
  endedAt: string | null;
  dueOn: string | null;
}

export const unknownNow = (ctx: Context, ids: readonly number[]): Promise<WasUnknown[]> =>
  rows(
    ctx.tx,
    sql<WasUnknown>`
      select m.id, m.reason, ${iso('m.claimed_at')} as "claimedAt", ${iso('m.handing_at')} as "handingAt", ${iso('m.ended_at')} as "endedAt",
        e.next_due_on as "dueOn"
      from message m join enrollment e on e.id = m.enrollment_id
      where m.id = any(${[...ids]}::bigint[]) and m.state = 'unknown' order by m.id`,
  );

/** Messages that were to be sent again and have not begun to leave are unknown again (D2). @returns how many */
export async function unknownAgain(ctx: Context, before: readonly WasUnknown[]): Promise<number> {
  const { tx } = ctx;
  const ids = before.map(row => row.id);
  const found = await rows(
    tx,
    sql<{ sequenceId: number; enrollmentId: number }>`select sequence_id as "sequenceId", enrollment_id as "enrollmentId"
      from message where id = any(${ids}::bigint[])`,
  );
  const sequenceIds = [...new Set(found.map(row => row.sequenceId))];
  await lockAll(tx, sequenceIds);
  await lockEnrollments(
    tx,
    found.map(row => row.enrollmentId),
  );
  const again = await rows(
    tx,
    sql<{ id: number }>`
      with was as (
        select * from jsonb_to_recordset(${json(before)}::jsonb)
          as w (id bigint, reason text, "claimedAt" timestamptz, "handingAt" timestamptz, "endedAt" timestamptz, "dueOn" date)),
      back as (
        update message m set state = 'unknown', reason = was.reason, claimed_at = was."claimedAt", handing_at = was."handingAt",
          ended_at = was."endedAt"
        from was, enrollment e
        where m.id = was.id and m.state in ('held', 'planned') and e.id = m.enrollment_id and e.next_position = m.position
          and e.state in ('queued', 'active', 'paused', 'waiting_on_task')
        returning m.id, m.enrollment_id, was."dueOn")
      update enrollment e set next_due_on = back."dueOn" from back where e.id = back.enrollment_id returning back.id`,
  );
  for (const sequenceId of sequenceIds) await ctx.enqueue(planDay, { workspaceId: ctx.workspace.id, sequenceId });
  return again.length;
}
