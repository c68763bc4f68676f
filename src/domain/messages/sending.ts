import { dateIn, isOpen } from '../../calendar.ts';
import { whileLost } from '../../db/lost.ts';
import { redact } from '../../log.ts';
import { gateRefusals, sends } from '../../metrics.ts';
import { sendDue as sendDueJob } from '../../queues.ts';
import { traced } from '../../trace.ts';
import { type Context, drover, enter, type Services } from '../context.ts';
import type { HandOver, OutgoingMail } from '../ports.ts';
import { lockAll, settle } from '../sequences/queries.ts';
import { isRunning, limitOn, type SequenceRow, windowOf, withheldFor } from '../sequences/rules.ts';
import { type Unwritable, valuesOf } from '../sequences/templates.ts';
import { firstsOn } from './companies.ts';
import { type Crash, goOn } from './crash-points.ts';
import { type Letter, oneLine, write } from './letter.ts';
import { planAgain, recordOutcome } from './outcomes.ts';
import { lockSenders, type SenderRow } from './queries.ts';
import * as queries from './sending-queries.ts';

/** A claimed message belongs to its worker this long; a worker that lives renews it, so that one that died holds nothing up for long. */
const claimLease = { seconds: 15 };
const renewedEveryMs = 5_000;
/** A message that is being handed over belongs to its worker this long: longer than any mail server is waited for. */
const handingLease = { minutes: 2 };
/** For so long a database that is away is asked again, so that what a mail server answered is not forgotten. */
const patienceMs = handingLease.minutes * 60_000;
const batch = 100;
/** Hand-overs of one job at a time: a mail server takes its time to answer, and nobody else's message has to wait for it. */
const lanes = 16;
/** Replies are read before messages leave: a mailbox that was read longer ago than this keeps its sender back (D4). */
const readFor = { minutes: 5 };
/** Calls of one job; what is left is due at the next tick. */
const rounds = 50;

/** What a call of `sendDue` did. */
export interface Sent {
  handedOver: number;
  refused: number;
}

/**
 * Hands over what is due in a workspace: claim with the caps counted, gate, commit `handing`, call the mail server, record its answer
 * (D1–D3). A refusal stores its reason: what a later plan can put right waits `held` for it; what a human must put right keeps the
 * lead out of the queue. Any number may run at once.
 */
export async function sendDue(services: Services, workspaceId: number): Promise<Sent> {
  const sent: Sent = { handedOver: 0, refused: 0 };
  const at = services.crash ?? goOn;
  await enter(services, workspaceId, drover, recoverLeases);
  for (let round = 0; round < rounds; round++) {
    const claimed = await enter(services, workspaceId, drover, ctx => claimDue(ctx, at, services.readers));
    if (claimed.messages.length === 0) break;
    await at('claimed');
    const renewing = setInterval(() => void renew(services, workspaceId, claimed).catch(() => {}), renewedEveryMs);
    await sideBySide(claimed.messages, lanes, async message => {
      const passed = await sendOne(services, workspaceId, message, claimed.at, at);
      if (passed) sent.handedOver++;
      else sent.refused++;
    }).finally(() => clearInterval(renewing));
  }
  await enter(services, workspaceId, drover, lookAgain);
  return sent;
}

const renew = (services: Services, workspaceId: number, { messages, at }: Claims): Promise<unknown> =>
  enter(services, workspaceId, drover, ({ tx, now }) =>
    queries.renew(
      tx,
      messages.map(message => message.id),
      at,
      now.add(claimLease),
    ),
  );

/** What another has claimed and not handed over when its claim runs out is sent then, and not a tick later: its worker may have died. */
async function lookAgain(ctx: Context): Promise<void> {
  const at = await queries.nextFree(ctx.tx);
  if (at) await ctx.enqueue(sendDueJob, { workspaceId: ctx.workspace.id }, { at });
}

/** Senders of whom something is due and whose replies have to be read before it leaves (D4). */
export const toBeRead = (ctx: Context, { readers = {} }: Pick<Services, 'readers'>): Promise<number[]> =>
  queries.toBeRead(ctx.tx, Object.keys(readers), ctx.now);

/** Works on items, `width` at a time. The first failure stops what has not begun, and is thrown when what has begun is through. */
async function sideBySide<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const lane = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift())
      try {
        await work(item);
      } catch (error) {
        left.length = 0;
        throw error;
      }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(width, items.length) }, lane));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** One claimed message: gate, `handing`, hand-over, outcome. @returns whether it passed the gate */
