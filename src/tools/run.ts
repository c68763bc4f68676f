import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { json } from '../db/codecs.ts';
import * as activity from '../domain/activity/index.ts';
import * as undoing from '../domain/activity/undo.ts';
import * as approvals from '../domain/approvals/index.ts';
import { type Context, enter, type MemberActor, mayChange, type Services } from '../domain/context.ts';
import { isRefusal, type Refusal, refuse } from '../errors.ts';
import { traced } from '../trace.ts';
import { catalogue } from './catalogue.ts';
import type { Report } from './report.ts';
import type { AnyTool, Effect, Plan } from './tool.ts';

/** Who calls what, through which of the four doors. */
export interface Invocation {
  tool: string;
  input: unknown;
  workspaceId: number;
  actor: MemberActor;
  door: 'model' | 'command' | 'button' | 'cli';
  place: approvals.Place;
  /** A model's call: its place in the turn, under which it is stored and replayed (A8). */
  turn?: { id: number; ordinal: number; callId: string };
}

/** What became of a call. JSON throughout. */
export type Outcome =
  | { outcome: 'done'; tool: string; effect: Effect; result: unknown; report: Report }
  | { outcome: 'refused'; tool: string; effect?: Effect; code: string; message: string; next?: string[]; report: Report }
  | { outcome: 'needs_approval'; tool: string; effect: 'gated'; approval: { id: number; summary: string }; report: Report };

/** What became of a press on a card. */
export type Decision =
  | { outcome: 'approved'; approvalId: number; by: string; did: Outcome }
  | { outcome: 'cancelled'; approvalId: number; by: string }
  | { outcome: 'replaced'; approvalId: number; why: 'expired' | 'changed'; fresh: Outcome }
  | { outcome: 'refused'; approvalId: number; code: string; message: string; next?: string[] };

const byName = new Map<string, AnyTool>(catalogue.map(tool => [tool.name, tool]));

/**
 * The one door: plans, derives the effect, refuses what needs a human, runs and records, in one transaction.
 * A call that is already stored under its turn is answered from there, and nothing runs twice.
 */
export const runTool = (services: Services, call: Invocation): Promise<Outcome> =>
  traced(
    'tool call',
    {
      workspace: call.workspaceId,
      // A model may ask for a tool that there is not, in its own words.
      tool: byName.has(call.tool) ? call.tool : 'unknown',
      door: call.door,
      turn: call.turn?.id,
      ordinal: call.turn?.ordinal,
    },
    () => carryThrough(services, call),
  );

async function carryThrough(services: Services, call: Invocation): Promise<Outcome> {
  const replayed = await replay(services, call);
  if (replayed) return replayed;
  const ready = await prepare(services, call.tool, call.input, call);
  return enter(services, call.workspaceId, call.actor, async ctx => {
    const carried = isRefusal(ready)
      ? { outcome: refused(call.tool, ready), objects: [], before: null }
      : await carryOut(ctx, ready, call);
    await remember(ctx, call, carried);
    return carried.outcome;
  });
}

interface Ready {
  tool: AnyTool;
  input: unknown;
  prepared: unknown;
}

async function prepare(
  services: Services,
  name: string,
  input: unknown,
  { workspaceId, place }: Pick<Invocation, 'workspaceId' | 'place'>,
): Promise<Ready | Refusal> {
  const tool = byName.get(name);
  if (!tool) return refuse('unknown_tool', `There is no tool called "${name}".`, ['help']);
  const parsed = tool.input.safeParse(input);
  if (!parsed.success)
    return refuse(
      'bad_input',
      beyond(parsed.error) ?? `That does not fit ${name}: ${sentence(parsed.error)}.`,
      tool.examples.slice(0, 2),
    );
  return { tool, input: parsed.data, prepared: await tool.prepare?.(services, parsed.data, { workspaceId, place }) };
}

/** A number or a text beyond its bounds, or a day that does not exist, as a person would say it; undefined where something else is wrong too. */
function beyond({ issues }: z.ZodError): string | undefined {
  const said = issues.map(issue => {
    if (issue.code === 'invalid_format' && issue.format === 'date') return issue.message;
    const what = issue.path.map(part => spokenWord(String(part))).join(' ');
    if (!what || (issue.code !== 'too_big' && issue.code !== 'too_small')) return undefined;
    const [bound, how] = issue.code === 'too_big' ? [issue.maximum, 'at most'] : [issue.minimum, 'at least'];
    if (issue.origin === 'string') return `The ${what} must have ${how} ${bound} ${bound === 1 ? 'character' : 'characters'}.`;
    const isNumber = issue.origin === 'number' || issue.origin === 'int';
    return isNumber ? `The ${what} must be ${how} ${bound.toLocaleString('en-US')}.` : undefined;
  });
  return said.every(Boolean) ? said.join(' ') : undefined;
}

