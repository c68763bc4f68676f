import type { Criteria } from '../../domain/lists/criteria.ts';
import { findIndustry, findPlace, phraseKey } from '../../domain/lists/vocabulary.ts';
import { foldName } from '../../nearest.ts';
import { describe } from './criteria.ts';
import { either, type Reference, typed } from './names.ts';
import { numeralAt } from './numbers.ts';
import type { Outcome, Talk } from './talk.ts';
import { type Token, tokenise } from './text.ts';
import { cadenceAt, type Order, type Schedule, weekdayOf } from './times.ts';
import type { Focus, PhraseCall } from './types.ts';

/** What a correction puts in place of what was said. */
interface Change {
  n?: number;
  order?: Order;
  time?: string;
  schedule?: Schedule;
  reference?: Reference;
  people?: Token[];
}

const numberOf: Record<string, string> = {
  preview_list: 'count',
  create_list: 'count',
  add_leads: 'count',
  set_monitoring: 'amount',
  create_sequence: 'dailyCap',
  edit_sequence: 'dailyCap',
  review_leads: 'count',
  set_sender: 'dailyLimit',
  set_workspace: 'coolingDownDays',
};
const numberIn = ({ tool, input }: PhraseCall): string | undefined =>
  tool === 'set_sender' && input.gapMinutes !== undefined ? 'gapMinutes' : numberOf[tool];
const ofSequence = new Set(['show_sequence', 'activate_sequence', 'pause_sequence', 'resume_sequence']);

/** `make it 30`, `no, weekly`, `not 20, 30`, `I meant Tuesday`, `the other one`: the last call again, with what changed. */
export function correct(how: string, fields: Record<string, unknown>, talk: Talk, focus: Focus): Outcome {
  const made = talk.calls.at(-1);
  const base = made ?? focus.pendingQuestion ?? focus.last;
  if (!base)
    return { ask: 'I do not know what to change. Say it in full: “add 30 every Monday to …”, “set the cap of … to 30”.' };
  const open = made !== undefined || base === focus.pendingQuestion || focus.lastRefused === true;
  const outcome =
    how === '$other'
      ? other(base, talk)
      : how === '$swap'
        ? swap(base, String(fields.old), String(fields.new), talk)
        : how === '$again'
          ? elsewhere(base, String(fields.who), talk)
          : how === '$times'
            ? multiplied(base, Number(fields.factor), open, talk)
            : apply(base, fields.change as Change, open, talk);
  if (made && 'calls' in outcome) talk.calls.splice(talk.calls.indexOf(made), 1);
  return outcome;
}

const again = (call: PhraseCall, change: Record<string, unknown>): Outcome => ({
  calls: [
    {
      tool: call.tool,
      input: Object.fromEntries(Object.entries({ ...call.input, ...change }).filter(([, v]) => v !== undefined)),
    },
  ],
});

/** @param open nothing came of the call yet: it is repeated whole. Otherwise an order of leads is only added to. */
function apply(call: PhraseCall, change: Change, open: boolean, talk: Talk): Outcome {
  if (change.reference) return rename(call, change.reference);
  if (change.people) return describeAgain(call, change.people, open, talk);
  if (change.order) return reorder(call, change.order, change, talk);
  if (change.schedule) return reschedule(call, change.schedule);
  if (change.time) return call.tool === 'set_digest' ? again(call, { at: change.time }) : unclear(call);
  return change.n === undefined ? unclear(call) : recount(call, change.n, open, talk);
}

const unclear = ({ tool }: PhraseCall): Outcome => ({
  ask: `I do not see how that changes the last thing (${tool.replaceAll('_', ' ')}). Nothing was changed; say it in full.`,
});

function recount(call: PhraseCall, n: number, open: boolean, talk: Talk): Outcome {
  const { tool, input } = call;
  if (ofSequence.has(tool)) return { calls: [{ tool: 'edit_sequence', input: { sequence: input.sequence, dailyCap: n } }] };
  if (tool === 'set_digest' && n < 24) return again(call, { at: `${String(n).padStart(2, '0')}:00` });
  if (tool === 'set_monitoring' && input.cadence === 'off')
    return { ask: `${n} how often? Say “${n} every week” or “${n} a day”.` };
  const field = numberIn(call);
  if (!field) return which(call, n, talk);
  if (!open && (tool === 'create_list' || tool === 'add_leads')) return addMissing(call, n, talk);
  return again(call, { [field]: n });
}

