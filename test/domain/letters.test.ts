import { expect } from 'vitest';
import * as messages from '../../src/domain/messages/index.ts';
import { htmlOf, oneLine } from '../../src/domain/messages/letter.ts';
import type { HandOver, OutgoingMail } from '../../src/domain/ports.ts';
import * as sequences from '../../src/domain/sequences/index.ts';
import { enrol, enrollmentOf, ledger, mailServer, mailThrough, makeSender, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

/** Plans and sends day after day until a date, each message at its own time. */
async function sendThrough(world: World, office: Office, sequenceId: number, until: string): Promise<void> {
  for (;;) {
    await world.in(office, ctx => messages.planDay(ctx, sequenceId));
    const next = (await ledger(world, office)).find(row => row.state === 'planned');
    const to = next ? next.planned_at : world.now.add({ hours: 24 });
    if (Temporal.Instant.compare(to, until) > 0) return;
    if (Temporal.Instant.compare(to, world.now) > 0) await world.clock.set(to);
    await messages.sendDue(world.services, office.id);
  }
}

const step = (body: string, subject?: string) => ({ body, delayDays: 1, ...(subject ? { subject } : {}) });

/** What left, step by step, when a sequence of these steps runs for one lead. */
async function whatLeft(
  world: World,
  steps: { body: string; subject?: string; delayDays: number }[],
  answer?: (mail: OutgoingMail) => HandOver,
  between: (office: Office, sequenceId: number) => Promise<void> = async () => {},
) {
  const office = await world.office();
  const server = mailServer(async mail => answer?.(mail) ?? { outcome: 'accepted' });
  mailThrough(world, server.transport);
  const senderId = await makeSender(world, office, { name: 'Ada' });
  await world.in(office, ctx =>
    ctx.tx.updateTable('sender').set({ signature: 'Ada Example\nAcme' }).where('id', '=', senderId).execute(),
  );
  const id = await makeSequence(world, office, { senderIds: [senderId], steps: 1, active: false });
  await world.in(office, async ctx => {
    await sequences.edit(ctx, id, { steps });
    await sequences.activate(ctx, id);
  });
  const [pat] = await enrol(world, office, id, 1);
  await sendThrough(world, office, id, '2026-03-02T18:00:00Z');
  await between(office, id);
  await sendThrough(world, office, id, '2026-03-20T18:00:00Z');
  return { office, id, pat: pat!, handed: server.handed };
}

test('S6 follow-ups thread on every earlier step; a step with a subject opens a thread of its own', async ({ world }) => {
  const { handed } = await whatLeft(world, [
    step('One', 'Hello {{ first_name }}'),
    step('Two'),
    step('Three'),
    step('Four', 'Another matter'),
    step('Five'),
  ]);
  const ids = handed.map(mail => mail.mailId);
  expect(handed.map(({ subject, inReplyTo, references }) => ({ subject, inReplyTo, references }))).toEqual([
    { subject: 'Hello Pat', inReplyTo: null, references: [] },
    { subject: 'Re: Hello Pat', inReplyTo: ids[0], references: [ids[0]] },
    { subject: 'Re: Hello Pat', inReplyTo: ids[1], references: [ids[0], ids[1]] },
    { subject: 'Another matter', inReplyTo: null, references: [] },
    { subject: 'Re: Another matter', inReplyTo: ids[3], references: [ids[3]] },
  ]);
  expect(new Set(ids).size).toBe(5);
});

test('S6 a follow-up answers under the subject that left, whatever became of the lead since', async ({ world }) => {
  const { handed } = await whatLeft(world, [step('One', 'Hello {{ first_name }}'), step('Two')], undefined, office =>
    world.in(office, async ctx => void (await ctx.tx.updateTable('lead').set({ first_name: 'Patricia' }).execute())),
  );
  expect(handed.map(mail => mail.subject)).toEqual(['Hello Pat', 'Re: Hello Pat']);
});

test('D6 every message carries the way out and the postal address, and the same token on every try', async ({ world }) => {
  let tries = 0;
  const { handed } = await whatLeft(world, [step('One', 'Hello'), step('Two')], () =>
    tries++ === 0 ? { outcome: 'deferred', detail: 'later' } : { outcome: 'accepted' },
  );
  expect(handed).toHaveLength(3);
  const urls = handed.map(mail => /<(https:\/\/drover\.example\/o\/[\w-]{32})>/.exec(mail.headers['List-Unsubscribe']!)![1]!);
  expect(urls[0]).toBe(urls[1]);
  expect(urls[1]).not.toBe(urls[2]);
  for (const [i, mail] of handed.entries()) {
    expect(mail.headers).toEqual({
      'List-Unsubscribe': `<${urls[i]}>, <mailto:ada@drover.example?subject=unsubscribe>`,
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    });
    for (const part of [mail.text, mail.html])
      for (const needed of ['tell me and I will not write again', urls[i]!, '1 Example Street, London'])
        expect(part).toContain(needed);
  }
  expect(handed[0]!.text).toBe(
    `One\n\nAda Example\nAcme\n\n-- \nIf this is not for you, tell me and I will not write again.\nOpt out: ${urls[0]}\n1 Example Street, London\n`,
  );
});

test('A4 nothing that a lead brings gets into a header or becomes HTML', async ({ world }) => {
  const hostile = 'Pat\r\nBcc: all@acme.example\u2028<script>alert(1)</script>';
  const office = await world.office();
  const server = mailServer();
  mailThrough(world, server.transport);
  const id = await makeSequence(world, office, { steps: 1 });
  await enrol(world, office, id, 1);
  await world.in(office, ctx => ctx.tx.updateTable('lead').set({ first_name: hostile, full_name: hostile }).execute());
  await sendThrough(world, office, id, '2026-03-02T18:00:00Z');
  const [mail] = server.handed;
  for (const text of [mail!.subject, mail!.to.name!, mail!.from.name, ...Object.values(mail!.headers)])
    expect(text).not.toMatch(/[\r\n\u2028]/);
  expect(mail!.html).not.toContain('<script');
  expect(mail!.html).toContain('&lt;script&gt;');
});

test('the HTML part has paragraphs and links, and nothing that reports back', () => {
  const html = htmlOf(['See https://acme.example/a?b=1&c="2", please.\nThanks\n\nBye'], ['Opt out: https://drover.example/o/x']);
  expect(html).toContain('<p>See <a href="https://acme.example/a?b=1&amp;c=">https://acme.example/a?b=1&amp;c=</a>');
  expect(html).toContain('<br>Thanks</p>\n<p>Bye</p>');
  expect(html).not.toMatch(/<(img|script|style|link|iframe)/);
  expect(oneLine(' a\r\n b\u0000c\t')).toBe('a b c');
});

test('D5 a message that is put off for good ends its run, and the lead may be tried elsewhere', async ({ world }) => {
  const { office, pat, handed } = await whatLeft(world, [step('One', 'Hello')], () => ({
    outcome: 'deferred',
    detail: '452 4.2.2 mailbox full',
  }));
  expect(handed).toHaveLength(12);
  expect(new Set(handed.map(mail => mail.mailId)).size).toBe(1);
  expect(await ledger(world, office)).toMatchObject([{ state: 'failed', reason: 'deferred_too_often' }]);
  expect(await enrollmentOf(world, office, pat)).toMatchObject({
    state: 'stopped',
    reason: 'undeliverable',
    contacted_at: null,
  });
});

const stops: [HandOver, object][] = [
  [
    { outcome: 'blocked', detail: '554 5.7.1 poor reputation' },
    { status: 'paused', status_code: 'blocked' },
  ],
  [
    { outcome: 'auth_failed', detail: '535 5.7.8 no' },
    { status: 'failing', status_code: 'auth_failed' },
  ],
  [
    { outcome: 'bad_certificate', detail: 'self-signed' },
    { status: 'failing', status_code: 'bad_certificate' },
  ],
  [
    { outcome: 'unreachable', detail: 'refused' },
    { status: 'failing', status_code: 'unreachable' },
  ],
];

for (const [answer, then] of stops)
  test(`D5 ${answer.outcome} stops the sender, which says why; its people wait and keep it`, async ({ world }) => {
    const { office, pat, handed } = await whatLeft(world, [step('One', 'Hello')], () => answer);
    const sender = await world.in(office, ctx => ctx.tx.selectFrom('sender').selectAll().executeTakeFirstOrThrow());
    expect(sender).toMatchObject({ ...then, owner_told: false });
    expect(await enrollmentOf(world, office, pat)).toMatchObject({ state: 'queued', sender_id: sender.id, contacted_at: null });
    expect(handed).toHaveLength(answer.outcome === 'unreachable' ? 4 : 1);
  });

test('D4 nothing leaves from a mailbox whose replies have not been read', async ({ world }) => {
  const office = await world.office();
  const server = mailServer();
  mailThrough(world, server.transport);
  const never = async () => ({ unreadable: 'unreachable' as const, detail: '' });
  const name = server.transport.name;
  Object.assign(world.services, { readers: { [name]: { read: never, findSent: never } } });
  const id = await makeSequence(world, office, { steps: 1 });
  await enrol(world, office, id, 1);
  const readAt = (at: Temporal.Instant | null) =>
    world.in(office, async ctx => {
      const sender = await ctx.tx.selectFrom('sender').select('id').executeTakeFirstOrThrow();
      const row = { sender_id: sender.id, workspace_id: office.id, next_read_at: ctx.now, read_at: at };
      await ctx.tx
        .insertInto('mailbox')
        .values(row)
        .onConflict(conflict => conflict.column('sender_id').doUpdateSet({ read_at: at }))
        .execute();
    });
  await readAt(null);
  await world.in(office, ctx => messages.planDay(ctx, id));
  await world.clock.set((await ledger(world, office))[0]!.planned_at);
  await messages.sendDue(world.services, office.id);
  await readAt(world.now.subtract({ minutes: 6 }));
  await messages.sendDue(world.services, office.id);
  expect(server.handed).toEqual([]);
  expect(await ledger(world, office)).toMatchObject([{ state: 'planned', reason: 'replies_unread' }]);

  await readAt(world.now.subtract({ minutes: 4 }));
  await messages.sendDue(world.services, office.id);
  expect(server.handed).toHaveLength(1);
  expect(await ledger(world, office)).toMatchObject([{ state: 'sent', reason: null }]);
});

test('D4 a reply that nobody has read yet keeps the gate closed, whatever became of its pause', async ({ world }) => {
  const office = await world.office();
  const { handed, transport } = mailServer();
  mailThrough(world, transport);
  const id = await makeSequence(world, office, { steps: 2 });
  const [pat] = await enrol(world, office, id, 1, { dueOn: '2026-03-02' });
  await world.in(office, ctx => messages.planDay(ctx, id));
  const { lead_id: leadId, sender_id: senderId } = await enrollmentOf(world, office, pat!);
  await world.in(office, ctx =>
    ctx.tx
      .insertInto('reply')
      .values({
        ...{ workspace_id: office.id, sender_id: senderId!, uid_validity: '1', uid: 1, kind: 'human' },
        ...{ lead_id: leadId, enrollment_id: pat!, received_at: ctx.now, read_at: ctx.now },
      })
      .execute(),
  );
  await world.clock.set((await ledger(world, office))[0]!.planned_at);
  await messages.sendDue(world.services, office.id);
  expect(handed).toEqual([]);
  expect(await ledger(world, office)).toMatchObject([{ state: 'held', reason: 'reply_being_read' }]);
  expect(await enrollmentOf(world, office, pat!)).toMatchObject({ held_reason: null });
});
