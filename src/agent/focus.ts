import type { TurnCall } from '../tools/turn.ts';
import { madeBy } from './phrasebook/made.ts';
import type { Focus, PhraseCall } from './phrasebook/types.ts';

/** What a thread is about, kept from turn to turn. Code computes it from outcomes; a model only reads it (A3). */
export interface ThreadFocus extends Focus {
  /** What the same prompt asked for after the call of `pendingQuestion`: done after a yes. */
  pendingRest?: PhraseCall[];
}

/** What the phrasebook asks to be kept: a question of its own. Real models cannot set it. */
export type AskedFocus = Pick<ThreadFocus, 'pendingQuestion' | 'pendingRest'>;

/** Calls that only look: "make it 30" does not change them. A preview stays, since "save it" does. */
const looks = (call: TurnCall): boolean =>
  call.tool !== 'preview_list' &&
  (call.outcome.effect === 'read' || /^(status|help|list_|show_|preflight_|test_|forecast|why|activity)/.test(call.tool));

/**
 * The focus after a turn: names and approvals that its calls touched, the call that a correction would change, an open question. Who
 * looks at something after a refusal has turned to it: "make it 40" is then about what was shown.
 */
export function focusAfter(before: ThreadFocus, calls: readonly TurnCall[], asked: AskedFocus = {}): ThreadFocus {
  const after: ThreadFocus = { ...before };
  delete after.pendingQuestion;
  delete after.pendingRest;
  let tool: string | undefined;
  for (const call of calls) {
    if (call.outcome.outcome === 'refused') continue;
    const list = listOf(call);
    const sequence = sequenceOf(call);
    if (list) after.list = list;
    if (sequence) after.sequence = sequence;
    const people = peopleOf(call);
    // `stop Jane and Bob` is a call for each of them.
    if (people) after.leads = tool === call.tool ? [...new Set([...(after.leads ?? []), ...people])].slice(0, 20) : people;
    tool = call.tool;
  }
  const last = corrected(calls);
  if (last) {
    after.last = phrase(last);
    after.lastRefused = last.outcome.outcome === 'refused';
  } else if (!before.last || before.lastRefused || isShow(before.last)) {
    const shown = calls.findLast(call => isShow(call) && call.outcome.outcome === 'done');
    if (shown) Object.assign(after, { last: phrase(shown), lastRefused: false });
  }
  const approvals = calls.flatMap(({ outcome }) => (outcome.outcome === 'needs_approval' ? [outcome.approval.id] : []));
  after.approvals = [...(before.approvals ?? []), ...approvals].slice(-10);

  const question = calls.findLast(({ outcome }) => outcome.outcome === 'refused' && outcome.code === 'confirm_first');
  return { ...after, ...(question ? { pendingQuestion: phrase(question) } : {}), ...asked };
}

const isShow = ({ tool }: { tool: string }): boolean => tool === 'show_list' || tool === 'show_sequence';

/** Of the calls of one prompt the one that "make it 30" and "no, weekly" mean: a standing order or a cap before anything else. */
function corrected(calls: readonly TurnCall[]): TurnCall | undefined {
  const changing = calls.filter(call => !looks(call));
  const numbered = changing.findLast(
    ({ tool, input }) => tool === 'set_monitoring' || (tool === 'edit_sequence' && 'dailyCap' in fieldsOf(input)),
  );
  return numbered ?? changing.at(-1);
}

const phrase = ({ tool, input }: TurnCall): PhraseCall => ({ tool, input: fieldsOf(input) });

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

const text = (value: unknown): string | undefined => (typeof value === 'string' && value ? value : undefined);

/** The list that a call is about: the one it created, or the one it named. */
const listOf = (call: TurnCall): string | undefined => (call.tool === 'create_list' ? createdName(call) : nameOf(call, 'list'));

/** A sequence, by the name it has now: it may have been created or renamed just then. */
const sequenceOf = (call: TurnCall): string | undefined => {
  if (call.tool === 'create_sequence') return createdName(call);
  return (call.tool === 'edit_sequence' ? text(fieldsOf(call.input).name) : undefined) ?? nameOf(call, 'sequence');
};

/** The people that a call named: "her" and "them" afterwards. A question may be about a person; then its result says so. */
function peopleOf({ tool, input, outcome }: TurnCall): string[] | undefined {
  const { lead, leads, about } = fieldsOf(input);
  if (text(lead)) return [lead as string];
  if (Array.isArray(leads) && leads.length) return leads.map(String).slice(0, 20);
  const isPerson = tool === 'why' && outcome.outcome === 'done' && fieldsOf(outcome.result).kind === 'lead';
  return isPerson && text(about) ? [about as string] : undefined;
}

/** A name as the result spells it, or as the input did. */
function nameOf({ input, outcome }: TurnCall, kind: 'list' | 'sequence'): string | undefined {
  const result = outcome.outcome === 'done' ? fieldsOf(outcome.result)[kind] : undefined;
  return text(result) ?? text(fieldsOf(result).name) ?? text(fieldsOf(input)[kind]);
}

/** The name of the list or sequence that a call created; undefined where it created none. */
export function createdName({ tool, input, outcome }: TurnCall): string | undefined {
  const kind = tool === 'create_sequence' ? 'sequence' : madeBy({ tool });
  if (!kind || outcome.outcome !== 'done') return undefined;
  const result = fieldsOf(outcome.result);
  const spelled = text(result.name) ?? text(result[kind]) ?? text(fieldsOf(result[kind]).name);
  return spelled ?? text(fieldsOf(input).name);
}
