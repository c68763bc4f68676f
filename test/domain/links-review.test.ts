import { sql } from 'kysely';
import { expect } from 'vitest';
import { makeList, makeSequence, settle } from '../support/links.ts';
import { type Office, test, type World } from '../support/world.ts';

const link = async (world: World, office: Office, list: string, sequence: string): Promise<void> => {
  const outcome = await world.call(office, 'link_list', { list, sequence });
  if (outcome.outcome === 'needs_approval') await world.press(office, outcome.approval.id);
  await settle(world);
};

const held = (world: World, office: Office) =>
  world.in(office, async ctx => {
    const { rows } = await sql<{ list: string; state: string }>`
      select l.name as list, e.state from enrollment e join list l on l.id = e.list_id order by e.id`.execute(ctx.tx);
    return rows;
  });

test('K4 an uncontacted lead passes to the list that has been linked longest', async ({ world }) => {
  const office = await world.office();
  const first = await makeList(world, office, 'A', { members: 1 });
  await makeList(world, office, 'B', { leads: first.leads });
  await makeList(world, office, 'C', { leads: first.leads });
  await makeSequence(world, office, 'S');
  await link(world, office, 'A', 'S');
  await world.clock.move({ hours: 1 });
  // C is the younger list, and was linked first.
  await link(world, office, 'C', 'S');
  await world.clock.move({ hours: 1 });
  await link(world, office, 'B', 'S');
  await world.call(office, 'unlink_list', { list: 'A' });
  await settle(world);
  expect(await held(world, office)).toEqual([{ list: 'C', state: 'queued' }]);
});

test('K4 a list that removed the lead does not hold it any more', async ({ world }) => {
  const office = await world.office();
  const first = await makeList(world, office, 'A', { members: 2 });
  const second = await makeList(world, office, 'B', { leads: first.leads });
  await makeSequence(world, office, 'S');
  await makeSequence(world, office, 'Other');
  await link(world, office, 'A', 'S');
  await link(world, office, 'B', 'S');
  await world.in(office, ctx =>
    sql`update membership set removed_at = ${ctx.now} where list_id = ${second.id} and lead_id = ${first.leads[0]!}`.execute(
      ctx.tx,
    ),
  );
  // The card foresees what happens: one stays through B, the other moves.
  const card = await world.call(office, 'link_list', { list: 'A', sequence: 'Other' });
  if (card.outcome !== 'needs_approval') throw new Error(card.outcome);
  expect(card.report.facts?.find(fact => fact.label === 'Enrol')?.value).toContain('1 of 2');
  await world.press(office, card.approval.id);
  await settle(world);
  expect(await held(world, office)).toEqual([
    { list: 'A', state: 'withdrawn' },
    { list: 'B', state: 'queued' },
    { list: 'A', state: 'queued' },
  ]);
});
