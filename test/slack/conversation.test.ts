import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { connectEmbedded, connectServer } from '../../src/db/connect.ts';
import { migrate } from '../../src/db/migrate.ts';
import { acrossWorkspaces } from '../../src/db/transaction.ts';
import { drover, enter } from '../../src/domain/context.ts';
import * as lists from '../../src/domain/lists/index.ts';
import { Broken, Unavailable } from '../../src/errors.ts';
import { enqueueWith, startBoss, work } from '../../src/jobs/boss.ts';
import type { User } from '../../src/local-slack/index.ts';
import { silentLog } from '../../src/log.ts';
import { createServerDatabase, serverUrl } from '../support/database.ts';
import { type SlackHarness, startSlack, transports } from '../support/slack.ts';
import { testOver } from '../support/slack-test.ts';

describe.each(transports)('listening over %s', transport => {
  const test = testOver(transport);

  test('a direct message is answered where it was written, to a member who has joined', async ({ world, slack }) => {
    const { control, users } = slack.slack;
    const said = await control.dm({ text: 'find <b> & co at acme.example' });
    await world.drain();
    expect(slack.turns.asked).toMatchObject([
      {
        surface: 'slack',
        channel: said.channel,
        root: 'top',
        text: 'find <b> & co at acme.example',
        asker: { role: 'admin', slackUserId: users[0]!.id, name: users[0]!.realName },
      },
    ]);
    const answer = control.messages(said.channel).at(-1)!;
    expect([answer.byApp, answer.threadTs]).toEqual([true, undefined]);
  });

  test('a mention without words is answered with help', async ({ world, slack }) => {
    await slack.slack.control.say({ channel: 'sales', text: '@drover' });
    await world.drain();
    expect(slack.turns.words).toEqual(['help']);
  });

  test('C3 in a thread it hears the one it answered, until they turn to somebody else', async ({ world, slack }) => {
    const { control, users } = slack.slack;
    const [ada, other] = users as never as [User, User];
    const root = await control.mention({ user: ada.id, text: 'one' });
    const reply = async (user: string, text: string) => {
      await control.say({ user, channel: 'sales', threadTs: root.ts, text });
      await world.drain();
    };
    await world.drain();
    await reply(ada.id, 'two');
    await reply(other.id, 'unheard');
    await reply(other.id, '@drover three');
    await reply(ada.id, 'unheard since the other was answered');
    await reply(other.id, 'four');
    await reply(other.id, `<@${ada.id}> what do you think?`);
    await reply(other.id, 'unheard since a colleague was addressed');
    await reply(other.id, '@drover five');
    await reply(other.id, 'six');
    await control.say({ user: other.id, channel: 'sales', text: 'unheard outside the thread' });
    await world.drain();
    expect(slack.turns.words).toEqual(['one', 'two', 'three', 'four', 'five', 'six']);
  });

  test('C3 a reply written before the answer is heard after it', async ({ world, slack }) => {
    const { control } = slack.slack;
    const root = await control.mention({ text: 'one' });
    await world.clock.move({ seconds: 1 });
    await control.say({ channel: 'sales', threadTs: root.ts, text: 'and another thing' });
    await world.drain();
    expect(slack.turns.words).toEqual(['one', 'and another thing']);
  });

  test('it never answers itself', async ({ world, slack }) => {
    const { control } = slack.slack;
    slack.turns.answer = () => ({ text: 'I am drover, and say drover' });
    await control.mention({ text: 'one' });
    for (let i = 0; i < 3; i++) await world.drain();
    expect(slack.turns.words).toEqual(['one']);
  });

  test('A8 a turn that breaks is told once, and the thread goes on', async ({ world, slack }) => {
    const { control } = slack.slack;
    slack.turns.answer = ({ text }) => {
      if (text === 'one') throw new Broken('test', 'a secret detail');
      return { text: 'fine' };
    };
    const root = await control.mention({ text: 'one' });
    await world.clock.move({ seconds: 1 });
    await control.say({ channel: 'sales', threadTs: root.ts, text: '@drover two' });
    await world.drain();
    const answers = control.thread('sales', root.ts).filter(({ byApp }) => byApp);
    expect(answers.map(({ text }) => text)).toEqual([expect.stringMatching(/^Something broke/), 'fine']);
    expect(JSON.stringify(answers)).not.toContain('secret');
  });

  test('A8 a turn that the database left runs again and is answered once', async ({ world, slack }) => {
    const { control } = slack.slack;
    let tries = 0;
    slack.turns.answer = () => {
      if (++tries < 3) throw new Unavailable('database', 'away');
      return { text: 'fine' };
    };
    const root = await control.mention({ text: 'one' });
    for (let i = 0; i < 2; i++) await expect(runOnce(world)).rejects.toThrow('away');
    await runOnce(world);
    await world.drain();
    expect(
      control
        .thread('sales', root.ts)
        .filter(({ byApp }) => byApp)
        .map(({ text }) => text),
    ).toEqual(['fine']);
  });
});

