import { z } from 'zod';
import * as sequences from '../domain/sequences/index.ts';
import * as life from '../domain/sequences/life.ts';
import { isRefusal } from '../errors.ts';
import { sequencePaceFacts } from './list-pace.ts';
import { count } from './report.ts';
import { sequenceRef } from './sequence-report.ts';
import { beforeFinish, unfinish, unfinishIsGated } from './sequence-undo-life.ts';
import { defineTool } from './tool.ts';

/** Takes nobody new any more and lets people in flight finish (S1). Always asks a human (A1). */
export const finishSequence = defineTool({
  name: 'finish_sequence',
  description:
    'Finish a sequence: its lists are unlinked and nobody new is contacted; people in flight get their remaining steps, then it becomes inactive by itself.',
  examples: ['finish Fall Intro', 'wind down Fall Intro', 'let Fall Intro run out'],
  input: z.object({ sequence: sequenceRef }),
  plan: async (ctx, input) => {
    const sequence = await sequences.mine(ctx, input.sequence);
    if (isRefusal(sequence)) return sequence;
    const status = sequences.after(sequence, 'finish');
    if (isRefusal(status)) return status;
    const ending = await life.ending(ctx, sequence.id);
    const sleeps = sequence.status === 'inactive' && ending.inFlight > 0;
    return {
      effect: 'gated' as const,
      data: { sequenceId: sequence.id, sequence: sequence.name, ...ending },
      summary: `Finish "${sequence.name}": nobody new, and people in flight get their remaining steps.`,
      objects: [`sequence:${sequence.id}`],
      binds: { status: sequence.status, lists: ending.lists },
      reach: ending.uncontacted + ending.inFlight,
      card: {
        tone: 'warning' as const,
        title: `Finish "${sequence.name}"?`,
        facts: [
          { label: 'Lists unlinked', value: ending.lists.join(', ') || 'none' },
          { label: 'Leave uncontacted', value: count(ending.uncontacted, 'person', 'people') },
          { label: 'In flight, get their remaining steps', value: count(ending.inFlight, 'person', 'people') },
        ],
        notes: [
          'It becomes inactive by itself after the last of them; until then it can be reopened.',
          ...(sleeps ? ['It is paused now: finishing wakes it for the people in flight, under its daily cap.'] : []),
        ],
      },
    };
  },
  before: beforeFinish,
  run: async (ctx, { sequenceId, ...told }) => {
    const done = await life.finish(ctx, sequenceId);
    if (isRefusal(done)) return done;
    return { sequenceId, ...told, status: done.status, pace: await sequencePaceFacts(ctx, sequenceId) };
  },
  undoIsGated: unfinishIsGated,
  undo: unfinish,
  present: result => {
    if (isRefusal(result)) return { tone: 'refused', title: result.message };
    const { sequence, status, lists, uncontacted, inFlight, pace } = result;
    return {
      tone: 'good',
      title:
        status === 'inactive'
          ? `"${sequence}" is finished: nobody was in flight, so it is inactive.`
          : `"${sequence}" is finishing: nobody new, and people in flight get their remaining steps.`,
      facts: [
        { label: 'Lists unlinked', value: lists.join(', ') || 'none' },
        { label: 'Left uncontacted', value: count(uncontacted, 'person', 'people') },
        { label: 'In flight', value: count(inFlight, 'person', 'people') },
        ...pace,
      ],
      next: [`show sequence "${sequence}"`, status === 'finishing' ? `reopen "${sequence}"` : `resume "${sequence}"`],
    };
  },
});
