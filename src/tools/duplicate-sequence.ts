import { z } from 'zod';
import * as sequences from '../domain/sequences/index.ts';
import * as life from '../domain/sequences/life.ts';
import { isRefusal } from '../errors.ts';
import { count } from './report.ts';
import { capText, paceText, sequenceRef } from './sequence-report.ts';
import { discard } from './sequence-undo.ts';
import { defineTool } from './tool.ts';

/** A copy of a sequence in setup, owned by whoever asks: steps, schedule, cap and senders, but no lists and no people. */
export const duplicateSequence = defineTool({
  name: 'duplicate_sequence',
  description:
    'Copy a sequence: steps, schedule, holidays, cap and senders, in setup and on copilot, without its lists and people. Anybody may copy any sequence and owns the copy.',
  examples: ['duplicate Fall Intro', 'duplicate Fall Intro as Winter Intro', 'copy the sequence Fall Intro'],
  input: z.object({ sequence: sequenceRef, name: z.string().trim().min(1).max(80).optional() }),
  plan: async (ctx, input) => {
    const sequence = await sequences.resolve(ctx, input.sequence);
    if (isRefusal(sequence)) return sequence;
    const name = input.name ?? (await life.copyName(ctx, sequence.name));
    const fault = await sequences.check(ctx, { name, window: sequences.windowOf(sequence) });
    if (fault) return fault;
    return {
      effect: 'write' as const,
      data: { sequenceId: sequence.id, original: sequence.name, name },
      summary: `Copy "${sequence.name}" as "${name}".`,
      objects: [`sequence:${sequence.id}`],
    };
  },
  run: async (ctx, { sequenceId, original, name }) => {
    const copy = await life.duplicate(ctx, sequenceId, name);
    const [overview] = await sequences.overviews(ctx, [copy.id]);
    return {
      sequenceId: copy.id,
      sequence: copy.name,
      original,
      steps: overview!.steps,
      capacity: overview!.capacity,
      pace: overview!.pace,
      missing: await sequences.missing(ctx, copy),
    };
  },
  made: ({ sequenceId }) => [`sequence:${sequenceId}`],
  undo: discard,
  present: ({ sequence, original, steps, capacity, pace, missing }) => ({
    tone: 'good',
    title: `"${sequence}" is set up as a copy of "${original}"; nothing is sent before it is activated.`,
    facts: [
      { label: 'Steps', value: count(steps, 'step') },
      { label: 'Daily cap', value: capText(capacity) },
      { label: 'Pace', value: paceText(pace) },
      { label: 'Mode', value: 'copilot: each lead waits for a human first' },
    ],
    notes: missing.length ? [`Before it can be activated: ${missing.join('; ')}.`] : [],
    next: [...(missing.length ? [] : [`activate "${sequence}"`]), `show sequence "${sequence}"`],
  }),
});
