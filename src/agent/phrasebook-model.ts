import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessage, type BaseMessage, ToolMessage } from '@langchain/core/messages';
import type { ChatResult } from '@langchain/core/outputs';
import { count } from '../tools/report.ts';
import type { Outcome } from '../tools/run.ts';
import { type AskedFocus, createdName, type ThreadFocus } from './focus.ts';
import { understand } from './phrasebook/index.ts';
import { madeBy, madeIn, makersOf, standIn, withNames } from './phrasebook/made.ts';
import type { PhraseCall, PhraseContext } from './phrasebook/types.ts';
import { readData } from './untrusted.ts';

/** What the phrasebook says of itself. */
const aboutItself =
  'I am Drover, and no language model is behind me here: a phrasebook reads what you write. It knows a documented set of phrasings ' +
  'and says so when it does not understand. Say "help" for what it knows; set OPENAI_API_KEY to talk to a model instead.';

const asksWhoItIs =
  /\b(who|what)\s+are\s+you\b|\bare\s+you\s+(an?\s+)?(ai|bot|robot|human|person|real|llm|language model|chatgpt|gpt|machine)\b/i;

/**
 * The model when no key is set: it recognises a documented set of phrasings and answers with tool calls, one at a time, so that each is
 * asked for only when those before it went well. Same pipeline as a real model, no network, the same result each time.
 */
export class PhrasebookModel extends BaseChatModel {
  constructor() {
    super({ maxRetries: 0 });
  }

  override _llmType(): string {
    return 'phrasebook';
  }

  /** It knows the tools by heart. */
  override bindTools(): this {
    return this;
  }

  override async _generate(messages: BaseMessage[], options: this['ParsedCallOptions']): Promise<ChatResult> {
    options.signal?.throwIfAborted();
    const message = answer(messages);
    return { generations: [{ text: message.text, message }] };
  }
}

/** The context message and the prompt carry these ids, so that a prompt cannot pass itself off as the context. */
export const contextId = (turnId: number): string => `context-${turnId}`;
export const promptId = (turnId: number): string => `prompt-${turnId}`;

/** What the phrasebook says next: the next call of the prompt, or a closing sentence. Pure. */
export function answer(messages: readonly BaseMessage[]): AIMessage {
  const at = messages.findLastIndex(message => message.id?.startsWith('prompt-'));
  const prompt = messages[at]?.text.trim() ?? '';
  const context = readContext(messages.findLast(message => message.id?.startsWith('context-')));
  const results = messages.slice(at + 1).filter(message => ToolMessage.isInstance(message));
  if (asksWhoItIs.test(prompt) && !results.length) return say(aboutItself);

  const understood = understand(prompt, context);
  if (understood.kind === 'say')
    return say(understood.text, understood.pendingQuestion ? { pendingQuestion: understood.pendingQuestion } : {});

  const plan = [...understood.calls, ...restAfter(understood.calls, context.focus)];
  return next(plan, results, understood.say);
}

/** A yes to an open question also does what the same prompt asked for after it. */
const restAfter = (calls: readonly PhraseCall[], { pendingQuestion, pendingRest }: ThreadFocus): PhraseCall[] => {
  const isTheAnswer = calls.length === 1 && calls[0]!.tool === pendingQuestion?.tool && calls[0]!.input.confirmed === true;
  return isTheAnswer ? (pendingRest ?? []) : [];
};

function next(asked: readonly PhraseCall[], results: readonly ToolMessage[], comment: string | undefined): AIMessage {
  const outcomes = results.map(result => result.artifact as Outcome);
  const plan = withCreated(asked, outcomes);
  const rest = plan.slice(results.length);
  const refused = outcomes.find(outcome => outcome.outcome === 'refused');
  if (refused) {
    const at = outcomes.indexOf(refused);
    // What the rest calls the nth thing made is counted from the call that a yes repeats.
    const before = makersOf(plan.slice(0, at)).length;
    return stop(
      refused,
      plan[at],
      rest.map(call => withNames(call, n => (n > before ? standIn(n - before) : undefined))),
    );
  }

  const call = rest[0];
  if (!call) return say(closing(outcomes, comment));
  const blocking = blocks(call, plan, outcomes);
  if (blocking) return say(`${closing(outcomes, comment)} ${blocking}`.trim());
  return new AIMessage({
    content: '',
    tool_calls: [{ type: 'tool_call', id: `phrase-${results.length}`, name: call.tool, args: call.input }],
  });
}

