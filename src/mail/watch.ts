import { randomUUID } from 'node:crypto';
import type { ImapFlow } from 'imapflow';
import { sql } from 'kysely';
import * as system from '../db/system.ts';
import { inWorkspace } from '../db/transaction.ts';
import { drover, enter, type Services } from '../domain/context.ts';
import type { MailAccount, MailboxRef } from '../domain/ports.ts';
import { readMail } from '../queues.ts';
import { trusting } from './endpoints.ts';
import { open, troubleOf } from './imap.ts';

/** A mailbox belongs to the process that waits for its news this long; longer than three rounds. */
const lease = { seconds: 90 };
/** How often leases are renewed, and free mailboxes looked for, in milliseconds. */
const round = 20_000;
/** A mailbox that cannot be watched is left to be read by the clock for so many rounds: ten minutes. */
const longRest = 30;
/** Connections of one process. */
const most = 500;
/** Of a connection that only waits, in milliseconds: after `silence` the library asks whether the server is still there. */
const timeouts = { connect: 20_000, greeting: 20_000, silence: 240_000 };

interface Watch {
  mailbox: MailboxRef;
  accountOf: (mailbox: MailboxRef) => Promise<MailAccount>;
  /** Undefined while nothing is open. */
  client?: ImapFlow;
  isStarting: boolean;
  /** Rounds until it is tried again. */
  rest: number;
  failures: number;
}

/**
 * Waits for news of mailboxes over IMAP IDLE and has them read at once: one watcher a mailbox over all processes, by a lease on its row.
 * A server without IDLE is left alone, since every mailbox is read by the clock anyway.
 */
export function watchMailboxes(
  services: Services,
  options: {
    /** By a sender's transport. */
    accountsOf: Readonly<Record<string, (mailbox: MailboxRef) => Promise<MailAccount>>>;
    /** Further certificate authorities, as PEM. */
    ca?: string;
  },
): { close(): Promise<void> /** Renews and looks at once. */; look(): Promise<void> } {
  const { db, clock, log } = services;
  const by = randomUUID();
  const trust = trusting(options.ca);
  const watches = new Map<number, Watch>();
  let isClosed = false;

  /** Takes or renews a lease; the transport of its sender, or undefined where it is another's or there is nothing to watch. */
  const claim = async ({ workspaceId, senderId }: MailboxRef): Promise<string | undefined> => {
    const now = clock.now();
    const { rows } = await inWorkspace(db, workspaceId, tx =>
      sql<{ transport: string }>`
        update mailbox set watched_by = ${by}, watched_until = ${now.add(lease)} from sender
        where sender.id = mailbox.sender_id and mailbox.sender_id = ${senderId} and sender.removed_at is null
          and sender.transport = any(${Object.keys(options.accountsOf)}::text[])
          and (watched_until is null or watched_until <= ${now} or watched_by = ${by})
        returning sender.transport`.execute(tx),
    );
    return rows[0]?.transport;
  };

  const release = ({ workspaceId, senderId }: MailboxRef) =>
    inWorkspace(db, workspaceId, tx =>
      tx
        .updateTable('mailbox')
        .set({ watched_by: null, watched_until: null })
        .where('sender_id', '=', senderId)
        .where('watched_by', '=', by)
        .execute(),
    );

  const tell = (mailbox: MailboxRef) =>
    enter(services, mailbox.workspaceId, drover, ctx => ctx.enqueue(readMail, mailbox)).catch(error =>
      log.warn({ err: error, sender: mailbox.senderId }, 'news of a mailbox could not be passed on'),
    );

  /** Opens a connection and waits on it until it ends. */
  async function wait(watch: Watch): Promise<void> {
    const { mailbox } = watch;
    const account = await watch.accountOf(mailbox);
    if (!account.imap) {
      watch.rest = longRest;
      return;
    }
    const client = await open(account, timeouts, trust);
    if (isClosed || watches.get(mailbox.senderId) !== watch) return client.close();
    watch.client = client;
    try {
      if (!client.capabilities.has('IDLE')) {
        watch.rest = longRest;
        return;
      }
      client.on('exists', () => void tell(mailbox));
      await client.mailboxOpen('INBOX', { readOnly: true });
      watch.failures = 0;
      watch.isStarting = false;
      // What came in before.
      await tell(mailbox);
      while (client.usable && (await client.idle()) !== false);
      // A server that refuses what it offers.
      if (client.usable) watch.rest = longRest;
    } finally {
      watch.client = undefined;
      client.close();
    }
  }

  function start(watch: Watch): void {
    watch.isStarting = true;
    wait(watch)
      .catch(error => {
        watch.failures++;
        watch.rest = Math.min(longRest, 2 ** watch.failures);
        log.info({ sender: watch.mailbox.senderId, trouble: troubleOf(error).trouble }, 'a mailbox could not be watched');
      })
      .finally(() => {
        watch.isStarting = false;
      });
  }

  async function look(): Promise<void> {
    for (const [senderId, watch] of watches) {
      if ((await claim(watch.mailbox)) === undefined) {
        watches.delete(senderId);
        watch.client?.close();
      } else if (!watch.client && !watch.isStarting && --watch.rest < 0) start(watch);
    }
    for (const mailbox of await system.unwatchedMailboxes(db, clock.now())) {
      if (isClosed || watches.size >= most) return;
      const transport = watches.has(mailbox.senderId) ? undefined : await claim(mailbox);
      if (transport === undefined) continue;
      const watch = { mailbox, accountOf: options.accountsOf[transport]!, isStarting: false, rest: 0, failures: 0 };
      watches.set(mailbox.senderId, watch);
      start(watch);
    }
  }

  let looking = Promise.resolve();
  const lookNext = () => {
    looking = looking
      .then(() => (isClosed ? undefined : look()))
      .catch(error => log.warn({ err: error }, 'mailboxes could not be looked for'));
    return looking;
  };
  const timer = setInterval(lookNext, round).unref();
  void lookNext();

  return {
    look: lookNext,
    async close() {
      isClosed = true;
      clearInterval(timer);
      await looking;
      for (const { client } of watches.values()) client?.close();
      const left = [...watches.values()].map(({ mailbox }) => release(mailbox));
      watches.clear();
      await Promise.allSettled(left);
    },
  };
}
