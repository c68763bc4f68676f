import { drover, enter, type Services } from '../domain/context.ts';
import * as messages from '../domain/messages/index.ts';

/** Tops a sequence's today up to its cap (E2). */
export async function handlePlanDay(services: Services, job: { workspaceId: number; sequenceId: number }): Promise<void> {
  await enter(services, job.workspaceId, drover, ctx => messages.planDay(ctx, job.sequenceId));
}
