import type { Period } from '../../calendar.ts';
import { type Refusal, refuse } from '../../errors.ts';
import type { Context } from '../context.ts';
import type { ListRow } from '../lists/index.ts';
import type { MonitoringRow, WayOn } from './queries.ts';
import * as queries from './queries.ts';
import { order } from './refill.ts';
import { amounts, latestMissed, orders, periodAfter, periodIn, type Standing } from './rules.ts';

export { closeImport, type Import, type ImportedFile, importRows, openImport, rowsAtOnce } from './import.ts';
export type { MonitoringRow, RefillRow, WayOn } from './queries.ts';
export { carryOut, type Order, order, receiptOf, type Tell } from './refill.ts';
export { orderOf, type Receipt, summary } from './rules.ts';

/** A list's standing order; undefined: off. */
export const of = (ctx: Context, listId: number): Promise<MonitoringRow | undefined> => queries.of(ctx.tx, listId);

/** How many leads were ordered for a list and have not arrived yet, at most. */
export const onTheWay = (ctx: Context, listId: number): Promise<number> => queries.onTheWay(ctx.tx, listId);

/** Of an order that has ended: its list, and whom to tell directly where it was not ordered in Slack. */
export const hearerOf = (ctx: Context, refillId: number): Promise<{ list: string; user: string }> =>
  queries.hearerOf(ctx.tx, refillId);

/** What can be done with a list's people next, by a member. */
export const wayOn = (ctx: Context, listId: number, memberId: number): Promise<WayOn> => queries.wayOn(ctx.tx, listId, memberId);

export interface Wanted {
  cadence: 'off' | Standing['cadence'];
  amount?: number;
  weekday?: number;
}

const standing = (row: MonitoringRow): Standing => ({
  cadence: row.cadence as Standing['cadence'],
  amount: row.amount,
  weekday: row.weekday,
});

/** A standing order without its times; null: off. */
export const standingOf = (row: MonitoringRow | undefined): Standing | null => (row ? standing(row) : null);

/**
 * The standing order that a wish comes to (M1): what it leaves open stays as it is, a weekly one runs on Mondays unless said.
 * @returns null for off, or a refusal: `amount_out_of_range`, `how_many`, `weekday_needs_weekly`, `no_criteria`
 */
export function plan(list: ListRow, before: MonitoringRow | undefined, wanted: Wanted): Standing | null | Refusal {
  if (wanted.cadence === 'off') return null;
  if (list.criteria === null) return noCriteria(list);
  const amount = wanted.amount ?? before?.amount;
  const examples = [`add 20 to "${list.name}" every day`, `add 100 to "${list.name}" every Monday`];
  if (amount === undefined) return refuse('how_many', `How many new leads should "${list.name}" get each time?`, examples);
  if (!Number.isInteger(amount) || amount < amounts.least || amount > amounts.most)
    return refuse('amount_out_of_range', `Monitoring adds between 1 and 1,000 leads at a time, not ${amount}.`, examples);
  if (wanted.cadence !== 'weekly')
    return wanted.weekday === undefined
      ? { cadence: wanted.cadence, amount, weekday: null }
      : refuse('weekday_needs_weekly', 'A weekday goes with a weekly order. Weekly on that day, or daily?', examples);
  return { cadence: 'weekly', amount, weekday: wanted.weekday ?? before?.weekday ?? 1 };
}

/** What to answer where an order needs criteria and the list is a bare file. */
export const noCriteria = (list: Pick<ListRow, 'name' | 'source'>): Refusal =>
  refuse(
    'no_criteria',
    `"${list.name}" ${list.source === 'combined' ? 'was made from other lists' : 'came from a file'}, so I do not know who else belongs on it. Tell me who to look for first.`,
    [`"${list.name}" should look for VPs of Sales at fintechs in Germany`],
  );

/** Checks the size of a single order. */
export const outOfRange = (list: Pick<ListRow, 'name'>, count: number): Refusal | undefined =>
  Number.isInteger(count) && count >= orders.least && count <= orders.most
    ? undefined
    : refuse('count_out_of_range', `One order adds between 1 and 10,000 leads, not ${count.toLocaleString('en-US')}.`, [
        `add 200 to "${list.name}"`,
      ]);

/**
 * Sets or ends a list's standing order. A new or changed one first runs at the next refill time whose period has had no refill yet,
 * whatever was ordered before (M3); a run that is already due keeps its old order. @returns its first run, null for off
 */
export async function set(ctx: Context, { listId, to }: { listId: number; to: Standing | null }): Promise<Period | null> {
  const before = await queries.lock(ctx.tx, listId);
  if (!to) {
    await ctx.tx.deleteFrom('monitoring').where('list_id', '=', listId).execute();
    return null;
  }
  if (before) await runLocked(ctx, before);
  const period = await nextUnrun(ctx, listId, ctx.now, to);
  const values = {
    ...to,
    next_due_at: period.at,
    next_period: period.key,
    changed_at: ctx.now,
    changed_by: ctx.actor.kind === 'member' ? ctx.actor.id : null,
  };
  await ctx.tx
    .insertInto('monitoring')
    .values({ list_id: listId, workspace_id: ctx.workspace.id, ...values })
    .onConflict(conflict => conflict.column('list_id').doUpdateSet(values))
    .execute();
  return period;
}

/** The first period that begins after an instant and has had no refill: a list runs once a period, however often its order changes. */
async function nextUnrun(ctx: Context, listId: number, after: Temporal.Instant, to: Standing): Promise<Period> {
  for (let at = after; ; ) {
    const period = periodAfter(at, to, ctx.workspace.zone);
    if (!(await queries.hasRun(ctx.tx, listId, period.key))) return period;
    at = period.at;
  }
}

/**
 * Orders a list's refill where one is due: the latest missed period's, once; older ones are not made up (M3). It works by the standing
 * order alone and touches nothing else (M5). @returns the refill, or null where none was due
 */
export async function runDue(ctx: Context, listId: number): Promise<number | null> {
  const row = await queries.lock(ctx.tx, listId);
  return row ? runLocked(ctx, row) : null;
}

async function runLocked(ctx: Context, row: MonitoringRow): Promise<number | null> {
  if (Temporal.Instant.compare(row.next_due_at, ctx.now) > 0) return null;
  const to = standing(row);
  const { key } = latestMissed({ at: row.next_due_at, key: row.next_period }, ctx.now, to, ctx.workspace.zone);
  const refillId = await order(ctx, {
    listId: row.list_id,
    asked: row.amount,
    kind: 'monitoring',
    period: key,
    orderedBy: null,
  });
  const next = await nextUnrun(ctx, row.list_id, ctx.now, to);
  await ctx.tx
    .updateTable('monitoring')
    .set({ next_due_at: next.at, next_period: next.key })
    .where('list_id', '=', row.list_id)
    .execute();
  return refillId;
}

/**
 * Moves every standing order's next run to the refill time of the workspace's zone, after the zone has changed. Its period stays the
 * same one, so that no period is left out and none runs twice (M3).
 */
export async function reschedule(ctx: Context): Promise<void> {
  const { zone } = await ctx.tx
    .selectFrom('workspace')
    .select('zone')
    .where('id', '=', ctx.workspace.id)
    .executeTakeFirstOrThrow();
  const rows = await ctx.tx.selectFrom('monitoring').selectAll().orderBy('list_id').forUpdate().execute();
  for (const row of rows)
    await ctx.tx
      .updateTable('monitoring')
      .set({ next_due_at: periodIn(row.next_period, row, zone).at })
      .where('list_id', '=', row.list_id)
      .execute();
}
