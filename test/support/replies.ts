import * as messages from '../../src/domain/messages/index.ts';
import type { IncomingMail, MailReader, Unreadable } from '../../src/domain/ports.ts';
import type { Note } from './notes.ts';
import {
  type EnrollOptions,
  enrol,
  ledger,
  mailServer,
  mailThrough,
  makeSender,
  makeSequence,
  type Wanted,
} from './sequences.ts';
import type { Office, World } from './world.ts';

/** Another company's IMAP server: a mailbox that tests put mail into. */
export class Inbox implements MailReader {
  uidValidity = '1';
  readonly mails: IncomingMail[] = [];
  /** Set: it cannot be read. */
  fault: Unreadable | undefined;
  reads = 0;

  put(mail: Partial<IncomingMail> & { from?: IncomingMail['from'] }, receivedAt: Temporal.Instant): IncomingMail {
    const uid = this.mails.length + 1;
    const whole: IncomingMail = {
      uid,
      mailId: `<in-${uid}@lead.example>`,
      from: null,
      to: [],
      subject: 'Re: Hello Pat',
      text: '',
      inReplyTo: null,
      references: [],
      receivedAt,
      headers: {},
      bounce: null,
      ...mail,
    };
    this.mails.push(whole);
    return whole;
  }

  read: MailReader['read'] = async (_mailbox, { uidValidity, lastUid, readAt }, limit) => {
    this.reads++;
    if (this.fault) return this.fault;
    const isAnew = uidValidity !== null && uidValidity !== this.uidValidity;
    const earliest = (isAnew && readAt?.subtract({ hours: 24 })) || Temporal.Instant.fromEpochMilliseconds(0);
    const waiting = this.mails.filter(({ uid, receivedAt }) =>
      isAnew ? Temporal.Instant.compare(receivedAt, earliest) >= 0 : uid > lastUid,
    );
    const mails = waiting.slice(0, limit);
    return { uidValidity: this.uidValidity, mails, lastUid: mails.at(-1)?.uid ?? lastUid, hasMore: waiting.length > limit };
  };

  findSent: MailReader['findSent'] = async () => null;
}

/** Everything that owners were told. */
export function listen(world: World): Note[] {
  const notes: Note[] = [];
  world.ports.notify = async (_ctx, note) => void notes.push(note);
  return notes;
}

/** People whom a sequence has written to once, and the mailbox that their answers come to. */
export async function correspondence(
  world: World,
  { people = 1, wanted = {}, options = {} }: { people?: number; wanted?: Wanted; options?: EnrollOptions } = {},
) {
  const office = await world.office();
  const server = mailServer();
  const inbox = new Inbox();
  mailThrough(world, server.transport);
  Object.assign(world.services, { readers: { local: inbox } });
  const notes = listen(world);
  const senderId = await makeSender(world, office, { address: 'ada@drover.example', minGapMinutes: 0 });
  const sequenceId = await makeSequence(world, office, { senderIds: [senderId], ...wanted });
  const runs = await enrol(world, office, sequenceId, people, options);
  await world.in(office, async ctx => {
    await ctx.tx
      .insertInto('mailbox')
      .values({ sender_id: senderId, workspace_id: office.id, next_read_at: ctx.now })
      .onConflict(conflict => conflict.doNothing())
      .execute();
  });
  await sendNext(world, office, sequenceId);
  const sent = server.handed.map(mail => ({ to: mail.to.address, mailId: mail.mailId, subject: mail.subject, text: mail.text }));
  const read = async () => {
    await world.handlers['read-mail']!({ workspaceId: office.id, senderId } as never, AbortSignal.any([]));
    await world.drain();
  };
  return { office, server, inbox, notes, senderId, sequenceId, runs, sent, read };
}

/** Plans today and sends all of it, each message at its own time. */
export async function sendNext(world: World, office: Office, sequenceId: number): Promise<void> {
  await world.in(office, ctx => messages.planDay(ctx, sequenceId));
  for (;;) {
    const next = (await ledger(world, office, sequenceId)).find(row => row.state === 'planned');
    if (!next) return;
    if (Temporal.Instant.compare(next.planned_at, world.now) > 0) await world.clock.set(next.planned_at);
    await freshMail(world, office);
    await messages.sendDue(world.services, office.id);
  }
}

/** Mailboxes that were read a moment ago hold nobody back (D4). */
export const freshMail = (world: World, office: Office) =>
  world.in(office, ctx => ctx.tx.updateTable('mailbox').set({ read_at: ctx.now }).execute());

export const repliesOf = (world: World, office: Office) =>
  world.in(office, ctx => ctx.tx.selectFrom('reply').selectAll().orderBy('id').execute());

/** A message as it comes back from whom it went to. */
export const from = (to: string, name: string | null = null): Pick<IncomingMail, 'from'> => ({ from: { name, address: to } });