/** Puts the names of what calls made in the place of what stands for them. */
function withCreated(plan: readonly PhraseCall[], outcomes: readonly Outcome[]): PhraseCall[] {
  const names = plan.flatMap((call, at) => {
    if (!madeBy(call)) return [];
    const outcome = outcomes[at];
    return [{ at, name: outcome && createdName({ ...call, outcome }) }];
  });
  return plan.map((call, at) => withNames(call, n => names.filter(made => made.at < at)[n - 1]?.name));
}

/** Why a call must wait for a button: what it builds on has not happened yet. A list that waits to be linked keeps nobody waiting. */
function blocks(call: PhraseCall, plan: readonly PhraseCall[], outcomes: readonly Outcome[]): string | undefined {
  const [unmade] = madeIn(call);
  const maker = unmade === undefined ? undefined : makersOf(plan.slice(0, outcomes.length))[unmade - 1];
  if (maker) return `I could not tell which ${madeBy(maker)} was created, so I stopped there.`;
  const isWaitedFor = outcomes.some(
    (outcome, i) =>
      outcome.outcome === 'needs_approval' &&
      plan[i]!.tool !== 'link_list' &&
      plan[i]!.input.sequence !== undefined &&
      plan[i]!.input.sequence === call.input.sequence,
  );
  return isWaitedFor ? 'Ask me for the rest once you have pressed it.' : undefined;
}

/** A refusal ends the prompt. One that asks is kept, with what would have come after it. */
function stop(refused: Outcome & { outcome: 'refused' }, call: PhraseCall | undefined, rest: PhraseCall[]): AIMessage {
  if (refused.code === 'confirm_first' && call)
    return say('Shall I go on all the same? Say yes or no.', {
      pendingQuestion: call,
      ...(rest.length ? { pendingRest: rest } : {}),
    });
  return say(
    rest.length
      ? `I stopped there: ${count(rest.length, 'more step')} of your message ${rest.length === 1 ? 'is' : 'are'} not done.`
      : '',
  );
}

/** One friendly sentence; the results themselves are shown by code. */
function closing(outcomes: readonly Outcome[], comment = ''): string {
  const written = outcomes.filter(({ outcome, effect }) => outcome === 'done' && effect !== 'read').length;
  const waiting = outcomes.filter(({ outcome }) => outcome === 'needs_approval').length;
  const done = written === 1 ? 'Done.' : written > 1 ? `Done: ${written} things.` : '';
  const waits =
    waiting > 1
      ? `${waiting}${written ? ' more' : ' things'} wait for your buttons.`
      : waiting === 1
        ? `${written ? 'One more' : 'This'} waits for your button.`
        : '';
  return [comment, done, waits].filter(Boolean).join(' ') || 'Here is what I found.';
}

const say = (content: string, focus: AskedFocus = {}): AIMessage => new AIMessage({ content, additional_kwargs: { focus } });

interface Context extends PhraseContext {
  focus: ThreadFocus;
}

function readContext(message: BaseMessage | undefined): Context {
  const data = (message && readData(message.text, 'context')) as
    | { lists: string[]; sequences: { name: string }[]; focus: ThreadFocus; today: string }
    | undefined;
  return {
    lists: data?.lists ?? [],
    sequences: data?.sequences.map(({ name }) => name) ?? [],
    focus: data?.focus ?? {},
    today: data?.today ?? '1970-01-01',
  };
}
