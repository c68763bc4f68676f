import { expect } from 'vitest';
import type { IncomingMail } from '../../src/domain/ports.ts';
import { correspondence, from, repliesOf } from '../support/replies.ts';
import { enrollmentOf } from '../support/sequences.ts';
import { test } from '../support/world.ts';

const answering = (sent: { to: string; mailId: string }, mail: Partial<IncomingMail> = {}): Partial<IncomingMail> => ({
  ...from(sent.to),
  inReplyTo: sent.mailId,
  references: [sent.mailId],
  ...mail,
});

test('D4 what somebody wrote before they were contacted answers nothing of ours', async ({ world }) => {
  const { office, inbox, notes, runs, sent, read } = await correspondence(world, { people: 2 });
  const [first, second] = [sent.find(each => each.to.startsWith('pat1@'))!, sent.find(each => each.to.startsWith('pat2@'))!];
  inbox.put({ ...from(first.to), text: 'Unsubscribe' }, world.now.subtract({ hours: 24 * 700 }));
  inbox.put({ ...from(first.to), text: 'Unsubscribe' }, world.now.subtract({ hours: 12 }));
  inbox.put({ ...from(second.to), text: 'Unsubscribe' }, world.now);
  await read();
  expect((await repliesOf(world, office)).map(each => [each.kind, each.outcome])).toEqual([
    ['unmatched', 'none'],
    ['unmatched', 'none'],
    ['human', 'unsubscribed'],
  ]);
  const states = await Promise.all(runs.map(run => enrollmentOf(world, office, run)));
  expect(states.map(run => run.state).sort()).toEqual(['active', 'unsubscribed']);
  expect(notes).toHaveLength(1);
});

test('D4 the clock of a mail server that tells whole seconds loses no reply by address', async ({ world }) => {
  const { office, inbox, runs, sent, read } = await correspondence(world);
  inbox.put({ ...from(sent[0]!.to), text: 'Hm.' }, world.now.subtract({ milliseconds: 900 }));
  await read();
  expect((await enrollmentOf(world, office, runs[0]!)).state).toBe('replied');
});

test('D4 a mailbox that was made anew gives years of mail again, and none of it acts', async ({ world }) => {
  const { office, inbox, notes, runs, sent, read } = await correspondence(world);
  for (let year = 3; year > 0; year--)
    inbox.put(
      { ...from(sent[0]!.to), text: `Please take me off your list, ${year}.` },
      world.now.subtract({ hours: year * 8_760 }),
    );
  const whole = inbox.mails.splice(0);
  await read();
  inbox.mails.push(...whole);
  inbox.uidValidity = '2';
  await read();
  expect((await enrollmentOf(world, office, runs[0]!)).state).toBe('active');
  expect([await repliesOf(world, office), notes]).toEqual([[], []]);

  inbox.put({ ...from(sent[0]!.to), text: 'Hm.' }, world.now);
  inbox.uidValidity = '3';
  await read();
  expect((await repliesOf(world, office)).map(each => each.body)).toEqual(['Hm.']);
  expect((await enrollmentOf(world, office, runs[0]!)).state).toBe('replied');
});

test('D4 mail without a Message-ID acts once, however often its mailbox is made anew; another mail acts for itself', async ({
  world,
}) => {
  const { office, inbox, notes, runs, sent, read } = await correspondence(world);
  const headers = { date: 'Mon, 2 Mar 2026 10:00:00 +0000', 'auto-submitted': 'auto-replied' };
  const said = { mailId: null, headers, text: 'I am away.' };
  const state = async () => (await enrollmentOf(world, office, runs[0]!)).state;
  inbox.put(answering(sent[0]!, said), world.now);
  inbox.put({ ...from('stranger@home.example'), ...said }, world.now);
  await read();
  expect(await state()).toBe('paused');
  const [reply] = await repliesOf(world, office);
  await world.call(office, 'correct_reply', { reply: reply!.id, as: 'not_a_reply' });
  expect(await state()).toBe('active');
  for (const uidValidity of ['2', '3']) {
    inbox.uidValidity = uidValidity;
    await read();
  }
  expect(await state()).toBe('active');
  const stored = await repliesOf(world, office);
  expect(stored.filter(each => each.kind !== 'unmatched')).toHaveLength(1);
  expect(stored.map(each => each.content_hash !== null)).toEqual(stored.map(each => each.kind !== 'unmatched'));
  expect(notes).toHaveLength(1);

  inbox.put(answering(sent[0]!, { ...said, headers: { ...headers, date: 'Mon, 2 Mar 2026 10:05:00 +0000' } }), world.now);
  await read();
  expect(await state()).toBe('paused');
});

const google = {
  precedence: 'list',
  'list-id': '<sales.acme.example>',
  'list-unsubscribe': '<mailto:sales+unsubscribe@acme.example>',
};

test('D4 a person who answers through a list is a person; what a list sends without our thread is a machine’s', async ({
  world,
}) => {
  const { office, inbox, runs, sent, read } = await correspondence(world, { people: 3 });
  inbox.put(answering(sent[0]!, { headers: google, text: 'Thank you for contacting us. Tell me more.' }), world.now);
  inbox.put(answering(sent[1]!, { headers: { precedence: 'bulk' }, text: 'Unsubscribe\n\nPat' }), world.now);
  inbox.put({ ...from(sent[2]!.to), headers: google, text: 'Tell me more.' }, world.now);
  await read();
  expect((await repliesOf(world, office)).map(each => [each.kind, each.category, each.outcome])).toEqual([
    ['human', 'interested', 'replied'],
    ['human', 'unsubscribe', 'unsubscribed'],
    ['automatic', 'other', 'none'],
  ]);
  const states = await Promise.all(runs.map(run => enrollmentOf(world, office, run)));
  expect(states.map(run => run.state).sort()).toEqual(['active', 'replied', 'unsubscribed']);
});

test('D4 a machine that says so stays one in our thread; only a plain wish to be left alone counts from it', async ({
  world,
}) => {
  const { office, inbox, runs, sent, read } = await correspondence(world, { people: 2 });
  const headers = { ...google, 'auto-submitted': 'auto-generated' };
  inbox.put(answering(sent[0]!, { headers, text: 'Your ticket number is 7. Please unsubscribe from it here.' }), world.now);
  inbox.put(answering(sent[1]!, { headers, text: 'STOP\n\nSent from my iPhone' }), world.now);
  await read();
  expect((await repliesOf(world, office)).map(each => [each.kind, each.category])).toEqual([
    ['automatic', 'other'],
    ['human', 'unsubscribe'],
  ]);
  const states = await Promise.all(runs.map(run => enrollmentOf(world, office, run)));
  expect(states.map(run => run.state).sort()).toEqual(['active', 'unsubscribed']);
});
