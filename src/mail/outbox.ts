import type { Clock } from '../clock.ts';
import { type Db, inWorkspace } from '../db/transaction.ts';
import type { MailTransport } from '../domain/ports.ts';

/** A transport that stores what would leave, once per Message-ID, in the sender's own workspace. */
export const createOutbox = (db: Db, clock: Clock): MailTransport => ({
  name: 'outbox',
  async handOver(mail) {
    await inWorkspace(db, mail.workspaceId, tx =>
      tx
        .insertInto('outbox_mail')
        .values({
          workspace_id: mail.workspaceId,
          message_id: mail.messageId,
          mail_id: mail.mailId,
          sender_address: mail.from.address,
          recipient_name: mail.to.name,
          recipient_address: mail.to.address,
          subject: mail.subject,
          body: mail.text,
          headers: mail.headers,
          handed_at: clock.now(),
        })
        .onConflict(conflict => conflict.columns(['workspace_id', 'mail_id']).doNothing())
        .execute(),
    );
    return { outcome: 'accepted' };
  },
});

/** What was handed over in one workspace, newest first, with the step that it was. */
export const latest = async (db: Db, workspaceId: number, limit = 200) =>
  inWorkspace(db, workspaceId, tx =>
    tx
      .selectFrom('outbox_mail')
      .leftJoin('message', 'message.id', 'outbox_mail.message_id')
      .leftJoin('sequence', 'sequence.id', 'message.sequence_id')
      .selectAll('outbox_mail')
      .select(['message.position', 'sequence.name as sequence'])
      .orderBy('outbox_mail.id', 'desc')
      .limit(limit)
      .execute(),
  );
