import type { SendWindow } from '../../calendar.ts';
import type { SenderDay } from '../messages/planner.ts';
import type { Standing } from '../monitoring/rules.ts';
import { isRunning, limitOn, type SenderLimits } from '../sequences/rules.ts';

/** What a simulation starts from, and the books that it keeps in place of tables. */

export interface SimulatedStep {
  /** Days after the step before; the first one's 0. */
  delayDays: number;
  /** A manual task: it is taken to be done when it is posted. */
  isTask: boolean;
}

export interface SimulatedSequence {
  id: number;
  name: string;
  status: string;
  mode: string;
  cap: number;
  version: number;
  window: SendWindow;
  /** By version, in their order. */
  steps: ReadonlyMap<number, readonly SimulatedStep[]>;
  senderIds: readonly number[];
  /** When its next local day starts; null where nothing is planned any more. */
  nextDayAt: Temporal.Instant | null;
}

export interface SimulatedSender extends SenderLimits {
  id: number;
  status: string;
  rests_until: string | null;
}

/** One lead's run through a sequence, as far as it is still to come. */
export interface Run {
  /** Of the row; people who are not there yet have numbers above all rows'. */
  id: number;
  leadId: number;
  sequenceId: number;
  listId: number | null;
  version: number;
  /** The step that comes next. */
  position: number;
  senderId: number | null;
  dueOn: string | null;
  lastContactAt: Temporal.Instant | null;
  /** Is it under way, so that its next step is a follow-up? */
  isActive: boolean;
  /** Has anything reached its lead? */
  isContacted: boolean;
  /** What makes two leads colleagues (S10). */
  company: string | null;
  /** The step whose message will be held back: a variable is empty or the address is bad. */
  heldAt: number | null;
}

/** A row of the ledger that today's caps count, or that is still to leave. */
export interface Counted {
  enrollmentId: number;
  leadId: number;
  sequenceId: number;
  listId: number | null;
  /** Null: a task. */
  senderId: number | null;
  position: number;
  on: string;
  at: Temporal.Instant;
  isFirst: boolean;
  company: string | null;
  isPlanned: boolean;
}

export interface StandingOrder extends Standing {
  listId: number;
  at: Temporal.Instant;
}

/** People who enrol at an instant, in the order of their lead ids. */
export interface Arrival {
  at: Temporal.Instant;
  listId: number;
  sequenceId: number;
  runs: Run[];
}

/** Where the numbers of people who have no enrollment yet begin: members of a list by their lead ids, then those of refills to come. */
export const numbers = { ofMembers: 2 ** 51, ofRefills: 2 ** 52 };

/** Everything that a forecast starts from. */
export interface State {
  now: Temporal.Instant;
  /** The workspace's: when refills run. */
  zone: string;
  sequences: readonly SimulatedSequence[];
  senders: readonly SimulatedSender[];
  /** Queued and active ones that nothing holds back, oldest enrollment first. */
  runs: readonly Run[];
  /** Paused until a local date of their sequence (YYYY-MM-DD). */
  paused: readonly { run: Run; until: string }[];
  /** Waiting for a human, oldest first. */
  inReview: readonly Run[];
  counted: readonly Counted[];
  arrivals: readonly Arrival[];
  orders: readonly StandingOrder[];
  /** Ordered and on their way to a list. */
  onTheWay: readonly { listId: number; amount: number }[];
  links: ReadonlyMap<number, number>;
  /** First contacts that a company gets a day; and who is left alone because a colleague replied, until when (S10). */
  companies: { perDay: number; silentUntil: ReadonlyMap<string, Temporal.Instant> };
}

/** One sequence on one local day of its zone. Units: people. */
export interface DayOfSequence {
  sequenceId: number;
  on: string;
  enrolled: number;
  newLeads: number;
  followUps: number;
  /** Messages that could not be written. */
  held: number;
  /** Never contacted yet, at the end of the day. */
  backlog: number;
  inReview: number;
}

export interface Options {
  days: number;
  /** Copilot sequences whose people count as approved when they come. */
  reviewed?: (sequenceId: number) => boolean;
  /** Told of every message, in the order of time. */
  onMessage?: (message: Simulated) => void;
}

/** One message of the forecast. */
export interface Simulated {
  run: Run;
  position: number;
  /** Null: a task. */
  senderId: number | null;
  /** Its planned time, and the sequence's local date. */
  at: Temporal.Instant;
  on: string;
  isFirst: boolean;
  isHeld: boolean;
}

/** One local day of the workspace. */
export interface Day {
  on: string;
  /** Added by refills, by list. */
  added: { listId: number; people: number }[];
  sequences: DayOfSequence[];
}

/** Milliseconds since 1970. */
export type Ms = number;
/** A row of the ledger, as the simulation keeps it. */
export interface Message {
  run: Run;
  senderId: number | null;
  position: number;
  on: string;
  at: Ms;
  plannedAt: Ms;
  isFirst: boolean;
  /** In the order of their making, which decides between two of one instant. */
  ordinal: number;
}

/** What a map holds under a key, made where there is nothing yet. */
export function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const there = map.get(key);
  if (there !== undefined) return there;
  const made = make();
  map.set(key, made);
  return made;
}

