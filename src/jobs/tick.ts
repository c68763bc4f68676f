import { sql } from 'kysely';
import { dateIn } from '../calendar.ts';
import * as system from '../db/system.ts';
import { inTransaction } from '../db/transaction.ts';
import { type Context, drover, enter, type Services } from '../domain/context.ts';
import * as digests from '../domain/digests/index.ts';
import * as monitoring from '../domain/monitoring/index.ts';
import {
  agentTurn,
  classifyReply,
  dailyEnrollment,
  enrollList,
  queues,
  readMail,
  refillList,
  sendAnswer,
  sendDue,
  slackInteraction,
  slackPost,
} from '../queues.ts';

/** A stored request whose job is not done after this long has lost its job. */
const lostAfter = { minutes: 5 };

/**
 * Finds everything that is due, over all workspaces, and puts its job in the queue. Repeatable: whatever was found stays due until its
 * job has dealt with it, and a job that already waits is not put twice.
 */
export async function handleTick(services: Services): Promise<void> {
  await freeBlockedKeys(services);
  const due = await system.due(services.db, services.clock.now());
  const inside = (workspaceId: number, work: (ctx: Context) => Promise<unknown>) =>
    enter(services, workspaceId, drover, async ctx => void (await work(ctx)));

  for (const { workspaceId, listId } of due.monitoring) await inside(workspaceId, ctx => monitoring.runDue(ctx, listId));
  for (const { workspaceId, refillId } of due.refills)
    await inside(workspaceId, ctx => ctx.enqueue(refillList, { workspaceId, refillId }));
  for (const { workspaceId, linkId } of due.links)
    await inside(workspaceId, ctx => ctx.enqueue(enrollList, { workspaceId, linkId }));
  for (const [workspaceId, days] of Map.groupBy(due.days, day => day.workspaceId))
    await inside(workspaceId, async ctx => {
      const begun = days.map(day => day.sequenceId);
      const zones = await ctx.tx.selectFrom('sequence').select(['id', 'zone']).where('id', 'in', begun).orderBy('id').execute();
      for (const { id: sequenceId, zone } of zones)
        await ctx.enqueue(dailyEnrollment, { workspaceId, sequenceId, on: dateIn(ctx.now, zone).toString() });
    });
  for (const { workspaceId } of due.sends) await inside(workspaceId, ctx => ctx.enqueue(sendDue, { workspaceId }));
  for (const { workspaceId, channel } of due.posts)
    await inside(workspaceId, ctx => ctx.enqueue(slackPost, { workspaceId, channel }));
  for (const { workspaceId, senderId } of due.mailboxes)
    await inside(workspaceId, ctx => ctx.enqueue(readMail, { workspaceId, senderId }));
  for (const { workspaceId, replyId } of due.replies)
    await inside(workspaceId, ctx => ctx.enqueue(classifyReply, { workspaceId, replyId }));
  for (const { workspaceId, answerId } of due.answers)
    await inside(workspaceId, ctx => ctx.enqueue(sendAnswer, { workspaceId, answerId }));
  for (const { workspaceId, digestId } of due.digests) await inside(workspaceId, ctx => digests.runDue(ctx, digestId));
  await sweepInbox(services);
}

/**
 * A job that failed for good blocks its key of an ordered queue for ever (C2). It goes, so that what waits behind it runs; what it was to
 * do is still stored, and found again below.
 */
async function freeBlockedKeys({ db, log }: Services): Promise<void> {
  const ordered = queues.filter(({ policy }) => policy === 'in_order').map(({ name }) => name);
  const { rows } = await sql<{ queue: string; job: string }>`
    delete from pgboss.job where name = any(${ordered}::text[]) and state = 'failed' and policy = 'key_strict_fifo'
    returning name as queue, id as job`.execute(db);
  for (const freed of rows) log.warn(freed, 'a job had failed for good and blocked its key; it is gone');
}

/** Puts the job of a stored request again where it was lost; handling is idempotent. */
async function sweepInbox({ db, clock, enqueueIn }: Services): Promise<void> {
  const lost = await system.unhandled(db, clock.now().subtract(lostAfter));
  for (const { id, kind, thread } of lost)
    await inTransaction(db, tx =>
      thread !== null && (kind === 'event' || kind === 'cli')
        ? enqueueIn(tx)(agentTurn, { inboxId: id, thread })
        : enqueueIn(tx)(slackInteraction, { inboxId: id }),
    );
}
