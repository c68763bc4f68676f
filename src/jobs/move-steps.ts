import { drover, enter, type Services } from '../domain/context.ts';
import { type Moving, moveOn } from '../domain/sequences/crowd.ts';
import { breathe } from './enroll-list.ts';

/** Moves people to a version of a sequence's steps, chunk by chunk (S7). A second run finds nobody. */
export async function handleMoveSteps(
  services: Services,
  { workspaceId, ...moving }: { workspaceId: number } & Moving,
  signal?: AbortSignal,
): Promise<void> {
  for (let after: number | null = 0; after !== null; ) {
    const from: number = after;
    after = await enter(services, workspaceId, drover, ctx => moveOn(ctx, moving, from));
    await breathe(signal);
  }
}