/** Leads that are ordered stay ordered: a higher number orders what is missing, a lower one cannot take any back. */
function addMissing({ tool, input }: PhraseCall, n: number, { focus }: Talk): Outcome {
  const ordered = Number(input.count ?? 0);
  const list = tool === 'add_leads' ? String(input.list) : focus.list;
  if (!list || !ordered) return { ask: `${n} of what? Say “add ${n} leads to ${list ? typed(list) : '…'}”.` };
  if (n <= ordered) return { ask: `${ordered} are ordered already, and I cannot take any back. Nothing was changed.` };
  return {
    calls: [{ tool: 'add_leads', input: { list, count: n - ordered } }],
    note: `${ordered} were ordered already; ${n - ordered} more make ${n}.`,
  };
}

function which({ input }: PhraseCall, n: number, { focus }: Talk): Outcome {
  const list = typed(String(input.list ?? focus.list ?? '…'));
  const sequence = typed(String(input.sequence ?? focus.sequence ?? '…'));
  return { ask: `${n} of what? Say “add ${n} more every week to ${list}”, or “set the cap of ${sequence} to ${n}”.` };
}

function reorder(call: PhraseCall, order: Order, { n, time }: Change, talk: Talk): Outcome {
  if (order.cadence === 'other') return { ask: 'I can do that daily, on weekdays, or weekly on one weekday. Which one?' };
  const { tool, input } = call;
  const when = { cadence: order.cadence, weekday: order.weekday };
  if (tool === 'set_monitoring') return again(call, { ...when, ...(n === undefined ? {} : { amount: n }) });
  if (tool === 'set_digest') return again(call, { ...when, ...(time ? { at: time } : {}) });
  if (tool === 'edit_sequence' && order.weekday) return again(call, { sendDays: [order.weekday] });
  const list = input.list ?? talk.focus.list;
  const amount = n ?? (tool === 'add_leads' || tool === 'create_list' ? input.count : undefined);
  if (!list || ofSequence.has(tool)) return unclear(call);
  if (amount === undefined)
    return { ask: `How many, and to which list? Say “add 20 ${order.cadence} to ${typed(String(list))}”.` };
  const ordered = { list, cadence: order.cadence, amount, ...(order.weekday ? { weekday: order.weekday } : {}) };
  return { calls: [{ tool: 'set_monitoring', input: ordered }] };
}

function reschedule(call: PhraseCall, schedule: Schedule): Outcome {
  if (call.tool === 'edit_sequence' || call.tool === 'create_sequence' || call.tool === 'set_workspace')
    return again(call, { ...schedule });
  return ofSequence.has(call.tool)
    ? { calls: [{ tool: 'edit_sequence', input: { sequence: call.input.sequence, ...schedule } }] }
    : unclear(call);
}

/** Another name in the place of the one that was said; where none was, it is what is talked about now, and is shown. */
function rename(call: PhraseCall, reference: Reference): Outcome {
  const kind = reference.kinds.find(each => call.input[each] !== undefined);
  if (kind) return again(call, { [kind]: reference.text });
  const [only, second] = reference.kinds;
  return only && !second ? { calls: [{ tool: `show_${only}`, input: { [only]: reference.text } }] } : unclear(call);
}

function describeAgain(call: PhraseCall, people: Token[], open: boolean, talk: Talk): Outcome {
  const described = describe(people);
  const before = call.input.criteria as Criteria | undefined;
  if (!described?.known || !before) return unclear(call);
  const criteria = over(before, described.criteria);
  if (call.tool !== 'create_list' || open) return again(call, { criteria });
  const list = talk.focus.list;
  return list ? { calls: [{ tool: 'edit_criteria', input: { list, criteria } }] } : unclear(call);
}

const roles = ['titles', 'seniorities', 'functions'] as const;

/**
 * What is said anew replaces what was said of the same: roles replace roles, of whatever kind, and a place replaces the place that was
 * asked for, of people or of companies, whichever it was.
 */
