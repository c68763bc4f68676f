import { drover, enter, type Services } from '../domain/context.ts';
import * as messages from '../domain/messages/index.ts';

/** Tops today up to the cap (E2): of one sequence, or of all in the workspace that have begun their day and wait for it. */
export async function handlePlanDay(
  services: Services,
  { workspaceId, sequenceId }: { workspaceId: number; sequenceId?: number | undefined },
): Promise<void> {
  await enter(services, workspaceId, drover, ctx =>
    sequenceId === undefined ? messages.planAwaiting(ctx) : messages.planDay(ctx, sequenceId),
  );
}
