import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import fc from 'fast-check';
import { sql } from 'kysely';
import { type IncomingMail, replyCategories } from '../../../src/domain/ports.ts';
import { createOptOut } from '../../../src/mail/opt-out.ts';
import type { Story } from '../story.ts';
import { command, nth, sender } from './command.ts';

/** What mail servers and leads answer (D, S10, X3). */

/** A message that reached somebody, and the run that it belongs to. */
interface Reached {
  enrollmentId: number;
  senderId: number;
  mailId: string;
  recipient: string;
  token: string;
  company: string;
  zone: string;
  isOpen: boolean;
}

/** Of runs that are under way, or of any. */
const reached = (isLate: boolean) => sql<Reached>`
  select m.enrollment_id as "enrollmentId", m.sender_id as "senderId", m.mail_id as "mailId", m.recipient, m.opt_out_token as token,
    l.company_domain as company, s.zone, e.state in ('active', 'paused', 'waiting_on_task') as "isOpen"
  from message m join enrollment e on e.id = m.enrollment_id join lead l on l.id = m.lead_id join sequence s on s.id = m.sequence_id
  where m.kind = 'email' and m.state in ('sent', 'unknown') and (${isLate} or e.state in ('active', 'paused', 'waiting_on_task')) order by m.id`;

/** Which message, and how it is answered: late, in its thread or only from its address, and whether the server tells of it (IDLE). */
const answering = {
  nth,
  isLate: fc.constantFrom(false, false, false, true),
  isThreaded: fc.constantFrom(true, true, false),
  isNews: fc.boolean(),
};
type Answering = { nth: number; isLate: boolean; isThreaded: boolean; isNews: boolean };

/** A mail comes in for the sender of a message. @returns the message, where there is one and the mail has been read */
const arrives = async (
  { machine }: Story,
  to: Reached | undefined,
  { isThreaded, isNews }: Pick<Answering, 'isThreaded' | 'isNews'>,
  mail: Partial<IncomingMail>,
): Promise<Reached | undefined> => {
  if (!to) return undefined;
  const thread = isThreaded ? { inReplyTo: to.mailId, references: [to.mailId] } : {};
  const from = { name: null, address: to.recipient };
  machine.inbox(to.senderId).put({ from, ...thread, ...mail }, machine.clock.now());
  if (!isNews) return undefined;
  await machine.readMail(to.senderId);
  return machine.inbox(to.senderId).fault ? undefined : to;
};

/** The opt-out that a mail provider's button posts (RFC 8058). */
async function pressLink(story: Story, { token, mailId }: Reached): Promise<void> {
  const request = Object.assign(new IncomingMessage(new Socket()), { method: 'POST', url: `/o/${token}` });
  request.push('List-Unsubscribe=One-Click');
  request.push(null);
  const response = new ServerResponse(request);
  await createOptOut(story.machine.services).handle(request, response);
  if (response.statusCode !== 200) story.say(`D6: the opt-out of ${mailId} was answered with ${response.statusCode}`);
}

/** What people write. The last is for a model to read, which takes it for what its subject ends with. */
const texts = ['Sounds good, I am interested.', 'Not interested, thanks.', 'STOP', 'She no longer works here.', 'Blue, I think.'];

