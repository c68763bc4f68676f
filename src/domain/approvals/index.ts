import { type Selectable, sql } from 'kysely';
import type { Approval } from '../../db/types.ts';
import type { Context } from '../context.ts';

/** A pending plan lives a day; after that a press shows a fresh card (A2). */
const lifetime = { hours: 24 };

export interface Request {
  tool: string;
  input: unknown;
  summary: string;
  card: object;
  fingerprint: string;
  reach: number;
  objects: string[];
  requestedBy: number;
  turnId?: number;
  place: Place;
}

/** Where a card is shown, and so where its outcome is told. */
export interface Place {
  surface: 'slack' | 'cli';
  channel?: string;
  root?: string;
}

export type ApprovalRow = Selectable<Approval>;

/** Stores a plan that waits for a human's button; it replaces a waiting one of the same tool for the same objects (A2). */
export async function request(ctx: Context, wanted: Request): Promise<ApprovalRow> {
  const created = await ctx.tx
    .insertInto('approval')
    .values({
      workspace_id: ctx.workspace.id,
      tool: wanted.tool,
      input: wanted.input as object,
      summary: wanted.summary,
      card: wanted.card,
      fingerprint: wanted.fingerprint,
      reach: wanted.reach,
      objects: wanted.objects,
      status: 'pending',
      requested_by: wanted.requestedBy,
      turn_id: wanted.turnId ?? null,
      surface: wanted.place.surface,
      channel: wanted.place.channel ?? null,
      root: wanted.place.root ?? null,
      requested_at: ctx.now,
      expires_at: ctx.now.add(lifetime),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await ctx.tx
    .updateTable('approval')
    .set({ status: 'superseded', superseded_by: created.id, decided_at: ctx.now })
    .where('status', '=', 'pending')
    .where('tool', '=', wanted.tool)
    .where(sql<boolean>`objects = ${wanted.objects}::text[]`)
    .where('id', '!=', created.id)
    .execute();
  return created;
}

/** Reads one and keeps others from deciding it until this transaction ends. */
export const lock = (ctx: Context, approvalId: number): Promise<ApprovalRow | undefined> =>
  ctx.tx.selectFrom('approval').selectAll().where('id', '=', approvalId).forUpdate().executeTakeFirst();

/** Decides a pending approval. It works once: false when somebody was faster. */
export async function decide(ctx: Context, approvalId: number, status: 'approved' | 'cancelled'): Promise<boolean> {
  const decided = await ctx.tx
    .updateTable('approval')
    .set({ status, decided_by: ctx.actor.kind === 'member' ? ctx.actor.id : null, decided_at: ctx.now })
    .where('id', '=', approvalId)
    .where('status', '=', 'pending')
    .executeTakeFirst();
  return decided.numUpdatedRows === 1n;
}

/** Is a card too old to act on? */
export const hasExpired = (approval: ApprovalRow, now: Temporal.Instant): boolean =>
  Temporal.Instant.compare(now, approval.expires_at) >= 0;

/** A2: the plan may reach this many people more than the card showed, and still run. */
export const mayReach = (shown: number): number => shown + Math.max(10, Math.floor(shown / 10));
