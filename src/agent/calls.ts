import { AIMessage, ToolMessage } from '@langchain/core/messages';
import type { ToolCall } from '@langchain/core/messages/tool';
import { type AgentMiddleware, createMiddleware, tool } from 'langchain';
import { z } from 'zod';
import { enter, type Services } from '../domain/context.ts';
import { catalogue } from '../tools/catalogue.ts';
import { type Invocation, type Outcome, runTool } from '../tools/run.ts';
import type { AnyTool } from '../tools/tool.ts';
import type { TurnCall } from '../tools/turn.ts';
import { BoundReached, causes, TurnLost } from './middleware.ts';
import { forModel } from './untrusted.ts';

/** What the model may call: everything but what only a person does (A1). */
export const offered = (tools: readonly AnyTool[] = catalogue): readonly AnyTool[] => tools.filter(each => !each.humanOnly);

/**
 * The offered tools as LangChain takes them. They describe only: every call is carried out by a `CallLine`, whose door checks the
 * arguments, so that what is malformed is refused in our words and not with a stack.
 */
export const described = (tools: readonly AnyTool[]) =>
  tools.map(({ name, description, input }) => {
    const { $schema, ...schema } = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' });
    return tool(() => '', { name, description, schema: schema as Parameters<typeof tool>[1]['schema'] & object });
  });

/** A call that an earlier attempt at the same turn stored. */
export interface StoredCall extends TurnCall {
  ordinal: number;
  callId: string;
}

interface Asked {
  ordinal: number;
  id: string;
  name: string;
  input: Record<string, unknown>;
  /** Set when its turn in the line came. */
  answer?: Promise<ToolMessage>;
}

export interface LineOptions {
  services: Services;
  turnId: number;
  asker: Pick<Invocation, 'workspaceId' | 'actor' | 'place'>;
  /** Calls of earlier attempts, in their order. */
  stored: StoredCall[];
  limit: number;
  signal: AbortSignal;
}

/**
 * The calls of one turn, one after another in the order in which the model gave them: LangGraph would run them side by side. Each gets
 * its place in the turn when the model asks for it, not when it happens to start (A8).
 */
export class CallLine {
  readonly #options: LineOptions;
  readonly #asked = new Map<string, Asked>();
  /** What earlier attempts wrote, and no call of this attempt has asked for again. */
  readonly #unclaimed: StoredCall[];
  #next: number;
  #messages = 0;
  #last: Promise<unknown> = Promise.resolve();
  /** Everything that was carried out, earlier attempts first. */
  readonly done: TurnCall[];

  constructor(options: LineOptions) {
    this.#options = options;
    this.#unclaimed = options.stored.filter(({ outcome }) => outcome.outcome !== 'refused' && outcome.effect !== 'read');
    this.#next = 1 + Math.max(0, ...options.stored.map(call => call.ordinal));
    this.done = options.stored.map(({ tool: name, input, outcome }) => ({ tool: name, input, outcome }));
  }

  /** The two hooks of the agent that the line needs; the outermost middleware. */
  middleware(): AgentMiddleware {
    return createMiddleware({
      name: 'call_line',
      wrapModelCall: async (request, handler) => {
        const answer = await handler(request);
        return AIMessage.isInstance(answer) ? this.#expect(answer) : answer;
      },
      wrapToolCall: request => this.#answer(request.toolCall),
    }) as AgentMiddleware;
  }

