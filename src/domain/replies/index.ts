import { dateIn } from '../../calendar.ts';
import { redact } from '../../log.ts';
import type { Context } from '../context.ts';
import { emailKey } from '../leads/rules.ts';
import type { Classified, IncomingMail, MailReader, ReplyCategory, ReplyText, Unreadable } from '../ports.ts';
import * as senders from '../senders/index.ts';
import { type AnswerEnd, sentBack } from './answers.ts';
import { act, type Known, lockSequences } from './consequences.ts';
import * as queries from './queries.ts';
import { isForged, judge, type Verdict, wordsOf } from './reading.ts';
import { contentHash, type Kind, normalMailId, storable } from './rules.ts';

export type { Filter, View } from './queries.ts';
export { categoryWords, isCategory } from './rules.ts';

/** A page of a mailbox, as its reader gave it. */
export type Page = Exclude<Awaited<ReturnType<MailReader['read']>>, Unreadable>;

/** A mailbox is looked at this often; where its server tells of news, less. */
const readEvery = { minutes: 1 };
const readEveryWhenWatched = { minutes: 10 };
/** Nobody reads it: there is no IMAP server. It may get one. */
const lookAgain = { hours: 1 };
/** A server that is away this many times in a row stops its sender; a refused sign-in does at once. */
const patience = 5;
/** Why a sender stopped whose mailbox could not be reached; it goes on by itself when it can. */
const unreachable = 'mailbox_unreachable';

/** How a mailbox is read from here on; undefined where there is nothing to read. */
export async function since(
  ctx: Context,
  senderId: number,
): Promise<{ transport: string; uidValidity: string | null; lastUid: number; readAt: Temporal.Instant | null } | undefined> {
  const box = await queries.mailbox(ctx.tx, senderId);
  if (!box) return undefined;
  if (box.smtp_host !== null && box.imap_host === null) {
    await next(ctx, senderId, lookAgain);
    return undefined;
  }
  return { transport: box.transport, uidValidity: box.uid_validity, lastUid: box.last_uid, readAt: box.read_at };
}

const next = (ctx: Context, senderId: number, wait: Temporal.DurationLike) =>
  ctx.tx
    .updateTable('mailbox')
    .set({ next_read_at: ctx.now.add(wait) })
    .where('sender_id', '=', senderId)
    .execute();

/** What a page of mail came to. */
export interface Received {
  /** Stored now; what was there already is not. */
  stored: number;
  /** Replies that their owners are to be told of. */
  tell: number[];
  /** Replies that a model is to read. */
  ask: number[];
  /** People's answers that came back; their authors are to be told. */
  answers: AnswerEnd[];
}

/**
 * Takes in a page of a mailbox, in one transaction: stores each mail once, finds what it answers, and does what it means at once (D4);
 * how far the mailbox is read is part of it. With a model, what neither headers nor phrases settle pauses its run until the model has
 * read it; without one it is `other`. Mail that answers nothing of ours is noted without a word of it: mailboxes are people's own. However
 * many mails a page has, the statements are the same. A sender that had stopped because its mailbox could not be reached goes on.
 */
export async function receive(ctx: Context, senderId: number, page: Page, { withModel = false } = {}): Promise<Received> {
  const box = await queries.mailbox(ctx.tx, senderId, { lock: true });
  if (!box) return { stored: 0, tell: [], ask: [], answers: [] };
  const found = await match(ctx, senderId, page.mails);
  await lockSequences(ctx, found);
  const taken = found.map(one => understand(ctx, senderId, page.uidValidity, one, withModel));
  const ids = await queries.insert(
    ctx.tx,
    taken.map(one => one.row),
  );
  const received: Received = { stored: ids.size, tell: [], ask: [], answers: [] };
  const fresh = taken.filter(one => ids.has(one.row.uid) && one.verdict !== null);
  const outcomes = await act(ctx, fresh.map(toKnown));
  const done = fresh.map(({ row, matched }, at) => ({ id: ids.get(row.uid)!, outcome: outcomes[at]!, row, matched }));
  if (done.length) await queries.setOutcomes(ctx.tx, done);
  received.answers = await sentBack(
    ctx,
    done.flatMap(({ row, matched }) => broughtBack(row, matched)),
  );
  for (const { id, outcome, row, matched } of done) {
    if (broughtBack(row, matched).length) continue;
    if (row.category === null) received.ask.push(id);
    // Acknowledgements and what may pass by itself need nobody.
    else if (row.kind === 'human' || (row.category !== 'other' && outcome !== 'deferred')) received.tell.push(id);
  }
  if (outcomes.includes('bounced')) await senders.checkBounces(ctx, senderId);
  if (box.failures > 0) await senders.recover(ctx, senderId, unreachable);
  const isWatched = box.watched_until !== null && Temporal.Instant.compare(box.watched_until, ctx.now) > 0;
  const isSame = box.uid_validity === page.uidValidity;
  await ctx.tx
    .updateTable('mailbox')
    .set({
      uid_validity: page.uidValidity,
      last_uid: isSame ? Math.max(Number(box.last_uid), page.lastUid) : page.lastUid,
      failures: 0,
      ...(page.hasMore ? {} : { read_at: ctx.now }),
      next_read_at: page.hasMore ? ctx.now : ctx.now.add(isWatched ? readEveryWhenWatched : readEvery),
    })
    .where('sender_id', '=', senderId)
    .execute();
  return received;
}

