import type { AllMiddlewareArgs, SlackViewMiddlewareArgs, ViewSubmitAction } from '@slack/bolt';
import { drover, enter, type Services } from '../../../domain/context.ts';
import type { Report } from '../../../tools/report.ts';
import { decide, type Outcome, runTool } from '../../../tools/run.ts';
import type { Surface } from '../../app.ts';
import { type Answered, answerActions } from '../../blocks/answer-modal.ts';
import { reportMessages } from '../../blocks/report.ts';
import type { Carried } from '../../inbox.ts';
import { type Address, post } from '../../outbox.ts';
import { apologise } from '../apology.ts';

/**
 * A letter sent off from its window. The window has shown all of it, so its button is the approval, which is kept and consumed as a card's
 * is (A1). What became of it is told under the note of the reply; a refusal is the sender's alone to see, with what they wrote.
 */
export const sendAnswer =
  ({ services, member }: Surface) =>
  async ({
    body,
    view,
    context,
  }: SlackViewMiddlewareArgs<ViewSubmitAction> & Pick<AllMiddlewareArgs, 'context'>): Promise<void> => {
    const { inboxId, workspaceId } = context as unknown as Carried;
    const { reply, channel, threadTs } = JSON.parse(view.private_metadata) as Answered;
    const thread: Address = { channel, ...(threadTs ? { threadTs } : {}) };
    const senderOnly: Address = { ...thread, only: { userId: body.user.id } };
    await apologise(services, { workspaceId, key: `view:${inboxId}:error`, place: senderOnly }, async () => {
      const text = view.state.values[answerActions.block]?.[answerActions.text]?.value ?? '';
      const actor = await member(workspaceId, body.user.id);
      const did = await answer(services, { reply, text, workspaceId, actor, channel, modal: `modal ${view.id}` });
      const isSent = did.tone !== 'refused';
      await enter(services, workspaceId, drover, ctx =>
        post(
          ctx,
          `view:${inboxId}`,
          isSent ? thread : senderOnly,
          reportMessages(isSent ? did : { ...did, facts: [...(did.facts ?? []), { label: 'You wrote', value: text }] }),
        ),
      );
    });
  };

/** Asks and approves in one. Asked under the modal's own id, so that a job which runs again finds what it has done. */
async function answer(services: Services, { reply, text, workspaceId, actor, channel, modal }: Letter): Promise<Report> {
  const asked = await enter(services, workspaceId, drover, ctx =>
    ctx.tx.selectFrom('approval').select(['id', 'status']).where('root', '=', modal).executeTakeFirst(),
  );
  const place = { surface: 'slack' as const, channel, root: modal };
  const call = { tool: 'answer_reply', input: { reply, text }, workspaceId, actor, door: 'button' as const, place };
  const outcome: Outcome | undefined = asked ? undefined : await runTool(services, call);
  const approvalId = asked?.id ?? (outcome?.outcome === 'needs_approval' ? outcome.approval.id : undefined);
  if (approvalId === undefined) return outcome!.report;
  const decision = await decide(services, { workspaceId, approvalId, actor, verdict: 'approve', door: 'button' });
  switch (decision.outcome) {
    case 'approved':
      return decision.did.report;
    case 'refused':
      return decision.code === 'already_approved'
        ? { tone: 'good', title: 'Your answer is on its way.', next: [`show reply ${reply}`] }
        : { tone: 'refused', title: decision.message, ...(decision.next ? { next: decision.next } : {}) };
    default:
      return {
        tone: 'refused',
        title: 'Something has changed since you opened the window, so nothing was sent. Press Answer again.',
        next: [`show reply ${reply}`],
      };
  }
}

interface Letter {
  reply: number;
  text: string;
  workspaceId: number;
  actor: Parameters<typeof decide>[1]['actor'];
  channel: string;
  modal: string;
}
