import { createHash } from 'node:crypto';
import { dateIn, isOpen, windowOn } from '../../calendar.ts';
import { redact } from '../../log.ts';
import { gateRefusals, sends } from '../../metrics.ts';
import * as queues from '../../queues.ts';
import { traced } from '../../trace.ts';
import { type Context, drover, enter, type Services } from '../context.ts';
import type { HandOver, OutgoingMail } from '../ports.ts';
import { lockAll, settle } from '../sequences/queries.ts';
import { isRunning, limitOn, type SequenceRow, windowOf } from '../sequences/rules.ts';
import { render, valuesOf } from '../sequences/templates.ts';
import { firstsOn } from './companies.ts';
import { type Crash, goOn } from './crash-points.ts';
import { lockEnrollments, lockSenders, type SenderRow } from './queries.ts';
import * as queries from './sending-queries.ts';

/** A claimed or handing message belongs to its worker this long. */
const lease = { minutes: 2 };
const batch = 100;
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
    const claimed = await enter(services, workspaceId, drover, ctx => claimDue(ctx, at));
    if (claimed.messages.length === 0) break;
    await at('claimed');
    for (const message of claimed.messages) {
      const mail = await enter(services, workspaceId, drover, ctx => passGate(ctx, message, claimed.at, at));
      if (!mail || 'refused' in mail) {
        if (mail) gateRefusals.inc({ reason: mail.refused });
        sent.refused++;
        continue;
      }
      await at('handing');
      const answer = await handOver(services, mail);
      await at('handed_over');
      await enter(services, workspaceId, drover, ctx => recordOutcome(ctx, message, mail.handingAt, answer, at));
      await at('recorded');
      sends.inc({ outcome: answer.outcome });
      sent.handedOver++;
    }
  }
  return sent;
}

/** D1: leases of workers that died; claimed ones are planned again, handing ones become unknown and are never tried again by themselves. */
export const recoverLeases = (ctx: Context): Promise<number> => queries.expireLeases(ctx.tx, ctx.now);

const planAgain = async (ctx: Context, sequenceIds: Iterable<number>): Promise<void> => {
  for (const sequenceId of new Set(sequenceIds)) await ctx.enqueue(queues.planDay, { workspaceId: ctx.workspace.id, sequenceId });
};

const todayOf = (sequence: SequenceRow, now: Temporal.Instant): queries.SendingDay => ({
  sequenceId: sequence.id,
  on: dateIn(now, sequence.zone),
  isSending: isRunning(sequence.status),
  isOpen: isOpen(now, windowOf(sequence)),
});

/** Claims what is due. Sequences and senders are locked first, so that the caps counted here hold with any number of workers (D2). */
export async function claimDue(ctx: Context, at: Crash = goOn): Promise<{ at: Temporal.Instant; messages: queries.Claimed[] }> {
  const { tx, now } = ctx;
  const none = { at: now, messages: [] };
  const ids = await queries.dueSequences(tx, now);
  if (ids.length === 0) return none;
  const sequences = await lockAll(tx, ids);
  const senders = await lockSenders(tx);
  await at('claim_locked');
  const days = sequences.map(sequence => todayOf(sequence, now));
  const held = await queries.holdUnready(tx, days, now);

  const earliest = days.map(day => day.on).reduce((a, b) => (Temporal.PlainDate.compare(a, b) <= 0 ? a : b));
  const sentBy = Map.groupBy(await queries.sentBy(tx, earliest.subtract({ days: 1 })), row => row.senderId);
  const free = senders.filter(sender => gapHasPassed(sender, sentBy.get(sender.id) ?? [], now));
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
    senders: new Map(senders.map(sender => [sender.id, sender])),
    sentBy,
  };
  const { admitted, over } = admit(due, caps);
  for (const [id, reason] of over) await queries.hold(tx, id, reason, false);
  await planAgain(ctx, [...held, ...due.filter(message => over.has(message.id)).map(message => message.sequenceId)]);
  if (admitted.length === 0) return none;
  await at('claim_counted');
  const messages = await queries.claim(tx, admitted, now, now.add(lease));
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

/**
 * D3, closed by default: everything is looked at again, just before the hand-over, in the transaction that commits `handing`.
 * Answers why the message was refused; nothing when it is no longer ours.
 */