/** `dailyCap` → `daily cap` */
const spokenWord = (name: string): string => name.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`);

const sentence = (error: z.ZodError): string =>
  error.issues
    .slice(0, 3)
    .map(issue => (issue.path.length ? `${issue.path.join('.')}: ${issue.message}` : issue.message))
    .join('; ');

interface Carried {
  outcome: Outcome;
  objects: string[];
  /** How things were before it ran, for `undo` (A6). */
  before: unknown;
}

async function carryOut(ctx: Context, { tool, input, prepared }: Ready, call: Invocation): Promise<Carried> {
  const plan: Plan<unknown> | Refusal = await tool.plan(ctx, input, prepared);
  if (isRefusal(plan)) return { outcome: refused(tool.name, plan), objects: [], before: null };
  const asIs = (outcome: Outcome): Carried => ({ outcome, objects: plan.objects ?? [], before: null });
  if (plan.effect === 'gated') return asIs(await ask(ctx, tool, input, plan, call));
  if (plan.effect === 'human' && call.door === 'model') {
    const where = plan.byHand ? `on the command line: ${plan.byHand}` : 'with a button or on the command line.';
    const message = `${plan.summary} Only a person can do that, ${where}`;
    return asIs(refused(tool.name, refuse('human_only', message), plan.effect));
  }
  return perform(ctx, tool, plan);
}

async function perform(ctx: Context, tool: AnyTool, plan: Plan<unknown>): Promise<Carried> {
  const before = (await tool.before?.(ctx, plan.data)) ?? null;
  const result = await tool.run(ctx, plan.data);
  const objects = plan.objects ?? [];
  if (isRefusal(result)) return { outcome: refused(tool.name, result, plan.effect), objects, before: null };
  const outcome: Outcome = { outcome: 'done', tool: tool.name, effect: plan.effect, result, report: tell(ctx, tool, result) };
  return { outcome, objects: [...(tool.made?.(result) ?? []), ...objects], before };
}

/** Keeps a change so that it can be taken back, unless taking back is what it was (A6). */
async function keepForUndo(ctx: Context, activityId: number, { outcome, objects, before }: Carried): Promise<void> {
  if (outcome.outcome !== 'done' || outcome.effect === 'read' || outcome.tool === 'undo') return;
  const { tool, effect, report, result } = outcome;
  await undoing.keep(ctx, { activityId, tool, title: report.title, effect, objects, before, result });
}

const tell = (ctx: Context, tool: AnyTool, result: unknown): Report =>
  tool.present(result, { zone: ctx.workspace.zone, now: ctx.now });

async function ask(
  ctx: Context,
  tool: AnyTool,
  input: unknown,
  plan: Plan<unknown>,
  { actor, place, turn }: AskedBy,
): Promise<Outcome> {
  const card: Report = plan.card ?? { tone: 'neutral', title: plan.summary };
  const approval = await approvals.request(ctx, {
    tool: tool.name,
    input,
    summary: plan.summary,
    card,
    fingerprint: fingerprint(tool.name, input, plan),
    reach: plan.reach ?? 0,
    objects: plan.objects ?? [],
    requestedBy: actor.id,
    ...(turn ? { turnId: turn.id } : {}),
    place,
  });
  return {
    outcome: 'needs_approval',
    tool: tool.name,
    effect: 'gated',
    approval: { id: approval.id, summary: plan.summary },
    report: card,
  };
}
type AskedBy = Pick<Invocation, 'actor' | 'place' | 'turn'>;

const refused = (tool: string, { code, message, next }: Refusal, effect?: Effect): Outcome => ({
  outcome: 'refused',
  tool,
  ...(effect ? { effect } : {}),
  code,
  message,
  ...(next ? { next } : {}),
  report: { tone: 'refused', title: message, ...(next ? { next } : {}) },
});

/** The same action, arguments, ids and statuses give the same text, whatever the order of keys (A2). */
const fingerprint = (tool: string, input: unknown, plan: Plan<unknown>): string =>
  createHash('sha256')
    .update(JSON.stringify(sorted([tool, input, plan.objects ?? [], plan.binds ?? null])))
    .digest('hex');

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object' || 'toJSON' in value) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
};

/** Decides a card. The plan is computed again as the presser's; it runs if it is the plan that the card showed (A2). */
export async function decide(
  services: Services,
  press: { workspaceId: number; approvalId: number; actor: MemberActor; verdict: 'approve' | 'cancel'; door: 'button' | 'cli' },
): Promise<Decision> {
  const { workspaceId, approvalId, actor } = press;
  const asked = await enter(services, workspaceId, actor, ctx =>
    ctx.tx.selectFrom('approval').selectAll().where('id', '=', approvalId).executeTakeFirst(),
  );
  const told = <T extends object>(rest: T) => ({ approvalId, ...rest });
  if (!asked)
    return told({
      outcome: 'refused',
      code: 'no_approval',
      message: `There is no approval ${approvalId} here.`,
      next: ['status'],
    });
  const place = placeOf(asked);
  const ready = await prepare(services, asked.tool, asked.input, { workspaceId, place });

  return enter(services, workspaceId, actor, async (ctx): Promise<Decision> => {
    const approval = await approvals.lock(ctx, approvalId);
    if (approval?.status !== 'pending') return told(alreadyDecided(approval));
    if (press.verdict === 'cancel') {
      if (!mayChange(actor, approval.requested_by))
        return told(refuse('not_yours', 'Only the one who asked, or an admin, can cancel this.'));
      return told(await cancel(ctx, approval, actor));
    }
    if (isRefusal(ready)) return told({ ...ready });

    const plan: Plan<unknown> | Refusal = await ready.tool.plan(ctx, ready.input, ready.prepared);
    if (isRefusal(plan)) return told({ ...plan });
    const same =
      fingerprint(ready.tool.name, ready.input, plan) === approval.fingerprint &&
      (plan.reach ?? 0) <= approvals.mayReach(approval.reach);
    if (approvals.hasExpired(approval, ctx.now) || !same) {
      const fresh = await ask(ctx, ready.tool, ready.input, plan, { actor, place });
      return told({ outcome: 'replaced', why: same ? 'expired' : 'changed', fresh });
    }
    await approvals.decide(ctx, approvalId, 'approved');
    const carried = await perform(ctx, ready.tool, plan);
    const did = carried.outcome;
    const activityId = await activity.record(ctx, {
      action: ready.tool.name,
      effect: 'gated',
      outcome: did.outcome,
      objects: carried.objects,
      detail: { summary: plan.summary, reach: plan.reach ?? 0, shown: approval.reach },
      approvalId,
      ...(approval.turn_id ? { turnId: approval.turn_id } : {}),
    });
    await keepForUndo(ctx, activityId, carried);
    return told({ outcome: 'approved', by: actor.name, did: withDropouts(did, approval.reach, plan.reach ?? 0) });
  });
}

const placeOf = ({ surface, channel, root }: approvals.ApprovalRow): approvals.Place => ({
  surface: surface as approvals.Place['surface'],
  ...(channel ? { channel } : {}),
  ...(root ? { root } : {}),
});

/** People who dropped out between card and press are reported (A2). */
const withDropouts = (did: Outcome, shown: number, reached: number): Outcome =>
  reached < shown
    ? {
        ...did,
        report: { ...did.report, notes: [...(did.report.notes ?? []), `${shown - reached} fewer people than the card showed.`] },
      }
    : did;

function alreadyDecided(
  approval: approvals.ApprovalRow | undefined,
): Omit<Extract<Decision, { outcome: 'refused' }>, 'approvalId'> {
  const messages: Record<string, string> = {
    approved: 'That was approved already, and done once.',
    cancelled: 'That was cancelled. Ask again to get a fresh card.',
    superseded: 'A newer card has replaced this one. Use that one.',
  };
  const status = approval?.status ?? 'cancelled';
  return { outcome: 'refused', code: `already_${status}`, message: messages[status]! };
}

async function cancel(
  ctx: Context,
  approval: approvals.ApprovalRow,
  actor: MemberActor,
): Promise<{ outcome: 'cancelled'; by: string }> {
  await approvals.decide(ctx, approval.id, 'cancelled');
  await activity.record(ctx, {
    action: approval.tool,
    effect: 'gated',
    outcome: 'cancelled',
    objects: approval.objects,
    approvalId: approval.id,
    ...(approval.turn_id ? { turnId: approval.turn_id } : {}),
  });
  return { outcome: 'cancelled', by: actor.name };
}

async function replay(services: Services, { turn, workspaceId, actor }: Invocation): Promise<Outcome | undefined> {
  if (!turn) return undefined;
  const stored = await enter(services, workspaceId, actor, ctx =>
    ctx.tx
      .selectFrom('tool_call')
      .select('result')
      .where('turn_id', '=', turn.id)
      .where('ordinal', '=', turn.ordinal)
      .executeTakeFirst(),
  );
  return stored?.result as Outcome | undefined;
}

/** Keeps the call under its turn, and what changed (or was refused, or awaits a human) in the trail. */
async function remember(ctx: Context, call: Invocation, carried: Carried): Promise<void> {
  const { outcome, objects } = carried;
  if (call.turn)
    await ctx.tx
      .insertInto('tool_call')
      .values({
        turn_id: call.turn.id,
        ordinal: call.turn.ordinal,
        workspace_id: ctx.workspace.id,
        call_id: call.turn.callId,
        tool: call.tool,
        input: json(call.input ?? {}),
        effect: outcome.effect ?? null,
        outcome: outcome.outcome,
        result: json(outcome),
        at: ctx.now,
      })
      .execute();
  if (outcome.outcome === 'done' && outcome.effect === 'read') return;
  const activityId = await activity.record(ctx, {
    action: call.tool,
    ...(outcome.effect ? { effect: outcome.effect } : {}),
    outcome: outcome.outcome,
    objects,
    detail: { door: call.door, ...(outcome.outcome === 'refused' ? { code: outcome.code } : { title: outcome.report.title }) },
    ...(call.turn ? { turnId: call.turn.id, ordinal: call.turn.ordinal } : {}),
    ...(outcome.outcome === 'needs_approval' ? { approvalId: outcome.approval.id } : {}),
  });
  await keepForUndo(ctx, activityId, carried);
}
