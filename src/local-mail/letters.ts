import { randomUUID } from 'node:crypto';
import { type EmailAddress, simpleParser } from 'mailparser';
import MailComposer from 'nodemailer/lib/mail-composer';
import { headerOf, headersOf } from './headers.ts';
import type { StoredMail } from './store.ts';

/** A message as a person reads it. */
export interface Letter {
  from: Person;
  to: Person;
  subject: string;
  text: string;
  /** Whatever its writer put there; it must not run anywhere. */
  html: string | null;
  mailId: string | null;
  /** Message-IDs of its thread, oldest first, its own last. */
  thread: string[];
  /** Where a one-click opt-out is posted to (RFC 8058). */
  optOutUrl: string | null;
}

export interface Person {
  name: string;
  address: string;
}

const shown = { skipImageLinks: true, skipTextToHtml: true, skipTextLinks: true, maxHtmlLengthToParse: 500_000 };
const person = (found: EmailAddress | undefined): Person => ({ name: found?.name ?? '', address: found?.address ?? '' });

export async function readLetter({ raw }: StoredMail): Promise<Letter> {
  const mail = await simpleParser(raw, shown);
  const headers = headersOf(raw);
  const to = [mail.to].flat()[0];
  const isOneClick = /^List-Unsubscribe=One-Click$/i.test(headerOf(headers, 'list-unsubscribe-post') ?? '');
  const url = /<(https?:[^<>\s]+)>/i.exec(headerOf(headers, 'list-unsubscribe') ?? '')?.[1];
  return {
    from: person(mail.from?.value[0]),
    to: person(to?.value[0]),
    subject: mail.subject ?? '',
    text: (mail.text ?? '').trim(),
    html: typeof mail.html === 'string' ? mail.html : null,
    mailId: mail.messageId ?? null,
    thread: [...[mail.references ?? []].flat(), ...(mail.messageId ? [mail.messageId] : [])],
    optOutUrl: isOneClick && url ? url : null,
  };
}

interface Writing {
  /** What it answers. */
  to: Letter;
  sentAt: Temporal.Instant;
  now: Temporal.Instant;
  zone: string;
}

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1);
const newMailId = (domain: string): string => `<${randomUUID()}@${domain}>`;
const dateOf = (now: Temporal.Instant): Date => new Date(now.epochMilliseconds);
const again = (subject: string): string => (/^re:/i.test(subject) ? subject : `Re: ${subject}`);

const dayIn = (now: Temporal.Instant, zone: string, days = 0): string =>
  now.toZonedDateTimeISO(zone).add({ days }).toLocaleString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });

/** What a mail program puts below an answer. */
function quoted({ to, sentAt, zone }: Writing): string {
  const lines = to.text.split('\n').map(line => `> ${line}`.trimEnd());
  return `On ${dayIn(sentAt, zone)}, ${to.from.name || to.from.address} wrote:\n${lines.join('\n')}`;
}

const answer = (
  { to, now }: Writing,
  mail: { subject: string; text: string; headers?: Record<string, string> },
): Promise<Buffer> =>
  new MailComposer({
    from: to.to,
    to: to.from,
    date: dateOf(now),
    messageId: newMailId(domainOf(to.to.address)),
    ...(to.mailId ? { inReplyTo: to.mailId, references: to.thread } : {}),
    ...mail,
  })
    .compile()
    .build();

/** What the recipient of a message answers, with the message below it. */
export const writeReply = (writing: Writing, text: string): Promise<Buffer> =>
  answer(writing, { subject: again(writing.to.subject), text: `${text.trim()}\n\n${quoted(writing)}\n` });

/** What the recipient's mailbox answers by itself while they are away, for a week from now. */
export const writeAbsence = (writing: Writing): Promise<Buffer> =>
  answer(writing, {
    subject: `Automatic reply: ${writing.to.subject}`,
    text: `Thank you for your message. I am out of the office until ${dayIn(writing.now, writing.zone, 7)} and will answer when I am back.\n`,
    headers: { 'Auto-Submitted': 'auto-replied', Precedence: 'bulk' },
  });

/** What the recipient's mail server answers where it knows no such mailbox: a delivery status notification (RFC 3464). */
export function writeBounce({ to, now }: Writing, { raw }: StoredMail): Buffer {
  const host = 'mail.drover.example';
  const boundary = `=_${randomUUID()}`;
  const said = `550 5.1.1 <${to.to.address}>: Recipient address rejected: user unknown`;
  const part = (type: string, body: string) => `--${boundary}\r\nContent-Type: ${type}\r\n\r\n${body}\r\n`;
  const mail = [
    `From: Mail Delivery System <mailer-daemon@${host}>\r\n`,
    `To: ${to.from.address}\r\n`,
    'Subject: Undelivered Mail Returned to Sender\r\n',
    `Date: ${dateOf(now).toUTCString().replace('GMT', '+0000')}\r\n`,
    `Message-ID: ${newMailId(host)}\r\n`,
    'Auto-Submitted: auto-replied\r\n',
    'MIME-Version: 1.0\r\n',
    `Content-Type: multipart/report; report-type=delivery-status; boundary="${boundary}"\r\n\r\n`,
    part(
      'text/plain; charset=utf-8',
      `This is the mail system at host ${host}.\r\n\r\nYour message could not be delivered.\r\n\r\n<${to.to.address}>: ${said}\r\n`,
    ),
    part(
      'message/delivery-status',
      [
        `Reporting-MTA: dns; ${host}\r\n\r\n`,
        `Final-Recipient: rfc822; ${to.to.address}\r\n`,
        `Original-Recipient: rfc822; ${to.to.address}\r\n`,
        'Action: failed\r\nStatus: 5.1.1\r\n',
        `Diagnostic-Code: smtp; ${said}\r\n`,
      ].join(''),
    ),
    part(
      'text/rfc822-headers',
      headersOf(raw)
        .map(header => header.lines)
        .join(''),
    ),
    `--${boundary}--\r\n`,
  ];
  return Buffer.from(mail.join(''), 'latin1');
}
