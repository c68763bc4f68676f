import { setTimeout as sleep } from 'node:timers/promises';
import { HumanMessage, SystemMessage } from '@langchain/core/messages';
import { z } from 'zod';
import { type Classified, type ClassifyReply, type ReplyText, replyCategories } from '../domain/ports.ts';
import type { Log } from '../log.ts';
import { ModelOutputError, mayPass } from './middleware.ts';
import type { ModelChoice, NamedModel } from './model.ts';
import { readPrompt } from './prompts.ts';
import { asData } from './untrusted.ts';

/** So much of a reply is read; what somebody wants is said at the beginning. */
const subjectChars = 300;
const bodyChars = 6_000;
/** An answer longer than this is none. */
const answerChars = 2_000;
/** Attempts for each model. */
const attempts = 3;

/** What a model may conclude; that mail bounced is told by its headers alone. */
const answered = z.object({
  category: z.enum(replyCategories).exclude(['bounced']),
  until: z.iso.date().nullish(),
});

export interface ClassifierOptions {
  log: Log;
  /** The first wait before a failing model is asked again, in milliseconds; it doubles. */
  retryAfterMs?: number;
  /** All attempts together. */
  seconds?: number;
}

/**
 * A model that says what a reply means (D4). It has no tools and its answer is one of a few words and a date, so that nothing that
 * somebody writes to us can do more than choose among them (A4). Undefined for the phrasebook, which reads no letters; the answer is
 * null where the model is down, over its bounds, or does not answer in form.
 */
export function createClassifier(
  choice: ModelChoice,
  { log, retryAfterMs = 400, seconds = 60 }: ClassifierOptions,
): ClassifyReply | undefined {
  if (choice.kind === 'phrasebook') return undefined;
  const prompt = readPrompt('classify-reply');
  const models = [choice, ...(choice.fallback ? [choice.fallback] : [])];
  return async text => {
    const signal = AbortSignal.timeout(seconds * 1000);
    const messages = [
      new SystemMessage(prompt({ received: spelled(text.receivedOn) })),
      new HumanMessage(asData('reply', shown(text))),
    ];
    for (const model of models) {
      const found = await ask(model, messages, { signal, retryAfterMs, log });
      if (found) return plausible(found, text.receivedOn);
    }
    return null;
  };
}

const shown = ({ subject, body }: ReplyText) => ({
  subject: subject.slice(0, subjectChars).toWellFormed(),
  body: body.slice(0, bodyChars).toWellFormed(),
});

const spelled = (date: Temporal.PlainDate): string => `${date.toLocaleString('en-GB', { weekday: 'long' })} ${date}`;

type Answered = z.infer<typeof answered>;

/** Asks one model, again where the same question may pass a moment later. */
async function ask(
  { name, model }: NamedModel,
  messages: (SystemMessage | HumanMessage)[],
  { signal, retryAfterMs, log }: { signal: AbortSignal; retryAfterMs: number; log: Log },
): Promise<Answered | null> {
  for (let attempt = 1; attempt <= attempts && !signal.aborted; attempt++) {
    try {
      return parsed((await model.invoke(messages, { signal })).text);
    } catch (error) {
      log.warn({ err: error, model: name, attempt }, 'a reply was not classified');
      if (!mayPass(error)) return null;
      if (attempt < attempts) await sleep(retryAfterMs * 2 ** (attempt - 1), undefined, { signal }).catch(() => undefined);
    }
  }
  return null;
}

/** One JSON object, in a fence or not, and nothing that looks like a second one. @throws ModelOutputError */
function parsed(said: string): Answered {
  const inner = said.length > answerChars ? undefined : /^\s*(?:```(?:json)?\s*)?(\{[^{}]*\})\s*(?:```)?\s*$/.exec(said)?.[1];
  try {
    const read = answered.safeParse(JSON.parse(inner ?? ''));
    if (read.success) return read.data;
  } catch {
    // what is no JSON is told below
  }
  throw new ModelOutputError('the classification is not in form');
}

/** A date that is past, or more than a year ahead, is none. */
function plausible({ category, until }: Answered, on: Temporal.PlainDate): Classified {
  const date = until ? Temporal.PlainDate.from(until) : null;
  const days = date ? on.until(date).days : -1;
  return { category, until: days >= 0 && days <= 365 ? date : null };
}
