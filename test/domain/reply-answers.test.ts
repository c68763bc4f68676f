import { expect } from 'vitest';
import type { HandOver } from '../../src/domain/ports.ts';
import type { Outcome } from '../../src/tools/run.ts';
import { correspondence, from, repliesOf } from '../support/replies.ts';
import { enrollmentOf, mailServer, mailThrough } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const answersOf = (world: World, office: Office) =>
  world.in(office, ctx => ctx.tx.selectFrom('answer').selectAll().orderBy('id').execute());
const approvalOf = (outcome: Outcome): number => (outcome as { approval: { id: number } }).approval.id;

/** Pat has asked something. */
async function asked(world: World, text = 'Who are you?', name: string | null = 'Pat') {
  const kept = await correspondence(world);
  const { inbox, sent, read } = kept;
  inbox.put({ ...from(sent[0]!.to, name), text, inReplyTo: sent[0]!.mailId, references: [sent[0]!.mailId] }, world.now);
  await read();
  const [reply] = await repliesOf(world, kept.office);
  return { ...kept, reply: reply! };
}

/** A mail server that answers each hand-over in turn. */
function serverThat(world: World, ...answers: (HandOver | Error)[]) {
  const server = mailServer(async () => {
    const next = answers.shift() ?? { outcome: 'accepted' };
    if (next instanceof Error) throw next;
    return next;
  });
  mailThrough(world, server.transport);
  return server;
}

test('A1 an answer waits for a button that shows it whole, and leaves threaded from the same sender', async ({ world }) => {
  const { office, server, sent, reply } = await asked(world);
  const text = 'I am Ada.\n\nThursday at 10?';
  const outcome = await world.call(office, 'answer_reply', { text });
  expect(outcome).toMatchObject({ outcome: 'needs_approval', effect: 'gated' });
  expect(JSON.stringify(outcome.report)).toContain('I am Ada.\\n\\nThursday at 10?');
  expect(await answersOf(world, office)).toEqual([]);
  expect(await world.press(office, approvalOf(outcome))).toMatchObject({ outcome: 'approved' });
  await world.drain();
  const [answer] = await answersOf(world, office);
  expect(answer).toMatchObject({ state: 'sent', body: text, written_by: office.admin.id, reply_id: reply.id });
  expect(server.handed.at(-1)).toMatchObject({
    ...{ messageId: null, mailId: answer!.mail_id, from: { address: 'ada@drover.example' }, subject: 'Re: Hello Pat' },
    ...{ to: { address: 'pat1@acme.example', name: 'Pat' }, text: `${text}\n`, headers: {} },
    ...{ inReplyTo: reply.mail_id, references: [sent[0]!.mailId, reply.mail_id] },
  });
  await world.handlers['send-answer']!({ workspaceId: office.id, answerId: answer!.id } as never, AbortSignal.any([]));
  expect(server.handed).toHaveLength(2);
});

test('S6 what comes back to an answer belongs to the same run', async ({ world }) => {
  const { office, inbox, read, runs } = await asked(world);
  await world.press(office, approvalOf(await world.call(office, 'answer_reply', { text: 'I am Ada.' })));
  await world.drain();
  const [answer] = await answersOf(world, office);
  inbox.put({ ...from('assistant@acme.example'), text: 'Pat says hello.', inReplyTo: answer!.mail_id }, world.now);
  await read();
  expect((await repliesOf(world, office)).at(-1)).toMatchObject({ kind: 'human', enrollment_id: runs[0], outcome: 'none' });
});

/** A notice that brings back what was sent, failed for good unless said. */
const notice = (mailId: string, status = '5.1.1') => ({
  ...from('mailer-daemon@acme.example'),
  subject: 'Undelivered Mail Returned to Sender',
  bounce: { mailId, recipient: null, action: 'failed', status, diagnostic: `550 ${status} no such user` },
});

