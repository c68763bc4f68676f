import { expect } from 'vitest';
import * as pauses from '../../src/domain/enrollments/pauses.ts';
import * as messages from '../../src/domain/messages/index.ts';
import { type Day, type NewLead, plan as planOf } from '../../src/domain/messages/planner.ts';
import { byState, enrol, enrollmentOf, ledger, mailServer, mailThrough, makeSender, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const plan = (world: World, office: Office, id: number) => world.in(office, ctx => messages.planDay(ctx, id));
const send = (world: World, office: Office) => messages.sendDue(world.services, office.id);
const at = (text: string) => Temporal.Instant.from(text);

test('S10 at most two people of one company get their first message on one day, over the whole workspace', async ({ world }) => {
  const office = await world.office();
  const fall = await makeSequence(world, office, { name: 'Fall' });
  const winter = await makeSequence(world, office, { name: 'Winter' });
  await enrol(world, office, fall, 5, { list: 'A', company: 'big.example' });
  await enrol(world, office, fall, 3, { list: 'B' });
  await enrol(world, office, winter, 5, { list: 'C', company: 'big.example' });
  // Sequences without a common sender are planned apart, and still count each other's.
  expect(await plan(world, office, fall)).toEqual({ planned: 5 });
  expect(await plan(world, office, winter)).toEqual({ planned: 0 });
  expect(await plan(world, office, fall)).toEqual({ planned: 0 });
  await world.clock.set(at('2026-03-03T08:00:00Z'));
  expect(await plan(world, office, winter)).toEqual({ planned: 2 });
});

test('S10 colleagues who stand in line one behind another do not keep others from being contacted', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office, { dailyCap: 6 });
  await enrol(world, office, id, 12, { list: 'A', company: 'big.example' });
  await enrol(world, office, id, 9, { list: 'A', company: 'wide.example' });
  const last = await enrol(world, office, id, 3, { list: 'A' });
  expect(await plan(world, office, id)).toEqual({ planned: 6 });
  const planned = (await ledger(world, office)).map(row => row.enrollment_id);
  expect(planned.filter(one => last.includes(one))).toHaveLength(2);
});

test('S10 follow-ups are not first messages: they leave whatever the company', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  await enrol(world, office, id, 5, { company: 'big.example', dueOn: '2026-03-02' });
  expect(await plan(world, office, id)).toEqual({ planned: 5 });
});

test('S10 D2 the claim counts again: a setting that was lowered after planning holds the second one', async ({ world }) => {
  const office = await world.office();
  const server = mailServer();
  mailThrough(world, server.transport);
  const senderIds = [await makeSender(world, office, { minGapMinutes: 0 })];
  const id = await makeSequence(world, office, { senderIds });
  await enrol(world, office, id, 2, { company: 'big.example' });
  await plan(world, office, id);
  expect(await world.call(office, 'set_workspace', { companyFirstsPerDay: 1 })).toMatchObject({
    outcome: 'done',
    result: { settings: { companyFirstsPerDay: 1 } },
  });
  await world.clock.set(at('2026-03-02T16:59:00Z'));
  expect(await send(world, office)).toEqual({ handedOver: 1, refused: 0 });
  expect((await ledger(world, office)).find(row => row.state === 'held')).toMatchObject({ reason: 'company_limit' });
  await world.clock.set(at('2026-03-03T08:00:00Z'));
  expect(await plan(world, office, id)).toEqual({ planned: 1 });
});

