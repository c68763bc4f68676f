import { sql } from 'kysely';
import { dateIn, isOpen } from '../../calendar.ts';
import { planDay } from '../../queues.ts';
import type { Context } from '../context.ts';
import { exclusionOf } from '../exclusions/queries.ts';
import { lockAll, settle } from '../sequences/queries.ts';
import { isRunning, windowOf } from '../sequences/rules.ts';
import { fill, type Person, valuesOf } from '../sequences/templates.ts';
import { firstsOn } from './companies.ts';
import { lockEnrollments, lockSenders, rows } from './queries.ts';
import * as sending from './sending-queries.ts';

/**
 * Manual tasks. A task is a row of the ledger like a message (D1), without a sender: planned → claimed (open, with the sequence's owner,
 * while its enrollment is `waiting_on_task`) → sent (done: a contact) or failed with the reason `skipped`. It counts under the cap of
 * the day it opened on (S3). People have no lease: an open task stays open until somebody says what became of it.
 */

/** A task that has just been opened, for whoever tells its owner. */
export interface OpenTask {
  messageId: number;
  leadId: number;
  lead: string;
  company: string | null;
  title: string;
  instruction: string;
  sequence: string;
  sequenceId: number;
  ownerId: number;
  /** The owner's Slack user. */
  owner: string;
}

interface DueTask extends Person {
  id: number;
  sequenceId: number;
  enrollmentId: number;
  leadId: number;
  on: string;
  firstContact: boolean;
  firstOf: string | null;
  enrollmentState: string;
  exclusion: string | null;
  replied: boolean;
  taskTitle: string | null;
  body: string | null;
  sender: string;
  sequence: string;
  ownerId: number;
  owner: string;
}

/** One transaction opens at most this many. */
const batch = 200;

/**
 * Opens the tasks whose time has come, under the same caps and the same gate as messages (D2, D3): each waits with the owner, and its
 * enrollment with it. What cannot open is held with its reason.
 */
export async function openTasks(ctx: Context): Promise<OpenTask[]> {
  const { tx, now } = ctx;
  const next = await rows(
    tx,
    sql<{ id: number; sequenceId: number; enrollmentId: number }>`
      select id, sequence_id as "sequenceId", enrollment_id as "enrollmentId" from message
      where workspace_id = ${ctx.workspace.id} and kind = 'task' and state = 'planned' and planned_at <= ${now}
      order by planned_at, id limit ${batch}`,
  );
  if (!next.length) return [];
  const sequences = await lockAll(
    tx,
    next.map(row => row.sequenceId),
  );
  await lockSenders(tx);
  await lockEnrollments(
    tx,
    next.map(row => row.enrollmentId),
  );
  const days = sequences.map(sequence => ({
    sequenceId: sequence.id,
    on: dateIn(now, sequence.zone),
    isSending: isRunning(sequence.status),
    isOpen: isOpen(now, windowOf(sequence)),
  }));
  const dayOf = new Map(days.map(day => [day.sequenceId, day]));
  const caps = new Map(sequences.map(sequence => [sequence.id, sequence.daily_cap]));
  const touched = new Map(
    [...Map.groupBy(await sending.touched(tx, days), row => row.sequenceId)].map(([id, leads]) => [
      id,
      new Set(leads.map(row => row.leadId)),
    ]),
  );
  const due = await dueTasks(
    ctx,
    next.map(row => row.id),
  );
  const firsts = await firstsToday(ctx, due);

  const opened: (DueTask & { title: string; instruction: string })[] = [];
  const again = new Set<number>();
  for (const task of due) {
    const day = dayOf.get(task.sequenceId)!;
    const today = touched.get(task.sequenceId) ?? new Set();
    touched.set(task.sequenceId, today);
    const company = `${task.on}:${task.firstOf}`;
    const isFull = task.firstContact && task.firstOf && (firsts.get(company) ?? 0) >= ctx.workspace.company_firsts_per_day;
    const later = !day.isSending
      ? 'sequence_not_sending'
      : !day.isOpen || task.on !== day.on.toString()
        ? 'window_closed'
        : !today.has(task.leadId) && today.size >= caps.get(task.sequenceId)!
          ? 'cap_reached'
          : isFull
            ? 'company_limit'
            : null;
    if (later) {
      await sending.hold(tx, task.id, later, false);
      again.add(task.sequenceId);
      continue;
    }
    const text = textOf(task);
    if ('refused' in text) {
      if (task.exclusion) await sending.endExcluded(tx, task.id, task.exclusion, now);
      await sending.hold(tx, task.id, text.refused, true, text.detail);
      again.add(task.sequenceId);
      continue;
    }
    today.add(task.leadId);
    if (task.firstContact && task.firstOf) firsts.set(company, (firsts.get(company) ?? 0) + 1);
    opened.push({ ...task, ...text });
  }
  await open(ctx, opened);
  for (const sequenceId of again) {
    await settle(tx, sequenceId, now);
    await ctx.enqueue(planDay, { workspaceId: ctx.workspace.id, sequenceId });
  }
  return opened.map(({ id, leadId, full_name: lead, company, title, instruction, sequence, sequenceId, ownerId, owner }) => ({
    ...{ messageId: id, leadId, lead, company, title, instruction, sequence, sequenceId, ownerId, owner },
  }));
}

