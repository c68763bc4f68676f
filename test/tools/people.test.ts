import { sql } from 'kysely';
import { expect } from 'vitest';
import type { Outcome } from '../../src/tools/run.ts';
import { makeList, makeSequence } from '../support/links.ts';
import { type Office, test, type World } from '../support/world.ts';

const title = (outcome: Outcome): string => outcome.report.title;
const standing = (world: World, office: Office) =>
  world.in(office, async ctx =>
    (await ctx.tx.selectFrom('exclusion').select('value').where('lifted_at', 'is', null).orderBy('value').execute()).map(
      row => row.value,
    ),
  );
const optOut = (world: World, office: Office, value: string) =>
  world.in(office, ctx =>
    sql`insert into exclusion (workspace_id, kind, value, reason, opt_out, created_at)
      values (${office.id}, 'address', ${value}, 'opted out', true, ${ctx.now})`.execute(ctx.tx),
  );
const lift = (world: World, office: Office, value: string, how = {}) => world.call(office, 'lift_exclusion', { value }, how);
const role = (world: World, office: Office, id: number) =>
  world.in(
    office,
    async ctx => (await ctx.tx.selectFrom('member').select('role').where('id', '=', id).executeTakeFirstOrThrow()).role,
  );

test('X3 an opt-out is lifted only by an admin, and only by hand', async ({ world }) => {
  const office = await world.office();
  await optOut(world, office, 'ann@acme.example');
  expect(await lift(world, office, 'ann@acme.example', { door: 'model' })).toMatchObject({
    outcome: 'refused',
    code: 'human_only',
  });
  expect(await lift(world, office, 'ann@acme.example', { actor: office.rep })).toMatchObject({
    outcome: 'refused',
    code: 'admins_only',
  });
  expect(await standing(world, office)).toEqual(['ann@acme.example']);
  expect(await lift(world, office, 'ann@acme.example')).toMatchObject({ outcome: 'done', effect: 'human' });
  expect(await standing(world, office)).toEqual([]);
  expect(await world.call(office, 'undo', {}, { door: 'model' })).toMatchObject({ code: 'human_only' });
  expect(title(await world.call(office, 'undo', {}))).toContain('ann@acme.example is excluded again');
  const rows = await world.in(office, ctx => ctx.tx.selectFrom('exclusion').select(['value', 'opt_out', 'lifted_at']).execute());
  expect(rows).toEqual([{ value: 'ann@acme.example', opt_out: true, lifted_at: null }]);
});

test('X3 exclusions are lifted one at a time', async ({ world }) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 1 });
  await world.in(office, ctx => ctx.tx.updateTable('lead').set({ linkedin_url: 'linkedin.com/in/ann' }).execute());
  await world.call(office, 'exclude', { lead: 'VPs 1' });
  const asked = await lift(world, office, 'VPs 1');
  expect(asked).toMatchObject({ outcome: 'refused', code: 'which_one' });
  expect(asked.report.next).toContain('lift the exclusion of linkedin.com/in/ann');
  await lift(world, office, 'https://www.linkedin.com/in/ann');
  expect(await standing(world, office)).toEqual(['vps1@company-1.example']);
  expect((await lift(world, office, 'VPs 1')).outcome).toBe('done');
  expect(await standing(world, office)).toEqual([]);
});

test('X3 W2 an ordinary exclusion is lifted by who made it or an admin; unknown ones name the nearest', async ({ world }) => {
  const office = await world.office();
  await world.call(office, 'exclude', { domain: 'acme.example', reason: 'customer' });
  await world.call(office, 'exclude', { domain: 'rival.example' }, { actor: office.rep });
  const refused = await lift(world, office, 'acme.example', { actor: office.rep });
  expect(refused).toMatchObject({ outcome: 'refused', code: 'not_yours' });
  expect(title(refused)).toContain('Ada excluded everyone at acme.example');
  const unknown = await lift(world, office, 'acne.example');
  expect(unknown).toMatchObject({ code: 'not_excluded' });
  expect(unknown.report.next![0]).toBe('lift the exclusion of acme.example');
  expect(await lift(world, office, 'rival.example', { actor: office.rep, door: 'model' })).toMatchObject({
    outcome: 'done',
    effect: 'write',
  });
  expect((await lift(world, office, 'acme.example')).outcome).toBe('done');
  expect(await standing(world, office)).toEqual([]);
});

