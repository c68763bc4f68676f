import { isRefusal, type Refusal, refuse } from '../../errors.ts';
import { type Context, mayChange } from '../context.ts';
import * as lists from '../lists/index.ts';
import type { Candidate } from '../ports.ts';
import * as queries from './queries.ts';
import { addTo, receiptOf } from './refill.ts';
import type { Receipt } from './rules.ts';

export interface Import {
  listId: number;
  list: string;
  refillId: number;
  /** Did the import create the list? */
  isNew: boolean;
}

/**
 * Begins an import of `asked` rows into the list of that name, which is created (without criteria) where there is none.
 * @returns the ids, or a refusal: `nothing_to_import`, `not_yours` (W2), `list_archived`, `bad_name`
 */
export async function openImport(
  ctx: Context,
  { listName, ownerId, asked }: { listName: string; ownerId: number; asked: number },
): Promise<Import | Refusal> {
  if (asked < 1) return refuse('nothing_to_import', 'The file has no row that can be imported. Nothing was written.');
  const found = await lists.named(ctx, listName);
  if (found?.archived_at) return refuse('list_archived', `The list "${found.name}" is archived. Import under another name.`);
  if (found && !mayChange(ctx.actor, found.owner_id)) return lists.notYours(ctx, found);
  const list = found ?? (await lists.create(ctx, { name: listName, ownerId, source: 'csv', criteria: null }));
  if (isRefusal(list)) return list;
  const refill = await queries.insertRefill(ctx.tx, {
    workspace_id: ctx.workspace.id,
    list_id: list.id,
    kind: 'import',
    period: null,
    status: 'running',
    asked,
    criteria: null,
    ordered_by: ctx.actor.kind === 'member' ? ctx.actor.id : null,
    ordered_at: ctx.now,
  });
  return { listId: list.id, list: list.name, refillId: refill!.id, isNew: !found };
}

/**
 * Adds up to 1,000 rows of a file to the list, in one short transaction. A row that is on the list already, also by an earlier row of
 * the file, counts as such. @returns the receipt so far
 */
export async function importRows(
  ctx: Context,
  { listId, refillId, candidates }: { listId: number; refillId: number; candidates: readonly Candidate[] },
): Promise<Receipt> {
  const list = (await lists.lock(ctx, listId))!;
  const row = (await queries.refill(ctx.tx, refillId))!;
  const admitted = await lists.admit(ctx, { list, refillId, source: 'csv', want: candidates.length }, candidates);
  return receiptOf(await addTo(ctx, row, admitted));
}

/** Ends an import. @returns its receipt */
export async function closeImport(ctx: Context, refillId: number): Promise<Receipt> {
  const row = await ctx.tx
    .updateTable('refill')
    .set({ status: 'done', ended: 'exhausted', finished_at: ctx.now })
    .where('id', '=', refillId)
    .returningAll()
    .executeTakeFirstOrThrow();
  return receiptOf(row);
}
