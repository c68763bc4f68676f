import { type Selectable, sql } from 'kysely';
import type { Tx } from '../../db/transaction.ts';
import type { Monitoring, Refill } from '../../db/types.ts';

export type MonitoringRow = Selectable<Monitoring>;
export type RefillRow = Selectable<Refill>;

export const of = (tx: Tx, listId: number): Promise<MonitoringRow | undefined> =>
  tx.selectFrom('monitoring').selectAll().where('list_id', '=', listId).executeTakeFirst();

export const lock = (tx: Tx, listId: number): Promise<MonitoringRow | undefined> =>
  tx.selectFrom('monitoring').selectAll().where('list_id', '=', listId).forUpdate().executeTakeFirst();

/** Which of these periods has a list's refill already (M3)? */
export const hasRun = async (tx: Tx, listId: number, period: string): Promise<boolean> =>
  (await tx.selectFrom('refill').select('id').where('list_id', '=', listId).where('period', '=', period).executeTakeFirst()) !==
  undefined;

export const refill = (tx: Tx, id: number): Promise<RefillRow | undefined> =>
  tx.selectFrom('refill').selectAll().where('id', '=', id).executeTakeFirst();

/** Inserts a refill; undefined where the list has one of that period (M3). */
export const insertRefill = (
  tx: Tx,
  row: Pick<RefillRow, 'workspace_id' | 'list_id' | 'kind' | 'period' | 'status' | 'asked' | 'ordered_by' | 'ordered_at'> & {
    criteria: object | null;
  } & Partial<Pick<RefillRow, 'channel' | 'thread_ts'>>,
): Promise<RefillRow | undefined> =>
  tx
    .insertInto('refill')
    .values(row)
    .onConflict(conflict => conflict.columns(['list_id', 'period']).where('period', 'is not', null).doNothing())
    .returningAll()
    .executeTakeFirst();

/** Of a refill: its list, and the Slack user who hears of it: who asked, or where they have left, or nobody did, the list's owner (W3). */
export const hearerOf = async (tx: Tx, id: number): Promise<{ list: string; user: string }> =>
  (
    await sql<{ list: string; user: string }>`
      select list.name as list, coalesce(asker.slack_user_id, owner.slack_user_id) as user
      from refill join list on list.id = refill.list_id join member owner on owner.id = list.owner_id
      left join member asker on asker.id = refill.ordered_by and asker.deactivated_at is null
      where refill.id = ${id}`.execute(tx)
  ).rows[0]!;

/** Where a list's people go, and where they could: its sequence, else the newest active one, a member's own before others'. */
export const wayOn = async (tx: Tx, listId: number, memberId: number): Promise<WayOn> =>
  (
    await sql<WayOn>`
      select (select s.name from link join sequence s on s.id = link.sequence_id where link.list_id = ${listId} and link.ended_at is null) as linked,
        (select name from sequence where status = 'active' order by owner_id = ${memberId} desc, id desc limit 1) as active,
        exists (select from sequence where status in ('setup', 'inactive', 'finishing')) as "hasOthers"`.execute(tx)
  ).rows[0]!;

export interface WayOn {
  linked: string | null;
  active: string | null;
  /** Sequences that could be made active. */
  hasOthers: boolean;
}

/** Open refills of a list that read its source, oldest first: they are carried out in this order. */
export const openRefills = (tx: Tx, listId: number): Promise<{ id: number }[]> =>
  tx
    .selectFrom('refill')
    .select('id')
    .where('list_id', '=', listId)
    .where('kind', '!=', 'import')
    .where('status', 'in', ['queued', 'running'])
    .orderBy('id')
    .execute();

/** Leads that open refills of a list have still to add, at most. */
export const onTheWay = async (tx: Tx, listId: number): Promise<number> =>
  (
    await sql<{ left: number }>`
      select coalesce(sum(asked - added), 0)::int as left from refill
      where list_id = ${listId} and status in ('queued', 'running') and kind <> 'import'`.execute(tx)
  ).rows[0]!.left;

/** Are the criteria of an order still those of its list? */
export const isCurrent = async (tx: Tx, refillId: number): Promise<boolean> =>
  (
    await sql<{ same: boolean }>`
    select refill.criteria = list.criteria as same from refill join list on list.id = refill.list_id where refill.id = ${refillId}`.execute(
      tx,
    )
  ).rows[0]?.same === true;

/** The file of an import. */
export interface ImportedFile {
  /** Without its folder. */
  name: string;
  /** Bytes. */
  size: number;
  /** SHA-256 of its contents. */
  hash: string;
}

/** The import of this file into a list that was broken off, the newest if several were. */
export const brokenOff = (tx: Tx, listId: number, hash: string) =>
  tx
    .selectFrom('import_file')
    .innerJoin('refill', 'refill.id', 'import_file.refill_id')
    .select(['refill.id', 'refill.ordered_at', 'import_file.lines_done'])
    .where('import_file.hash', '=', hash)
    .where('refill.list_id', '=', listId)
    .where('refill.status', 'in', ['running', 'failed'])
    .orderBy('refill.id', 'desc')
    .limit(1)
    .executeTakeFirst();

/** Up to which line an import's file is dealt with, locked; undefined where the import has no file. */
export const linesDone = async (tx: Tx, refillId: number): Promise<number | undefined> =>
  (await tx.selectFrom('import_file').select('lines_done').where('refill_id', '=', refillId).forUpdate().executeTakeFirst())
    ?.lines_done;

/** Moves an import on. What it was asked for is what its file has turned out to hold. */
export const moveOn = (tx: Tx, refillId: number, through: number) =>
  sql`
  with moved as (update import_file set lines_done = ${through} where refill_id = ${refillId})
  update refill set asked = greatest(asked, found) where id = ${refillId}`.execute(tx);
