import type { AllMiddlewareArgs, BlockAction, SlackActionMiddlewareArgs } from '@slack/bolt';
import { drover, enter } from '../../../domain/context.ts';
import type { Surface } from '../../app.ts';
import { reportMessages } from '../../blocks/report.ts';
import type { Carried } from '../../inbox.ts';
import { post } from '../../outbox.ts';
import { type Click, whereOf } from './click.ts';

/** A button that no longer means anything, of a card from an older Drover: the presser is told what to do instead. */
export const unknownAction =
  ({ services }: Surface) =>
  async ({ body, context }: SlackActionMiddlewareArgs<BlockAction> & Pick<AllMiddlewareArgs, 'context'>): Promise<void> => {
    const { inboxId, workspaceId } = context as unknown as Carried;
    await enter(services, workspaceId, drover, ctx =>
      post(
        ctx,
        `click:${inboxId}`,
        whereOf(body as Click).presserOnly,
        reportMessages({
          tone: 'refused',
          title: 'This button is from an older message and does nothing any more. Ask for it again to get a fresh one.',
          next: ['status', 'help'],
        }),
      ),
    );
  };