/** A mail, and what it is about. */
interface Matched extends queries.Found {
  mail: IncomingMail;
  mailId: string | null;
  isOwn: boolean;
  isByAddressOnly: boolean;
}

const nothing: queries.Found = {
  ...{ messageId: null, enrollmentId: null, leadId: null, sent: null, recipient: null, answerId: null, isToLead: true },
};

/**
 * What each mail answers: by In-Reply-To and References (a bounce: by the message that it quotes), the nearest first, then by its From
 * (a bounce: by the recipient). A thread outweighs a From: who answers in somebody's thread is answering that thread.
 */
async function match(ctx: Context, senderId: number, mails: readonly IncomingMail[]): Promise<Matched[]> {
  const asked = mails.map(mail => {
    const references = [mail.bounce?.mailId, mail.inReplyTo, ...mail.references.toReversed()];
    return {
      mail,
      mailId: normalMailId(mail.mailId),
      references: [...new Set(references.flatMap(each => normalMailId(each) ?? []))].slice(0, 30),
      address: emailKey(mail.bounce ? (mail.bounce.recipient ?? '') : (mail.from?.address ?? '')),
    };
  });
  const known = await queries.byMailId(ctx.tx, ctx.workspace.id, [
    ...new Set(asked.flatMap(({ mailId, references }) => [...(mailId ? [mailId] : []), ...references])),
  ]);
  const own = await queries.ownAddresses(ctx.tx, [
    ...new Set(asked.flatMap(({ mail }) => mail.from?.address.toLowerCase() ?? [])),
  ]);
  const unthreaded = asked.flatMap(({ mail, address, references }) =>
    address && !isForged(mail.headers) && !references.some(each => known.has(each))
      ? [{ mail, address, receivedAt: mail.receivedAt }]
      : [],
  );
  const people = await queries.byAddress(ctx.tx, { workspaceId: ctx.workspace.id, senderId, mails: unthreaded });
  const byMail = new Map(unthreaded.map(({ mail }, at) => [mail, people[at]]));
  return asked.map(({ mail, mailId, references }) => {
    const isOwn = (mailId !== null && known.has(mailId)) || (!mail.bounce && own.has(mail.from?.address.toLowerCase() ?? ''));
    const thread = references.map(each => known.get(each)).find(each => each !== undefined);
    return { mail, mailId, isOwn, isByAddressOnly: !thread, ...(isOwn ? nothing : (thread ?? byMail.get(mail) ?? nothing)) };
  });
}

/** A mail as it is stored, and what was understood of it; no verdict on what answers nothing of ours. */
interface Taken {
  row: Parameters<typeof queries.insert>[1][number];
  verdict: Verdict | null;
  matched: Matched;
}

/** What headers and phrases tell of a mail. */
function understand(ctx: Context, senderId: number, uidValidity: string, matched: Matched, withModel: boolean): Taken {
  const { mail, mailId, isOwn, sent, messageId, enrollmentId, leadId } = matched;
  const isMatched = leadId !== null || enrollmentId !== null;
  const body = isMatched ? wordsOf(mail, sent) : '';
  const on = dateIn(mail.receivedAt, ctx.workspace.zone);
  const verdict: Verdict | null = isMatched ? judge(mail, body, on, { isThreaded: !matched.isByAddressOnly }) : null;
  const kind: Kind = isOwn ? 'own' : (verdict?.kind ?? 'unmatched');
  const isUnsettled = verdict?.kind === 'human' && verdict.category === null;
  const row = {
    workspace_id: ctx.workspace.id,
    sender_id: senderId,
    uid_validity: uidValidity,
    uid: mail.uid,
    mail_id: mailId,
    content_hash: isMatched && mailId === null ? contentHash(mail) : null,
    from_address: isMatched ? (emailKey(mail.from?.address ?? '') ?? null) : null,
    from_name: isMatched ? storable(mail.from?.name ?? '').slice(0, 200) || null : null,
    subject: isMatched ? storable(mail.subject).replaceAll('\n', ' ').slice(0, 500) : '',
    body,
    received_at: mail.receivedAt,
    read_at: ctx.now,
    kind,
    // What brings back a person's answer says nothing of the step's message.
    message_id: kind === 'bounce' && matched.answerId !== null ? null : messageId,
    ...{ enrollment_id: enrollmentId, lead_id: leadId },
    category: isUnsettled && !withModel ? 'other' : (verdict?.category ?? null),
    category_by: isUnsettled && !withModel ? 'phrases' : (verdict?.by ?? null),
    until_on: verdict?.until?.toString() ?? null,
    outcome: verdict ? null : 'none',
  };
  return { row, verdict, matched };
}

