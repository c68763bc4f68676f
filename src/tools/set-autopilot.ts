import { z } from 'zod';
import * as sequences from '../domain/sequences/index.ts';
import { isRefusal } from '../errors.ts';
import { count } from './report.ts';
import { sequenceRef } from './sequence-report.ts';
import { defineTool } from './tool.ts';

/** Whether leads of a sequence queue at once or wait for a human. Only a human decides; leads in review stay there (E4). */
export const setAutopilot = defineTool({
  name: 'set_autopilot',
  description: 'Switch a sequence between copilot (each lead waits for a human) and autopilot. Only a person can.',
  examples: ['switch Fall Intro to autopilot', 'autopilot Fall Intro on', 'autopilot Fall Intro off'],
  humanOnly: true,
  input: z.object({ sequence: sequenceRef, on: z.boolean() }),
  plan: async (ctx, { sequence: ref, on }) => {
    const sequence = await sequences.mine(ctx, ref);
    if (isRefusal(sequence)) return sequence;
    return {
      effect: 'human' as const,
      data: { sequenceId: sequence.id, mode: on ? ('autopilot' as const) : ('copilot' as const), before: sequence.mode },
      summary: `Put "${sequence.name}" on ${on ? 'autopilot: its leads are contacted without review' : 'copilot: its leads wait for a human'}.`,
      objects: [`sequence:${sequence.id}`],
    };
  },
  run: async (ctx, { sequenceId, mode, before }) => {
    await sequences.setMode(ctx, sequenceId, mode);
    const [overview] = await sequences.overviews(ctx, [sequenceId]);
    return { sequenceId, sequence: overview!.name, mode, before, inReview: overview!.inReview };
  },
  undo: async (ctx, { result: { sequenceId, sequence, before } }) => {
    await sequences.setMode(ctx, sequenceId, before as 'copilot' | 'autopilot');
    return { said: `"${sequence}" is on ${before} again.` };
  },
  present: ({ sequence, mode, before, inReview }) => ({
    tone: 'good',
    title: `"${sequence}" ${mode === before ? 'stays' : 'is now'} on ${mode}.`,
    notes: [
      mode === 'autopilot'
        ? 'Leads that are enrolled from now on are contacted without review.'
        : 'Leads that are enrolled from now on wait for a human.',
      ...(inReview && mode === 'autopilot'
        ? [`${count(inReview, 'lead')} already in review ${inReview === 1 ? 'stays' : 'stay'} there until somebody decides.`]
        : []),
    ],
    next: [`show sequence "${sequence}"`, ...(inReview ? [`review leads of "${sequence}"`] : [])],
  }),
});
