import { expect } from 'vitest';
import type { Outcome } from '../../src/tools/run.ts';
import { contactFirst, makeList, makeSequence, settle, states } from '../support/links.ts';
import { reachable } from '../support/refills.ts';
import { enrol, makeSequence as makeReal } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const undo = (world: World, office: Office, how = {}) => world.call(office, 'undo', {}, how);
const title = (outcome: Outcome): string => outcome.report.title;
const criteria = { titles: ['VP of Sales'] };
const other = { titles: ['VP of Sales'], industries: ['fintech'] };

const listRow = (world: World, office: Office, name: string) =>
  world.in(office, ctx => ctx.tx.selectFrom('list').selectAll().where('name', '=', name).executeTakeFirstOrThrow());
const linked = async (world: World, office: Office) =>
  (
    await world.in(office, ctx =>
      ctx.tx.selectFrom('link').select(['list_id', 'sequence_id']).where('ended_at', 'is', null).execute(),
    )
  ).length;
const approve = async (world: World, office: Office, outcome: Outcome) => {
  if (outcome.outcome !== 'needs_approval') throw new Error(`not gated: ${JSON.stringify(outcome)}`);
  const pressed = await world.press(office, outcome.approval.id);
  if (pressed.outcome !== 'approved') throw new Error(JSON.stringify(pressed));
  return pressed.did;
};

/** Puts a message that has left under an enrollment. */
const sent = (world: World, office: Office, enrollment: number, version: number) =>
  world.in(office, async ctx => {
    const { lead_id, sequence_id } = await ctx.tx
      .selectFrom('enrollment')
      .selectAll()
      .where('id', '=', enrollment)
      .executeTakeFirstOrThrow();
    const { sender_id } = await ctx.tx.selectFrom('sequence_sender').select('sender_id').executeTakeFirstOrThrow();
    await ctx.tx
      .insertInto('message')
      .values({
        workspace_id: office.id,
        enrollment_id: enrollment,
        sequence_id,
        lead_id,
        sender_id,
        version,
        position: 1,
        first_contact: true,
        state: 'sent',
        planned_on: '2026-03-02',
        planned_at: ctx.now,
        handing_at: ctx.now,
      })
      .execute();
  });

test('A6 undo takes back the last write and says what, a second one goes one further back', async ({ world }) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 2 });
  await world.call(office, 'set_monitoring', { list: 'VPs', cadence: 'daily', amount: 20 });
  await world.call(office, 'set_monitoring', { list: 'VPs', cadence: 'weekly', amount: 100 });
  expect(title(await undo(world, office))).toContain('monitoring of "VPs" is 20 / day again');
  expect(title(await undo(world, office))).toContain('monitoring of "VPs" is off again');
  expect(await undo(world, office)).toMatchObject({ outcome: 'refused', code: 'nothing_to_undo' });
});

test('A6 undo is of the asker alone', async ({ world }) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 1 });
  await world.call(office, 'rename_list', { list: 'VPs', name: 'Leaders' });
  expect(await undo(world, office, { actor: office.rep })).toMatchObject({ outcome: 'refused', code: 'nothing_to_undo' });
  expect(title(await undo(world, office))).toContain('is called "VPs" again');
});

test('A6 undo is refused, naming the later change and who made it, until that one is undone', async ({ world }) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 1, owner: office.rep.id });
  await world.call(office, 'set_monitoring', { list: 'VPs', cadence: 'daily', amount: 20 }, { actor: office.rep });
  await world.call(office, 'rename_list', { list: 'VPs', name: 'Leaders' });
  const refused = await undo(world, office, { actor: office.rep });
  expect(refused).toMatchObject({ outcome: 'refused', code: 'changed_since' });
  expect(title(refused)).toMatch(/^Ada changed the same thing .*is called "Leaders" now/);
  expect((await undo(world, office)).outcome).toBe('done');
  expect(title(await undo(world, office, { actor: office.rep }))).toContain('is off again');
});

test('A6 a change of something else since, and what only concerned it, do not stand in the way', async ({ world }) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 1 });
  await makeList(world, office, 'CTOs', { members: 1, owner: office.rep.id });
  await makeSequence(world, office, 'Fall', { owner: office.rep.id });
  await world.call(office, 'edit_sequence', { sequence: 'Fall', dailyCap: 10 });
  await world.call(office, 'link_list', { list: 'CTOs', sequence: 'Fall' }, { actor: office.rep });
  expect(await undo(world, office)).toMatchObject({ outcome: 'needs_approval' });
});

