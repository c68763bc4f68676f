import { sql } from 'kysely';
import type { Context, Services } from '../domain/context.ts';
import type { ClassifyReply } from '../domain/ports.ts';
import type { ReplyAction, ReplyChoice } from '../tools/reply-report.ts';
import type { Report } from '../tools/report.ts';
import { handleAgentTurn } from './agent-turn.ts';
import { handleArchiveSequence } from './archive-sequence.ts';
import type { Handler, Handlers } from './boss.ts';
import { handleClassifyReply } from './classify-reply.ts';
import { handleCombineLists } from './combine-lists.ts';
import { handleDailyEnrollment } from './daily-enrollment.ts';
import { handleEndStale } from './end-stale.ts';
import { handleEnrollList } from './enroll-list.ts';
import { handleMoveSteps } from './move-steps.ts';
import { handlePlanDay } from './plan-day.ts';
import { handlePostDigest } from './post-digest.ts';
import { handleReadMail } from './read-mail.ts';
import { handleRefillList } from './refill-list.ts';
import { handleRemindOfReply } from './remind-of-reply.ts';
import { handleSendAnswer } from './send-answer.ts';
import { handleSendDue } from './send-due.ts';
import { handleShowTasks } from './show-tasks.ts';
import { type HandleRequest, handleSlackInteraction } from './slack-interaction.ts';
import { type DeliverPosts, handleSlackPost } from './slack-post.ts';
import { handleTick } from './tick.ts';

/** A button under a report. `action` is the tool that it calls; what it is about is stored under `value`. */
export interface NoteButton {
  label: string;
  action: 'finish_task' | 'skip_task' | ReplyAction;
  value: string;
}

/** Shows a report in a Slack channel (a user's id: their direct messages), once per key, if the caller's transaction commits. */
export type Notify = (
  ctx: Context,
  note: { key: string; channel: string; threadTs?: string; report: Report; buttons?: NoteButton[]; choice?: ReplyChoice },
) => Promise<void>;

/** What the jobs need of the surfaces; bound in `main.ts`. */
export interface JobPorts {
  notify: Notify;
  /** Says what replies mean; without a model there is none. */
  classify?: ClassifyReply;
  /** Slack's part and the command line's; a process that lacks one leaves its queues to others. */
  handleRequest?: HandleRequest;
  answerCli?: HandleRequest;
  deliverPosts?: DeliverPosts;
}

/** One handler a queue. */
export const createHandlers = (services: Services, ports: JobPorts): Handlers => {
  const handlers: Record<string, Handler> = {
    tick: () => handleTick(services),
    'enroll-list': (payload, signal) => handleEnrollList(services, payload, signal),
    'combine-lists': (payload, signal) => handleCombineLists(services, payload, signal),
    'archive-sequence': (payload, signal) => handleArchiveSequence(services, payload, signal),
    'move-steps': (payload, signal) => handleMoveSteps(services, payload, signal),
    'end-stale': (payload, signal) => handleEndStale(services, payload, signal),
    'daily-enrollment': (payload, signal) => handleDailyEnrollment(services, payload, signal),
    'plan-day': payload => handlePlanDay(services, payload),
    'send-due': (payload, signal) => handleSendDue(services, ports, payload, signal),
    'show-tasks': payload => handleShowTasks(services, ports.notify, payload),
    'read-mail': (payload, signal) => handleReadMail(services, ports, payload, signal),
    'classify-reply': payload => handleClassifyReply(services, ports, payload),
    'send-answer': payload => handleSendAnswer(services, ports.notify, payload),
    'remind-of-reply': payload => handleRemindOfReply(services, ports.notify, payload),
    'refill-list': (payload, signal) => handleRefillList(services, ports.notify, payload, signal),
    vacuum: async () => void (await sql`vacuum analyze`.execute(services.db)),
    'post-digest': payload => handlePostDigest(services, ports.notify, payload),
  };
  const { handleRequest, answerCli, deliverPosts } = ports;
  if (handleRequest && answerCli)
    handlers['agent-turn'] = (payload, signal) => handleAgentTurn(services, { handleRequest, answerCli }, payload, signal);
  if (handleRequest)
    handlers['slack-interaction'] = (payload, signal) => handleSlackInteraction(services, handleRequest, payload, signal);
  if (deliverPosts) handlers['slack-post'] = (payload, signal) => handleSlackPost(services, deliverPosts, payload, signal);
  return handlers;
};