/** Pat's mail was answered by somebody, and that was answered. */
async function answered(world: World, address: string) {
  const kept = await correspondence(world);
  const { office, inbox, sent, read } = kept;
  inbox.put({ ...from(address, 'Pat'), text: 'Who are you?', inReplyTo: sent[0]!.mailId }, world.now);
  await read();
  await world.press(office, approvalOf(await world.call(office, 'answer_reply', { text: 'I am Ada.' })));
  await world.drain();
  const [answer] = await answersOf(world, office);
  const lead = () => world.in(office, ctx => ctx.tx.selectFrom('lead').selectAll().executeTakeFirstOrThrow());
  return { ...kept, answer: answer!, lead };
}

const countedOf = async (world: World, office: Office) =>
  ((await world.call(office, 'show_numbers', {})) as { result: { numbers: object[] } }).result.numbers;

test("D5 an answer to an assistant that comes back has failed; neither the lead's address nor the step has bounced", async ({
  world,
}) => {
  const { office, inbox, notes, read, runs, answer, lead } = await answered(world, 'assistant@acme.example');
  inbox.put(notice(answer.mail_id), world.now);
  await read();
  expect(await answersOf(world, office)).toMatchObject([
    { state: 'failed', reason: 'sent_back', detail: '550 5.1.1 no such user' },
  ]);
  expect((await lead()).email_status).not.toBe('bounced');
  expect(await enrollmentOf(world, office, runs[0]!)).toMatchObject({ state: 'replied' });
  expect(await repliesOf(world, office)).toMatchObject([{}, { kind: 'bounce', message_id: null, outcome: 'none' }]);
  for (const row of await countedOf(world, office)) expect(row).toMatchObject({ sent: 1, delivered: 1, bounced: 0 });
  expect(notes).toHaveLength(2);
  expect(notes.at(-1)).toMatchObject({
    channel: office.admin.slackUserId,
    report: { tone: 'warning', title: 'Your answer to Pat 1 came back: it did not reach assistant@acme.example.' },
  });
  inbox.put({ ...notice(answer.mail_id), mailId: '<second@acme.example>' }, world.now);
  await read();
  expect(notes).toHaveLength(2);
});

test("D5 an answer to the lead's own address that comes back marks it, and still is not the step's bounce", async ({ world }) => {
  const { office, inbox, read, answer, lead } = await answered(world, 'pat1@acme.example');
  inbox.put(notice(answer.mail_id, '4.4.7'), world.now);
  await read();
  expect(await answersOf(world, office)).toMatchObject([{ state: 'failed', reason: 'sent_back' }]);
  expect((await lead()).email_status).not.toBe('bounced');
  inbox.put({ ...notice(answer.mail_id), mailId: '<second@acme.example>' }, world.now);
  await read();
  expect((await lead()).email_status).toBe('bounced');
  for (const row of await countedOf(world, office)) expect(row).toMatchObject({ sent: 1, delivered: 1, bounced: 0 });
});

test('D4 an answer that is only late stays sent', async ({ world }) => {
  const { office, inbox, read, answer } = await answered(world, 'pat1@acme.example');
  const late = notice(answer.mail_id, '4.4.1');
  inbox.put({ ...late, bounce: { ...late.bounce, action: 'delayed' } }, world.now);
  await read();
  expect(await answersOf(world, office)).toMatchObject([{ state: 'sent' }]);
});

