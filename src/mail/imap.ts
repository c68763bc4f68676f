import type { SecureContext } from 'node:tls';
import { ImapFlow, type MessageStructureObject, type SearchObject } from 'imapflow';
import type { Clock } from '../clock.ts';
import type { IncomingMail, MailAccount, MailboxRef, MailReader, Unreadable } from '../domain/ports.ts';
import { Refused, Unavailable } from '../errors.ts';
import type { Log } from '../log.ts';
import { assertPrivate, isCertificateError, sayable, type Trouble, tlsOptions, trusting } from './endpoints.ts';
import { type Fetched, readIncoming, sourceLimit } from './incoming.ts';

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

/** Servers search by dates of their own zone: from a day before, whatever the zone. A first reading begins with yesterday, too. */
const hoursBefore = 24;

/** Of text that does not stand at a message's beginning: so many parts, and so much of each. */
const mostParts = 4;
const partLimit = sourceLimit / mostParts;
/** Parts within parts. */
const deepest = 10;

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
        const isSame = since.uidValidity === String(uidValidity);
        const after = isSame ? since.lastUid : 0;
        const from = ((since.uidValidity !== null && since.readAt) || clock.now()).subtract({ hours: hoursBefore });
        const found = await search(client, isSame ? { uid: `${after + 1}:*` } : { since: new Date(from.epochMilliseconds) });
        // `n:*` names the last message even where its uid is below n (RFC 3501).
        const uids = found.filter(uid => uid > after).sort((a, b) => a - b);
        const page = uids.slice(0, limit);
        const hasMore = uids.length > page.length;
        const mails = page.length > 0 ? await fetchPage(client, page, log) : [];
        // Whatever else a mailbox holds that is new to us is older than what was looked for.
        const lastUid = Math.max(page.at(-1) ?? after, isSame || hasMore || !uidNext ? 0 : uidNext - 1);
        return { uidValidity: String(uidValidity), mails, lastUid, hasMore };
      }),
    findSent: (mailbox, mailIds) =>
      using(mailbox, async client => {
        const folders = await client.list();
        const sent = folders.find(({ specialUse }) => specialUse === '\\Sent');
        if (!sent) return null;
        await client.mailboxOpen(sent.path, { readOnly: true });
        const found: string[] = [];
        for (const mailId of mailIds) {
          const uids = await search(client, { header: { 'message-id': mailId } });
          if (uids.length > 0) found.push(mailId);
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

/** Uids; of a search that the server refuses the library says nothing, and a mailbox that nothing was found in counts as read. */
async function search(client: ImapFlow, query: SearchObject): Promise<number[]> {
  const uids = await client.search(query, { uid: true });
  if (!Array.isArray(uids)) throw new Error('the mail server refused to search');
  return uids;
}

/**
 * The beginnings of messages, oldest first. Of an answer that cannot be read the library says nothing, so what is missing is asked for
 * once more, alone; what is still missing has gone, or keeps nobody else's mail back.
 */
async function fetchPage(client: ImapFlow, uids: readonly number[], log: Log): Promise<IncomingMail[]> {
  const mails = new Map<number, IncomingMail>();
  await fetchInto(mails, client, uids, log);
  for (const uid of uids.filter(each => !mails.has(each))) {
    await fetchInto(mails, client, [uid], log);
    if (!mails.has(uid)) log.warn({ uid }, 'a message has gone, or cannot be fetched');
  }
  return [...mails.values()].sort((a, b) => a.uid - b.uid);
}

async function fetchInto(mails: Map<number, IncomingMail>, client: ImapFlow, uids: readonly number[], log: Log): Promise<void> {
  const query = { uid: true, size: true, internalDate: true, source: { start: 0, maxLength: sourceLimit } };
  const wordless: Fetched[] = [];
  for await (const { uid, size, source, internalDate } of client.fetch(uids.join(','), query, { uid: true })) {
    const at = internalDate instanceof Date ? internalDate.getTime() : Date.parse(internalDate ?? '');
    const receivedAt = Temporal.Instant.fromEpochMilliseconds(Number.isNaN(at) ? 0 : at);
    if (!source || !uids.includes(uid)) continue;
    const mail = await readIncoming({ uid, source, receivedAt });
    mails.set(uid, mail);
    if (!mail.text.trim() && (size ?? 0) > sourceLimit) wordless.push({ uid, source, receivedAt });
  }
  for (const fetched of wordless) {
    const texts = await fetchTexts(client, fetched.uid).catch((error: unknown) => {
      if (!client.usable) throw error;
      log.warn({ err: error, uid: fetched.uid }, 'the text of a message cannot be fetched');
      return [];
    });
    if (texts.length) mails.set(fetched.uid, await readIncoming({ ...fetched, texts }));
  }
}

/** The text of a message whose first attachment is so large that its beginning holds none, each part with its own headers. */
async function fetchTexts(client: ImapFlow, uid: number): Promise<Buffer[]> {
  const { bodyStructure } = (await client.fetchOne(String(uid), { uid: true, bodyStructure: true }, { uid: true })) || {};
  const parts = bodyStructure ? textParts(bodyStructure) : [];
  if (!parts.length) return [];
  const bodyParts = parts.flatMap(part => [`${part}.mime`, part]).map(key => ({ key, start: 0, maxLength: partLimit }));
  const fetched = await client.fetchOne(String(uid), { uid: true, bodyParts }, { uid: true });
  const bytes = fetched ? fetched.bodyParts : undefined;
  return parts.flatMap(part => {
    const [head, body] = [bytes?.get(`${part}.mime`), bytes?.get(part)];
    return head && body ? [Buffer.concat([head, body])] : [];
  });
}

/** Numbers of the parts that are a message's own words: no attachments, nothing of a message within it, of alternatives the plain one. */
function textParts(root: MessageStructureObject): string[] {
  const own = (node: MessageStructureObject, depth: number): MessageStructureObject[] => {
    if (!node.type.startsWith('multipart/')) return /^text\/(plain|html)$/.test(node.type) && !isAttached(node) ? [node] : [];
    const below = depth < deepest ? (node.childNodes ?? []).flatMap(child => own(child, depth + 1)) : [];
    const plain = node.type === 'multipart/alternative' ? below.filter(({ type }) => type === 'text/plain') : [];
    return plain.length ? plain : below;
  };
  return own(root, 0)
    .flatMap(({ part }) => part ?? [])
    .slice(0, mostParts);
}

const isAttached = ({ disposition, dispositionParameters, parameters }: MessageStructureObject): boolean =>
  disposition === 'attachment' || Boolean(dispositionParameters?.filename ?? parameters?.name);

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
