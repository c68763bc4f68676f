import { expect } from 'vitest';
import { understand } from '../../src/agent/phrasebook/index.ts';
import * as messages from '../../src/domain/messages/index.ts';
import * as sequences from '../../src/domain/sequences/index.ts';
import * as workspaces from '../../src/domain/workspaces/index.ts';
import { createHandlers } from '../../src/jobs/handlers.ts';
import { notify } from '../../src/slack/notify.ts';
import type { Outcome } from '../../src/tools/run.ts';
import { enrol, mailThrough, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const rows = (outcome: Outcome): string[][] => outcome.report.tables?.[0]?.rows ?? [];

/** A sequence that begins with a call; its tasks are open since nine, with Ada. */
async function calls(world: World, office: Office, { name = 'Fall Intro', people = 2, list = 'Leads' } = {}): Promise<number> {
  mailThrough(world);
  world.handlers = { ...createHandlers(world.services, { notify }), 'slack-post': async () => {} };
  const id = await makeSequence(world, office, { name, dailyCap: 200 });
  await world.in(office, ctx =>
    sequences.edit(ctx, id, {
      steps: [{ kind: 'task', title: 'Call {{ first_name }}', body: 'Ask about {{ company }}\nThen note it', delayDays: 0 }],
    }),
  );
  await enrol(world, office, id, people, { list });
  await world.in(office, ctx => messages.planDay(ctx, id));
  await world.clock.set(Temporal.Instant.from('2026-03-02T16:59:00Z'));
  await world.handlers['send-due']!({ workspaceId: office.id } as never, AbortSignal.any([]));
  return id;
}

/** Which task was shown to whom, as Slack has it. */
const cards = (world: World, office: Office) =>
  world.in(office, async ctx =>
    (
      await ctx.tx
        .selectFrom('slack_post')
        .select(['post_key', 'channel', 'payload'])
        .where('post_key', 'like', 'task:%')
        .orderBy('id')
        .execute()
    ).map(({ post_key: key, channel, payload }) => ({ task: key.split(':')[1]!, channel, text: JSON.stringify(payload) })),
  );

test('E3 open tasks are listed with lead, step, what to do, since when and whose; the offered phrases finish and skip them', async ({
  world,
}) => {
  const office = await world.office();
  expect((await world.call(office, 'list_tasks', {})).report.title).toBe('No task waits.');
  await calls(world, office);
  const shown = await world.call(office, 'list_tasks', {});
  expect(shown.report.title).toBe('2 tasks wait.');
  expect(rows(shown)[0]).toEqual(['Pat 1', 'Acme', 'Call Pat: Ask about Acme', 'Fall Intro, step 1', 'Mon 2 Mar, 16:59', 'Ada']);
  const context = { lists: ['Leads'], sequences: ['Fall Intro'], focus: {}, today: '2026-03-02' };
  for (const [at, tool] of ['finish_task', 'skip_task'].entries()) {
    const [call] = (understand(shown.report.next![at]!, context) as { calls: { tool: string; input: object }[] }).calls;
    expect(call).toMatchObject({ tool, input: { lead: 'pat1@acme.example' } });
  }
  await world.call(office, 'skip_task', { lead: 'pat1@acme.example' });
  expect(rows(await world.call(office, 'list_tasks', { sequence: 'Fall Intro' })).map(([lead]) => lead)).toEqual(['Pat 2']);
});

test('W3 my tasks are those of my sequences; pages hold each once', async ({ world }) => {
  const office = await world.office();
  await calls(world, office, { people: 25 });
  const mine = (page?: number) => world.call(office, 'list_tasks', { mine: true, ...(page ? { page } : {}) });
  const theirs = await world.call(office, 'list_tasks', { mine: true }, { actor: office.rep });
  expect([theirs.report.title, theirs.report.next]).toEqual(['No task waits for you.', ['list tasks']]);
  const [first, second] = [await mine(), await mine(2)];
  expect([first.report.title, rows(first).length, rows(second).length]).toEqual(['25 tasks wait for you.', 20, 5]);
  expect(new Set([...rows(first), ...rows(second)].map(([lead]) => lead)).size).toBe(25);
  const context = { lists: [], sequences: ['Fall Intro'], focus: {}, today: '2026-03-02' };
  expect(understand(first.report.next!.at(-1)!, context)).toMatchObject({
    calls: [{ tool: 'list_tasks', input: { mine: true, page: 2 } }],
  });
  expect(await mine(3)).toMatchObject({ outcome: 'refused', code: 'no_such_page' });
});

test('W3 whoever is given a sequence is shown its open tasks, once, with buttons; given back, nobody is shown them again', async ({
  world,
}) => {
  const office = await world.office();
  await calls(world, office);
  await calls(world, office, { name: 'Winter', people: 1, list: 'Others' });
  const given = await world.call(office, 'transfer_ownership', { what: 'Fall Intro', to: 'Ray' });
  expect(given.report.notes).toContain('2 open tasks are shown to Ray now.');
  await world.drain();
  const { admin, rep } = office;
  const [one, two, other] = await cards(world, office);
  expect([one!.channel, two!.channel, other!.channel]).toEqual(Array(3).fill(admin.slackUserId));
  const to = async (who: string) => (await cards(world, office)).filter(card => card.channel === who);
  expect((await to(rep.slackUserId)).map(card => card.task)).toEqual([one!.task, two!.task]);
  expect((await to(rep.slackUserId))[0]!.text).toMatch(/finish_task.*skip_task/);
  await world.call(office, 'transfer_ownership', { what: 'Fall Intro', to: 'Ada' });
  await world.drain();
  await world.call(office, 'transfer_ownership', { what: 'Fall Intro', to: 'Ray' });
  await world.drain();
  expect(await cards(world, office)).toHaveLength(5);
  // The old card answers as before: an admin may still close what is open, and only once.
  const press = () => world.call(office, 'finish_task', { lead: 'pat1@acme.example', task: Number(one!.task) });
  expect((await press()).outcome).toBe('done');
  expect(await press()).toMatchObject({ outcome: 'refused', code: 'task_closed' });
});

test('W3 tasks that are open go to the heir of an owner who left; a closed one does not', async ({ world }) => {
  const office = await world.office();
  const id = await calls(world, office);
  await world.in(office, ctx => ctx.tx.updateTable('sequence').set({ owner_id: office.rep.id }).where('id', '=', id).execute());
  await world.call(office, 'skip_task', { lead: 'pat1@acme.example' });
  await world.in(office, async ctx => {
    await ctx.tx.deleteFrom('slack_post').execute();
    await workspaces.deactivate(ctx, office.rep.id);
  });
  await world.drain();
  expect((await cards(world, office)).map(({ channel, text }) => [channel, /Pat 2/.test(text)])).toEqual([
    [office.admin.slackUserId, true],
  ]);
});