const refusals: [how: string, answered: HandOver | Error, state: string, reason: string, sender: string][] = [
  ['breaks off', new Error('socket'), 'unknown', 'no_answer', 'healthy'],
  ['does not answer', { outcome: 'unknown', detail: 'no answer' }, 'unknown', 'no_answer', 'healthy'],
  ['refuses the address', { outcome: 'bad_address', detail: '550 no such user' }, 'failed', 'bad_address', 'healthy'],
  ['blocks the sender', { outcome: 'blocked', detail: '554 no' }, 'failed', 'blocked', 'paused'],
  ['refuses the sign-in', { outcome: 'auth_failed', detail: '535 no' }, 'failed', 'auth_failed', 'failing'],
];
for (const [how, answered, state, reason, status] of refusals)
  test(`D2 a server that ${how}: the answer is ${state}, is not tried again, and its author hears of it`, async ({ world }) => {
    const { office, notes } = await asked(world);
    const server = serverThat(world, answered);
    await world.press(office, approvalOf(await world.call(office, 'answer_reply', { text: 'Hello.' })));
    await world.drain();
    await world.clock.set(world.now.add({ hours: 1 }));
    await world.boss.send('tick', {}, { singletonKey: 'tick' });
    await world.drain();
    expect(await answersOf(world, office)).toMatchObject([{ state, reason }]);
    expect(server.handed).toHaveLength(1);
    expect(notes.at(-1)).toMatchObject({ channel: office.admin.slackUserId, report: { tone: 'warning' } });
    expect(await world.in(office, ctx => ctx.tx.selectFrom('sender').select('status').execute())).toEqual([{ status }]);
  });

test('D5 a busy server is asked again later, for a day', async ({ world }) => {
  const { office, notes } = await asked(world);
  const server = serverThat(world, { outcome: 'deferred', detail: '451 later' }, { outcome: 'unreachable', detail: 'away' });
  await world.press(office, approvalOf(await world.call(office, 'answer_reply', { text: 'Hello.' })));
  await world.drain();
  const id = (await answersOf(world, office))[0]!.id;
  const again = () => world.handlers['send-answer']!({ workspaceId: office.id, answerId: id } as never, AbortSignal.any([]));
  await again();
  expect(server.handed).toHaveLength(1);
  await world.clock.set(world.now.add({ minutes: 15 }));
  await again();
  expect(await answersOf(world, office)).toMatchObject([{ state: 'planned', reason: 'unreachable' }]);
  await world.clock.set(world.now.add({ minutes: 15 }));
  await again();
  expect(await answersOf(world, office)).toMatchObject([{ state: 'sent' }]);
  expect(server.handed).toHaveLength(3);
  expect(notes).toHaveLength(1);
});

test('D1 a hand-over whose worker died is unknown, and its author is told', async ({ world }) => {
  const { office, notes } = await asked(world);
  const server = serverThat(world);
  await world.press(office, approvalOf(await world.call(office, 'answer_reply', { text: 'Hello.' })));
  await world.in(office, ctx =>
    ctx.tx
      .updateTable('answer')
      .set({ state: 'handing', handing_at: ctx.now, lease_until: ctx.now.add({ minutes: 2 }) })
      .execute(),
  );
  await world.drain();
  expect(server.handed).toHaveLength(0);
  await world.clock.set(world.now.add({ minutes: 3 }));
  await world.boss.send('tick', {}, { singletonKey: 'tick' });
  await world.drain();
  expect(await answersOf(world, office)).toMatchObject([{ state: 'unknown', reason: 'lease_ran_out' }]);
  expect(server.handed).toHaveLength(0);
  expect(notes.at(-1)!.report.title).toContain('Nobody knows whether your answer to Pat 1 left');
});

test('X1 nobody who is excluded is answered, not even after the button', async ({ world }) => {
  const { office } = await asked(world);
  const server = serverThat(world);
  const waiting = await world.call(office, 'answer_reply', { text: 'Hello.' });
  await world.press(office, approvalOf(waiting));
  await world.in(office, ctx =>
    ctx.tx
      .insertInto('exclusion')
      .values({ workspace_id: office.id, kind: 'address', value: 'pat1@acme.example', reason: 'no', created_at: ctx.now })
      .onConflict(conflict => conflict.doNothing())
      .execute(),
  );
  await world.drain();
  expect(server.handed).toHaveLength(0);
  expect(await answersOf(world, office)).toMatchObject([{ state: 'failed', reason: 'excluded' }]);
  expect(await world.call(office, 'answer_reply', { text: 'Hello.' })).toMatchObject({ outcome: 'refused', code: 'excluded' });
});

