import { type Interval, rotated, Sender, timesFor } from './times.ts';

export type { Interval } from './times.ts';

/**
 * Who is touched today and when (S3–S5, S10): the state of a day → placements. Pure and deterministic, so that what is planned live and
 * what is forecast in memory are the same. It takes all sequences that share senders at once, since a sender's limits hold over all of
 * them.
 */

/** One sequence's today. */
export interface SequenceDay {
  id: number;
  /** Different leads a day. */
  cap: number;
  steps: number;
  /** What remains of today's window, or null where nothing may leave any more. */
  window: Interval | null;
  /** Different leads that today's rows touch already: planned, claimed, handing, sent, unknown. */
  used: number;
  /** Today's first contacts by list, among them the planned ones; the key of leads enrolled by hand is null. */
  newByList: ReadonlyMap<number | null, number>;
  /** Senders that new leads may leave from. */
  senderIds: readonly number[];
  due: readonly FollowUp[];
  /** Oldest enrollment first within a list. */
  fresh: readonly NewLead[];
}

export interface FollowUp {
  enrollmentId: number;
  /** The one that the first message left from: it stays the same (S5). Null: none has left yet, only tasks were due before. */
  senderId: number | null;
  dueOn: string;
  lastContactAt: Temporal.Instant | null;
  /** Its lead is touched today already, so that it takes no further place under the cap. */
  touched: boolean;
  /** Its step is a manual task: no sender, no gap. */
  isTask?: boolean;
  /** Nothing has reached its lead yet, since the task before was skipped; then `company` is what this first contact counts on (S10). */
  isFirst?: boolean;
  company?: string | null;
}

export interface NewLead {
  enrollmentId: number;
  listId: number | null;
  isTask?: boolean;
  /** What makes two leads colleagues: the company's domain (S10). */
  company?: string | null;
}

/** How many first contacts a company gets on one day over the whole workspace (S10). */
export interface CompanyPacing {
  perDay: number;
  /** Today's, by company; a company that is to be left alone altogether has as many as there may be. */
  today: ReadonlyMap<string, number>;
}

/** One sender's today, over all of its sequences. */
export interface SenderDay {
  id: number;
  /** What its daily limit still allows. */
  left: number;
  gapMinutes: number;
  /** When its messages left or will leave. */
  taken: readonly Temporal.Instant[];
}

export interface Day {
  /** The local date, for turns that rotate and for the jitter's seed. */
  on: Temporal.PlainDate;
  sequences: readonly SequenceDay[];
  senders: readonly SenderDay[];
  /** Absent: companies are not paced. */
  companies?: CompanyPacing;
}

export interface Placement {
  sequenceId: number;
  enrollmentId: number;
  /** Null for a manual task. */
  senderId: number | null;
  at: Temporal.Instant;
  firstContact: boolean;
}

/** Places that new leads keep, however many follow-ups are due (S3). */
export const keptForNew = (cap: number, steps: number): number =>
  cap <= 1 ? 0 : Math.max(1, Math.floor(cap / Math.max(1, steps)));

/**
 * Plans the day. Runs until a run places nobody, so that planning the result again places nobody either (E2).
 * The smallest of cap, sender limits, gaps and window wins.
 */
export function plan(day: Day): Placement[] {
  const companies = new Companies(day.companies);
  const sequences = day.sequences.filter(sequence => sequence.window).map(sequence => new Sequence(sequence, day, companies));
  const senders = new Map(day.senders.map(sender => [sender.id, new Sender(sender)]));
  const placed: Placement[] = [];
  for (;;) {
    for (const sequence of sequences) sequence.lookAgain();
    const chosen = choose(day, sequences, senders);
    const timed = chosen.length ? spread(day.on, chosen) : [];
    placed.push(...timed);
    if (timed.length === 0) return placed;
  }
}

/** First contacts by company, as the day fills (S10). */
class Companies {
  readonly perDay: number;
  readonly #today: Map<string, number>;
  constructor(pacing: CompanyPacing | undefined) {
    this.perDay = pacing?.perDay ?? Infinity;
    this.#today = new Map(pacing?.today);
  }

