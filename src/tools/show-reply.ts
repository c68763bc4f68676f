import { z } from 'zod';
import { isRefusal } from '../errors.ts';
import { replyReport, who } from './reply-report.ts';
import { defineTool } from './tool.ts';
import { placeOf, replyInput, whichReply } from './which-reply.ts';

/** One reply, whole: what was written, what it was taken for, what was done about it (D4). */
export const showReply = defineTool({
  name: 'show_reply',
  description:
    'Show one reply whole: what the lead wrote, its category, and what was done about it. The latest unless one is named.',
  examples: ['show the reply of ann@acme.example', 'what did Ann Example reply?', 'show the last reply'],
  input: z.object(replyInput),
  prepare: placeOf,
  plan: async (ctx, input, place) => {
    const view = await whichReply(ctx, input, place);
    if (isRefusal(view)) return view;
    return { effect: 'read' as const, data: view, summary: `Show the reply of ${who(view)}.`, objects: objectsOf(view) };
  },
  run: async (_ctx, view) => ({ ...view, receivedAt: view.receivedAt.toString() }),
  present: view => replyReport({ ...view, receivedAt: Temporal.Instant.from(view.receivedAt) }, { whole: true }),
});

/** What a call about a reply is about. */
export const objectsOf = ({
  id,
  leadId,
  sequenceId,
}: {
  id: number;
  leadId: number | null;
  sequenceId: number | null;
}): string[] => [`reply:${id}`, ...(leadId ? [`lead:${leadId}`] : []), ...(sequenceId ? [`sequence:${sequenceId}`] : [])];