test('A6 undo of a read, a refusal or an undo is none: they are passed by', async ({ world }) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 1 });
  await world.call(office, 'rename_list', { list: 'VPs', name: 'Leaders' });
  await world.call(office, 'show_list', { list: 'Leaders' });
  await world.call(office, 'rename_list', { list: 'Nobody', name: 'X' });
  expect((await undo(world, office)).outcome).toBe('done');
  expect((await listRow(world, office, 'VPs')).name).toBe('VPs');
  expect(await undo(world, office)).toMatchObject({ code: 'nothing_to_undo' });
});

test('A6 two undos at once take back one change each', async ({ world }) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 1 });
  await world.call(office, 'rename_list', { list: 'VPs', name: 'One' });
  const both = await Promise.all([undo(world, office), undo(world, office)]);
  expect(both.map(each => each.outcome).sort()).toEqual(['done', 'refused']);
});

test('A6 a list that was made is archived, its orders are cancelled and its name is free', async ({ world }) => {
  world.services.sources = { directory: reachable(50) };
  const office = await world.office();
  await world.call(office, 'create_list', { name: 'VPs', criteria, count: 20 });
  expect(title(await undo(world, office))).toContain('the list "VPs" is gone');
  await world.drain();
  const refill = await world.in(office, ctx => ctx.tx.selectFrom('refill').selectAll().executeTakeFirstOrThrow());
  expect(refill).toMatchObject({ status: 'done', ended: 'list_archived', added: 0 });
  expect((await world.call(office, 'create_list', { name: 'VPs', criteria })).outcome).toBe('done');
});

test('A6 leads that an order added leave the list again, uncontacted; they stay barred from a source (M4)', async ({ world }) => {
  world.services.sources = { directory: reachable(50) };
  const office = await world.office();
  await world.call(office, 'create_list', { name: 'VPs', criteria });
  const fall = await makeSequence(world, office, 'Fall');
  await world.call(office, 'link_list', { list: 'VPs', sequence: 'Fall' });
  await world.call(office, 'add_leads', { list: 'VPs', count: 20 });
  await settle(world);
  expect(await states(world, office, fall.id)).toEqual({ queued: 20 });
  expect(title(await undo(world, office))).toContain('20 people are off the list again, and 20 people not contacted yet left');
  expect(await states(world, office, fall.id)).toEqual({ withdrawn: 20 });
  await world.call(office, 'add_leads', { list: 'VPs', count: 50 });
  await settle(world);
  expect(await states(world, office, fall.id)).toEqual({ queued: 30, withdrawn: 20 });
});

test('A6 an order whose leads were contacted is not undone', async ({ world }) => {
  world.services.sources = { directory: reachable(50) };
  const office = await world.office();
  await world.call(office, 'create_list', { name: 'VPs', criteria });
  const fall = await makeSequence(world, office, 'Fall');
  await world.call(office, 'link_list', { list: 'VPs', sequence: 'Fall' });
  await world.call(office, 'add_leads', { list: 'VPs', count: 20 });
  await settle(world);
  await contactFirst(world, office, fall.id, 3);
  const refused = await undo(world, office);
  expect(refused).toMatchObject({ outcome: 'refused', code: 'has_left' });
  expect(title(refused)).toContain('3 people have been contacted');
  expect(await states(world, office, fall.id)).toEqual({ active: 3, queued: 17 });
});

test('A6 an order that is still open is cancelled, and a page on its way adds nobody', async ({ world }) => {
  world.services.sources = { directory: reachable(50) };
  const office = await world.office();
  await world.call(office, 'create_list', { name: 'VPs', criteria });
  await world.call(office, 'add_leads', { list: 'VPs', count: 20 });
  expect(title(await undo(world, office))).toContain('20 leads of the order for "VPs" will not come');
  await world.drain();
  expect(await world.in(office, ctx => ctx.tx.selectFrom('membership').select('lead_id').execute())).toEqual([]);
});

test('A6 criteria go back with the place the source was read to', async ({ world }) => {
  world.services.sources = { directory: reachable(50) };
  const office = await world.office();
  await world.call(office, 'create_list', { name: 'VPs', criteria, count: 5 });
  await world.drain();
  const before = await listRow(world, office, 'VPs');
  await world.call(office, 'edit_criteria', { list: 'VPs', criteria: other });
  expect((await listRow(world, office, 'VPs')).criteria).toEqual(other);
  expect(title(await undo(world, office))).toContain('looks again for Title: VP of Sales');
  expect(await listRow(world, office, 'VPs')).toEqual(before);
});

