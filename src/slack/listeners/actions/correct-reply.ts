import type { BlockAction, SlackActionMiddlewareArgs } from '@slack/bolt';
import { drover, enter } from '../../../domain/context.ts';
import * as replies from '../../../domain/replies/index.ts';
import { type CorrectionAction, correctionOf, replyButtons, replyChoice, replyReport } from '../../../tools/reply-report.ts';
import { runTool } from '../../../tools/run.ts';
import type { Surface } from '../../app.ts';
import { reportMessages } from '../../blocks/report.ts';
import { reportWithButtons } from '../../blocks/task.ts';
import { post } from '../../outbox.ts';
import { onPress } from './click.ts';

/** A press on one of the buttons under a reply, or a choice from its menu: its note becomes what the reply counts as now. A refusal is the presser's alone to see. */
export const correctReply = (surface: Surface) =>
  onPress(surface, async ({ action, presser, inboxId, workspaceId, where: { card, presserOnly } }) => {
    const { services, member } = surface;
    const { reply, as } = meantBy(action);
    const outcome = await runTool(services, {
      tool: 'correct_reply',
      input: { reply, as },
      workspaceId,
      actor: await member(workspaceId, presser),
      door: 'button',
      place: { surface: 'slack', channel: presserOnly.channel },
    });
    await enter(services, workspaceId, drover, async ctx => {
      const [view] = outcome.outcome === 'done' ? await replies.views(ctx, [reply]) : [];
      if (!card || !view) return post(ctx, `click:${inboxId}`, presserOnly, reportMessages(outcome.report));
      const shown = replyReport(view);
      const notes = [...(shown.notes ?? []), ...(outcome.report.notes ?? [])];
      const { channel, ts, threadTs } = card;
      await post(
        ctx,
        `click:${inboxId}`,
        { channel, ...(threadTs ? { threadTs } : {}), replace: { ts } },
        withButtons({ ...shown, notes }, view),
      );
    });
  });

function withButtons(report: ReturnType<typeof replyReport>, view: replies.View) {
  const buttons = replyButtons(view);
  return buttons.length ? reportWithButtons(report, `reply:${view.id}`, buttons, replyChoice(view)) : reportMessages(report);
}

/** Which reply is what: said by a button, or chosen from the menu. */
function meantBy(action: SlackActionMiddlewareArgs<BlockAction>['action']): { reply: number; as: string | undefined } {
  if (action.type === 'static_select') {
    const [reply, as] = action.selected_option.value.split(':');
    return { reply: Number(reply), as };
  }
  return {
    reply: Number('value' in action ? action.value : Number.NaN),
    as: correctionOf[action.action_id as CorrectionAction],
  };
}
