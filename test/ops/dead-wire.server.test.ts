import { sql } from 'kysely';
import { expect } from 'vitest';
import { connectServer } from '../../src/db/connect.ts';
import { isDatabaseLost, whileLost } from '../../src/db/lost.ts';
import { inWorkspace, type Tx } from '../../src/db/transaction.ts';
import { silentLog } from '../../src/log.ts';
import { startProxy } from '../support/proxy.ts';
import { test, type World } from '../support/world.ts';

/** A worker on a wire of its own, and how many of its database's transactions wait for a lock. */
async function wired({ connection: { db, engine } }: World, { answersWithinMs }: { answersWithinMs?: number } = {}) {
  if (engine.kind !== 'server') throw new Error('a wire leads to a server');
  const wire = await startProxy(engine.url);
  const worker = connectServer(wire.url, silentLog, { max: 8, ...(answersWithinMs ? { answersWithinMs } : {}) });
  const waiting = async (n: number): Promise<void> => {
    for (;;) {
      const { rows } = await sql<{ n: number }>`select count(*) as n from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`.execute(db);
      if (rows[0]!.n === n) return;
    }
  };
  return { wire, worker, waiting };
}

const lockWorkspace = (tx: Tx): Promise<unknown> => sql`select from workspace for update`.execute(tx);

test('a lock that died with a worker, and those who queued for it behind the same wire, are free again within 30 s', async ({
  world,
}) => {
  const office = await world.office();
  const { wire, worker, waiting } = await wired(world);
  const holds = Promise.withResolvers<void>();
  const ends = Promise.withResolvers<void>();
  const take = () =>
    inWorkspace(worker.db, office.id, async tx => {
      await lockWorkspace(tx);
      holds.resolve();
      await ends.promise;
    }).catch(() => {});
  take();
  await holds.promise;
  for (let n = 0; n < 7; n++) take();
  await waiting(7);
  expect(wire.goDead()).toBe(8);

  const deadAt = performance.now();
  await whileLost(120_000, () => inWorkspace(world.services.db, office.id, lockWorkspace));
  const seconds = (performance.now() - deadAt) / 1000;
  process.stdout.write(`free ${seconds.toFixed(1)} s after the wire went dead\n`);
  expect(seconds).toBeLessThan(30);
  ends.resolve();
  await wire.close();
  await worker.close();
}, 120_000);

test('a statement that nobody answers is given up, and its connection is replaced', async ({ world }) => {
  const office = await world.office();
  const { wire, worker } = await wired(world, { answersWithinMs: 500 });
  const ask = () => inWorkspace(worker.db, office.id, tx => sql<{ n: number }>`select 1 as n`.execute(tx));
  await ask();
  const [pool] = worker.engine.kind === 'server' ? [worker.engine.pool] : [];
  expect([pool!.totalCount, wire.goDead()]).toEqual([1, 1]);
  await expect(ask().catch(isDatabaseLost)).resolves.toBe(true);
  expect((await ask()).rows).toEqual([{ n: 1 }]);
  expect([pool!.totalCount, wire.connections]).toEqual([1, 1]);
  await wire.close();
  await worker.close();
});
