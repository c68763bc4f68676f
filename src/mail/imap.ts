import type { SecureContext } from 'node:tls';
import { ImapFlow } from 'imapflow';
import type { Clock } from '../clock.ts';
import type { IncomingMail, MailAccount, MailboxRef, MailReader, Unreadable } from '../domain/ports.ts';
import { Refused, Unavailable } from '../errors.ts';
import type { Log } from '../log.ts';
import { assertPrivate, isCertificateError, sayable, type Trouble, tlsOptions, trusting } from './endpoints.ts';
import { readIncoming, sourceLimit } from './incoming.ts';

/** In milliseconds. */
export interface ImapTimeouts {
  connect: number;
  greeting: number;
  silence: number;
  /** One call as a whole. */
  whole: number;
  /** A connection that nothing uses is left; mailboxes are read every minute, so that the next reading finds it. */
  idle: number;
}

const defaults: ImapTimeouts = { connect: 20_000, greeting: 20_000, silence: 60_000, whole: 120_000, idle: 90_000 };

/** Of a first reading: what came in since yesterday, so that it is today in every zone. */
const firstHours = 24;

interface Kept {
  client: ImapFlow;
  /** What it was opened with: another password is another connection. */
  opened: string;
  idle?: NodeJS.Timeout;
}

/**
 * Reads mailboxes over IMAP, by UIDVALIDITY and UID. Opens them with EXAMINE and peeks, so that no flag changes; of a message only its
 * beginning is fetched, however large it is. A connection is kept for a while.
 */
export function createImap(options: {
  accountOf: (mailbox: MailboxRef) => Promise<MailAccount>;
  /** Further certificate authorities, as PEM. */
  ca?: string;
  log: Log;
  clock: Clock;
  timeouts?: Partial<ImapTimeouts>;
}): MailReader & { close(): Promise<void> } {
  const { accountOf, log, clock } = options;
  const timeouts = { ...defaults, ...options.timeouts };
  const trust = trusting(options.ca);
  const kept = new Map<number, Kept>();
  let isClosed = false;

  async function take(senderId: number, account: MailAccount): Promise<Kept> {
    const opened = JSON.stringify([account.imap, account.user, account.secret]);
    const before = kept.get(senderId);
    kept.delete(senderId);
    clearTimeout(before?.idle);
    if (before?.opened === opened && before.client.usable) return before;
    before?.client.close();
    return { client: await open(account, timeouts, trust), opened };
  }

  function keep(senderId: number, connection: Kept): void {
    const { client } = connection;
    if (isClosed || !client.usable || kept.has(senderId)) {
      client.logout().catch(() => client.close());
      return;
    }
    connection.idle = setTimeout(() => {
      kept.delete(senderId);
      client.logout().catch(() => client.close());
    }, timeouts.idle).unref();
    kept.set(senderId, connection);
  }

  /** Opens a mailbox's connection, has it used, and says what kept it from being used. A kept one that has died is replaced once. */
  async function using<R>(mailbox: MailboxRef, work: (client: ImapFlow) => Promise<R>): Promise<R | Unreadable> {
    const { senderId } = mailbox;
    let account: MailAccount | undefined;
    try {
      account = await accountOf(mailbox);
      for (;;) {
        const isKept = kept.has(senderId);
        const connection = await take(senderId, account);
        try {
          const result = await inTime(connection.client, timeouts.whole, work);
          keep(senderId, connection);
          return result;
        } catch (error) {
          const hadDied = isKept && !connection.client.usable;
          connection.client.close();
          if (!hadDied) throw error;
        }
      }
    } catch (error) {
      const { trouble, detail } = troubleOf(error, account);
      log.info({ sender: senderId, trouble }, 'a mailbox could not be read');
      return { unreadable: trouble, detail };
    }
  }

  return {
    read: (mailbox, since, limit) =>
      using(mailbox, async client => {
        const { uidValidity, uidNext } = await client.mailboxOpen('INBOX', { readOnly: true });
        const isFirst = since.uidValidity === null;
        const after = since.uidValidity === String(uidValidity) ? since.lastUid : 0;
        const found = isFirst
          ? await client.search({ since: new Date(clock.now().subtract({ hours: firstHours }).epochMilliseconds) }, { uid: true })
          : await client.search({ uid: `${after + 1}:*` }, { uid: true });
        // `n:*` names the last message even where its uid is below n (RFC 3501).
        const uids = (found || []).filter(uid => uid > after).sort((a, b) => a - b);
        const page = uids.slice(0, limit);
        const mails = page.length > 0 ? await fetchPage(client, page, log) : [];
        const lastUid = page.at(-1) ?? Math.max(after, isFirst ? uidNext - 1 : 0);
        return { uidValidity: String(uidValidity), mails, lastUid, hasMore: uids.length > page.length };
      }),
    findSent: (mailbox, mailIds) =>
      using(mailbox, async client => {
        const folders = await client.list();
        const sent = folders.find(({ specialUse }) => specialUse === '\\Sent');
        if (!sent) return null;
        await client.mailboxOpen(sent.path, { readOnly: true });
        const found: string[] = [];
        for (const mailId of mailIds) {
          const uids = await client.search({ header: { 'message-id': mailId } }, { uid: true });
          if (uids && uids.length > 0) found.push(mailId);
        }
        return found;
      }),
    async close() {
      isClosed = true;
      for (const { client, idle } of kept.values()) {
        clearTimeout(idle);
        client.close();
      }
      kept.clear();
    },
  };
}

