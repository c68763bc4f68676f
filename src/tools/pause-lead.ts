import { z } from 'zod';
import { dateIn } from '../calendar.ts';
import * as pauses from '../domain/enrollments/pauses.ts';
import { isRefusal, refuse } from '../errors.ts';
import { leadRef, objectsOf, runToChange } from './live-run.ts';
import { count, day } from './report.ts';
import { sequenceRef } from './sequence-report.ts';
import { defineTool, localDate } from './tool.ts';

/** Days of a pause for which no date is said. */
const usualDays = 14;
/** Whoever is to wait longer than this is better stopped: a run holds its lead (E1). */
const longestDays = 365;

/** Pauses one person's run until a date, on which it goes on by itself, or ends such a pause (E3). */
export const pauseLead = defineTool({
  name: 'pause_lead',
  description:
    'Pause one lead in the sequence they are in until a date (two weeks unless said); it goes on by itself on that date. Paused again: the new date. With `end`, the pause ends now and the lead goes on.',
  examples: ['pause ann@acme.example until 2026-12-01', 'pause Ann Example', 'resume Ann Example'],
  input: z.object({
    lead: leadRef,
    sequence: sequenceRef.optional(),
    until: localDate.optional().describe('The date on which it goes on'),
    end: z.literal(true).optional().describe('Ends the pause now'),
  }),
  plan: async (ctx, input) => {
    const run = await runToChange(ctx, input, who => `${input.end ? 'resume' : 'pause'} ${who}`);
    if (isRefusal(run)) return run;
    const who = run.email ?? run.name;
    if (input.end && run.state !== 'paused')
      return refuse(
        'not_paused',
        `${run.name} is not paused in "${run.sequence}" but ${run.state === 'queued' ? 'in its queue' : run.state.replaceAll('_', ' ')}; nothing was changed.`,
        [`why ${who}`],
      );
    if (run.state === 'in_review')
      return refuse(
        'in_review',
        `${run.name} waits for review in "${run.sequence}" and is not contacted before that. Approve or refuse them.`,
        [`refuse ${run.email ?? run.name} in ${run.sequence}`, `show reviews of ${run.sequence}`],
      );
    const today = dateIn(ctx.now, run.zone);
    const until = input.until ? Temporal.PlainDate.from(input.until) : today.add({ days: usualDays });
    const days = today.until(until).days;
    const ends = input.end === true || (run.state === 'paused' && days <= 0);
    if (!ends && days <= 0)
      return refuse('until_past', `${day(until)} is not in the future. Until when should ${run.name} pause?`, [
        `pause ${run.email ?? run.name} until ${today.add({ days: 7 })}`,
      ]);
    if (!ends && days > longestDays)
      return refuse('until_far', `${day(until)} is more than a year away. Stop ${run.name} instead, or name an earlier date.`, [
        `stop ${run.email ?? run.name}`,
      ]);
    return {
      effect: 'write' as const,
      data: { run, until: ends ? null : until.toString() },
      summary: ends
        ? `Let ${run.name} go on in "${run.sequence}".`
        : `Pause ${run.name} in "${run.sequence}" until ${day(until)}.`,
      reach: 1,
      objects: objectsOf(run),
    };
  },
  run: async (ctx, { run, until }) => {
    const told = { ...run, was: run.state, wasUntil: run.pausedUntil, until };
    if (until === null) await pauses.endPause(ctx, run.enrollmentId, run.sequenceId);
    const { unplanned } = until
      ? await pauses.pause(ctx, { enrollmentId: run.enrollmentId, until, reason: 'by_hand' })
      : { unplanned: 0 };
    return { ...told, unplanned };
  },
  undo: async (ctx, { result: { enrollmentId, sequenceId, name, was, wasUntil, until, reason } }) => {
    const now = await ctx.tx.selectFrom('enrollment').select('state').where('id', '=', enrollmentId).executeTakeFirst();
    if (now?.state !== 'paused' && until !== null)
      return refuse('changed_since', `${name} is not paused any more (${now?.state.replaceAll('_', ' ') ?? 'gone'}).`, [
        `why ${name}`,
      ]);
    if (was !== 'paused' || wasUntil === null) {
      await pauses.endPause(ctx, enrollmentId, sequenceId);
      return { said: `${name} goes on.` };
    }
    await pauses.pause(ctx, { enrollmentId, until: wasUntil, reason: reason ?? 'by_hand' });
    return { said: `${name} is paused until ${day(wasUntil)} again.` };
  },
  present: ({ name, email, sequence, until, unplanned }) => ({
    tone: 'good',
    title: until
      ? `${name} is paused in "${sequence}" until ${day(until)}, and then goes on by itself.`
      : `${name} goes on in "${sequence}".`,
    notes: unplanned ? [`${count(unplanned, 'message')} of today lost its time.`] : [],
    next: [...(until ? [`resume ${email ?? name}`] : []), `why ${email ?? name}`],
  }),
});
