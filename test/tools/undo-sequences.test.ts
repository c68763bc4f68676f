import { expect } from 'vitest';
import type { Outcome } from '../../src/tools/run.ts';
import { enrol, enrollmentOf, makeSender, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const undo = (world: World, office: Office) => world.call(office, 'undo', {});
const edit = (world: World, office: Office, changes: object) =>
  world.call(office, 'edit_sequence', { sequence: 'Fall Intro', ...changes });

/** Presses the button of a card. */
async function approve(world: World, office: Office, asked: Outcome): Promise<Outcome> {
  if (asked.outcome !== 'needs_approval') throw new Error(`not gated: ${JSON.stringify(asked)}`);
  const pressed = await world.press(office, asked.approval.id);
  if (pressed.outcome !== 'approved') throw new Error(JSON.stringify(pressed));
  return pressed.did;
}

const versionsOf = async (world: World, office: Office, ids: number[]): Promise<number[]> =>
  Promise.all(ids.map(async id => (await enrollmentOf(world, office, id)).version));

const oneStep = (body: string) => ({ steps: [{ subject: 'New', body }] });

/** A message of an enrollment's present version that has left just now. */
const send = (world: World, office: Office, enrollmentId: number) =>
  world.in(office, async ctx => {
    const run = await ctx.tx.selectFrom('enrollment').selectAll().where('id', '=', enrollmentId).executeTakeFirstOrThrow();
    const { sender_id } = await ctx.tx.selectFrom('sequence_sender').select('sender_id').executeTakeFirstOrThrow();
    const { workspace_id, sequence_id, lead_id, version } = run;
    const at = { planned_on: '2026-03-02', planned_at: ctx.now, handing_at: ctx.now, ended_at: ctx.now };
    await ctx.tx
      .insertInto('message')
      .values({
        ...{ workspace_id, sequence_id, lead_id, version, sender_id, enrollment_id: enrollmentId, position: 1 },
        ...{ first_contact: true, state: 'sent', ...at },
      })
      .execute();
  });

test('A6 S7 people whom an edit moved to the newest steps have their own again, after a button; who came with those keeps them', async ({
  world,
}) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  const early = await enrol(world, office, id, 2);
  await edit(world, office, oneStep('Second'));
  const native = await enrol(world, office, id, 1);
  await approve(world, office, await edit(world, office, { moveUnsent: true }));
  expect(await versionsOf(world, office, [...early, ...native])).toEqual([2, 2, 2]);
  const undone = await approve(world, office, await undo(world, office));
  expect(undone.report.title).toBe('Undone: of "Fall Intro", 2 people have the older steps again that they had.');
  expect(await versionsOf(world, office, [...early, ...native])).toEqual([1, 1, 2]);
});

test('A6 S7 people whom new steps took from older ones have those again, and not the ones in between', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  const [first] = await enrol(world, office, id, 1);
  await edit(world, office, oneStep('Second'));
  const [second] = await enrol(world, office, id, 1);
  await approve(world, office, await edit(world, office, { ...oneStep('Third'), moveUnsent: true }));
  expect(await versionsOf(world, office, [first!, second!])).toEqual([3, 3]);
  const undone = await approve(world, office, await undo(world, office));
  expect(undone.report.title).toContain('the steps are the ones before, 1 person has the older steps again');
  await world.drain();
  expect(await versionsOf(world, office, [first!, second!])).toEqual([1, 4]);
});

test('A6 a move is not taken back once one of the moved got something', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  const [first, second] = await enrol(world, office, id, 2);
  await edit(world, office, oneStep('Second'));
  const [native] = await enrol(world, office, id, 1);
  await approve(world, office, await edit(world, office, { moveUnsent: true }));
  await send(world, office, native!);
  expect((await undo(world, office)).outcome).toBe('needs_approval');
  await send(world, office, first!);
  const refused = await approve(world, office, await undo(world, office));
  expect(refused).toMatchObject({ outcome: 'refused', code: 'has_left', message: expect.stringMatching(/^1 person has been/) });
  expect(await versionsOf(world, office, [first!, second!])).toEqual([2, 2]);
});

test('A6 a move of more people than are remembered is refused, and the answer says what to do', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  const [first] = await enrol(world, office, id, 2_000);
  await edit(world, office, oneStep('Second'));
  await approve(world, office, await edit(world, office, { moveUnsent: true }));
  const refused = await approve(world, office, await undo(world, office));
  expect(refused).toMatchObject({ code: 'too_many_moved', next: ['pause "Fall Intro"', 'show sequence "Fall Intro"'] });
  expect(await versionsOf(world, office, [first!])).toEqual([2]);
});

test('A6 undoing an edit names each thing that is as it was, and nothing else', async ({ world }) => {
  const office = await world.office();
  await makeSequence(world, office);
  await makeSender(world, office, { address: 'bea@drover.example' });
  const said = async (changes: object) => {
    await edit(world, office, changes);
    const asked = await undo(world, office);
    return (asked.outcome === 'needs_approval' ? await approve(world, office, asked) : asked).report.title;
  };
  expect(await said({ holidays: { country: 'DE', addDates: ['2026-12-24'] } })).toMatch(/, the holidays are none again\.$/);
  expect(await said({ senders: ['bea@drover.example'] })).toMatch(/", it leaves from fall-intro@drover\.example again\.$/);
  expect(await said({ sendFrom: '10:00' })).toMatch(/", it sends Mon–Fri, 09:00–17:00 again\.$/);
  await world.call(office, 'pause_sequence', { sequence: 'Fall Intro' });
  expect(await said({ zone: 'Europe/Berlin' })).toMatch(/", the zone is Europe\/London again\.$/);
  expect(await said({ dailyCap: 10, name: 'Fall' })).toMatch(
    /^Undone: of "Fall Intro", "Fall" is called "Fall Intro" again, the daily cap is 20 again\.$/,
  );
});

test('A1 A6 S4 taking an added holiday back opens a day of a running sequence, so it waits for a button as the edit would', async ({
  world,
}) => {
  const office = await world.office();
  await makeSequence(world, office);
  await edit(world, office, { holidays: { addDates: ['2026-12-24'] } });
  const asked = await undo(world, office);
  expect(asked.outcome).toBe('needs_approval');
  expect((await approve(world, office, asked)).report.title).toContain('the holidays are none again');
  await edit(world, office, { holidays: { addDates: ['2026-12-24'] } });
  await approve(world, office, await edit(world, office, { holidays: { removeDates: ['2026-12-24'] } }));
  expect((await undo(world, office)).report.title).toContain('the holidays are Thu 24 Dec again');
});
