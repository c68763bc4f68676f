import { readFile } from 'node:fs/promises';
import type { Clock } from '../clock.ts';
import { type Db, inWorkspace } from '../db/transaction.ts';
import type { Services } from '../domain/context.ts';
import type { MailAccount, MailboxRef, MailReader, MailTransport, MailVerifier, SecretBox } from '../domain/ports.ts';
import { NotFound, Refused, Unavailable } from '../errors.ts';
import type { Log } from '../log.ts';
import { createAccounts } from './accounts.ts';
import { createImap } from './imap.ts';
import { createSecretBox } from './secrets.ts';
import { createSmtp } from './smtp.ts';
import { createVerifier } from './verify.ts';
import { watchMailboxes } from './watch.ts';

/** Where Drover's own mail server listens, and its password. */
export interface LocalAccess {
  secret: string;
  smtpPort: number;
  imapPort: number;
}

export interface Mail {
  /** By a sender's transport: 'local' and 'smtp'. */
  transports: Record<string, MailTransport>;
  readers: Record<string, MailReader>;
  /** Null without keys. */
  box: SecretBox | null;
  verify: MailVerifier['verify'];
  /** Signs in at the servers of a sender that there is; a password that cannot be opened is a sign-in that failed. */
  verifySender: NonNullable<Services['verifySender']>;
  /** Has mailboxes read as soon as something comes in. @returns what ends it */
  watch(services: Services): () => Promise<void>;
  close(): Promise<void>;
}

/** Further certificate authorities, as PEM. @throws Refused `bad_configuration` where DROVER_MAIL_CA names no file that can be read */
export const readAuthorities = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch(cause => {
    throw new Refused('bad_configuration', `DROVER_MAIL_CA names ${file}, which cannot be read (${cause.code}).`, { cause });
  });

/** Opens both ways that mail leaves and comes back: over real mailboxes, and over Drover's own mail server on this machine. */
export function openMail(options: {
  db: Db;
  clock: Clock;
  log: Log;
  /** For `createSecretBox`; without keys no stored secret can be opened. */
  keys?: string;
  /** Further certificate authorities, as PEM. */
  ca?: string;
  localAccess: () => Promise<LocalAccess>;
}): Mail {
  const { db, clock, log, keys, localAccess } = options;
  const ca = options.ca === undefined ? {} : { ca: options.ca };
  const box = keys ? createSecretBox(keys) : null;
  const accountsOf = { smtp: createAccounts({ db, box: box ?? sealed }), local: createLocalAccounts(db, localAccess) };
  const { verify } = createVerifier(ca);
  const smtp = createSmtp({ name: 'smtp', accountOf: accountsOf.smtp, ...ca, log, clock });
  const local = createSmtp({ name: 'local', accountOf: accountsOf.local, log, clock });
  const smtpReader = createImap({ accountOf: accountsOf.smtp, ...ca, log, clock });
  const localReader = createImap({ accountOf: accountsOf.local, log, clock });
  return {
    transports: { smtp, local },
    readers: { smtp: smtpReader, local: localReader },
    box,
    verify,
    verifySender: async (mailbox, transport) => {
      if (transport !== 'smtp' && transport !== 'local') return null;
      try {
        return await verify(await accountsOf[transport](mailbox));
      } catch (error) {
        if (!(error instanceof Unavailable || error instanceof NotFound)) throw error;
        const failed = { ok: false, code: 'auth_failed', detail: error.message } as const;
        return { smtp: failed, imap: failed };
      }
    },
    watch: services => {
      const watching = watchMailboxes(services, { accountsOf, ...ca });
      return () => watching.close();
    },
    close: async () => {
      await Promise.all([smtp, local, smtpReader, localReader].map(one => one.close()));
    },
  };
}

/** Every sender has a mailbox of its own on the local server, under its address. */
const createLocalAccounts =
  (db: Db, access: () => Promise<LocalAccess>) =>
  async ({ workspaceId, senderId }: MailboxRef): Promise<MailAccount> => {
    const sender = await inWorkspace(db, workspaceId, tx =>
      tx.selectFrom('sender').select('address').where('id', '=', senderId).executeTakeFirst(),
    );
    if (!sender) throw new NotFound('no_mailbox', `There is no sender ${senderId}.`);
    const { secret, smtpPort, imapPort } = await access();
    const at = (port: number) => ({ host: '127.0.0.1', port, security: 'none' as const });
    return { smtp: at(smtpPort), imap: at(imapPort), user: sender.address.toLowerCase(), secret };
  };

const locked = (): never => {
  throw new Unavailable('secret_unreadable', "Senders' passwords are sealed, and DROVER_SECRET_KEY is not set.");
};

const sealed: SecretBox = { seal: locked, open: locked };
