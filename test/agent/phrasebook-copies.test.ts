import { expect } from 'vitest';
import { test, World } from '../support/world.ts';
import { activeSequence, criteria, directoryOf, talk } from './talk.ts';

/** What a prompt makes and then works on is what was made: names are code's, and known only when the call has run (A3). */

async function begin(world: World, people = 600) {
  const there = new World(world, { sources: { directory: directoryOf(people) } });
  const office = await there.office();
  await activeSequence(there, office, 'Fall Intro');
  const thread = await talk(there, office);
  const sequences = () =>
    there.in(office, ctx => ctx.tx.selectFrom('sequence').select(['name', 'status', 'daily_cap']).orderBy('id').execute());
  return { there, office, thread, sequences };
}

test('A3 what is done with a copy is done with the copy, and the running original stays as it is', async ({ world }) => {
  const { thread, sequences } = await begin(world);
  const [before] = await sequences();
  const answer = await thread.says('duplicate Fall Intro, then set the daily cap of it to 7 and pause it');
  const [original, copy] = await sequences();
  expect(original).toEqual(before);
  expect(copy).toMatchObject({ daily_cap: 7, status: 'setup' });
  expect(answer.calls.map(({ tool, input }) => [tool, (input as { sequence: string }).sequence])).toEqual([
    ['duplicate_sequence', 'Fall Intro'],
    ['edit_sequence', copy!.name],
    ['pause_sequence', copy!.name],
  ]);
  await thread.says('duplicate Fall Intro and call it Winter Intro');
  expect((await sequences()).map(({ name }) => name)).toEqual(['Fall Intro', copy!.name, 'Winter Intro']);
});

test('A3 lists that are made of others are worked on by the names that code gave them', async ({ world }) => {
  const { there, office, thread } = await begin(world);
  for (const name of ['One', 'Two']) await there.call(office, 'create_list', { name, criteria, count: 5 });
  await there.drain();
  const { calls } = await thread.says('merge One and Two and give it to Ray');
  expect(calls.map(({ tool, outcome }) => [tool, outcome.outcome])).toEqual([
    ['combine_lists', 'done'],
    ['transfer_ownership', 'done'],
  ]);
  expect(calls[1]!.input).toEqual({ what: 'One + Two', to: 'Ray' });
});

test('A3 of several that a prompt makes, each is worked on by its own name', async ({ world }) => {
  const { thread } = await begin(world);
  const answer = await thread.says(
    'find 20 VPs of Sales in Germany called Uno and find 30 VPs of Sales in Berlin called Due, add 5 a week to Uno and add 6 a week to Due',
  );
  expect(
    answer.calls.map(({ tool, input }) => [tool, (input as { list?: string }).list, (input as { amount?: number }).amount]),
  ).toEqual([
    ['create_list', undefined, undefined],
    ['create_list', undefined, undefined],
    ['set_monitoring', 'Uno', 5],
    ['set_monitoring', 'Due', 6],
  ]);
});

test('L2 a yes to the second of two goes on with what was said of either', async ({ world }) => {
  const { thread } = await begin(world, 40);
  const asked = await thread.says(
    'find 10 VPs of Sales in Germany called Uno and find 200 VPs of Sales in Berlin called Due, add 5 a week to Uno and add 6 a week to Due',
  );
  expect(asked.calls.map(({ outcome }) => outcome.outcome)).toEqual(['done', 'refused']);
  const answer = await thread.says('yes');
  expect(answer.calls.map(({ tool, input }) => [tool, (input as { list?: string }).list])).toEqual([
    ['create_list', undefined],
    ['set_monitoring', 'Uno'],
    ['set_monitoring', 'Due'],
  ]);
});
