import { drover, enter, type Services } from '../domain/context.ts';
import { freshUnknowns, settleUnknown } from '../domain/messages/unknown.ts';
import type { MailboxRef, MailReader } from '../domain/ports.ts';

/**
 * Looks for messages of which nobody knows whether they left in the Sent folder of their sender, where its server keeps one, before a
 * human is asked (D2). Found is proof; not found is none, since not every server files what it sends.
 */
export async function settleFromSent(services: Services, reader: MailReader, mailbox: MailboxRef): Promise<void> {
  const { workspaceId, senderId } = mailbox;
  const unknown = await enter(services, workspaceId, drover, ctx => freshUnknowns(ctx, senderId));
  if (!unknown.length) return;
  const there = await reader.findSent(
    mailbox,
    unknown.map(message => message.mailId),
  );
  if (!Array.isArray(there)) return;
  const left = unknown.filter(message => there.includes(message.mailId)).map(message => message.id);
  if (left.length) await enter(services, workspaceId, drover, ctx => settleUnknown(ctx, left, 'sent', 'found_in_sent'));
}
