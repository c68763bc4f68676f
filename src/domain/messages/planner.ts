/**
 * Who is touched today and when (S3–S5): the state of a day → placements. Pure and deterministic, so that what is planned live and what
 * is forecast in memory are the same. It takes all sequences that share senders at once, since a sender's limits hold over all of them.
 */

export interface Interval {
  from: Temporal.Instant;
  until: Temporal.Instant;
}

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
  /** The one that the first step left from: it stays the same (S5). */
  senderId: number;
  dueOn: string;
  lastContactAt: Temporal.Instant | null;
  /** Its lead is touched today already, so that it takes no further place under the cap. */
  touched: boolean;
}

export interface NewLead {
  enrollmentId: number;
  listId: number | null;
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
}

export interface Placement {
  sequenceId: number;
  enrollmentId: number;
  senderId: number;
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
  const sequences = day.sequences.filter(sequence => sequence.window).map(sequence => new Sequence(sequence, day));
  const senders = new Map(day.senders.map(sender => [sender.id, new Sender(sender)]));
  const placed: Placement[] = [];
  for (;;) {
    const chosen = choose(day, sequences, senders);
    const timed = chosen.length ? spread(day.on, chosen) : [];
    placed.push(...timed);
    if (timed.length === 0) return placed;
  }
}

/** Milliseconds since 1970; the planner's own arithmetic. */
type Ms = number;

class Sender {
  readonly id: number;
  readonly gapMs: Ms;
  left: number;
  taken: Ms[];
  constructor({ id, left, gapMinutes, taken }: SenderDay) {
    this.id = id;
    this.left = Math.max(0, left);
    this.gapMs = gapMinutes * 60_000;
    this.taken = taken.map(at => at.epochMilliseconds).sort((a, b) => a - b);
  }

  /** The stretches of a window, in whole seconds, in which it may send and keep its gap to what is taken. Ends included. */
  free({ from, until }: Interval): { from: Ms; until: Ms }[] {
    let start = Math.ceil(from.epochMilliseconds / 1000) * 1000;
    const end = Math.ceil(until.epochMilliseconds / 1000) * 1000 - 1000;
    const stretches: { from: Ms; until: Ms }[] = [];
    for (const at of this.taken) {
      const before = Math.floor((at - Math.max(this.gapMs, 1000)) / 1000) * 1000;
      if (before >= start) stretches.push({ from: start, until: Math.min(before, end) });
      start = Math.max(start, Math.ceil((at + Math.max(this.gapMs, 1000)) / 1000) * 1000);
    }
    stretches.push({ from: start, until: end });
    return stretches.filter(stretch => stretch.from <= stretch.until);
  }

  holds = (stretch: { from: Ms; until: Ms }): number =>
    Math.floor((stretch.until - stretch.from) / Math.max(this.gapMs, 1000)) + 1;

  slots = (window: Interval): number => this.free(window).reduce((sum, stretch) => sum + this.holds(stretch), 0);
}