test('A6 a link is taken back while nobody was contacted, and not after', async ({ world }) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 5 });
  const fall = await makeSequence(world, office, 'Fall');
  await world.call(office, 'link_list', { list: 'VPs', sequence: 'Fall' });
  await settle(world);
  expect(title(await undo(world, office))).toContain('"VPs" is not linked to "Fall" any more; 5 people left it');
  expect(await linked(world, office)).toBe(0);
  await world.call(office, 'link_list', { list: 'VPs', sequence: 'Fall' });
  await settle(world);
  await contactFirst(world, office, fall.id, 1);
  expect(await undo(world, office)).toMatchObject({ outcome: 'refused', code: 'has_left' });
  expect(await linked(world, office)).toBe(1);
});

test('A6 an approved, gated write can be undone too; a move moves back after a button', async ({ world }) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 5 });
  const fall = await makeSequence(world, office, 'Fall');
  const winter = await makeSequence(world, office, 'Winter');
  await world.call(office, 'link_list', { list: 'VPs', sequence: 'Fall' });
  await settle(world);
  await approve(world, office, await world.call(office, 'link_list', { list: 'VPs', sequence: 'Winter' }));
  await settle(world);
  expect(await states(world, office, winter.id)).toEqual({ queued: 5 });
  expect(title(await approve(world, office, await undo(world, office)))).toContain('"VPs" is back in "Fall"');
  await settle(world);
  expect(await states(world, office, winter.id)).toEqual({ withdrawn: 5 });
  expect(await states(world, office, fall.id)).toEqual({ queued: 5, withdrawn: 5 });
});

test('A6 an unlinked list is linked again, with a button where linking needs one (A1), and not to a sequence at rest', async ({
  world,
}) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 30 });
  const fall = await makeSequence(world, office, 'Fall');
  await approve(world, office, await world.call(office, 'link_list', { list: 'VPs', sequence: 'Fall' }));
  await settle(world);
  await world.call(office, 'unlink_list', { list: 'VPs' });
  expect(title(await approve(world, office, await undo(world, office)))).toContain('linked to "Fall" again');
  expect(await linked(world, office)).toBe(1);
  await world.call(office, 'unlink_list', { list: 'VPs' });
  await world.in(office, ctx => ctx.tx.updateTable('sequence').set({ status: 'inactive' }).where('id', '=', fall.id).execute());
  const asked = await undo(world, office);
  const pressed = asked.outcome === 'needs_approval' ? await world.press(office, asked.approval.id) : undefined;
  expect(pressed).toMatchObject({ did: { outcome: 'refused', code: 'sequence_not_active' } });
});

test('A6 an archived list comes back with its monitoring and its link', async ({ world }) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 5, monitored: { cadence: 'daily', amount: 20 } });
  const fall = await makeSequence(world, office, 'Fall', { mode: 'copilot' });
  await world.call(office, 'link_list', { list: 'VPs', sequence: 'Fall' });
  await settle(world);
  await approve(world, office, await world.call(office, 'archive_list', { list: 'VPs' }));
  expect(title(await undo(world, office))).toContain('monitoring is 20 / day again, it is linked to "Fall" again');
  await settle(world);
  expect(await states(world, office, fall.id)).toEqual({ in_review: 5, withdrawn: 5 });
});

test('A6 a sequence that was set up is gone and its name free; an activation goes back to setup while nothing left', async ({
  world,
}) => {
  const office = await world.office();
  await world.call(office, 'create_sequence', { name: 'Spring', steps: [{ subject: 'Hi', body: 'Hello' }] });
  expect(title(await undo(world, office))).toContain('"Spring" is gone');
  const fall = await makeReal(world, office, { active: false });
  await approve(world, office, await world.call(office, 'activate_sequence', { sequence: 'Fall Intro' }));
  expect(title(await undo(world, office))).toContain('in setup again');
  await approve(world, office, await world.call(office, 'activate_sequence', { sequence: 'Fall Intro' }));
  const [enrollment] = await enrol(world, office, fall, 1);
  await sent(world, office, enrollment!, 1);
  expect(await undo(world, office)).toMatchObject({ outcome: 'refused', code: 'has_left' });
  await world.call(office, 'pause_sequence', { sequence: 'Fall Intro' });
  expect(title(await undo(world, office))).toContain('active again');
});

