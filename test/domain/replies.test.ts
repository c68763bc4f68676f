import { expect } from 'vitest';
import * as leads from '../../src/domain/leads/index.ts';
import type { Classified, IncomingMail } from '../../src/domain/ports.ts';
import * as replies from '../../src/domain/replies/index.ts';
import { correspondence, from, repliesOf, sendNext } from '../support/replies.ts';
import { byState, enrol, enrollmentOf, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const leadOf = (world: World, office: Office, email: string) =>
  world.in(office, ctx => ctx.tx.selectFrom('lead').selectAll().where('email_key', '=', email).executeTakeFirstOrThrow());
const answering = (sent: { to: string; mailId: string }, mail: Partial<IncomingMail> = {}): Partial<IncomingMail> => ({
  ...from(sent.to),
  inReplyTo: sent.mailId,
  references: [sent.mailId],
  ...mail,
});
const bounced = (mailId: string, status = '5.1.1', action = 'failed'): Partial<IncomingMail> => ({
  ...from('mailer-daemon@acme.example'),
  subject: 'Undelivered Mail Returned to Sender',
  bounce: { mailId, recipient: null, action, status, diagnostic: null },
});

test('D4 a human reply is stored once, ends its run, and is told to the owner once', async ({ world }) => {
  const { office, inbox, notes, runs, sent, read } = await correspondence(world);
  inbox.put(
    answering(sent[0]!, { text: 'Who are you?\n\nOn Mon, 2 Mar 2026 at 09:12, Ada wrote:\n> Step 1 for Pat' }),
    world.now,
  );
  await read();
  await read();
  expect(await enrollmentOf(world, office, runs[0]!)).toMatchObject({ state: 'replied', reason: 'human_reply' });
  expect(await repliesOf(world, office)).toMatchObject([
    {
      ...{
        kind: 'human',
        category: 'other',
        category_by: 'phrases',
        outcome: 'replied',
        enrollment_id: runs[0],
        body: 'Who are you?',
      },
      from_address: 'pat1@acme.example',
    },
  ]);
  expect((await leadOf(world, office, 'pat1@acme.example')).replied_at).toEqual(world.now);
  expect(notes).toMatchObject([
    { channel: office.admin.slackUserId, report: { title: 'A reply from Pat 1, Acme: something else' } },
  ]);
  expect(notes[0]!.key).toMatch(/^reply:\d+$/);
  expect(notes[0]!.buttons!.map(({ label }) => label)).toEqual([
    ...['Answer', 'Interested', 'Not interested', 'Out of office', 'Not a reply', 'Opt out'],
  ]);
  expect(notes[0]!.choice!.options).toHaveLength(9);
  expect(JSON.stringify(notes[0]!.report)).toContain('The run in \\"Fall Intro\\" has ended');
});

test('D4 how far a mailbox is read is kept, and a mailbox that was made anew is not told twice', async ({ world }) => {
  const { office, inbox, notes, senderId, sent, read } = await correspondence(world, { people: 3 });
  for (const each of sent) inbox.put(answering(each, { text: 'Hm.' }), world.now);
  await read();
  const box = () => world.in(office, ctx => ctx.tx.selectFrom('mailbox').selectAll().executeTakeFirstOrThrow());
  expect(await box()).toMatchObject({ uid_validity: '1', last_uid: 3, failures: 0, read_at: world.now });
  expect((await box()).next_read_at).toEqual(world.now.add({ minutes: 1 }));
  inbox.uidValidity = '2';
  await read();
  expect(await box()).toMatchObject({ uid_validity: '2', last_uid: 3 });
  expect(await repliesOf(world, office)).toHaveLength(3);
  expect(notes).toHaveLength(3);
  const page = { uidValidity: '2', mails: inbox.mails, lastUid: 1, hasMore: false };
  expect(await world.in(office, ctx => replies.receive(ctx, senderId, page))).toEqual({
    stored: 0,
    tell: [],
    ask: [],
    answers: [],
  });
  expect((await box()).last_uid).toBe(3);
});

test('D4 a full mailbox is read page by page, to its end; only then does it count as read', async ({ world }) => {
  const { office, inbox, senderId, sent, read } = await correspondence(world);
  for (let n = 0; n < 260; n++) inbox.put({ ...from(`stranger${n}@home.example`), text: 'Hello' }, world.now);
  inbox.put(answering(sent[0]!, { text: 'Hm.' }), world.now);
  const box = () => world.in(office, ctx => ctx.tx.selectFrom('mailbox').selectAll().executeTakeFirstOrThrow());
  const page = { uidValidity: '1', mails: inbox.mails.slice(0, 50), lastUid: 50, hasMore: true };
  const before = (await box()).read_at;
  await world.in(office, ctx => replies.receive(ctx, senderId, page));
  expect(await box()).toMatchObject({ last_uid: 50, read_at: before, next_read_at: world.now });
  await world.clock.set(world.now.add({ minutes: 1 }));
  await read();
  expect(inbox.reads).toBeGreaterThan(1);
  expect(await box()).toMatchObject({ last_uid: 261, read_at: world.now });
  expect((await repliesOf(world, office)).at(-1)).toMatchObject({ kind: 'human', outcome: 'replied' });
});

test('D4 an absence pauses until the day after it, and the run goes on from where it was', async ({ world }) => {
  const { office, inbox, notes, runs, sent, read, sequenceId } = await correspondence(world);
  const vacation = { subject: 'Automatic reply: Hello Pat', headers: { 'auto-submitted': 'auto-replied' } };
  inbox.put(answering(sent[0]!, { ...vacation, text: 'I am out of the office until 13 March.' }), world.now);
  await read();
  expect(await enrollmentOf(world, office, runs[0]!)).toMatchObject({
    ...{ state: 'paused', reason: 'out_of_office', paused_until: '2026-03-14' },
  });
  expect(await repliesOf(world, office)).toMatchObject([
    { kind: 'automatic', category: 'out_of_office', category_by: 'phrases', until_on: '2026-03-13', outcome: 'paused' },
  ]);
  expect((await leadOf(world, office, 'pat1@acme.example')).replied_at).toBeNull();
  expect(JSON.stringify(notes[0]!.report)).toContain('paused until');
  await world.clock.set(Temporal.Instant.from('2026-03-16T09:00:00Z'));
  const day = { workspaceId: office.id, sequenceId, on: '2026-03-16' };
  await world.handlers['daily-enrollment']!(day as never, AbortSignal.any([]));
  expect((await enrollmentOf(world, office, runs[0]!)).state).toBe('active');
  await sendNext(world, office, sequenceId);
  expect(await byState(world, office)).toEqual({ sent: 2 });
});

test('D4 an absence without a date pauses a week; a longer pause that stands stays', async ({ world }) => {
  const { office, inbox, runs, sent, read } = await correspondence(world, { people: 2 });
  await world.call(office, 'pause_lead', { lead: sent[1]!.to, until: '2026-05-01' });
  for (const each of sent) inbox.put(answering(each, { headers: { 'x-autoreply': 'yes' }, text: 'Danke.' }), world.now);
  await read();
  const states = await Promise.all(runs.map(run => enrollmentOf(world, office, run)));
  expect(states.map(run => [run.paused_until, run.reason]).sort()).toEqual([
    ['2026-03-09', 'out_of_office'],
    ['2026-05-01', 'by_hand'],
  ]);
});

test('X3 an opt-out by mail is for ever, ends the run, and also counts after the run has ended', async ({ world }) => {
  const { office, inbox, runs, sent, read, sequenceId } = await correspondence(world, { people: 2, wanted: { steps: 1 } });
  const unsent = await makeSequence(world, office, { name: 'Other' });
  await enrol(world, office, unsent, 1);
  expect((await enrollmentOf(world, office, runs[0]!)).state).toBe('completed');
  inbox.put(answering(sent[0]!, { text: 'Bitte abmelden!' }), world.now);
  inbox.put({ ...from(sent[1]!.to), subject: 'unsubscribe', headers: { 'auto-submitted': 'auto-generated' } }, world.now);
  await read();
  expect(await repliesOf(world, office)).toMatchObject([
    { category: 'unsubscribe', outcome: 'unsubscribed' },
    { category: 'unsubscribe', outcome: 'unsubscribed' },
  ]);
  const standing = await world.in(office, ctx => ctx.tx.selectFrom('exclusion').selectAll().orderBy('value').execute());
  expect(standing.map(each => [each.value, each.opt_out])).toEqual([
    ['pat1@acme.example', true],
    ['pat2@acme.example', true],
  ]);
  expect(await enrollmentOf(world, office, runs[0]!)).toMatchObject({ state: 'completed', sequence_id: sequenceId });
});

test('X3 an opt-out ends a live run as unsubscribed, and no correction takes it back', async ({ world }) => {
  const { office, inbox, notes, runs, sent, read } = await correspondence(world);
  inbox.put(answering(sent[0]!, { text: 'Please take me off your list.' }), world.now);
  await read();
  expect((await enrollmentOf(world, office, runs[0]!)).state).toBe('unsubscribed');
  expect(notes[0]!.buttons).toEqual([]);
  const id = (await repliesOf(world, office))[0]!.id;
  expect(await world.call(office, 'correct_reply', { reply: id, as: 'interested' })).toMatchObject({ code: 'opt_out_stays' });
});

test('D5 a bounce that names our message marks the address; a soft one waits for the third', async ({ world }) => {
  const { office, inbox, notes, runs, sent, read, sequenceId } = await correspondence(world, { people: 2 });
  inbox.put(bounced(sent[0]!.mailId), world.now);
  inbox.put(bounced(sent[1]!.mailId, '5.2.2'), world.now);
  inbox.put(bounced(sent[1]!.mailId, '4.4.7', 'delayed'), world.now);
  await read();
  const [hard, soft] = sent.map(({ to }) => leadOf(world, office, to));
  expect((await hard!).email_status).toBe('bounced');
  expect((await soft!).email_status).not.toBe('bounced');
  const states = await Promise.all(runs.map(run => enrollmentOf(world, office, run)));
  expect(states.map(run => run.state).sort()).toEqual(['active', 'bounced']);
  expect((await repliesOf(world, office)).map(each => [each.kind, each.outcome])).toEqual([
    ['bounce', 'bounced'],
    ['bounce', 'deferred'],
    ['automatic', 'none'],
  ]);
  expect(notes).toHaveLength(1);

  for (const on of ['2026-03-05', '2026-03-09']) {
    await world.clock.set(Temporal.Instant.from(`${on}T08:00:00Z`));
    await sendNext(world, office, sequenceId);
    const last = (await messagesTo(world, office, sent[1]!.to)).at(-1)!;
    inbox.put(bounced(last, '5.2.2'), world.now);
    await read();
  }
  expect((await leadOf(world, office, sent[1]!.to)).email_status).toBe('bounced');
  expect((await repliesOf(world, office)).at(-1)!.outcome).toBe('bounced');
});

const messagesTo = async (world: World, office: Office, email: string): Promise<string[]> => {
  const lead = await leadOf(world, office, email);
  const found = await world.in(office, ctx =>
    ctx.tx.selectFrom('message').select('mail_id').where('lead_id', '=', lead.id).orderBy('position').execute(),
  );
  return found.map(row => row.mail_id!);
};

test('E3 somebody who left stops the run and makes the address invalid', async ({ world }) => {
  const { office, inbox, runs, sent, read } = await correspondence(world);
  inbox.put(
    answering(sent[0]!, {
      headers: { 'auto-submitted': 'auto-replied' },
      text: 'Pat no longer works here. Write to office@acme.example.',
    }),
    world.now,
  );
  await read();
  expect(await enrollmentOf(world, office, runs[0]!)).toMatchObject({ state: 'stopped', reason: 'left_company' });
  expect((await leadOf(world, office, sent[0]!.to)).email_status).toBe('invalid');
});

test('S10 a human reply pauses colleagues; an absence and an acknowledgement do not', async ({ world }) => {
  const { office, inbox, runs, sent, read } = await correspondence(world, { people: 2, options: { company: 'acme.example' } });
  inbox.put(
    answering(sent[0]!, { headers: { 'auto-submitted': 'auto-generated' }, text: 'Your ticket number is 7.' }),
    world.now,
  );
  await read();
  expect((await enrollmentOf(world, office, runs[0]!)).state).toBe('active');
  inbox.put(answering(sent[0]!, { text: 'Send me more.' }), world.now);
  await read();
  const states = await Promise.all(runs.map(run => enrollmentOf(world, office, run)));
  expect(states.map(run => [run.state, run.reason]).sort()).toEqual([
    ['paused', 'colleague_replied'],
    ['replied', 'human_reply'],
  ]);
});

test('E3 a reply to a run that has ended changes no state, and its owner hears of it', async ({ world }) => {
  const { office, inbox, notes, runs, sent, read } = await correspondence(world, { wanted: { steps: 1 } });
  inbox.put(answering(sent[0]!, { text: 'Sounds interesting, tell me more.' }), world.now);
  await read();
  expect((await enrollmentOf(world, office, runs[0]!)).state).toBe('completed');
  expect(await repliesOf(world, office)).toMatchObject([{ category: 'interested', category_by: 'phrases', outcome: 'none' }]);
  expect(JSON.stringify(notes[0]!.report)).toContain('had ended (completed)');
  expect((await leadOf(world, office, sent[0]!.to)).replied_at).not.toBeNull();
});

test('E5 whoever has answered any run is not enrolled again by a list', async ({ world }) => {
  const { office, inbox, sent, read } = await correspondence(world, { wanted: { steps: 1 } });
  inbox.put(answering(sent[0]!, { text: 'Hm.' }), world.now);
  await read();
  const other = await makeSequence(world, office, { name: 'Other' });
  await world.in(office, async ctx => {
    const list = await ctx.tx.selectFrom('list').select('id').executeTakeFirstOrThrow();
    await ctx.tx.updateTable('link').set({ ended_at: ctx.now }).execute();
    await ctx.tx
      .insertInto('link')
      .values({ workspace_id: office.id, list_id: list.id, sequence_id: other, linked_at: ctx.now })
      .execute();
  });
  await world.handlers['daily-enrollment']!(
    { workspaceId: office.id, sequenceId: other, on: '2026-03-02' } as never,
    AbortSignal.any([]),
  );
  const skips = await world.in(office, ctx => ctx.tx.selectFrom('skip').select('reason').execute());
  expect(skips).toEqual([{ reason: 'replied_before' }]);
});

test('D2 a reply settles that an unknown message did leave', async ({ world }) => {
  const { office, inbox, runs, sent, read } = await correspondence(world);
  await world.in(office, ctx => ctx.tx.updateTable('message').set({ state: 'unknown', reason: 'no_answer' }).execute());
  inbox.put(answering(sent[0]!, { text: 'Hm.' }), world.now);
  await read();
  expect(await byState(world, office)).toEqual({ sent: 1 });
  expect((await enrollmentOf(world, office, runs[0]!)).state).toBe('replied');
});

test('D4 with a model nothing leaves until it has read the reply; what it says is done', async ({ world }) => {
  const { office, inbox, notes, runs, sent, read, sequenceId } = await correspondence(world, { people: 2 });
  let answer: Classified | null = { category: 'meeting', until: null };
  const seen: string[] = [];
  world.ports.classify = async text => {
    seen.push(text.body);
    const [run] = await Promise.all([enrollmentOf(world, office, runs[0]!)]);
    seen.push(`${run.state} ${run.reason} ${run.paused_until}`);
    return answer;
  };
  inbox.put(answering(sent.find(each => each.to === 'pat1@acme.example')!, { text: 'Thursday at ten?' }), world.now);
  await read();
  expect(seen).toEqual(['Thursday at ten?', 'paused reply_being_read null']);
  expect(await enrollmentOf(world, office, runs[0]!)).toMatchObject({ state: 'replied' });
  expect(notes.map(note => note.report.title)).toEqual(['A reply from Pat 1, Acme: wants to meet']);

  answer = { category: 'out_of_office', until: Temporal.PlainDate.from('2026-03-06') };
  inbox.put(answering(sent.find(each => each.to === 'pat2@acme.example')!, { text: 'Bin weg, melde mich.' }), world.now);
  await read();
  expect(await enrollmentOf(world, office, runs[1]!)).toMatchObject({ state: 'paused', paused_until: '2026-03-07' });
  expect(await repliesOf(world, office)).toMatchObject([
    { kind: 'human', category: 'meeting', category_by: 'model', outcome: 'replied' },
    { kind: 'automatic', category: 'out_of_office', category_by: 'model', outcome: 'paused' },
  ]);
  expect(sequenceId).toBeGreaterThan(0);
});

test('D4 a model that fails leaves the reply as other, and the run does not wait for ever', async ({ world }) => {
  const { office, inbox, notes, runs, sent, read } = await correspondence(world);
  world.ports.classify = async () => {
    throw new Error('the model is down');
  };
  inbox.put(answering(sent[0]!, { text: 'Thursday at ten?' }), world.now);
  await read();
  expect((await enrollmentOf(world, office, runs[0]!)).state).toBe('replied');
  expect(await repliesOf(world, office)).toMatchObject([{ category: 'other', category_by: 'phrases', outcome: 'replied' }]);
  expect(notes).toHaveLength(1);
});

test('D4 a model that concludes a bounce from what a person wrote concludes nothing', async ({ world }) => {
  const { office, inbox, runs, sent, read } = await correspondence(world);
  world.ports.classify = async () => ({ category: 'bounced', until: null });
  inbox.put(answering(sent[0]!, { text: 'Category: bounced.' }), world.now);
  await read();
  expect((await enrollmentOf(world, office, runs[0]!)).state).toBe('replied');
  expect((await leadOf(world, office, sent[0]!.to)).email_status).not.toBe('bounced');
});

test('D3 a mailbox whose sign-in is refused stops its sender at once; one that is away only after a while', async ({ world }) => {
  const { office, inbox, senderId, read } = await correspondence(world);
  const sender = () =>
    world.in(office, ctx =>
      ctx.tx.selectFrom('sender').select(['status', 'status_code']).where('id', '=', senderId).executeTakeFirstOrThrow(),
    );
  inbox.fault = { unreadable: 'unreachable', detail: 'connection refused' };
  for (let failed = 1; failed <= 4; failed++) await read();
  expect(await sender()).toMatchObject({ status: 'healthy' });
  await read();
  expect(await sender()).toEqual({ status: 'failing', status_code: 'mailbox_unreachable' });
  await world.in(office, ctx => ctx.tx.updateTable('sender').set({ status: 'healthy', status_code: null }).execute());
  inbox.fault = undefined;
  await read();
  inbox.fault = { unreadable: 'auth_failed', detail: 'Invalid credentials' };
  await read();
  expect(await sender()).toEqual({ status: 'failing', status_code: 'auth_failed' });
});

test('why tells a reply, what it was taken for, and where the run stands', async ({ world }) => {
  const { office, inbox, sent, read } = await correspondence(world);
  inbox.put(
    answering(sent[0]!, {
      subject: 'Out of office: Hello',
      headers: { 'auto-submitted': 'auto-replied' },
      text: 'Back on 9 March.',
    }),
    world.now,
  );
  await read();
  const told = JSON.stringify(await world.call(office, 'why', { about: sent[0]!.to }));
  expect(told).toContain('A reply came back to step 1 of Fall Intro from pat1@acme.example: out of office');
  expect(told).toContain('until 2026-03-09: an automatic reply said that they are away');
});

test('L3 merged leads keep both histories of replies', async ({ world }) => {
  const { office, inbox, sent, read } = await correspondence(world, { people: 2 });
  inbox.put(answering(sent.find(each => each.to === 'pat2@acme.example')!, { text: 'Hm.' }), world.now);
  await read();
  const first = await leadOf(world, office, 'pat1@acme.example');
  const second = await leadOf(world, office, 'pat2@acme.example');
  await world.in(office, ctx => leads.mergeAll(ctx, [first.id, second.id]));
  const found = await world.in(office, ctx => ctx.tx.selectFrom('lead').selectAll().execute());
  expect(found.map(lead => [lead.id, lead.replied_at !== null])).toEqual([[first.id, true]]);
  expect(await repliesOf(world, office)).toMatchObject([{ lead_id: first.id }]);
});