class Sequence {
  readonly id: number;
  readonly day: SequenceDay;
  readonly window: Interval;
  readonly newToday = new Map<number | null, number>();
  /** What waits, taken from the front. */
  readonly fresh = new Map<number | null, NewLead[]>();
  used: number;
  readonly followUps: Set<FollowUp>;
  constructor(day: SequenceDay, { on }: Day) {
    this.id = day.id;
    this.day = day;
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

  /** The next new lead, round-robin over lists: of the list that was served least today (S3). */
  next(): NewLead | undefined {
    let least: number | null | undefined;
    for (const [listId, served] of this.newToday)
      if (this.fresh.get(listId)?.length && (least === undefined || served < this.newToday.get(least)!)) least = listId;
    return least === undefined ? undefined : this.fresh.get(least)![0];
  }

  take(lead: NewLead): void {
    this.fresh.get(lead.listId)!.shift();
    this.newToday.set(lead.listId, this.newToday.get(lead.listId)! + 1);
    this.firstContacts++;
    this.used++;
  }
}

const byId = (a: number | null, b: number | null): number => (a ?? Infinity) - (b ?? Infinity);

const rotated = <T>(items: T[], on: Temporal.PlainDate): T[] => {
  const days = Temporal.PlainDate.from('1970-01-01').until(on).days;
  const turn = items.length ? days % items.length : 0;
  return [...items.slice(turn), ...items.slice(0, turn)];
};

interface Choice {
  sequence: Sequence;
  sender: Sender;
  enrollmentId: number;
  firstContact: boolean;
  /** Gives the place back when no time is found for it. */
  giveUp: () => void;
}

/** Who: the places kept for new leads, then due follow-ups, oldest first, then further new leads (S3, S5). */
function choose(day: Day, sequences: Sequence[], senders: Map<number, Sender>): Choice[] {
  const chosen: Choice[] = [];
  const left = new Map([...senders.values()].map(sender => [sender.id, sender.left]));
  const slots = new Map<string, number>();
  const slotsOf = (sequence: Sequence, sender: Sender): number => {
    const key = `${sequence.id}:${sender.id}`;
    if (!slots.has(key)) slots.set(key, sender.slots(sequence.window));
    return slots.get(key)!;
  };
  const canSend = (sequence: Sequence, sender: Sender | undefined): sender is Sender =>
    sender !== undefined && left.get(sender.id)! > 0 && slotsOf(sequence, sender) > 0;
  const take = (choice: Choice): void => {
    chosen.push(choice);
    const { sequence, sender } = choice;
    left.set(sender.id, left.get(sender.id)! - 1);
    slots.set(`${sequence.id}:${sender.id}`, slotsOf(sequence, sender) - 1);
  };

  const takeNew = (upTo: (sequence: Sequence) => number): void => {
    for (;;) {
      const turn = rotated(sequences, day.on)
        .filter(sequence => sequence.room > 0 && sequence.firstContacts < upTo(sequence) && sequence.next())
        .map(sequence => ({ sequence, sender: freest(sequence, senders, left, canSend) }))
        .filter((turn): turn is { sequence: Sequence; sender: Sender } => turn.sender !== undefined)
        .reduce<{ sequence: Sequence; sender: Sender } | undefined>(
          (first, other) => (first && first.sequence.firstContacts <= other.sequence.firstContacts ? first : other),
          undefined,
        );
      if (!turn) return;
      const { sequence, sender } = turn;
      const lead = sequence.next()!;
      sequence.take(lead);
      const giveUp = () => {
        sequence.fresh.get(lead.listId)!.unshift(lead);
        sequence.newToday.set(lead.listId, sequence.newToday.get(lead.listId)! - 1);
        sequence.firstContacts--;
        sequence.used--;
      };
      take({ sequence, sender, enrollmentId: lead.enrollmentId, firstContact: true, giveUp });
    }
  };

  const kept = new Map(sequences.map(sequence => [sequence.id, keptIn(sequence, sequences, senders)]));
  takeNew(sequence => kept.get(sequence.id)!);
  for (const { sequence, due } of oldestFirst(sequences)) {
    const sender = senders.get(due.senderId);
    if (!canSend(sequence, sender) || (!due.touched && sequence.room <= 0)) continue;
    sequence.followUps.delete(due);
    if (!due.touched) sequence.used++;
    const giveUp = () => {
      sequence.followUps.add(due);
      if (!due.touched) sequence.used--;
    };
    take({ sequence, sender, enrollmentId: due.enrollmentId, firstContact: false, giveUp });
  }
  takeNew(() => Infinity);
  return chosen;
}

/** The places kept, from the smallest limit: the cap, or a fair share of what its senders may send today. */
function keptIn(sequence: Sequence, sequences: Sequence[], senders: Map<number, Sender>): number {
  let share = 0;
  for (const id of sequence.day.senderIds) {
    const sender = senders.get(id);
    const sharing = sequences.filter(other => other.day.senderIds.includes(id)).length;
    if (sender) share += Math.min(Math.floor(sender.left / sharing), sender.slots(sequence.window));
  }
  return keptForNew(Math.min(sequence.day.cap, sequence.day.used + share), sequence.day.steps);
}

/** New leads leave from the sender with the most left today; the lower id on a tie. */
function freest(
  sequence: Sequence,
  senders: Map<number, Sender>,
  left: Map<number, number>,
  canSend: (sequence: Sequence, sender: Sender | undefined) => sender is Sender,
): Sender | undefined {
  return sequence.day.senderIds
    .map(id => senders.get(id))
    .filter(sender => canSend(sequence, sender))
    .sort((a, b) => left.get(b.id)! - left.get(a.id)! || a.id - b.id)[0];
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

/** When: each sender's choices of a sequence spread over the free stretches of its window, with seeded jitter (S4). */
function spread(on: Temporal.PlainDate, chosen: Choice[]): Placement[] {
  const placed: Placement[] = [];
  const groups = Map.groupBy(chosen, ({ sequence, sender }) => `${sequence.id}:${on}:${sender.id}`);
  for (const [seed, group] of groups) {
    const { sequence, sender } = group[0]!;
    const times = timesFor(group.length, sender, sequence.window, random(`${seed}:${sender.taken.length}`));
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

/**
 * Up to `wanted` times, ascending. Each stretch gets its part by length; inside, times lie a gap apart plus a jittered part of the
 * slack, so that any number that fits is placed, however tight.
 */
function timesFor(wanted: number, sender: Sender, window: Interval, next: () => number): Ms[] {
  const gap = Math.max(sender.gapMs, 1000);
  const stretches = sender.free(window);
  const share = apportion(
    wanted,
    stretches.map(stretch => ({ weight: stretch.until - stretch.from + 1000, room: sender.holds(stretch) })),
  );
  return stretches.flatMap((stretch, s) => {
    const n = share[s]!;
    const slack = stretch.until - stretch.from - Math.max(0, n - 1) * gap;
    return Array.from({ length: n }, (_, i) => {
      const offset = Math.floor((slack * ((i + next()) / n)) / 1000) * 1000;
      return stretch.from + i * gap + offset;
    });
  });
}

/** Divides `wanted` by weight, never above a part's room. */
function apportion(wanted: number, parts: { weight: number; room: number }[]): number[] {
  const total = parts.reduce((sum, part) => sum + part.weight, 0);
  const share = parts.map(({ weight, room }) => Math.min(room, Math.floor((wanted * weight) / total)));
  let left = wanted - share.reduce((sum, n) => sum + n, 0);
  while (left > 0) {
    let best = -1;
    parts.forEach(({ weight, room }, i) => {
      if (share[i]! >= room) return;
      if (best < 0 || weight / (share[i]! + 1) > parts[best]!.weight / (share[best]! + 1)) best = i;
    });
    if (best < 0) return share;
    share[best]!++;
    left--;
  }
  return share;
}

/** A seeded source of numbers in [0, 1): the same text gives the same numbers (FNV-1a into mulberry32). */
function random(seed: string): () => number {
  let state = 2166136261;
  for (const character of seed) state = Math.imul(state ^ character.charCodeAt(0), 16777619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
