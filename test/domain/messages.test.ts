import { expect } from 'vitest';
import * as messages from '../../src/domain/messages/index.ts';
import { byState, clockTime, enrol, enrollmentOf, ledger, mailThrough, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const plan = (world: World, office: Office, id: number) => world.in(office, ctx => messages.planDay(ctx, id));
const send = (world: World, office: Office) => messages.sendDue(world.services, office.id);

test('D1 a planned message is handed over at its time, once, and its enrollment goes on', async ({ world }) => {
  const office = await world.office();
  mailThrough(world);
  const id = await makeSequence(world, office);
  const [pat] = await enrol(world, office, id, 1);
  expect(await plan(world, office, id)).toEqual({ planned: 1 });
  const [planned] = await ledger(world, office);
  expect(planned).toMatchObject({ state: 'planned', planned_on: '2026-03-02', first_contact: true, position: 1 });
  expect(await send(world, office)).toEqual({ handedOver: 0, refused: 0 });
  expect((await enrollmentOf(world, office, pat!)).state).toBe('queued');

  await world.clock.set(planned!.planned_at);
  expect(await send(world, office)).toEqual({ handedOver: 1, refused: 0 });
  expect(await send(world, office)).toEqual({ handedOver: 0, refused: 0 });
  const mails = await world.in(office, ctx => ctx.tx.selectFrom('outbox_mail').selectAll().execute());
  expect(mails).toHaveLength(1);
  expect(mails[0]).toMatchObject({
    subject: 'Hello Pat',
    recipient_address: 'pat1@acme.example',
    sender_address: 'fall-intro@drover.example',
  });
  expect(mails[0]!.body).toBe(
    'Step 1 for Pat\n\nIf this is not for you, tell me and I will not write again.\n1 Example Street, London\n',
  );
  expect(await enrollmentOf(world, office, pat!)).toMatchObject({ state: 'active', next_position: 2, next_due_on: '2026-03-05' });
  expect(clockTime(planned!.planned_at) >= '09:00:00').toBe(true);
  expect(await byState(world, office)).toEqual({ sent: 1 });
});
