import { drover, enter, type Services } from '../domain/context.ts';
import * as messages from '../domain/messages/index.ts';
import { taskReport } from '../tools/task-report.ts';
import type { Notify } from './handlers.ts';

/** Hands over what is due in a workspace (D1), and opens its due tasks: each is shown to its owner if and only if it is open. */
export async function handleSendDue(services: Services, notify: Notify, { workspaceId }: { workspaceId: number }): Promise<void> {
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
}
