import { describe, expect } from 'vitest';
import { drover, enter, type MemberActor } from '../../src/domain/context.ts';
import { join } from '../../src/domain/workspaces/index.ts';
import type { Message, User } from '../../src/local-slack/index.ts';
import { Inbox, repliesOf, sendNext } from '../support/replies.ts';
import { enrol, enrollmentOf, mailServer, mailThrough, makeSender, makeSequence } from '../support/sequences.ts';
import { type SlackHarness, transports } from '../support/slack.ts';
import { testOver } from '../support/slack-test.ts';
import type { Office, World } from '../support/world.ts';

const shown = (message: Message): string => JSON.stringify(message.blocks);

/** Somebody was written to, and has answered what the test says, in as many mails. */
async function answered(world: World, harness: SlackHarness, ...texts: string[]) {
  const [ada, ray] = harness.slack.users as never as [User, User];
  const member = (user: User, isSlackAdmin: boolean): Promise<MemberActor> =>
    enter(world.services, harness.workspaceId, drover, ctx =>
      join(ctx, { slackUserId: user.id, name: user.realName, isSlackAdmin }),
    );
  const office: Office = { id: harness.workspaceId, admin: await member(ada, true), rep: await member(ray, false) };
  await world.in(office, ctx => ctx.tx.updateTable('workspace').set({ postal_address: '1 Example Street' }).execute());
  const server = mailServer();
  const inbox = new Inbox();
  mailThrough(world, server.transport);
  Object.assign(world.services, { readers: { local: inbox } });
  const senderId = await makeSender(world, office, { minGapMinutes: 0 });
  const sequenceId = await makeSequence(world, office, { senderIds: [senderId] });
  const runs = await enrol(world, office, sequenceId, 1);
  await world.in(office, ctx =>
    ctx.tx
      .insertInto('mailbox')
      .values({ sender_id: senderId, workspace_id: office.id, next_read_at: ctx.now })
      .onConflict(conflict => conflict.doNothing())
      .execute(),
  );
  await sendNext(world, office, sequenceId);
  const [sent] = server.handed;
  for (const text of texts)
    inbox.put({ from: { name: 'Pat', address: sent!.to.address }, text, inReplyTo: sent!.mailId }, world.now);
  const read = async () => {
    await world.handlers['read-mail']!({ workspaceId: office.id, senderId } as never, AbortSignal.any([]));
    await world.drain();
  };
  await read();
  const cards = () => harness.slack.control.messages(ada.id);
  const press = async (card: Message, label: string, user = ada) => {
    await harness.slack.control.click({ user: user.id, channel: card.channel, ts: card.ts, text: label });
    await world.drain();
  };
  return { office, runs, cards, press, server, inbox, read };
}