async function sendOne(
  services: Services,
  workspaceId: number,
  message: queries.Claimed,
  claimedAt: Temporal.Instant,
  at: Crash,
): Promise<boolean> {
  const inTime = <R>(work: (ctx: Context) => Promise<R>) =>
    whileLost(patienceMs, () => enter(services, workspaceId, drover, work));
  const mail = await inTime(ctx => passGate(ctx, message, claimedAt, at));
  if (!mail || 'refused' in mail) {
    if (mail) gateRefusals.inc({ reason: mail.refused });
    if (mail?.mayHaveEnded) await settleApart(services, workspaceId, message.sequenceId);
    return false;
  }
  await at('handing');
  const answer = await handOver(services, mail);
  await at('handed_over');
  const mayHaveEnded = await inTime(ctx => recordOutcome(ctx, message, mail.handingAt, answer, at));
  if (mayHaveEnded) await settleApart(services, workspaceId, message.sequenceId);
  await at('recorded');
  sends.inc({ outcome: answer.outcome });
  return true;
}

/**
 * S1: a finishing sequence whose last run may just have ended. In a transaction of its own, since it changes what those at the gate hold
 * shared; a process that dies before it leaves it to the day's start.
 */
const settleApart = (services: Services, workspaceId: number, sequenceId: number): Promise<void> =>
  enter(services, workspaceId, drover, async ({ tx, now }) => {
    await lockAll(tx, [sequenceId]);
    await settle(tx, sequenceId, now);
  });

/** D1: leases of workers that died; claimed ones are planned again, handing ones become unknown and are never tried again by themselves. */
export const recoverLeases = (ctx: Context): Promise<number> => queries.expireLeases(ctx.tx, ctx.now);

const todayOf = (sequence: SequenceRow, now: Temporal.Instant): queries.SendingDay => ({
  sequenceId: sequence.id,
  on: dateIn(now, sequence.zone),
  isSending: isRunning(sequence.status),
  isOpen: isOpen(now, windowOf(sequence)),
});

/** Messages that are ours to hand over, and the moment that makes them so. */
interface Claims {
  at: Temporal.Instant;
  messages: queries.Claimed[];
}

/** Claims what is due. Sequences and senders are locked first, so that the caps counted here hold with any number of workers (D2). */
export async function claimDue(ctx: Context, at: Crash = goOn, readers: Services['readers'] = {}): Promise<Claims> {
  const { tx, now } = ctx;
  const none = { at: now, messages: [] };
  const ids = await queries.dueSequences(tx, now);
  if (ids.length === 0) return none;
  const sequences = await lockAll(tx, ids);
  const mailboxes = await lockSenders(tx);
  await at('claim_locked');
  const days = sequences.map(sequence => todayOf(sequence, now));
  const held = await queries.holdUnready(tx, days, now);

  const earliest = days.map(day => day.on).reduce((a, b) => (Temporal.PlainDate.compare(a, b) <= 0 ? a : b));
  const sentBy = Map.groupBy(await queries.sentBy(tx, earliest.subtract({ days: 1 })), row => row.senderId);
  const unread = new Set(await queries.unreadSince(tx, Object.keys(readers), now.subtract(readFor)));
  const waiting = new Map<number, string>();
  for (const sender of mailboxes) {
    const reason = withheldFor(sender, ctx) ?? (unread.has(sender.id) ? 'replies_unread' : null);
    if (reason) waiting.set(sender.id, reason);
  }
  await queries.noteWaiting(tx, waiting, now);
  const free = mailboxes.filter(sender => !waiting.has(sender.id) && gapHasPassed(sender, sentBy.get(sender.id) ?? [], now));
  const due = await queries.candidates(
    tx,
    ids,
    free.map(sender => sender.id),
    now,
    batch,
  );
  const companies = await firstsByDay(ctx, due);
  const caps = {
    companies,
    perCompany: ctx.workspace.company_firsts_per_day,
    touched: Map.groupBy(await queries.touched(tx, days), row => row.sequenceId),
    cap: new Map(sequences.map(sequence => [sequence.id, sequence.daily_cap])),
    senders: new Map(mailboxes.map(sender => [sender.id, sender])),
    sentBy,
  };
  const { admitted, over } = admit(due, caps);
  for (const [id, reason] of over) await queries.hold(tx, id, reason, false);
  await planAgain(ctx, [...held, ...due.filter(message => over.has(message.id)).map(message => message.sequenceId)]);
  if (admitted.length === 0) return none;
  await at('claim_counted');
  const messages = await queries.claim(tx, admitted, now, now.add(claimLease));
  await at('claim_written');
  return { at: now, messages };
}

