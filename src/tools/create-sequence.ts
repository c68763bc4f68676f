import { z } from 'zod';
import * as sequences from '../domain/sequences/index.ts';
import { isRefusal } from '../errors.ts';
import { count } from './report.ts';
import { capText, paceFacts, settings, usualWindow, windowFrom, windowText } from './sequence-report.ts';
import { discard } from './sequence-undo.ts';
import { defineTool } from './tool.ts';

/** A new sequence in setup; absent settings come from the workspace, with a cap of 20 and copilot (S1, E4). */
export const createSequence = defineTool({
  name: 'create_sequence',
  description:
    'Create a sequence in setup: name, steps (e-mails, and tasks for its owner), daily cap, send window, senders. Nothing is sent before it is activated.',
  examples: [
    'create a sequence called Spring Intro',
    'create a sequence "Spring Intro" with a daily cap of 30',
    'new sequence Partner Follow-up',
  ],
  input: z.object({ name: z.string().trim().min(1).max(80), ...settings }),
  plan: async (ctx, { name, steps = [], dailyCap = 20, senders, ...window }) => {
    const wanted = windowFrom(usualWindow(ctx), window);
    if (isRefusal(wanted)) return wanted;
    const fault = await sequences.check(ctx, { name, steps, window: wanted });
    if (fault) return fault;
    const senderIds = await sequences.resolveSenders(ctx, senders);
    if (isRefusal(senderIds)) return senderIds;
    const { holidays: _, ...hours } = wanted;
    const setup = { name, steps, dailyCap, window: hours, senderIds };
    return { effect: 'write' as const, data: setup, summary: `Create the sequence "${name}".` };
  },
  run: async (ctx, { window, ...setup }) => {
    const sequence = await sequences.create(ctx, { ...setup, window: { ...window, holidays: new Set() } });
    const [overview] = await sequences.overviews(ctx, [sequence.id]);
    return {
      sequenceId: sequence.id,
      sequence: sequence.name,
      status: sequence.status,
      mode: sequence.mode,
      steps: setup.steps.length,
      window: { zone: window.zone, days: window.days, from: window.from, until: window.until },
      senders: (await sequences.sendersOf(ctx, sequence.id)).map(sender => sender.address),
      capacity: overview!.capacity,
      pace: overview!.pace,
      missing: await sequences.missing(ctx, sequence),
    };
  },
  made: ({ sequenceId }) => [`sequence:${sequenceId}`],
  undo: discard,
  present: ({ sequence, steps, window, senders, capacity, pace, missing }) => ({
    tone: 'good',
    title: `"${sequence}" is set up with ${count(steps, 'step')}; nothing is sent before it is activated.`,
    facts: [
      { label: 'Daily cap', value: capText(capacity) },
      { label: 'Window', value: windowText(window) },
      { label: 'Senders', value: senders.join(', ') || 'none' },
      { label: 'Mode', value: 'copilot: each lead waits for a human first' },
      ...paceFacts(pace),
    ],
    notes: missing.length ? [`Before it can be activated: ${missing.join('; ')}.`] : [],
    next: missing.length ? [`show sequence "${sequence}"`] : [`activate "${sequence}"`, `show sequence "${sequence}"`],
  }),
});
