import MailComposer from 'nodemailer/lib/mail-composer';
import type { OutgoingMail } from '../domain/ports.ts';

/** The message as bytes: plain text with a simple HTML part, dated `at`, naming no program; nothing in it is fetched from anywhere. */
export const compose = (mail: OutgoingMail, at: Temporal.Instant): Promise<Buffer> =>
  new MailComposer({
    from: mail.from,
    to: { name: mail.to.name ?? '', address: mail.to.address },
    subject: mail.subject,
    messageId: mail.mailId,
    date: new Date(at.epochMilliseconds),
    ...(mail.inReplyTo !== null && { inReplyTo: mail.inReplyTo }),
    ...(mail.references.length > 0 && { references: mail.references }),
    headers: mail.headers,
    text: mail.text,
    html: mail.html,
    disableFileAccess: true,
    disableUrlAccess: true,
    newline: 'win',
  })
    .compile()
    .build();
