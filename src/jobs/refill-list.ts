import type { Services } from '../domain/context.ts';
import * as monitoring from '../domain/monitoring/index.ts';

/** Carries out one order for a list. It fails where the source does; pg-boss tries again, and after that the tick does. */
export const handleRefillList = (
  services: Services,
  { workspaceId, refillId }: { workspaceId: number; refillId: number },
  signal?: AbortSignal,
): Promise<void> => monitoring.carryOut(services, workspaceId, refillId, signal);