test('S10 a human reply pauses the colleagues for the days of the workspace, and then they go on', async ({ world }) => {
  const office = await world.office();
  mailThrough(world, mailServer().transport);
  const fall = await makeSequence(world, office, { name: 'Fall' });
  const winter = await makeSequence(world, office, { name: 'Winter' });
  const [replier, active] = await enrol(world, office, fall, 2, { list: 'A', company: 'big.example', dueOn: '2026-03-02' });
  const [queued] = await enrol(world, office, winter, 1, { list: 'B', company: 'big.example' });
  const [other] = await enrol(world, office, winter, 1, { list: 'B' });
  await plan(world, office, fall);
  await plan(world, office, winter);
  expect(await byState(world, office)).toEqual({ planned: 4 });
  expect(await world.in(office, ctx => pauses.replied(ctx, replier!))).toEqual({ paused: 2 });
  for (const id of [active!, queued!])
    expect(await enrollmentOf(world, office, id)).toMatchObject({
      state: 'paused',
      reason: 'colleague_replied',
      paused_until: '2026-03-16',
    });
  expect(await enrollmentOf(world, office, replier!)).toMatchObject({ state: 'replied' });
  expect((await ledger(world, office)).map(row => row.enrollment_id)).toEqual([other]);

  // A colleague who comes meanwhile waits as well.
  const [late] = await enrol(world, office, winter, 1, { list: 'B', company: 'big.example' });
  expect(await plan(world, office, winter)).toEqual({ planned: 0 });
  await world.clock.set(at('2026-03-16T09:00:00Z'));
  for (const id of [fall, winter])
    await world.handlers['daily-enrollment']!(
      { workspaceId: office.id, sequenceId: id, on: '2026-03-16' } as never,
      AbortSignal.any([]),
    );
  expect(await enrollmentOf(world, office, active!)).toMatchObject({ state: 'active', paused_until: null, reason: null });
  expect(await enrollmentOf(world, office, queued!)).toMatchObject({ state: 'queued', paused_until: null, reason: null });
  await plan(world, office, winter);
  expect((await ledger(world, office)).map(row => row.enrollment_id)).toEqual(expect.arrayContaining([queued, late]));
});

test('S10 both numbers are settings of the workspace, and only an admin sets them', async ({ world }) => {
  const office = await world.office();
  const wanted = { companyFirstsPerDay: 3, companyReplyPauseDays: 7 };
  expect(await world.call(office, 'set_workspace', wanted, { actor: office.rep })).toMatchObject({ code: 'admins_only' });
  await world.call(office, 'set_workspace', wanted);
  expect(await world.call(office, 'set_workspace', {})).toMatchObject({ result: { settings: wanted } });
  expect(await world.call(office, 'set_workspace', { companyFirstsPerDay: 0 })).toMatchObject({ code: 'bad_input' });
  const id = await makeSequence(world, office);
  await enrol(world, office, id, 5, { company: 'big.example' });
  expect(await plan(world, office, id)).toEqual({ planned: 3 });
});

test('S10 the planner keeps places in line for whoever waits for the company, and plans no more at a second look', () => {
  const on = Temporal.PlainDate.from('2026-03-02');
  const fresh: NewLead[] = Array.from({ length: 8 }, (_, i) => ({
    enrollmentId: i + 1,
    listId: 1,
    company: i < 5 ? 'big.example' : null,
  }));
  const day: Day = {
    on,
    sequences: [
      {
        ...{ id: 1, cap: 10, steps: 1, used: 0, newByList: new Map(), senderIds: [1], due: [], fresh },
        window: { from: at('2026-03-02T09:00:00Z'), until: at('2026-03-02T17:00:00Z') },
      },
    ],
    senders: [{ id: 1, left: 30, gapMinutes: 5, taken: [] }],
  };
  const placed = (companies?: Day['companies']) =>
    planOf({ ...day, ...(companies ? { companies } : {}) })
      .map(one => one.enrollmentId)
      .sort((a, b) => a - b);
  expect(placed()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(placed({ perDay: 2, today: new Map() })).toEqual([1, 2, 6, 7, 8]);
  expect(placed({ perDay: 2, today: new Map([['big.example', 1]]) })).toEqual([1, 6, 7, 8]);
  expect(placed({ perDay: 2, today: new Map([['big.example', 2]]) })).toEqual([6, 7, 8]);
});
