import { drover, enter, type Services } from '../domain/context.ts';
import * as messages from '../domain/messages/index.ts';
import { taskReport } from '../tools/task-report.ts';
import type { JobPorts } from './handlers.ts';
import { handleReadMail } from './read-mail.ts';
import { tellOwners } from './sender-notices.ts';

/**
 * Hands over what is due in a workspace (D1), after the replies of whoever sends it have been read (D4), and opens its due tasks: each is
 * shown to its owner if and only if it is open. Owners of senders that stopped on the way are told.
 */
export async function handleSendDue(
  services: Services,
  ports: Pick<JobPorts, 'notify' | 'classify'>,
  { workspaceId }: { workspaceId: number },
  signal?: AbortSignal,
): Promise<void> {
  const { notify } = ports;
  const unread = await enter(services, workspaceId, drover, ctx => messages.toBeRead(ctx, services));
  await Promise.all(unread.map(senderId => handleReadMail(services, ports, { workspaceId, senderId }, signal)));
  await enter(services, workspaceId, drover, async ctx => {
    for (const task of await messages.openTasks(ctx))
      await notify(ctx, {
        key: `task:${task.messageId}`,
        channel: task.owner,
        report: taskReport(task),
        buttons: [
          { label: 'Done', action: 'finish_task', value: String(task.messageId) },
          { label: 'Skip', action: 'skip_task', value: String(task.messageId) },
        ],
      });
  });
  await messages.sendDue(services, workspaceId);
  await enter(services, workspaceId, drover, ctx => tellOwners(ctx, notify));
}
