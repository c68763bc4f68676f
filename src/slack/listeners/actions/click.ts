import type { BlockAction } from '@slack/bolt';
import type { Address } from '../../outbox.ts';

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
