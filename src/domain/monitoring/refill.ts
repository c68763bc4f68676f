import { setImmediate } from 'node:timers/promises';
import { dateIn } from '../../calendar.ts';
import { Unavailable } from '../../errors.ts';
import { refillList } from '../../queues.ts';
import * as activity from '../activity/index.ts';
import { type Context, drover, enter, type Services } from '../context.ts';
import * as enrollments from '../enrollments/index.ts';
import * as links from '../links/index.ts';
import type { Criteria } from '../lists/criteria.ts';
import * as lists from '../lists/index.ts';
import { widest } from '../lists/preview.ts';
import { wordsFor } from '../lists/rules.ts';
import type { Candidate } from '../ports.ts';
import type { RefillRow } from './queries.ts';
import * as queries from './queries.ts';
import {
  budget,
  type Position,
  type Progress,
  pageSize,
  plus,
  positionText,
  type Receipt,
  readPosition,
  startAt,
} from './rules.ts';

export interface Order {
  listId: number;
  asked: number;
  kind: 'monitoring' | 'order';
  /** Only of monitoring: the period that it runs for, once (M3). */
  period?: string;
  /** The list's own where absent. */
  criteria?: Criteria;
  /** The member who asked; null: Drover, by a standing order. */
  orderedBy: number | null;
  /** Where in Slack they asked: the receipt goes there. */
  from?: { channel: string; threadTs: string | null } | null;
}

/** Orders leads for a list; a job fetches them. @returns the refill's id, or null where the list has one for that period (M3) */
export async function order(ctx: Context, wanted: Order): Promise<number | null> {
  const list = await lists.byId(ctx, wanted.listId);
  const created = await queries.insertRefill(ctx.tx, {
    workspace_id: ctx.workspace.id,
    list_id: wanted.listId,
    kind: wanted.kind,
    period: wanted.period ?? null,
    status: 'queued',
    asked: wanted.asked,
    criteria: wanted.criteria ?? (list?.criteria as object | null | undefined) ?? null,
    ordered_by: wanted.orderedBy,
    ordered_at: ctx.now,
    channel: wanted.from?.channel ?? null,
    thread_ts: wanted.from?.threadTs ?? null,
  });
  if (!created) return null;
  await ctx.enqueue(refillList, { workspaceId: ctx.workspace.id, refillId: created.id });
  return created.id;
}

export const receiptOf = (row: RefillRow): Receipt => ({
  asked: row.asked,
  found: row.found,
  added: row.added,
  skipped: row.skipped as Record<string, number>,
  ended: row.ended as Receipt['ended'],
  enrolled: row.enrolled,
  notEnrolled: row.not_enrolled as Record<string, number>,
});

/** What a refill needs of its source next. */
interface Errand {
  source: string;
  criteria: Criteria;
  progress: Progress;
  want: number;
  asOf: Temporal.PlainDate;
}

interface Page {
  candidates: Candidate[];
  cursor: string | null;
  exhausted: boolean;
}

/** A source that has not answered for this long is not asked again for the same order. */
const patience = { hours: 24 };

/** Hears of a refill that has ended, well or not, in the transaction that ends it: once, whatever is tried again. */
export type Tell = (ctx: Context, refill: RefillRow) => Promise<void>;

/**
 * Carries out a refill (M2, L5): asks the source page by page, outside any transaction, and adds each page's new leads, the counts and
 * the position in one short transaction; so a crash resumes exactly, and any number of workers add N and not more. Refills of one list
 * run one after the other. When the source's end is reached by an order that began further on, it looks once more from the start, where
 * people may meanwhile be eligible.
 * @throws what the source throws; the order stays open and is tried again
 */
export async function carryOut(
  services: Services,
  workspaceId: number,
  refillId: number,
  { signal, tell = async () => {} }: { signal?: AbortSignal | undefined; tell?: Tell } = {},
): Promise<void> {
  const inside = <R>(work: (ctx: Context) => Promise<R>) => enter(services, workspaceId, drover, work);
  while (!signal?.aborted) {
    const errand = await inside(ctx => begin(ctx, refillId, tell));
    if (!errand) return;
    let page: Page;
    try {
      page = await ask(services, errand);
    } catch (error) {
      await inside(ctx => postpone(ctx, refillId, errand.source, tell));
      throw error;
    }
    const widen = whatIsNew(errand.progress, page).isLast && errand.progress.fromStart ? await advice(services, errand) : null;
    if (await inside(ctx => takePage(ctx, refillId, errand.progress, page, { widen, tell }))) return;
    // The embedded database yields only microtasks: timers and sockets get their turn here.
    await setImmediate();
  }
}

/** Which filter left out would find most: what a refill says that falls short since nobody else matches (M8). */
interface Widening {
  filter: string;
  total: number;
  more: number;
  words: string;
}

