import { sql } from 'kysely';
import { expect } from 'vitest';
import * as messages from '../../src/domain/messages/index.ts';
import * as sequences from '../../src/domain/sequences/index.ts';
import * as life from '../../src/domain/sequences/life.ts';
import { restore, snapshot } from '../../src/domain/sequences/restore.ts';
import { isRefusal } from '../../src/errors.ts';
import { byState, enrol, enrollmentOf, ledger, mailThrough, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const row = (world: World, office: Office, id: number) => world.in(office, ctx => sequences.lock(ctx, id));

test('E2 next_day_at is the start of the next local day while it is active, and null otherwise', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office, { zone: 'America/New_York', active: false });
  expect((await row(world, office, id)).next_day_at).toBeNull();
  await world.in(office, ctx => sequences.activate(ctx, id));
  expect((await row(world, office, id)).next_day_at?.toString()).toBe('2026-03-03T05:00:00Z');
  await world.clock.set(Temporal.Instant.from('2026-03-08T05:00:00Z'));
  await world.in(office, ctx => sequences.beginDay(ctx, id));
  expect((await row(world, office, id)).next_day_at?.toString()).toBe('2026-03-09T04:00:00Z');
  await world.in(office, ctx => sequences.pause(ctx, id));
  expect((await row(world, office, id)).next_day_at).toBeNull();
});

test('S1 a finishing sequence becomes inactive by itself when its last live enrollment ends', async ({ world }) => {
  const office = await world.office();
  mailThrough(world);
  const id = await makeSequence(world, office, { steps: 1, dailyCap: 1 });
  await enrol(world, office, id, 2);
  await world.in(office, ctx => ctx.tx.updateTable('sequence').set({ status: 'finishing' }).execute());
  expect(await world.in(office, ctx => sequences.settle(ctx, id))).toBe(false);
  for (const status of ['finishing', 'inactive']) {
    await world.in(office, ctx => messages.planDay(ctx, id));
    await world.clock.set((await ledger(world, office)).at(-1)!.planned_at);
    await messages.sendDue(world.services, office.id);
    expect((await row(world, office, id)).status).toBe(status);
    await world.clock.move({ hours: 24 });
  }
  expect(await byState(world, office)).toEqual({ sent: 2 });
});

test('S1 pausing takes today off the plan, and nothing leaves until it is resumed', async ({ world }) => {
  const office = await world.office();
  mailThrough(world);
  const id = await makeSequence(world, office);
  await enrol(world, office, id, 8);
  await world.in(office, ctx => messages.planDay(ctx, id));
  expect(await world.in(office, ctx => sequences.pause(ctx, id))).toEqual({ unplanned: 8 });
  await world.drain();
  await world.clock.set(Temporal.Instant.from('2026-03-02T16:00:00Z'));
  expect(await messages.sendDue(world.services, office.id)).toEqual({ handedOver: 0, refused: 0 });
  expect(await ledger(world, office)).toEqual([]);
  expect(isRefusal(await world.in(office, ctx => sequences.pause(ctx, id)))).toBe(true);
  await world.in(office, ctx => sequences.resume(ctx, id, 'all'));
  await world.drain();
  expect(await byState(world, office)).toEqual({ planned: 8 });
});

test('S7 new steps make a new version; people in it keep theirs unless moved, and both are counted', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  const [waiting] = await enrol(world, office, id, 1);
  const [inFlight] = await enrol(world, office, id, 1, { dueOn: '2026-03-04' });
  const steps = [{ subject: 'New', body: 'New' }];
  const edited = await world.in(office, ctx => sequences.edit(ctx, id, { steps }));
  expect(edited).toEqual({ replanned: 0, moved: 0, keptOlder: 2 });
  expect((await row(world, office, id)).version).toBe(2);
  expect((await enrollmentOf(world, office, waiting!)).version).toBe(1);
  const moved = await world.in(office, ctx => sequences.edit(ctx, id, { moveUnsent: true }));
  // The new version has one step, and the one in flight is past it.
  expect(moved).toEqual({ replanned: 0, moved: 1, keptOlder: 1 });
  expect((await enrollmentOf(world, office, waiting!)).version).toBe(2);
  expect((await enrollmentOf(world, office, inFlight!)).version).toBe(1);
});

/** How many people are in each state or at each version. */
const people = (world: World, office: Office, by: 'state' | 'version') =>
  world.in(office, async ctx => {
    const { rows } = await sql<{ is: string; n: number }>`
      select ${sql.ref(by)}::text as is, count(*)::int as n from enrollment group by 1 order by 1`.execute(ctx.tx);
    return Object.fromEntries(rows.map(row => [row.is, row.n]));
  });

test('S7 more people than one transaction takes are moved in the background, whoever is due first at once', async ({ world }) => {
  const office = await world.office();
  mailThrough(world);
  const id = await makeSequence(world, office);
  await enrol(world, office, id, 2_200);
  const [due] = await enrol(world, office, id, 1, { dueOn: '2026-03-02' });
  const steps = ['One', 'Two', 'Three'].map(body => ({ subject: `New ${body}`, body }));
  const edited = await world.in(office, ctx => sequences.edit(ctx, id, { steps, moveUnsent: true }));
  expect(edited).toMatchObject({ moved: 2_201, keptOlder: 0 });
  expect(await people(world, office, 'version')).toEqual({ 1: 201, 2: 2_000 });
  expect((await enrollmentOf(world, office, due!)).version).toBe(2);
  // A later edit that moves nobody, and a stop on the way, leave what was asked for as it was.
  await world.in(office, ctx => sequences.edit(ctx, id, { steps }));
  await world.drain();
  expect(await people(world, office, 'version')).toEqual({ 2: 2_201 });
  const planned = await world.in(office, ctx => ctx.tx.selectFrom('message').select('version').distinct().execute());
  expect(planned).toEqual([{ version: 2 }]);
});

