import { setImmediate } from 'node:timers/promises';
import { dateIn } from '../../calendar.ts';
import { type Context, drover, enter, type Services } from '../context.ts';
import * as enrollments from '../enrollments/index.ts';
import type { Standing } from '../monitoring/rules.ts';
import * as sequences from '../sequences/index.ts';
import { type Day, numbers, type Options, type Run, type State } from './books.ts';
import * as queries from './queries.ts';
import { type Pace, paceOf, perWeek, Writable } from './rules.ts';
import { simulate } from './simulate.ts';

export type { Day, DayOfSequence, Simulated } from './books.ts';
export { type Preflight, preflight } from './preflight.ts';
export type { Pace } from './rules.ts';

/** A link that is not made yet, as a preflight looks at it. */
export interface Wished {
  listId: number;
  sequenceId: number;
  /** The list's present link, which lets go of its uncontacted people (K3). */
  leavingLinkId: number | null;
  leadIds: readonly number[];
}

/**
 * Reads everything that a forecast starts from; read-only, in short transactions, and others get their turn in between.
 * `wished` adds a link that is not made yet.
 */
export async function load(services: Services, workspaceId: number, wished?: Wished): Promise<State> {
  const inside = async <R>(work: (ctx: Context) => Promise<R>): Promise<R> => {
    const result = await enter(services, workspaceId, drover, work);
    await setImmediate();
    return result;
  };
  const { base, writable } = await inside(ctx => foundation(ctx, wished));
  const sequenceIds = base.sequences.map(sequence => sequence.id);
  const rows: queries.RunRow[] = [];
  for (let after = 0; ; ) {
    const page = await inside(ctx => queries.runs(ctx.tx, { sequenceIds, after, ...writable.needs }));
    rows.push(...page);
    if (page.length < queries.pageRows) break;
    after = page.at(-1)!.id;
  }
  const stays = (row: queries.RunRow) => !(wished?.leavingLinkId && row.linkId === wished.leavingLinkId && !row.isContacted);
  const oldest = rows.filter(stays).sort((a, b) => a.enrolledAt - b.enrolledAt || a.id - b.id);
  const runs = oldest.map((row): Run & { state: string; pausedUntil: string | null } => {
    const { filled: _, values: __, isUnreachable: ___, linkId: ____, enrolledAt: _____, ...run } = row;
    // A first step that was skipped has been passed all the same.
    const isActive = run.state === 'active' || (run.state === 'paused' && (run.isContacted || run.position > 1));
    return { ...run, isActive, heldAt: writable.heldAt(row, row)?.position ?? null };
  });
  return {
    ...base,
    runs: runs.filter(run => run.state === 'queued' || run.state === 'active'),
    paused: runs.flatMap(run => (run.state === 'paused' ? [{ run, until: run.pausedUntil! }] : [])),
    inReview: runs.filter(run => run.state === 'in_review'),
    arrivals: [
      ...(await inside(ctx => unmet(ctx, base, writable))),
      ...(await inside(ctx => coming(ctx, base, writable, wished))),
    ],
  };
}

type Base = Omit<State, 'runs' | 'paused' | 'inReview' | 'arrivals'> & { open: queries.LinkRow[] };

async function foundation(ctx: Context, wished?: Wished): Promise<{ base: Base; writable: Writable }> {
  const { tx, now } = ctx;
  const running = await queries.sequences(tx);
  const all = wished ? await around(tx, wished.sequenceId, running) : running;
  const ids = all.map(sequence => sequence.id);
  const steps = await queries.steps(tx, ids);
  const bySequence = Map.groupBy(steps, step => step.sequenceId);
  const senderIds = Map.groupBy(await queries.senderIds(tx, ids), row => row.sequenceId);
  const open = await queries.links(tx);
  const links = new Map(open.map(link => [link.listId, link.sequenceId]));
  if (wished) links.set(wished.listId, wished.sequenceId);
  const yesterday = all
    .map(sequence => dateIn(now, sequence.zone).subtract({ days: 1 }))
    .reduce((a, b) => (Temporal.PlainDate.compare(a, b) <= 0 ? a : b), dateIn(now, ctx.workspace.zone).subtract({ days: 1 }));
  const base: Base = {
    now,
    zone: ctx.workspace.zone,
    sequences: all.map(row => ({
      id: row.id,
      name: row.name,
      status: row.status,
      mode: row.mode,
      cap: row.daily_cap,
      version: row.version,
      window: sequences.windowOf(row),
      steps: new Map(
        [...Map.groupBy(bySequence.get(row.id) ?? [], step => step.version)].map(([version, own]) => [
          version,
          own.map(step => ({ delayDays: step.delayDays, isTask: step.kind === 'task' })),
        ]),
      ),
      senderIds: (senderIds.get(row.id) ?? []).map(each => each.senderId),
      nextDayAt: row.next_day_at,
    })),
    senders: await queries.senders(tx),
    counted: await queries.counted(tx, yesterday),
    orders: (await queries.standingOrders(tx)).map(({ cadence, ...order }) => ({
      ...order,
      cadence: cadence as Standing['cadence'],
    })),
    onTheWay: await queries.onTheWay(tx),
    links,
    companies: {
      perDay: ctx.workspace.company_firsts_per_day,
      silentUntil: await queries.silentUntil(tx, ctx.workspace.company_reply_pause_days, now),
    },
    open,
  };
  return { base, writable: new Writable(steps) };
}