/** Asked before a page is taken that may be the last, so that the receipt has it. A source that does not answer now leaves it out. */
async function advice(services: Services, { source: name, criteria, asOf }: Errand): Promise<Widening | null> {
  const source = services.sources[name];
  if (!source) return null;
  try {
    const [now, best] = [(await source.preview(criteria, asOf)).total, await widest(source, criteria, asOf)];
    if (!best || best.total <= now) return null;
    return { filter: best.filter, total: best.total, more: best.total - now, words: wordsFor(best.rest) };
  } catch (error) {
    services.log.warn({ err: error, source: name }, 'a source did not say what would find more');
    return null;
  }
}

/** The next errand of a refill; undefined where it has ended, or an older one of the list goes first. */
async function begin(ctx: Context, refillId: number, tell: Tell): Promise<Errand | undefined> {
  const row = await queries.refill(ctx.tx, refillId);
  if (!row || row.status === 'done' || row.status === 'failed') return undefined;
  if (row.kind === 'import') return void (await giveUpImport(ctx, row));
  const list = (await lists.lock(ctx, row.list_id))!;
  const [oldest] = await queries.openRefills(ctx.tx, row.list_id);
  if (oldest && oldest.id < refillId) return void (await next(ctx, row.list_id));
  if (list.archived_at) return void (await finish(ctx, row, 'list_archived', { tell }));
  if (!row.criteria) return void (await finish(ctx, row, 'exhausted', { tell }));
  if (row.status === 'queued')
    await ctx.tx.updateTable('refill').set({ status: 'running', error: null }).where('id', '=', refillId).execute();
  const isCurrent = await queries.isCurrent(ctx.tx, refillId);
  return {
    source: list.source,
    criteria: row.criteria as Criteria,
    progress: (row.progress as Progress | null) ?? startAt(readPosition(isCurrent ? list.source_cursor : null)),
    want: Math.min(row.asked - row.added, budget(row.asked) - row.found),
    asOf: dateIn(ctx.now, ctx.workspace.zone),
  };
}

/** Reads on after the position, and leaves out what was dealt with: the rest of a page that held more than an order needed. */
async function ask(services: Services, { source: name, criteria, progress, want, asOf }: Errand): Promise<Page> {
  const source = services.sources[name];
  if (!source) throw new Unavailable('no_source', `The lead source "${name}" is not set up.`);
  return source.next(criteria, { cursor: progress.cursor, limit: progress.skip + pageSize(want), asOf });
}

/** Notes that a source does not answer. The order stays open; after a day it is given up. */
async function postpone(ctx: Context, refillId: number, source: string, tell: Tell): Promise<void> {
  const row = await queries.refill(ctx.tx, refillId);
  if (row?.status !== 'running' && row?.status !== 'queued') return;
  const tooLate = Temporal.Instant.compare(row.ordered_at.add(patience), ctx.now) < 0;
  const postponed = await ctx.tx
    .updateTable('refill')
    .set({
      status: tooLate ? 'failed' : 'queued',
      finished_at: tooLate ? ctx.now : null,
      error: `The ${source} does not answer.`,
    })
    .where('id', '=', refillId)
    .returningAll()
    .executeTakeFirstOrThrow();
  if (!tooLate) return;
  await tell(ctx, postponed);
  await next(ctx, row.list_id);
}

/** Adds what a page holds and moves on. @returns whether the refill has ended. */
async function takePage(
  ctx: Context,
  refillId: number,
  expected: Progress,
  page: Page,
  { widen, tell }: { widen: Widening | null; tell: Tell },
): Promise<boolean> {
  const listId = (await queries.refill(ctx.tx, refillId))?.list_id;
  if (listId === undefined) return true;
  const list = (await lists.lock(ctx, listId))!;
  const row = (await queries.refill(ctx.tx, refillId))!;
  if (row.status === 'done' || row.status === 'failed') return true;
  // Another worker took this page meanwhile: what it left is asked for again.
  if (row.progress !== null && !isSame(row.progress as Progress, expected)) return false;
  if (list.archived_at) return finish(ctx, row, 'list_archived', { tell });

  const allowed = budget(row.asked) - row.found;
  const { fresh, isLast } = whatIsNew(expected, page);
  const { looked, leadIds, skipped } = await lists.admit(
    ctx,
    { list, refillId, source: list.source, want: row.asked - row.added },
    fresh.slice(0, allowed),
  );
  const added = await addTo(ctx, row, { looked, leadIds, skipped });
  const isRead = looked === fresh.length;
  const atEnd = isRead && isLast;
  const progress = advance(expected, page, { looked, isRead, first: fresh[0]?.recordId ?? null });
  await remember(ctx, row, atEnd ? (expected.fromStart ? settle(progress) : goBack(progress)) : progress);
  if (added.added >= row.asked) return finish(ctx, added, 'filled', { tell });
  if (atEnd && expected.fromStart) return finish(ctx, added, 'exhausted', { widen, tell });
  if (added.found >= budget(row.asked)) return finish(ctx, added, 'budget', { tell });
  return false;
}

