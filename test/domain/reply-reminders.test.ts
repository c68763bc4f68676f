import { expect } from 'vitest';
import type { Outcome } from '../../src/tools/run.ts';
import { correspondence, from, repliesOf } from '../support/replies.ts';
import { enrollmentOf, ledger } from '../support/sequences.ts';
import { test, type World } from '../support/world.ts';

/** Pat has answered; a model has read what it means. */
async function replied(world: World, category: string, until: string | null = null, text = 'Perhaps later.') {
  world.ports.classify = async () => ({
    category: category as never,
    until: until === null ? null : Temporal.PlainDate.from(until),
  });
  const kept = await correspondence(world);
  kept.inbox.put({ ...from(kept.sent[0]!.to, 'Pat'), text, inReplyTo: kept.sent[0]!.mailId }, world.now);
  await kept.read();
  return kept;
}
const told = (outcome: Outcome): string => JSON.stringify(outcome.report);

test('D4 "not now" with a date asks whether to write again then; a reminder comes on that day, and sends nothing', async ({
  world,
}) => {
  const { office, notes, runs, server } = await replied(world, 'bad_timing', '2026-05-01');
  const [note] = notes;
  expect(JSON.stringify(note!.report.notes)).toContain('Write to them again on Fri 1 May');
  const button = note!.buttons!.find(({ action }) => action === 'reply_remind')!;
  const [reply, on] = button.value.split(':');
  expect(on).toBe('2026-05-01');
  expect(await world.call(office, 'remind_reply', { reply: Number(reply), on: '2026-05-01' })).toMatchObject({ outcome: 'done' });
  await world.clock.set(Temporal.Instant.from('2026-05-01T06:59:00Z'));
  await world.drain();
  expect(notes).toHaveLength(1);
  await world.clock.set(Temporal.Instant.from('2026-05-01T07:01:00Z'));
  await world.drain();
  expect(notes).toHaveLength(2);
  expect(notes[1]).toMatchObject({
    channel: office.admin.slackUserId,
    report: { title: 'You wanted to be reminded of Pat 1, Acme' },
    buttons: [{ action: 'reply_answer' }, { action: 'reply_enroll', label: 'Enrol again in Fall Intro' }],
  });
  expect(await enrollmentOf(world, office, runs[0]!)).toMatchObject({ state: 'replied' });
  expect(server.handed).toHaveLength(1);
  expect((await ledger(world, office)).filter(row => row.state === 'planned')).toEqual([]);
  expect(await repliesOf(world, office)).toMatchObject([{ remind_on: null }]);
});

test('A6 a reminder is moved and taken back; what was called off does not come', async ({ world }) => {
  const { office, notes } = await replied(world, 'bad_timing');
  expect(JSON.stringify(notes[0]!.report.notes)).toContain('remind me on 1 May of this reply');
  const lead = 'pat1@acme.example';
  await world.call(office, 'remind_reply', { lead, on: '2026-05-01' });
  expect(told(await world.call(office, 'remind_reply', { lead, on: '2026-06-01' }))).toContain('Fri 1 May is called off');
  expect(await world.call(office, 'undo', {})).toMatchObject({ outcome: 'done' });
  expect(await repliesOf(world, office)).toMatchObject([{ remind_on: '2026-05-01' }]);
  expect(await world.call(office, 'undo', {})).toMatchObject({ outcome: 'done' });
  await world.clock.set(Temporal.Instant.from('2026-07-01T09:00:00Z'));
  await world.drain();
  expect(notes).toHaveLength(1);
  expect(await world.call(office, 'remind_reply', { lead, on: '2026-06-30' })).toMatchObject({ code: 'until_past' });
  expect(await world.call(office, 'remind_reply', { lead, on: '2027-08-30' })).toMatchObject({ code: 'until_far' });
  expect(await world.call(office, 'remind_reply', { lead, on: '2026-08-30' }, { actor: office.rep })).toMatchObject({
    code: 'not_yours',
  });
});

test('L4 a referral shows whom it names, and adds nobody', async ({ world }) => {
  const { office, notes } = await replied(
    world,
    'referral',
    null,
    'Please ask Bob.Roe@acme.example, not me (pat1@acme.example) nor ada@drover.example.',
  );
  const said = JSON.stringify(notes[0]!.report.notes);
  expect(said).toContain('They name bob.roe@acme.example.');
  expect(await world.in(office, ctx => ctx.tx.selectFrom('lead').select('email_key').execute())).toHaveLength(1);
});

for (const category of ['wrong_person', 'left_company'])
  test(`X1 ${category}: the note offers to exclude the address, and excludes nobody by itself`, async ({ world }) => {
    const { office, notes } = await replied(world, category);
    expect(JSON.stringify(notes[0]!.report.notes)).toContain('Exclude the address for good?');
    expect(notes[0]!.buttons!.map(({ action }) => action)).toContain('reply_exclude');
    expect(await world.call(office, 'list_exclusions', {})).toMatchObject({ result: { entries: [] } });
  });
