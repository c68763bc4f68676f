import { type Context, drover, enter, type Services } from '../domain/context.ts';
import { type AnswerEnd, handOverAnswer } from '../domain/replies/answers.ts';
import { answerReport } from '../tools/reply-report.ts';
import type { Notify } from './handlers.ts';

/** Hands over what a person answered to a reply, at most once; its author hears of it where it did not leave. */
export async function handleSendAnswer(
  services: Services,
  notify: Notify,
  { workspaceId, answerId }: { workspaceId: number; answerId: number },
): Promise<void> {
  const ended = await handOverAnswer(services, workspaceId, answerId);
  if (ended) await enter(services, workspaceId, drover, ctx => tellAuthor(ctx, notify, ended));
}

/** Tells an answer's author what became of it, under the note of the reply that it answers. */
export const tellAuthor = (ctx: Context, notify: Notify, ended: AnswerEnd): Promise<void> =>
  notify(ctx, {
    key: `answer:${ended.answerId}:${ended.state}`,
    channel: ended.author,
    ...(ended.threadTs ? { threadTs: ended.threadTs } : {}),
    report: answerReport(ended),
  });
