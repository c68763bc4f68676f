import { drover, enter, type Services } from '../domain/context.ts';
import * as digests from '../domain/digests/index.ts';
import { presentDigest } from '../tools/digest-report.ts';
import type { Notify } from './handlers.ts';

/** Makes and posts one digest that is due; post and period are one transaction, so neither is without the other (G2). */
export const handlePostDigest = (
  services: Services,
  notify: Notify,
  { workspaceId, digestId }: { workspaceId: number; digestId: number },
) =>
  enter(services, workspaceId, drover, async ctx => {
    const made = await digests.make(ctx, digestId);
    if (!made) return;
    const report = presentDigest(made.overview, made.quiet, { zone: ctx.workspace.zone, now: ctx.now });
    await notify(ctx, { key: made.key, channel: made.channel, report });
  });
