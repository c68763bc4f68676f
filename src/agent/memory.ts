import { AIMessage, type BaseMessage, HumanMessage } from '@langchain/core/messages';
import { dateIn } from '../calendar.ts';
import { type Context, enter, type Services } from '../domain/context.ts';
import { tokens } from '../metrics.ts';
import type { Outcome } from '../tools/run.ts';
import type { TurnAnswer, TurnRequest } from '../tools/turn.ts';
import { callId, type StoredCall, toolMessage } from './calls.ts';
import { createdName, type ThreadFocus } from './focus.ts';
import type { Use } from './middleware.ts';

/** What a turn starts from. */
export interface Opened {
  turnId: number;
  threadId: number;
  zone: string;
  today: string;
  focus: ThreadFocus;
  /** Calls that an earlier attempt at this turn stored (A8). */
  stored: StoredCall[];
  used: { modelCalls: number; tokens: number };
  earlier: EarlierTurn[];
  surroundings: Surroundings;
  /** The turn is over already: its answer. */
  answered?: TurnAnswer;
}

export interface EarlierTurn {
  id: number;
  prompt: string;
  answer: string;
  calls: StoredCall[];
}

/** What the model is told of the workspace, as data. */
export interface Surroundings {
  lists: string[];
  sequences: { name: string; status: string }[];
  approvals: { id: number; summary: string; status: string }[];
}

/** Names that a model is told at most, newest first. */
const nameLimit = 500;
/** Turns and characters of a thread that a model reads again, newest kept. */
const memoryTurns = 12;
const memoryCharacters = 12_000;

/** Finds or begins the thread and the turn of a request. A request that is tried again finds its turn (A8). */
export const open = (services: Services, request: TurnRequest): Promise<Opened> =>
  enter(services, request.workspaceId, request.asker, async ctx => {
    const thread = await upsertThread(ctx, request);
    const turn = await upsertTurn(ctx, request, thread.id);
    const stored = (await callsOf(ctx, [turn.id])).get(turn.id) ?? [];
    const surroundings = await surroundingsOf(ctx, request, createdBy(stored));
    const isWaiting = new Set(surroundings.approvals.filter(({ status }) => status === 'pending').map(({ id }) => id));
    const focus = thread.focus as ThreadFocus;
    return {
      turnId: turn.id,
      threadId: thread.id,
      zone: ctx.workspace.zone,
      today: dateIn(ctx.now, ctx.workspace.zone).toString(),
      focus: { ...focus, approvals: (focus.approvals ?? []).filter(id => isWaiting.has(id)) },
      stored,
      used: { modelCalls: turn.model_calls, tokens: turn.input_tokens + turn.output_tokens },
      earlier: await earlierTurns(ctx, thread.id, turn.id),
      surroundings,
      ...(turn.status === 'running' ? {} : { answered: answerFrom(turn, stored) }),
    };
  });

async function upsertThread(ctx: Context, { surface, channel, root }: TurnRequest) {
  const created = await ctx.tx
    .insertInto('thread')
    .values({ workspace_id: ctx.workspace.id, surface, channel, root, created_at: ctx.now })
    .onConflict(conflict => conflict.columns(['workspace_id', 'surface', 'channel', 'root']).doNothing())
    .returningAll()
    .executeTakeFirst();
  if (created) return created;
  return ctx.tx
    .selectFrom('thread')
    .selectAll()
    .where('surface', '=', surface)
    .where('channel', '=', channel)
    .where('root', '=', root)
    .executeTakeFirstOrThrow();
}

async function upsertTurn(ctx: Context, request: TurnRequest, threadId: number) {
  const created = await ctx.tx
    .insertInto('turn')
    .values({
      workspace_id: ctx.workspace.id,
      thread_id: threadId,
      member_id: request.asker.id,
      inbox_id: request.inboxId,
      prompt: request.text,
      status: 'running',
      started_at: ctx.now,
    })
    .onConflict(conflict => conflict.columns(['workspace_id', 'inbox_id']).doNothing())
    .returningAll()
    .executeTakeFirst();
  if (created) return created;
  return ctx.tx.selectFrom('turn').selectAll().where('inbox_id', '=', request.inboxId).executeTakeFirstOrThrow();
}

async function callsOf(ctx: Context, turnIds: number[]): Promise<Map<number, StoredCall[]>> {
  const rows = await ctx.tx
    .selectFrom('tool_call')
    .select(['turn_id', 'ordinal', 'call_id', 'tool', 'input', 'result'])
    .where('turn_id', 'in', turnIds.length ? turnIds : [0])
    .orderBy('ordinal')
    .execute();
  return Map.groupBy(
    rows.map(row => ({
      turnId: row.turn_id,
      ordinal: row.ordinal,
      callId: row.call_id,
      tool: row.tool,
      input: row.input,
      outcome: row.result as Outcome,
    })),
    row => row.turnId,
  );
}

/** What this very turn created is left out of the context of its next attempt, so that the prompt means what it meant. */
const createdBy = (stored: StoredCall[]): Set<string> =>
  new Set(stored.map(call => createdName(call)).filter(name => name !== undefined));