test('A6 an edit goes back to the cap, window and steps before; raising a running cap again waits for a button', async ({
  world,
}) => {
  const office = await world.office();
  const fall = await makeReal(world, office, { steps: 2, dailyCap: 20 });
  await enrol(world, office, fall, 2);
  const edit = { sequence: 'Fall Intro', dailyCap: 10, steps: [{ subject: 'New', body: 'Other' }] };
  await world.call(office, 'edit_sequence', edit);
  const asked = await undo(world, office);
  expect(title(await approve(world, office, asked))).toContain('the daily cap is 20 again, the steps are the ones before');
  const [row] = await world.in(office, ctx => ctx.tx.selectFrom('sequence').selectAll().where('id', '=', fall).execute());
  expect(row).toMatchObject({ daily_cap: 20, version: 3 });
  const steps = await world.in(office, ctx =>
    ctx.tx.selectFrom('step').select(['subject', 'body']).where('version', '=', 3).orderBy('position').execute(),
  );
  expect(steps.map(step => step.body)).toEqual(['Step 1 for {{ first_name }}', 'Step 2 for {{ first_name }}']);
});

test('A6 steps that have left to somebody are not taken back', async ({ world }) => {
  const office = await world.office();
  const fall = await makeReal(world, office, { steps: 1 });
  const [enrollment] = await enrol(world, office, fall, 1);
  await world.call(office, 'edit_sequence', { sequence: 'Fall Intro', steps: [{ subject: 'New', body: 'Other' }] });
  await sent(world, office, enrollment!, 2);
  expect(await undo(world, office)).toMatchObject({ outcome: 'refused', code: 'has_left' });
});

test('A6 a resumption is paused again', async ({ world }) => {
  const office = await world.office();
  await makeSequence(world, office, 'Fall', { status: 'inactive' });
  expect((await world.call(office, 'resume_sequence', { sequence: 'Fall' })).outcome).toBe('done');
  expect(title(await undo(world, office))).toContain('"Fall" is paused again');
});

test('A6 an exclusion is lifted again, one from before keeps its reason, an opt-out stays (X3)', async ({ world }) => {
  const office = await world.office();
  const standing = () =>
    world.in(office, ctx =>
      ctx.tx.selectFrom('exclusion').select(['value', 'reason']).where('lifted_at', 'is', null).orderBy('value').execute(),
    );
  await world.call(office, 'exclude', { domain: 'acme.example', reason: 'customer' });
  await world.call(office, 'exclude', { domain: 'acme.example', reason: 'rival' });
  await undo(world, office);
  expect(await standing()).toEqual([{ value: 'acme.example', reason: 'customer' }]);
  await undo(world, office);
  expect(await standing()).toEqual([]);
  await world.call(office, 'exclude', { address: 'ann@acme.example' });
  await world.in(office, ctx => ctx.tx.updateTable('exclusion').set({ opt_out: true }).where('lifted_at', 'is', null).execute());
  await undo(world, office);
  expect(await standing()).toEqual([{ value: 'ann@acme.example', reason: 'by hand' }]);
});

test('A6 settings, digests and modes go back; what only a human may do, only a human takes back (A1)', async ({ world }) => {
  const office = await world.office();
  await world.call(office, 'set_workspace', { zone: 'Europe/Berlin', coolingDownDays: 60 });
  await undo(world, office);
  const workspace = await world.in(office, async ctx => ctx.workspace);
  expect(workspace).toMatchObject({ zone: 'Europe/London', cooling_down_days: 90 });
  await world.call(office, 'set_digest', { channel: 'C1', cadence: 'daily' });
  await undo(world, office);
  expect(await world.in(office, ctx => ctx.tx.selectFrom('digest').selectAll().execute())).toEqual([]);
  await makeSequence(world, office, 'Fall');
  await world.call(office, 'set_autopilot', { sequence: 'Fall', on: false });
  expect(await undo(world, office, { door: 'model' })).toMatchObject({ outcome: 'refused', code: 'human_only' });
  expect(title(await undo(world, office))).toContain('on autopilot again');
});

test('A6 settings are not taken back by who is no admin any more', async ({ world }) => {
  const office = await world.office();
  await world.call(office, 'set_workspace', { coolingDownDays: 60 });
  expect(await undo(world, office, { actor: { ...office.admin, role: 'rep' } })).toMatchObject({ code: 'admins_only' });
});
