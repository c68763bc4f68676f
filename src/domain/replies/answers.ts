import { type Selectable, sql } from 'kysely';
import { dateIn } from '../../calendar.ts';
import type { Answer } from '../../db/types.ts';
import { redact } from '../../log.ts';
import { sendAnswer } from '../../queues.ts';
import { traced } from '../../trace.ts';
import { type Context, drover, enter, type Services } from '../context.ts';
import { exclusionOf } from '../exclusions/queries.ts';
import { htmlOf, mailIdOf, oneLine } from '../messages/letter.ts';
import type { HandOver, OutgoingMail } from '../ports.ts';
import * as senders from '../senders/index.ts';
import type { View } from './queries.ts';

/**
 * What a person writes back to a reply: a ledger of its own, with the states of D1. `handing` is committed before the mail server is
 * called, and what may have left is never tried again by itself (D2). It is one person's letter to another, so that neither caps nor
 * the send window hold it; exclusions do (X1).
 */

/** An answer that is being handed over belongs to its worker this long. */
const lease = { minutes: 2 };
/** A server that is away or busy is asked again after this long, for a day. */
const again = { minutes: 15 };
const triedForHours = 24;

/** Writes an answer down and sends it on its way, from the sender that the reply came to. @returns its id */
export async function write(ctx: Context, { replyId, senderId, sender, body }: ToWrite): Promise<number> {
  const { id } = await ctx.tx
    .insertInto('answer')
    .values({
      workspace_id: ctx.workspace.id,
      reply_id: replyId,
      sender_id: senderId,
      written_by: (ctx.actor as { id: number }).id,
      body,
      mail_id: '',
      written_at: ctx.now,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  const mailId = mailIdOf(`${ctx.workspace.id}:answer:${id}:${ctx.now}`, sender);
  await ctx.tx.updateTable('answer').set({ mail_id: mailId }).where('id', '=', id).execute();
  await ctx.enqueue(sendAnswer, { workspaceId: ctx.workspace.id, answerId: id });
  return id;
}

interface ToWrite {
  replyId: number;
  senderId: number;
  sender: string;
  body: string;
}

/** Why a reply cannot be answered; null where it can. Asked again at the hand-over. */
export async function obstacle(ctx: Context, view: Pick<View, 'leadId' | 'fromAddress' | 'senderId'>): Promise<string | null> {
  if (!view.fromAddress) return 'no_address';
  const { rows } = await sql<{ excluded: string | null; status: string | null }>`
    select ${exclusionOf('l', dateIn(ctx.now, ctx.workspace.zone))} as excluded, null as status from lead l where l.id = ${view.leadId}
    union all
    select (select 'excluded_person' from exclusion x where x.lifted_at is null and x.kind = 'address' and x.value = ${view.fromAddress}
        and (x.until_on is null or x.until_on >= ${dateIn(ctx.now, ctx.workspace.zone)})), s.status
      from sender s where s.id = ${view.senderId} and s.removed_at is null`.execute(ctx.tx);
  const sender = rows.find(row => row.status !== null);
  if (rows.some(row => row.excluded !== null)) return 'excluded';
  if (!sender) return 'sender_removed';
  return sender.status === 'failing' || sender.status === 'paused' ? 'sender_not_healthy' : null;
}

type AnswerRow = Selectable<Answer>;

/** What became of an answer, where its author is to be told. */
export interface AnswerEnd {
  answerId: number;
  state: 'failed' | 'unknown';
  reason: string;
  detail: string | null;
  /** Its author's Slack user, and the message that told them of the reply, where one did. */
  author: string;
  threadTs: string | null;
  to: string;
  address: string | null;
}

/** Hands an answer over. @returns how it ended, where it did not leave; undefined where it left, waits, or was dealt with before */
export async function handOverAnswer(services: Services, workspaceId: number, answerId: number): Promise<AnswerEnd | undefined> {
  const inside = <R>(work: (ctx: Context) => Promise<R>) => enter(services, workspaceId, drover, work);
  const started = await inside(ctx => start(ctx, answerId));
  if (!started) return undefined;
  if ('state' in started) return started;
  const { transport, handingAt, ...mail } = started;
  const outcome = await deliver(services, transport, mail, answerId);
  return inside(ctx => record(ctx, answerId, handingAt, outcome));
}

interface Started extends OutgoingMail {
  transport: string;
  handingAt: Temporal.Instant;
}

/** Commits `handing`; one whose lease ran out may have left, and is unknown. */
async function start(ctx: Context, answerId: number): Promise<Started | AnswerEnd | undefined> {
  const { tx, now } = ctx;
  const answer = await tx.selectFrom('answer').selectAll().where('id', '=', answerId).forUpdate().executeTakeFirst();
  const isWaiting = answer?.lease_until && Temporal.Instant.compare(answer.lease_until, now) > 0;
  if (!answer || isWaiting || (answer.state !== 'planned' && answer.state !== 'handing')) return undefined;
  if (answer.state === 'handing') return end(ctx, answer, 'unknown', 'lease_ran_out', null);
  const about = await aboutOf(ctx, answer);
  const why = await obstacle(ctx, about);
  if (why) return end(ctx, answer, 'failed', why, null);
  await tx
    .updateTable('answer')
    .set({ state: 'handing', handing_at: now, lease_until: now.add(lease) })
    .where('id', '=', answerId)
    .execute();
  const parts = [answer.body.trim(), about.signature?.trim() ?? ''].filter(Boolean);
  return {
    workspaceId: ctx.workspace.id,
    messageId: null,
    senderId: answer.sender_id,
    mailId: answer.mail_id,
    from: { name: about.senderName, address: about.sender },
    to: { name: oneLine(about.fromName ?? '') || null, address: about.fromAddress! },
    subject: subjectOf(about.subject),
    text: `${parts.join('\n\n')}\n`,
    html: htmlOf(parts),
    inReplyTo: about.mailId,
    references: about.references,
    headers: {},
    transport: about.transport,
    handingAt: now,
  };
}

interface About extends Pick<View, 'leadId' | 'fromAddress' | 'fromName' | 'senderId' | 'subject' | 'sender'> {
  senderName: string;
  signature: string | null;
  transport: string;
  /** Of the reply that it answers. */
  mailId: string | null;
  /** The whole thread, oldest first. */
  references: string[];
}

async function aboutOf(ctx: Context, { reply_id, id }: AnswerRow): Promise<About> {
  const { rows } = await sql<About>`
    select r.lead_id as "leadId", r.from_address as "fromAddress", r.from_name as "fromName", r.sender_id as "senderId", r.subject, r.mail_id as "mailId",
      x.address as sender, x.name as "senderName", x.signature, x.transport,
      array(select mail_id from (
        select m.mail_id, m.handing_at as at from message m
          where m.enrollment_id = r.enrollment_id and m.mail_id is not null and m.state in ('sent', 'unknown')
        union all select o.mail_id, o.received_at from reply o
          where o.enrollment_id = r.enrollment_id and o.kind = 'human' and o.mail_id is not null and o.received_at <= r.received_at
        union all select a.mail_id, a.handing_at from answer a join reply o on o.id = a.reply_id
          where o.enrollment_id = r.enrollment_id and a.state = 'sent' and a.id < ${id}) thread
        where mail_id <> r.mail_id order by at nulls first limit 30) || array_remove(array[r.mail_id], null) as "references"
    from reply r join sender x on x.id = r.sender_id where r.id = ${reply_id}`.execute(ctx.tx);
  return rows[0]!;
}

/** `Re:` once, on one line. */
export const subjectOf = (subject: string): string => {
  const bare = oneLine(subject).replace(/^(?:(?:re|aw|sv|antw|odp)\s?:\s?)+/i, '');
  return `Re: ${bare}`.trim();
};

async function deliver(services: Services, transport: string, mail: OutgoingMail, answerId: number): Promise<HandOver> {
  const adapter = services.transports[transport];
  if (!adapter) return { outcome: 'auth_failed', detail: `there is no mail transport called ${transport}` };
  try {
    const ids = { workspace: mail.workspaceId, answer: answerId, transport };
    const answer = await traced('hand-over', ids, () => adapter.handOver(mail));
    return answer.outcome === 'accepted' ? answer : { ...answer, detail: redact(answer.detail) };
  } catch (error) {
    services.log.warn({ err: error, answer: answerId }, 'a hand-over broke off, so whether it left is unknown');
    return { outcome: 'unknown', detail: 'the hand-over broke off' };
  }
}

/** Records the server's answer, if the answer is still ours (D1, D5). */
async function record(
  ctx: Context,
  answerId: number,
  handingAt: Temporal.Instant,
  outcome: HandOver,
): Promise<AnswerEnd | undefined> {
  const answer = await ctx.tx.selectFrom('answer').selectAll().where('id', '=', answerId).forUpdate().executeTakeFirst();
  const isOurs = answer?.handing_at?.equals(handingAt) && (answer.state === 'handing' || answer.state === 'unknown');
  if (!answer || !isOurs) return undefined;
  const detail = outcome.outcome === 'accepted' ? null : outcome.detail;
  switch (outcome.outcome) {
    case 'accepted':
      await set(ctx, answerId, { state: 'sent', reason: null, detail: null, lease_until: null, ended_at: ctx.now });
      return undefined;
    case 'unknown':
      return end(ctx, answer, 'unknown', 'no_answer', detail);
    case 'deferred':
    case 'unreachable':
    case 'quota': {
      if (Temporal.Instant.compare(answer.written_at.add({ hours: triedForHours }), ctx.now) <= 0)
        return end(ctx, answer, 'failed', outcome.outcome, detail);
      await set(ctx, answerId, {
        state: 'planned',
        reason: outcome.outcome,
        detail,
        handing_at: null,
        lease_until: ctx.now.add(again),
      });
      return undefined;
    }
    case 'bad_address':
      return end(ctx, answer, 'failed', outcome.outcome, detail);
    default:
      await senders.stop(ctx, answer.sender_id, {
        status: outcome.outcome === 'blocked' ? 'paused' : 'failing',
        code: outcome.outcome,
        detail,
      });
      return end(ctx, answer, 'failed', outcome.outcome, detail);
  }
}

/** Notices brought answers back: they did not reach whom they were for, whatever their server had said. @returns those that are news */
export const sentBack = (ctx: Context, all: readonly { answerId: number; detail: string | null }[]): Promise<AnswerEnd[]> =>
  endAll(ctx, all, 'failed', 'sent_back');

const set = (ctx: Context, id: number, change: Partial<Omit<AnswerRow, 'id'>>) =>
  ctx.tx.updateTable('answer').set(change).where('id', '=', id).execute();

const end = async (
  ctx: Context,
  { id }: AnswerRow,
  state: AnswerEnd['state'],
  reason: string,
  detail: string | null,
): Promise<AnswerEnd> => (await endAll(ctx, [{ answerId: id, detail }], state, reason))[0]!;

/** Ends those of the answers that have not failed before. */
async function endAll(
  ctx: Context,
  all: readonly { answerId: number; detail: string | null }[],
  state: AnswerEnd['state'],
  reason: string,
): Promise<AnswerEnd[]> {
  if (!all.length) return [];
  const { rows } = await sql<AnswerEnd>`
    with ended as (
      update answer a set state = ${state}, reason = ${reason}, detail = said.detail, lease_until = null, ended_at = ${ctx.now}
      from unnest(${all.map(one => one.answerId)}::bigint[],
        ${all.map(({ detail }) => (detail === null ? null : redact(detail)))}::text[]) as said (id, detail)
      where a.id = said.id and a.state <> 'failed' returning a.*)
    select a.id as "answerId", a.state, a.reason, a.detail, m.slack_user_id as author, r.from_address as address,
      coalesce(l.full_name, r.from_name, r.from_address, 'somebody') as to,
      (select p.ts from slack_post p where p.post_key = 'reply:' || r.id and p.channel = m.slack_user_id) as "threadTs"
    from ended a join member m on m.id = a.written_by join reply r on r.id = a.reply_id left join lead l on l.id = r.lead_id
    order by a.id`.execute(ctx.tx);
  return rows;
}
