import { expect } from 'vitest';
import type { Outcome } from '../../src/tools/run.ts';
import { makeSender, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const at = (host: string) => ({ host, port: 993, security: 'tls' as const });

/** A sender whose mail leaves this machine; without an IMAP server nobody reads what comes back. */
const real = (world: World, office: Office, name: string, { imap = true } = {}) =>
  makeSender(world, office, {
    ...{ name, transport: 'smtp' },
    reach: { smtp: at('smtp.acme.example'), imap: imap ? at('imap.acme.example') : null, user: name, sealedSecret: 'sealed' },
  });

const sendersOf = async (world: World, office: Office) =>
  world.in(office, async ctx =>
    (
      await ctx.tx
        .selectFrom('sequence_sender')
        .innerJoin('sender', 'sender.id', 'sequence_sender.sender_id')
        .select('sender.name')
        .orderBy('sender.id')
        .execute()
    ).map(row => row.name),
  );

const edit = (world: World, office: Office, senders: string[], sequence = 'Fall Intro') =>
  world.call(office, 'edit_sequence', { sequence, senders });
const approvalOf = (outcome: Outcome): number => {
  if (outcome.outcome !== 'needs_approval') throw new Error(outcome.outcome);
  return outcome.approval.id;
};

test('S2 D6 a running sequence takes no senders with which it would not be ready, and the refusal names what to set', async ({
  world,
}) => {
  const office = await world.office();
  await makeSequence(world, office, { senderIds: [await makeSender(world, office)] });
  await real(world, office, 'Ann');
  Object.assign(world.services, { publicUrl: 'http://127.0.0.1:3000' });
  expect(await edit(world, office, ['Ann'])).toMatchObject({
    ...{ outcome: 'refused', code: 'not_ready', message: expect.stringMatching(/is active.*DROVER_PUBLIC_URL/) },
    next: ['list senders', 'show sequence "Fall Intro"'],
  });
  Object.assign(world.services, { publicUrl: 'https://drover.example' });
  await world.in(office, ctx => ctx.tx.updateTable('workspace').set({ postal_address: null }).execute());
  expect(await edit(world, office, ['Ann'])).toMatchObject({
    ...{ code: 'not_ready', message: expect.stringContaining('no postal address') },
    next: expect.arrayContaining(['set the postal address to "1 Example Street, London"']),
  });
  expect(await sendersOf(world, office)).toEqual(['Ada']);
});

test('S2 a running sequence keeps its senders where none of the new ones is healthy; one in setup takes any', async ({
  world,
}) => {
  const office = await world.office();
  const senderIds = [await makeSender(world, office)];
  await makeSequence(world, office, { senderIds });
  await makeSequence(world, office, { name: 'Draft', senderIds, active: false });
  await makeSender(world, office, { name: 'Bob' });
  await world.call(office, 'pause_sender', { sender: 'Bob' });
  expect(await edit(world, office, ['Bob'])).toMatchObject({
    code: 'not_ready',
    message: expect.stringContaining('Bob is paused'),
  });
  expect(await edit(world, office, ['Bob'], 'Draft')).toMatchObject({ outcome: 'done' });
});

test('A1 from this machine to real senders a running sequence goes only by a button; back, and among its like, at once', async ({
  world,
}) => {
  const office = await world.office();
  await makeSequence(world, office, { senderIds: [await makeSender(world, office)] });
  await makeSender(world, office, { name: 'Bob' });
  await real(world, office, 'Ann');
  await real(world, office, 'Cleo');
  expect(await edit(world, office, ['Bob'])).toMatchObject({ outcome: 'done', effect: 'write' });
  const asked = await edit(world, office, ['Ann', 'Bob']);
  expect(asked).toMatchObject({ outcome: 'needs_approval', report: { title: expect.stringContaining('senders Ann, Bob') } });
  expect(await sendersOf(world, office)).toEqual(['Bob']);
  await world.press(office, approvalOf(asked));
  expect(await sendersOf(world, office)).toEqual(['Bob', 'Ann']);
  expect(await edit(world, office, ['Ann', 'Cleo'])).toMatchObject({ outcome: 'done', effect: 'write' });
  expect(await edit(world, office, ['Bob'])).toMatchObject({ outcome: 'done', effect: 'write' });
  // Taking that back makes strangers get its mail again.
  expect(await world.call(office, 'undo', {})).toMatchObject({ outcome: 'needs_approval' });
});

test('S5 senders that nobody named are the real ones, where there are any', async ({ world }) => {
  const office = await world.office();
  await makeSender(world, office);
  const create = (name: string, more: object = {}) => world.call(office, 'create_sequence', { name, ...more });
  expect(await create('One')).toMatchObject({ result: { senders: ['ada@drover.example'] } });
  await real(world, office, 'Ann');
  expect(await create('Two')).toMatchObject({ result: { senders: ['ann@drover.example'] } });
  expect(await create('Three', { senders: ['Ada'] })).toMatchObject({ result: { senders: ['ada@drover.example'] } });
  await world.call(office, 'pause_sender', { sender: 'Ann' });
  expect(await create('Four')).toMatchObject({ result: { senders: ['ada@drover.example'] } });
});

test('D4 the card of an activation says whose replies nobody reads, where there are follow-ups', async ({ world }) => {
  const office = await world.office();
  const senderIds = [await real(world, office, 'Ann'), await real(world, office, 'Bob', { imap: false })];
  const activate = async (name: string, steps: number) => {
    await makeSequence(world, office, { name, steps, senderIds, active: false });
    return world.call(office, 'activate_sequence', { sequence: name });
  };
  expect(await activate('Three', 3)).toMatchObject({
    outcome: 'needs_approval',
    report: {
      notes: [expect.stringMatching(/^Nobody reads the replies to bob@drover\.example: follow-ups leave even to people who/)],
    },
  });
  expect((await activate('One', 1)).report.notes).toEqual([]);
});

test('W3 a sender that was removed has no name any more', async ({ world }) => {
  const office = await world.office();
  await makeSender(world, office, { name: 'Ann' });
  const removed = await world.call(office, 'remove_sender', { sender: 'ann@drover.example' });
  await world.press(office, approvalOf(removed));
  expect(await world.call(office, 'why', { about: 'ann@drover.example' })).toMatchObject({ outcome: 'refused' });
  const id = await makeSender(world, office, { name: 'Ann' });
  expect(await world.call(office, 'why', { about: 'ann@drover.example' })).toMatchObject({ result: { kind: 'sender', id } });
  expect(await world.call(office, 'transfer_ownership', { what: 'sender ann@drover.example', to: 'Ray' })).toMatchObject({
    outcome: 'done',
  });
});
