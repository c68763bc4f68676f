import { expect } from 'vitest';
import type { MemberActor } from '../../src/domain/context.ts';
import * as messages from '../../src/domain/messages/index.ts';
import type { Outcome } from '../../src/tools/run.ts';
import { byState, enrol, enrollmentOf, ledger, mailServer, mailThrough, makeSender, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const steps = [{ subject: 'Hello {{ first_name | default: "there" }}', body: 'About {{ company }}' }, { body: 'Any news?' }];

/** Calls a tool that needs a button, and presses it. */
async function approved(world: World, office: Office, tool: string, input: object) {
  const asked = await world.call(office, tool, input);
  expect(asked.outcome).toBe('needs_approval');
  return world.press(office, (asked as Extract<Outcome, { outcome: 'needs_approval' }>).approval.id);
}
const text = (outcome: Outcome): string => JSON.stringify(outcome.report);

test('S1 create, activate, plan, send: the whole way through the tools', async ({ world }) => {
  const office = await world.office();
  const server = mailServer();
  mailThrough(world, server.transport);
  await makeSender(world, office);
  const created = await world.call(office, 'create_sequence', { name: 'Fall Intro', steps });
  expect(created).toMatchObject({
    outcome: 'done',
    effect: 'write',
    result: { status: 'setup', mode: 'copilot', steps: 2, missing: [], senders: ['ada@drover.example'], capacity: { cap: 20 } },
  });
  expect(await world.call(office, 'activate_sequence', { sequence: 'fall intro' })).toMatchObject({
    outcome: 'needs_approval',
    report: { facts: expect.arrayContaining([{ label: 'Daily cap', value: '20 a day' }]) },
  });
  expect(await approved(world, office, 'activate_sequence', { sequence: 'Fall Intro' })).toMatchObject({
    outcome: 'approved',
    did: { outcome: 'done', result: { status: 'active' } },
  });
  const { sequenceId } = (created as unknown as { result: { sequenceId: number } }).result;
  await enrol(world, office, sequenceId, 3);
  await world.in(office, ctx => messages.planDay(ctx, sequenceId));
  for (const { planned_at } of await ledger(world, office)) {
    await world.clock.set(planned_at);
    await messages.sendDue(world.services, office.id);
  }
  expect(server.handed.map(mail => mail.subject)).toEqual(Array(3).fill('Hello Pat'));
  const shown = await world.call(office, 'show_sequence', { sequence: 'Fall Intro' });
  expect(shown).toMatchObject({ effect: 'read', result: { contactedToday: 3, plannedToday: 0, enrolled: { active: 3 } } });
});

test('S2 activating lists everything that is missing, at once, and changes nothing', async ({ world }) => {
  const office = await world.office();
  await world.in(office, ctx => ctx.tx.updateTable('workspace').set({ postal_address: null }).execute());
  await world.call(office, 'create_sequence', { name: 'Bare', sendFrom: '09:00', sendUntil: '09:30' });
  const refused = await world.call(office, 'activate_sequence', { sequence: 'Bare' });
  expect(refused).toMatchObject({ outcome: 'refused', code: 'not_ready' });
  expect((refused as { message: string }).message).toMatch(/no step.*no sender.*no hour.*postal address/);
  expect(await world.call(office, 'show_sequence', { sequence: 'Bare' })).toMatchObject({ result: { status: 'setup' } });
});

test('S8 an unknown variable or filter is refused when saved, naming the nearest', async ({ world }) => {
  const office = await world.office();
  const bad = [{ subject: 'Hi {{ frist_name }}', body: '{{ company | upcse }}' }];
  const refused = await world.call(office, 'create_sequence', { name: 'Bad', steps: bad });
  expect(refused).toMatchObject({ outcome: 'refused', code: 'bad_template' });
  expect((refused as { message: string }).message).toMatch(/frist_name.*first_name.*upcse.*upcase/);
  expect(await world.call(office, 'list_sequences', {})).toMatchObject({ result: { sequences: [] } });
  await makeSequence(world, office);
  expect(await world.call(office, 'edit_sequence', { sequence: 'Fall Intro', steps: bad })).toMatchObject({
    code: 'bad_template',
  });
});

test('A1 pausing is a write; resuming without anybody overdue too', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  await enrol(world, office, id, 4);
  await world.in(office, ctx => messages.planDay(ctx, id));
  expect(await world.call(office, 'pause_sequence', { sequence: 'Fall Intro' })).toMatchObject({
    outcome: 'done',
    effect: 'write',
    result: { unplanned: 4 },
  });
  expect(await world.call(office, 'pause_sequence', { sequence: 'Fall Intro' })).toMatchObject({
    outcome: 'refused',
    code: 'sequence_inactive',
    next: expect.arrayContaining(['resume Fall Intro']),
  });
  expect(await world.call(office, 'resume_sequence', { sequence: 'Fall Intro' })).toMatchObject({
    outcome: 'done',
    effect: 'write',
  });
  await world.drain();
  expect(await byState(world, office)).toEqual({ planned: 4 });
});

