import { drover, enter, type Services } from '../domain/context.ts';
import { endArchived } from '../domain/sequences/life.ts';
import { breathe } from './enroll-list.ts';

/** Ends who is live in an archived sequence, chunk by chunk (S1). A second run finds nobody. */
export async function handleArchiveSequence(
  services: Services,
  { workspaceId, sequenceId }: { workspaceId: number; sequenceId: number },
  signal?: AbortSignal,
): Promise<void> {
  while (await enter(services, workspaceId, drover, ctx => endArchived(ctx, sequenceId))) await breathe(signal);
}