/** Runs the one stored request, as its job does each time it is tried. */
async function runOnce(world: {
  handlers: SlackHarness['handlers'];
  services: { db: Parameters<typeof migrate>[0] };
}): Promise<void> {
  // Not 1: on a server the mention's twin may have taken that number and lost to it.
  const { id } = await acrossWorkspaces(world.services.db, tx => tx.selectFrom('inbox').select('id').executeTakeFirstOrThrow());
  await world.handlers['agent-turn']!({ inboxId: id, thread: 'T' } as never, new AbortController().signal);
}

describe.each(transports)('/drover over %s', transport => {
  const test = testOver(transport);
  const told = (slack: SlackHarness, user: string) =>
    slack.slack.control.ephemerals(user).map(({ text, blocks }) => `${text} ${JSON.stringify(blocks)}`);

  test('A7 is answered to the asker alone, without the model', async ({ world, slack }) => {
    const { control, users } = slack.slack;
    slack.turns.answer = () => {
      throw new Broken('model', 'the model is down');
    };
    const [ada, other] = users as never as [User, User];
    for (const line of ['status', 'lists', 'help', '']) {
      const taken = await control.slash(ada.id, '/drover', line);
      expect([line, taken?.status, taken?.answer]).toEqual([line, 200, '']);
      await world.drain();
    }
    expect(told(slack, ada.id)).toHaveLength(4);
    for (const answer of told(slack, ada.id)) expect(answer).not.toMatch(/has no|Something broke|There is no tool/);
    expect(told(slack, other.id)).toEqual([]);
    expect(control.messages('sales').filter(({ byApp, ephemeralTo }) => byApp && !ephemeralTo)).toEqual([]);
    expect(slack.turns.asked).toEqual([]);
  });

  test('A7 help is about what follows it; senders, numbers and replies are answered without the model', async ({
    world,
    slack,
  }) => {
    const { control, users } = slack.slack;
    const ada = users[0]!;
    const answers = async (line: string) => {
      const before = told(slack, ada.id).length;
      await control.slash(ada.id, '/drover', line);
      await world.drain();
      return told(slack, ada.id).slice(before).join(' ');
    };
    expect(await answers('help')).toMatch(/Lists are who to contact/);
    expect(await answers('help with linking')).toMatch(/About “with linking”/);
    expect(await answers('help linking')).toMatch(/About “linking”.*link list/s);
    expect(await answers('senders')).toMatch(/no sender yet/);
    expect(await answers('numbers')).toMatch(/Nothing left/);
    expect(await answers('numbers "Nobody knows it"')).toMatch(/Nobody knows it/);
    expect(await answers('replies')).not.toMatch(/has no|Something broke|There is no tool/);
    expect(await answers('replies Nobody knows it')).toMatch(/Nobody knows it/);
    expect(slack.turns.asked).toEqual([]);
  });

  test('A7 why, forecast, review, undo and activity are answered without the model, with or without a name', async ({
    world,
    slack,
  }) => {
    const { control, users } = slack.slack;
    slack.turns.answer = () => {
      throw new Broken('model', 'the model is down');
    };
    const ada = users[0]!;
    const answers = async (line: string) => {
      const before = told(slack, ada.id).length;
      await control.slash(ada.id, '/drover', line);
      await world.drain();
      return told(slack, ada.id).slice(before).join(' ');
    };
    expect(await answers('undo')).toMatch(/nothing of yours to undo/);
    expect(await answers('activity')).toMatch(/has happened|activit/i);
    expect(await answers('activity Nobody knows it')).toMatch(/Nobody knows it/);
    expect(await answers('review')).toMatch(/Nobody waits for review/);
    expect(await answers('review "Nobody knows it"')).toMatch(/Nobody knows it/);
    expect(await answers('why')).toMatch(/needs a name/);
    expect(await answers('why Nobody knows it')).toMatch(/Nobody knows it/);
    expect(await answers('forecast')).not.toMatch(/has no|Something broke|There is no tool/);
    expect(await answers('forecast Nobody knows it')).toMatch(/Nobody knows it/);
    expect(slack.turns.asked).toEqual([]);
  });

  test('A7 who is on a list or in a sequence, and which tasks wait, are answered without the model', async ({ world, slack }) => {
    const { control, users } = slack.slack;
    const ada = users[0]!;
    const answers = async (line: string) => {
      const before = told(slack, ada.id).length;
      await control.slash(ada.id, '/drover', line);
      await world.drain();
      return told(slack, ada.id).slice(before).join(' ');
    };
    expect(await answers('tasks')).toMatch(/No task waits/);
    expect(await answers('tasks Nobody knows it')).toMatch(/Nobody knows it/);
    await enter(world.services, slack.workspaceId, drover, async ctx => {
      const { id: ownerId } = await ctx.tx.selectFrom('member').select('id').executeTakeFirstOrThrow();
      await lists.create(ctx, { name: 'Empty List', ownerId, source: 'csv', criteria: null });
    });
    expect(await answers('who "Empty List"')).toMatch(/Nobody is on .{0,9}Empty List/);
    expect(await answers('who Nobody knows it')).toMatch(/Nobody knows it/);
    expect(await answers('who')).toMatch(/needs a name/);
    expect(slack.turns.asked).toEqual([]);
  });

  test('an unknown word is answered with the nearest and with what there is', async ({ world, slack }) => {
    const ada = slack.slack.users[0]!;
    await slack.slack.control.slash(ada.id, '/drover', 'lits');
    await slack.slack.control.slash(ada.id, '/drover', 'list');
    await slack.slack.control.slash(ada.id, '/drover', 'list Nobody knows it');
    await world.drain();
    const answers = told(slack, ada.id);
    expect(answers[0]).toMatch(/has no "lits"; did you mean "\/drover list/);
    expect(answers[0]).toContain('/drover sequence NAME');
    expect(answers[1]).toContain('needs a name');
    expect(answers[2]).toMatch(/Nobody knows it/);
  });

  test('C1 a command that is delivered again is answered once', async ({ world, slack }) => {
    const { control } = slack.slack;
    const ada = slack.slack.users[0]!;
    await control.slash(ada.id, '/drover', 'lits');
    await control.redeliver(control.deliveries.at(-1)!).catch(() => {});
    await world.drain();
    await world.handlers['slack-interaction']!({ inboxId: 1 } as never, new AbortController().signal);
    await world.drain();
    expect(told(slack, ada.id)).toHaveLength(1);
  });
});

describe.each(transports)('threads over %s', transport => {
  /** A database of its own with workers that run by themselves, on the machine's clock. */
  async function alive() {
    const connection = serverUrl
      ? connectServer(await createServerDatabase(`drover_threads_${transport}_${process.pid}`), silentLog, { max: 8 })
      : await connectEmbedded(null);
    await migrate(connection.db);
    const boss = await startBoss(connection, systemClock, silentLog);
    const services = {
      db: connection.db,
      clock: systemClock,
      log: silentLog,
      enqueueIn: enqueueWith(boss),
      sources: {},
      transports: {},
      publicUrl: 'https://drover.example',
    };
    const slack = await startSlack(services, { transport });
    await work(boss, slack.handlers, silentLog);
    const close = async () => {
      await boss.stop({ graceful: true, timeout: 5000 });
      await slack.close();
      await connection.close();
    };
    return { slack, services, close };
  }

  test('C2 turns of a thread run one at a time and in order, threads side by side', async () => {
    const { slack, close } = await alive();
    const { control } = slack.slack;
    const running = new Map<string, number>();
    let mostInOneThread = 0;
    const lastThreadRuns = Promise.withResolvers<void>();
    slack.turns.answer = async ({ root, text }) => {
      running.set(root, (running.get(root) ?? 0) + 1);
      mostInOneThread = Math.max(mostInOneThread, ...running.values());
      // Two threads hold their first turn until a third's has begun, asked for last. Were threads not side by side, this would never end;
      // were a thread's turns not one at a time, its later ones would have begun by then.
      if (text === 'c0') lastThreadRuns.resolve();
      await lastThreadRuns.promise;
      running.set(root, running.get(root)! - 1);
      return { text: `did ${text}` };
    };
    const roots = [await control.mention({ text: 'a0' }), await control.mention({ text: 'b0' })];
    for (const i of [1, 2])
      for (const [t, root] of roots.entries())
        await control.say({ channel: 'sales', threadTs: root.ts, text: `@drover ${'ab'[t]}${i}` });
    await control.mention({ text: 'c0' });
    const answers = (ts: string) =>
      control
        .thread('sales', ts)
        .filter(({ byApp }) => byApp)
        .map(({ text }) => text);
    await control.waitFor(() => roots.every(({ ts }) => answers(ts).length === 3), { withinMs: 25_000, what: 'six answers' });
    expect(answers(roots[0]!.ts)).toEqual(['did a0', 'did a1', 'did a2']);
    expect(answers(roots[1]!.ts)).toEqual(['did b0', 'did b1', 'did b2']);
    expect(mostInOneThread).toBe(1);
    await close();
  });
});

testOver('http')('the workspace of the team is made once, in its zone', async ({ world, slack }) => {
  await slack.app.identity();
  const rows = await sql<{ name: string; zone: string }>`select name, zone from workspace`.execute(world.services.db);
  expect(rows.rows).toEqual([{ name: 'Acme', zone: 'Europe/London' }]);
  await enter(world.services, slack.workspaceId, { kind: 'drover' }, async ctx =>
    expect(ctx.workspace.slack_team_id).toBe(slack.slack.teamId),
  );
});
