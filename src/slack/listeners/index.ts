import type { App } from '@slack/bolt';
import { correctionOf } from '../../tools/reply-report.ts';
import type { Surface } from '../app.ts';
import { answerActions } from '../blocks/answer-modal.ts';
import { approvalActions } from '../blocks/approval.ts';
import { taskActions } from '../blocks/task.ts';
import { closeTask } from './actions/close-task.ts';
import { correctReply } from './actions/correct-reply.ts';
import { decideApproval } from './actions/decide-approval.ts';
import { followUpReply, followUps } from './actions/follow-up-reply.ts';
import { openAnswer } from './actions/open-answer.ts';
import { unknownAction } from './actions/unknown-action.ts';
import { droverCommand } from './commands/drover.ts';
import { answerMessage } from './events/answer-message.ts';
import { handOver } from './events/hand-over.ts';
import { sendAnswer } from './views/send-answer.ts';

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
  const corrections = [...Object.keys(correctionOf), 'reply_correct'];
  for (const actionId of corrections) app.action({ type: 'block_actions', action_id: actionId }, correctReply(surface));
  for (const actionId of followUps) app.action({ type: 'block_actions', action_id: actionId }, followUpReply(surface));
  app.action({ type: 'block_actions', action_id: answerActions.open }, openAnswer(surface));
  app.view({ type: 'view_submission', callback_id: answerActions.send }, sendAnswer(surface));
  const known = [...approvals, ...tasks, ...corrections, ...followUps, answerActions.open];
  app.action({ type: 'block_actions', action_id: new RegExp(`^(?!(?:${known.join('|')})$)`) }, unknownAction(surface));
}
