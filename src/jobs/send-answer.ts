import { drover, enter, type Services } from '../domain/context.ts';
import { handOverAnswer } from '../domain/replies/answers.ts';
import { answerReport } from '../tools/reply-report.ts';
import type { Notify } from './handlers.ts';

/** Hands over what a person answered to a reply, at most once; its author hears of it where it did not leave. */
export async function handleSendAnswer(
  services: Services,
  notify: Notify,
  { workspaceId, answerId }: { workspaceId: number; answerId: number },
): Promise<void> {
  const ended = await handOverAnswer(services, workspaceId, answerId);
  if (!ended) return;
  await enter(services, workspaceId, drover, ctx =>
    notify(ctx, { key: `answer:${answerId}:${ended.state}`, channel: ended.author, report: answerReport(ended) }),
  );
}
