import { dateIn, startOfDay, windowOn } from '../../calendar.ts';
import { type FollowUp, type NewLead, plan, type SequenceDay } from '../messages/planner.ts';
import { periodAfter } from '../monitoring/rules.ts';
import { isRunning, nextDayAt } from '../sequences/rules.ts';
import {
  type Arrival,
  Book,
  type Counted,
  type Day,
  type DayOfSequence,
  DueBook,
  entry,
  type KeptSender,
  kinOf,
  type Message,
  type Ms,
  numbers,
  type Options,
  Queue,
  type Run,
  type SimulatedStep,
  type StandingOrder,
  type State,
  sendersOn,
} from './books.ts';

/**
 * What the scheduler will do, in memory: the same planner with the same seeds, day after day, over what is in the tables now. Nobody
 * replies, no address bounces, and refills yield what they are ordered to. Pure and deterministic; no row is written, no source asked.
 */

/** Runs the days, and yields each one when it is over, so that its caller can let others run in between. */
export function* simulate(state: State, options: Options): Generator<Day> {
  const simulation = new Simulation(state, options);
  const first = dateIn(state.now, state.zone);
  simulation.begin();
  for (let n = 0; n < options.days; n++) {
    const on = first.add({ days: n });
    simulation.runUntil(startOfDay(on.add({ days: 1 }), state.zone));
    yield simulation.dayOf(on.toString());
  }
}

class Simulation {
  readonly #state: State;
  readonly #options: Options;
  readonly #books: Map<number, Book>;
  readonly #senders: KeptSender[];
  readonly #orders: { order: StandingOrder; at: Ms }[];
  readonly #added = new Map<string, Map<number, number>>();
  /** Still to leave, the next one last. */
  #agenda: Message[] = [];
  #pending = new Set<Book>();
  #arrivals: Arrival[];
  /** First contacts by company, by date (S10). */
  readonly #firsts = new Map<string, Map<string, number>>();
  readonly #planned = new Set<Run>();
  readonly #out = new Set<Run>();
  #born = numbers.ofRefills;
  #made = 0;

  constructor(state: State, options: Options) {
    this.#state = state;
    this.#options = options;
    this.#books = new Map(state.sequences.map(sequence => [sequence.id, new Book(sequence)]));
    this.#senders = [...state.senders].sort((a, b) => a.id - b.id).map(sender => ({ ...sender, taken: [] }));
    this.#orders = state.orders.map(each => ({ order: each, at: each.at.epochMilliseconds }));
    this.#arrivals = [...state.arrivals];
    for (const book of this.#books.values()) book.kin.push(...kinOf(book, this.#books));
  }

  begin(): void {
    const { now, runs, paused, inReview, counted, onTheWay } = this.#state;
    const byId = new Map(runs.map(run => [run.id, run]));
    for (const run of runs) this.#enter(run);
    for (const run of inReview) this.#review(run);
    for (const each of paused) this.#books.get(each.run.sequenceId)?.paused.push(each);
    for (const row of counted) this.#count(row, byId.get(row.enrollmentId));
    this.#sortAgenda();
    for (const { listId, amount } of onTheWay) this.#add(listId, amount, now.epochMilliseconds);
    for (const book of this.#books.values()) this.#pending.add(book);
    this.#at(now.epochMilliseconds);
  }

  #count(row: Counted, known: Run | undefined): void {
    const book = this.#books.get(row.sequenceId);
    const run: Run = known ?? {
      ...{ id: row.enrollmentId, leadId: row.leadId, sequenceId: row.sequenceId, listId: row.listId, version: 0 },
      ...{ position: row.position, senderId: row.senderId, dueOn: null, lastContactAt: null, isActive: true, isContacted: true },
      ...{ company: row.company, heldAt: null },
    };
    const message: Message = {
      ...{ run, senderId: row.senderId, position: row.position, on: row.on, isFirst: row.isFirst },
      ...{ at: row.at.epochMilliseconds, plannedAt: row.at.epochMilliseconds, ordinal: this.#made++ },
    };
    this.#senders.find(sender => sender.id === row.senderId)?.taken.push(message);
    this.#touch(book, message, 1);
    if (row.isPlanned && known && book) this.#agenda.push(message);
    // A step that is under way keeps its run from being planned again, until it has left.
    if (known && known.position === row.position) this.#planned.add(known);
  }

  #touch(book: Book | undefined, { run, on, isFirst }: Message, by: 1 | -1): void {
    if (isFirst && run.company !== null) {
      const firsts = entry(this.#firsts, on, () => new Map<string, number>());
      firsts.set(run.company, (firsts.get(run.company) ?? 0) + by);
    }
    if (!book) return;
    const touched = book.on(on);
    const times = (touched.leads.get(run.leadId) ?? 0) + by;
    if (times > 0) touched.leads.set(run.leadId, times);
    else touched.leads.delete(run.leadId);
    touched.firstByList.set(run.listId, (touched.firstByList.get(run.listId) ?? 0) + (isFirst ? by : 0));
  }

  #enter(run: Run): void {
    const book = this.#books.get(run.sequenceId);
    if (!book) return;
    if (run.isActive) {
      if (run.dueOn === null) return;
      const key = this.#step(run)?.isTask ? null : run.senderId;
      entry(book.due, key, () => new DueBook()).add(run);
      return;
    }
    entry(book.fresh, run.listId, () => new Queue()).add(run);
    book.backlog++;
  }

  /** Pauses that end with a day: back to the old place in line, or active and due as before. */
  #wake(book: Book, on: string): void {
    for (const { run } of book.paused.filter(each => each.until <= on)) {
      const queue = run.isActive ? undefined : book.fresh.get(run.listId);
      if (queue) {
        queue.putBack(run);
        book.backlog++;
      } else this.#enter(run);
    }
    book.paused = book.paused.filter(each => each.until > on);
  }

