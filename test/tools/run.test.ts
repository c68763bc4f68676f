import { sql } from 'kysely';
import { expect } from 'vitest';
import * as approvals from '../../src/domain/approvals/index.ts';
import { catalogue } from '../../src/tools/catalogue.ts';
import type { Outcome } from '../../src/tools/run.ts';
import { makeList, makeSequence } from '../support/links.ts';
import { type Office, test, type World } from '../support/world.ts';

/** A list of `people` and an active autopilot sequence: linking them is gated above 25 people (A1). */
async function stage(world: World, people: number) {
  const office = await world.office();
  const sequence = await makeSequence(world, office, 'Fall');
  const list = await makeList(world, office, 'Fintech', { members: people });
  return { office, sequence, list };
}

const link = (world: World, office: Office, how = {}) =>
  world.call(office, 'link_list', { list: 'Fintech', sequence: 'Fall' }, how);
/** Puts further people, from a list of their own, on a list. */
async function addPeople(world: World, office: Office, listId: number, people: number): Promise<void> {
  const { leads } = await makeList(world, office, 'Late', { members: people });
  await world.in(office, ctx =>
    sql`insert into membership (list_id, lead_id, workspace_id, source, added_at)
      select ${listId}, lead_id, ${office.id}, 'directory', ${ctx.now} from unnest(${leads}::bigint[]) lead_id`.execute(ctx.tx),
  );
}

const cardOf = (outcome: Outcome): number => {
  if (outcome.outcome !== 'needs_approval') throw new Error(`not gated: ${JSON.stringify(outcome)}`);
  return outcome.approval.id;
};
const links = (world: World, office: Office) =>
  world.in(office, ctx => ctx.tx.selectFrom('link').select(['id', 'ended_at']).where('ended_at', 'is', null).execute());

test('A1 a read only reads, a write runs at once, a gated call waits for a button, a human one is not for the model', async ({
  world,
}) => {
  const { office } = await stage(world, 30);
  expect(await world.call(office, 'show_list', { list: 'Fintech' })).toMatchObject({ outcome: 'done', effect: 'read' });
  expect(await world.call(office, 'exclude', { domain: 'other.example' })).toMatchObject({ outcome: 'done', effect: 'write' });
  const gated = await link(world, office);
  expect(gated).toMatchObject({ outcome: 'needs_approval', effect: 'gated' });
  expect(await links(world, office)).toEqual([]);
  const human = await world.call(office, 'set_autopilot', { sequence: 'Fall', on: false }, { door: 'model' });
  expect(human).toMatchObject({ outcome: 'refused', code: 'human_only' });
});

test('A1 the effect follows from the plan: 25 people link at once, 26 wait', async ({ world }) => {
  const { office } = await stage(world, 25);
  expect((await link(world, office)).outcome).toBe('done');
  await makeList(world, office, 'More', { members: 26 });
  expect((await world.call(office, 'link_list', { list: 'More', sequence: 'Fall' })).outcome).toBe('needs_approval');
});

test('A1 every tool says what it takes and how it is asked for', () => {
  for (const tool of catalogue) {
    expect(tool.description.length, tool.name).toBeGreaterThan(20);
    expect(tool.examples.length, tool.name).toBeGreaterThanOrEqual(3);
  }
});

test('A2 the press runs exactly what the card showed, once', async ({ world }) => {
  const { office } = await stage(world, 30);
  const id = cardOf(await link(world, office));
  const [first, second] = await Promise.all([world.press(office, id), world.press(office, id)]);
  expect([first.outcome, second.outcome].sort()).toEqual(['approved', 'refused']);
  expect(await links(world, office)).toHaveLength(1);
  expect(await world.press(office, id)).toMatchObject({ outcome: 'refused', code: 'already_approved' });
});

test('A2 a status that changed since shows a fresh card or a refusal, and nothing runs', async ({ world }) => {
  const { office, sequence } = await stage(world, 30);
  const id = cardOf(await link(world, office));
  await world.in(office, ctx => ctx.tx.updateTable('sequence').set({ mode: 'copilot' }).where('id', '=', sequence.id).execute());
  expect((await world.press(office, id)).outcome).toBe('replaced');
  expect(await links(world, office)).toEqual([]);
  await world.in(office, ctx =>
    ctx.tx.updateTable('sequence').set({ status: 'inactive' }).where('id', '=', sequence.id).execute(),
  );
  const again = cardOf2(
    await world.in(office, ctx => ctx.tx.selectFrom('approval').select('id').where('status', '=', 'pending').execute()),
  );
  expect(await world.press(office, again)).toMatchObject({ outcome: 'refused', code: 'sequence_not_active' });
  expect(await links(world, office)).toEqual([]);
});
const cardOf2 = (rows: { id: number }[]): number => rows[0]!.id;

