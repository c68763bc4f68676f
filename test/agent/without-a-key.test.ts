import { expect } from 'vitest';
import { test, World } from '../support/world.ts';
import { activeSequence, criteria, directoryOf, stored, talk } from './talk.ts';

const tour = 'Find 200 VPs of Sales at German fintechs with 50–500 people, add 20 more every Monday, and put them in Fall Intro';

/** A workspace without a key, whose directory knows `people` matches. */
async function begin(world: World, people = 600) {
  const there = new World(world, { sources: { directory: directoryOf(people) } });
  const office = await there.office();
  const fall = await activeSequence(there, office, 'Fall Intro');
  return { there, office, fall, thread: await talk(there, office) };
}

test('A3 without a key the phrasebook carries several clauses out in order, on the list that it just created', async ({
  world,
}) => {
  const { there, office, fall, thread } = await begin(world);
  const answer = await thread.says(tour);
  expect(answer.calls.map(({ tool, outcome }) => [tool, outcome.outcome])).toEqual([
    ['create_list', 'done'],
    ['set_monitoring', 'done'],
    ['link_list', 'needs_approval'],
  ]);
  expect(answer.text).toBe('Done: 2 things. One more waits for your button.');
  const { lists, turns, threads } = await stored(there, office);
  expect(answer.calls[2]!.input).toMatchObject({ list: lists[0], sequence: 'Fall Intro' });
  expect(turns).toMatchObject([{ model: 'phrasebook', model_calls: 4, input_tokens: 0 }]);
  expect(threads[0]!.focus).toMatchObject({ list: lists[0], sequence: 'Fall Intro', approvals: [answer.approvals[0]!.id] });
  expect(thread.server.requests).toEqual([]);

  await there.press(office, answer.approvals[0]!.id);
  expect((await stored(there, office)).links).toMatchObject([{ sequence_id: fall.id }]);
});

test('A3 "make it 30" and "no, weekly" change the standing order of the same list', async ({ world }) => {
  const { there, office, thread } = await begin(world);
  await thread.says(tour);
  const [name] = (await stored(there, office)).lists;
  expect((await thread.says('make it 30')).calls).toMatchObject([
    { tool: 'set_monitoring', input: { list: name, amount: 30, cadence: 'weekly' }, outcome: { outcome: 'done' } },
  ]);
  expect((await thread.says('no, daily')).calls).toMatchObject([
    { tool: 'set_monitoring', input: { list: name, amount: 30, cadence: 'daily' }, outcome: { outcome: 'done' } },
  ]);
});

test('A3 a correction of what was refused repeats it whole', async ({ world }) => {
  const { there, office, thread } = await begin(world);
  await there.call(office, 'create_list', { name: 'Fintech', criteria });
  const refused = await thread.says('add 5000 to "Fintech" every Monday');
  expect(refused.calls).toMatchObject([{ tool: 'set_monitoring', outcome: { outcome: 'refused' } }]);
  expect((await stored(there, office)).threads[0]!.focus).toMatchObject({ lastRefused: true });
  expect((await thread.says('make it 50')).calls).toMatchObject([
    { tool: 'set_monitoring', input: { list: 'Fintech', amount: 50, cadence: 'weekly' }, outcome: { outcome: 'done' } },
  ]);
  expect((await stored(there, office)).threads[0]!.focus).toMatchObject({ lastRefused: false });
});

test('A3 who looks at something after a refusal has turned to it', async ({ world }) => {
  const { there, office, thread } = await begin(world);
  await there.call(office, 'create_list', { name: 'Fintech', criteria });
  await thread.says('add 5000 to "Fintech" every Monday');
  for (const name of ['Fintech', 'Fall Intro']) await thread.says(`show ${name}`);
  expect((await thread.says('make it 40')).calls).toMatchObject([
    { tool: 'edit_sequence', input: { sequence: 'Fall Intro', dailyCap: 40 } },
  ]);
});

