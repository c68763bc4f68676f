import type { App } from '@slack/bolt';
import { correctionOf } from '../../tools/reply-report.ts';
import type { Surface } from '../app.ts';
import { approvalActions } from '../blocks/approval.ts';
import { taskActions } from '../blocks/task.ts';
import { closeTask } from './actions/close-task.ts';
import { correctReply } from './actions/correct-reply.ts';
import { decideApproval } from './actions/decide-approval.ts';
import { unknownAction } from './actions/unknown-action.ts';
import { droverCommand } from './commands/drover.ts';
import { answerMessage } from './events/answer-message.ts';
import { handOver } from './events/hand-over.ts';

/** Every listener, by what Slack calls it. A mention and its message twin are answered alike: whichever was stored came first. */
export function registerListeners(app: App, surface: Surface): void {
  app.event('app_mention', answerMessage(surface));
  app.event('message', answerMessage(surface));
  app.event('user_change', handOver(surface));
  app.command('/drover', droverCommand(surface));
  const approvals: string[] = Object.values(approvalActions);
  for (const actionId of approvals) app.action({ type: 'block_actions', action_id: actionId }, decideApproval(surface));
  const tasks: string[] = Object.values(taskActions);
  for (const actionId of tasks) app.action({ type: 'block_actions', action_id: actionId }, closeTask(surface));
  const corrections = Object.keys(correctionOf);
  for (const actionId of corrections) app.action({ type: 'block_actions', action_id: actionId }, correctReply(surface));
  const known = [...approvals, ...tasks, ...corrections];
  app.action({ type: 'block_actions', action_id: new RegExp(`^(?!(?:${known.join('|')})$)`) }, unknownAction(surface));
}