test('A2 up to 10 more people than shown still run, 11 do not; fewer are reported', async ({ world }) => {
  const { office, list } = await stage(world, 30);
  const id = cardOf(await link(world, office));
  await addPeople(world, office, list.id, 11);
  const replaced = await world.press(office, id);
  expect(replaced.outcome).toBe('replaced');
  const fresh = replaced.outcome === 'replaced' ? cardOf(replaced.fresh) : 0;
  await world.call(office, 'exclude', { address: 'late1@company-1.example' });
  const approved = await world.press(office, fresh);
  expect(approved.outcome).toBe('approved');
  expect(approved.outcome === 'approved' && approved.did.report.notes).toContain('1 fewer people than the card showed.');
});

test('A2 a card older than a day shows a fresh one, and a newer card replaces an older', async ({ world }) => {
  const { office } = await stage(world, 30);
  const first = cardOf(await link(world, office));
  const second = cardOf(await link(world, office));
  expect(await world.press(office, first)).toMatchObject({ outcome: 'refused', code: 'already_superseded' });
  await world.clock.move({ hours: 24 });
  expect(await world.press(office, second)).toMatchObject({ outcome: 'replaced', why: 'expired' });
  expect(await links(world, office)).toEqual([]);
});

test('A2 the presser needs the right, to approve and to cancel', async ({ world }) => {
  const { office } = await stage(world, 30);
  const id = cardOf(await link(world, office));
  expect(await world.press(office, id, 'approve', office.rep)).toMatchObject({ outcome: 'refused', code: 'not_yours' });
  expect(await world.press(office, id, 'cancel', office.rep)).toMatchObject({ outcome: 'refused', code: 'not_yours' });
  expect((await world.press(office, id, 'cancel')).outcome).toBe('cancelled');
  expect(await world.press(office, id)).toMatchObject({ outcome: 'refused', code: 'already_cancelled' });
});

test('A2 reach may grow by ten people or by a tenth', () => {
  expect([0, 50, 100, 200, 1000].map(approvals.mayReach)).toEqual([10, 60, 110, 220, 1100]);
});

test('A5 prompt, plan, approval and effect are one trail by ids, and it is append-only', async ({ world }) => {
  const { office } = await stage(world, 30);
  const id = cardOf(await link(world, office));
  await world.press(office, id);
  const trail = await world.in(office, ctx =>
    ctx.tx
      .selectFrom('activity')
      .select(['action', 'outcome', 'approval_id', 'objects'])
      .where('action', '=', 'link_list')
      .orderBy('id')
      .execute(),
  );
  expect(trail.map(entry => [entry.outcome, entry.approval_id])).toEqual([
    ['needs_approval', id],
    ['done', id],
  ]);
  expect(trail[1]!.objects).toEqual(trail[0]!.objects);
  const change = (statement: ReturnType<typeof sql>) => world.in(office, ctx => statement.execute(ctx.tx));
  await expect(change(sql`update activity set outcome = 'x'`)).rejects.toThrow();
  await expect(change(sql`delete from activity`)).rejects.toThrow();
  await expect(sql`delete from activity`.execute(world.services.db)).rejects.toThrow(/append-only/);
});

test('A8 a call is stored under its turn in the transaction of its write, and replayed, not repeated', async ({ world }) => {
  const { office } = await stage(world, 1);
  const turnId = await world.in(office, async ctx => {
    const thread = await ctx.tx
      .insertInto('thread')
      .values({ workspace_id: office.id, surface: 'cli', channel: 'cli', root: '1', created_at: ctx.now })
      .returning('id')
      .executeTakeFirstOrThrow();
    const turn = await ctx.tx
      .insertInto('turn')
      .values({
        workspace_id: office.id,
        thread_id: thread.id,
        member_id: office.admin.id,
        inbox_id: 1,
        prompt: 'x',
        status: 'running',
        started_at: ctx.now,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    return turn.id;
  });
  const call = () =>
    world.call(office, 'exclude', { domain: 'rival.example' }, { door: 'model', turn: { id: turnId, ordinal: 1, callId: 'c1' } });
  const [first, again] = [await call(), await call()];
  expect(again).toEqual(first);
  const activity = await world.in(office, ctx =>
    ctx.tx.selectFrom('activity').select('id').where('action', '=', 'exclude').execute(),
  );
  expect(activity).toHaveLength(1);
});

test.for([
  ['an unknown tool', 'fly', {}, 'unknown_tool'],
  ['input of another shape', 'link_list', { list: 3 }, 'bad_input'],
  ['an unknown list', 'show_list', { list: 'Fintecc' }, 'unknown_list'],
  ['an unknown sequence', 'show_sequence', { sequence: 'Fal' }, 'unknown_sequence'],
] as const)('%s gets one sentence that says what to do', async ([, tool, input, code], { world }) => {
  const { office } = await stage(world, 1);
  const refused = await world.call(office, tool, input);
  expect(refused).toMatchObject({ outcome: 'refused', code });
  expect(refused.report.next?.length ?? 0).toBeGreaterThan(0);
});