/** The sequence and those that share senders with it, also by way of others: nobody else changes when it sends. */
async function around<S extends { id: number }>(tx: Context['tx'], sequenceId: number, all: readonly S[]): Promise<S[]> {
  const shared = await queries.senderIds(
    tx,
    all.map(each => each.id),
  );
  const kin = new Set([sequenceId]);
  for (const id of kin) {
    const own = new Set(shared.flatMap(row => (row.sequenceId === id ? [row.senderId] : [])));
    for (const row of shared) if (own.has(row.senderId)) kin.add(row.sequenceId);
  }
  return all.filter(each => kin.has(each.id));
}

/** Members whom their link has not dealt with: at once where it is under way, otherwise when the sequence's next day begins (E2). */
async function unmet(ctx: Context, base: Base, writable: Writable): Promise<State['arrivals']> {
  const active = new Map(base.sequences.filter(each => each.status === 'active').map(each => [each.id, each]));
  const open = base.open.filter(link => active.has(link.sequenceId));
  const byLink = Map.groupBy(
    await queries.unmet(
      ctx.tx,
      open.map(link => link.linkId),
    ),
    row => row.linkId,
  );
  const arrivals: State['arrivals'][number][] = [];
  const taken = new Set<number>();
  for (const link of open) {
    const leadIds = (byLink.get(link.linkId) ?? []).map(row => row.leadId);
    if (leadIds.length === 0) continue;
    const fit = (await enrollments.verdicts(ctx, { ...link, leadIds })).flatMap(each =>
      each.reason === null && !taken.has(each.leadId) ? [each.leadId] : [],
    );
    for (const leadId of fit) taken.add(leadId);
    const at = link.isUnderWay ? base.now : (active.get(link.sequenceId)!.nextDayAt ?? base.now);
    arrivals.push({ at, ...link, runs: await newRuns(ctx, base, writable, link, fit) });
  }
  return arrivals;
}

/** Those whom a link that is only wished for would enrol. */
const coming = async (ctx: Context, base: Base, writable: Writable, wished?: Wished): Promise<State['arrivals']> =>
  wished ? [{ at: base.now, ...wished, runs: await newRuns(ctx, base, writable, wished, wished.leadIds) }] : [];

async function newRuns(
  ctx: Context,
  base: Base,
  writable: Writable,
  { listId, sequenceId }: { listId: number; sequenceId: number },
  leadIds: readonly number[],
): Promise<Run[]> {
  const sequence = base.sequences.find(each => each.id === sequenceId);
  if (!sequence) return [];
  const { variables, withValues } = writable.needs;
  return (await queries.leadFacts(ctx.tx, leadIds, variables, withValues)).map(facts => ({
    ...{ id: numbers.ofMembers + facts.leadId, leadId: facts.leadId, sequenceId, listId, version: sequence.version, position: 1 },
    ...{ senderId: null, dueOn: null, lastContactAt: null, isActive: false, isContacted: false, company: facts.company },
    heldAt: writable.heldAt({ sequenceId, version: sequence.version, position: 1 }, facts)?.position ?? null,
  }));
}

/** What the scheduler will do in the next days. JSON. */
export interface Forecast {
  /** The workspace's zone, in which days are counted. */
  zone: string;
  days: Day[];
  lists: Record<number, string>;
  sequences: {
    id: number;
    name: string;
    mode: string;
    /** Now: waiting for their first contact, and for a human. */
    backlog: number;
    inReview: number;
    /** The date at whose end nobody waits for a first contact; null: never, as things are. */
    drainsOn: string | null;
  }[];
}

