import { drover, enter, type Services } from '../domain/context.ts';
import * as replies from '../domain/replies/index.ts';
import type { JobPorts } from './handlers.ts';
import { tellReplies } from './tell-replies.ts';

/**
 * Has a model say what a reply means, and does it. Without a model, and where it fails, the reply is `other`, so that no run waits for
 * ever; whoever corrected it meanwhile stays right.
 */
export async function handleClassifyReply(
  services: Services,
  { notify, classify }: Pick<JobPorts, 'notify' | 'classify'>,
  { workspaceId, replyId }: { workspaceId: number; replyId: number },
): Promise<void> {
  const text = await enter(services, workspaceId, drover, ctx => replies.textOf(ctx, replyId));
  if (!text) return;
  const classified =
    (await classify?.(text).catch((error: unknown) => {
      services.log.warn({ err: error, reply: replyId }, 'a reply could not be classified');
      return null;
    })) ?? null;
  await enter(services, workspaceId, drover, async ctx => {
    if (await replies.settle(ctx, replyId, classified)) await tellReplies(ctx, notify, [replyId]);
  });
}
