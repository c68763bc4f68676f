import { expect } from 'vitest';
import * as messages from '../../src/domain/messages/index.ts';
import * as sequences from '../../src/domain/sequences/index.ts';
import { byState, enrol, ledger, mailServer, mailThrough, makeSender, makeSequence } from '../support/sequences.ts';
import { test } from '../support/world.ts';

test('D2 the claim counts an unknown outcome against the cap', async ({ world }) => {
  const office = await world.office();
  const server = mailServer(async () => ({ outcome: 'unknown', detail: 'no answer' }));
  mailThrough(world, server.transport);
  const senderIds = await Promise.all(['Ada', 'Bob'].map(name => makeSender(world, office, { name, minGapMinutes: 0 })));
  const id = await makeSequence(world, office, { dailyCap: 2, senderIds });
  await enrol(world, office, id, 2);
  await world.in(office, ctx => messages.planDay(ctx, id));
  await world.clock.set((await ledger(world, office)).map(row => row.planned_at).toSorted(Temporal.Instant.compare)[0]!);
  expect(await messages.sendDue(world.services, office.id)).toEqual({ handedOver: 1, refused: 0 });
  // The cap falls without anybody planning anew: what may have left takes its only place.
  await world.in(office, ctx => ctx.tx.updateTable('sequence').set({ daily_cap: 1 }).execute());
  await world.clock.set(Temporal.Instant.from('2026-03-02T16:59:00Z'));
  expect(await messages.sendDue(world.services, office.id)).toEqual({ handedOver: 0, refused: 0 });
  expect(server.handed).toHaveLength(1);
  expect((await ledger(world, office)).map(row => [row.state, row.reason]).toSorted()).toEqual([
    ['held', 'cap_reached'],
    ['unknown', 'no_answer'],
  ]);
});

test('D3 what is due of a sender that stopped is held at the claim, with its reason, and no worker takes it', async ({
  world,
}) => {
  const office = await world.office();
  const server = mailServer();
  mailThrough(world, server.transport);
  const senderId = await makeSender(world, office);
  const id = await makeSequence(world, office, { senderIds: [senderId] });
  await enrol(world, office, id, 1);
  await world.in(office, ctx => messages.planDay(ctx, id));
  await world.in(office, ctx => ctx.tx.updateTable('sender').set({ status: 'paused' }).execute());
  await world.clock.set(Temporal.Instant.from('2026-03-02T16:59:00Z'));
  expect((await world.in(office, ctx => messages.claimDue(ctx))).messages).toEqual([]);
  expect(await ledger(world, office)).toMatchObject([{ state: 'held', reason: 'sender_not_healthy' }]);
  expect(server.handed).toEqual([]);
});

test('D2 of two that are due for one sender, the one whose time came first is claimed, whichever was planned first', async ({
  world,
}) => {
  const office = await world.office();
  mailThrough(world);
  const senderId = await makeSender(world, office, { minGapMinutes: 30 });
  const id = await makeSequence(world, office, { senderIds: [senderId] });
  const people = await enrol(world, office, id, 2);
  await world.in(office, ctx => messages.planDay(ctx, id));
  const times = ['2026-03-02T12:00:00Z', '2026-03-02T10:00:00Z'];
  for (const [n, enrollmentId] of people.entries())
    await world.in(office, ctx =>
      ctx.tx
        .updateTable('message')
        .set({ planned_at: Temporal.Instant.from(times[n]!) })
        .where('enrollment_id', '=', enrollmentId)
        .execute(),
    );
  await world.clock.set(Temporal.Instant.from('2026-03-02T16:00:00Z'));
  const claimed = await world.in(office, ctx => messages.claimDue(ctx));
  expect(claimed.messages.map(message => message.enrollmentId)).toEqual([people[1]]);
});

test('E2 a day of more people than one transaction takes is planned in several', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office, { dailyCap: 2_100 });
  const steps = [{ kind: 'task' as const, title: 'Call', body: 'Call {{ first_name }}' }];
  await world.in(office, ctx => sequences.edit(ctx, id, { steps }));
  await world.drain();
  await enrol(world, office, id, 2_200);
  const atOnce = await world.in(office, async ctx => Math.min(2_100, messages.placedAtOnce(ctx)));
  expect(await world.in(office, ctx => messages.planDay(ctx, id))).toEqual({ planned: atOnce });
  await world.drain();
  expect(await byState(world, office)).toEqual({ planned: 2_100 });
  expect(await world.in(office, ctx => messages.planDay(ctx, id))).toEqual({ planned: 0 });
});
