import { Readable } from 'node:stream';
import type { SecureContext } from 'node:tls';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { type Clock, systemClock } from '../clock.ts';
import type { HandOver, MailAccount, MailboxRef, MailTransport, OutgoingMail } from '../domain/ports.ts';
import { Refused, Unavailable } from '../errors.ts';
import type { Log } from '../log.ts';
import { compose } from './compose.ts';
import { assertPrivate, isCertificateError, sayable, tlsOptions, trusting } from './endpoints.ts';
import { classify, type Phase, readReply } from './smtp-answers.ts';

/** In milliseconds. A message that is being handed over belongs to its worker for 2 minutes: `whole` stays below that. */
export interface SmtpTimeouts {
  /** Until a connection stands, its TLS included. */
  connect: number;
  /** Until the server has greeted. */
  greeting: number;
  /** Without a word from the server. */
  silence: number;
  /** The hand-over as a whole, waiting for a free connection included. */
  whole: number;
  /** A connection that nothing uses is left. */
  idle: number;
}

const defaults: SmtpTimeouts = { connect: 20_000, greeting: 20_000, silence: 80_000, whole: 95_000, idle: 15_000 };

/** Exchange Online lets a mailbox have three at a time. */
const connectionsPerSender = 3;
const messagesPerConnection = 100;

interface Session {
  connection: SMTPConnection;
  /** What it was opened with: another password is another session. */
  opened: string;
  sent: number;
  idle?: NodeJS.Timeout;
}

interface Lane {
  idle: Session[];
  busy: number;
  waiting: (() => void)[];
}

/** Why a hand-over did not end in acceptance. */
interface Failure {
  error: unknown;
  /** The message's first byte may have left. */
  isGiven: boolean;
}

/**
 * Hands messages to the SMTP server of their sender over connections that it keeps for a while. Certificates are verified. A break
 * before the server asked for the message is `unreachable`, since nothing can have left; one after it, without an answer, is `unknown`
 * (D2). A kept connection that turns out to be dead before that is replaced once.
 */
export function createSmtp(options: {
  name: string;
  accountOf: (mailbox: MailboxRef) => Promise<MailAccount>;
  /** Further certificate authorities, as PEM. */
  ca?: string;
  log: Log;
  clock?: Clock;
  timeouts?: Partial<SmtpTimeouts>;
}): MailTransport & { close(): Promise<void> } {
  const { name, accountOf, log, clock = systemClock } = options;
  const timeouts = { ...defaults, ...options.timeouts };
  const trust = trusting(options.ca);
  const lanes = new Map<number, Lane>();
  let isClosed = false;

  const laneOf = (senderId: number): Lane => {
    const lane = lanes.get(senderId) ?? { idle: [], busy: 0, waiting: [] };
    lanes.set(senderId, lane);
    return lane;
  };

  /** A session for one message; `fresh` leaves kept ones alone. */
  async function take(lane: Lane, account: MailAccount, fresh: boolean): Promise<Session> {
    const opened = JSON.stringify([account.smtp, account.user, account.secret]);
    for (let kept = lane.idle.pop(); kept; kept = lane.idle.pop()) {
      clearTimeout(kept.idle);
      if (!fresh && !kept.connection.destroyed && kept.opened === opened) return kept;
      kept.connection.close();
    }
    return { connection: await open(account, timeouts, trust), opened, sent: 0 };
  }

  function keep(lane: Lane, session: Session): void {
    session.sent++;
    if (isClosed || session.connection.destroyed || session.sent >= messagesPerConnection) {
      session.connection.close();
      return;
    }
    session.idle = setTimeout(() => {
      lane.idle = lane.idle.filter(other => other !== session);
      session.connection.quit();
    }, timeouts.idle).unref();
    lane.idle.push(session);
  }

  /** Gives one message to one session, and once more to a fresh one where a kept one was dead. Resolves when it is accepted. */
  async function give(lane: Lane, account: MailAccount, mail: OutgoingMail, raw: Buffer, given: Given): Promise<void> {
    for (const fresh of [false, true]) {
      const session = await take(lane, account, fresh);
      if (given.isLate) {
        session.connection.close();
        return;
      }
      given.connection = session.connection;
      try {
        await send(session.connection, mail, raw, given);
        return keep(lane, session);
      } catch (error) {
        session.connection.close();
        if (session.sent === 0 || given.isGiven || given.isLate || hasAnswered(error)) throw error;
      }
    }
  }

  async function handOver(mail: OutgoingMail): Promise<HandOver> {
    let account: MailAccount;
    let raw: Buffer;
    try {
      account = await accountOf(mail);
      assertPrivate(account.smtp);
      raw = await compose(mail, clock.now());
    } catch (error) {
      log.warn({ err: error, sender: mail.senderId }, 'a message could not be handed over');
      return beforehand(error);
    }
    const lane = laneOf(mail.senderId);
    const given: Given = { isGiven: false, isLate: false };
    let onTime: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      onTime = setTimeout(() => {
        given.isLate = true;
        given.connection?.close();
        reject(new Error('the mail server took too long'));
      }, timeouts.whole);
    });
    const work = inLane(lane, () => (given.isLate ? Promise.resolve() : give(lane, account, mail, raw, given)));
    work.catch(() => {});
    try {
      await Promise.race([work, late]);
      return { outcome: 'accepted' };
    } catch (error) {
      const answer = outcomeOf({ error, isGiven: given.isGiven }, account);
      log.info(
        { sender: mail.senderId, message: mail.messageId, outcome: answer.outcome },
        'a mail server did not take a message',
      );
      return answer;
    } finally {
      clearTimeout(onTime);
    }
  }

  return {
    name,
    handOver,
    async close() {
      isClosed = true;
      for (const lane of lanes.values())
        for (const { connection, idle } of lane.idle.splice(0)) {
          clearTimeout(idle);
          connection.close();
        }
    },
  };
}

