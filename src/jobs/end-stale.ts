import { drover, enter, type Services } from '../domain/context.ts';
import { endOn } from '../domain/sequences/crowd.ts';
import { breathe } from './enroll-list.ts';

/** Ends a sequence's stale people, chunk by chunk, and then wakes it (S9). Nothing is left to do where it is not asleep any more. */
export async function handleEndStale(
  services: Services,
  { workspaceId, sequenceId }: { workspaceId: number; sequenceId: number },
  signal?: AbortSignal,
): Promise<void> {
  while (await enter(services, workspaceId, drover, ctx => endOn(ctx, sequenceId))) await breathe(signal);
}