test('A3 what was only shown can be corrected too', async ({ world }) => {
  const { there, office, thread } = await begin(world);
  await there.call(office, 'create_sequence', { name: 'Partner Launch', steps: [{ subject: 'Hi', body: 'Hello' }] });
  await thread.says('show Fall Intro');
  expect((await thread.says('not Fall Intro, Partner Launch')).calls).toMatchObject([
    { tool: 'show_sequence', input: { sequence: 'Partner Launch' }, outcome: { outcome: 'done' } },
  ]);
});

test('help on one thing is help on that alone', async ({ world }) => {
  const { thread } = await begin(world);
  const about = async (asked: string) => {
    const [call] = (await thread.says(asked)).calls;
    return (call!.outcome as { result: { topics: { name: string }[] } }).result.topics.map(({ name }) => name);
  };
  expect(await about('could you tell me how to link a list?')).toEqual(['link_list']);
  expect(await about('help with linking')).toEqual(['preflight_link', 'link_list']);
  expect((await about('help')).length).toBeGreaterThan(30);
});

test('L2 a shortage is asked about; yes saves, and does what the prompt asked for after it', async ({ world }) => {
  const { there, office, thread } = await begin(world, 40);
  const asked = await thread.says(tour);
  expect(asked.calls).toMatchObject([{ tool: 'create_list', outcome: { outcome: 'refused', code: 'confirm_first' } }]);
  expect(asked.text).toMatch(/yes or no/);
  expect((await stored(there, office)).lists).toEqual([]);

  const answer = await thread.says('yes');
  expect(answer.calls.map(({ tool, outcome }) => [tool, outcome.outcome])).toEqual([
    ['create_list', 'done'],
    ['set_monitoring', 'done'],
    ['link_list', 'needs_approval'],
  ]);
  expect((await thread.says('yes')).calls).toEqual([]);
});

test('L2 no to the question saves nothing, and the question is gone', async ({ world }) => {
  const { there, office, thread } = await begin(world, 40);
  await thread.says(tour);
  expect((await thread.says('no')).calls).toEqual([]);
  expect((await thread.says('yes')).calls).toEqual([]);
  expect((await stored(there, office)).lists).toEqual([]);
});

test('A3 a refusal ends the prompt, and the answer counts what was left', async ({ world }) => {
  const { there, office, thread } = await begin(world);
  const launch = await activeSequence(there, office, 'Partner Launch');
  await there.in(office, ctx => ctx.tx.updateTable('sequence').set({ status: 'setup' }).where('id', '=', launch.id).execute());
  await there.call(office, 'create_list', { name: 'Fintech', criteria });
  const answer = await thread.says('link "Fintech" to Partner Launch and add 20 to it every Monday');
  expect(answer.calls.map(({ outcome }) => outcome.outcome)).toEqual(['refused']);
  expect(answer.text).toBe('I stopped there: 1 more step of your message is not done.');
  expect((await stored(there, office)).links).toEqual([]);
});

test('A3 the phrasebook says what it is', async ({ world }) => {
  const { thread } = await begin(world);
  for (const question of ['who are you?', 'What are you', 'are you an AI?', 'Are you a human'])
    expect(await thread.says(question)).toMatchObject({ calls: [], text: expect.stringContaining('phrasebook') });
});

test('A8 a prompt that broke off after its first call goes on with the second', async ({ world }) => {
  const { there, office } = await begin(world);
  const killed = new AbortController();
  const source = directoryOf(600);
  const dying = new World(there, {
    sources: {
      directory: {
        ...source,
        preview: async (...asked) => {
          killed.abort(new Error('the worker is gone'));
          return source.preview(...asked);
        },
      },
    },
  });
  const thread = await talk(dying, office);
  await expect(thread.says(tour, { signal: killed.signal })).rejects.toThrow('called off');
  expect((await stored(there, office)).calls).toMatchObject([{ tool: 'create_list', outcome: 'done' }]);
  const answer = await thread.again({ signal: new AbortController().signal });
  expect(answer.calls.map(({ tool, outcome }) => [tool, outcome.outcome])).toEqual([
    ['create_list', 'done'],
    ['set_monitoring', 'done'],
    ['link_list', 'needs_approval'],
  ]);
  expect((await stored(there, office)).lists).toHaveLength(1);
});
