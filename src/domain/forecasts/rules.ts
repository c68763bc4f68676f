import type { SendWindow } from '../../calendar.ts';
import { keptForNew } from '../messages/planner.ts';
import type { Capacity, Pace } from '../sequences/rules.ts';
import { fill, hasTags, type Values, variablesIn } from '../sequences/templates.ts';
import type { LeadFacts, StepRow, Waiting } from './queries.ts';

export type { Pace } from '../sequences/rules.ts';

/** The first step whose message cannot be written, and the variable that is empty; null where something else keeps it from leaving. */
export interface HeldAt {
  position: number;
  variable: string | null;
}

/**
 * Which messages can be written (S8). Templates without tags depend only on which variables are empty, so that one rendering answers
 * for all leads alike; 50,000 leads take a handful.
 */
export class Writable {
  readonly needs: { variables: string[]; withValues: boolean };
  readonly #steps: Map<string, StepRow[]>;
  readonly #known = new Map<string, HeldAt | null>();

  constructor(steps: readonly StepRow[]) {
    const templates = steps.flatMap(step => [step.subject ?? '', step.body]);
    const used = new Set(templates.flatMap(variablesIn));
    used.delete('sender_name');
    this.needs = { variables: [...used].sort(), withValues: templates.some(hasTags) };
    this.#steps = Map.groupBy(steps, step => `${step.sequenceId}:${step.version}`);
  }

  heldAt(of: { sequenceId: number; version: number; position: number }, facts: LeadFacts): HeldAt | null {
    const key = `${of.sequenceId}:${of.version}:${of.position}:${facts.filled}:${facts.isUnreachable}:${facts.values ? JSON.stringify(facts.values) : ''}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const found = this.#look(of, facts);
    this.#known.set(key, found);
    return found;
  }

  #look({ sequenceId, version, position }: { sequenceId: number; version: number; position: number }, facts: LeadFacts) {
    const steps = this.#steps.get(`${sequenceId}:${version}`) ?? [];
    const values = this.#values(facts);
    const opening = steps.find(step => step.kind === 'email')?.subject ?? '';
    for (const step of steps) {
      if (step.position < position || step.kind !== 'email') continue;
      if (facts.isUnreachable) return { position: step.position, variable: null };
      const filled = fill({ head: step.subject ?? opening, body: step.body }, values);
      if (!('refused' in filled)) continue;
      return { position: step.position, variable: filled.refused === 'missing_variable' ? filled.detail! : null };
    }
    return null;
  }

  #values({ filled, values }: LeadFacts): Values {
    const known = this.needs.variables.flatMap((name, i): [string, string][] =>
      filled[i] === '1' ? [[name, values?.[name] ?? 'x']] : [],
    );
    const fields = known.flatMap(([name, value]) => (name.startsWith('fields.') ? [[name.slice(7), value] as const] : []));
    return { ...Object.fromEntries(known), sender_name: 'x', fields: Object.fromEntries(fields) };
  }
}

/** What a pace is computed from. */
export interface PaceInput {
  capacity: Capacity;
  isRunning: boolean;
  /** Does it take new people? A finishing one does not. */
  takesNew: boolean;
  today: Temporal.PlainDate;
  window: SendWindow;
  /** Days before each step of the newest version. */
  delays: readonly number[];
  waiting: readonly Waiting[];
  /** Standing orders of the lists that feed it, each with the local date of its next run. */
  orders: readonly { cadence: string; amount: number; weekday: number | null; from: Temporal.PlainDate }[];
}

/** So far a backlog is walked day by day; from there on by what a week leaves over. */
const horizonDays = 400;

/**
 * M9: what comes in a week, what there is room for, and when those who wait have been contacted. It counts people and not messages, so
 * that a digest can tell it of hundreds of sequences; a forecast plays the planner instead.
 */
export function paceOf(input: PaceInput): Pace {
  const { capacity, takesNew, orders, waiting } = input;
  const inflowPerWeek = takesNew ? perWeek(orders) : 0;
  const roomPerWeek = capacity.newPerDay * capacity.sendingDaysPerWeek;
  const backlog = sum(waiting.map(group => (group.dueOn === null ? group.people : 0)));
  return { inflowPerWeek, roomPerWeek, backlog, drainsOn: drainsOn(input, backlog, roomPerWeek - inflowPerWeek) };
}

const turns: Record<string, number> = { daily: 7, weekdays: 5, weekly: 1 };

/** What standing orders bring a week. */
export const perWeek = (orders: readonly { cadence: string; amount: number }[]): number =>
  sum(orders.map(order => order.amount * (turns[order.cadence] ?? 0)));

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

const epoch = Temporal.PlainDate.from('1970-01-01');
/** Days since 1970, and back: date arithmetic in the loop would cost a digest of 200 sequences a second. */
const numberOf = (date: Temporal.PlainDate): number => epoch.until(date).days;
const dateOf = (day: number): string => epoch.add({ days: day }).toString();
const weekdayOf = (day: number): number => ((day + 3) % 7) + 1;

function drainsOn(input: PaceInput, backlogNow: number, spareAWeek: number): string | null {
  const { capacity, isRunning, takesNew, today, window, delays, waiting, orders } = input;
  const first = numberOf(today);
  if (backlogNow === 0) return dateOf(first);
  const cap = capacity.effectiveCap;
  if (!isRunning || cap === 0) return null;
  const kept = Math.min(cap, keptForNew(cap, delays.length));
  const due = new Map<number, { position: number; people: number }[]>();
  const put = (day: number, position: number, people: number) => {
    if (people > 0 && position <= delays.length) due.set(day, [...(due.get(day) ?? []), { position, people }]);
  };
  for (const group of waiting)
    if (group.dueOn) put(Math.max(first, numberOf(Temporal.PlainDate.from(group.dueOn))), group.position, group.people);
  const feeds = orders.map(order => ({ ...order, from: numberOf(order.from) }));
  const late: { position: number; people: number }[] = [];
  let backlog = backlogNow;
  let day = first;
  for (; day < first + horizonDays; day++) {
    const weekday = weekdayOf(day);
    if (takesNew)
      for (const { cadence, amount, weekday: on, from } of feeds)
        if (day >= from && (cadence === 'daily' || (cadence === 'weekdays' ? weekday < 6 : weekday === (on ?? 1))))
          backlog += amount;
    late.push(...(due.get(day) ?? []));
    if (!window.days.includes(weekday) || (window.holidays.size && window.holidays.has(dateOf(day)))) continue;
    let room = cap;
    const begin = (people: number) => {
      backlog -= people;
      room -= people;
      put(day + (delays[1] ?? 0), 2, people);
    };
    begin(Math.min(backlog, kept));
    while (room > 0 && late.length) {
      const [oldest] = late as [(typeof late)[number]];
      const people = Math.min(room, oldest.people);
      room -= people;
      oldest.people -= people;
      put(day + (delays[oldest.position] ?? 0), oldest.position + 1, people);
      if (oldest.people === 0) late.shift();
    }
    begin(Math.min(backlog, room));
    if (backlog === 0) return dateOf(day);
  }
  if (backlog >= backlogNow) return null;
  return spareAWeek > 0 ? dateOf(day + Math.ceil((backlog / spareAWeek) * 7)) : null;
}
