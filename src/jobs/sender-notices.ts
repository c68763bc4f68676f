import type { Context } from '../domain/context.ts';
import * as senders from '../domain/senders/index.ts';
import { stoppedReport } from '../tools/sender-report.ts';
import type { Notify } from './handlers.ts';

/** Tells the owners of senders that stopped, once each (D5, W3). */
export async function tellOwners(ctx: Context, notify: Notify): Promise<void> {
  for (const sender of await senders.untold(ctx))
    await notify(ctx, {
      key: `sender:${sender.id}:${ctx.now}`,
      channel: sender.owner,
      report: stoppedReport(sender),
    });
}