test('S7 A6 an edit that is undone while people still move ends with everybody at the steps before', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  await enrol(world, office, id, 2_200);
  const before = await world.in(office, ctx => snapshot(ctx, id));
  await world.in(office, ctx => sequences.edit(ctx, id, { steps: [{ subject: 'New', body: 'New' }], moveUnsent: true }));
  await world.clock.move({ seconds: 1 });
  await world.in(office, ctx => restore(ctx, id, before));
  await world.drain();
  // Version 3 says what version 1 said.
  expect(await people(world, office, 'version')).toEqual({ 3: 2_200 });
});

test('S9 more stale people than one transaction takes end in the background, and nothing is planned before the last has', async ({
  world,
}) => {
  const office = await world.office();
  mailThrough(world);
  const id = await makeSequence(world, office);
  await enrol(world, office, id, 2_200, { dueOn: '2026-01-20', contactedDaysAgo: 40 });
  await enrol(world, office, id, 4, { dueOn: '2026-02-27', contactedDaysAgo: 3 });
  await world.in(office, ctx => sequences.pause(ctx, id));
  expect(await world.in(office, ctx => sequences.resume(ctx, id, 'end_stale'))).toEqual({ ended: 2_200 });
  expect((await row(world, office, id)).status).toBe('inactive');
  expect(await people(world, office, 'state')).toEqual({ active: 204, stopped: 2_000 });
  await world.drain();
  expect((await row(world, office, id)).status).toBe('active');
  expect(await people(world, office, 'state')).toEqual({ active: 4, stopped: 2_200 });
  expect(await byState(world, office)).toEqual({ planned: 4 });
});

test('S9 a sequence that is archived while its stale people end stays archived', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  await enrol(world, office, id, 2_200, { dueOn: '2026-01-20', contactedDaysAgo: 40 });
  await world.in(office, ctx => sequences.pause(ctx, id));
  await world.in(office, ctx => sequences.resume(ctx, id, 'end_stale'));
  await world.in(office, ctx => life.archive(ctx, id));
  await world.drain();
  expect((await row(world, office, id)).status).toBe('archived');
  expect(await people(world, office, 'state')).toEqual({ stopped: 2_200 });
});

test('S4 a changed cap or window moves only unsent messages, and the answer counts them', async ({ world }) => {
  const office = await world.office();
  mailThrough(world);
  const id = await makeSequence(world, office);
  await enrol(world, office, id, 20);
  await world.in(office, ctx => messages.planDay(ctx, id));
  const [first] = await ledger(world, office);
  await world.clock.set(first!.planned_at);
  await messages.sendDue(world.services, office.id);
  const sequence = await row(world, office, id);
  const window = { ...sequences.windowOf(sequence), from: '14:00', until: '15:00' };
  expect(await world.in(office, ctx => sequences.edit(ctx, id, { window }))).toMatchObject({ replanned: 19 });
  await world.drain();
  const rows = await ledger(world, office);
  expect(rows[0]).toMatchObject({ state: 'sent', planned_at: first!.planned_at });
  const planned = rows.filter(message => message.state === 'planned');
  expect(planned).toHaveLength(10);
  for (const { planned_at } of planned) expect(planned_at.toZonedDateTimeISO('Europe/London').hour).toBe(14);
});

test('S9 resuming ends stale runs or goes on with all, under the cap and without a burst', async ({ world }) => {
  const office = await world.office();
  mailThrough(world);
  const id = await makeSequence(world, office, { dailyCap: 6 });
  await enrol(world, office, id, 4, { dueOn: '2026-02-27', contactedDaysAgo: 3 });
  await enrol(world, office, id, 5, { dueOn: '2026-02-20', contactedDaysAgo: 12 });
  const stale = await enrol(world, office, id, 3, { dueOn: '2026-01-20', contactedDaysAgo: 40 });
  await world.in(office, ctx => sequences.pause(ctx, id));
  const seen = await world.in(office, async ctx => sequences.awaiting(ctx, await sequences.lock(ctx, id)));
  expect(seen).toMatchObject({
    overdue: { upTo7: 4, upTo21: 5, older: 3, total: 12 },
    usual: 'end_stale',
    drainsOn: { all: '2026-03-04', end_stale: '2026-03-04' },
  });
  expect(await world.in(office, ctx => sequences.resume(ctx, id, 'end_stale'))).toEqual({ ended: 3 });
  expect(await enrollmentOf(world, office, stale[0]!)).toMatchObject({ state: 'stopped', reason: 'stale' });
  await world.drain();
  const rows = await ledger(world, office);
  expect(rows).toHaveLength(6);
  for (const { planned_at } of rows) expect(Temporal.Instant.compare(planned_at, world.now)).toBeGreaterThanOrEqual(0);
});
