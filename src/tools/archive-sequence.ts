import { z } from 'zod';
import * as sequences from '../domain/sequences/index.ts';
import * as life from '../domain/sequences/life.ts';
import { isRefusal, refuse } from '../errors.ts';
import { sequencePaceFacts } from './list-pace.ts';
import { count } from './report.ts';
import { sequenceRef } from './sequence-report.ts';
import { defineTool } from './tool.ts';

/** Puts a sequence away for good: lists unlinked, everybody ended, both counted on the card (S1). Always asks a human (A1). */
export const archiveSequence = defineTool({
  name: 'archive_sequence',
  description:
    'Archive a sequence in setup or inactive, for good: its lists are unlinked and everybody still in it ends. Its history stays.',
  examples: ['archive Fall Intro', 'archive the sequence Partner Launch', 'put Fall Intro away for good'],
  input: z.object({ sequence: sequenceRef }),
  plan: async (ctx, input) => {
    const sequence = await sequences.mine(ctx, input.sequence);
    if (isRefusal(sequence)) return sequence;
    const status = sequences.after(sequence, 'archive');
    if (isRefusal(status)) return status;
    const ending = await life.ending(ctx, sequence.id);
    const people = ending.uncontacted + ending.inFlight;
    return {
      effect: 'gated' as const,
      data: { sequenceId: sequence.id, sequence: sequence.name, ...ending },
      summary: `Archive "${sequence.name}" for good: ${count(ending.lists.length, 'list is', 'lists are')} unlinked, ${count(people, 'person ends', 'people end')}.`,
      objects: [`sequence:${sequence.id}`],
      binds: { status: sequence.status, lists: ending.lists },
      reach: people,
      card: {
        tone: 'warning' as const,
        title: `Archive "${sequence.name}" for good?`,
        facts: [
          {
            label: 'Lists unlinked',
            value: ending.lists.length ? `${ending.lists.length}: ${ending.lists.join(', ')}` : 'none',
          },
          { label: 'People in it who end', value: `${people.toLocaleString('en-US')}, of whom ${ending.inFlight} are in flight` },
        ],
        notes: ['An archived sequence cannot be started again; its steps can be duplicated.'],
      },
    };
  },
  run: async (ctx, { sequenceId, ...told }) => {
    const done = await life.archive(ctx, sequenceId);
    if (isRefusal(done)) return done;
    return { sequenceId, ...told, status: done.status, pace: await sequencePaceFacts(ctx, sequenceId) };
  },
  undo: async (_ctx, { result }) => {
    const { sequence } = result as { sequence: string };
    return refuse(
      'archived_for_good',
      `"${sequence}" is archived for good (its people have ended). Duplicate it to go on with its steps.`,
      [`duplicate "${sequence}"`],
    );
  },
  present: result => {
    if (isRefusal(result)) return { tone: 'refused', title: result.message };
    const { sequence, lists, uncontacted, inFlight, pace } = result;
    return {
      tone: 'good',
      title: `"${sequence}" is archived.`,
      facts: [
        { label: 'Lists unlinked', value: lists.join(', ') || 'none' },
        { label: 'Ended', value: count(uncontacted + inFlight, 'person', 'people') },
        ...pace,
      ],
      next: [`duplicate "${sequence}"`, 'list sequences'],
    };
  },
});
