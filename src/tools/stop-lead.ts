import { z } from 'zod';
import * as enrollments from '../domain/enrollments/index.ts';
import * as pauses from '../domain/enrollments/pauses.ts';
import * as takenBack from '../domain/enrollments/taken-back.ts';
import { isRefusal, refuse } from '../errors.ts';
import { leadRef, objectsOf, runToChange } from './live-run.ts';
import { day, reason as inWords } from './report.ts';
import { sequenceRef } from './sequence-report.ts';
import { defineTool } from './tool.ts';

/** Ends one person's run: nothing further leaves for them, and this sequence does not take them again (E3, E5). */
export const stopLead = defineTool({
  name: 'stop_lead',
  description: 'Stop contacting one lead in the sequence they are in. For good there; to bar them everywhere, exclude them.',
  examples: ['stop ann@acme.example', 'stop Ann Example in Fall Intro', 'stop contacting Ann Example because she changed jobs'],
  input: z.object({ lead: leadRef, sequence: sequenceRef.optional(), reason: z.string().trim().min(1).max(200).optional() }),
  plan: async (ctx, input) => {
    const run = await runToChange(ctx, input, who => `stop ${who}`);
    if (isRefusal(run)) return run;
    return {
      effect: 'write' as const,
      data: { run, reason: input.reason ?? 'by_hand' },
      summary: `Stop ${run.name} in "${run.sequence}".`,
      reach: 1,
      objects: objectsOf(run),
    };
  },
  before: async (_ctx, { run }) => ({
    ...{ enrollmentId: run.enrollmentId, sequenceId: run.sequenceId, state: run.state },
    pause: run.state === 'paused' ? { until: run.pausedUntil, reason: run.reason ?? 'by_hand' } : null,
  }),
  run: async (ctx, { run, reason }) => {
    await enrollments.end(ctx, { enrollmentIds: [run.enrollmentId], state: 'stopped', reason });
    return { leadId: run.leadId, lead: run.name, email: run.email, sequence: run.sequence, was: run.state, reason };
  },
  undo: async (ctx, { before: { enrollmentId, sequenceId, state, pause }, result: { lead, email, sequence } }) => {
    const inReview = state === 'in_review';
    const { enrollmentIds, stay } = await takenBack.anew(ctx, {
      ...{ sequenceId, enrollmentIds: [enrollmentId], state: inReview ? ('in_review' as const) : ('queued' as const) },
    });
    const [again] = enrollmentIds;
    if (again === undefined) {
      const why = inWords(Object.keys(stay)[0] ?? 'erased');
      return refuse('stays_stopped', `${lead} stays stopped in "${sequence}" (${why}). Another sequence may take them.`, [
        `why ${email ?? lead}`,
        'list sequences',
      ]);
    }
    if (pause) await pauses.pause(ctx, { enrollmentId: again, ...pause });
    const how = inReview
      ? 'waits for review'
      : pause
        ? `is paused${pause.until ? ` until ${day(pause.until)}` : ''}`
        : 'is in line';
    return { said: `${lead} ${how} in "${sequence}" again.` };
  },
  present: ({ lead, email, sequence, was, reason }) => ({
    tone: 'good',
    title: `${lead} is stopped in "${sequence}": nothing further leaves for them.`,
    facts: [
      { label: 'Was', value: was.replaceAll('_', ' ') },
      { label: 'Reason', value: inWords(reason) },
    ],
    next: [`why ${email ?? lead}`, `exclude ${email ?? lead}`],
  }),
});
