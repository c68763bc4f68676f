import { type Context, drover, enter } from '../../../domain/context.ts';
import * as replies from '../../../domain/replies/index.ts';
import { runTool } from '../../../tools/run.ts';
import type { Surface } from '../../app.ts';
import { reportMessages } from '../../blocks/report.ts';
import { showCard } from '../../cards.ts';
import { post } from '../../outbox.ts';
import { onPress } from './click.ts';

/** What a reply's note offers besides, each the same as its words. */
export const followUps = ['reply_remind', 'reply_exclude', 'reply_enroll'] as const;

/** A press on such an offer: what became of it is told under the note, and a plan that needs a button gets its card there. */
export const followUpReply = (surface: Surface) =>
  onPress(surface, async ({ action, presser, inboxId, workspaceId, where: { card, presserOnly } }) => {
    const { services, member } = surface;
    const [reply, on] = ('value' in action ? String(action.value) : '').split(':');
    const actor = await member(workspaceId, presser);
    const inside = <R>(work: (ctx: Context) => Promise<R>) => enter(services, workspaceId, drover, work);
    const [view] = await inside(ctx => replies.views(ctx, [Number(reply)]));
    const place = { surface: 'slack' as const, channel: presserOnly.channel };
    const call = callOf(action.action_id as (typeof followUps)[number], view, { reply: Number(reply), on });
    const outcome = await runTool(services, { ...call, workspaceId, actor, door: 'button', place });
    const thread = card ? { channel: card.channel, threadTs: card.threadTs ?? card.ts } : undefined;
    await inside(ctx =>
      outcome.outcome === 'needs_approval'
        ? showCard(ctx, thread ?? presserOnly, outcome.approval.id, outcome.report)
        : post(
            ctx,
            `click:${inboxId}`,
            thread && outcome.outcome === 'done' ? thread : presserOnly,
            reportMessages(outcome.report),
          ),
    );
  });

function callOf(
  action: (typeof followUps)[number],
  view: replies.View | undefined,
  { reply, on }: { reply: number; on: unknown },
) {
  switch (action) {
    case 'reply_remind':
      return { tool: 'remind_reply', input: { reply, on } };
    case 'reply_exclude':
      return {
        tool: 'exclude',
        input: {
          address: view?.email,
          reason: replies.isCategory(view?.category) ? replies.categoryWords[view.category] : undefined,
        },
      };
    case 'reply_enroll':
      return { tool: 'enroll_lead', input: { lead: view?.email, sequence: view?.sequence } };
  }
}