test('X1 exclusions are listed with reason, end, and who made them; ended ones are not', async ({ world }) => {
  const office = await world.office();
  expect(title(await world.call(office, 'list_exclusions', {}))).toBe('Nobody is excluded.');
  await world.call(office, 'exclude', { domain: 'acme.example', reason: 'customer', until: '2026-03-03' });
  await optOut(world, office, 'ann@other.example');
  const shown = await world.call(office, 'list_exclusions', {});
  expect(title(shown)).toBe('2 exclusions hold, 1 of them an opt-out.');
  expect(shown.report.tables![0]!.rows).toEqual([
    ['ann@other.example', 'person', 'opted out', 'for good: opted out', 'themselves', 'Mon 2 Mar'],
    ['acme.example', 'company', 'customer', 'Tue 3 Mar', 'Ada', 'Mon 2 Mar'],
  ]);
  await world.clock.move({ hours: 72 });
  expect(title(await world.call(office, 'list_exclusions', {}))).toBe('1 exclusion holds, 1 of them an opt-out.');
});

test('W2 only an admin gives roles, only by hand, and somebody stays admin', async ({ world }) => {
  const office = await world.office();
  const give = (input: object, how = {}) => world.call(office, 'set_role', input, how);
  expect(await give({ member: 'Ray', role: 'admin' }, { actor: office.rep })).toMatchObject({ code: 'admins_only' });
  expect(await give({ member: 'Ray', role: 'admin' }, { door: 'model' })).toMatchObject({ code: 'human_only' });
  expect(await give({ member: 'Ada', role: 'rep' })).toMatchObject({ code: 'last_admin' });
  expect(await give({ member: 'Roy', role: 'admin' })).toMatchObject({ code: 'unknown_member' });
  expect(title(await give({ member: `<@${office.rep.slackUserId}|ray>`, role: 'admin' }))).toBe('Ray is an admin now.');
  expect(await role(world, office, office.rep.id)).toBe('admin');
  expect((await give({ member: 'ada', role: 'rep' })).outcome).toBe('done');
  expect(await world.call(office, 'undo', {}, { actor: { ...office.admin, role: 'rep' } })).toMatchObject({
    code: 'admins_only',
  });
  expect(await role(world, office, office.admin.id)).toBe('rep');
});

test('W2 a role goes back by undo, unless nobody would be admin', async ({ world }) => {
  const office = await world.office();
  await world.call(office, 'set_role', { member: 'Ray', role: 'admin' });
  expect(title(await world.call(office, 'undo', {}))).toContain('Ray is a rep again');
  await world.call(office, 'set_role', { member: 'Ray', role: 'admin' });
  await world.in(office, ctx => ctx.tx.updateTable('member').set({ role: 'rep' }).where('id', '=', office.admin.id).execute());
  expect(await world.call(office, 'undo', {})).toMatchObject({ code: 'last_admin' });
});

test('W3 an owner or an admin gives a list, a sequence or a sender away, and with it the right to change it', async ({
  world,
}) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 1, owner: office.rep.id });
  const fall = await makeSequence(world, office, 'Fall');
  const give = (what: string, to: string, how = {}) => world.call(office, 'transfer_ownership', { what, to }, how);
  expect(await give('Fall', 'Ray', { actor: office.rep })).toMatchObject({ outcome: 'refused', code: 'not_yours' });
  expect(title(await give('Fall', 'Ray'))).toBe('The sequence "Fall" belongs to Ray now.');
  expect((await give(`ada${fall.id}@acme.example`, `@${office.rep.slackUserId}`)).outcome).toBe('done');
  expect(await give('Fall', 'Ray')).toMatchObject({ code: 'same_owner' });
  expect((await give('the list VPs', 'Ada', { actor: office.rep })).outcome).toBe('done');
  const owners = await world.in(office, async ctx => [
    (await ctx.tx.selectFrom('list').select('owner_id').executeTakeFirstOrThrow()).owner_id,
    (await ctx.tx.selectFrom('sequence').select('owner_id').executeTakeFirstOrThrow()).owner_id,
    (await ctx.tx.selectFrom('sender').select('owner_id').executeTakeFirstOrThrow()).owner_id,
  ]);
  expect(owners).toEqual([office.admin.id, office.rep.id, office.rep.id]);
  // What is no longer the rep's, the rep cannot take back.
  expect(await world.call(office, 'undo', {}, { actor: office.rep })).toMatchObject({ outcome: 'refused', code: 'not_yours' });
  expect(title(await world.call(office, 'undo', {}))).toContain('belongs to Ada again');
});

test('W3 what is called the same is asked about; nobody who has left gets anything', async ({ world }) => {
  const office = await world.office();
  await makeList(world, office, 'Fall');
  await makeSequence(world, office, 'Fall');
  expect(await world.call(office, 'transfer_ownership', { what: 'Fall', to: 'Ray' })).toMatchObject({ code: 'which_one' });
  await world.in(office, ctx =>
    ctx.tx.updateTable('member').set({ deactivated_at: ctx.now }).where('id', '=', office.rep.id).execute(),
  );
  expect(await world.call(office, 'transfer_ownership', { what: 'list Fall', to: 'Ray' })).toMatchObject({ code: 'member_gone' });
  expect(await world.call(office, 'transfer_ownership', { what: 'Nothing', to: 'Ada' })).toMatchObject({ code: 'unknown_thing' });
});