function over(before: Criteria, { exclude, ...wanted }: Criteria): Criteria {
  const isBarePlace = Object.keys(wanted).length === 1 && wanted.personLocations !== undefined;
  const ofCompanies = isBarePlace && before.companyLocations !== undefined && before.personLocations === undefined;
  const fresh = ofCompanies ? { companyLocations: wanted.personLocations } : wanted;
  const kept = { ...before };
  if (roles.some(role => wanted[role])) for (const role of roles) delete kept[role];
  return { ...kept, ...fresh, ...(exclude ? { exclude: { ...before.exclude, ...exclude } } : {}) };
}

/** `what about Italy?`: looks again, for others. It asks, so it only looks. */
function elsewhere(call: PhraseCall, who: string, talk: Talk): Outcome {
  const described = describe(tokenise(who));
  const before = call.input.criteria as Criteria | undefined;
  if (!described?.known || !before) return { ask: `Who, there? Say it in full: “preview CTOs in ${who}”.` };
  const count = call.input.count === undefined ? {} : { count: call.input.count };
  return { calls: [{ tool: 'preview_list', input: { criteria: over(before, described.criteria), ...count } }], ...noted(talk) };
}

const noted = ({ calls }: Talk): { note?: string } => (calls.length ? {} : { note: 'Only looked; “save it” makes it a list.' });

/** `double it`, `halve it`: the number of the last call, that many times. */
function multiplied(call: PhraseCall, factor: number, open: boolean, talk: Talk): Outcome {
  const field = numberIn(call);
  const before = field === undefined ? undefined : call.input[field];
  if (typeof before !== 'number') return { ask: 'What should I multiply? Name the new number: “make it 40”.' };
  return recount(call, Math.max(1, Math.round(before * factor)), open, talk);
}

/** The only other list or sequence there is, else a question. */
function other(call: PhraseCall, { lists, sequences }: Talk): Outcome {
  const choices = (['list', 'sequence'] as const).flatMap(kind => {
    const now = call.input[kind];
    const rest = (kind === 'list' ? lists : sequences).filter(name => foldName(name) !== foldName(String(now)));
    return now === undefined || !rest.length ? [] : [{ kind, rest }];
  });
  const [only, second] = choices;
  if (only && !second && only.rest.length === 1) return again(call, { [only.kind]: only.rest[0] });
  const names = choices.flatMap(({ rest }) => rest).slice(0, 5);
  return { ask: names.length ? `Which one: ${either(names)}?` : 'There is no other one.' };
}

/** `use Germany instead of Austria`: in the criteria, a name, or a number, wherever the old one stands. */
function swap(call: PhraseCall, old: string, fresh: string, talk: Talk): Outcome {
  const criteria = call.input.criteria as Criteria | undefined;
  const swapped = criteria && swappedIn(criteria, old, fresh);
  if (swapped) return again(call, { criteria: swapped });
  for (const kind of ['list', 'sequence'] as const) {
    const name = (kind === 'list' ? talk.lists : talk.sequences).find(each => foldName(each) === foldName(fresh));
    if (name && call.input[kind] !== undefined) return again(call, { [kind]: name });
  }
  const tokens = tokenise(fresh);
  const n = numeralAt(tokens, 0);
  const weekday = weekdayOf(tokens[0]);
  const order = cadenceAt(tokens, 0)?.value ?? (weekday ? { cadence: 'weekly' as const, weekday } : undefined);
  return order ? reorder(call, order, {}, talk) : n ? recount(call, n.value, true, talk) : unclear(call);
}

function swappedIn(criteria: Criteria, old: string, fresh: string): Criteria | undefined {
  const key = phraseKey(findPlace(old)?.name ?? findIndustry(old)?.name ?? old);
  const value = findPlace(fresh)?.name ?? findIndustry(fresh)?.name ?? fresh;
  let changed = false;
  const next = Object.fromEntries(
    Object.entries(criteria).map(([filter, values]) => {
      if (!Array.isArray(values)) return [filter, values];
      return [
        filter,
        values.map(each => {
          const same = phraseKey(each) === key || phraseKey(each) === phraseKey(old);
          changed ||= same;
          return same ? value : each;
        }),
      ];
    }),
  );
  return changed ? (next as Criteria) : undefined;
}
