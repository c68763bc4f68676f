import { type Db, inWorkspace } from '../db/transaction.ts';
import type { Endpoint, MailAccount, MailboxRef, SecretBox } from '../domain/ports.ts';
import { NotFound } from '../errors.ts';

/**
 * Reads what it takes to use a sender's mailbox from its own workspace, its secret opened.
 *
 * @throws NotFound `no_mailbox` where the sender has none; Unavailable `secret_unreadable`
 */
export const createAccounts =
  ({ db, box }: { db: Db; box: SecretBox }): ((mailbox: MailboxRef) => Promise<MailAccount>) =>
  async ({ workspaceId, senderId }) => {
    const row = await inWorkspace(db, workspaceId, tx =>
      tx.selectFrom('mailbox').selectAll().where('sender_id', '=', senderId).executeTakeFirst(),
    );
    const smtp = row && endpoint(row.smtp_host, row.smtp_port, row.smtp_security);
    if (!smtp || row.user_name === null || row.secret === null)
      throw new NotFound('no_mailbox', `Sender ${senderId} has no mailbox to send from.`);
    return {
      smtp,
      imap: endpoint(row.imap_host, row.imap_port, row.imap_security),
      user: row.user_name,
      secret: box.open(row.secret),
    };
  };

const endpoint = (host: string | null, port: number | null, security: string | null): Endpoint | null =>
  host === null || port === null ? null : { host, port, security: security as Endpoint['security'] };
