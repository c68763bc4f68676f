import { sql } from 'kysely';
import { expect } from 'vitest';
import * as messages from '../../src/domain/messages/index.ts';
import type { MailReader } from '../../src/domain/ports.ts';
import type { StepInput } from '../../src/domain/sequences/index.ts';
import * as sequences from '../../src/domain/sequences/index.ts';
import { handleSendDue } from '../../src/jobs/send-due.ts';
import { enrol, enrollmentOf, ledger, mailServer, mailThrough, makeSender, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const plan = (world: World, office: Office, id: number) => world.in(office, ctx => messages.planDay(ctx, id));

/** A running sequence of these steps, as they may have been saved before anybody filled them, and two people in it. */
async function running(world: World, steps: StepInput[], people = 2) {
  const office = await world.office();
  const server = mailServer();
  mailThrough(world, server.transport);
  const senderId = await makeSender(world, office, { minGapMinutes: 0 });
  const id = await makeSequence(world, office, { senderIds: [senderId] });
  await world.in(office, ctx => sequences.edit(ctx, id, { steps }));
  const runs = await enrol(world, office, id, people);
  return { office, id, senderId, runs, handed: server.handed };
}

/** Gives the first of them fields of a file that the others lack. */
const firstHas = (world: World, office: Office, fields: Record<string, string>) =>
  world.in(office, ctx => ctx.tx.updateTable('lead').set({ fields }).where('full_name', '=', 'Pat 1').execute());

const due = async (world: World, office: Office, id: number) => {
  await plan(world, office, id);
  await world.clock.set(Temporal.Instant.from('2026-03-02T16:59:00Z'));
};

test.for([
  ['{{ first_name | append }}', 'append expect 2 arguments'],
  ['{{ fields.note | replace: "a", fields.note }}', 'memory alloc limit exceeded'],
] as const)('S8 D3 a template that cannot be filled holds its own message alone: %s', async ([broken, words], { world }) => {
  const body = `{% if fields.note %}${broken}{% else %}Fine{% endif %}`;
  const { office, id, runs, handed } = await running(world, [{ subject: 'Hi', body }]);
  await firstHas(world, office, { note: 'a'.repeat(2_000) });
  await due(world, office, id);
  await messages.sendDue(world.services, office.id);
  expect(handed.map(mail => mail.to.address)).toEqual(['pat2@acme.example']);
  const held = (await ledger(world, office)).find(row => row.enrollment_id === runs[0])!;
  expect(held).toMatchObject({ state: 'held', reason: 'template_error', detail: expect.stringContaining(words) });
  expect(await enrollmentOf(world, office, runs[0]!)).toMatchObject({
    ...{ state: 'queued', held_reason: 'template_error', contacted_at: null },
  });
  await world.drain();
  expect((await ledger(world, office)).filter(row => row.state === 'planned')).toEqual([]);
  expect(await world.call(office, 'why', { about: 'pat1@acme.example' })).toMatchObject({
    result: { because: [expect.stringMatching(/held: its template cannot be filled.*Edit the step/)] },
  });
  // With steps that can be filled they are in line again (S7).
  const steps = [{ subject: 'Hi', body: 'Fine' }];
  await world.in(office, ctx => sequences.edit(ctx, id, { steps, moveUnsent: true }));
  expect(await enrollmentOf(world, office, runs[0]!)).toMatchObject({ held_reason: null });
});

test.for([
  ['subject', { subject: '{% if industry %}For {{ industry }}{% endif %}', body: 'Hello' }],
  ['body', { subject: 'Hello', body: '{% if industry %}For {{ industry }}{% endif %}\n ' }],
] as const)('S8 a message whose %s comes out empty never leaves', async ([, step], { world }) => {
  const { office, id, runs, handed } = await running(world, [step]);
  await world.in(office, ctx =>
    ctx.tx.updateTable('lead').set({ industry: 'Fintech' }).where('full_name', '=', 'Pat 2').execute(),
  );
  await due(world, office, id);
  await messages.sendDue(world.services, office.id);
  expect(handed.map(mail => mail.to.address)).toEqual(['pat2@acme.example']);
  expect(await ledger(world, office)).toEqual(
    expect.arrayContaining([expect.objectContaining({ enrollment_id: runs[0], state: 'held', reason: 'empty_message' })]),
  );
  expect(await enrollmentOf(world, office, runs[0]!)).toMatchObject({ state: 'queued', held_reason: 'empty_message' });
});

test('S8 a variable under another name is as strict as under its own', async ({ world }) => {
  const body = '{% assign co = fields.co | upcase %}I saw that {{ co }} is hiring';
  const { office, id, handed } = await running(world, [{ subject: 'Hi', body }]);
  await firstHas(world, office, { co: 'Acme' });
  await due(world, office, id);
  await messages.sendDue(world.services, office.id);
  expect(handed.map(mail => mail.text.split('\n')[0])).toEqual(['I saw that ACME is hiring']);
  expect(await ledger(world, office)).toEqual(
    expect.arrayContaining([expect.objectContaining({ reason: 'missing_variable', detail: 'fields.co' })]),
  );
});

test('S8 D3 a task that cannot be filled stops neither other tasks nor the mail', async ({ world }) => {
  const title = '{% if fields.note %}{{ first_name | append }}{% else %}Call{% endif %}';
  const { office, id, runs, senderId, handed } = await running(world, [{ kind: 'task', title, body: 'Ask' }]);
  await firstHas(world, office, { note: 'x' });
  const mailing = await makeSequence(world, office, { name: 'Mailing', senderIds: [senderId], steps: 1 });
  await enrol(world, office, mailing, 1, { list: 'Others' });
  await plan(world, office, id);
  await due(world, office, mailing);
  const told: string[] = [];
  const notify = async (_: unknown, note: { report: { title: string } }) => void told.push(note.report.title);
  await handleSendDue(world.services, { notify }, { workspaceId: office.id });
  expect(told).toEqual(['Task: Call']);
  expect(handed).toHaveLength(1);
  expect(await ledger(world, office, id)).toEqual(
    expect.arrayContaining([expect.objectContaining({ enrollment_id: runs[0], state: 'held', reason: 'template_error' })]),
  );
});

test('D3 tasks that cannot be opened at all fail their job, when the mail has left', async ({ world }) => {
  const { office, id, senderId, handed } = await running(world, [{ kind: 'task', title: 'Call', body: 'Ask' }], 1);
  const mailing = await makeSequence(world, office, { name: 'Mailing', senderIds: [senderId], steps: 1 });
  await enrol(world, office, mailing, 1, { list: 'Others' });
  await plan(world, office, id);
  await due(world, office, mailing);
  const notify = () => Promise.reject(new Error('no words'));
  await expect(handleSendDue(world.services, { notify }, { workspaceId: office.id })).rejects.toThrow('no words');
  expect(handed).toHaveLength(1);
  expect((await ledger(world, office, id)).map(row => row.state)).toEqual(['planned']);
});

const unlawful: [string, (world: World, office: Office) => unknown, (world: World, office: Office) => unknown][] = [
  [
    'no_opt_out_url',
    world => Object.assign(world.services, { publicUrl: 'http://127.0.0.1:3000' }),
    world => Object.assign(world.services, { publicUrl: 'https://drover.example' }),
  ],
  [
    'no_postal_address',
    (world, office) => world.in(office, ctx => ctx.tx.updateTable('workspace').set({ postal_address: ' ' }).execute()),
    (world, office) => world.call(office, 'set_workspace', { postalAddress: '1 Example Street, London' }),
  ],
];
for (const [reason, takeAway, giveBack] of unlawful) {
  test(`D3 D6 nothing leaves this machine while there is ${reason}, says so, and goes on by itself`, async ({ world }) => {
    const { office, id, senderId, handed } = await running(world, [{ subject: 'Hi', body: 'Text' }], 1);
    Object.assign(world.services.transports, { smtp: world.services.transports.local });
    const leavesBy = (transport: string) =>
      world.in(office, ctx => ctx.tx.updateTable('sender').set({ transport }).where('id', '=', senderId).execute());
    await leavesBy('smtp');
    await takeAway(world, office);
    await due(world, office, id);
    await messages.sendDue(world.services, office.id);
    expect(handed).toEqual([]);
    expect(await ledger(world, office)).toMatchObject([{ state: 'planned', reason }]);
    const words = reason === 'no_opt_out_url' ? /opt-out link.*DROVER_PUBLIC_URL/ : /postal address.*Set the postal address/;
    for (const about of ['pat1@acme.example', 'Fall Intro'])
      expect(await world.call(office, 'why', { about })).toMatchObject({
        result: { because: expect.arrayContaining([expect.stringMatching(words)]) },
      });
    await giveBack(world, office);
    await messages.sendDue(world.services, office.id);
    expect(await ledger(world, office)).toMatchObject([{ state: 'sent', reason: null }]);
  });

  test(`D3 D6 the gate itself is closed while there is ${reason}`, async ({ world }) => {
    const { office, id, senderId, handed } = await running(world, [{ subject: 'Hi', body: 'Text' }], 1);
    await world.in(office, ctx => ctx.tx.updateTable('sender').set({ transport: 'smtp' }).where('id', '=', senderId).execute());
    Object.assign(world.services.transports, { smtp: world.services.transports.local });
    await due(world, office, id);
    Object.assign(world.services, { crash: async (point: string) => point === 'claimed' && (await takeAway(world, office)) });
    expect(await messages.sendDue(world.services, office.id)).toEqual({ handedOver: 0, refused: 1 });
    expect(handed).toEqual([]);
    expect(await ledger(world, office)).toMatchObject([{ state: 'held', reason }]);
    expect(await enrollmentOf(world, office, (await ledger(world, office))[0]!.enrollment_id)).toMatchObject({
      held_reason: null,
    });
  });
}

test('D1 a transaction that gave way to another is done again, so that what a mail server answered is not forgotten', async ({
  world,
}) => {
  const { office, id, handed } = await running(world, [{ subject: 'Hi', body: 'Text' }], 1);
  await due(world, office, id);
  const deadlock = await world
    .in(office, ctx => sql`do $$ begin raise exception 'deadlock detected' using errcode = '40P01'; end $$`.execute(ctx.tx))
    .catch((error: unknown) => error);
  const points = ['gate_read', 'outcome_written'];
  const crash = async (point: string) => {
    if (points[0] !== point) return;
    points.shift();
    throw deadlock;
  };
  Object.assign(world.services, { crash });
  expect(await messages.sendDue(world.services, office.id)).toEqual({ handedOver: 1, refused: 0 });
  expect(points).toEqual([]);
  expect(handed).toHaveLength(1);
  expect(await ledger(world, office)).toMatchObject([{ state: 'sent' }]);
});

/** Two senders, each with one message due; the mailbox of the first is read by `slow`, that of the second was read a while ago. */
async function twoMailboxes(world: World, slow: MailReader['read']) {
  const office = await world.office();
  const server = mailServer();
  mailThrough(world, server.transport);
  const [hung, other] = [await makeSender(world, office, { name: 'Hung' }), await makeSender(world, office, { name: 'Other' })];
  const asked: number[] = [];
  const read: MailReader['read'] = (mailbox, ...rest) => {
    asked.push(mailbox.senderId);
    if (mailbox.senderId === hung) return slow(mailbox, ...rest);
    return Promise.resolve({ uidValidity: '1', mails: [], lastUid: 1, hasMore: false });
  };
  Object.assign(world.services, { readers: { local: { read, findSent: async () => null } } });
  for (const senderId of [hung, other]) {
    const id = await makeSequence(world, office, { name: `Of ${senderId}`, senderIds: [senderId], steps: 1 });
    await enrol(world, office, id, 1, { list: `List ${senderId}` });
    await plan(world, office, id);
  }
  await world.clock.set(Temporal.Instant.from('2026-03-02T16:50:00Z'));
  const readAt = (senderId: number, at: Temporal.Instant) =>
    world.in(office, ctx => ctx.tx.updateTable('mailbox').set({ read_at: at }).where('sender_id', '=', senderId).execute());
  await readAt(other, world.now.subtract({ minutes: 1 }));
  return { office, hung, other, asked, handed: server.handed };
}

test('D4 a mailbox that hangs keeps back its own sender, and nobody else', async ({ world }) => {
  const { office, handed } = await twoMailboxes(world, () => new Promise(() => {}));
  await handleSendDue(world.services, world.ports, { workspaceId: office.id }, undefined, 1);
  expect(handed.map(mail => mail.from.name)).toEqual(['Other']);
  expect((await ledger(world, office)).find(row => row.state !== 'sent')).toMatchObject({
    ...{ state: 'planned', reason: 'replies_unread' },
  });
});

test('D4 a mailbox that could not be read lately is left in peace until its next turn', async ({ world }) => {
  const { office, hung, other, asked, handed } = await twoMailboxes(world, async () => ({
    ...{ unreadable: 'unreachable' as const, detail: 'nobody there' },
  }));
  const send = () => handleSendDue(world.services, world.ports, { workspaceId: office.id });
  await send();
  expect(asked.toSorted()).toEqual([hung, other]);
  expect(handed).toHaveLength(1);
  await send();
  expect(asked).toHaveLength(2);
  await world.clock.move({ minutes: 2 });
  await send();
  expect(asked.filter(senderId => senderId === hung)).toHaveLength(2);
});
