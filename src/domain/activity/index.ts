import type { Context } from '../context.ts';

export { exportCsv, type Filter } from './trail.ts';

export interface Entry {
  action: string;
  effect?: string;
  outcome: string;
  /** What it is about: 'list:3', 'sequence:4', 'lead:9'. */
  objects?: string[];
  /** Ids, counts and names; never message bodies or secrets (A5). */
  detail?: Record<string, unknown>;
  turnId?: number;
  ordinal?: number;
  approvalId?: number;
}

/** Appends one line to the trail, in the transaction of what it tells about. Returns its id. */
export async function record(ctx: Context, entry: Entry): Promise<number> {
  const { id } = await ctx.tx
    .insertInto('activity')
    .values({
      workspace_id: ctx.workspace.id,
      at: ctx.now,
      member_id: ctx.actor.kind === 'member' ? ctx.actor.id : null,
      action: entry.action,
      effect: entry.effect ?? null,
      outcome: entry.outcome,
      objects: entry.objects ?? [],
      detail: entry.detail ?? {},
      turn_id: entry.turnId ?? null,
      ordinal: entry.ordinal ?? null,
      approval_id: entry.approvalId ?? null,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}
