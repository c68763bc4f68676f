import { drover, enter, type Services } from '../../../domain/context.ts';
import { runTool } from '../../../tools/run.ts';
import type { Surface } from '../../app.ts';
import { reportMessages } from '../../blocks/report.ts';
import { taskActions } from '../../blocks/task.ts';
import { post } from '../../outbox.ts';
import { onPress } from './click.ts';

/**
 * A press on Done or Skip under a manual task. Its card becomes what it came to; a task that is closed already only loses its buttons,
 * and somebody who may not close it is told so alone.
 */
export const closeTask = (surface: Surface) =>
  onPress(surface, async ({ action, presser, inboxId, workspaceId, where: { card, presserOnly } }) => {
    const { services, member } = surface;
    const task = Number('value' in action ? action.value : Number.NaN);
    const actor = await member(workspaceId, presser);
    const outcome = await runTool(services, {
      tool: action.action_id === taskActions.done ? 'finish_task' : 'skip_task',
      input: { lead: await leadOf(services, workspaceId, task), task },
      workspaceId,
      actor,
      door: 'button',
      place: { surface: 'slack', channel: presserOnly.channel },
    });
    const isClosed = outcome.outcome === 'done' || (outcome.outcome === 'refused' && outcome.code === 'task_closed');
    await enter(services, workspaceId, drover, ctx =>
      post(
        ctx,
        `click:${inboxId}`,
        card && isClosed
          ? { channel: card.channel, ...(card.threadTs ? { threadTs: card.threadTs } : {}), replace: { ts: card.ts } }
          : presserOnly,
        reportMessages(outcome.report),
      ),
    );
  });

/** '#7', so that no name has to be told apart; nobody's where the task is gone. */
async function leadOf(services: Services, workspaceId: number, task: number): Promise<string> {
  const row = await enter(services, workspaceId, drover, ctx =>
    ctx.tx
      .selectFrom('message')
      .select('lead_id')
      .where('id', '=', Number.isSafeInteger(task) ? task : 0)
      .executeTakeFirst(),
  );
  return `#${row?.lead_id ?? 0}`;
}
