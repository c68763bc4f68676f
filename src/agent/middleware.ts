import { AIMessage, type BaseMessage, ToolMessage } from '@langchain/core/messages';
import { type AgentMiddleware, createMiddleware, modelFallbackMiddleware, modelRetryMiddleware } from 'langchain';
import { Unavailable } from '../errors.ts';
import type { NamedModel } from './model.ts';

/** What one turn may use (A7). */
export interface Bounds {
  /** Answers of a model, malformed ones included. */
  modelCalls: number;
  toolCalls: number;
  /** Input and output together. */
  tokens: number;
  seconds: number;
}

export type Bound = keyof Bounds;

/** A bound is reached. */
export class BoundReached extends Error {
  override readonly name = 'BoundReached';
  readonly bound: Bound;
  constructor(bound: Bound) {
    super(`the turn reached its bound of ${bound}`);
    this.bound = bound;
  }
}

/** The model answered something that cannot be acted on. */
export class ModelOutputError extends Error {
  override readonly name = 'ModelOutputError';
}

/** Neither the model's doing nor a bound's: this attempt cannot go on (a lost database, a worker that stops), but the next one can. */
export class TurnLost extends Unavailable {
  constructor(message: string, cause: unknown) {
    super('turn_lost', message, { cause });
  }
}

/** What was used, as the server counted it. */
export interface Use {
  model: string;
  inputTokens: number;
  outputTokens: number;
}

/** Counts what a turn uses, and ends it at its bounds. Once it ended, neither a retry nor the fallback goes on. */
export class Meter {
  readonly #bounds: Bounds;
  readonly #record: (use: Use) => Promise<void>;
  #modelCalls: number;
  #tokens: number;
  #ended: Error | undefined;
  /** Set while the last thing that went wrong was a model's doing, and not ours. */
  modelError: unknown;

  /** `before`: what earlier attempts at the same turn used, so that a turn that is tried again and again ends too. */
  constructor(bounds: Bounds, before: { modelCalls: number; tokens: number }, record: (use: Use) => Promise<void>) {
    this.#bounds = bounds;
    this.#record = record;
    this.#modelCalls = before.modelCalls;
    this.#tokens = before.tokens;
  }

  beforeCall(): void {
    if (this.#ended) throw this.#ended;
    if (this.#modelCalls >= this.#bounds.modelCalls) this.#end(new BoundReached('modelCalls'));
    if (this.#tokens >= this.#bounds.tokens) this.#end(new BoundReached('tokens'));
  }

  async afterCall(use: Use): Promise<void> {
    this.modelError = undefined;
    this.#modelCalls += 1;
    this.#tokens += use.inputTokens + use.outputTokens;
    await this.#record(use).catch(cause => this.#end(new TurnLost('The use of a model could not be recorded.', cause)));
  }

  #end(error: Error): never {
    this.#ended = error;
    throw error;
  }
}

export interface Guarding {
  meter: Meter;
  primary: NamedModel;
  fallback?: NamedModel;
  /** The first wait before a model is asked again, in milliseconds; it doubles. */
  retryAfterMs: number;
}

/**
 * What stands between the agent and a model, outermost first: the fallback, then retries, then the check of what it said, then, at
 * every single attempt, the meter. In another order retries would hide the error from the fallback, or run on after an abort.
 */
export function guards({ meter, primary, fallback, retryAfterMs }: Guarding): AgentMiddleware[] {
  return [
    ...(fallback ? [modelFallbackMiddleware(fallback.model)] : []),
    modelRetryMiddleware({
      maxRetries: 2,
      initialDelayMs: retryAfterMs,
      maxDelayMs: 5_000,
      retryOn: mayPass,
      onFailure: 'error', // the default would make the error an answer, and the fallback would never be asked
    }),
    strict,
    createMiddleware({
      name: 'meter',
      wrapModelCall: async (request, handler) => {
        request.runtime.signal?.throwIfAborted();
        meter.beforeCall();
        const answer = await Promise.resolve(handler(request)).catch((error: unknown) => {
          meter.modelError = error;
          throw error;
        });
        if (!AIMessage.isInstance(answer)) throw new ModelOutputError('no message came back');
        await meter.afterCall({
          model: request.model === fallback?.model ? fallback!.name : primary.name,
          inputTokens: answer.usage_metadata?.input_tokens ?? 0,
          outputTokens: answer.usage_metadata?.output_tokens ?? 0,
        });
        return answer;
      },
    }),
  ] as AgentMiddleware[];
}

/**
 * What a model said is complete: its arguments are whole JSON, and it says or calls something. A cut-off call would otherwise be
 * repaired and run with the half that arrived.
 */
export const strict = createMiddleware({
  name: 'strict',
  wrapModelCall: async (request, handler) => {
    const answer = await handler(request);
    const fault = AIMessage.isInstance(answer) && faultOf(answer, request.messages);
    if (fault) throw new ModelOutputError(fault);
    return answer;
  },
});

function faultOf(answer: AIMessage, before: BaseMessage[]): string | undefined {
  if (answer.invalid_tool_calls?.length) return 'arguments of a call are not JSON';
  const chunks = (answer as { tool_call_chunks?: { args?: string }[] }).tool_call_chunks ?? [];
  if (chunks.some(chunk => !isJson(chunk.args || '{}'))) return 'arguments of a call are cut off';
  if (answer.tool_calls?.length && answer.response_metadata?.finish_reason === 'length') return 'the calls are cut off';
  // After a tool's result saying nothing is fine: code shows the result.
  const isLate = ToolMessage.isInstance(before.at(-1));
  if (!answer.text.trim() && !answer.tool_calls?.length && !isLate) return 'the answer is empty';
  return undefined;
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** A wait longer than this is no retry within a turn: the fallback takes over at once. */
const longestWaitMs = 10_000;

/** May the same request pass a moment later? Overload, timeouts, dropped connections and malformed answers may; refusals may not. */
export function mayPass(error: unknown): boolean {
  const chain = causes(error);
  if (chain.some(one => one instanceof BoundReached || one instanceof TurnLost || one.name === 'AbortError')) return false;
  if (chain.some(one => (one as { retryAfterMs?: number }).retryAfterMs! > longestWaitMs)) return false;
  const status = statusOf(error);
  if (status !== undefined) return status === 429 || status === 408 || status === 409 || status >= 500;
  return chain.some(one => one instanceof ModelOutputError || transient.test(`${one.name} ${one.message} ${codeOf(one)}`));
}

const transient = /timeout|timed out|connection|terminated|network|socket|fetch failed|ModelSilent|ECONN|EPIPE|UND_ERR|JSON/i;

const codeOf = (error: Error): string => String((error as { code?: unknown }).code ?? '');

/** An error and what caused it, outermost first. */
export function causes(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let one = error; one instanceof Error && chain.length < 12 && !chain.includes(one); one = one.cause) chain.push(one);
  return chain;
}

/** The HTTP status with which a model's server answered. */
export const statusOf = (error: unknown): number | undefined =>
  causes(error)
    .map(one => (one as { status?: unknown }).status)
    .find(status => typeof status === 'number');
