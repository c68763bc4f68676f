import type { AllMiddlewareArgs } from '@slack/bolt';
import { drover, enter } from '../../../domain/context.ts';
import * as workspaces from '../../../domain/workspaces/index.ts';
import type { Surface } from '../../app.ts';
import type { Carried } from '../../inbox.ts';
import { hasLeft } from '../../requests.ts';

/** Somebody was deactivated in Slack: what they own goes to an admin, and the digest says so (W3). A stranger owns nothing. */
export const handOver =
  ({ services }: Surface) =>
  async ({ body, context }: { body: object } & Pick<AllMiddlewareArgs, 'context'>): Promise<void> => {
    const { workspaceId } = context as unknown as Carried;
    const left = hasLeft(body as Record<string, unknown>);
    if (!left) return;
    await enter(services, workspaceId, drover, async ctx => {
      const member = await ctx.tx
        .selectFrom('member')
        .select(['id', 'deactivated_at'])
        .where('slack_user_id', '=', left.user)
        .executeTakeFirst();
      if (!member || member.deactivated_at) return;
      const handed = await workspaces.deactivate(ctx, member.id);
      if (!handed.to) services.log.warn({ member: member.id }, 'nobody is left; who writes next takes over');
    });
  };