type SentBy = Map<number, { on: string; n: number; last: Temporal.Instant }[]>;

const gapHasPassed = (sender: SenderRow, sent: { last: Temporal.Instant }[], now: Temporal.Instant): boolean =>
  sent.every(({ last }) => Temporal.Instant.compare(last.add({ minutes: sender.min_gap_minutes }), now) <= 0);

/** First contacts that were claimed or have left, by date and company, of those that are due (S10, D2). */
async function firstsByDay(ctx: Context, due: readonly queries.Candidate[]): Promise<Map<string, number>> {
  const counted = new Map<string, number>();
  for (const [on, messages] of Map.groupBy(
    due.filter(message => message.company !== null),
    message => message.on,
  )) {
    const companies = [...new Set(messages.map(message => message.company!))];
    for (const [company, n] of await firstsOn(ctx, on, companies, { onlyClaimed: true })) counted.set(`${on}:${company}`, n);
  }
  return counted;
}

interface Caps {
  /** By date and company; with `perCompany`, how many of one company are contacted for the first time on one day. */
  companies: Map<string, number>;
  perCompany: number;
  touched: Map<number, { leadId: number }[]>;
  cap: Map<number, number>;
  senders: Map<number, SenderRow>;
  sentBy: SentBy;
}

/** Which due messages caps and limits allow, one a sender while it keeps a gap; and why the others are held (S3, S5, D2). */
function admit(due: readonly queries.Candidate[], caps: Caps): { admitted: number[]; over: Map<number, string> } {
  const admitted: number[] = [];
  const over = new Map<number, string>();
  const leads = new Map([...caps.touched].map(([id, rows]) => [id, new Set(rows.map(row => row.leadId))]));
  const inGap = new Set<number>();
  const sent = new Map<string, number>();
  for (const [id, rows] of caps.sentBy) for (const { on, n } of rows) sent.set(`${id}:${on}`, n);
  for (const message of due) {
    const sender = caps.senders.get(message.senderId)!;
    const today = leads.get(message.sequenceId) ?? new Set();
    leads.set(message.sequenceId, today);
    const key = `${sender.id}:${message.on}`;
    const company = `${message.on}:${message.company}`;
    const firsts = caps.companies.get(company) ?? 0;
    if (!today.has(message.leadId) && today.size >= caps.cap.get(message.sequenceId)!) over.set(message.id, 'cap_reached');
    else if ((sent.get(key) ?? 0) >= limitOn(sender, Temporal.PlainDate.from(message.on))) over.set(message.id, 'sender_limit');
    else if (message.company !== null && firsts >= caps.perCompany) over.set(message.id, 'company_limit');
    else if (!inGap.has(sender.id)) {
      admitted.push(message.id);
      today.add(message.leadId);
      caps.companies.set(company, firsts + 1);
      sent.set(key, (sent.get(key) ?? 0) + 1);
      if (sender.min_gap_minutes > 0) inGap.add(sender.id);
    }
  }
  return { admitted, over };
}

/** A message that passed the gate, and the moment it was committed as `handing`. */
interface Handing extends OutgoingMail {
  transport: string;
  handingAt: Temporal.Instant;
}

interface Refused {
  refused: string;
  /** Its sequence is finishing, and this may have been its last run. */
  mayHaveEnded: boolean;
}

/**
 * D3, closed by default: everything is looked at again, just before the hand-over, in the transaction that commits `handing`.
 * Answers why the message was refused; nothing when it is no longer ours.
 */