/** At most so many at once of one sender, in the order of arrival. */
async function inLane<R>(lane: Lane, work: () => Promise<R>): Promise<R> {
  if (lane.busy >= connectionsPerSender) await new Promise<void>(resolve => lane.waiting.push(resolve));
  else lane.busy++;
  try {
    return await work();
  } finally {
    const next = lane.waiting.shift();
    if (next) next();
    else lane.busy--;
  }
}

/** What is known of a message on its way. */
interface Given {
  isGiven: boolean;
  isLate: boolean;
  connection?: SMTPConnection;
}

/** Connects and signs in. */
export function open(
  { smtp, user, secret }: MailAccount,
  timeouts: Pick<SmtpTimeouts, 'connect' | 'greeting' | 'silence'> = defaults,
  trust?: SecureContext,
): Promise<SMTPConnection> {
  const connection = new SMTPConnection({
    host: smtp.host,
    port: smtp.port,
    secure: smtp.security === 'tls',
    requireTLS: smtp.security === 'starttls',
    ignoreTLS: smtp.security === 'none',
    tls: tlsOptions(trust),
    connectionTimeout: timeouts.connect,
    greetingTimeout: timeouts.greeting,
    dnsTimeout: timeouts.connect,
    socketTimeout: timeouts.silence,
    socketCloseTimeout: 1_000,
    maxResponseSize: 64 * 1024,
  });
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      reject(error);
      connection.close();
    };
    connection.on('error', fail);
    connection.once('end', () => fail(new Error('the mail server closed the connection')));
    connection.connect(error => {
      if (error) return fail(error);
      connection.login({ user, pass: secret }, refusal => (refusal ? fail(refusal) : resolve(connection)));
    });
  });
}

/** Resolves when the server has accepted the message. It reads the first byte of it only once it may leave. */
function send(connection: SMTPConnection, mail: OutgoingMail, raw: Buffer, given: Given): Promise<void> {
  const bytes = new Readable({
    read() {
      given.isGiven = true;
      this.push(raw);
      this.push(null);
    },
  });
  return new Promise((resolve, reject) => {
    // A connection can end without its own callback; where it has one, that comes first and says more.
    const ended = () => setImmediate(() => reject(new Error('the mail server closed the connection')));
    connection.once('end', ended);
    connection.send({ from: mail.from.address, to: [mail.to.address], size: raw.length }, bytes, error => {
      connection.off('end', ended);
      return error ? reject(error) : resolve();
    });
  });
}

const replyOf = (error: unknown) => {
  const { response } = error as { response?: unknown };
  return typeof response === 'string' ? readReply(response) : null;
};

/** A server that is about to close an old connection says 421; that is about the connection, not about the message. */
const hasAnswered = (error: unknown): boolean => {
  const reply = replyOf(error);
  return reply !== null && reply.code !== 421;
};

function phaseOf({ error, isGiven }: Failure): Phase {
  const { code, command = '' } = error as { code?: string; command?: string };
  if (isGiven) return 'content';
  if (code === 'EAUTH') return 'auth';
  if (command === 'MAIL FROM') return 'mail';
  if (command === 'RCPT TO') return 'rcpt';
  return command === 'DATA' ? 'data' : 'greeting';
}

/** What a failed hand-over came to; a server's refusal counts for more than how the connection ended. */
export function outcomeOf(failure: Failure, account: MailAccount): HandOver {
  const { error, isGiven } = failure;
  const { code, command, message = 'it broke off' } = error as { code?: string; command?: string; message?: string };
  const detail = sayable(message, account);
  const reply = replyOf(error);
  if (reply && command === 'STARTTLS' && reply.code >= 500) return { outcome: 'bad_certificate', detail };
  if (reply) return { outcome: classify(phaseOf(failure), reply), detail };
  if (isGiven) return { outcome: 'unknown', detail };
  if (code === 'EAUTH') return { outcome: 'auth_failed', detail };
  if (isCertificateError(error)) return { outcome: 'bad_certificate', detail };
  // The library refused by itself: an address that no server could be told.
  if (code === 'EENVELOPE' && command === 'API') return { outcome: 'bad_address', detail };
  if (code === 'EMESSAGE') return { outcome: 'blocked', detail };
  return { outcome: 'unreachable', detail };
}

/** Nothing was asked of a server yet. */
function beforehand(error: unknown): HandOver {
  if (error instanceof Refused && error.code === 'bad_certificate') return { outcome: 'bad_certificate', detail: error.message };
  if (error instanceof Unavailable && error.code === 'secret_unreadable')
    return { outcome: 'auth_failed', detail: error.message };
  return { outcome: 'unreachable', detail: 'the message could not be made ready' };
}
