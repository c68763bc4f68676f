import { z } from 'zod';
import type { Context } from '../domain/context.ts';
import type { LiveRun } from '../domain/enrollments/people.ts';
import * as messages from '../domain/messages/index.ts';
import * as takenBack from '../domain/messages/taken-back.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { leadRef, objectsOf, runToChange } from './live-run.ts';
import { day, type Report } from './report.ts';
import { sequenceRef } from './sequence-report.ts';
import type { Plan, Undoing, Undone } from './tool.ts';

/** What finishing and skipping a manual task share. */

export const taskInput = {
  lead: leadRef,
  sequence: sequenceRef.optional(),
  task: z.int().positive().optional().describe('Only from a button: that task and no later one'),
};

interface Closing {
  run: LiveRun;
  messageId: number;
  title: string;
  as: 'done' | 'skipped';
  note: string | null;
}

export async function planClosing(
  ctx: Context,
  input: { lead: string; sequence?: string | undefined; task?: number | undefined; note?: string | undefined },
  as: Closing['as'],
): Promise<Plan<Closing> | Refusal> {
  const verb = as === 'done' ? 'finish' : 'skip';
  const run = await runToChange(ctx, input, who => `${verb} the task for ${who}`);
  if (isRefusal(run)) return input.task && ['not_live', 'unknown_lead'].includes(run.code) ? closed : run;
  const open = await messages.openTaskOf(ctx, run.enrollmentId);
  if (input.task && open?.messageId !== input.task) return closed;
  if (!open)
    return refuse(
      'no_task',
      `No task is open for ${run.name} in "${run.sequence}": they are ${run.state.replaceAll('_', ' ')}.`,
      [`why ${run.email ?? run.name}`],
    );
  return {
    effect: 'write',
    data: { run, messageId: open.messageId, title: open.title, as, note: input.note ?? null },
    summary: `${as === 'done' ? 'Finish' : 'Skip'} the task "${open.title}" for ${run.name}.`,
    reach: 1,
    objects: objectsOf(run),
  };
}

const closed = refuse(
  'task_closed',
  'That task is not open any more: somebody finished or skipped it, or the lead left the sequence.',
  ['status'],
);

export interface Closed {
  messageId: number;
  leadId: number;
  lead: string;
  email: string | null;
  sequenceId: number;
  sequence: string;
  title: string;
  as: 'done' | 'skipped';
  completed: boolean;
  nextDueOn: string | null;
}

export async function runClosing(ctx: Context, { run, messageId, title, as, note }: Closing): Promise<Closed | Refusal> {
  const after = await messages.closeTask(ctx, { messageId, as, note });
  if (!after) return closed;
  const { leadId, name: lead, email, sequenceId, sequence } = run;
  return { messageId, leadId, lead, email, sequenceId, sequence, title, as, ...after };
}

export const beforeClosing = (ctx: Context, { run }: Closing): Promise<takenBack.AtTask> =>
  takenBack.atTask(ctx, run.enrollmentId);

/** The task is open again, unless the next step has begun, or the run has ended or paused: no end follows itself backwards (E3). */
export async function reopen(
  ctx: Context,
  { before, result }: Undoing<takenBack.AtTask, Closed | Refusal>,
): Promise<Undone | Refusal> {
  // A refusal wrote nothing, and is not kept.
  const { messageId, lead, email, sequence, title } = result as Closed;
  const who = email ?? lead;
  const became = await takenBack.reopenTask(ctx, { messageId, before });
  if (became === 'opened') return { said: `the task "${title}" for ${lead} is open again.` };
  if (became === 'begun')
    return refuse('has_left', `The next step for ${lead} is under way, so the task stays closed. Stop or pause them instead.`, [
      `stop ${who}`,
      `pause ${who}`,
    ]);
  const { state } = became;
  if (state === 'paused') return refuse('changed_since', `${lead} is paused by now, so the task stays closed.`, [`why ${who}`]);
  return refuse(
    'run_ended',
    `${lead} is ${state.replaceAll('_', ' ')} in "${sequence}" by now, and a run that has ended stays so.`,
    [`why ${who}`],
  );
}

export function presentClosing(result: Closed | Refusal): Report {
  if (isRefusal(result)) return { tone: 'refused', title: result.message };
  const { lead, email, sequence, title, as, nextDueOn } = result;
  return {
    tone: 'good',
    title: `${as === 'done' ? 'Done' : 'Skipped'}: "${title}" for ${lead}.`,
    facts: [
      { label: 'Sequence', value: sequence },
      { label: 'Next', value: nextDueOn ? `the next step is due ${day(nextDueOn)}` : 'that was the last step' },
    ],
    next: [`why ${email ?? lead}`, `show sequence "${sequence}"`],
  };
}
