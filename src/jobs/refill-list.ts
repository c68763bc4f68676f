import type { Services } from '../domain/context.ts';
import * as monitoring from '../domain/monitoring/index.ts';
import { receiptReport } from '../tools/receipt-report.ts';
import type { Notify } from './handlers.ts';

/**
 * Carries out one order for a list. It fails where the source does; pg-boss tries again, and after that the tick does. Whoever ordered is
 * told when it has ended, in the thread where they did (L5); a standing order is told in the digest.
 */
export const handleRefillList = (
  services: Services,
  notify: Notify,
  { workspaceId, refillId }: { workspaceId: number; refillId: number },
  signal?: AbortSignal,
): Promise<void> => monitoring.carryOut(services, workspaceId, refillId, { signal, tell: tellAsker(notify) });

const tellAsker =
  (notify: Notify): monitoring.Tell =>
  async (ctx, refill) => {
    if (refill.kind !== 'order') return;
    const { list, user } = await monitoring.hearerOf(ctx, refill.id);
    await notify(ctx, {
      key: `receipt:${refill.id}`,
      channel: refill.channel ?? user,
      ...(refill.channel && refill.thread_ts ? { threadTs: refill.thread_ts } : {}),
      report: receiptReport(list, refill),
    });
  };