  isFull = (company: string | null | undefined): boolean => company != null && (this.#today.get(company) ?? 0) >= this.perDay;

  count(company: string | null | undefined, by: 1 | -1): void {
    if (company != null) this.#today.set(company, (this.#today.get(company) ?? 0) + by);
  }
}

class Sequence {
  readonly id: number;
  readonly day: SequenceDay;
  readonly window: Interval;
  readonly newToday = new Map<number | null, number>();
  /** What waits, taken from the front. */
  readonly fresh = new Map<number | null, NewLead[]>();
  /** Whose company has had its first contacts of the day; they keep their places in the line. */
  #waiting: NewLead[] = [];
  readonly #line: ReadonlyMap<NewLead, number>;
  readonly companies: Companies;
  used: number;
  readonly followUps: Set<FollowUp>;
  constructor(day: SequenceDay, { on }: Day, companies: Companies) {
    this.id = day.id;
    this.day = day;
    this.companies = companies;
    this.#line = new Map(day.fresh.map((lead, index) => [lead, index]));
    this.window = day.window!;
    this.used = day.used;
    this.followUps = new Set(day.due);
    for (const lead of day.fresh) {
      const waiting = this.fresh.get(lead.listId);
      if (waiting) waiting.push(lead);
      else this.fresh.set(lead.listId, [lead]);
    }
    // Whoever comes first on a tie changes by the day, or a cap of one would serve one list for ever.
    for (const listId of rotated([...this.fresh.keys()].sort(byId), on))
      this.newToday.set(listId, day.newByList.get(listId) ?? 0);
    this.firstContacts = [...day.newByList.values()].reduce((sum, n) => sum + n, 0);
  }
  firstContacts: number;

  get room(): number {
    return this.day.cap - this.used;
  }

  /** The next new lead, round-robin over lists: of the list that was served least today (S3), and of a company with room (S10). */
  next(): NewLead | undefined {
    let least: number | null | undefined;
    for (const [listId, served] of this.newToday)
      if (this.#head(listId) && (least === undefined || served < this.newToday.get(least)!)) least = listId;
    return least === undefined ? undefined : this.fresh.get(least)![0];
  }

  #head(listId: number | null): NewLead | undefined {
    const line = this.fresh.get(listId)!;
    while (line.length && this.companies.isFull(line[0]!.company)) this.#waiting.push(line.shift()!);
    return line[0];
  }