test('A1 S9 resuming with anybody overdue waits for a button that shows them by age, what drains when, and who came meanwhile', async ({
  world,
}) => {
  const office = await world.office();
  const id = await makeSequence(world, office, { dailyCap: 3 });
  await enrol(world, office, id, 2, { dueOn: '2026-02-27' });
  const stale = await enrol(world, office, id, 2, { dueOn: '2026-01-12', contactedDaysAgo: 45 });
  await world.call(office, 'pause_sequence', { sequence: 'Fall Intro' });
  await world.in(office, async ctx => {
    const list = await ctx.tx.selectFrom('list').select('id').executeTakeFirstOrThrow();
    const lead = { workspace_id: office.id, full_name: 'New Person', created_at: ctx.now, updated_at: ctx.now };
    const { id: leadId } = await ctx.tx.insertInto('lead').values(lead).returning('id').executeTakeFirstOrThrow();
    const member = { list_id: list.id, lead_id: leadId, workspace_id: office.id, source: 'csv', added_at: ctx.now };
    await ctx.tx.insertInto('membership').values(member).execute();
  });
  const asked = await world.call(office, 'resume_sequence', { sequence: 'Fall Intro' });
  expect(asked).toMatchObject({
    outcome: 'needs_approval',
    report: {
      title: expect.stringContaining('4 people overdue'),
      facts: expect.arrayContaining([
        { label: 'Last message up to 7 days ago', value: '2' },
        { label: 'More than 21 days ago', value: '2, who end (stale)' },
        { label: 'New members meanwhile', value: '1 lead' },
      ]),
      next: ['resume "Fall Intro" with all overdue'],
    },
  });
  expect(await approved(world, office, 'resume_sequence', { sequence: 'Fall Intro' })).toMatchObject({
    did: { result: { ended: 2, overdue: 2 } },
  });
  expect(await enrollmentOf(world, office, stale[0]!)).toMatchObject({ state: 'stopped', reason: 'stale' });
});

test('A1 raising the cap, widening the window or moving unsent messages of a running sequence waits for a button', async ({
  world,
}) => {
  const office = await world.office();
  await makeSequence(world, office);
  const edit = (change: object) => world.call(office, 'edit_sequence', { sequence: 'Fall Intro', ...change });
  for (const bold of [
    { dailyCap: 21 },
    { sendUntil: '18:00' },
    { sendDays: [1, 2, 3, 4, 5, 6] },
    { zone: 'Europe/Paris' },
    { moveUnsent: true },
  ])
    expect(await edit(bold)).toMatchObject({ outcome: 'needs_approval' });
  for (const modest of [{ dailyCap: 10 }, { sendUntil: '16:00' }, { sendDays: [2, 3] }, { steps }, { name: 'Autumn' }])
    expect(await edit(modest)).toMatchObject({ outcome: 'done', effect: 'write' });
  await makeSequence(world, office, { name: 'Draft', active: false });
  expect(await world.call(office, 'edit_sequence', { sequence: 'Draft', dailyCap: 500, zone: 'Tokyo' })).toMatchObject({
    outcome: 'done',
    effect: 'write',
    result: { capacity: { cap: 500, effectiveCap: 30 }, window: { zone: 'Asia/Tokyo' } },
  });
});

test('S4 an edit counts the unsent messages that it plans anew', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  await enrol(world, office, id, 8);
  await world.in(office, ctx => messages.planDay(ctx, id));
  const edited = await world.call(office, 'edit_sequence', { sequence: 'Fall Intro', dailyCap: 3 });
  expect(edited).toMatchObject({ result: { replanned: 8 } });
  expect(text(edited)).toContain('8 unsent messages of today are planned anew');
  await world.drain();
  expect(await byState(world, office)).toEqual({ planned: 3 });
});

test('E4 only a human switches autopilot on; leads in review stay there', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office, { mode: 'copilot' });
  const [waiting] = await enrol(world, office, id, 1, { state: 'in_review' });
  const input = { sequence: 'Fall Intro', on: true };
  expect(await world.call(office, 'set_autopilot', input, { door: 'model' })).toMatchObject({
    outcome: 'refused',
    code: 'human_only',
  });
  expect(await world.call(office, 'set_autopilot', input)).toMatchObject({
    outcome: 'done',
    effect: 'human',
    result: { mode: 'autopilot', before: 'copilot', inReview: 1 },
  });
  expect((await enrollmentOf(world, office, waiting!)).state).toBe('in_review');
  expect(await world.call(office, 'set_autopilot', { ...input, on: false })).toMatchObject({ result: { mode: 'copilot' } });
});

