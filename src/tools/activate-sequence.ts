import { z } from 'zod';
import * as senders from '../domain/senders/index.ts';
import * as sequences from '../domain/sequences/index.ts';
import { isRefusal, refuse } from '../errors.ts';
import { capText, paceFacts, sequenceRef, stepsTable, windowText } from './sequence-report.ts';
import { deactivate, snapshot } from './sequence-undo.ts';
import { defineTool } from './tool.ts';

/** Starts a sequence that is ready; what is missing is listed at once (S1, S2). Always asks a human (A1). */
export const activateSequence = defineTool({
  name: 'activate_sequence',
  description: 'Activate a sequence that is set up, so that lists can be linked to it and messages leave.',
  examples: ['activate Partner Launch', 'start Partner Launch', 'switch Partner Launch on'],
  input: z.object({ sequence: sequenceRef }),
  plan: async (ctx, input) => {
    const sequence = await sequences.mine(ctx, input.sequence);
    if (isRefusal(sequence)) return sequence;
    const status = sequences.after(sequence, 'activate');
    if (isRefusal(status)) return status;
    const missing = await sequences.missing(ctx, sequence);
    if (missing.length)
      return refuse('not_ready', `"${sequence.name}" is not ready: ${missing.join('; ')}.`, [
        ...(ctx.workspace.postal_address?.trim() ? [] : ['set the postal address to "1 Example Street, London"']),
        `show sequence "${sequence.name}"`,
      ]);
    const [overview] = await sequences.overviews(ctx, [sequence.id]);
    const addresses = (await sequences.sendersOf(ctx, sequence.id)).map(sender => sender.address);
    const steps = await sequences.stepsOf(ctx, sequence);
    const blind = steps.filter(step => step.kind === 'email').length > 1 ? await senders.blind(ctx, sequence.id) : [];
    const inFlight = overview!.enrolled.active ?? 0;
    return {
      effect: 'gated' as const,
      data: { sequenceId: sequence.id },
      summary: `Activate "${sequence.name}": from now on it contacts people.`,
      objects: [`sequence:${sequence.id}`],
      binds: { status: sequence.status, version: sequence.version, cap: sequence.daily_cap, mode: sequence.mode },
      reach: inFlight,
      card: {
        tone: 'warning' as const,
        title: `Activate "${sequence.name}"?`,
        facts: [
          { label: 'Daily cap', value: capText(overview!.capacity) },
          { label: 'Window', value: windowText(sequences.windowOf(sequence)) },
          { label: 'Senders', value: addresses.join(', ') },
          {
            label: 'Mode',
            value: sequence.mode === 'autopilot' ? 'autopilot: nobody reviews' : 'copilot: each lead waits for a human first',
          },
          ...paceFacts(overview!.pace),
        ],
        tables: stepsTable(steps),
        notes: blind.length
          ? [`Nobody reads the replies to ${blind.join(', ')}: follow-ups leave even to people who have answered.`]
          : [],
      },
    };
  },
  before: snapshot,
  run: async (ctx, { sequenceId }) => {
    const done = await sequences.activate(ctx, sequenceId);
    if (isRefusal(done)) return done;
    const [overview] = await sequences.overviews(ctx, [sequenceId]);
    return { sequenceId, sequence: overview!.name, status: done.status, capacity: overview!.capacity, pace: overview!.pace };
  },
  undo: (ctx, { result, ...undoing }) => (isRefusal(result) ? Promise.resolve(result) : deactivate(ctx, { result, ...undoing })),
  present: result => {
    if (isRefusal(result)) return { tone: 'refused', title: result.message };
    const { sequence, capacity, pace } = result;
    return {
      tone: 'good',
      title: `"${sequence}" is active.`,
      facts: [{ label: 'Daily cap', value: capText(capacity) }, ...paceFacts(pace)],
      next: [`show sequence "${sequence}"`, `pause "${sequence}"`, 'show my lists'],
    };
  },
});
