import { drover, enter, type Services } from '../domain/context.ts';
import { takeReminder } from '../domain/replies/reminders.ts';
import { againButtons, againReport } from '../tools/reply-report.ts';
import type { Notify } from './handlers.ts';

/** Reminds a reply's owner of it, once; nothing where the reminder was called off. */
export const handleRemindOfReply = (
  services: Services,
  notify: Notify,
  { workspaceId, replyId, on }: { workspaceId: number; replyId: number; on: string },
): Promise<void> =>
  enter(services, workspaceId, drover, async ctx => {
    const view = await takeReminder(ctx, replyId, on);
    if (!view) return;
    // A note of the reply's own, so that what is said in its thread is about that reply.
    await notify(ctx, {
      key: `reply:${replyId}/again/${on}`,
      channel: view.ownerSlack,
      report: againReport(view),
      buttons: againButtons(view),
    });
  });
