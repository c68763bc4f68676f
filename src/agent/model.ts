import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { ChatOpenAICompletions } from '@langchain/openai';
import type { Config } from '../config.ts';
import { PhrasebookModel } from './phrasebook-model.ts';

/** A model and the name under which a turn records it. */
export interface NamedModel {
  name: string;
  model: BaseChatModel;
}

/** Who plans turns. */
export interface ModelChoice extends NamedModel {
  kind: 'openai' | 'phrasebook';
  /** Takes over when the first fails. */
  fallback?: NamedModel;
}

type ModelConfig = Pick<Config, 'OPENAI_API_KEY' | 'OPENAI_BASE_URL' | 'OPENAI_MODEL' | 'OPENAI_FALLBACK_MODEL'>;

/** How long one answer may keep us waiting, in milliseconds. */
export interface Patience {
  /** Until the answer begins. */
  startMs: number;
  /** Between two pieces of it; the client's own timeout covers the headers only. */
  idleMs: number;
}

/** The model that the environment names: an OpenAI-compatible endpoint, or the phrasebook where there is no key. */
export function chooseModel(config: ModelConfig, patience: Patience = { startMs: 45_000, idleMs: 20_000 }): ModelChoice {
  const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseURL, OPENAI_MODEL, OPENAI_FALLBACK_MODEL } = config;
  if (!apiKey) return { kind: 'phrasebook', name: 'phrasebook', model: new PhrasebookModel() };
  const named = (name: string): NamedModel => ({
    name,
    // Not ChatOpenAI: it chooses /responses by the model's name, which most compatible servers lack.
    model: new ChatOpenAICompletions({
      model: name,
      apiKey,
      maxRetries: 0,
      timeout: patience.startMs,
      configuration: { ...(baseURL ? { baseURL } : {}), fetch: watchedFetch(patience.idleMs) },
    }),
  });
  return {
    kind: 'openai',
    ...named(OPENAI_MODEL),
    ...(OPENAI_FALLBACK_MODEL ? { fallback: named(OPENAI_FALLBACK_MODEL) } : {}),
  };
}

/** A fetch that gives up on a body that goes silent: without it a stalled answer is waited for for ever. */
export const watchedFetch =
  (idleMs: number): typeof fetch =>
  async (input, init) => {
    const watch = new AbortController();
    const signal = init?.signal ? AbortSignal.any([init.signal, watch.signal]) : watch.signal;
    const response = await fetch(input, { ...init, signal });
    if (!response.body) return response;
    const arm = () => setTimeout(() => watch.abort(new ModelSilent()), idleMs);
    let timer = arm();
    const watched = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          clearTimeout(timer);
          timer = arm();
          controller.enqueue(chunk);
        },
        flush: () => clearTimeout(timer),
      }),
    );
    return new Response(watched, response);
  };

/** The model's server began to answer and then said nothing more. */
export class ModelSilent extends Error {
  override readonly name = 'ModelSilent';
  constructor() {
    super('the model stopped in the middle of its answer');
  }
}
