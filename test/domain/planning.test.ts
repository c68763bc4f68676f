import { sql } from 'kysely';
import { expect } from 'vitest';
import type { Context } from '../../src/domain/context.ts';
import * as messages from '../../src/domain/messages/index.ts';
import * as sequences from '../../src/domain/sequences/index.ts';
import { byState, enrol, ledger, makeSender, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

/** What a way to plan would write, every column but the id; it is taken back. */
async function wouldPlan(world: World, office: Office, how: (ctx: Context) => Promise<unknown>) {
  const taken = new Error('taken back');
  let written: unknown[] = [];
  const planning = world.in(office, async ctx => {
    await how(ctx);
    const { rows } = await sql<{ message: Record<string, unknown>; sender: number | null }>`
      select to_jsonb(m) - 'id' as message, e.sender_id as sender
      from message m join enrollment e on e.id = m.enrollment_id order by m.enrollment_id, m.position`.execute(ctx.tx);
    written = rows;
    throw taken;
  });
  await expect(planning).rejects.toBe(taken);
  return written;
}

const awaiting = (world: World, office: Office) =>
  world.in(office, async ctx => {
    const waiting = await ctx.tx.selectFrom('sequence').select('id').where('awaits_plan', '=', true).orderBy('id').execute();
    return waiting.map(row => row.id);
  });

const beginDay = (world: World, office: Office, sequenceId: number) =>
  world.handlers['daily-enrollment']!({ workspaceId: office.id, sequenceId, on: '2026-03-02' } as never, AbortSignal.any([]));

/** How many jobs that plan the days that begin are waiting. */
const waitingJobs = async (world: World): Promise<number> => {
  const { rows } = await sql<{ n: number }>`select count(*)::int as n from pgboss.job
    where name = 'plan-day' and state = 'created' and not data ? 'sequenceId'`.execute(world.services.db);
  return rows[0]!.n;
};

test('S3 S4 S5 S10 E2 sequences planned together get what they get one after another', async ({ world }) => {
  const office = await world.office();
  const make = (name: string, given: Parameters<typeof makeSequence>[2] = {}) =>
    makeSequence(world, office, { name, dailyCap: 4, ...given });
  const [first, second] = [await make('First'), await make('Second')];
  const both = await makeSender(world, office, { name: 'Both', dailyLimit: 7 });
  const left = await make('Left', { dailyCap: 6, senderIds: [both], steps: 2 });
  const right = await make('Right', { dailyCap: 6, senderIds: [both], days: [1, 2] });
  const inflight = await make('In flight', { dailyCap: 5 });
  const calls = await make('Calls');
  const far = await make('Far', { zone: 'Pacific/Auckland', from: '22:00', until: '23:59' });
  const paused = await make('Paused');
  await world.in(office, async ctx => {
    await sequences.edit(ctx, calls, { steps: [{ kind: 'task', title: 'Call', body: 'Call {{ first_name }}' }] });
    await ctx.tx.updateTable('sequence').set({ status: 'finishing' }).where('id', '=', inflight).execute();
    await ctx.tx.updateTable('sequence').set({ status: 'inactive' }).where('id', '=', paused).execute();
  });
  await enrol(world, office, first, 3, { list: 'A', company: 'big.example' });
  await enrol(world, office, first, 9, { list: 'B' });
  // Two of the company stand before the others: what is left of it once the first sequence is planned is none.
  await enrol(world, office, second, 2, { list: 'C', company: 'big.example' });
  await enrol(world, office, second, 9, { list: 'C' });
  await enrol(world, office, left, 9, { list: 'D' });
  await enrol(world, office, left, 3, { list: 'E', dueOn: '2026-02-27' });
  await enrol(world, office, right, 9, { list: 'F' });
  await enrol(world, office, right, 1, { list: 'F', dueOn: '2026-02-26' });
  // They are written to from a sender that is none of their sequence's any more, and that another one uses.
  const lent = await world.in(office, ctx =>
    ctx.tx.selectFrom('sequence_sender').select('sender_id').where('sequence_id', '=', first).executeTakeFirstOrThrow(),
  );
  await enrol(world, office, inflight, 7, { list: 'G', dueOn: '2026-03-01', senderId: lent.sender_id });
  await enrol(world, office, calls, 3, { list: 'H', company: 'big.example' });
  await enrol(world, office, calls, 6, { list: 'H' });
  await enrol(world, office, far, 5, { list: 'I' });
  await enrol(world, office, paused, 5, { list: 'J' });
  await world.clock.set(Temporal.Instant.from('2026-03-02T09:30:00Z'));
  const ids = [first, second, left, right, inflight, calls, far, paused];

  const apart = await wouldPlan(world, office, async ctx => {
    for (const id of ids) await messages.planDay(ctx, id);
  });
  const together = await wouldPlan(world, office, ctx => messages.planDays(ctx, ids));
  expect(together).toEqual(apart);
  expect(apart).toHaveLength(28);

  await world.in(office, ctx => messages.planDays(ctx, ids));
  for (const [id, planned] of [
    [second, 4],
    [inflight, 5],
  ] as const)
    expect(await byState(world, office, id)).toEqual({ planned });
  const before = await ledger(world, office);
  expect(await world.in(office, ctx => messages.planDays(ctx, ids.toReversed()))).toEqual({ planned: 0 });
  expect(await ledger(world, office)).toEqual(before);
});

test('E2 sequences whose days begin are planned by one job, and a job that is cut short leaves them to the next', async ({
  world,
}) => {
  const office = await world.office();
  const ids: number[] = [];
  for (const name of ['Fall', 'Winter', 'Spring']) {
    const id = await makeSequence(world, office, { name, dailyCap: 2 });
    ids.push(id);
  }
  await world.drain();
  for (const id of ids) await enrol(world, office, id, 3, { list: `List ${id}` });
  for (const id of ids) await beginDay(world, office, id);
  expect(await byState(world, office)).toEqual({});
  expect(await awaiting(world, office)).toEqual(ids);
  expect(await waitingJobs(world)).toBe(1);

  await expect(
    world.in(office, async ctx => {
      await messages.planAwaiting(ctx);
      throw new Error('cut short');
    }),
  ).rejects.toThrow('cut short');
  expect(await awaiting(world, office)).toEqual(ids);

  await world.drain();
  expect(await byState(world, office)).toEqual({ planned: 6 });
  expect(await awaiting(world, office)).toEqual([]);
  expect(await world.in(office, ctx => messages.planAwaiting(ctx))).toEqual({ planned: 0 });
});

test('E2 sequences that may place more than one transaction takes are planned in several', async ({ world }) => {
  const office = await world.office();
  const ids: number[] = [];
  for (const name of ['Fall', 'Winter', 'Spring']) ids.push(await makeSequence(world, office, { name, dailyCap: 10_000 }));
  await world.drain();
  for (const id of ids) await enrol(world, office, id, 2, { list: `List ${id}` });
  const fit = await world.in(office, async ctx => Math.max(1, Math.floor(messages.placedAtOnce(ctx) / 10_000)));
  expect(await world.in(office, ctx => messages.planDays(ctx, ids))).toEqual({ planned: 2 * fit });
  expect(await awaiting(world, office)).toEqual(ids.slice(fit));
  await world.drain();
  expect(await byState(world, office)).toEqual({ planned: 6 });
  expect(await awaiting(world, office)).toEqual([]);
});
