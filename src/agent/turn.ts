import { AIMessage, type BaseMessage, HumanMessage, SystemMessage } from '@langchain/core/messages';
import { createAgent } from 'langchain';
import { type Context, enter, type Services } from '../domain/context.ts';
import type { Log } from '../log.ts';
import { turns } from '../metrics.ts';
import type { RunTurn, TurnAnswer, TurnCall, TurnRequest } from '../tools/turn.ts';
import { traced } from '../trace.ts';
import { CallLine, described, offered } from './calls.ts';
import { type AskedFocus, focusAfter } from './focus.ts';
import { approvalsOf, asMessages, close, type Opened, open, recordUse, remembered } from './memory.ts';
import {
  type Bound,
  BoundReached,
  type Bounds,
  causes,
  guards,
  Meter,
  ModelOutputError,
  statusOf,
  TurnLost,
} from './middleware.ts';
import type { ModelChoice } from './model.ts';
import { contextId, promptId } from './phrasebook-model.ts';
import { readPrompt } from './prompts.ts';
import { asData } from './untrusted.ts';

/** What a turn may use unless said otherwise (A7). */
export const defaultBounds: Bounds = { modelCalls: 8, toolCalls: 16, tokens: 250_000, seconds: 90 };

/** An answer is one or two sentences; a model that does not stop is cut here. */
const answerLimit = 3_000;

export interface AgentDeps {
  services: Services;
  model: ModelChoice;
  log: Log;
  bounds?: Partial<Bounds>;
  /** The first wait before a failing model is asked again, in milliseconds. */
  retryAfterMs?: number;
}

/** How a conversation with a model ended. */
interface Ended {
  status: TurnAnswer['status'];
  text: string;
  asked?: AskedFocus;
  errorCode?: string;
}

/**
 * Answers one message: the model plans, tools do, code tells (A3). A model that fails and a bound that is reached end the turn with a
 * sentence (A7); a lost database and a job that is called off throw, and the next attempt goes on from the stored calls (A8).
 */
export function createAgentTurn({ services, model, log, bounds: wanted, retryAfterMs = 400 }: AgentDeps): RunTurn {
  const systemPrompt = readPrompt('system');
  const tools = described(offered());
  // The phrasebook costs nothing and asks once a call; its calls bound it.
  const free = model.kind === 'phrasebook' ? { modelCalls: 64 } : {};
  const bounds: Bounds = { ...defaultBounds, ...free, ...wanted };

  return async (request, deliver) => {
    const opened = await open(services, request);
    if (opened.answered) return opened.answered;
    const ids = { workspace: request.workspaceId, turn: opened.turnId, inbox: request.inboxId, surface: request.surface };
    return traced('turn', ids, () => answer(request, deliver, opened));
  };

  async function answer(request: TurnRequest, deliver: Deliver, opened: Opened): Promise<TurnAnswer> {
    const timeUp = AbortSignal.timeout(bounds.seconds * 1000);
    const signal = request.signal ? AbortSignal.any([request.signal, timeUp]) : timeUp;
    const line = lineOf(services, request, opened, bounds, signal);
    const meter = new Meter(bounds, opened.used, use => recordUse(services, request, opened.turnId, use));
    const agent = createAgent({
      model: model.model,
      tools,
      systemPrompt: new SystemMessage(systemPrompt(slots(request, opened))),
      middleware: [
        line.middleware(),
        ...guards({ meter, primary: model, retryAfterMs, ...(model.fallback ? { fallback: model.fallback } : {}) }),
      ],
    });
    const ended = await agent
      .invoke({ messages: messagesOf(request, opened) }, { signal, recursionLimit: 2 * bounds.modelCalls + 10 })
      .then(({ messages }) => finished(messages.at(-1), line.done, model))
      .catch(async error => {
        const cause = (await line.settled()) ?? error;
        rethrow(cause, request);
        return stopped(cause, { line, meter, timeUp, bounds, log, turnId: opened.turnId });
      });
    return finish(services, request, opened, line.done, ended, deliver);
  }
}

const lineOf = (services: Services, request: TurnRequest, opened: Opened, bounds: Bounds, signal: AbortSignal): CallLine =>
  new CallLine({
    services,
    turnId: opened.turnId,
    asker: {
      workspaceId: request.workspaceId,
      actor: request.asker,
      place: { surface: request.surface, channel: request.channel, root: request.root },
    },
    stored: opened.stored,
    limit: bounds.toolCalls,
    signal,
  });

const slots = ({ asker }: TurnRequest, { today, zone }: Opened) => ({
  today: `${Temporal.PlainDate.from(today).toLocaleString('en-GB', { weekday: 'long' })} ${today}`,
  zone,
  asker: asker.name,
  role: asker.role,
});

/** What was said before, what there is, what was said now, and, when the turn is tried again, what it has done already. */
function messagesOf(request: TurnRequest, opened: Opened): BaseMessage[] {
  const { turnId, focus, today, zone, surroundings } = opened;
  const context = { ...surroundings, focus, today, zone, asker: { name: request.asker.name, role: request.asker.role } };
  return [
    ...remembered(opened.earlier),
    new HumanMessage({ id: contextId(turnId), content: asData('context', context) }),
    new HumanMessage({ id: promptId(turnId), content: request.text }),
    ...asMessages(turnId, opened.stored),
  ];
}

