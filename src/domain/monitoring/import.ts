import { isEmbedded } from '../../db/transaction.ts';
import { isRefusal, type Refusal, refuse } from '../../errors.ts';
import * as activity from '../activity/index.ts';
import { type Context, mayChange, type Services } from '../context.ts';
import * as lists from '../lists/index.ts';
import type { Candidate } from '../ports.ts';
import * as queries from './queries.ts';
import { addTo, receiptOf } from './refill.ts';
import type { Receipt } from './rules.ts';

export type { ImportedFile } from './queries.ts';

export interface Import {
  listId: number;
  list: string;
  refillId: number;
  /** Did the import create the list? */
  isNew: boolean;
  /** Lines up to this one were dealt with before it was broken off; 0: it begins. */
  through: number;
}

/**
 * Begins an import of `asked` rows into the list of that name, which is created (without criteria) where there is none; or goes on with
 * the import of the same file into it that was broken off.
 * @returns the ids, or a refusal: `nothing_to_import`, `not_yours` (W2), `list_archived`, `bad_name`
 */
export async function openImport(
  ctx: Context,
  { listName, ownerId, asked, file }: { listName: string; ownerId: number; asked: number; file?: queries.ImportedFile },
): Promise<Import | Refusal> {
  if (asked < 1) return refuse('nothing_to_import', 'The file has no row that can be imported. Nothing was written.');
  const found = await lists.named(ctx, listName);
  if (found?.archived_at) return refuse('list_archived', `The list "${found.name}" is archived. Import under another name.`);
  if (found && !mayChange(ctx.actor, found.owner_id)) return lists.notYours(ctx, found);
  const open = found && file && (await queries.brokenOff(ctx.tx, found.id, file.hash));
  if (open) {
    await ctx.tx
      .updateTable('refill')
      .set({ status: 'running', finished_at: null, error: null })
      .where('id', '=', open.id)
      .execute();
    const isNew = found.created_at.equals(open.ordered_at);
    return { listId: found.id, list: found.name, refillId: open.id, isNew, through: open.lines_done };
  }
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
  if (file)
    await ctx.tx
      .insertInto('import_file')
      .values({ refill_id: refill!.id, workspace_id: ctx.workspace.id, ...file })
      .execute();
  return { listId: list.id, list: list.name, refillId: refill!.id, isNew: !found, through: 0 };
}

/** How many rows one transaction takes: each writes a lead and a membership, and on the embedded database everyone waits for it. */
export const rowsAtOnce = ({ db }: Pick<Services, 'db'>): number => (isEmbedded(db) ? 1_000 : 5_000);

export interface Rows {
  listId: number;
  refillId: number;
  candidates: readonly Candidate[];
  /** Of a file: the line of each, rising, and the last line that they deal with. */
  lines?: { of: readonly number[]; through: number };
}

/**
 * Adds up to `rowsAtOnce` rows of a file to the list, in one short transaction that also notes how far it came: lines that were dealt with,
 * before a kill or by another process that imports the same file, are left out. A row that is on the list already, also by an earlier
 * row of the file, counts as such. @returns the receipt so far
 */
export async function importRows(ctx: Context, { listId, refillId, candidates, lines }: Rows): Promise<Receipt> {
  const list = (await lists.lock(ctx, listId))!;
  const done = lines ? ((await queries.linesDone(ctx.tx, refillId)) ?? 0) : 0;
  const row = (await queries.refill(ctx.tx, refillId))!;
  const fresh = lines && done >= lines.of[0]! ? candidates.filter((_, at) => lines.of[at]! > done) : candidates;
  if (!fresh.length) return receiptOf(row);
  const admitted = await lists.admit(ctx, { list, refillId, source: 'csv', want: fresh.length }, fresh);
  const added = await addTo(ctx, row, admitted);
  if (lines) await queries.moveOn(ctx.tx, refillId, lines.through);
  return receiptOf(added);
}

/** Ends an import. @returns its receipt */
export async function closeImport(ctx: Context, refillId: number): Promise<Receipt> {
  const before = await ctx.tx.selectFrom('refill').selectAll().where('id', '=', refillId).forUpdate().executeTakeFirstOrThrow();
  if (before.status === 'done') return receiptOf(before);
  const row = await ctx.tx
    .updateTable('refill')
    .set({ status: 'done', ended: 'exhausted', finished_at: ctx.now, error: null })
    .where('id', '=', refillId)
    .returningAll()
    .executeTakeFirstOrThrow();
  await activity.record(ctx, {
    action: 'import',
    outcome: 'done',
    objects: [`list:${row.list_id}`, `refill:${row.id}`],
    detail: { found: row.found, added: row.added },
  });
  return receiptOf(row);
}
