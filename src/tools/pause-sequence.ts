import { z } from 'zod';
import * as sequences from '../domain/sequences/index.ts';
import { isRefusal } from '../errors.ts';
import { count } from './report.ts';
import { paceText, sequenceRef } from './sequence-report.ts';
import { goOn, pauseHasOverdue } from './sequence-undo.ts';
import { defineTool } from './tool.ts';

/** Stops a sequence: nothing is sent at all until it is resumed, and its lists sleep with it (S1). */
export const pauseSequence = defineTool({
  name: 'pause_sequence',
  description: 'Pause an active sequence: nothing leaves until it is resumed; lists stay linked and sleep.',
  examples: ['pause Fall Intro', 'stop sending Fall Intro', 'put Fall Intro on hold'],
  input: z.object({ sequence: sequenceRef }),
  plan: async (ctx, input) => {
    const sequence = await sequences.mine(ctx, input.sequence);
    if (isRefusal(sequence)) return sequence;
    const status = sequences.after(sequence, 'pause');
    if (isRefusal(status)) return status;
    const objects = [`sequence:${sequence.id}`];
    return {
      effect: 'write' as const,
      data: { sequenceId: sequence.id, name: sequence.name },
      summary: `Pause "${sequence.name}".`,
      objects,
    };
  },
  run: async (ctx, { sequenceId, name }) => {
    const done = await sequences.pause(ctx, sequenceId);
    if (isRefusal(done)) return done;
    const [overview] = await sequences.overviews(ctx, [sequenceId]);
    const { active = 0, queued = 0, in_review: inReview = 0 } = overview!.enrolled;
    return {
      sequenceId,
      sequence: name,
      unplanned: done.unplanned,
      inFlight: active,
      waiting: queued + inReview,
      lists: overview!.lists,
      pace: overview!.pace,
    };
  },
  undoIsGated: async (ctx, { result, ...undoing }) => !isRefusal(result) && pauseHasOverdue(ctx, { result, ...undoing }),
  undo: (ctx, { result, ...undoing }) => (isRefusal(result) ? Promise.resolve(result) : goOn(ctx, { result, ...undoing })),
  present: result => {
    if (isRefusal(result)) return { tone: 'refused', title: result.message };
    const { sequence, unplanned, inFlight, waiting, lists, pace } = result;
    return {
      tone: 'good',
      title: `"${sequence}" is paused: nothing is sent until it is resumed.`,
      facts: [
        { label: 'Taken off today’s plan', value: count(unplanned, 'message') },
        { label: 'In flight, and waiting', value: count(inFlight, 'person', 'people') },
        { label: 'Not contacted yet', value: count(waiting, 'person', 'people') },
        { label: 'Linked lists', value: lists.length ? `${lists.join(', ')} (they sleep with it)` : 'none' },
        { label: 'Pace', value: paceText(pace) },
      ],
      next: [`resume "${sequence}"`, `show sequence "${sequence}"`],
    };
  },
});
