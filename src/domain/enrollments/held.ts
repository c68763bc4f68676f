import { sql } from 'kysely';
import { planDay } from '../../queues.ts';
import type { Context } from '../context.ts';
import * as messages from '../messages/index.ts';
import * as queries from './queries.ts';

/** What a lead may lack so that its message is held, and the reasons with which the gate then keeps it (D3, S8). */
const lacks = {
  variable: ['missing_variable', 'template_error', 'empty_message'],
  address: ['no_email', 'bad_address'],
} as const;

/** Something that a lead lacked and now has. */
export interface Mended {
  leadId: number;
  what: keyof typeof lacks;
}

/**
 * What was held for something that its lead lacked goes on: the lead is in the queue again, and its message gets a new time (S3). The
 * gate looks again at hand-over, and holds it for whatever else is missing. Takes their sequences first, as everybody who sends does.
 * @returns the names of their sequences, one a run
 */
export async function goOn(ctx: Context, mended: readonly Mended[]): Promise<string[]> {
  const reasons = mended.flatMap(({ leadId, what }) => lacks[what].map(reason => ({ leadId, reason })));
  if (!reasons.length) return [];
  const { rows: held } = await sql<{ id: number; sequenceId: number }>`
    select run.id, run.sequence_id as "sequenceId"
    from unnest(${reasons.map(each => each.leadId)}::bigint[], ${reasons.map(each => each.reason)}::text[]) as mended (lead_id, reason)
    cross join lateral (select id, sequence_id from enrollment where workspace_id = ${ctx.workspace.id} and lead_id = mended.lead_id
      and held_reason = mended.reason and ended_at is null offset 0) run`.execute(ctx.tx);
  if (!held.length) return [];
  const sequenceIds = [...new Set(held.map(run => run.sequenceId))];
  await queries.lockSequences(ctx.tx, sequenceIds);
  const { rows: released } = await sql<{ id: number; sequence: string }>`
    with locked as materialized (
      select id from enrollment where id = any(${held.map(run => run.id)}::bigint[]) and ended_at is null order by id for no key update)
    update enrollment e set held_reason = null from locked, sequence s where e.id = locked.id and s.id = e.sequence_id
    returning e.id, s.name as sequence`.execute(ctx.tx);
  await messages.dropPlanned(
    ctx,
    released.map(run => run.id),
  );
  for (const sequenceId of sequenceIds) await ctx.enqueue(planDay, { workspaceId: ctx.workspace.id, sequenceId });
  return released.map(run => run.sequence);
}
