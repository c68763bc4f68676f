import { expect } from 'vitest';
import * as messages from '../../src/domain/messages/index.ts';
import { enrol, ledger, mailServer, mailThrough, makeSender, makeSequence } from '../support/sequences.ts';
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
