import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Where time comes from. Verbs take `now` as a value; only this file reads the machine's clock. */
export interface Clock {
  now(): Temporal.Instant;
}

/** Epoch milliseconds are what Postgres, pg-boss and Slack keep, so an instant never carries more than that. */
const machineNow = () => Temporal.Instant.fromEpochMilliseconds(Date.now());

export const systemClock: Clock = { now: machineNow };

/**
 * A clock that a person or a test moves: the machine's time plus a shift, or standing still at an instant.
 * `onMove` lets those who keep time elsewhere (pg-boss's `job_now()`) follow before `move` resolves.
 */
export class MovableClock implements Clock {
  #shift: Temporal.Duration;
  #standsAt: Temporal.Instant | null;
  #followers = new Set<(clock: MovableClock) => Promise<void>>();

  constructor({ standsAt = null, shiftMs = 0 }: { standsAt?: Temporal.Instant | null; shiftMs?: number } = {}) {
    this.#standsAt = standsAt;
    this.#shift = Temporal.Duration.from({ milliseconds: shiftMs });
  }

  /** The machine's time plus the shift that is kept in `home`: how far somebody moved it survives a restart. */
  static async in(home: string): Promise<MovableClock> {
    const file = path.join(home, 'clock.json');
    const clock = new MovableClock(await readFile(file, 'utf8').then(JSON.parse, () => ({})));
    clock.onMove(({ shiftMs }) => writeFile(file, JSON.stringify({ shiftMs })));
    return clock;
  }

  now(): Temporal.Instant {
    return this.#standsAt ?? machineNow().add(this.#shift);
  }

  get shiftMs(): number {
    return this.#shift.total('milliseconds');
  }

  get standsAt(): Temporal.Instant | null {
    return this.#standsAt;
  }

  /** Calls `follow` after every move, and waits for it. */
  onMove(follow: (clock: MovableClock) => Promise<void>): void {
    this.#followers.add(follow);
  }

  /** Moves forwards (or backwards) by a duration of hours and smaller. */
  async move(by: Temporal.DurationLike): Promise<void> {
    const duration = Temporal.Duration.from(by);
    if (this.#standsAt) this.#standsAt = this.#standsAt.add(duration);
    else this.#shift = this.#shift.add(duration);
    for (const follow of this.#followers) await follow(this);
  }

  /** Jumps to an instant. */
  async set(to: Temporal.Instant): Promise<void> {
    await this.move(this.now().until(to));
  }
}
