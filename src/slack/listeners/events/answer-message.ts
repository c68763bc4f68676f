import type { AllMiddlewareArgs } from '@slack/bolt';
import { type Context, drover, enter } from '../../../domain/context.ts';
import type { TurnAnswer, TurnRequest } from '../../../tools/turn.ts';
import type { Surface } from '../../app.ts';
import { answerMessages } from '../../blocks/answer.ts';
import { reportMessages } from '../../blocks/report.ts';
import { showCard } from '../../cards.ts';
import type { Carried } from '../../inbox.ts';
import { post } from '../../outbox.ts';
import { hearing, placeOf, type Said, said, words } from '../../requests.ts';
import { apologise } from '../apology.ts';

/** Answers a message that is for the bot (C3): one turn, whose answer is posted if and only if it ends (A8). */
export const answerMessage =
  ({ services, runTurn, identity, member }: Surface) =>
  async ({ body, context }: { body: object } & Pick<AllMiddlewareArgs, 'context'>): Promise<void> => {
    const { inboxId, workspaceId, signal } = context as unknown as Carried;
    const message = said(body as Record<string, unknown>);
    if (!message) return;
    const { botUserId } = await identity();
    const inside = <R>(work: (ctx: Context) => Promise<R>) => enter(services, workspaceId, drover, work);
    const heard = hearing(message, { botUserId, awaiting: message.isReply ? await inside(ctx => awaited(ctx, message)) : null });
    if (heard === 'elsewhere') await inside(ctx => listenTo(ctx, message, null));
    if (heard !== 'answer') return;

    const { channel, user, root } = message;
    const place = placeOf(message);
    await apologise(services, { workspaceId, key: `turn:${inboxId}:error`, place }, async () => {
      const request: TurnRequest = {
        workspaceId,
        inboxId,
        asker: await member(workspaceId, user),
        surface: 'slack',
        channel,
        root,
        text: words(message.text, botUserId) || 'help',
        ...(signal ? { signal } : {}),
      };
      await runTurn(request, async (ctx, answer) => {
        await deliver(ctx, place, inboxId, answer);
        await listenTo(ctx, message, user);
      });
    });
  };

/** Writes an answer: sentences and reports, then each card that waits for a human. */
async function deliver(
  ctx: Context,
  place: { channel: string; threadTs?: string },
  inboxId: number,
  answer: TurnAnswer,
): Promise<void> {
  const messages = answerMessages(answer);
  const silent = !messages && !answer.approvals.length;
  await post(ctx, `turn:${inboxId}`, place, silent ? reportMessages({ tone: 'neutral', title: 'Done.' }) : (messages ?? []));
  for (const { id } of answer.approvals) await showCard(ctx, place, id);
}

/** The one whose unmentioned replies in this thread are for the bot (C3). */
const awaited = async (ctx: Context, { channel, root }: Said): Promise<string | null> =>
  (
    await ctx.tx
      .selectFrom('thread')
      .select('awaiting')
      .where('surface', '=', 'slack')
      .where('channel', '=', channel)
      .where('root', '=', root)
      .executeTakeFirst()
  )?.awaiting ?? null;

const listenTo = async (ctx: Context, { channel, root }: Said, awaiting: string | null): Promise<void> =>
  void (await ctx.tx
    .insertInto('thread')
    .values({ workspace_id: ctx.workspace.id, surface: 'slack', channel, root, awaiting, created_at: ctx.now })
    .onConflict(conflict => conflict.columns(['workspace_id', 'surface', 'channel', 'root']).doUpdateSet({ awaiting }))
    .execute());