/** Follow-ups of one sequence from one sender, by the date on which they are due. */
export class DueBook {
  readonly #byDate = new Map<string, { runs: Run[]; isSorted: boolean }>();

  add(run: Run): void {
    const page = this.#byDate.get(run.dueOn!);
    if (page) {
      page.runs.push(run);
      page.isSorted = false;
    } else this.#byDate.set(run.dueOn!, { runs: [run], isSorted: true });
  }

  /** The oldest `limit` that are due and wait, as the queue's index gives them. */
  oldest(on: string, limit: number, waits: (run: Run, dueOn: string) => boolean): Run[] {
    const found: Run[] = [];
    for (const dueOn of [...this.#byDate.keys()].filter(date => date <= on).sort()) {
      const page = this.#byDate.get(dueOn)!;
      // Those that were sent meanwhile are due on another date, or not at all.
      page.runs = page.runs.filter(run => run.dueOn === dueOn);
      if (page.runs.length === 0) this.#byDate.delete(dueOn);
      if (!page.isSorted) page.runs.sort((a, b) => contact(a) - contact(b) || a.id - b.id);
      page.isSorted = true;
      for (const run of page.runs) if (found.length < limit && waits(run, dueOn)) found.push(run);
      if (found.length >= limit) break;
    }
    return found;
  }
}

const contact = (run: Run): Ms => run.lastContactAt?.epochMilliseconds ?? 0;
/** New leads of one list, oldest enrollment first. */
export class Queue {
  readonly #runs: Run[] = [];
  #head = 0;

  add(run: Run): void {
    this.#runs.push(run);
  }

  /** Back in the old place in line: people are numbered in the order in which they enrolled. */
  putBack(run: Run): void {
    const place = this.#runs.findIndex((other, i) => i >= this.#head && other.id > run.id);
    this.#runs.splice(place < 0 ? this.#runs.length : place, 0, run);
  }

  /** The first `limit` in line, leaving out those of companies that the ones before them fill (S10). */
  oldest(limit: number, waits: (run: Run) => boolean, isGone: (run: Run) => boolean, room: (company: string) => number): Run[] {
    while (this.#head < this.#runs.length && isGone(this.#runs[this.#head]!)) this.#head++;
    const found: Run[] = [];
    const taken = new Map<string, number>();
    for (let i = this.#head; i < this.#runs.length && found.length < limit; i++) {
      const run = this.#runs[i]!;
      if (isGone(run) || !waits(run)) continue;
      if (run.company !== null) {
        const colleagues = taken.get(run.company) ?? 0;
        if (colleagues >= room(run.company)) continue;
        taken.set(run.company, colleagues + 1);
      }
      found.push(run);
    }
    return found;
  }
}

/** What one sequence has done on one date. */
export interface Touched {
  leads: Map<number, number>;
  firstByList: Map<number | null, number>;
}

export class Book {
  readonly sequence: SimulatedSequence;
  readonly fresh = new Map<number | null, Queue>();
  /** By sender; null: tasks, and those whom nobody has written to yet. */
  readonly due = new Map<number | null, DueBook>();
  readonly touched = new Map<string, Touched>();
  readonly days = new Map<string, DayOfSequence>();
  readonly kin: Book[] = [];
  paused: { run: Run; until: string }[] = [];
  nextDayAt: Ms | null;
  backlog = 0;
  inReview = 0;
  constructor(sequence: SimulatedSequence) {
    this.sequence = sequence;
    this.nextDayAt = sequence.nextDayAt?.epochMilliseconds ?? null;
  }

  on(date: string): Touched {
    return entry(this.touched, date, () => ({ leads: new Map(), firstByList: new Map() }));
  }
}

/** Running sequences that share senders, also by way of others; they are planned together (S5). */
export function kinOf(book: Book, books: ReadonlyMap<number, Book>): Book[] {
  const kin = new Set([book]);
  for (const one of kin)
    for (const other of books.values())
      if (isRunning(other.sequence.status) && other.sequence.senderIds.some(id => one.sequence.senderIds.includes(id)))
        kin.add(other);
  return [...kin].sort((a, b) => a.sequence.id - b.sequence.id);
}

/** A sender, with its messages of yesterday and today. */
export type KeptSender = SimulatedSender & { taken: Message[] };

/** Healthy senders, with what their limit of a date leaves; those that rested for an earlier day are healthy again (D5). */
export function sendersOn(senders: readonly KeptSender[], on: Temporal.PlainDate): SenderDay[] {
  const [date, before] = [on.toString(), on.subtract({ days: 1 }).toString()];
  for (const sender of senders) {
    if (sender.status === 'resting' && sender.rests_until !== null && sender.rests_until < date) sender.status = 'healthy';
    sender.taken = sender.taken.filter(message => message.on >= before);
  }
  return senders
    .filter(sender => sender.status === 'healthy')
    .map(sender => ({
      id: sender.id,
      left: limitOn(sender, on) - sender.taken.filter(message => message.on === date).length,
      gapMinutes: sender.min_gap_minutes,
      taken: sender.taken.map(message => Temporal.Instant.fromEpochMilliseconds(message.at)),
    }));
}
