/** When messages leave (S4, S5): a sender's free time in a window, and times spread over it with seeded jitter. Pure. */

export interface Interval {
  from: Temporal.Instant;
  until: Temporal.Instant;
}

/** Milliseconds since 1970; the planner's own arithmetic. */
export type Ms = number;

/**
 * Gaps are planned between once and this often the least one. At exactly the least one a full window would tick like a clock, and whatever
 * leaves a minute late would push all behind it, the last out of the window.
 */
const widestGap = 1.3;

/** How many messages fit a stretch of so many milliseconds, ends included, at the widest gap (S5). Without a gap: one a second. */
export const fitting = (lengthMs: Ms, gapMs: Ms): number => Math.floor(lengthMs / Math.max(gapMs * widestGap, 1000)) + 1;

/** One sender's today, as it fills. */
export class Sender {
  readonly id: number;
  readonly gapMs: Ms;
  left: number;
  taken: Ms[];
  constructor({
    id,
    left,
    gapMinutes,
    taken,
  }: { id: number; left: number; gapMinutes: number; taken: readonly Temporal.Instant[] }) {
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

  holds = (stretch: { from: Ms; until: Ms }): number => fitting(stretch.until - stretch.from, this.gapMs);

  slots = (window: Interval): number => this.free(window).reduce((sum, stretch) => sum + this.holds(stretch), 0);
}

/** A list that begins elsewhere each day, so that whoever comes first on a tie changes. */
export const rotated = <T>(items: T[], on: Temporal.PlainDate): T[] => {
  const days = Temporal.PlainDate.from('1970-01-01').until(on).days;
  const turn = items.length ? days % items.length : 0;
  return [...items.slice(turn), ...items.slice(0, turn)];
};

/**
 * Up to `wanted` times, ascending. Each stretch gets its part by length; inside, times lie jittered gaps apart plus a jittered part of
 * the slack, so that any number that fits is placed, however tight.
 */
export function timesFor(wanted: number, sender: Sender, window: Interval, seed: string): Ms[] {
  const next = random(seed);
  const stretches = sender.free(window);
  const share = apportion(
    wanted,
    stretches.map(stretch => ({ weight: stretch.until - stretch.from + 1000, room: sender.holds(stretch) })),
  );
  return stretches.flatMap((stretch, s) => {
    const n = share[s]!;
    const gaps = Array.from({ length: Math.max(0, n - 1) }, () => wider(sender.gapMs, next()));
    const slack = stretch.until - stretch.from - gaps.reduce((sum, gap) => sum + gap, 0);
    let at = stretch.from;
    return Array.from({ length: n }, (_, i) => {
      if (i) at += gaps[i - 1]!;
      return at + Math.floor((slack * ((i + next()) / n)) / 1000) * 1000;
    });
  });
}

/** A gap in whole seconds between the least and the widest one. */
const wider = (gapMs: Ms, part: number): Ms => Math.max(1000, Math.floor((gapMs * (1 + part * (widestGap - 1))) / 1000) * 1000);

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