test('E4 who waits for review is said first', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office, { mode: 'copilot' });
  await enrol(world, office, id, 3, { state: 'in_review' });
  for (const [tool, input] of [
    ['list_sequences', {}],
    ['show_sequence', { sequence: 'Fall Intro' }],
  ] as const)
    expect((await world.call(office, tool, input)).report.title).toMatch(/^3 leads wait for review/);
});

test('S5 M9 what is shown is the cap that results, the inflow, the room and the drain date', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office, { dailyCap: 50 });
  await enrol(world, office, id, 100);
  const shown = await world.call(office, 'show_sequence', { sequence: '#1' });
  expect(shown).toMatchObject({
    result: {
      capacity: { cap: 50, effectiveCap: 30, newPerDay: 10, limitedBy: 'senders' },
      pace: { inflowPerWeek: 0, roomPerWeek: 50, backlog: 100, drainsOn: '2026-03-05' },
    },
  });
  expect(text(shown)).toContain('50 a day, but 30 results');
  await world.in(office, ctx => messages.planDay(ctx, id));
  const later = await world.call(office, 'show_sequence', { sequence: 'Fall Intro' });
  expect(later).toMatchObject({ result: { plannedToday: 30 } });
  expect(later.report.tables?.find(table => table.title === 'Next sends')).toMatchObject({ more: 25 });
});

test('W2 a rep changes only their own sequences', async ({ world }) => {
  const office = await world.office();
  await makeSequence(world, office);
  for (const [tool, input] of [
    ['pause_sequence', {}],
    ['edit_sequence', { dailyCap: 5 }],
    ['set_autopilot', { on: true }],
  ] as const)
    expect(await world.call(office, tool, { sequence: 'Fall Intro', ...input }, { actor: office.rep })).toMatchObject({
      outcome: 'refused',
      code: 'not_yours',
    });
  expect(await world.call(office, 'show_sequence', { sequence: 'Fall Intro' }, { actor: office.rep })).toMatchObject({
    outcome: 'done',
  });
});

test('W2 a rep reviews only the leads of their own sequences', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office, { mode: 'copilot' });
  const [waiting] = await enrol(world, office, id, 1, { state: 'in_review' });
  const review = (actor: MemberActor) =>
    world.call(office, 'review_leads', { sequence: 'Fall Intro', decision: 'approve', count: 1 }, { actor });
  expect(await review(office.rep)).toMatchObject({ outcome: 'refused', code: 'not_yours' });
  expect((await enrollmentOf(world, office, waiting!)).state).toBe('in_review');
  expect(await review(office.admin)).toMatchObject({ outcome: 'done' });
  expect((await enrollmentOf(world, office, waiting!)).state).toBe('queued');
});

test('unknown, ambiguous and taken names are answered with what to do', async ({ world }) => {
  const office = await world.office();
  await makeSequence(world, office);
  expect(await world.call(office, 'show_sequence', { sequence: 'Fal Intro' })).toMatchObject({
    code: 'unknown_sequence',
    next: ['show sequence Fall Intro'],
  });
  expect(await world.call(office, 'create_sequence', { name: 'FALL intro' })).toMatchObject({ code: 'name_taken' });
  await makeSequence(world, office, { name: 'Q1: Push' });
  await makeSequence(world, office, { name: 'Q1 Push' });
  expect(await world.call(office, 'show_sequence', { sequence: 'q1 - push' })).toMatchObject({ code: 'ambiguous_sequence' });
  expect(await world.call(office, 'create_sequence', { name: 'X', zone: 'Europe/Lodnon' })).toMatchObject({
    code: 'unknown_zone',
  });
  expect(await world.call(office, 'create_sequence', { name: 'X', senders: ['nobody@x.example'] })).toMatchObject({
    code: 'unknown_sender',
  });
  expect(await world.call(office, 'create_sequence', { name: 'X', sendFrom: '17:00', sendUntil: '09:00' })).toMatchObject({
    code: 'bad_window',
  });
  expect(await world.call(office, 'edit_sequence', { sequence: 'Fall Intro' })).toMatchObject({ code: 'nothing_to_change' });
  expect(await world.call(office, 'activate_sequence', { sequence: 'Fall Intro' })).toMatchObject({ code: 'sequence_active' });
});