/** What of a page an order has not dealt with yet, and whether it comes to the source's end, or round to where it began. */
function whatIsNew(expected: Progress, page: Page): { fresh: Candidate[]; isLast: boolean } {
  const unread = page.candidates.slice(expected.skip);
  const met = expected.fromStart && expected.first ? unread.findIndex(each => each.recordId === expected.first) : -1;
  const stuck = page.candidates.length === 0 && (page.cursor ?? expected.cursor) === expected.cursor;
  return { fresh: met < 0 ? unread : unread.slice(0, met), isLast: page.exhausted || met >= 0 || stuck };
}

const isSame = (a: Progress, b: Progress): boolean =>
  a.cursor === b.cursor && a.skip === b.skip && a.fromStart === b.fromStart && a.first === b.first;

function advance(from: Progress, page: Page, done: { looked: number; isRead: boolean; first: string | null }): Progress {
  const at: Position = done.isRead
    ? { cursor: page.cursor ?? from.cursor, skip: 0 }
    : { cursor: from.cursor, skip: from.skip + done.looked };
  return { ...from, ...at, first: from.first ?? done.first };
}

/** From the source's end back to its start. */
const goBack = ({ cursor, skip, first }: Progress): Progress => ({
  cursor: null,
  skip: 0,
  fromStart: true,
  first,
  end: { cursor, skip },
});

/** Having come round, the list waits at the source's end, where newly known people come. */
const settle = (progress: Progress): Progress => ({ ...progress, ...progress.end });

/** Keeps the position with the refill, and with the list for the next one, unless its criteria have changed since. */
async function remember(ctx: Context, row: RefillRow, progress: Progress): Promise<void> {
  await ctx.tx.updateTable('refill').set({ progress }).where('id', '=', row.id).execute();
  if (await queries.isCurrent(ctx.tx, row.id))
    await ctx.tx
      .updateTable('list')
      .set({ source_cursor: positionText(progress) })
      .where('id', '=', row.list_id)
      .execute();
}

/** Adds to a refill's receipt, and enrols those who were added where the list is linked (M7). Nothing else changes (M5). */
export async function addTo(ctx: Context, row: RefillRow, { looked, leadIds, skipped }: lists.Admitted): Promise<RefillRow> {
  const link = leadIds.length ? await links.activeOf(ctx, row.list_id) : undefined;
  const enrolled = link
    ? await enrollments.enrollMembers(ctx, { linkId: link.id, leadIds })
    : { enrolled: 0, skipped: {} as Record<string, number> };
  return ctx.tx
    .updateTable('refill')
    .set({
      found: row.found + looked,
      added: row.added + leadIds.length,
      skipped: plus(row.skipped as Record<string, number>, skipped),
      enrolled: row.enrolled + enrolled.enrolled,
      not_enrolled: plus(row.not_enrolled as Record<string, number>, enrolled.skipped),
    })
    .where('id', '=', row.id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Closes a receipt, tells of it, and lets the list's next order begin. */
async function finish(
  ctx: Context,
  row: RefillRow,
  ended: NonNullable<Receipt['ended']>,
  { widen = null, tell }: { widen?: Widening | null; tell: Tell },
): Promise<true> {
  const finished = await ctx.tx
    .updateTable('refill')
    .set({ status: 'done', ended, finished_at: ctx.now, error: null, widen })
    .where('id', '=', row.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  await activity.record(ctx, {
    action: 'refill',
    outcome: 'done',
    objects: [`list:${row.list_id}`, `refill:${row.id}`],
    detail: { kind: row.kind, period: row.period, asked: row.asked, found: row.found, added: row.added, ended },
  });
  await tell(ctx, finished);
  await next(ctx, row.list_id);
  return true;
}

async function next(ctx: Context, listId: number): Promise<void> {
  const [oldest] = await queries.openRefills(ctx.tx, listId);
  if (oldest) await ctx.enqueue(refillList, { workspaceId: ctx.workspace.id, refillId: oldest.id });
}

/** An import runs where the file is; one that is open after a day was broken off there. What it added stays. */
async function giveUpImport(ctx: Context, row: RefillRow): Promise<void> {
  if (Temporal.Instant.compare(row.ordered_at.add(patience), ctx.now) >= 0) return;
  await ctx.tx
    .updateTable('refill')
    .set({
      status: 'failed',
      finished_at: ctx.now,
      error: 'The import was broken off. Import the file again; nobody is added twice.',
    })
    .where('id', '=', row.id)
    .execute();
}