  /** Puts those back in line whose company was full: somebody may have given a place up since. */
  lookAgain(): void {
    for (const [listId, leads] of Map.groupBy(this.#waiting, lead => lead.listId))
      this.fresh.set(
        listId,
        [...leads, ...this.fresh.get(listId)!].sort((a, b) => this.#line.get(a)! - this.#line.get(b)!),
      );
    this.#waiting = [];
  }

  take(lead: NewLead, by: 1 | -1 = 1): void {
    const line = this.fresh.get(lead.listId)!;
    if (by === 1) line.shift();
    else line.unshift(lead);
    this.newToday.set(lead.listId, this.newToday.get(lead.listId)! + by);
    this.companies.count(lead.company, by);
    this.firstContacts += by;
    this.used += by;
  }

  takeDue(due: FollowUp, by: 1 | -1 = 1): void {
    if (by === 1) this.followUps.delete(due);
    else this.followUps.add(due);
    this.companies.count(due.company, by);
    if (!due.touched) this.used += by;
  }
}

const byId = (a: number | null, b: number | null): number => (a ?? Infinity) - (b ?? Infinity);

interface Choice {
  sequence: Sequence;
  /** Null: a task. */
  sender: Sender | null;
  enrollmentId: number;
  firstContact: boolean;
  /** Gives the place back when no time is found for it. */
  giveUp: () => void;
}

/** Who: the places kept for new leads, then due follow-ups, oldest first, then further new leads (S3, S5). */
function choose(day: Day, sequences: Sequence[], senders: Map<number, Sender>): Choice[] {
  const chosen: Choice[] = [];
  const left = new Map([...senders.values()].map(sender => [sender.id, sender.left]));
  const slots = new Map(sequences.map(sequence => [sequence, new Map<Sender, number>()]));
  const slotsOf = (sequence: Sequence, sender: Sender): number => {
    const own = slots.get(sequence)!;
    const known = own.get(sender);
    if (known !== undefined) return known;
    const found = sender.slots(sequence.window);
    own.set(sender, found);
    return found;
  };
  const canSend = (sequence: Sequence, sender: Sender | undefined): sender is Sender =>
    sender !== undefined && left.get(sender.id)! > 0 && slotsOf(sequence, sender) > 0;
  const take = (choice: Choice): void => {
    chosen.push(choice);
    const { sequence, sender } = choice;
    if (!sender) return;
    left.set(sender.id, left.get(sender.id)! - 1);
    slots.get(sequence)!.set(sender, slotsOf(sequence, sender) - 1);
  };

  const takeNew = (upTo: (sequence: Sequence) => number): void => {
    // Rooms, lines and what senders have left only shrink here, so whoever can take nobody is not asked again: with 200 sequences of
    // 20 common senders a day of 10,000 places asked for 12 s.
    const asking = new Set(rotated(sequences, day.on));
    for (;;) {
      let sequence: Sequence | undefined;
      for (const other of asking) if (!sequence || other.firstContacts < sequence.firstContacts) sequence = other;
      if (!sequence) return;
      const turn = sequence;
      const lead = turn.room > 0 && turn.firstContacts < upTo(turn) ? turn.next() : undefined;
      const sender = lead && (lead.isTask ? null : freest(turn, senders, left, canSend));
      if (!lead || sender === undefined) {
        asking.delete(turn);
        continue;
      }
      turn.take(lead);
      take({ sequence: turn, sender, enrollmentId: lead.enrollmentId, firstContact: true, giveUp: () => turn.take(lead, -1) });
    }
  };

  const sharing = sharingOf(sequences);
  const kept = new Map(sequences.map(sequence => [sequence.id, keptIn(sequence, senders, sharing)]));
  takeNew(sequence => kept.get(sequence.id)!);
  for (const { sequence, due } of oldestFirst(sequences)) {
    if ((!due.touched && sequence.room <= 0) || sequence.companies.isFull(due.company)) continue;
    const sender = due.isTask
      ? null
      : due.senderId === null
        ? freest(sequence, senders, left, canSend)
        : senders.get(due.senderId);
    if (sender === undefined || (sender && !canSend(sequence, sender))) continue;
    sequence.takeDue(due);
    const giveUp = () => sequence.takeDue(due, -1);
    take({ sequence, sender, enrollmentId: due.enrollmentId, firstContact: due.isFirst ?? false, giveUp });
  }
  takeNew(() => Infinity);
  return chosen;
}

/** The places kept, from the smallest limit: the cap, or a fair share of what its senders may send today. Tasks know no sender. */
function keptIn(sequence: Sequence, senders: Map<number, Sender>, sharing: ReadonlyMap<number, number>): number {
  if (sequence.day.fresh.some(lead => lead.isTask)) return keptForNew(sequence.day.cap, sequence.day.steps);
  let share = 0;
  for (const id of sequence.day.senderIds) {
    const sender = senders.get(id);
    if (sender) share += Math.min(Math.floor(sender.left / sharing.get(id)!), sender.slots(sequence.window));
  }
  return keptForNew(Math.min(sequence.day.cap, sequence.day.used + share), sequence.day.steps);
}

/** How many sequences give new leads to each sender. */
function sharingOf(sequences: Sequence[]): Map<number, number> {
  const sharing = new Map<number, number>();
  for (const { day } of sequences) for (const id of new Set(day.senderIds)) sharing.set(id, (sharing.get(id) ?? 0) + 1);
  return sharing;
}

/** New leads leave from the sender with the most left today; the lower id on a tie. */
function freest(
  sequence: Sequence,
  senders: Map<number, Sender>,
  left: Map<number, number>,
  canSend: (sequence: Sequence, sender: Sender | undefined) => sender is Sender,
): Sender | undefined {
  let best: Sender | undefined;
  for (const id of sequence.day.senderIds) {
    const sender = senders.get(id);
    if (!canSend(sequence, sender)) continue;
    const more = best ? left.get(sender.id)! - left.get(best.id)! : 1;
    if (more > 0 || (more === 0 && sender.id < best!.id)) best = sender;
  }
  return best;
}

const oldestFirst = (sequences: Sequence[]): { sequence: Sequence; due: FollowUp }[] =>
  sequences
    .flatMap(sequence => [...sequence.followUps].map(due => ({ sequence, due })))
    .sort(
      ({ due: a }, { due: b }) =>
        a.dueOn.localeCompare(b.dueOn) ||
        (a.lastContactAt?.epochMilliseconds ?? 0) - (b.lastContactAt?.epochMilliseconds ?? 0) ||
        a.enrollmentId - b.enrollmentId,
    );

/**
 * When: each sender's choices of a sequence spread over the free stretches of its window, with seeded jitter (S4). Tasks open with the
 * window, so that their owner finds them together.
 */
function spread(on: Temporal.PlainDate, chosen: Choice[]): Placement[] {
  const placed: Placement[] = [];
  const groups = Map.groupBy(chosen, ({ sequence, sender }) => `${sequence.id}:${on}:${sender?.id ?? 'task'}`);
  for (const [seed, group] of groups) {
    const { sequence, sender } = group[0]!;
    if (!sender) {
      for (const { enrollmentId, firstContact } of group)
        placed.push({ sequenceId: sequence.id, enrollmentId, senderId: null, at: sequence.window.from, firstContact });
      continue;
    }
    const times = timesFor(group.length, sender, sequence.window, `${seed}:${sender.taken.length}`);
    times.forEach((at, index) => {
      const { enrollmentId, firstContact } = group[index]!;
      placed.push({
        sequenceId: sequence.id,
        enrollmentId,
        senderId: sender.id,
        at: Temporal.Instant.fromEpochMilliseconds(at),
        firstContact,
      });
    });
    // From the back, so that whoever waited longest is first in line again.
    for (const { giveUp } of group.slice(times.length).reverse()) giveUp();
    sender.taken = [...sender.taken, ...times].sort((a, b) => a - b);
    sender.left -= times.length;
  }
  return placed;
}
