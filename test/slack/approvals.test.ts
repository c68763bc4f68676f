import { describe, expect } from 'vitest';
import { createDesk } from '../../src/cli/desk.ts';
import { drover, enter, type MemberActor } from '../../src/domain/context.ts';
import type { Message, User } from '../../src/local-slack/index.ts';
import { buttons } from '../../src/slack/blocks/parts.ts';
import { tellCard } from '../../src/slack/cards.ts';
import { post } from '../../src/slack/outbox.ts';
import { runTool } from '../../src/tools/run.ts';
import { type SlackHarness, startSlack, type Transport, transports } from '../support/slack.ts';
import { test as withWorld } from '../support/world.ts';

interface Cards extends SlackHarness {
  ada: User;
  ray: User;
  /** Ada asks in #sales to activate a sequence that is ready; the thread that the card is in. */
  ask: (say?: string) => Promise<string>;
  /** What stands in a thread below its first message. */
  below: (root: string) => Message[];
  press: (card: Message, label: 'Approve' | 'Cancel', user?: User) => Promise<void>;
  status: () => Promise<string>;
  edit: (input: object) => Promise<void>;
}

const over = (transport: Transport) =>
  withWorld.extend<{ cards: Cards }>({
    cards: async ({ world }, use) => {
      const harness = await startSlack(world.services, { transport });
      world.handlers = harness.handlers;
      const { control, users } = harness.slack;
      const [ada, ray] = users as never as [User, User];
      const inside = <R>(work: Parameters<typeof enter<R>>[3]) => enter(world.services, harness.workspaceId, drover, work);
      harness.turns.answer = async ({ workspaceId, asker, channel, root, text }) => {
        const call = {
          tool: text.startsWith('create') ? 'create_sequence' : 'activate_sequence',
          workspaceId,
          actor: asker,
          door: 'model' as const,
        };
        const steps = [{ subject: 'Hello', body: 'Hello {{ first_name }}' }];
        const input = text.startsWith('create') ? { name: 'Partner Launch', steps } : { sequence: 'Partner Launch' };
        const outcome = await runTool(world.services, { ...call, input, place: { surface: 'slack', channel, root } });
        return {
          text: outcome.outcome === 'needs_approval' ? 'This needs you.' : '',
          calls: [{ tool: call.tool, input, outcome }],
          approvals: outcome.outcome === 'needs_approval' ? [outcome.approval] : [],
        };
      };
      const ask = async (say = 'activate Partner Launch') => {
        const { ts } = await control.mention({ user: ada.id, text: say });
        await world.drain();
        return ts;
      };
      await inside(ctx => ctx.tx.updateTable('workspace').set({ postal_address: '1 Example Street, London' }).execute());
      await harness.slack.control.dm({ user: ada.id, text: 'create' }).then(() => world.drain());
      const owner = await inside(ctx => ctx.tx.selectFrom('member').selectAll().executeTakeFirstOrThrow());
      await inside(async ctx => {
        const { id } = await ctx.tx
          .insertInto('sender')
          .values({
            workspace_id: ctx.workspace.id,
            owner_id: owner.id,
            name: 'Ada',
            address: 'ada@acme.example',
            transport: 'local',
            created_at: ctx.now,
          })
          .returning('id')
          .executeTakeFirstOrThrow();
        const { id: sequenceId } = await ctx.tx.selectFrom('sequence').select('id').executeTakeFirstOrThrow();
        await ctx.tx
          .insertInto('sequence_sender')
          .values({ workspace_id: ctx.workspace.id, sequence_id: sequenceId, sender_id: id })
          .execute();
      });
      const actor: MemberActor = { kind: 'member', id: owner.id, name: owner.name, role: 'admin', slackUserId: ada.id };
      await use({
        ...harness,
        ada,
        ray,
        ask,
        below: root => control.thread('sales', root).slice(1),
        press: async (card, label, user = ada) => {
          await control.click({ user: user.id, channel: card.channel, ts: card.ts, text: label });
        },
        status: async () =>
          (await inside(ctx => ctx.tx.selectFrom('sequence').select('status').executeTakeFirstOrThrow())).status,
        edit: async input => {
          await runTool(world.services, {
            tool: 'edit_sequence',
            input: { sequence: 'Partner Launch', ...input },
            workspaceId: harness.workspaceId,
            actor,
            door: 'cli',
            place: { surface: 'cli' },
          });
        },
      });
      await harness.close();
    },
  });

const labels = (message: Message): string[] =>
  message.blocks.flatMap(block =>
    ((block.elements ?? []) as { text?: { text?: string }; type: string }[])
      .filter(e => e.type === 'button')
      .map(e => e.text!.text!),
  );
const shown = (message: Message): string => JSON.stringify(message.blocks);
const whispers = (cards: Cards, user: User) => cards.slack.control.ephemerals(user.id).map(({ text }) => text);