describe.each(transports)('replies over %s', transport => {
  const test = testOver(transport);

  test('A4 a reply goes to the owner, quoted inert, and its buttons correct it', async ({ world, slack }) => {
    const { office, runs, cards, press } = await answered(world, slack, '<!channel> *hello* <https://evil.example|click> :tada:');
    const [note] = cards();
    expect(cards()).toHaveLength(1);
    expect(shown(note!)).toContain('A reply from Pat 1, Acme: something else');
    expect(shown(note!)).not.toMatch(/<!channel>|<https:/);
    await press(note!, 'Not interested');
    expect(shown(cards()[0]!)).toContain('not interested');
    expect(cards()).toHaveLength(1);
    expect(await repliesOf(world, office)).toMatchObject([{ category: 'not_interested', category_by: 'human' }]);
    await press(cards()[0]!, 'Opt out');
    expect(shown(cards()[0]!)).toContain('never contacted again');
    expect(shown(cards()[0]!)).not.toContain('"button"');
    expect((await enrollmentOf(world, office, runs[0]!)).state).toBe('replied');
    expect(await repliesOf(world, office)).toMatchObject([{ category: 'unsubscribe', outcome: 'unsubscribed' }]);
  });

  test('A1 who answers in the thread of a note answers that reply, and not the latest one', async ({ world, slack }) => {
    const { office, cards, inbox, server, read } = await answered(world, slack, 'Who are you?', 'And what for?');
    const [first] = cards();
    expect(cards()).toHaveLength(2);
    const place = { surface: 'slack' as const, channel: first!.channel, root: first!.ts };
    const asked = await world.call(office, 'answer_reply', { text: 'I am Ada.' }, { place, door: 'model' });
    await world.press(office, (asked as { approval: { id: number } }).approval.id);
    await world.drain();
    expect(server.handed.at(-1)).toMatchObject({ text: 'I am Ada.\n', inReplyTo: inbox.mails[0]!.mailId });
    const latest = await world.call(office, 'show_reply', {}, { place: { ...place, root: 'top' } });
    expect(latest).toMatchObject({ result: { body: 'And what for?' } });
    await read();
    expect(cards()).toHaveLength(2);
  });

  test('A1 Answer opens a window with the whole letter, and its button sends it once, from the same sender', async ({
    world,
    slack,
  }) => {
    const { office, cards, press, server, inbox } = await answered(world, slack, 'Who are you? <!channel> & *so*');
    const control = slack.slack.control;
    const [note] = cards();
    await press(note!, 'Answer');
    const modal = control.modal()!;
    expect(modal.view).toMatchObject({ title: { text: 'Answer' }, submit: { text: 'Send' } });
    expect(JSON.stringify(modal.view.blocks)).toContain('> Who are you? &lt;!channel&gt; &amp; ∗so∗');
    expect(JSON.stringify(modal.view.blocks)).toContain('Re: Hello Pat');
    // Slack's client lets nothing empty through.
    expect(await control.submit({ text: '' })).toBeUndefined();
    expect(control.modal()!.errors).toEqual({ answer: 'Please complete this required field.' });
    expect(await control.submit({ text: 'I am Ada.\n\nThursday at 10?' })).toMatchObject({ status: 200 });
    expect(control.modal()).toBeUndefined();
    await world.drain();
    expect(server.handed.at(-1)).toMatchObject({
      text: 'I am Ada.\n\nThursday at 10?\n',
      inReplyTo: inbox.mails[0]!.mailId,
      from: { address: 'ada@drover.example' },
    });
    const thread = control.thread(note!.channel, note!.ts);
    expect(thread).toHaveLength(2);
    expect(shown(thread[1]!)).toContain('Your answer to Pat 1 leaves from ada@drover.example now');
    // The approval is in the ledger as a card's is; a job that runs again sends nothing again.
    const approvals = () => world.in(office, ctx => ctx.tx.selectFrom('approval').select(['tool', 'status']).execute());
    expect(await approvals()).toEqual([{ tool: 'answer_reply', status: 'approved' }]);
    const handed = server.handed.length;
    const stored = await world.connection.db.selectFrom('inbox').select('id').orderBy('id', 'desc').executeTakeFirstOrThrow();
    await world.connection.db.updateTable('inbox').set({ handled_at: null }).where('id', '=', stored.id).execute();
    await slack.handlers['slack-interaction']!({ inboxId: stored.id } as never, AbortSignal.any([]));
    await world.drain();
    expect(server.handed).toHaveLength(handed);
    expect(await approvals()).toHaveLength(1);
    expect(control.thread(note!.channel, note!.ts)).toHaveLength(2);
  });

  test('X1 who was excluded while the window was open is not answered, and the text comes back to its author alone', async ({
    world,
    slack,
  }) => {
    const { office, cards, press, server } = await answered(world, slack, 'Who are you?');
    const control = slack.slack.control;
    await press(cards()[0]!, 'Answer');
    await world.call(office, 'exclude', { address: server.handed[0]!.to.address });
    await control.submit({ text: 'I am Ada.' });
    await world.drain();
    expect(server.handed).toHaveLength(1);
    const [told] = control.ephemerals(slack.slack.users[0]!.id);
    expect(shown(told!)).toContain('cannot be answered: they are excluded');
    expect(shown(told!)).toContain('I am Ada.');
    await press(cards()[0]!, 'Answer');
    expect(control.modal()).toBeUndefined();
    expect(control.ephemerals(slack.slack.users[0]!.id)).toHaveLength(2);
  });

  test('C1 a press that is handled too late opens nothing and says what to do; one that is handled twice opens one window', async ({
    world,
    slack,
  }) => {
    const { cards } = await answered(world, slack, 'Who are you?');
    const control = slack.slack.control;
    const click = () => control.click({ channel: cards()[0]!.channel, ts: cards()[0]!.ts, text: 'Answer' });
    await click();
    await world.clock.set(world.now.add({ seconds: 4 }));
    await world.drain();
    expect(control.modal()).toBeUndefined();
    expect(shown(control.ephemerals(slack.slack.users[0]!.id)[0]!)).toContain('did not open the window in time');
    await click();
    control.fail('views.open', { cut: true, afterEffect: true });
    await expect(world.drain()).rejects.toThrow('Slack does not answer');
    const opened = control.modal()!;
    expect(opened).toBeDefined();
    const stored = await world.connection.db.selectFrom('inbox').select('id').orderBy('id', 'desc').executeTakeFirstOrThrow();
    await world.connection.db.updateTable('inbox').set({ handled_at: null }).where('id', '=', stored.id).execute();
    await slack.handlers['slack-interaction']!({ inboxId: stored.id } as never, AbortSignal.any([]));
    expect(control.modal()!.id).toBe(opened.id);
    expect(control.ephemerals(slack.slack.users[0]!.id)).toHaveLength(1);
  });

  test('D4 the menu corrects a reply to whatever a person may say that it is', async ({ world, slack }) => {
    const { office, cards } = await answered(world, slack, 'Please ask Bob.');
    const choose = async (option: string) => {
      const { channel, ts } = cards()[0]!;
      await slack.slack.control.click({ channel, ts, text: 'It is …', option });
      await world.drain();
    };
    for (const [words, category] of [
      ['names somebody else', 'referral'],
      ['wants to meet', 'meeting'],
      ['not now', 'bad_timing'],
      ['the wrong person', 'wrong_person'],
      ['left the company', 'left_company'],
      ['something else', 'other'],
      ['interested', 'interested'],
      ['not interested', 'not_interested'],
      ['out of office', 'out_of_office'],
      ['opted out', 'unsubscribe'],
    ] as const) {
      await choose(words);
      expect(await repliesOf(world, office)).toMatchObject([{ category, category_by: 'human' }]);
    }
    expect(shown(cards()[0]!)).not.toContain('static_select');
  });

  test('D4 what a note offers is done by its buttons, and told under it', async ({ world, slack }) => {
    const { office, cards, press, server } = await answered(world, slack, 'Please ask Bob.');
    const control = slack.slack.control;
    const [note] = cards();
    const told = () => control.thread(note!.channel, note!.ts).slice(1).map(shown);
    await world.call(office, 'correct_reply', { as: 'bad_timing', until: '2026-05-01' });
    await control.click({ channel: note!.channel, ts: note!.ts, text: 'It is …', option: 'the wrong person' });
    await world.drain();
    await press(cards()[0]!, 'Exclude the address');
    expect(told()).toEqual([expect.stringContaining(server.handed[0]!.to.address)]);
    expect(await world.call(office, 'list_exclusions', {})).toMatchObject({
      result: { entries: [{ reason: 'the wrong person', optOut: false }] },
    });
    await world.call(office, 'undo', {});
    await world.call(office, 'remind_reply', { on: '2026-07-01' });
    await world.clock.set(Temporal.Instant.from('2026-07-01T09:00:00Z'));
    await world.drain();
    const again = cards().at(-1)!;
    expect(shown(again)).toContain('You wanted to be reminded of Pat 1');
    await press(again, 'Enrol again in Fall Intro');
    const [card] = control.thread(again.channel, again.ts).slice(1);
    expect(shown(card!)).toContain('Although');
    await press(card!, 'Approve');
    const runs = await world.in(office, ctx => ctx.tx.selectFrom('enrollment').select('state').orderBy('id').execute());
    expect(runs).toEqual([{ state: 'replied' }, { state: 'queued' }]);
  });
});
