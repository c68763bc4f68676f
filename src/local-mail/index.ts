import type { AddressInfo, Server, Socket } from 'node:net';
import path from 'node:path';
import type { Clock } from '../clock.ts';
import { Unavailable } from '../errors.ts';
import { fileJournal } from '../journal.ts';
import type { Log } from '../log.ts';
import { Conversations } from './conversations.ts';
import { createImapServer } from './imap/server.ts';
import { createSignIn, keepAccess, type LocalMailAccess, secretOf } from './login.ts';
import { createSmtpServer } from './smtp.ts';
import { Store, type StoredMail, type StoreEntry } from './store.ts';

export type { Act, Conversation, Mail } from './conversations.ts';
export { type LocalMailAccess, readAccess } from './login.ts';

export interface LocalMailOptions {
  /** Directory that keeps the mail, and where the server listens; null: only memory does. */
  home: string | null;
  /** 0, or left out: any free port. */
  smtpPort?: number;
  imapPort?: number;
  /** The app's clock: mail is stamped with it. */
  clock: Clock;
  /** In which dates are written. */
  zone: string;
  log: Log;
}

export interface LocalMail extends LocalMailAccess {
  conversations: Conversations;
  /** Sets where opt-outs are posted from now on: the app's own port. */
  connectApp(url: string): void;
  /** Calls `follow` after every message that comes or leaves, until the returned function is called. */
  onMail(follow: (mail: StoredMail) => void): () => void;
  close(): Promise<void>;
}

/**
 * Starts a mail server on this machine: SMTP to send by, IMAP to read by, a mailbox for every address that signs in. It listens on
 * 127.0.0.1 only and hands nothing on: what is sent to anybody stays here, and they answer from here.
 * @throws Unavailable when a port is taken.
 */
export async function startLocalMail({
  home,
  smtpPort = 0,
  imapPort = 0,
  clock,
  zone,
  log,
}: LocalMailOptions): Promise<LocalMail> {
  const journal = home ? { journal: fileJournal<StoreEntry>(path.join(home, 'local-mail.jsonl'), log) } : {};
  const store = new Store({ clock, ...journal });
  const secret = await secretOf(home);
  const signIn = createSignIn(secret);
  let appUrl: string | null = null;
  const conversations = new Conversations({ store, clock, zone, appUrl: () => appUrl });
  const smtp = createSmtpServer({ store, signIn, log });
  const imap = createImapServer({ store, signIn, log });
  const readers = new Set<Socket>();
  imap.on('connection', socket => {
    readers.add(socket);
    socket.on('close', () => readers.delete(socket));
  });
  const close = async () => {
    const closed = [new Promise<void>(resolve => smtp.close(() => resolve())), new Promise(resolve => imap.close(resolve))];
    for (const socket of readers) socket.destroy();
    await Promise.all(closed);
  };
  try {
    const access = { secret, smtpPort: await listen(smtp.server, smtpPort), imapPort: await listen(imap, imapPort) };
    if (home) await keepAccess(home, access);
    return {
      ...access,
      conversations,
      connectApp: url => {
        appUrl = url;
      },
      onMail: follow => store.onFiled(follow),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const listen = (server: Server, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new Unavailable(error.code ?? 'listen_failed', `The local mail server cannot listen on port ${port}: ${error.code}.`, {
          cause: error,
        }),
      ),
    );
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