async function passGate(
  ctx: Context,
  message: queries.Claimed,
  claimedAt: Temporal.Instant,
  at: Crash,
): Promise<Handing | { refused: string } | undefined> {
  const { tx, now } = ctx;
  const [sequence] = await lockAll(tx, [message.sequenceId]);
  const sender = (await lockSenders(tx)).find(({ id }) => id === message.senderId);
  await at('gate_locked');
  const day = todayOf(sequence!, now);
  const facts = await queries.atTheGate(tx, message.id, claimedAt, day.on);
  await at('gate_read');
  if (!facts || !sender) return undefined;

  const leads = await queries.touched(tx, [day]);
  const sent = (await queries.sentBy(tx, day.on)).find(row => row.senderId === sender.id && row.on === facts.plannedOn);
  await at('gate_counted');
  const later = refusedForNow(facts, day, sender, leads.length > sequence!.daily_cap, sent?.n ?? 0);
  if (later) return refuseAt(ctx, message, later, false);
  const lasting = refusedForGood(facts);
  if (facts.exclusion) await queries.endExcluded(tx, message.id, facts.exclusion, now);
  if (lasting) return refuseAt(ctx, message, lasting, true);
  const letter = write(ctx, facts, sequence!, sender);
  if ('missing' in letter) return refuseAt(ctx, message, 'missing_variable', true, letter.missing);

  await queries.startHanding(tx, message.id, letter, now, now.add(lease));
  await at('handing_written');
  return {
    workspaceId: ctx.workspace.id,
    messageId: message.id,
    mailId: letter.mailId,
    from: { name: sender.name, address: sender.address },
    to: { name: facts.full_name, address: facts.email! },
    subject: letter.subject,
    text: letter.body,
    headers: {},
    transport: sender.transport,
    handingAt: now,
  };
}

