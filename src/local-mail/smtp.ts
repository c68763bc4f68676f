import { SMTPServer } from 'smtp-server';
import type { Log } from '../log.ts';
import type { SignIn } from './login.ts';
import type { Store } from './store.ts';

/** The largest message that is taken, in bytes. */
export const largest = 10_000_000;

const refusal = (responseCode: number, message: string): Error => Object.assign(new Error(message), { responseCode });

/**
 * A loopback SMTP server for those who have a mailbox here. It takes what they send for anybody, files it in their Sent folder and in
 * the INBOX of whoever has one here too, and relays nothing.
 */
export function createSmtpServer({ store, signIn, log }: { store: Store; signIn: SignIn; log: Log }): SMTPServer {
  const server = new SMTPServer({
    name: 'mail.drover.example',
    banner: 'Drover: nothing leaves this machine',
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    authMethods: ['PLAIN', 'LOGIN'],
    disableReverseLookup: true,
    size: largest,
    rejectOversized: true,
    closeTimeout: 500,
    logger: false,
    onAuth({ username, password }, _session, callback) {
      const user = signIn(username, password);
      if (!user) return callback(refusal(535, '5.7.8 The user or the password is not right.'));
      store.open(user);
      callback(null, { user });
    },
    onMailFrom({ address }, session, callback) {
      const isOwn = address.toLowerCase() === session.user;
      callback(isOwn ? null : refusal(553, `5.7.1 ${session.user} may not send as somebody else.`));
    },
    onData(stream, session, callback) {
      const parts: Buffer[] = [];
      let size = 0;
      stream.on('data', (part: Buffer) => {
        size += part.length;
        if (size <= largest) parts.push(part);
      });
      stream.on('error', callback);
      stream.on('end', () => {
        if (stream.sizeExceeded) return callback(refusal(552, '5.3.4 The message is too large.'));
        const raw = Buffer.concat(parts);
        const from: string = session.user;
        const recipients = session.envelope.rcptTo.map(({ address }) => address.toLowerCase());
        const { uid } = store.file({ owner: from, folder: 'Sent', other: recipients[0]!, raw });
        for (const to of new Set(recipients)) if (store.has(to)) store.file({ owner: to, folder: 'INBOX', other: from, raw });
        callback(null, `2.0.0 Kept as ${uid}; it does not leave this machine.`);
      });
    },
  });
  server.on('error', error => log.debug({ err: error }, 'a connection to the local mail server broke'));
  return server;
}
