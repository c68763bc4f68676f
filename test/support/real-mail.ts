import { readFileSync } from 'node:fs';
import type { Clock } from '../../src/clock.ts';
import { systemClock } from '../../src/clock.ts';
import type { IncomingMail, MailAccount, MailboxRef, OutgoingMail } from '../../src/domain/ports.ts';
import { silentLog } from '../../src/log.ts';
import { createImap } from '../../src/mail/imap.ts';
import { createSmtp } from '../../src/mail/smtp.ts';
import { outgoing } from './smtp-server.ts';

/** Where `scripts/mail.sh` has put dovecot and postfix. */
export interface RealMail {
  smtps: number;
  submission: number;
  imaps: number;
  imap: number;
  /** Path of their certificate authority. */
  ca: string;
  password: string;
  /** Directory of the mailboxes. */
  mail: string;
}

export const people = {
  ...{ ada: 'ada@drover.example', ben: 'ben@drover.example', cleo: 'cleo@drover.example' },
  ...{ pat: 'pat@acme.example', sam: 'sam@acme.example', lea: 'lea@acme.example' },
};
type Person = keyof typeof people;
const names = Object.keys(people) as Person[];

export const openRealMail = (clock: Clock = systemClock) => {
  const where: RealMail = JSON.parse(process.env.TEST_MAIL!);
  const ca = readFileSync(where.ca, 'utf8');
  const accountFor = (who: Person): MailAccount => ({
    smtp: { host: '127.0.0.1', port: where.smtps, security: 'tls' },
    imap: { host: 'localhost', port: where.imaps, security: 'tls' },
    user: people[who],
    secret: where.password,
  });
  /** Each person is a sender of their own. */
  const mailboxOf = (who: Person): MailboxRef => ({ workspaceId: 1, senderId: names.indexOf(who) + 1 });
  const accountOf = async ({ senderId }: MailboxRef) => accountFor(names[senderId - 1]!);
  const smtp = createSmtp({ name: 'smtp', accountOf, ca, log: silentLog, clock });
  const imap = createImap({ accountOf, ca, log: silentLog, clock });
  return {
    where,
    ca,
    smtp,
    imap,
    accountFor,
    mailboxOf,
    send: (from: Person, to: Person | string, mail: Partial<OutgoingMail> = {}) =>
      smtp.handOver(
        outgoing({
          senderId: names.indexOf(from) + 1,
          from: { name: from, address: people[from] },
          to: { name: null, address: people[to as Person] ?? to },
          ...mail,
        }),
      ),
    /** How far a mailbox goes now. */
    async endOf(who: Person) {
      const since = { uidValidity: null, lastUid: 0 };
      const page = await imap.read(mailboxOf(who), since, 100_000);
      if ('unreadable' in page) throw new Error(page.detail);
      return { uidValidity: page.uidValidity, lastUid: page.lastUid };
    },
    async since(who: Person, end: { uidValidity: string | null; lastUid: number }, limit = 100): Promise<IncomingMail[]> {
      const page = await imap.read(mailboxOf(who), end, limit);
      if ('unreadable' in page) throw new Error(page.detail);
      return page.mails;
    },
    close: () => Promise.all([smtp.close(), imap.close()]),
  };
};
