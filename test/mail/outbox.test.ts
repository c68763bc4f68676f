import { expect } from 'vitest';
import { createOutbox } from '../../src/mail/outbox.ts';
import { enrol, ledger, makeSequence } from '../support/sequences.ts';
import { test } from '../support/world.ts';

test('D1 the outbox keeps a message once, however often it is handed over, in its own workspace', async ({ world }) => {
  const office = await world.office();
  const other = await world.office('Other');
  const id = await makeSequence(world, office);
  await enrol(world, office, id, 1);
  await world.in(office, async ctx => (await import('../../src/domain/messages/index.ts')).planDay(ctx, id));
  expect(await ledger(world, office)).toHaveLength(1);
  const messageId = await world.in(
    office,
    async ctx => (await ctx.tx.selectFrom('message').select('id').executeTakeFirstOrThrow()).id,
  );
  const mail = {
    workspaceId: office.id,
    messageId,
    mailId: '<1.abc@drover.example>',
    from: { name: 'Ada', address: 'ada@drover.example' },
    to: { name: 'Pat', address: 'pat@acme.example' },
    subject: 'Hello',
    text: 'Dear Pat',
    headers: { 'X-Kind': 'test' },
  };
  const outbox = createOutbox(world.services.db, world.clock);
  expect(await outbox.handOver(mail)).toEqual({ outcome: 'accepted' });
  expect(await outbox.handOver(mail)).toEqual({ outcome: 'accepted' });
  const kept = (in_: typeof office) => world.in(in_, ctx => ctx.tx.selectFrom('outbox_mail').selectAll().execute());
  expect(await kept(office)).toMatchObject([
    { mail_id: mail.mailId, subject: 'Hello', body: 'Dear Pat', headers: { 'X-Kind': 'test' }, handed_at: world.now },
  ]);
  expect(await kept(other)).toEqual([]);
});