const dueTasks = ({ tx, workspace, now }: Context, ids: readonly number[]) =>
  rows(
    tx,
    sql<DueTask>`
      select m.id, m.sequence_id as "sequenceId", m.enrollment_id as "enrollmentId", m.lead_id as "leadId", m.planned_on as on,
        m.first_contact as "firstContact", m.company as "firstOf", e.state as "enrollmentState",
        ${exclusionOf('l', dateIn(now, workspace.zone))} as exclusion,
        exists (select from enrollment r where r.workspace_id = e.workspace_id and r.lead_id = e.lead_id and r.state = 'replied'
          and r.ended_at >= e.enrolled_at) as replied,
        step.title as "taskTitle", step.body, coalesce(x.name, o.name) as sender, s.name as sequence, o.id as "ownerId",
        o.slack_user_id as owner, l.full_name, l.first_name, l.last_name, l.title, l.company, l.industry,
        l.person_location as location, l.company_location, l.fields
      from message m join enrollment e on e.id = m.enrollment_id join lead l on l.id = m.lead_id
      join sequence s on s.id = m.sequence_id join member o on o.id = s.owner_id left join sender x on x.id = e.sender_id
      left join step on step.sequence_id = m.sequence_id and step.version = m.version and step.position = m.position
        and step.kind = 'task'
      where m.id = any(${ids}::bigint[]) and m.kind = 'task' and m.state = 'planned' and m.planned_at <= ${now}
      order by m.planned_at, m.id for update of m`,
  );

async function firstsToday(ctx: Context, due: readonly DueTask[]): Promise<Map<string, number>> {
  const firsts = new Map<string, number>();
  for (const [on, tasks] of Map.groupBy(due, task => task.on)) {
    const companies = [...new Set(tasks.flatMap(task => task.firstOf ?? []))];
    const counted = companies.length ? await firstsOn(ctx, on, companies, { onlyClaimed: true }) : [];
    for (const [company, n] of counted) firsts.set(`${on}:${company}`, n);
  }
  return firsts;
}

/** Title and instruction for its lead, or why there are none (D3, S8). */
function textOf(task: DueTask): { title: string; instruction: string } | { refused: string; detail?: string } {
  if (task.enrollmentState !== 'queued' && task.enrollmentState !== 'active')
    return { refused: `enrollment_${task.enrollmentState}` };
  if (task.exclusion) return { refused: task.exclusion };
  if (task.replied) return { refused: 'replied' };
  if (task.body === null) return { refused: 'step_is_gone' };
  const filled = fill({ head: task.taskTitle!, body: task.body }, valuesOf(task, task.sender));
  return 'refused' in filled ? filled : { title: filled.head.trim(), instruction: filled.body.trim() };
}

async function open({ tx, now }: Context, tasks: readonly (DueTask & { title: string; instruction: string })[]): Promise<void> {
  if (!tasks.length) return;
  await sql`update message m set state = 'claimed', claimed_at = ${now}, subject = t.title, body = t.instruction
    from unnest(${tasks.map(task => task.id)}::bigint[], ${tasks.map(task => task.title)}::text[],
      ${tasks.map(task => task.instruction)}::text[]) as t (id, title, instruction) where m.id = t.id`.execute(tx);
  await sql`update enrollment set state = 'waiting_on_task'
    where id = any(${tasks.map(task => task.enrollmentId)}::bigint[])`.execute(tx);
}

/** The open task of an enrollment, if it waits on one. */
export const openTaskOf = async (
  ctx: Context,
  enrollmentId: number,
): Promise<{ messageId: number; title: string; openedAt: Temporal.Instant } | undefined> =>
  (
    await rows(
      ctx.tx,
      sql<{ messageId: number; title: string; openedAt: Temporal.Instant }>`
        select m.id as "messageId", m.subject as title, m.claimed_at as "openedAt" from message m join enrollment e on e.id = m.enrollment_id
        where m.enrollment_id = ${enrollmentId} and e.state = 'waiting_on_task' and m.kind = 'task' and m.state = 'claimed'`,
    )
  )[0];

/**
 * Says what became of an open task: done is a contact, skipped is none. Either way the next step is due its calendar days later, or the
 * run is complete (E3: waiting_on_task → active or completed). Undefined when it is not open any more.
 */
export async function closeTask(
  ctx: Context,
  { messageId, as, note }: { messageId: number; as: 'done' | 'skipped'; note: string | null },
): Promise<{ completed: boolean; nextDueOn: string | null } | undefined> {
  const { tx, now } = ctx;
  const found = await tx
    .selectFrom('message')
    .select(['sequence_id', 'enrollment_id'])
    .where('id', '=', messageId)
    .where('kind', '=', 'task')
    .executeTakeFirst();
  if (!found) return undefined;
  const [sequence] = await lockAll(tx, [found.sequence_id]);
  await lockEnrollments(tx, [found.enrollment_id]);
  const isDone = as === 'done';
  const closed = await rows(
    tx,
    sql`update message m set state = ${isDone ? 'sent' : 'failed'}, reason = ${isDone ? null : 'skipped'}, detail = ${note},
        handing_at = case when ${isDone}::boolean then ${now}::timestamptz end, ended_at = ${now}
      from enrollment e where m.id = ${messageId} and m.state = 'claimed' and e.id = m.enrollment_id and e.state = 'waiting_on_task'
      returning m.id`,
  );
  if (!closed.length) return undefined;
  if (isDone)
    await sql`update enrollment set contacted_at = coalesce(contacted_at, ${now}::timestamptz)
      where id = ${found.enrollment_id}`.execute(tx);
  const on = dateIn(now, sequence!.zone);
  const [next] = await sending.advance(tx, [{ id: messageId, on, contactAt: isDone ? now : null }], now);
  await settle(tx, found.sequence_id, now);
  await ctx.enqueue(planDay, { workspaceId: ctx.workspace.id, sequenceId: found.sequence_id });
  const dueOn = next?.dueOn ?? null;
  return { completed: dueOn === null, nextDueOn: dueOn };
}
