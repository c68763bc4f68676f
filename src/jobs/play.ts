import { sql } from 'kysely';
import type { PgBoss } from 'pg-boss';
import type { MovableClock } from '../clock.ts';
import { nextDueAt } from '../db/system.ts';
import type { Db } from '../db/transaction.ts';
import { tick } from '../queues.ts';

/** How often the queues are looked at while waiting for them to run empty. */
const lookEveryMs = 20;

/** Resolves when no job is waiting or running. */
export async function settled(db: Db): Promise<void> {
  for (;;) {
    const { rows } = await sql<{ open: number }>`
      select count(*) as open from pgboss.job
      where state in ('created', 'retry', 'active') and start_after <= pgboss.job_now() and name not like '\\_\\_pgboss%'`.execute(
      db,
    );
    if (rows[0]!.open === 0) return;
    await new Promise(resolve => setTimeout(resolve, lookEveryMs));
  }
}

/**
 * Moves the clock forwards by letting everything on the way happen at its own time: it stops at each instant at which something falls
 * due, lets the jobs run, and goes on. A plain jump of a day would pass the send window without anybody having been contacted in it.
 */
export async function play(
  { db, boss, clock }: { db: Db; boss: PgBoss; clock: MovableClock },
  by: Temporal.DurationLike,
  onStep: (now: Temporal.Instant) => void = () => {},
): Promise<void> {
  const until = clock.now().add(by);
  for (;;) {
    const due = await nextDueAt(db, clock.now());
    const isLast = !due || Temporal.Instant.compare(due, until) >= 0;
    await clock.set(isLast ? until : due);
    await boss.send(tick.name, {}, { singletonKey: 'tick' });
    await settled(db);
    onStep(clock.now());
    if (isLast) return;
  }
}

/** A clock that the page's buttons move, one press after the other; days are 24 hours, and what is due on the way happens then. */
export function movable(what: Parameters<typeof play>[0]) {
  let moving = Promise.resolve();
  return {
    now: () => what.clock.now(),
    move: ({ hours = 0, days = 0 }: { hours?: number; days?: number }): Promise<void> => {
      const moved = moving.then(() => play(what, { hours: hours + 24 * days }));
      moving = moved.catch(() => {});
      return moved;
    },
  };
}
