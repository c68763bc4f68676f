import { isEmbedded } from '../db/transaction.ts';
import { drover, enter, type Services } from '../domain/context.ts';
import type { MailReader } from '../domain/ports.ts';
import * as replies from '../domain/replies/index.ts';
import { classifyReply, type Enqueue, readMail } from '../queues.ts';
import type { JobPorts } from './handlers.ts';
import { tellAuthor } from './send-answer.ts';
import { tellOwners } from './sender-notices.ts';
import { settleFromSent } from './settle-from-sent.ts';
import { tellReplies } from './tell-replies.ts';

/** One transaction takes in at most this many mails: on the embedded database everyone waits for it (about 130 ms). */
const pageSizeOf = ({ db }: Services): number => (isEmbedded(db) ? 50 : 200);
/** Pages of one job; what is left is a job of its own. */
const pages = 20;

/**
 * Reads what came into a sender's mailbox, to its end or for a job's share (D4). Reading happens outside any transaction; each page is
 * taken in by one. Owners are told of a reply if and only if it is stored.
 */
export async function handleReadMail(
  services: Services,
  { notify, classify }: Pick<JobPorts, 'notify' | 'classify'>,
  { workspaceId, senderId }: { workspaceId: number; senderId: number },
  signal?: AbortSignal,
): Promise<void> {
  const inside = <R>(work: Parameters<typeof enter<R>>[3]) => enter(services, workspaceId, drover, work);
  for (let left = pages; left > 0 && !signal?.aborted; left--) {
    const since = await inside(ctx => replies.since(ctx, senderId));
    const reader = since && services.readers?.[since.transport];
    if (!since || !reader) return;
    const page = await readPage(services, reader, { workspaceId, senderId }, since);
    if ('unreadable' in page)
      return inside(async ctx => {
        await replies.unreadable(ctx, senderId, page);
        await tellOwners(ctx, notify);
      });
    await inside(async one => {
      const ctx = { ...one, enqueue: onceEach(one.enqueue) };
      const { tell, ask, answers } = await replies.receive(ctx, senderId, page, { withModel: classify !== undefined });
      await tellReplies(ctx, notify, tell);
      for (const ended of answers) await tellAuthor(ctx, notify, ended);
      await tellOwners(ctx, notify);
      for (const replyId of ask) await ctx.enqueue(classifyReply, { workspaceId, replyId });
    });
    if (!page.hasMore) return settleFromSent(services, reader, { workspaceId, senderId });
  }
  await inside(ctx => ctx.enqueue(readMail, { workspaceId, senderId }));
}

/** A page of replies asks for the same plan and the same channel again and again; one job of each does. */
function onceEach(enqueue: Enqueue): Enqueue {
  const asked = new Set<string>();
  return async (queue, payload) => {
    const key = `${queue.name} ${JSON.stringify(payload)}`;
    if (!asked.has(key)) await enqueue(queue, payload);
    asked.add(key);
  };
}

/** A reader that breaks is one that cannot be reached: the mailbox is tried again. */
const readPage = (
  services: Services,
  reader: MailReader,
  mailbox: { workspaceId: number; senderId: number },
  since: Parameters<MailReader['read']>[1],
): ReturnType<MailReader['read']> =>
  reader.read(mailbox, since, pageSizeOf(services)).catch((error: unknown) => {
    services.log.warn({ err: error, sender: mailbox.senderId }, 'reading a mailbox broke off');
    return { unreadable: 'unreachable' as const, detail: 'reading broke off' };
  });