  /** Waits for the call that is running, since an aborted turn must not end before its write did. Answers what broke the line, if anything. */
  settled(): Promise<unknown> {
    return this.#last.then(
      () => undefined,
      error => error,
    );
  }

  /** Gives each call its place and an id of ours: servers repeat ids, and LangGraph takes a repeated one for the same message. */
  #expect(answer: AIMessage): AIMessage {
    const { turnId } = this.#options;
    const calls = (answer.tool_calls ?? []).map((call): ToolCall => {
      const ordinal = this.#next++;
      const id = callId(turnId, ordinal);
      const args = withoutNulls(call.args) as Record<string, unknown>;
      this.#asked.set(id, { ordinal, id, name: call.name, input: args });
      return { type: 'tool_call', id, name: call.name, args };
    });
    return new AIMessage({
      id: `answer-${turnId}-${this.#next}-${this.#messages++}`,
      content: answer.text,
      tool_calls: calls,
      additional_kwargs: answer.additional_kwargs.focus ? { focus: answer.additional_kwargs.focus } : {},
    });
  }

  #answer({ id }: ToolCall): Promise<ToolMessage> {
    for (const call of this.#asked.values())
      if (!call.answer) {
        call.answer = this.#last.then(() => this.#carryOut(call)) as Promise<ToolMessage>;
        call.answer.catch(() => {}); // told to whoever asks for it
        this.#last = call.answer;
      }
    return this.#asked.get(id!)!.answer!;
  }

  async #carryOut(call: Asked): Promise<ToolMessage> {
    this.#options.signal.throwIfAborted();
    const before = this.#claim(call);
    if (!before && this.done.length >= this.#options.limit) throw new BoundReached('toolCalls');
    const outcome = before ?? (await this.#run(call));
    if (!before) this.done.push({ tool: call.name, input: call.input, outcome });
    return toolMessage(call.id, call.name, outcome);
  }

  /** A model that is asked again after a crash may ask for the same write again: it gets what it got, and nothing runs twice (A8). */
  #claim({ name, input }: Asked): Outcome | undefined {
    const wanted = canonical(input);
    const at = this.#unclaimed.findIndex(call => call.tool === name && canonical(call.input) === wanted);
    return at < 0 ? undefined : this.#unclaimed.splice(at, 1)[0]!.outcome;
  }

  async #run(call: Asked): Promise<Outcome> {
    const { services, asker, turnId } = this.#options;
    const turn = { id: turnId, ordinal: call.ordinal, callId: call.id };
    try {
      return await runTool(services, { tool: call.name, input: call.input, ...asker, door: 'model', turn });
    } catch (error) {
      services.log.warn({ err: error, tool: call.name, turn: turnId, ordinal: call.ordinal }, 'a tool failed');
      return await this.#recordFailure(call, failed(call.name, error)).catch(cause => {
        throw new TurnLost('The outcome of a call could not be stored.', cause);
      });
    }
  }

  /** Stores that a call failed, or finds that it did not: its transaction may have committed before the connection broke. */
  #recordFailure(call: Asked, outcome: Outcome): Promise<Outcome> {
    const { services, asker, turnId } = this.#options;
    return enter(services, asker.workspaceId, asker.actor, async ctx => {
      await ctx.tx
        .insertInto('tool_call')
        .values({
          turn_id: turnId,
          ordinal: call.ordinal,
          workspace_id: asker.workspaceId,
          call_id: call.id,
          tool: call.name,
          input: call.input,
          effect: null,
          outcome: outcome.outcome,
          result: outcome as object,
          at: ctx.now,
        })
        .onConflict(conflict => conflict.columns(['turn_id', 'ordinal']).doNothing())
        .execute();
      const stored = await ctx.tx
        .selectFrom('tool_call')
        .select('result')
        .where('turn_id', '=', turnId)
        .where('ordinal', '=', call.ordinal)
        .executeTakeFirstOrThrow();
      return stored.result as Outcome;
    });
  }
}

/** Nine letters and digits: the strictest of the compatible servers takes nothing else. */
export const callId = (turnId: number, ordinal: number): string =>
  `c${turnId.toString(36).padStart(6, '0').slice(-6)}${ordinal.toString(36).padStart(2, '0').slice(-2)}`;

/** A call's outcome as the model reads it. The artifact stays in the process. */
export const toolMessage = (id: string, name: string, outcome: Outcome, { short = false } = {}): ToolMessage =>
  new ToolMessage({
    id: `result-${id}`,
    tool_call_id: id,
    name,
    content: forModel(outcome, { short }),
    status: outcome.outcome === 'refused' ? 'error' : 'success',
    artifact: outcome,
  });

/** An error as a refusal: our coded errors are written for people, others are not shown. */
function failed(name: string, error: unknown): Outcome {
  const ours = causes(error).find(one =>
    ['not_found', 'conflict', 'refused', 'unavailable'].includes((one as { kind?: string }).kind!),
  );
  const message = ours?.message ?? 'That did not work because of a fault on my side. It changed nothing; please try again.';
  const code = (ours as { code?: string } | undefined)?.code ?? 'failed';
  return { outcome: 'refused', tool: name, code, message, report: { tone: 'refused', title: message } };
}

/** Models write null for a field that they leave out. */
const withoutNulls = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.filter(inner => inner !== null).map(withoutNulls);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null)
      .map(([key, inner]) => [key, withoutNulls(inner)]),
  );
};

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, inner) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
