import { setImmediate } from 'node:timers/promises';
import { dateIn } from '../../calendar.ts';
import { drover, enter, type Services } from '../context.ts';
import * as enrollments from '../enrollments/index.ts';
import * as links from '../links/index.ts';
import * as sequences from '../sequences/index.ts';
import { load, type Pace, pace } from './index.ts';
import * as queries from './queries.ts';
import { Writable } from './rules.ts';
import { simulate } from './simulate.ts';

/** What a link would do, before it is made (K7). JSON. Units: people, unless said; dates are local to the sequence. */
export interface Preflight {
  members: number;
  enrolling: number;
  skipped: Record<string, number>;
  /** By which sequence, and whose, those are held that are live elsewhere. */
  heldBy: { sequence: string; owner: string; people: number }[];
  /** Messages that will be held, by the variable that is empty. One lead has one: it leaves the queue with the first. */
  missing: Record<string, number>;
  capacity: sequences.Capacity;
  /** Who waits in the sequence already. */
  backlog: number;
  /** Of the sequence with this list (M9). */
  pace: Pace;
  /** The sequence's. */
  zone: string;
  /** First contact of the first and of the last of these leads; null: nobody enrols, or never as things are. */
  firstAt: string | null;
  lastOn: string | null;
  /** The last one is further off than the days that are played: the date is the pace's. */
  isEstimate: boolean;
  /** A human reviews first: the dates are those of leads that are approved as they come. */
  waitsForReview: boolean;
}

/** How far ahead the last contact is looked for. */
const horizonDays = 366;
/** Members judged in one transaction: on the embedded database everyone waits for it. */
const pageSize = 5_000;

/** Plays a link that is not made, with the one planner, over what is in the tables now. Writes nothing, asks no source. */
export async function preflight(
  services: Services,
  workspaceId: number,
  { listId, sequenceId }: { listId: number; sequenceId: number },
): Promise<Preflight> {
  const inside = <R>(work: Parameters<typeof enter<R>>[3]) => enter(services, workspaceId, drover, work);
  const base = await inside(async ctx => {
    const sequence = await ctx.tx.selectFrom('sequence').selectAll().where('id', '=', sequenceId).executeTakeFirstOrThrow();
    const current = await links.activeOf(ctx, listId);
    return {
      sequence,
      leavingLinkId: current && current.sequence_id !== sequenceId ? current.id : null,
      capacity: await sequences.capacity(ctx, sequence),
      backlog: (await pace(ctx, sequence)).backlog,
      writable: new Writable(await queries.steps(ctx.tx, [sequenceId])),
    };
  });
  const { sequence, leavingLinkId, writable } = base;
  const skipped: Record<string, number> = {};
  const held = new Map<string, Preflight['heldBy'][number]>();
  const missing: Record<string, number> = {};
  const leadIds: number[] = [];
  let members = 0;
  const { variables, withValues } = writable.needs;
  const step = { sequenceId, version: sequence.version, position: 1 };
  for (let after = 0; ; await setImmediate()) {
    const page = await inside(async ctx => {
      const verdicts = await enrollments.verdicts(ctx, { listId, sequenceId, leavingLinkId, after, limit: pageSize });
      const fit = verdicts.flatMap(each => (each.reason === null ? [each.leadId] : []));
      return { verdicts, facts: await queries.leadFacts(ctx.tx, fit, variables, withValues) };
    });
    for (const { leadId, reason, sequence: holder, owner } of page.verdicts) {
      members++;
      if (reason === null) leadIds.push(leadId);
      else skipped[reason] = (skipped[reason] ?? 0) + 1;
      if (!holder || !owner) continue;
      const holding = held.get(holder) ?? { sequence: holder, owner, people: 0 };
      held.set(holder, { ...holding, people: holding.people + 1 });
    }
    for (const facts of page.facts) {
      const variable = writable.heldAt(step, facts)?.variable;
      if (variable) missing[variable] = (missing[variable] ?? 0) + 1;
    }
    if (page.verdicts.length < pageSize) break;
    after = page.verdicts.at(-1)!.leadId;
  }
  const people = leadIds.length;
  const together = await inside(ctx => pace(ctx, sequence, { listId, people }));
  return {
    ...{ members, skipped, missing, capacity: base.capacity, backlog: base.backlog, enrolling: people, zone: sequence.zone },
    pace: together,
    heldBy: [...held.values()].sort((a, b) => b.people - a.people || a.sequence.localeCompare(b.sequence)),
    waitsForReview: sequence.mode === 'copilot',
    ...(await contacts(services, workspaceId, { listId, sequenceId, leavingLinkId, leadIds }, together.drainsOn)),
  };
}

type Contacts = Pick<Preflight, 'firstAt' | 'lastOn' | 'isEstimate'>;

/**
 * When the first and the last of these leads are contacted, as if a human approved each as it comes. Where the pace already says that
 * a year does not reach the last, only the first is played for.
 */
async function contacts(
  services: Services,
  workspaceId: number,
  wished: Parameters<typeof load>[2] & object,
  drainsOn: string | null,
): Promise<Contacts> {
  const left = new Set(wished.leadIds);
  let firstAt: string | null = null;
  let lastOn: string | null = null;
  if (left.size === 0) return { firstAt, lastOn, isEstimate: false };
  const state = await load(services, workspaceId, wished);
  const horizon = dateIn(state.now, state.zone).add({ days: horizonDays }).toString();
  const isNear = drainsOn !== null && drainsOn < horizon;
  const days = simulate(state, {
    days: horizonDays,
    reviewed: id => id === wished.sequenceId,
    onMessage: ({ run, at, on, isFirst, isHeld }) => {
      if (!isFirst || run.sequenceId !== wished.sequenceId || !left.delete(run.leadId) || isHeld) return;
      firstAt ??= at.toString();
      lastOn = on;
    },
  });
  for (const _ of days) {
    if (left.size === 0 || (firstAt !== null && !isNear)) break;
    await setImmediate();
  }
  return left.size ? { firstAt, lastOn: drainsOn, isEstimate: true } : { firstAt, lastOn, isEstimate: false };
}