export const mail = {
  answers: command({
    weight: 1,
    args: fc.record({
      answers: fc.array(
        fc.constantFrom(
          ...(['accepted', 'deferred', 'bad_address', 'unknown', 'broke', 'unreachable'] as const),
          ...(['quota', 'blocked', 'auth_failed', 'bad_certificate'] as const),
        ),
        { minLength: 1, maxLength: 4 },
      ),
    }),
    run: async ({ machine }, { answers }) => machine.answers.push(...answers),
  }),
  reply: command({
    weight: 6,
    args: fc.record({
      ...answering,
      text: fc.constantFrom(...texts, texts.at(-1)!),
      means: fc.constantFrom('nothing', 'other', ...replyCategories),
      readingHours: fc.constantFrom(0, 0, 2, 30),
    }),
    run: async (story, { text, means, readingHours, ...how }) => {
      const to = await story.pick(reached(how.isLate), how.nth);
      const isUnclear = text === texts.at(-1);
      if (isUnclear) story.machine.readingHours = readingHours;
      const read = await arrives(story, to, how, { text, ...(isUnclear ? { subject: `Re: Hello, ${means}` } : {}) });
      const [run] = read?.isOpen
        ? await story.rows(sql<{ state: string }>`select state from enrollment where id = ${read.enrollmentId}`)
        : [];
      if (run?.state !== 'replied') return;
      const going = await story.rows(sql<{ id: number }>`
        select e.id from enrollment e join lead l on l.id = e.lead_id join sequence s on s.id = e.sequence_id
        where l.company_domain = ${read!.company} and (e.state in ('queued', 'active', 'waiting_on_task')
          or e.state = 'paused' and e.paused_until < (${story.machine.clock.now()}::timestamptz at time zone s.zone)::date + 14)`);
      for (const { id } of going) story.say(`S10: enrollment ${id} goes on though a colleague has just replied`);
    },
  }),
  absence: command({
    weight: 3,
    args: fc.record({ ...answering, days: fc.constantFrom(0, 1, 5, 20, null) }),
    run: async (story, { days, ...how }) => {
      const to = await story.pick(reached(how.isLate), how.nth);
      if (!to) return;
      const until = days === null ? null : story.today(to.zone).add({ days });
      const text = `I am out of the office${until ? ` until ${until}` : ''}.`;
      const read = await arrives(story, to, how, { text, headers: { 'auto-submitted': 'auto-replied' } });
      if (!read?.isOpen) return;
      const back = (until ?? story.today(to.zone).add({ days: 6 })).add({ days: 1 }).toString();
      const [run] = await story.rows(
        sql<{ state: string; until: string | null; reason: string }>`select state, paused_until as until, reason
          from enrollment where id = ${to.enrollmentId}`,
      );
      if (run!.state === 'paused' && (run!.until === null || run!.until < back))
        story.say(`D4: enrollment ${to.enrollmentId} goes on at ${run!.until}, and is absent until the day before ${back}`);
      if (run!.state === 'active' || run!.state === 'waiting_on_task')
        story.say(`D4: enrollment ${to.enrollmentId} is ${run!.state}, and its lead is absent`);
    },
  }),
  bounce: command({
    weight: 2,
    args: fc.record({ ...answering, status: fc.constantFrom('5.1.1', '5.1.1', '4.2.2') }),
    run: async (story, { status, ...how }) => {
      const to = await story.pick(reached(how.isLate), how.nth);
      if (!to) return;
      const bounce = {
        mailId: how.isThreaded ? to.mailId : null,
        recipient: to.recipient,
        action: 'failed',
        status,
        diagnostic: null,
      };
      await arrives(
        story,
        to,
        { ...how, isThreaded: false },
        { from: { name: null, address: 'mailer-daemon@drover.example' }, bounce },
      );
    },
  }),
  optOutByLink: command({
    weight: 2,
    args: fc.record({ nth, isLate: fc.boolean() }),
    run: async (story, { nth: which, isLate }) => {
      const to = await story.pick(reached(isLate), which);
      if (to) await pressLink(story, to);
    },
  }),
  /** Somebody opts out whom a person excludes, and takes that back. */
  optOutBetween: command({
    weight: 1,
    args: fc.record({ nth }),
    run: async (story, { nth: which }) => {
      const to = await story.pick(reached(true), which);
      if (!to) return;
      const excluded = await story.machine.call('exclude', { address: to.recipient });
      await pressLink(story, to);
      if (excluded.outcome === 'done' && (await story.lastChange()) === 'exclude') await story.machine.call('undo', {});
      const [left] = await story.rows(sql`select from exclusion where value = ${to.recipient} and opt_out and lifted_at is null`);
      if (!left) story.say(`X3: ${to.recipient} has opted out, and is not excluded`);
    },
  }),
  /** A mailbox that cannot be read, or can again. */
  reading: command({
    weight: 2,
    args: fc.record({ sender, fault: fc.constantFrom('auth_failed', 'bad_certificate', 'unreachable', null, null, null) }),
    run: async (story, { sender: name, fault }) => {
      const inbox = story.machine.inbox(await story.senderId(name));
      inbox.fault = fault === null ? undefined : { unreadable: fault, detail: 'as told' };
    },
  }),
  /** A mailbox is made anew: all of its mail has other numbers, and comes again. */
  renumber: command({
    weight: 1,
    args: fc.record({ sender }),
    run: async (story, { sender: name }) => {
      const senderId = await story.senderId(name);
      const inbox = story.machine.inbox(senderId);
      inbox.uidValidity = `${Number(inbox.uidValidity) + 1}`;
      await story.machine.readMail(senderId);
    },
  }),
};