const toKnown = ({ row, verdict, matched }: Taken): Known => ({
  category: row.category as ReplyCategory | null,
  isAutomatic: row.kind !== 'human',
  isSoft: verdict!.isSoft,
  until: verdict!.until,
  receivedAt: row.received_at,
  readAt: row.read_at,
  messageId: row.message_id,
  enrollmentId: row.enrollment_id,
  leadId: row.lead_id,
  recipient: matched.recipient,
  isByAddressOnly: matched.isByAddressOnly,
  isOfAnswer: broughtBack(row, matched).length > 0 && (verdict!.isSoft || !matched.isToLead),
});

/** The answer of a person that a notice brings back, and what the mail server said. */
const broughtBack = (row: Taken['row'], { answerId, mail }: Matched): { answerId: number; detail: string | null }[] =>
  row.kind === 'bounce' && answerId !== null
    ? [{ answerId, detail: mail.bounce?.diagnostic ?? mail.bounce?.status ?? null }]
    : [];

/** What a model is to read; undefined where somebody has said already what the reply means. */
export async function textOf(ctx: Context, replyId: number): Promise<ReplyText | undefined> {
  const reply = await ctx.tx.selectFrom('reply').selectAll().where('id', '=', replyId).executeTakeFirst();
  if (reply?.category !== null || reply.kind !== 'human') return undefined;
  return { subject: reply.subject, body: reply.body, receivedOn: dateIn(reply.received_at, ctx.workspace.zone) };
}

/**
 * Does what a model found a reply to mean; null: it found nothing, and the reply is `other`. @returns whether it was still open: its owner
 * is to be told then
 */
export async function settle(ctx: Context, replyId: number, classified: Classified | null): Promise<boolean> {
  await lockSequences(ctx, [await queries.aboutReply(ctx.tx, replyId)]);
  const reply = await queries.lockReply(ctx.tx, replyId);
  if (reply?.category !== null || reply.kind !== 'human') return false;
  // What a person wrote is no bounce, whatever it says; and what a model concludes from it marks no address.
  const category = classified && classified.category !== 'bounced' ? classified.category : 'other';
  const isAbsent = category === 'out_of_office';
  const known: Known = {
    category,
    isAutomatic: isAbsent,
    isSoft: false,
    until: classified?.until ?? null,
    receivedAt: reply.received_at,
    readAt: reply.read_at,
    messageId: reply.message_id,
    enrollmentId: reply.enrollment_id,
    leadId: reply.lead_id,
    recipient: null,
    ...{ isByAddressOnly: true, isOfAnswer: false },
  };
  const [outcome] = await act(ctx, [known]);
  await ctx.tx
    .updateTable('reply')
    .set({
      category,
      category_by: classified ? 'model' : 'phrases',
      until_on: known.until?.toString() ?? null,
      outcome: outcome!,
      ...(isAbsent ? { kind: 'automatic' } : {}),
    })
    .where('id', '=', replyId)
    .execute();
  return true;
}

/** A mailbox could not be read: it is tried again, and its sender stops where a human must see to it, or when it goes on for long. */
export async function unreadable(ctx: Context, senderId: number, { unreadable: code, detail }: Unreadable): Promise<void> {
  const box = await queries.mailbox(ctx.tx, senderId, { lock: true });
  if (!box) return;
  const failures = box.failures + 1;
  await ctx.tx
    .updateTable('mailbox')
    .set({ failures, next_read_at: ctx.now.add({ minutes: Math.min(60, 2 ** Math.min(failures, 6)) }) })
    .where('sender_id', '=', senderId)
    .execute();
  const isLasting = code !== 'unreachable' || failures >= patience;
  if (isLasting && (box.status === 'healthy' || box.status === 'resting'))
    await senders.stop(ctx, senderId, {
      ...{ status: 'failing', code: code === 'unreachable' ? unreachable : code, detail: redact(detail) },
    });
}

/** Replies as people look at them, in the order of their ids. */
export const views = (ctx: Context, ids: readonly number[]): Promise<queries.View[]> => queries.views(ctx.tx, ids);

/** Replies of the workspace, newest first. */
export const list = (ctx: Context, filter: Omit<queries.Filter, 'workspaceId'>, limit: number) =>
  queries.list(ctx.tx, { ...filter, workspaceId: ctx.workspace.id }, limit);