describe.each(transports)('over %s', transport => {
  const test = over(transport);

  test('A2 the press runs what the card showed, once, and the card says who, when and what it did', async ({ world, cards }) => {
    const [answer, card] = cards.below(await cards.ask()) as [Message, Message];
    expect(answer.text).toBe('This needs you.');
    expect(labels(card)).toEqual(['Approve', 'Cancel']);
    expect(shown(card)).toContain('Activate \\"Partner Launch\\"?');
    expect(shown(card)).toMatch(/"value":"\d+"/);
    expect(await cards.status()).toBe('setup');

    await cards.press(card, 'Approve');
    await cards.press(card, 'Approve');
    await world.drain();
    expect(await cards.status()).toBe('active');
    const [after] = cards.below(card.threadTs!).slice(1) as [Message];
    expect([after.ts, labels(after)]).toEqual([card.ts, []]);
    expect(shown(after)).toContain(`Approved by ${cards.ada.realName} · Mon`);
    expect(shown(after)).toContain('\\"Partner Launch\\" is active.');
    expect(whispers(cards, cards.ada)).toEqual(['That was approved already, and done once.']);
  });

  test('C1 a click that is delivered again is one click', async ({ world, cards }) => {
    const [, card] = cards.below(await cards.ask()) as [Message, Message];
    await cards.press(card, 'Approve');
    await cards.slack.control.redeliver(cards.slack.control.deliveries.at(-1)!).catch(() => {});
    await world.drain();
    expect(await cards.status()).toBe('active');
    expect(whispers(cards, cards.ada)).toEqual([]);
  });

  test('A2 who lacks the right is told so alone, and the card stays', async ({ world, cards }) => {
    const [, card] = cards.below(await cards.ask()) as [Message, Message];
    for (const label of ['Approve', 'Cancel'] as const) {
      await cards.press(card, label, cards.ray);
      await world.drain();
    }
    expect(await cards.status()).toBe('setup');
    expect(whispers(cards, cards.ray)).toHaveLength(2);
    expect(whispers(cards, cards.ada)).toEqual([]);
    expect(labels(cards.below(card.threadTs!)[1]!)).toEqual(['Approve', 'Cancel']);
  });

  test('A2 cancel changes nothing and says who', async ({ world, cards }) => {
    const [, card] = cards.below(await cards.ask()) as [Message, Message];
    await cards.press(card, 'Cancel');
    await world.drain();
    const after = cards.below(card.threadTs!)[1]!;
    expect([await cards.status(), labels(after)]).toEqual(['setup', []]);
    expect(shown(after)).toContain(`Cancelled by ${cards.ada.realName}`);
  });

  test.for(['expired', 'changed'] as const)(
    'A2 a card that has %s runs nothing and gets a fresh one below',
    async (why, { world, cards }) => {
      const [, card] = cards.below(await cards.ask()) as [Message, Message];
      if (why === 'expired') await world.clock.move({ hours: 25 });
      else await cards.edit({ dailyCap: 7 });
      await cards.press(card, 'Approve');
      await world.drain();
      const [, old, fresh] = cards.below(card.threadTs!) as [Message, Message, Message];
      expect([await cards.status(), labels(old), labels(fresh)]).toEqual(['setup', [], ['Approve', 'Cancel']]);
      expect(shown(old)).toContain(why === 'expired' ? 'older than 24 hours' : 'Things have changed');
      await cards.press(fresh, 'Approve');
      await world.drain();
      expect(await cards.status()).toBe('active');
    },
  );

  test('A2 a newer card takes the buttons from the older one', async ({ world, cards }) => {
    const [, first] = cards.below(await cards.ask()) as [Message, Message];
    const [, second] = cards.below(await cards.ask()) as [Message, Message];
    const old = cards.below(first.threadTs!)[1]!;
    expect([labels(old), labels(second)]).toEqual([[], ['Approve', 'Cancel']]);
    expect(shown(old)).toContain('A newer card has replaced this one');
    await cards.press(second, 'Approve');
    await world.drain();
    expect(await cards.status()).toBe('active');
  });

  test('a button that means nothing any more says what to do instead', async ({ world, cards }) => {
    const { channel } = cards.below(await cards.ask())[0]!;
    await enter(world.services, cards.workspaceId, drover, ctx =>
      post(ctx, 'old', { channel }, [
        { text: 'Old', blocks: [buttons('old', [{ label: 'Approve', actionId: 'of_an_older_version', value: 'x' }])] },
      ]),
    );
    await world.drain();
    const old = cards.slack.control.messages('sales').find(({ text }) => text === 'Old')!;
    await cards.press(old, 'Approve', cards.ray);
    await world.drain();
    expect(whispers(cards, cards.ray)).toEqual([expect.stringMatching(/from an older message .* Ask for it again/)]);
  });

  test('A2 a card that was decided on the command line says so where it is shown', async ({ world, cards }) => {
    const [, card] = cards.below(await cards.ask()) as [Message, Message];
    const desk = createDesk(world.services, { importFile: async () => 0, tellCard });
    const { id } = await world.services.db.selectFrom('approval').select('id').executeTakeFirstOrThrow();
    expect(await desk({ name: 'approve', id, json: false }, { write: () => {}, progress: () => {} })).toBe(0);
    await world.drain();
    const [after] = cards.below(card.threadTs!).slice(1) as [Message];
    expect([after.ts, labels(after), await cards.status()]).toEqual([card.ts, [], 'active']);
  });
});