async function passGate(
  ctx: Context,
  message: queries.Claimed,
  claimedAt: Temporal.Instant,
  at: Crash,
): Promise<Handing | Refused | undefined> {
  const { tx, now } = ctx;
  const { sequence, sender } = await queries.standing(tx, message);
  await at('gate_locked');
  const day = todayOf(sequence, now);
  const facts = await queries.atTheGate(tx, message.id, claimedAt, day.on);
  await at('gate_read');
  if (!facts) return undefined;

  const refuse = async (reason: string, keepsLead: boolean, detail?: string): Promise<Refused> => {
    await queries.hold(tx, message.id, reason, keepsLead, detail);
    await planAgain(ctx, [message.sequenceId]);
    return { refused: reason, mayHaveEnded: sequence.status === 'finishing' };
  };
  const later = refusedForNow(facts, day, sender, sequence.daily_cap) ?? withheldFor(sender, ctx);
  if (later) return refuse(later, false);
  const lasting = refusedForGood(facts);
  if (facts.exclusion) await queries.endExcluded(tx, message.id, facts.exclusion, now);
  if (lasting) return refuse(lasting, true);
  const letter = letterOf(ctx, facts, sequence, sender);
  if ('refused' in letter) return refuse(letter.refused, true, letter.detail);

  await queries.startHanding(tx, message.id, { ...letter, recipient: facts.email! }, now, now.add(handingLease));
  await at('handing_written');
  const { mailId, subject, text, html, inReplyTo, references, headers } = letter;
  return {
    workspaceId: ctx.workspace.id,
    messageId: message.id,
    senderId: sender.id,
    from: { name: oneLine(sender.name), address: sender.address },
    to: { name: oneLine(facts.full_name), address: facts.email! },
    ...{ mailId, subject, text, html, inReplyTo, references, headers },
    transport: sender.transport,
    handingAt: now,
  };
}

/** Refusals that time puts right: the row waits `held`, its lead stays in the queue, and planning gives it another time. */
function refusedForNow(facts: queries.AtTheGate, day: queries.SendingDay, sender: SenderRow, cap: number): string | null {
  if (!day.isSending) return 'sequence_not_sending';
  if (!day.isOpen || facts.plannedOn !== day.on.toString()) return 'window_closed';
  if (sender.status !== 'healthy') return 'sender_not_healthy';
  if (facts.isBeingRead) return 'reply_being_read';
  // Both counts hold this message already: it is claimed.
  if (facts.touched > cap) return 'cap_reached';
  if (facts.bySender > limitOn(sender, day.on)) return 'sender_limit';
  return null;
}

/** Refusals that last: the lead is out of the queue until somebody releases it, or its run has ended anyway. */
function refusedForGood(facts: queries.AtTheGate): string | null {
  if (facts.enrollmentState !== 'queued' && facts.enrollmentState !== 'active') return `enrollment_${facts.enrollmentState}`;
  if (facts.exclusion) return facts.exclusion;
  if (facts.replied) return 'replied';
  if (!facts.email) return 'no_email';
  if (facts.emailStatus === 'bounced' || facts.emailStatus === 'invalid') return 'bad_address';
  if (facts.body === null) return 'step_is_gone';
  return null;
}

const letterOf = (
  { workspace, publicUrl }: Context,
  facts: queries.AtTheGate,
  sequence: SequenceRow,
  sender: SenderRow,
): Letter | Unwritable =>
  write({
    subject: facts.subject,
    openingSubject: facts.openingSubject,
    body: facts.body!,
    values: valuesOf(facts, sender.name),
    thread: facts.threadMailIds ? { subject: facts.threadSubject!, mailIds: facts.threadMailIds } : null,
    sender,
    optOutLine: sequence.opt_out_line,
    postalAddress: workspace.postal_address,
    publicUrl,
    identity: `${workspace.id}:${facts.id}:${sequence.created_at}`,
    mailId: facts.mailId,
    optOutToken: facts.optOutToken,
  });

/** Outside any transaction. A transport that breaks may have sent: that is `unknown`, never a retry (D2). */
async function handOver(services: Services, { transport, handingAt: _, ...mail }: Handing): Promise<HandOver> {
  const adapter = services.transports[transport];
  if (!adapter) return { outcome: 'auth_failed', detail: `there is no mail transport called ${transport}` };
  try {
    const ids = { workspace: mail.workspaceId, message: mail.messageId!, transport };
    const answer = await traced('hand-over', ids, () => adapter.handOver(mail));
    // Mail servers quote what they were told, credentials too, and their words are stored and shown (A5).
    return answer.outcome === 'accepted' ? answer : { ...answer, detail: redact(answer.detail) };
  } catch (error) {
    services.log.warn({ err: error, message: mail.messageId }, 'a hand-over broke off, so whether it left is unknown');
    return { outcome: 'unknown', detail: 'the hand-over broke off' };
  }
}
