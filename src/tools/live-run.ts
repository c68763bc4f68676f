import { z } from 'zod';
import { type Context, mayChange } from '../domain/context.ts';
import { type LiveRun, liveRun } from '../domain/enrollments/people.ts';
import * as sequences from '../domain/sequences/index.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';

/** What tools about one person's run take, and how they find it. */

export const leadRef = z.string().trim().min(1).max(300);

/** The run that is meant, if the asker may change it (W2). */
export async function runToChange(
  ctx: Context,
  { lead, sequence: ref }: { lead: string; sequence?: string | undefined },
  phrase: (who: string) => string,
): Promise<LiveRun | Refusal> {
  const sequence = ref === undefined ? undefined : await sequences.resolve(ctx, ref);
  if (isRefusal(sequence)) return sequence;
  const run = await liveRun(ctx, lead, { ...(sequence ? { sequenceId: sequence.id } : {}), phrase });
  if (isRefusal(run) || mayChange(ctx.actor, run.ownerId)) return run;
  return refuse('not_yours', `"${run.sequence}" belongs to ${run.owner}; only they or an admin can change who is in it.`, [
    `show sequence ${run.sequence}`,
  ]);
}

/** 'lead:7' and 'sequence:3': what such a call is about. */
export const objectsOf = ({ leadId, sequenceId }: LiveRun): string[] => [`lead:${leadId}`, `sequence:${sequenceId}`];