  #step({ sequenceId, version, position }: Run): SimulatedStep | undefined {
    return this.#books.get(sequenceId)?.sequence.steps.get(version)?.[position - 1];
  }

  #review(run: Run): void {
    const book = this.#books.get(run.sequenceId);
    if (!book) return;
    if (this.#options.reviewed?.(run.sequenceId)) this.#enter(run);
    else book.inReview++;
  }

  /** Everything that happens before an instant, each at its own. */
  runUntil(until: Temporal.Instant): void {
    for (;;) {
      const next = this.#next();
      if (next === null || next >= until.epochMilliseconds) return;
      this.#at(next);
    }
  }

  #next(): Ms | null {
    const times = [
      this.#agenda.at(-1)?.at,
      ...this.#orders.map(each => each.at),
      ...[...this.#books.values()].map(book => book.nextDayAt ?? undefined),
    ].filter(at => at !== undefined);
    return times.length ? Math.min(...times) : null;
  }

  /** One tick: refills, then days that begin, then planning, then what is due to leave, then planning for what that changed. */
  #at(at: Ms): void {
    const now = Temporal.Instant.fromEpochMilliseconds(at);
    for (const due of this.#orders)
      while (due.at <= at) {
        this.#add(due.order.listId, due.order.amount, at);
        due.at = periodAfter(now, due.order, this.#state.zone).at.epochMilliseconds;
      }
    for (const book of this.#books.values()) {
      if (book.nextDayAt === null || book.nextDayAt > at) continue;
      book.nextDayAt = nextDayAt(now, book.sequence.window.zone).epochMilliseconds;
      this.#wake(book, dateIn(now, book.sequence.window.zone).toString());
      this.#pending.add(book);
    }
    for (const arrival of this.#arrivals.filter(each => each.at.epochMilliseconds <= at)) this.#arrive(arrival, now);
    this.#arrivals = this.#arrivals.filter(each => each.at.epochMilliseconds > at);
    this.#planPending(now);
    while (this.#agenda.length && this.#agenda.at(-1)!.at <= at) this.#send(this.#agenda.pop()!, now);
    this.#planPending(now);
  }

  #arrive({ sequenceId, runs }: Omit<Arrival, 'at' | 'listId'>, now: Temporal.Instant): void {
    const book = this.#books.get(sequenceId);
    if (book?.sequence.status !== 'active' || runs.length === 0) return;
    for (const run of runs) {
      if (book.sequence.mode === 'copilot') this.#review(run);
      else this.#enter(run);
    }
    this.#row(book, dateIn(now, book.sequence.window.zone).toString()).enrolled += runs.length;
    this.#pending.add(book);
  }

  /** A refill that yields what it was ordered to; where the list is linked, its people enrol at once (M7). */
  #add(listId: number, amount: number, at: Ms): void {
    const now = Temporal.Instant.fromEpochMilliseconds(at);
    const on = dateIn(now, this.#state.zone).toString();
    const today = entry(this.#added, on, () => new Map<number, number>());
    today.set(listId, (today.get(listId) ?? 0) + amount);
    const sequence = this.#books.get(this.#state.links.get(listId) ?? 0)?.sequence;
    if (!sequence) return;
    const runs = Array.from({ length: amount }, (): Run => {
      const id = ++this.#born;
      return {
        ...{ id, leadId: id, sequenceId: sequence.id, listId, version: sequence.version, position: 1, senderId: null },
        ...{ dueOn: null, lastContactAt: null, isActive: false, isContacted: false, company: null, heldAt: null },
      };
    });
    this.#arrive({ sequenceId: sequence.id, runs }, now);
  }

  #planPending(now: Temporal.Instant): void {
    const pending = [...this.#pending];
    this.#pending = new Set();
    let placed = 0;
    for (const book of pending) placed += this.#planDay(book, now);
    if (placed) this.#sortAgenda();
    for (const book of pending) this.#row(book, dateIn(now, book.sequence.window.zone).toString());
  }

  #sortAgenda(): void {
    this.#agenda.sort((a, b) => b.at - a.at || b.ordinal - a.ordinal);
  }

  /** As `messages.planDay` does it, in memory. */
  #planDay(book: Book, now: Temporal.Instant): number {
    const open = book.kin.flatMap(each => {
      if (!isRunning(each.sequence.status)) return [];
      const on = dateIn(now, each.sequence.window.zone);
      const today = windowOn(on, each.sequence.window);
      if (!today || Temporal.Instant.compare(now, today.until) >= 0) return [];
      const from = Temporal.Instant.compare(now, today.from) > 0 ? now : today.from;
      return [{ book: each, on, window: { from, until: today.until } }];
    });
    let placed = 0;
    for (const [date, each] of Map.groupBy(open, ({ on }) => on.toString())) {
      const on = Temporal.PlainDate.from(date);
      const senders = sendersOn(this.#senders, on);
      const sending = new Set(senders.filter(sender => sender.left > 0).map(sender => sender.id));
      const waiting = new Map<number, Run>();
      const companies = this.#companiesOn(date, now);
      const sequences = each.map(({ book: of, window }) => this.#sequenceDay(of, date, { window, sending, waiting, companies }));
      for (const { sequenceId, enrollmentId, senderId, at } of plan({ on, sequences, senders, companies })) {
        const run = waiting.get(enrollmentId)!;
        const message: Message = {
          ...{ run, senderId, position: run.position, on: date, isFirst: !run.isContacted },
          ...{ at: at.epochMilliseconds, plannedAt: at.epochMilliseconds, ordinal: this.#made++ },
        };
        this.#agenda.push(message);
        this.#planned.add(run);
        this.#senders.find(sender => sender.id === senderId)?.taken.push(message);
        this.#touch(this.#books.get(sequenceId)!, message, 1);
        placed++;
      }
    }
    return placed;
  }

  #companiesOn(on: string, now: Temporal.Instant) {
    const { perDay, silentUntil } = this.#state.companies;
    const today = new Map(this.#firsts.get(on));
    for (const [company, until] of silentUntil) if (Temporal.Instant.compare(until, now) > 0) today.set(company, perDay);
    return { perDay, today };
  }

  #sequenceDay(
    book: Book,
    on: string,
    at: {
      window: SequenceDay['window'];
      sending: ReadonlySet<number>;
      /** Gets whoever is offered to the planner. */
      waiting: Map<number, Run>;
      companies: { perDay: number; today: ReadonlyMap<string, number> };
    },
  ): SequenceDay {
    const { id, cap, steps, version, senderIds } = book.sequence;
    const { window, sending, waiting, companies } = at;
    const touched = book.on(on);
    const waits = (run: Run) => !this.#planned.has(run) && !this.#out.has(run);
    const due: FollowUp[] = [...book.due].flatMap(([senderId, dues]) =>
      senderId === null || sending.has(senderId)
        ? dues.oldest(on, cap, waits).map(run => {
            waiting.set(run.id, run);
            const { id: enrollmentId, lastContactAt, isContacted } = run;
            return {
              ...{ enrollmentId, senderId: run.senderId, dueOn: run.dueOn!, lastContactAt },
              ...{ touched: touched.leads.has(run.leadId), isTask: this.#step(run)?.isTask ?? false, isFirst: !isContacted },
              company: isContacted ? null : run.company,
            };
          })
        : [],
    );
    const room = (company: string) => companies.perDay - (companies.today.get(company) ?? 0);
    const fresh: NewLead[] = [...book.fresh].flatMap(([listId, queue]) =>
      queue
        .oldest(cap, waits, run => run.isActive || this.#out.has(run), room)
        .map(run => {
          waiting.set(run.id, run);
          return { enrollmentId: run.id, listId, isTask: this.#step(run)?.isTask ?? false, company: run.company };
        }),
    );
    return {
      ...{ id, cap, window, due, fresh },
      steps: Math.max(1, steps.get(version)?.length ?? 1),
      used: touched.leads.size,
      newByList: touched.firstByList,
      senderIds: senderIds.filter(senderId => sending.has(senderId)),
    };
  }

  /** A message's time has come: it leaves, or is held back (D3). */
  #send(message: Message, now: Temporal.Instant): void {
    const { run, senderId, position, isFirst } = message;
    const book = this.#books.get(run.sequenceId)!;
    const { window } = book.sequence;
    const on = dateIn(now, window.zone);
    this.#planned.delete(run);
    const sender = this.#senders.find(each => each.id === senderId);
    if (message.on !== on.toString()) {
      this.#takeBack(book, sender, message);
      return;
    }
    const row = this.#row(book, message.on);
    const isHeld = run.heldAt === position;
    const at = Temporal.Instant.fromEpochMilliseconds(message.plannedAt);
    this.#options.onMessage?.({ run, position, senderId, at, on: message.on, isFirst, isHeld });
    if (isHeld) {
      this.#out.add(run);
      row.held++;
      if (isFirst) row.backlog = --book.backlog;
      this.#takeBack(book, sender, message);
      return;
    }
    message.at = now.epochMilliseconds;
    if (isFirst) row.backlog = --book.backlog;
    row[isFirst ? 'newLeads' : 'followUps']++;
    if (sender && sender.last_sent_on !== on.toString()) {
      sender.sending_days++;
      sender.last_sent_on = on.toString();
    }
    const isActive = true;
    Object.assign(run, {
      isActive,
      isContacted: true,
      lastContactAt: now,
      position: position + 1,
      senderId: senderId ?? run.senderId,
    });
    const next = this.#step(run);
    run.dueOn = next ? on.add({ days: next.delayDays }).toString() : null;
    if (run.dueOn === null) return;
    this.#enter(run);
    if (run.dueOn <= message.on) this.#pending.add(book);
  }

  /** It takes no place under cap and limit any more, and somebody else may have its time. */
  #takeBack(book: Book, sender: { taken: Message[] } | undefined, message: Message): void {
    this.#touch(book, message, -1);
    if (sender) sender.taken = sender.taken.filter(each => each !== message);
    this.#pending.add(book);
  }

  #row(book: Book, on: string): DayOfSequence {
    const there = book.days.get(on);
    const { backlog, inReview } = book;
    if (there) return Object.assign(there, { backlog, inReview });
    const row = { sequenceId: book.sequence.id, on, enrolled: 0, newLeads: 0, followUps: 0, held: 0, backlog, inReview };
    book.days.set(on, row);
    for (const date of book.touched.keys()) if (date < on) book.touched.delete(date);
    return row;
  }

  /** A day of the workspace: what was added on it, and each sequence's day of that date. */
  dayOf(on: string): Day {
    const added = [...(this.#added.get(on) ?? [])].map(([listId, people]) => ({ listId, people }));
    const empty = { on, enrolled: 0, newLeads: 0, followUps: 0, held: 0 };
    return {
      on,
      added: added.sort((a, b) => a.listId - b.listId),
      sequences: [...this.#books.values()].map(
        book => book.days.get(on) ?? { sequenceId: book.sequence.id, ...empty, backlog: book.backlog, inReview: book.inReview },
      ),
    };
  }
}
