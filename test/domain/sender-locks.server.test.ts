import { sql } from 'kysely';
import { expect } from 'vitest';
import type { Context } from '../../src/domain/context.ts';
import * as replies from '../../src/domain/replies/index.ts';
import * as senders from '../../src/domain/senders/index.ts';
import { makeSender } from '../support/sequences.ts';
import { test, type World } from '../support/world.ts';

/** Until a transaction waits for a lock. */
async function somebodyWaits({ connection: { db } }: World): Promise<void> {
  for (;;) {
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(db);
    if (rows[0]!.n === 1) return;
  }
}

const deeds: [string, (ctx: Context, id: number) => Promise<unknown>][] = [
  ['let go on', senders.resume],
  ['removed', senders.remove],
];

// Two transactions are open at once, which only a server has.
for (const [what, deed] of deeds)
  test(`D5 a sender is ${what} while its mailbox is read, and neither waits for the other for ever`, async ({ world }) => {
    const office = await world.office();
    const id = await makeSender(world, office);
    const isReading = Promise.withResolvers<void>();
    const isAwaited = Promise.withResolvers<void>();
    const reading = world.in(office, async ctx => {
      await sql`select from mailbox where sender_id = ${id} for no key update`.execute(ctx.tx);
      isReading.resolve();
      await isAwaited.promise;
      // A mailbox whose sign-in is refused stops its sender.
      await replies.unreadable(ctx, id, { unreadable: 'auth_failed', detail: 'no' });
    });
    await isReading.promise;
    const doing = world.in(office, ctx => deed(ctx, id));
    await somebodyWaits(world);
    isAwaited.resolve();
    const ends = await Promise.allSettled([reading, doing]);
    expect(ends.flatMap(end => (end.status === 'rejected' ? [end.reason] : []))).toEqual([]);
  });