async function surroundingsOf(
  ctx: Context,
  { surface, channel, root }: TurnRequest,
  createdNow: Set<string>,
): Promise<Surroundings> {
  const lists = await ctx.tx
    .selectFrom('list')
    .select('name')
    .where('archived_at', 'is', null)
    .orderBy('id', 'desc')
    .limit(nameLimit)
    .execute();
  const sequences = await ctx.tx
    .selectFrom('sequence')
    .select(['name', 'status'])
    .where('status', '<>', 'archived')
    .orderBy('id', 'desc')
    .limit(nameLimit)
    .execute();
  const approvals = await ctx.tx
    .selectFrom('approval')
    .select(['id', 'summary', 'status'])
    .where('surface', '=', surface)
    .where('channel', '=', channel)
    .where('root', '=', root)
    .orderBy('id', 'desc')
    .limit(5)
    .execute();
  return {
    lists: lists.map(({ name }) => name).filter(name => !createdNow.has(name)),
    sequences: sequences.filter(({ name }) => !createdNow.has(name)),
    approvals: approvals.reverse(),
  };
}

async function earlierTurns(ctx: Context, threadId: number, before: number): Promise<EarlierTurn[]> {
  const turns = await ctx.tx
    .selectFrom('turn')
    .select(['id', 'prompt', 'answer'])
    .where('thread_id', '=', threadId)
    .where('id', '<', before)
    .where('status', '<>', 'running')
    .orderBy('id', 'desc')
    .limit(memoryTurns)
    .execute();
  const calls = await callsOf(
    ctx,
    turns.map(({ id }) => id),
  );
  return turns.reverse().map(({ id, prompt, answer }) => ({ id, prompt, answer: answer ?? '', calls: calls.get(id) ?? [] }));
}

function answerFrom(turn: { id: number; status: string; answer: string | null }, stored: StoredCall[]): TurnAnswer {
  const calls = stored.map(({ tool, input, outcome }) => ({ tool, input, outcome }));
  return {
    turnId: turn.id,
    status: turn.status === 'done' ? 'done' : 'stopped',
    text: turn.answer ?? '',
    calls,
    approvals: approvalsOf(calls),
  };
}

/** The cards that a turn's calls ask for. */
export const approvalsOf = (calls: readonly { outcome: Outcome }[]): TurnAnswer['approvals'] =>
  calls.flatMap(({ outcome }) => (outcome.outcome === 'needs_approval' ? [outcome.approval] : []));

/** Earlier turns as a model reads them: what was said, what was called, and in a line what came of it. The newest that fit. */
export function remembered(turns: readonly EarlierTurn[], limit = memoryCharacters): BaseMessage[] {
  const kept: BaseMessage[][] = [];
  let left = limit;
  for (const turn of turns.toReversed()) {
    const messages = [
      new HumanMessage({ id: `earlier-${turn.id}`, content: turn.prompt.slice(0, 2_000) }),
      ...asMessages(turn.id, turn.calls, { short: true }),
      ...(turn.answer ? [new AIMessage({ id: `answered-${turn.id}`, content: turn.answer.slice(0, 2_000) })] : []),
    ];
    left -= messages.reduce((sum, message) => sum + sizeOf(message), 0);
    if (left < 0) break;
    kept.unshift(messages);
  }
  return kept.flat();
}

const sizeOf = (message: BaseMessage): number =>
  message.text.length + (AIMessage.isInstance(message) ? JSON.stringify(message.tool_calls ?? []).length : 0);

/** Stored calls as the pairs of messages that a model expects: it asked, it was answered. */
export function asMessages(turnId: number, calls: readonly StoredCall[], { short = false } = {}): BaseMessage[] {
  return calls.flatMap(({ ordinal, tool, input, outcome }) => {
    const id = callId(turnId, ordinal);
    const args = (input ?? {}) as Record<string, unknown>;
    return [
      new AIMessage({ id: `asked-${id}`, content: '', tool_calls: [{ type: 'tool_call', id, name: tool, args }] }),
      toolMessage(id, tool, outcome, { short }),
    ];
  });
}

/** Adds what one answer of a model used. At once, so that an attempt that dies counts too. */
export const recordUse = (services: Services, request: TurnRequest, turnId: number, use: Use): Promise<void> =>
  enter(services, request.workspaceId, request.asker, async ctx => {
    await ctx.tx
      .updateTable('turn')
      .set(row => ({
        model: use.model,
        model_calls: row('model_calls', '+', 1),
        input_tokens: row('input_tokens', '+', use.inputTokens),
        output_tokens: row('output_tokens', '+', use.outputTokens),
      }))
      .where('id', '=', turnId)
      .execute();
  }).then(() => {
    tokens.inc({ direction: 'input', model: use.model }, use.inputTokens);
    tokens.inc({ direction: 'output', model: use.model }, use.outputTokens);
  });

/** How a turn ended. */
export interface Ending {
  status: TurnAnswer['status'];
  text: string;
  focus: ThreadFocus;
  errorCode?: string;
}

/** Ends a turn once, in the caller's transaction. False when it had ended already: its answer was delivered then. */
export async function close(ctx: Context, { turnId, threadId }: Opened, request: TurnRequest, ending: Ending): Promise<boolean> {
  const closed = await ctx.tx
    .updateTable('turn')
    .set({ status: ending.status, answer: ending.text, error_code: ending.errorCode ?? null, ended_at: ctx.now })
    .where('id', '=', turnId)
    .where('status', '=', 'running')
    .executeTakeFirst();
  if (closed.numUpdatedRows !== 1n) return false;
  await ctx.tx
    .updateTable('thread')
    .set({ focus: ending.focus as object, awaiting: request.asker.slackUserId })
    .where('id', '=', threadId)
    .execute();
  return true;
}
