import { z } from 'zod';
import { dateIn } from '../calendar.ts';
import { remind } from '../domain/replies/reminders.ts';
import { isRefusal, refuse } from '../errors.ts';
import { who } from './reply-report.ts';
import { day } from './report.ts';
import { objectsOf } from './show-reply.ts';
import { defineTool, localDate } from './tool.ts';
import { placeOf, replyInput, replyToChange } from './which-reply.ts';

/** Nobody plans further ahead than this. */
const longestDays = 365;

/** Reminds a reply's owner of it on a date: who said "not now" is written to again by a person, never by itself (D4). */
export const remindReply = defineTool({
  name: 'remind_reply',
  description:
    "Remind the owner of a lead's reply of it on a date, such as when they asked to be written to again. Nothing is sent by itself. Another date replaces the first.",
  examples: [
    'remind me on 2026-12-01 of the reply of Ann Example',
    'remind me of the last reply on 2026-12-01',
    'remind me of the reply of ann@acme.example tomorrow',
  ],
  input: z.object({ ...replyInput, on: localDate.describe('The day of the reminder') }),
  prepare: placeOf,
  plan: async (ctx, { on, ...which }, place) => {
    const view = await replyToChange(ctx, which, place);
    if (isRefusal(view)) return view;
    const today = dateIn(ctx.now, view.zone);
    const days = today.until(Temporal.PlainDate.from(on)).days;
    const again = [`remind me on ${today.add({ days: 7 })} of the reply of ${view.email ?? who(view)}`];
    if (days <= 0) return refuse('until_past', `${day(on)} is not in the future. When should I remind you?`, again);
    if (days > longestDays) return refuse('until_far', `${day(on)} is more than a year away. Name an earlier date.`, again);
    return {
      effect: 'write' as const,
      data: { view, on },
      summary: `Remind ${view.owner} on ${day(on)} of the reply of ${who(view)}.`,
      reach: 1,
      objects: objectsOf(view),
    };
  },
  run: async (ctx, { view, on }) => {
    await remind(ctx, { replyId: view.id, on, zone: view.zone });
    return { replyId: view.id, name: who(view), owner: view.owner, zone: view.zone, on, was: view.remindOn };
  },
  undo: async (ctx, { result: { replyId, name, on, was, zone } }) => {
    const now = await ctx.tx.selectFrom('reply').select('remind_on').where('id', '=', replyId).executeTakeFirst();
    if (now?.remind_on !== on)
      return refuse('changed_since', `There is no reminder of ${name} on ${day(on)} any more.`, [`show reply ${replyId}`]);
    await remind(ctx, { replyId, on: was, zone });
    return { said: was === null ? `nobody is reminded of ${name}.` : `the reminder of ${name} is on ${day(was)} again.` };
  },
  present: ({ replyId, name, owner, on, was }) => ({
    tone: 'good',
    title: `${owner} is reminded of ${name} on ${day(on)}. Nothing is sent by itself.`,
    ...(was === null || was === on ? {} : { notes: [`The reminder on ${day(was)} is called off.`] }),
    next: ['undo', `show reply ${replyId}`],
  }),
});
