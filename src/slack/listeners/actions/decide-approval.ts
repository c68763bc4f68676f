import type { AllMiddlewareArgs, BlockAction, SlackActionMiddlewareArgs } from '@slack/bolt';
import { drover, enter } from '../../../domain/context.ts';
import { decide } from '../../../tools/run.ts';
import type { Surface } from '../../app.ts';
import { approvalActions } from '../../blocks/approval.ts';
import { reportMessages } from '../../blocks/report.ts';
import { replaceCard } from '../../cards.ts';
import type { Carried } from '../../inbox.ts';
import { post } from '../../outbox.ts';
import { apologise } from '../apology.ts';
import { type Click, whereOf } from './click.ts';

/** A press on Approve or Cancel (A2): decided with the presser's rights, and the card replaced; a refusal is the presser's alone to see. */
export const decideApproval =
  ({ services, member }: Surface) =>
  async ({
    body,
    action,
    context,
  }: SlackActionMiddlewareArgs<BlockAction> & Pick<AllMiddlewareArgs, 'context'>): Promise<void> => {
    const { inboxId, workspaceId } = context as unknown as Carried;
    const where = whereOf(body as Click);
    await apologise(services, { workspaceId, key: `click:${inboxId}:error`, place: where.presserOnly }, async () => {
      const approvalId = Number('value' in action ? action.value : Number.NaN);
      const actor = await member(workspaceId, body.user.id);
      const verdict = action.action_id === approvalActions.approve ? 'approve' : 'cancel';
      const decision = await decide(services, {
        workspaceId,
        approvalId: Number.isSafeInteger(approvalId) ? approvalId : 0,
        actor,
        verdict,
        door: 'button',
      });
      await enter(services, workspaceId, drover, async ctx => {
        if (where.card) await replaceCard(ctx, where.card, decision);
        if (decision.outcome === 'refused')
          await post(
            ctx,
            `click:${inboxId}`,
            where.presserOnly,
            reportMessages({ tone: 'refused', title: decision.message, ...(decision.next ? { next: decision.next } : {}) }),
          );
      });
    });
  };
