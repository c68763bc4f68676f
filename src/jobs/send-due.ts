import { setTimeout as pause } from 'node:timers/promises';
import { drover, enter, type Services } from '../domain/context.ts';
import * as messages from '../domain/messages/index.ts';
import type { JobPorts } from './handlers.ts';
import { handleReadMail } from './read-mail.ts';
import { tellOwners } from './sender-notices.ts';
import { taskNote } from './show-tasks.ts';

/** Sending waits this long for replies to be read; a mailbox that takes longer is read on, and keeps back its own sender alone (D4). */
const usualPatienceMs = 20_000;

type Ports = Pick<JobPorts, 'notify' | 'classify'>;

/**
 * Hands over what is due in a workspace (D1), after the replies of whoever sends it have been read (D4), and opens its due tasks: each is
 * shown to its owner if and only if it is open. Owners of senders that stopped on the way are told. Tasks that fail fail the job, when the
 * mail has left.
 */
export async function handleSendDue(
  services: Services,
  ports: Ports,
  { workspaceId }: { workspaceId: number },
  signal?: AbortSignal,
  patienceMs = usualPatienceMs,
): Promise<void> {
  await readBefore(services, ports, workspaceId, { signal, patienceMs });
  const [tasks] = await Promise.allSettled([openTasks(services, ports, workspaceId)]);
  await messages.sendDue(services, workspaceId);
  await enter(services, workspaceId, drover, ctx => tellOwners(ctx, ports.notify));
  if (tasks.status === 'rejected') throw tasks.reason;
}

/** Reads the mailboxes of whoever has something due, as far as they can be read in time. */
async function readBefore(
  services: Services,
  ports: Ports,
  workspaceId: number,
  { signal, patienceMs }: { signal: AbortSignal | undefined; patienceMs: number },
): Promise<void> {
  const unread = await enter(services, workspaceId, drover, ctx => messages.toBeRead(ctx, services));
  if (!unread.length) return;
  const reading = unread.map(senderId =>
    handleReadMail(services, ports, { workspaceId, senderId }, signal).catch((error: unknown) =>
      services.log.warn({ err: error, sender: senderId }, 'replies could not be read before sending'),
    ),
  );
  const isRead = new AbortController();
  const patience = pause(patienceMs, undefined, { signal: isRead.signal }).catch(() => {});
  await Promise.race([Promise.all(reading), patience]);
  isRead.abort();
}

const openTasks = (services: Services, { notify }: Ports, workspaceId: number): Promise<void> =>
  enter(services, workspaceId, drover, async ctx => {
    for (const task of await messages.openTasks(ctx)) await notify(ctx, taskNote(task));
  });
