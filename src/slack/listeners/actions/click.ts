import type { AllMiddlewareArgs, BlockAction, SlackActionMiddlewareArgs } from '@slack/bolt';
import type { Surface } from '../../app.ts';
import type { Carried } from '../../inbox.ts';
import type { Address } from '../../outbox.ts';
import { apologise } from '../apology.ts';

export type Click = BlockAction;

/** Where a click happened: the message it was on, and the way to tell the presser alone. */
export function whereOf(body: Click): { card?: { channel: string; ts: string; threadTs?: string }; presserOnly: Address } {
  const container = body.container as { message_ts?: string; channel_id?: string; thread_ts?: string; is_ephemeral?: boolean };
  const channel = body.channel?.id ?? container.channel_id ?? body.user.id;
  const threadTs = container.thread_ts ?? (body.message as { thread_ts?: string } | undefined)?.thread_ts;
  const thread = threadTs ? { threadTs } : {};
  const only = { userId: body.user.id, ...(body.response_url ? { responseUrl: body.response_url } : {}) };
  return {
    ...(container.message_ts && !container.is_ephemeral ? { card: { channel, ts: container.message_ts, ...thread } } : {}),
    presserOnly: { channel, ...thread, only },
  };
}

/** A press as its listener sees it: what was pressed, by whom, and where to tell what. */
export interface Press {
  action: SlackActionMiddlewareArgs<BlockAction>['action'];
  presser: string;
  inboxId: number;
  workspaceId: number;
  where: ReturnType<typeof whereOf>;
}

/** A listener of presses: what breaks it is told to the presser alone. */
export const onPress =
  ({ services }: Surface, work: (press: Press) => Promise<void>) =>
  async ({
    body,
    action,
    context,
  }: SlackActionMiddlewareArgs<BlockAction> & Pick<AllMiddlewareArgs, 'context'>): Promise<void> => {
    const { inboxId, workspaceId } = context as unknown as Carried;
    const where = whereOf(body as Click);
    await apologise(services, { workspaceId, key: `click:${inboxId}:error`, place: where.presserOnly }, () =>
      work({ action, presser: body.user.id, inboxId, workspaceId, where }),
    );
  };
