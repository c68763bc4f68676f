import { z } from 'zod';
import { beforeClosing, planClosing, presentClosing, reopen, runClosing, taskInput } from './task-outcome.ts';
import { defineTool } from './tool.ts';

/** The owner did a manual task: it counts as contact, and the next step is due (E3). */
export const finishTask = defineTool({
  name: 'finish_task',
  description: 'Mark the open manual task of a lead as done, with an optional note; the sequence goes on with the next step.',
  examples: [
    'finish the task for Ann Example',
    'task for ann@acme.example is done',
    'mark the task for ann@acme.example as done',
  ],
  input: z.object({ ...taskInput, note: z.string().trim().min(1).max(2_000).optional() }),
  plan: (ctx, input) => planClosing(ctx, input, 'done'),
  before: beforeClosing,
  run: runClosing,
  undo: reopen,
  present: presentClosing,
});
