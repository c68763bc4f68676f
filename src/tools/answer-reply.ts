import { z } from 'zod';
import type { Place } from '../domain/approvals/index.ts';
import type { Context } from '../domain/context.ts';
import { obstacle, subjectOf, write } from '../domain/replies/answers.ts';
import type * as replies from '../domain/replies/index.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { who } from './reply-report.ts';
import { objectsOf } from './show-reply.ts';
import { defineTool } from './tool.ts';
import { placeOf, replyInput, replyToChange } from './which-reply.ts';

const why: Record<string, string> = {
  no_address: 'it says no address to answer to',
  excluded: 'they are excluded, and nobody may write to them',
  sender_removed: 'the mailbox that it came to is removed',
  sender_not_healthy: 'the mailbox that it came to does not send at the moment',
};

/** The reply to answer, if the asker may answer it and it can be. */
export async function replyToAnswer(
  ctx: Context,
  which: Parameters<typeof replyToChange>[1],
  place: Place,
): Promise<replies.View | Refusal> {
  const view = await replyToChange(ctx, which, place);
  if (isRefusal(view)) return view;
  const code = await obstacle(ctx, view);
  return code ? refuse(code, `The reply of ${who(view)} cannot be answered: ${why[code]}.`, [`show reply ${view.id}`]) : view;
}

/** How an answer to a reply leaves. */
export const letterhead = (
  view: Pick<replies.View, 'fromAddress' | 'sender' | 'subject'>,
): { label: string; value: string }[] => [
  { label: 'To', value: view.fromAddress! },
  { label: 'From', value: view.sender },
  { label: 'Subject', value: subjectOf(view.subject) },
];

/** Answers a reply from the mailbox that it came to, in its thread. The card shows the whole letter, so pressing it is sending it (A1). */
export const answerReply = defineTool({
  name: 'answer_reply',
  description:
    "Write back to a lead's reply, in its thread and from the same mailbox, word for word as the asker wrote it. Only when the asker gives the text; never make one up. It waits for a button that shows the whole letter.",
  examples: [
    'answer: Thursday at 10 suits me.',
    'answer ann@acme.example: Thursday at 10 suits me.',
    'reply to Ann Example: Thank you, I will call tomorrow.',
  ],
  input: z.object({ ...replyInput, text: z.string().trim().min(1).max(10_000).describe('The whole answer, as it is to leave') }),
  prepare: placeOf,
  plan: async (ctx, { text, ...which }, place) => {
    const view = await replyToAnswer(ctx, which, place);
    if (isRefusal(view)) return view;
    return {
      effect: 'gated' as const,
      data: { view, text },
      summary: `Send your answer to ${who(view)}.`,
      reach: 1,
      objects: objectsOf(view),
      binds: { reply: view.id, to: view.fromAddress, from: view.sender },
      card: {
        tone: 'neutral' as const,
        title: `Send this answer to ${who(view)}?`,
        facts: letterhead(view),
        notes: [text],
        ...(view.answers ? { footer: 'This reply was answered before.' } : {}),
      },
    };
  },
  run: async (ctx, { view, text }) => ({
    answerId: await write(ctx, { replyId: view.id, senderId: view.senderId, sender: view.sender, body: text }),
    replyId: view.id,
    to: who(view),
    from: view.sender,
  }),
  undo: async (_ctx, { result }) =>
    refuse('has_left', `Your answer to ${result.to} is on its way and cannot be taken back.`, [`show reply ${result.replyId}`]),
  present: ({ to, from, replyId }) => ({
    tone: 'good',
    title: `Your answer to ${to} leaves from ${from} now. I tell you if it does not.`,
    next: [`show reply ${replyId}`],
  }),
});
