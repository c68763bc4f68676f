import { sql } from 'kysely';
import type { ApprovalRow } from '../domain/approvals/index.ts';
import type { Context } from '../domain/context.ts';
import { type Report, when } from '../tools/report.ts';
import type { Decision } from '../tools/run.ts';
import { approvalMessages, decidedMessages, supersededMessages } from './blocks/approval.ts';
import { post } from './outbox.ts';

/** The life of an approval's card in Slack: shown once, replaced by what became of it. Each is a message of its own. */

const keyOf = (approvalId: number): string => `approval:${approvalId}`;

/** Shows a card, and takes the buttons from the cards that it replaces (A2). */
export async function showCard(
  ctx: Context,
  place: { channel: string; threadTs?: string },
  approvalId: number,
  card?: Report,
): Promise<void> {
  const approval = await byId(ctx, approvalId);
  if (!approval) return;
  const asker = await ctx.tx.selectFrom('member').select('name').where('id', '=', approval.requested_by).executeTakeFirst();
  const shown = approvalMessages(approval, card ?? (approval.card as unknown as Report), asker?.name);
  await post(ctx, keyOf(approvalId), place, shown);
  for (const old of await cardsReplacedBy(ctx, approvalId))
    await post(
      ctx,
      `${keyOf(old.id)}:superseded`,
      { channel: old.channel, replace: { key: keyOf(old.id) } },
      supersededMessages(old.summary),
    );
}

/** Cards in Slack that `approvalId` has superseded and that still show their buttons. */
const cardsReplacedBy = async (ctx: Context, approvalId: number) =>
  (
    await sql<{ id: number; summary: string; channel: string }>`
      select approval.id, approval.summary, slack_post.channel
      from approval join slack_post on slack_post.post_key = 'approval:' || approval.id
      where approval.superseded_by = ${approvalId}
        and not exists (select from slack_post later where later.post_key like 'approval:' || approval.id || ':%')
      order by approval.id`.execute(ctx.tx)
  ).rows;

/** Was the card told already what became of it? */
const isTold = async (ctx: Context, approvalId: number): Promise<boolean> =>
  Boolean(
    await ctx.tx
      .selectFrom('slack_post')
      .select('id')
      .where('post_key', 'like', `${keyOf(approvalId)}:%`)
      .limit(1)
      .executeTakeFirst(),
  );

const byId = (ctx: Context, approvalId: number): Promise<ApprovalRow | undefined> =>
  ctx.tx.selectFrom('approval').selectAll().where('id', '=', approvalId).executeTakeFirst();

/**
 * Replaces the card that was pressed by what became of it: who, when, what it did. A plan that has changed gets its fresh card below;
 * a refusal leaves an open card as it is. A press that came too late only takes the buttons, where nothing else did, so that it never
 * writes over what the press before it brought about.
 */
export async function replaceCard(
  ctx: Context,
  card: { channel: string; ts: string; threadTs?: string },
  decision: Decision,
): Promise<void> {
  const approval = await byId(ctx, decision.approvalId);
  if (!approval) return;
  if (decision.outcome === 'refused' && (approval.status === 'pending' || (await isTold(ctx, approval.id)))) return;
  const at = when(approval.decided_at ?? ctx.now, ctx.workspace.zone);
  const { channel, ts, threadTs } = card;
  const place = { channel, ...(threadTs ? { threadTs } : {}) };
  await post(
    ctx,
    `${keyOf(approval.id)}:${decision.outcome}`,
    { ...place, replace: { ts } },
    decidedMessages(approval.summary, decision, at),
  );
  if (decision.outcome === 'replaced' && decision.fresh.outcome === 'needs_approval')
    await showCard(ctx, place, decision.fresh.approval.id, decision.fresh.report);
}

/** Tells a card that was decided elsewhere, on the command line, what became of it; does nothing where none is shown. */
export async function tellCard(ctx: Context, decision: Decision): Promise<void> {
  const shown = await ctx.tx
    .selectFrom('slack_post')
    .select(['channel', 'ts', 'thread_ts'])
    .where('post_key', '=', keyOf(decision.approvalId))
    .executeTakeFirst();
  if (!shown?.ts) return;
  await replaceCard(
    ctx,
    { channel: shown.channel, ts: shown.ts, ...(shown.thread_ts ? { threadTs: shown.thread_ts } : {}) },
    decision,
  );
}