/** Refusals that time puts right: the row waits `held`, its lead stays in the queue, and planning gives it another time. */
function refusedForNow(
  facts: queries.AtTheGate,
  day: queries.SendingDay,
  sender: SenderRow,
  isOverCap: boolean,
  sentBySender: number,
): string | null {
  if (!day.isSending) return 'sequence_not_sending';
  if (!day.isOpen || facts.plannedOn !== day.on.toString()) return 'window_closed';
  if (sender.status !== 'healthy') return 'sender_not_healthy';
  // Both counts hold this message already: it is claimed.
  if (isOverCap) return 'cap_reached';
  if (sentBySender > limitOn(sender, day.on)) return 'sender_limit';
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

async function refuseAt(
  ctx: Context,
  message: queries.Claimed,
  reason: string,
  keepsLead: boolean,
  detail?: string,
): Promise<{ refused: string }> {
  await queries.hold(ctx.tx, message.id, reason, keepsLead, detail);
  await settle(ctx.tx, message.sequenceId, ctx.now);
  await planAgain(ctx, [message.sequenceId]);
  return { refused: reason };
}

/** The message as it leaves, or the variable that is empty (S8). Opt-out line and postal address close the body (D6). */
function write(
  ctx: Context,
  facts: queries.AtTheGate,
  sequence: SequenceRow,
  sender: SenderRow,
): queries.Letter | { missing: string } {
  const values = valuesOf(facts, sender.name);
  const subject = render(facts.threadSubject ?? '', values);
  const body = render(facts.body!, values);
  if ('missing' in subject) return subject;
  if ('missing' in body) return body;
  const line = subject.text.replace(/\s+/g, ' ').trim();
  const domain = sender.address.split('@').at(-1)!;
  const unique = createHash('sha256')
    .update(`${sequence.workspace_id}:${facts.id}:${sequence.created_at}`)
    .digest('hex')
    .slice(0, 20);
  return {
    mailId: facts.mailId ?? `<${facts.id}.${unique}@${domain}>`,
    subject: facts.subject === null ? `Re: ${line}` : line,
    body: `${body.text.trim()}\n\n${sequence.opt_out_line}\n${ctx.workspace.postal_address ?? ''}\n`,
  };
}

/** Outside any transaction. A transport that breaks may have sent: that is `unknown`, never a retry (D2). */
async function handOver(services: Services, { transport, handingAt: _, ...mail }: Handing): Promise<HandOver> {
  const adapter = services.transports[transport];
  if (!adapter) return { outcome: 'auth_failed', detail: `there is no mail transport called ${transport}` };
  try {
    const ids = { workspace: mail.workspaceId, message: mail.messageId, transport };
    const answer = await traced('hand-over', ids, () => adapter.handOver(mail));
    // Mail servers quote what they were told, credentials too, and their words are stored and shown (A5).
    return answer.outcome === 'accepted' ? answer : { ...answer, detail: redact(answer.detail) };
  } catch (error) {
    services.log.warn({ err: error, message: mail.messageId }, 'a hand-over broke off, so whether it left is unknown');
    return { outcome: 'unknown', detail: 'the hand-over broke off' };
  }
}

/** First 15 minutes, then twice as long each time, up to 4 hours. */
const backoffMinutes = (attempts: number): number => Math.min(240, 15 * 2 ** Math.max(0, attempts - 1));

/** Records the mail server's answer and what follows from it, in one transaction (D1, D5, E3). */
async function recordOutcome(
  ctx: Context,
  message: queries.Claimed,
  handingAt: Temporal.Instant,
  answer: HandOver,
  at: Crash,
): Promise<void> {
  const { tx, now } = ctx;
  const [sequence] = await lockAll(tx, [message.sequenceId]);
  const sender = (await lockSenders(tx)).find(({ id }) => id === message.senderId)!;
  await lockEnrollments(tx, [message.enrollmentId]);
  await at('outcome_locked');
  const on = dateIn(now, sequence!.zone);
  const detail = answer.outcome === 'accepted' ? {} : { detail: answer.detail };
  const end = async (state: 'sent' | 'failed' | 'unknown' | 'held', reason: string | null) => {
    const isOurs = await queries.endHanding(tx, message.id, handingAt, { state, reason, ...detail }, now);
    await at('outcome_written');
    return isOurs;
  };

  switch (answer.outcome) {
    case 'accepted': {
      if (!(await end('sent', null))) return;
      await queries.becomeActive(tx, message.id);
      const { dueOn } = await queries.advance(tx, message.id, on, now);
      if (!sender.started_on) await queries.setSender(tx, sender.id, { started_on: on.toString() });
      if (dueOn !== null && dueOn <= on.toString()) await planAgain(ctx, [message.sequenceId]);
      break;
    }
    case 'unknown':
      if (!(await end('unknown', 'no_answer'))) return;
      await queries.becomeActive(tx, message.id);
      break;
    case 'bad_address':
      if (!(await end('failed', 'bad_address'))) return;
      await queries.bounce(tx, message.id, now);
      await planAgain(ctx, [message.sequenceId]);
      break;
    case 'deferred':
      return later(ctx, message, handingAt, sequence!, answer.detail);
    default: {
      if (!(await end('held', answer.outcome))) return;
      await queries.notContacted(tx, message.id);
      if (answer.outcome === 'quota')
        await queries.setSender(tx, sender.id, { status: 'resting', rests_until: on.toString(), status_reason: answer.detail });
      else
        await queries.setSender(tx, sender.id, {
          status: answer.outcome === 'blocked' ? 'paused' : 'failing',
          status_reason: answer.detail,
        });
      await planAgain(ctx, [message.sequenceId]);
    }
  }
  await settle(tx, message.sequenceId, now);
  await at('outcome_followed');
}

/** A deferred message is tried again later today, while the window is open; otherwise planning finds it another day (D5). */
async function later(
  ctx: Context,
  message: queries.Claimed,
  handingAt: Temporal.Instant,
  sequence: SequenceRow,
  detail: string,
): Promise<void> {
  const { tx, now } = ctx;
  const { attempts } = await tx.selectFrom('message').select('attempts').where('id', '=', message.id).executeTakeFirstOrThrow();
  const again = now.add({ minutes: backoffMinutes(attempts) });
  const window = windowOn(dateIn(now, sequence.zone), windowOf(sequence));
  const fits = window !== null && Temporal.Instant.compare(again, window.until) < 0;
  const to = fits ? { state: 'planned' as const, plannedAt: again } : { state: 'held' as const };
  if (await queries.endHanding(tx, message.id, handingAt, { reason: 'deferred', detail, ...to }, now))
    await queries.notContacted(tx, message.id);
}
