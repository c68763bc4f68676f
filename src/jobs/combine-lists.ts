import { drover, enter, type Services } from '../domain/context.ts';
import { type Combination, combineChunk } from '../domain/lists/members.ts';
import { breathe } from './enroll-list.ts';

/** Puts the rest of a combined list's members on it. It may be stopped anywhere and run again: who is on it is skipped over. */
export async function handleCombineLists(
  services: Services,
  { workspaceId, ...combination }: { workspaceId: number } & Combination,
  signal?: AbortSignal,
): Promise<void> {
  while ((await enter(services, workspaceId, drover, ctx => combineChunk(ctx, combination))).more) await breathe(signal);
}
