import { expect } from 'vitest';
import type { Classified, IncomingMail } from '../../src/domain/ports.ts';
import { correspondence, from, repliesOf } from '../support/replies.ts';
import { enrol, enrollmentOf, makeSequence } from '../support/sequences.ts';
import { test } from '../support/world.ts';

const answering = (sent: { to: string; mailId: string }, mail: Partial<IncomingMail> = {}): Partial<IncomingMail> => ({
  ...from(sent.to),
  inReplyTo: sent.mailId,
  references: [sent.mailId],
  ...mail,
});

test('D3 a sender that stopped because its mailbox was away goes on when it can be read again, and says so', async ({
  world,
}) => {
  const { office, inbox, notes, senderId, read } = await correspondence(world);
  const sender = () =>
    world.in(office, ctx =>
      ctx.tx.selectFrom('sender').select(['status', 'status_code']).where('id', '=', senderId).executeTakeFirstOrThrow(),
    );
  inbox.fault = { unreadable: 'unreachable', detail: 'connection refused' };
  for (let failed = 1; failed <= 5; failed++) await read();
  inbox.fault = undefined;
  await read();
  expect(await sender()).toEqual({ status: 'healthy', status_code: null });
  await read();
  expect(notes.map(note => note.report.title)).toEqual([
    'Ada <ada@drover.example> does not send any more.',
    'Ada <ada@drover.example> sends again: its mailbox can be reached.',
  ]);

  // What a person decided, or the password, is not taken back by a mailbox that can be read.
  for (const status_code of ['by_hand', 'auth_failed', 'unreachable']) {
    await world.in(office, async ctx => {
      await ctx.tx.updateTable('sender').set({ status: 'failing', status_code }).execute();
      await ctx.tx.updateTable('mailbox').set({ failures: 1 }).execute();
    });
    await read();
    expect(await sender()).toEqual({ status: 'failing', status_code });
  }
});

test('S10 colleagues who paused for a reply that was none go on; who was paused before, or for another reply, does not', async ({
  world,
}) => {
  const options = { company: 'acme.example' };
  const { office, inbox, runs, sent, read, sequenceId } = await correspondence(world, { people: 2, options });
  runs.push(...(await enrol(world, office, sequenceId, 1, { ...options, dueOn: '2026-03-06' })));
  const by = (n: number) => sent.find(each => each.to === `pat${n}@acme.example`)!;
  const states = async () =>
    (await Promise.all(runs.map(run => enrollmentOf(world, office, run)))).map(run => [run.state, run.reason, run.paused_until]);
  await world.call(office, 'pause_lead', { lead: 'pat3@acme.example', until: '2026-03-05' });
  inbox.put(answering(by(1), { text: 'Hm.' }), world.now);
  await read();
  expect(await states()).toEqual([
    ['replied', 'human_reply', null],
    ['paused', 'colleague_replied', '2026-03-16'],
    ['paused', 'by_hand', '2026-03-16'],
  ]);
  const id = (await repliesOf(world, office))[0]!.id;
  expect(await world.call(office, 'correct_reply', { reply: id, as: 'out_of_office' })).toMatchObject({ outcome: 'done' });
  expect(await states()).toEqual([
    ['replied', 'human_reply', null],
    ['active', null, null],
    ['paused', 'by_hand', '2026-03-16'],
  ]);
  expect(await world.call(office, 'undo', {})).toMatchObject({ outcome: 'done' });
  expect((await states())[1]).toEqual(['paused', 'colleague_replied', '2026-03-16']);

  inbox.put({ ...from('pat3@acme.example'), text: 'Me neither.' }, world.now);
  await read();
  await world.call(office, 'correct_reply', { reply: id, as: 'not_a_reply' });
  expect((await states())[1]).toEqual(['paused', 'colleague_replied', '2026-03-16']);
});

for (const [begun, expected] of [
  ['2026-03-02', ['replied', 'human_reply']],
  [undefined, ['withdrawn', 'replied_before']],
] as const)
  test(`D4 who answers an old run while another ${begun ? 'is under way' : 'has yet to begin'} is written to in neither`, async ({
    world,
  }) => {
    const { office, inbox, notes, runs, sent, read } = await correspondence(world, { wanted: { steps: 1 } });
    const other = await makeSequence(world, office, { name: 'Winter' });
    const [stranger] = await enrol(world, office, other, 1, begun ? { dueOn: begun } : {});
    await world.in(office, async ctx => {
      const { lead_id } = await ctx.tx
        .selectFrom('enrollment')
        .select('lead_id')
        .where('id', '=', runs[0]!)
        .executeTakeFirstOrThrow();
      await ctx.tx.updateTable('enrollment').set({ lead_id, enrolled_at: ctx.now }).where('id', '=', stranger!).execute();
    });
    let category: Classified['category'] = 'interested';
    world.ports.classify = async () => ({ category, until: null });
    inbox.put(answering(sent[0]!, { text: 'Thursday at ten?' }), world.now);
    await read();
    const { state, reason } = await enrollmentOf(world, office, stranger!);
    expect([state, reason]).toEqual(expected);
    expect((await enrollmentOf(world, office, runs[0]!)).state).toBe('completed');
    expect(JSON.stringify(notes.at(-1)!.report)).toContain('Their run in another sequence');

    // A run that began after the reply was read is none of its business, whatever the reply is corrected to.
    const [later] = await enrol(world, office, other, 1, { dueOn: '2026-03-02' });
    await world.in(office, async ctx => {
      const { lead_id } = await ctx.tx
        .selectFrom('enrollment')
        .select('lead_id')
        .where('id', '=', runs[0]!)
        .executeTakeFirstOrThrow();
      const enrolled_at = ctx.now.add({ seconds: 1 });
      await ctx.tx.updateTable('enrollment').set({ lead_id, enrolled_at }).where('id', '=', later!).execute();
    });
    category = 'other';
    await world.call(office, 'correct_reply', { reply: (await repliesOf(world, office))[0]!.id, as: 'not_interested' });
    expect((await enrollmentOf(world, office, later!)).state).toBe('active');
  });

test('D4 a page of many mails does to each run what mail after mail would', async ({ world }) => {
  const { office, inbox, runs, sent, read } = await correspondence(world, { people: 2 });
  const [first, second] = [sent.find(each => each.to.startsWith('pat1@'))!, sent.find(each => each.to.startsWith('pat2@'))!];
  const away = { headers: { 'auto-submitted': 'auto-replied' } };
  inbox.put(answering(first, { ...away, text: 'I am away until 13 March.' }), world.now);
  inbox.put(answering(second, { ...away, text: 'I am away until 20 March.' }), world.now);
  inbox.put(answering(first, { text: 'Back early. Not interested.' }), world.now);
  inbox.put(answering(second, { ...away, text: 'I am away until 13 March.' }), world.now);
  inbox.put(answering(first, { mailId: '<in-3@lead.example>', text: 'Back early. Not interested.' }), world.now);
  inbox.put(answering(first, { text: 'Really not.' }), world.now);
  await read();
  expect((await repliesOf(world, office)).map(each => [each.category, each.outcome])).toEqual([
    ['out_of_office', 'paused'],
    ['out_of_office', 'paused'],
    ['not_interested', 'replied'],
    ['out_of_office', 'paused'],
    ['other', 'none'],
  ]);
  expect(await enrollmentOf(world, office, runs[0]!)).toMatchObject({ state: 'replied', paused_until: null });
  expect(await enrollmentOf(world, office, runs[1]!)).toMatchObject({ state: 'paused', paused_until: '2026-03-21' });
});
