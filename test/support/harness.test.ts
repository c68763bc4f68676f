import { expect } from 'vitest';
import { drover, enter } from '../../src/domain/context.ts';
import { planDay } from '../../src/queues.ts';
import { test } from './world.ts';

test('T1 another workspace is not there, to read or to write', async ({ world }) => {
  const acme = await world.office('Acme');
  const other = await world.office('Other');
  const names = await world.in(acme, ctx => ctx.tx.selectFrom('member').select('name').execute());
  expect(names).toHaveLength(2);
  await expect(
    world.in(acme, ctx =>
      ctx.tx
        .insertInto('member')
        .values({ workspace_id: other.id, slack_user_id: 'U9', name: 'x', role: 'rep', created_at: ctx.now })
        .execute(),
    ),
  ).rejects.toThrow(/row-level security/);
});

test('jobs join the transaction that causes them', async ({ world }) => {
  const acme = await world.office();
  const ran: unknown[] = [];
  world.handlers = { 'plan-day': async (payload: unknown) => void ran.push(payload) };
  const job = { workspaceId: acme.id, sequenceId: 7 };
  await enter(world.services, acme.id, drover, async ctx => {
    await ctx.enqueue(planDay, job);
    throw new Error('rolled back');
  }).catch(() => {});
  expect(await world.drain()).toBe(0);
  await enter(world.services, acme.id, drover, ctx => ctx.enqueue(planDay, job));
  expect(await world.drain()).toBe(1);
  expect(ran).toEqual([job]);
});
