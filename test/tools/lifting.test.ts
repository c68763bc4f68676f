import { expect } from 'vitest';
import type { Outcome } from '../../src/tools/run.ts';
import { contactFirst, makeList, makeSequence, putMessage, settle, skips, states } from '../support/links.ts';
import { type Office, test, type World } from '../support/world.ts';

const notes = (outcome: Outcome): string => (outcome.report.notes ?? []).join(' ');
const title = (outcome: Outcome): string => outcome.report.title;
const lift = (world: World, office: Office, value: string, how = {}) => world.call(office, 'lift_exclusion', { value }, how);
const newDay = (world: World, office: Office, sequenceId: number, on: string) =>
  world.handlers['daily-enrollment']!({ workspaceId: office.id, sequenceId, on } as never, AbortSignal.any([]));

/** A list of three, and a sequence; linked unless said. */
async function setUp(world: World, { link = true, mode = 'autopilot' as const } = {}) {
  const office = await world.office();
  const list = await makeList(world, office, 'VPs', { members: 3 });
  const fall = await makeSequence(world, office, 'Fall', { mode });
  const linkIt = async () => {
    await world.call(office, 'link_list', { list: 'VPs', sequence: 'Fall' });
    await settle(world);
  };
  if (link) await linkIt();
  return { office, list, fall, linkIt };
}

test('E5 X1 whom a link passed over as excluded stays out of it, and the answer says how they come in', async ({ world }) => {
  const { office, list, fall, linkIt } = await setUp(world, { link: false });
  await world.call(office, 'exclude', { domain: 'company-1.example' });
  await world.call(office, 'exclude', { address: 'vps1@company-1.example' });
  await linkIt();
  expect(await skips(world, office, list.id)).toEqual({ excluded: 1 });
  // The other one still covers them.
  expect(notes(await lift(world, office, 'company-1.example'))).toContain('No linked list had passed over anybody');
  const lifted = await lift(world, office, 'vps1@company-1.example');
  expect(notes(lifted)).toContain('VPs 1 stays out of "Fall" for as long as "VPs" is linked as it is');
  expect(lifted.report.next![0]).toBe('enrol vps1@company-1.example in Fall');
  await settle(world);
  await newDay(world, office, fall.id, '2026-03-02');
  expect(await skips(world, office, list.id)).toEqual({ excluded: 1 });
  expect(await world.call(office, 'enroll_lead', { lead: 'vps1@company-1.example', sequence: 'Fall' })).toMatchObject({
    outcome: 'done',
  });
  expect(await states(world, office, fall.id)).toEqual({ queued: 3 });
});

test('E5 X2 an enrollment that an exclusion ended before any contact enrols again; one that was contacted stays ended', async ({
  world,
}) => {
  const { office, list, fall } = await setUp(world);
  await contactFirst(world, office, fall.id, 1);
  for (const n of [1, 2]) await world.call(office, 'exclude', { domain: `company-${n}.example` });
  await newDay(world, office, fall.id, '2026-03-02');
  expect(await states(world, office, fall.id)).toEqual({ excluded: 2, queued: 1 });
  const contacted = await lift(world, office, 'company-1.example');
  expect(notes(contacted)).toContain('The run of VPs 1 in "Fall" stays ended');
  expect(contacted.report.next![0]).toBe('enrol vps1@company-1.example in Fall');
  expect(notes(await lift(world, office, 'company-2.example'))).toContain('1 person whose run it had ended before any contact');
  await settle(world);
  await newDay(world, office, fall.id, '2026-03-03');
  expect(await states(world, office, fall.id)).toEqual({ excluded: 2, queued: 2 });
  expect(await skips(world, office, list.id)).toEqual({});
  const again = await world.call(office, 'enroll_lead', { lead: 'vps1@company-1.example', sequence: 'Fall' });
  expect(again).toMatchObject({ outcome: 'refused', code: 'cooling_down' });
});

test('E5 X1 an exclusion that ended by its date lets those it had stopped before any contact enrol with the next day', async ({
  world,
}) => {
  const { office, list, fall, linkIt } = await setUp(world, { link: false });
  await world.call(office, 'exclude', { domain: 'company-1.example', until: '2026-03-03' });
  await linkIt();
  await world.call(office, 'exclude', { domain: 'company-2.example', until: '2026-03-03' });
  expect(await states(world, office, fall.id)).toEqual({ excluded: 1, queued: 1 });
  await world.clock.set(Temporal.Instant.from('2026-03-03T23:00:00Z'));
  await newDay(world, office, fall.id, '2026-03-03');
  expect(await states(world, office, fall.id)).toEqual({ excluded: 1, queued: 1 });
  await world.clock.set(Temporal.Instant.from('2026-03-04T08:00:00Z'));
  await newDay(world, office, fall.id, '2026-03-04');
  expect(await states(world, office, fall.id)).toEqual({ excluded: 1, queued: 2 });
  expect(await skips(world, office, list.id)).toEqual({ excluded: 1 });
});

test('A6 X2 undoing the lifting stops who was enrolled since, and is refused where somebody was contacted because of it', async ({
  world,
}) => {
  const { office, list, fall } = await setUp(world);
  await world.call(office, 'exclude', { domain: 'company-1.example' });
  await lift(world, office, 'company-1.example');
  await settle(world);
  expect(await states(world, office, fall.id)).toEqual({ excluded: 1, queued: 3 });
  expect(title(await world.call(office, 'undo', {}))).toContain(
    'is excluded again, as before. 1 run that had begun since is stopped.',
  );
  expect(await states(world, office, fall.id)).toEqual({ excluded: 2, queued: 2 });
  await lift(world, office, 'company-1.example');
  await settle(world);
  await putMessage(world, office, { leadId: list.leads[0]!, senderId: fall.senderId, state: 'unknown' });
  expect(await world.call(office, 'undo', {})).toMatchObject({ code: 'has_left', next: ['exclude company-1.example'] });
});

test('A6 E5 undoing an exclusion lets whom it stopped enrol again, and says so', async ({ world }) => {
  const { office, fall } = await setUp(world);
  await world.call(office, 'exclude', { domain: 'company-1.example' });
  expect(title(await world.call(office, 'undo', {}))).toContain('1 person whose run it had ended before any contact');
  await settle(world);
  expect(await states(world, office, fall.id)).toEqual({ excluded: 1, queued: 3 });
});

test('X3 A1 whoever may not lift an opt-out is told what an admin writes on the command line', async ({ world }) => {
  const { office } = await setUp(world);
  await world.call(office, 'exclude', { address: 'ann@acme.example' });
  await world.in(office, ctx => ctx.tx.updateTable('exclusion').set({ opt_out: true }).execute());
  const command = 'on the command line: drover lift ann@acme.example';
  const model = await lift(world, office, 'ann@acme.example', { door: 'model' });
  expect(model).toMatchObject({ code: 'human_only' });
  expect(title(model)).toContain(command);
  const rep = await lift(world, office, 'ann@acme.example', { actor: office.rep });
  expect(rep).toMatchObject({ code: 'admins_only' });
  expect(title(rep)).toContain(command);
});

test('X1 somebody whose company is excluded is told which exclusion that is', async ({ world }) => {
  const { office } = await setUp(world);
  await world.call(office, 'exclude', { domain: 'company-1.example' });
  for (const value of ['vps1@company-1.example', 'VPs 1', 'new@company-1.example'])
    expect(await lift(world, office, value)).toMatchObject({
      code: 'excluded_company',
      next: ['lift the exclusion of company-1.example'],
    });
});