/**
 * The beginnings of messages, oldest first. Of an answer that cannot be read the library says nothing, so what is missing is asked for
 * once more, alone; what is still missing has gone, or keeps nobody else's mail back.
 */
async function fetchPage(client: ImapFlow, uids: readonly number[], log: Log): Promise<IncomingMail[]> {
  const mails = new Map<number, IncomingMail>();
  await fetchInto(mails, client, uids);
  for (const uid of uids.filter(each => !mails.has(each))) {
    await fetchInto(mails, client, [uid]);
    if (!mails.has(uid)) log.warn({ uid }, 'a message has gone, or cannot be fetched');
  }
  return [...mails.values()].sort((a, b) => a.uid - b.uid);
}

async function fetchInto(mails: Map<number, IncomingMail>, client: ImapFlow, uids: readonly number[]): Promise<void> {
  const query = { uid: true, internalDate: true, source: { start: 0, maxLength: sourceLimit } };
  for await (const { uid, source, internalDate } of client.fetch(uids.join(','), query, { uid: true })) {
    const at = internalDate instanceof Date ? internalDate.getTime() : Date.parse(internalDate ?? '');
    const receivedAt = Temporal.Instant.fromEpochMilliseconds(Number.isNaN(at) ? 0 : at);
    if (source && uids.includes(uid)) mails.set(uid, await readIncoming({ uid, source, receivedAt }));
  }
}

/** Connects and signs in. */
export async function open(
  { imap, user, secret }: MailAccount,
  timeouts: Pick<ImapTimeouts, 'connect' | 'greeting' | 'silence'> = defaults,
  trust?: SecureContext,
): Promise<ImapFlow> {
  if (!imap) throw new Refused('no_imap', 'This sender has no IMAP server.');
  assertPrivate(imap);
  const client = new ImapFlow({
    host: imap.host,
    port: imap.port,
    secure: imap.security === 'tls',
    ...(imap.security !== 'tls' && { doSTARTTLS: imap.security === 'starttls' }),
    auth: { user, pass: secret },
    tls: tlsOptions(trust),
    disableAutoIdle: true,
    logger: false,
    clientInfo: { name: 'Drover' },
    connectionTimeout: timeouts.connect,
    greetingTimeout: timeouts.greeting,
    socketTimeout: timeouts.silence,
    // A server that would have us hold more than this in memory is left.
    maxLiteralSize: 4 * sourceLimit,
    maxLineLength: 16 * 1024 * 1024,
    maxResponseSize: 32 * 1024 * 1024,
  });
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    client.close();
    throw error;
  }
  return client;
}

/** Ends the connection of work that takes too long, which ends the work. */
async function inTime<R>(client: ImapFlow, limit: number, work: (client: ImapFlow) => Promise<R>): Promise<R> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error('the mail server took too long'));
      client.close();
    }, limit);
  });
  try {
    const working = work(client);
    working.catch(() => {});
    return await Promise.race([working, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Response codes that say that it is the server's bad day, not the password (RFC 5530). */
const passing = /^(UNAVAILABLE|INUSE|LIMIT|SERVERBUG|OVERQUOTA|CONTACTADMIN)$/i;

/** Why a mailbox cannot be used. */
export function troubleOf(error: unknown, account?: MailAccount): { trouble: Trouble; detail: string } {
  const { authenticationFailed, serverResponseCode, response, message } = error as Record<string, unknown>;
  const words = [message, response].filter(word => typeof word === 'string' && word).join(': ');
  const detail = sayable(words || 'it broke off', account ?? { user: '', secret: '' });
  if (error instanceof Refused || error instanceof Unavailable)
    return {
      trouble:
        error.code === 'bad_certificate' ? 'bad_certificate' : error.code === 'secret_unreadable' ? 'auth_failed' : 'unreachable',
      detail,
    };
  if (authenticationFailed === true)
    return {
      trouble: passing.test(String(serverResponseCode ?? '')) || /too many/i.test(words) ? 'unreachable' : 'auth_failed',
      detail,
    };
  return { trouble: isCertificateError(error) || /STARTTLS/.test(words) ? 'bad_certificate' : 'unreachable', detail };
}
