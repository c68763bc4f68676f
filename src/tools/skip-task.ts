import { z } from 'zod';
import { beforeClosing, planClosing, presentClosing, reopen, runClosing, taskInput } from './task-outcome.ts';
import { defineTool } from './tool.ts';

/** A manual task is left out: no contact, and the next step is due (E3). */
export const skipTask = defineTool({
  name: 'skip_task',
  description: 'Skip the open manual task of a lead; the sequence goes on with the next step, and nobody was contacted by it.',
  examples: [
    'skip the task for Ann Example',
    'skip the task for ann@acme.example',
    'skip the task for Ann Example in Fall Intro',
  ],
  input: z.object(taskInput),
  plan: (ctx, input) => planClosing(ctx, input, 'skipped'),
  before: beforeClosing,
  run: runClosing,
  undo: reopen,
  present: presentClosing,
});
