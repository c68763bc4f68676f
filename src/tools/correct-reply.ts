import { z } from 'zod';
import { isLive } from '../domain/enrollments/rules.ts';
import { replyCategories } from '../domain/ports.ts';
import * as corrections from '../domain/replies/corrections.ts';
import * as replies from '../domain/replies/index.ts';
import { isRefusal, refuse } from '../errors.ts';
import { categoryOf, done, who } from './reply-report.ts';
import { objectsOf } from './show-reply.ts';
import { defineTool } from './tool.ts';
import { placeOf, replyInput, replyToChange } from './which-reply.ts';

/** Says what a reply really means; its consequences are done again, as far as E3 and what has left allow (D4). */
export const correctReply = defineTool({
  name: 'correct_reply',
  description:
    'Say what a reply really means, when it was taken for something else; the lead\'s run then pauses, goes on or ends as that category says. "not_a_reply": a machine\'s message of no meaning. An opt-out is for ever.',
  examples: [
    'the reply of ann@acme.example is not interested',
    'mark the reply of Ann Example as out of office',
    'the last reply is not a reply',
  ],
  input: z.object({
    ...replyInput,
    as: z.enum([...replyCategories, 'not_a_reply']),
    until: z.iso.date().optional().describe('The last day of an absence'),
  }),
  prepare: placeOf,
  plan: async (ctx, { as, until, ...which }, place) => {
    const view = await replyToChange(ctx, which, place);
    if (isRefusal(view)) return view;
    if (view.outcome === 'unsubscribed' && as !== 'unsubscribe')
      return refuse(
        'opt_out_stays',
        `${who(view)} opted out, and that is for ever: correcting the reply does not take it back. Only an admin can lift an opt-out, one at a time.`,
        view.email ? [`lift the exclusion of ${view.email}`] : ['show exclusions'],
      );
    const label = as === 'not_a_reply' ? 'no reply' : categoryOf(as);
    return {
      effect: 'write' as const,
      data: { view, as, until: until ?? null },
      summary: `Take the reply of ${who(view)} as: ${label}.`,
      reach: 1,
      objects: objectsOf(view),
    };
  },
  before: (ctx, { view }) => corrections.before(ctx, view.id),
  run: async (ctx, { view, as, until }) => {
    const { staysEnded } = await corrections.correct(ctx, {
      replyId: view.id,
      as,
      until: until === null ? null : Temporal.PlainDate.from(until),
    });
    const after = (await replies.views(ctx, [view.id]))[0]!;
    return { ...after, receivedAt: after.receivedAt.toString(), as, staysEnded };
  },
  undo: async (ctx, { before, result }) => {
    const now = (await replies.views(ctx, [result.id]))[0];
    if (now?.outcome === 'unsubscribed')
      return refuse('opt_out_stays', `${who(now)} is opted out, and that is not undone. Only an admin can lift it.`, [
        'show exclusions',
      ]);
    if (!now || (before.state !== null && isLive(before.state) && !isLive(now.state ?? '')))
      return refuse('has_ended', `The run of ${who(result)} has ended by that, and a run that has ended does not begin again.`, [
        `why ${result.email ?? who(result)}`,
      ]);
    await corrections.putBack(ctx, result.id, before);
    return { said: `The reply of ${who(result)} counts as ${categoryOf(before.category)} again.` };
  },
  present: ({ as, staysEnded, ...view }) => ({
    tone: 'good',
    title: `The reply of ${who(view)} counts as ${as === 'not_a_reply' ? 'no reply' : categoryOf(view.category)} now.`,
    facts: [{ label: 'What was done', value: done(view) }],
    notes:
      staysEnded && (as === 'not_a_reply' || as === 'out_of_office')
        ? ['The run had ended, and a run that has ended does not begin again.']
        : [],
    next: [`show reply ${view.id}`, ...(view.email ? [`why ${view.email}`] : [])],
  }),
});
