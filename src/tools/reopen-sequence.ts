import { z } from 'zod';
import * as sequences from '../domain/sequences/index.ts';
import * as life from '../domain/sequences/life.ts';
import { isRefusal, refuse } from '../errors.ts';
import { count } from './report.ts';
import { capText, paceFacts, sequenceRef } from './sequence-report.ts';
import { finishAgain } from './sequence-undo-life.ts';
import { defineTool } from './tool.ts';

/** Lets a finishing sequence take new people again (S1). It activates, so it asks a human (A1). */
export const reopenSequence = defineTool({
  name: 'reopen_sequence',
  description:
    'Reopen a finishing sequence: it is active again and takes new people. Its lists were unlinked and are linked again by hand.',
  examples: ['reopen Fall Intro', 'open Fall Intro again', 'take new people into Fall Intro again'],
  input: z.object({ sequence: sequenceRef }),
  plan: async (ctx, input) => {
    const sequence = await sequences.mine(ctx, input.sequence);
    if (isRefusal(sequence)) return sequence;
    const { id, name, status } = sequence;
    if (status !== 'finishing') {
      const advice: Record<string, [string, string]> = {
        setup: ['is still being set up. Activate it', `activate "${name}"`],
        active: ['is active already', `show sequence "${name}"`],
        inactive: ['is inactive. Resume it', `resume "${name}"`],
        archived: ['is archived for good. Duplicate it', `duplicate "${name}"`],
      };
      const [what, next] = advice[status]!;
      return refuse(`sequence_${status}`, `"${name}" ${what}; only a finishing sequence can be reopened.`, [next]);
    }
    const missing = await sequences.missing(ctx, sequence);
    if (missing.length) return refuse('not_ready', `"${name}" is not ready: ${missing.join('; ')}.`, [`show sequence "${name}"`]);
    const { inFlight } = await life.ending(ctx, id);
    return {
      effect: 'gated' as const,
      data: { sequenceId: id },
      summary: `Reopen "${name}": it takes new people again.`,
      objects: [`sequence:${id}`],
      binds: { status, version: sequence.version, cap: sequence.daily_cap },
      reach: inFlight,
      card: {
        tone: 'neutral' as const,
        title: `Reopen "${name}"?`,
        facts: [{ label: 'In flight', value: count(inFlight, 'person', 'people') }],
        notes: ['No list is linked to it any more; link them again by hand.'],
      },
    };
  },
  run: async (ctx, { sequenceId }) => {
    const done = await life.reopen(ctx, sequenceId);
    if (isRefusal(done)) return done;
    const [overview] = await sequences.overviews(ctx, [sequenceId]);
    return { sequenceId, sequence: overview!.name, status: done.status, capacity: overview!.capacity, pace: overview!.pace };
  },
  undo: finishAgain,
  present: result => {
    if (isRefusal(result)) return { tone: 'refused', title: result.message };
    const { sequence, capacity, pace } = result;
    return {
      tone: 'good',
      title: `"${sequence}" is active again. Link its lists again to fill it.`,
      facts: [{ label: 'Daily cap', value: capText(capacity) }, ...paceFacts(pace)],
      next: ['show my lists', `show sequence "${sequence}"`],
    };
  },
});
