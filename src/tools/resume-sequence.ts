import { z } from 'zod';
import * as sequences from '../domain/sequences/index.ts';
import { isRefusal, refuse } from '../errors.ts';
import { count, day } from './report.ts';
import { capText, paceFacts, sequenceRef } from './sequence-report.ts';
import { pauseAgain } from './sequence-undo.ts';
import { defineTool } from './tool.ts';

/** Goes on after a pause. With anybody overdue it asks, showing how many by age and when they drain (S9, A1). */
export const resumeSequence = defineTool({
  name: 'resume_sequence',
  description:
    'Resume a paused sequence. Overdue people go on under the cap ("all"), or those whose last message is older than 21 days end ("end_stale", the default above one day\'s cap).',
  examples: ['resume Fall Intro', 'resume Fall Intro with all overdue', 'resume Fall Intro and end the stale ones'],
  input: z.object({ sequence: sequenceRef, overdue: z.enum(['all', 'end_stale']).optional() }),
  plan: async (ctx, input) => {
    const sequence = await sequences.mine(ctx, input.sequence);
    if (isRefusal(sequence)) return sequence;
    const { name, id } = sequence;
    const status = sequences.after(sequence, 'resume');
    if (isRefusal(status)) return status;
    const missing = await sequences.missing(ctx, sequence);
    if (missing.length) return refuse('not_ready', `"${name}" is not ready: ${missing.join('; ')}.`, [`show sequence "${name}"`]);
    const { overdue, accrued, usual, drainsOn } = await sequences.awaiting(ctx, sequence);
    const choice = input.overdue ?? usual;
    const ending = choice === 'end_stale' ? overdue.older : 0;
    const [overview] = await sequences.overviews(ctx, [id]);
    const other = choice === 'all' ? `resume "${name}" and end the stale ones` : `resume "${name}" with all overdue`;
    return {
      effect: overdue.total ? ('gated' as const) : ('write' as const),
      data: { sequenceId: id, choice },
      summary: overdue.total
        ? `Resume "${name}": ${overdue.total - ending} overdue go on${ending ? `, ${ending} end as stale` : ''}.`
        : `Resume "${name}".`,
      objects: [`sequence:${id}`],
      binds: { status: sequence.status, cap: sequence.daily_cap, choice },
      reach: overdue.total + accrued,
      card: {
        tone: 'warning' as const,
        title: `Resume "${name}" with ${count(overdue.total, 'person', 'people')} overdue?`,
        facts: [
          { label: 'Last message up to 7 days ago', value: `${overdue.upTo7}` },
          { label: '8 to 21 days ago', value: `${overdue.upTo21}` },
          {
            label: 'More than 21 days ago',
            value: `${overdue.older}, who ${choice === 'all' ? 'go on as well' : 'end (stale)'}`,
          },
          { label: 'Overdue are sent', value: drainsOn[choice] ? `by ${day(drainsOn[choice])}` : 'nobody is left to send to' },
          { label: 'Daily cap', value: capText(overview!.capacity) },
          { label: 'New members meanwhile', value: count(accrued, 'lead') },
          ...paceFacts(overview!.pace),
        ],
        notes: ['Overdue messages are spread over the coming windows; nothing leaves in a burst.'],
        ...(overdue.older ? { next: [other] } : {}),
      },
    };
  },
  run: async (ctx, { sequenceId, choice }) => {
    const done = await sequences.resume(ctx, sequenceId, choice);
    if (isRefusal(done)) return done;
    const sequence = await sequences.lock(ctx, sequenceId);
    const { overdue, accrued } = await sequences.awaiting(ctx, sequence);
    const [overview] = await sequences.overviews(ctx, [sequenceId]);
    const { capacity, pace } = overview!;
    const { name, status } = sequence;
    return { sequenceId, sequence: name, status, ended: done.ended, overdue: overdue.total, accrued, capacity, pace };
  },
  undo: (ctx, { result, ...undoing }) => (isRefusal(result) ? Promise.resolve(result) : pauseAgain(ctx, { result, ...undoing })),
  present: result => {
    if (isRefusal(result)) return { tone: 'refused', title: result.message };
    const { sequence, status, ended, overdue, accrued, capacity, pace } = result;
    if (status === 'inactive')
      return {
        tone: 'good',
        title: `"${sequence}" goes on by itself as soon as its ${count(ended, 'stale person', 'stale people')} have ended, in the background.`,
        next: [`show sequence "${sequence}"`],
      };
    return {
      tone: 'good',
      title: `"${sequence}" is active again.`,
      facts: [
        { label: 'Overdue, now planned under the cap', value: count(overdue, 'person', 'people') },
        ...(ended ? [{ label: 'Ended as stale', value: count(ended, 'person', 'people') }] : []),
        ...(accrued ? [{ label: 'Came meanwhile, now enrolling', value: count(accrued, 'lead') }] : []),
        { label: 'Daily cap', value: capText(capacity) },
        ...paceFacts(pace),
      ],
      next: [`show sequence "${sequence}"`],
    };
  },
});