test('W2 only the owner or an admin answers and corrects', async ({ world }) => {
  const { office, reply } = await asked(world);
  const asRay = { actor: office.rep };
  expect(await world.call(office, 'answer_reply', { text: 'Hello.', reply: reply.id }, asRay)).toMatchObject({
    code: 'not_yours',
  });
  expect(await world.call(office, 'correct_reply', { as: 'interested', reply: reply.id }, asRay)).toMatchObject({
    code: 'not_yours',
  });
  expect(await world.call(office, 'show_reply', { reply: reply.id }, asRay)).toMatchObject({ outcome: 'done' });
});

test('E3 a correction ends a paused run, changes the label of an ended one, and is taken back where nothing ended', async ({
  world,
}) => {
  const kept = await correspondence(world);
  const { office, inbox, sent, read, runs } = kept;
  const absent = { headers: { 'auto-submitted': 'auto-replied' }, inReplyTo: sent[0]!.mailId, text: 'I am away until 13 March.' };
  inbox.put({ ...from(sent[0]!.to), ...absent }, world.now);
  await read();
  const id = (await repliesOf(world, office))[0]!.id;
  const run = () => enrollmentOf(world, office, runs[0]!);

  await world.call(office, 'correct_reply', { reply: id, as: 'not_a_reply' });
  expect(await run()).toMatchObject({ state: 'active', paused_until: null });
  expect(await repliesOf(world, office)).toMatchObject([{ category: 'other', category_by: 'human', outcome: 'resumed' }]);
  expect(await world.call(office, 'undo', {})).toMatchObject({ outcome: 'done' });
  expect(await run()).toMatchObject({ state: 'paused', paused_until: '2026-03-14', reason: 'out_of_office' });
  expect(await repliesOf(world, office)).toMatchObject([
    { category: 'out_of_office', category_by: 'phrases', outcome: 'paused' },
  ]);

  await world.call(office, 'correct_reply', { reply: id, as: 'out_of_office', until: '2026-03-20' });
  expect(await run()).toMatchObject({ state: 'paused', paused_until: '2026-03-21' });
  await world.call(office, 'correct_reply', { reply: id, as: 'interested' });
  expect(await run()).toMatchObject({ state: 'replied', reason: 'human_reply' });
  expect(await world.call(office, 'undo', {})).toMatchObject({ code: 'has_ended' });
  await world.call(office, 'correct_reply', { reply: id, as: 'not_interested' });
  expect(await run()).toMatchObject({ state: 'replied' });
  const told = await world.call(office, 'correct_reply', { reply: id, as: 'out_of_office' });
  expect(JSON.stringify(told)).toContain('a run that has ended does not begin again');
  const lead = () => world.in(office, ctx => ctx.tx.selectFrom('lead').selectAll().executeTakeFirstOrThrow());
  expect((await lead()).replied_at).toBeNull();

  await world.call(office, 'correct_reply', { reply: id, as: 'left_company' });
  expect((await lead()).email_status).toBe('invalid');
  await world.call(office, 'correct_reply', { reply: id, as: 'interested' });
  expect((await lead()).email_status).toBe('unknown');
  await world.call(office, 'correct_reply', { reply: id, as: 'unsubscribe' });
  expect(await world.call(office, 'undo', {})).toMatchObject({ code: 'opt_out_stays' });
});

test('A reply is listed, found by its lead, and shown whole', async ({ world }) => {
  const { office, reply } = await asked(world, `Who are you?\n${'x '.repeat(1_500)}end`);
  expect(await world.call(office, 'list_replies', {})).toMatchObject({ result: { all: 1 } });
  expect(await world.call(office, 'list_replies', { categories: ['bounced'] })).toMatchObject({ result: { all: 0 } });
  const shown = await world.call(office, 'show_reply', { lead: 'pat1@acme.example' });
  expect(shown).toMatchObject({ result: { id: reply.id } });
  expect(JSON.stringify(shown.report)).toContain('x end');
  expect(await world.call(office, 'show_reply', { reply: 999 })).toMatchObject({ code: 'unknown_reply' });
  expect(await world.call(office, 'show_reply', { lead: 'nobody@acme.example' })).toMatchObject({ code: 'unknown_lead' });
});
