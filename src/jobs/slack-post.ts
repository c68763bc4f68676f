import type { Services } from '../domain/context.ts';
import { mayRunAgain } from './slack-interaction.ts';

/** Writes what waits for a channel to Slack, once each and in order. Bound in `main.ts`. */
export type DeliverPosts = (workspaceId: number, channel: string, signal?: AbortSignal) => Promise<void>;

/** It fails only for what passes by itself: a job that failed for good would block its channel for ever. The tick finds what is left. */
export async function handleSlackPost(
  { log }: Services,
  deliverPosts: DeliverPosts,
  { workspaceId, channel }: { workspaceId: number; channel: string },
  signal?: AbortSignal,
): Promise<void> {
  try {
    await deliverPosts(workspaceId, channel, signal);
  } catch (error) {
    if (mayRunAgain(error)) throw error;
    log.error({ err: error, workspace: workspaceId, channel }, 'posting to a channel broke off');
  }
}
