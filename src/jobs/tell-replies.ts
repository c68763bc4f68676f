import type { Context } from '../domain/context.ts';
import * as replies from '../domain/replies/index.ts';
import { replyButtons, replyChoice, replyReport } from '../tools/reply-report.ts';
import type { Notify } from './handlers.ts';

/** Tells each reply to its owner, once, with buttons to answer it and to correct what it was taken for. */
export async function tellReplies(ctx: Context, notify: Notify, ids: readonly number[]): Promise<void> {
  if (!ids.length) return;
  for (const view of await replies.views(ctx, ids))
    await notify(ctx, {
      key: `reply:${view.id}`,
      channel: view.ownerSlack,
      report: replyReport(view),
      buttons: replyButtons(view),
      choice: replyChoice(view),
    });
}
