import fc from 'fast-check';
import type { StepInput } from '../../../src/domain/sequences/index.ts';
import { type AnyCommand, command, sequence } from './command.ts';

/** Sequences: their life, their limits and their steps (S). */

const email = (body: string, delayDays: number, subject?: string): StepInput => ({ body, delayDays, subject });
const task = (body: string, delayDays: number): StepInput => ({
  ...{ kind: 'task', title: `Call {{ first_name }} ${body}`, body, delayDays },
});
const opening = 'Hello {{ first_name }}';

/** What sequences say. Every step has a text of its own, by which the mail server's door knows what leaves. */
export const scripts = {
  mails: [email('m1', 0, opening), email('m2', 1), email('m3', 2)],
  call_between: [email('c1', 0, opening), task('c2', 1), email('c3', 1)],
  call_first: [task('f1', 0), email('f2', 1, opening)],
  short: [email('s1', 0, opening)],
  dense: [email('d1', 0, opening), email('d2', 0), task('d3', 1), email('d4', 1, 'And then')],
};
export type Script = keyof typeof scripts;

/** A verb of S1, through its tool. */
const verb = (tool: string, weight: number): AnyCommand =>
  command({ weight, args: fc.record({ sequence }), run: ({ machine }, args) => machine.call(tool, args) });

const hour = (n: number) => `${String(n).padStart(2, '0')}:00`;

export const sequences = {
  pause: verb('pause_sequence', 1),
  activate: verb('activate_sequence', 1),
  finish: command({
    weight: 1,
    args: fc.record({ sequence }),
    run: (story, args) => {
      story.expect('link');
      return story.machine.call('finish_sequence', args);
    },
  }),
  resume: command({
    weight: 2,
    args: fc.record({ sequence, overdue: fc.constantFrom('all', 'end_stale') }),
    run: ({ machine }, args) => machine.call('resume_sequence', args),
  }),
  cap: command({
    weight: 1,
    args: fc.record({ sequence, dailyCap: fc.integer({ min: 1, max: 5 }) }),
    run: async (story, args) => {
      const set = await story.machine.call('edit_sequence', args);
      if (set.outcome === 'done') story.expect('cap', args.sequence, `${args.dailyCap}`);
    },
  }),
  window: command({
    weight: 1,
    args: fc.record({
      sequence,
      days: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 2, maxLength: 7 }),
      from: fc.integer({ min: 0, max: 20 }),
      hours: fc.integer({ min: 1, max: 10 }),
    }),
    run: ({ machine }, { sequence: name, days, from, hours }) =>
      machine.call('edit_sequence', {
        ...{ sequence: name, sendDays: days, sendFrom: hour(from), sendUntil: hour(Math.min(24, from + hours)) },
      }),
  }),
  steps: command({
    weight: 2,
    args: fc.record({
      sequence,
      script: fc.constantFrom(...(Object.keys(scripts) as Script[])),
      moveUnsent: fc.boolean(),
    }),
    run: (story, { sequence: name, script, moveUnsent }) => {
      if (moveUnsent) story.expect('version');
      return story.machine.call('edit_sequence', { sequence: name, steps: scripts[script], moveUnsent });
    },
  }),
};