/** The turn's last words. A model with nothing to add to what code shows may say nothing. */
function finished(last: BaseMessage | undefined, calls: readonly TurnCall[], { kind }: ModelChoice): Ended {
  const said = last?.text.trim().slice(0, answerLimit) ?? '';
  const text = said || (kind === 'openai' ? told(calls) || 'Here is what I found.' : '');
  const asked = kind === 'phrasebook' && AIMessage.isInstance(last) ? (last.additional_kwargs.focus as AskedFocus) : undefined;
  return { status: 'done', text, ...(asked ? { asked } : {}) };
}

/** The job was called off, or the database is lost: nobody could record an answer now. */
function rethrow(error: unknown, { signal }: TurnRequest): void {
  const lost = causes(error).find(one => one instanceof TurnLost);
  if (lost) throw lost;
  if (signal?.aborted) throw new TurnLost('The turn was called off; the next attempt goes on with it.', signal.reason);
}

interface Stop {
  line: CallLine;
  meter: Meter;
  timeUp: AbortSignal;
  bounds: Bounds;
  log: Log;
  turnId: number;
}

/** A turn that could not go on says why, what it did until then, and what still works (A7). */
function stopped(error: unknown, { line, meter, timeUp, bounds, log, turnId }: Stop): Ended {
  const reached = causes(error).find(one => one instanceof BoundReached)?.bound ?? (timeUp.aborted ? 'seconds' : undefined);
  const isModels = meter.modelError !== undefined || causes(error).some(one => one instanceof ModelOutputError);
  const why = reached ? tooMuch(reached, bounds) : isModels ? modelDown(meter.modelError, line.done.length > 0) : fault;
  log.warn({ err: error, turn: turnId, code: why.code }, 'a turn was stopped');
  return {
    status: 'stopped',
    text: `${why.sentence} ${told(line.done, 'Done until then: ') || 'Nothing was changed.'} The slash commands still work: try /drover status or /drover help.`,
    errorCode: why.code,
  };
}

interface Why {
  code: string;
  sentence: string;
}

const fault: Why = { code: 'fault', sentence: 'A fault on my side ended this; please ask again.' };

const tooMuch = (bound: Bound, bounds: Bounds): Why => {
  const least: Record<Bound, string> = {
    modelCalls: `more than ${bounds.modelCalls} rounds of thinking`,
    toolCalls: `more than ${bounds.toolCalls} steps`,
    tokens: 'more reading than one message may cost',
    seconds: `longer than ${bounds.seconds} seconds`,
  };
  const code = { modelCalls: 'model_calls', toolCalls: 'tool_calls', tokens: 'tokens', seconds: 'seconds' }[bound];
  return { code, sentence: `I stopped here, since this took ${least[bound]}; please ask for the rest in smaller parts.` };
};

function modelDown(error: unknown, isMidway: boolean): Why {
  const status = statusOf(error);
  if (error === undefined)
    return {
      code: 'model_malformed',
      sentence: 'The language model answered with something I cannot carry out; please ask again in other words.',
    };
  if (status === 401 || status === 403)
    return { code: 'model_denied', sentence: 'The language model refused the key; please have OPENAI_API_KEY checked.' };
  if (status === 404)
    return {
      code: 'model_unknown',
      sentence: 'The language model was not found; please have OPENAI_MODEL and OPENAI_BASE_URL checked.',
    };
  if (status === 400 || status === 413 || status === 422)
    return {
      code: 'model_refused',
      sentence: 'The language model refused the request; please start a new thread, or have OPENAI_MODEL checked.',
    };
  if (status === 429)
    return { code: 'model_busy', sentence: 'The language model takes no more requests just now; please try again in a minute.' };
  return {
    code: 'model_unavailable',
    sentence: `The language model ${isMidway ? 'stopped answering' : 'does not answer'}; please try again in a few minutes.`,
  };
}

/** What the calls did and what waits, in the words of their results; '' when they changed nothing. */
function told(calls: readonly TurnCall[], opening = ''): string {
  const did = calls.flatMap(({ outcome }) =>
    outcome.outcome === 'done' && outcome.effect !== 'read' ? [sentence(outcome.report.title)] : [],
  );
  const waits = approvalsOf(calls).map(({ summary }) => sentence(summary));
  return [
    ...(did.length ? [`${opening}${did.join(' ')}`] : []),
    ...(waits.length ? [`Waiting for your button: ${waits.join(' ')}`] : []),
  ].join(' ');
}

const sentence = (text: string): string => (/[.!?…]$/.test(text) ? text : `${text}.`);

type Deliver = (ctx: Context, answer: TurnAnswer) => Promise<void>;

/** Ends the turn and delivers its answer, in one transaction. Whoever comes second gets what the first one said. */
async function finish(
  services: Services,
  request: TurnRequest,
  opened: Opened,
  calls: TurnCall[],
  ended: Ended,
  deliver: Deliver,
): Promise<TurnAnswer> {
  const { status, text, asked, errorCode } = ended;
  const answer: TurnAnswer = { turnId: opened.turnId, status, text, calls, approvals: approvalsOf(calls) };
  const focus = focusAfter(opened.focus, calls, asked);
  const isFirst = await enter(services, request.workspaceId, request.asker, async ctx => {
    const closed = await close(ctx, opened, request, { status, text, focus, ...(errorCode ? { errorCode } : {}) });
    if (closed) await deliver(ctx, answer);
    return closed;
  });
  if (isFirst) turns.inc({ status });
  return isFirst ? answer : ((await open(services, request)).answered ?? answer);
}
