import { describe, expect } from 'vitest';
import { drover, enter, type MemberActor } from '../../src/domain/context.ts';
import * as messages from '../../src/domain/messages/index.ts';
import * as sequences from '../../src/domain/sequences/index.ts';
import { join } from '../../src/domain/workspaces/index.ts';
import type { Message, User } from '../../src/local-slack/index.ts';
import { enrol, enrollmentOf, makeSequence } from '../support/sequences.ts';
import { type SlackHarness, transports } from '../support/slack.ts';
import { testOver } from '../support/slack-test.ts';
import type { Office, World } from '../support/world.ts';

/** Two tasks that wait with Ada, in her direct messages. */
async function twoTasks(world: World, harness: SlackHarness) {
  const [ada, ray] = harness.slack.users as never as [User, User];
  const member = (user: User, isSlackAdmin: boolean): Promise<MemberActor> =>
    enter(world.services, harness.workspaceId, drover, ctx =>
      join(ctx, { slackUserId: user.id, name: user.realName, isSlackAdmin }),
    );
  const office: Office = { id: harness.workspaceId, admin: await member(ada, true), rep: await member(ray, false) };
  const id = await makeSequence(world, office);
  const call = { kind: 'task' as const, title: 'Call {{ first_name }} <!channel>', body: 'Ask about *{{ company }}*' };
  await world.in(office, ctx => sequences.edit(ctx, id, { steps: [call, { subject: 'Hello', body: 'Text' }] }));
  const people = await enrol(world, office, id, 2);
  await world.in(office, ctx => messages.planDay(ctx, id));
  await world.clock.set(Temporal.Instant.from('2026-03-02T09:00:00Z'));
  await world.handlers['send-due']!({ workspaceId: office.id } as never, AbortSignal.any([]));
  await world.drain();
  const cards = () => harness.slack.control.messages(ada.id);
  const press = async (card: Message, text: 'Done' | 'Skip', user = ada) => {
    await harness.slack.control.click({ user: user.id, channel: card.channel, ts: card.ts, text });
    await world.drain();
  };
  return { office, people, cards, press };
}

const shown = (message: Message): string => JSON.stringify(message.blocks);

describe.each(transports)('tasks over %s', transport => {
  const test = testOver(transport);

  test('E3 a task is posted to the owner alone, inert, and its buttons finish or skip it', async ({ world, slack }) => {
    const { office, people, cards, press } = await twoTasks(world, slack);
    const [first, second] = cards();
    expect(shown(first!)).toContain('Task: Call Pat &lt;!channel&gt;');
    expect(shown(first!)).not.toContain('<!channel>');
    await press(first!, 'Done');
    expect(await enrollmentOf(world, office, people[0]!)).toMatchObject({ state: 'active', next_position: 2 });
    expect((await enrollmentOf(world, office, people[0]!)).contacted_at).not.toBeNull();
    await press(second!, 'Skip');
    expect(await enrollmentOf(world, office, people[1]!)).toMatchObject({ state: 'active', contacted_at: null });
    const [done, skipped] = cards();
    expect(shown(done!)).toContain('Done:');
    expect(shown(skipped!)).toContain('Skipped:');
    for (const card of cards()) expect(shown(card)).not.toContain('"button"');
  });

  test('C1 a button of a task that is closed already changes nothing and says so', async ({ world, slack }) => {
    const { office, people, cards, press } = await twoTasks(world, slack);
    const { email } = await world.in(office, ctx =>
      ctx.tx.selectFrom('lead').select('email').orderBy('id').executeTakeFirstOrThrow(),
    );
    await world.call(office, 'skip_task', { lead: email! });
    const before = await enrollmentOf(world, office, people[0]!);
    await press(cards()[0]!, 'Done');
    expect(await enrollmentOf(world, office, people[0]!)).toEqual(before);
    expect(shown(cards()[0]!)).toContain('not open any more');
  });
});
