import type { AllMiddlewareArgs, BlockAction, SlackActionMiddlewareArgs } from '@slack/bolt';
import { drover, enter } from '../../../domain/context.ts';
import { isRefusal, type Refusal, refuse } from '../../../errors.ts';
import { replyToAnswer } from '../../../tools/answer-reply.ts';
import type { Surface } from '../../app.ts';
import { answerModal } from '../../blocks/answer-modal.ts';
import { reportMessages } from '../../blocks/report.ts';
import type { Carried } from '../../inbox.ts';
import { post } from '../../outbox.ts';
import { apologise } from '../apology.ts';
import { type Click, whereOf } from './click.ts';

/** A press on Answer under a reply: a window with the reply and room for the text. Who may not answer is told so alone. */
export const openAnswer =
  ({ services, member, openModal }: Surface) =>
  async ({
    body,
    action,
    context,
  }: SlackActionMiddlewareArgs<BlockAction> & Pick<AllMiddlewareArgs, 'context'>): Promise<void> => {
    const { inboxId, workspaceId } = context as unknown as Carried;
    const { card, presserOnly } = whereOf(body as Click);
    await apologise(services, { workspaceId, key: `click:${inboxId}:error`, place: presserOnly }, async () => {
      const reply = Number('value' in action ? action.value : Number.NaN);
      const actor = await member(workspaceId, body.user.id);
      const place = { surface: 'slack' as const, channel: presserOnly.channel };
      const view = await enter(services, workspaceId, actor, ctx => replyToAnswer(ctx, { reply }, place));
      const thread = card ? { threadTs: card.threadTs ?? card.ts } : {};
      const refused = isRefusal(view)
        ? view
        : (await openModal(body.trigger_id, answerModal(view, { reply, channel: presserOnly.channel, ...thread })))
          ? undefined
          : tooLate;
      if (refused) await enter(services, workspaceId, drover, ctx => post(ctx, `click:${inboxId}`, presserOnly, told(refused)));
    });
  };

const tooLate = refuse(
  'too_late',
  'Slack did not open the window in time. Press Answer again, or write here in the thread, with your own words behind the colon.',
  ['answer: your text'],
);

const told = ({ message, next }: Refusal) => reportMessages({ tone: 'refused', title: message, ...(next ? { next } : {}) });