/** Forecasts every active and finishing sequence, from the one planner: with no replies, refills yielding what they are ordered to. */
export async function forecast(services: Services, workspaceId: number, options: Options): Promise<Forecast> {
  const state = await load(services, workspaceId);
  // Playing moves people on, so who waits now is counted first.
  const waiting = Map.groupBy(
    state.runs.filter(run => !run.isActive),
    run => run.sequenceId,
  );
  const days = await play(state, options);
  const { names, paces } = await enter(services, workspaceId, drover, async ctx => ({
    names: await queries.listNames(ctx.tx, [...new Set(days.flatMap(day => day.added.map(each => each.listId)))]),
    paces: await pacesOf(
      ctx,
      state.sequences.map(sequence => sequence.id),
    ),
  }));
  const last = days.at(-1)?.on ?? '';
  return {
    zone: state.zone,
    days,
    lists: Object.fromEntries(names),
    sequences: state.sequences.map(({ id, name, mode }) => {
      const own = days.map(day => day.sequences.find(each => each.sequenceId === id)!);
      const backlog = waiting.get(id)?.length ?? 0;
      const empty = own.find((day, i) => day.backlog === 0 && (backlog > 0 || own.slice(0, i + 1).some(each => each.newLeads)));
      const later = paces.get(id)?.drainsOn ?? null;
      return {
        ...{ id, name, mode, backlog },
        inReview: state.inReview.filter(run => run.sequenceId === id).length,
        drainsOn: empty?.on ?? (own.at(-1)?.backlog && later && later > last ? later : null),
      };
    }),
  };
}

/** Runs a simulation, letting others have their turn between its days. */
export async function play(state: State, options: Options): Promise<Day[]> {
  const days: Day[] = [];
  for (const day of simulate(state, options)) {
    days.push(day);
    await setImmediate();
  }
  return days;
}

/** Inflow and room a week, and when the backlog of a sequence drains, or that it never does (M9). */
export const pace = async (ctx: Context, sequence: sequences.SequenceRow, plus?: Plus): Promise<Pace> =>
  (await paces(ctx, [sequence], plus)).get(sequence.id)!;

/** What a list's standing order brings a week. */
export const inflowOf = async (ctx: Context, listId: number): Promise<number> =>
  perWeek((await queries.standingOrders(ctx.tx)).filter(order => order.listId === listId));

/** A list that is looked at as if it fed the sequence, too. */
export interface Plus {
  listId: number;
  /** Whom it would enrol. */
  people: number;
}

/** The same for many, in a few statements; the rows may carry a cap or a window that is not saved yet. */
export async function paces(ctx: Context, rows: readonly sequences.SequenceRow[], plus?: Plus): Promise<Map<number, Pace>> {
  const ids = rows.map(row => row.id);
  const can = await sequences.capacities(ctx, rows);
  const waiting = Map.groupBy(await queries.waiting(ctx.tx, ids), row => row.sequenceId);
  const steps = Map.groupBy(await queries.steps(ctx.tx, ids), step => step.sequenceId);
  const orders = new Map(
    (await queries.standingOrders(ctx.tx)).map(order => [order.listId, { ...order, from: dateIn(order.at, ctx.workspace.zone) }]),
  );
  const links = Map.groupBy(await queries.links(ctx.tx), link => link.sequenceId);
  return new Map(
    rows.map(row => [
      row.id,
      paceOf({
        capacity: can.get(row.id)!,
        isRunning: sequences.isRunning(row.status),
        takesNew: row.status === 'active',
        today: dateIn(ctx.now, row.zone),
        window: sequences.windowOf(row),
        delays: (steps.get(row.id) ?? []).filter(step => step.version === row.version).map(step => step.delayDays),
        waiting: [
          ...(waiting.get(row.id) ?? []),
          ...(plus ? [{ sequenceId: row.id, position: 1, dueOn: null, people: plus.people }] : []),
        ],
        orders: [...(links.get(row.id) ?? []), ...(plus ? [plus] : [])].flatMap(link => orders.get(link.listId) ?? []),
      }),
    ]),
  );
}

/** Of sequences by their ids. */
export const pacesOf = async (ctx: Context, ids: readonly number[]): Promise<Map<number, Pace>> =>
  ids.length
    ? paces(
        ctx,
        await ctx.tx
          .selectFrom('sequence')
          .selectAll()
          .where('id', 'in', [...ids])
          .execute(),
      )
    : new Map<number, Pace>();
