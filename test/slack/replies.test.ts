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
});
