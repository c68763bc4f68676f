import { drover, enter, type Services } from '../domain/context.ts';
import type { OpenTask } from '../domain/messages/index.ts';
import { waitingTasks } from '../domain/messages/waiting-tasks.ts';
import { taskReport } from '../tools/task-report.ts';
import type { Notify } from './handlers.ts';

/** A task as it is shown to its owner, once to each owner that it has. */
export const taskNote = (task: OpenTask): Parameters<Notify>[1] => ({
  key: `task:${task.messageId}:${task.ownerId}`,
  channel: task.owner,
  report: taskReport(task),
  buttons: [
    { label: 'Done', action: 'finish_task', value: String(task.messageId) },
    { label: 'Skip', action: 'skip_task', value: String(task.messageId) },
  ],
});

/** Shows the open tasks of a sequence to whoever owns it now; those who were shown them already are not shown them again (W3). */
export const handleShowTasks = (
  services: Services,
  notify: Notify,
  { workspaceId, sequenceId }: { workspaceId: number; sequenceId: number },
): Promise<void> =>
  enter(services, workspaceId, drover, async ctx => {
    for (const task of (await waitingTasks(ctx, { sequenceId })).tasks) await notify(ctx, taskNote(task));
  });
