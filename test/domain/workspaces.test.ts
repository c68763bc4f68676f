import { expect } from 'vitest';
import { workspaceOfTeam } from '../../src/db/system.ts';
import { drover, enter } from '../../src/domain/context.ts';
import * as digests from '../../src/domain/digests/index.ts';
import * as workspaces from '../../src/domain/workspaces/index.ts';
import { isRefusal } from '../../src/errors.ts';
import { test } from '../support/world.ts';

test('W1 one tool shows and sets every setting', async ({ world }) => {
  const office = await world.office();
  const changed = await world.call(office, 'set_workspace', {
    zone: 'berlin',
    postalAddress: '2 Sample Road, Exampletown',
    sendDays: [4, 2, 2],
    sendFrom: '10:00',
    sendUntil: '16:00',
    digestChannel: '#sales',
    coolingDownDays: 120,
  });
  expect(changed.outcome).toBe('done');
  const shown = await world.call(office, 'set_workspace', {}, { actor: office.rep });
  expect(shown).toMatchObject({
    outcome: 'done',
    effect: 'read',
    result: {
      settings: {
        zone: 'Europe/Berlin',
        postalAddress: '2 Sample Road, Exampletown',
        sendDays: [2, 4],
        sendFrom: '10:00',
        sendUntil: '16:00',
        digestChannel: '#sales',
        coolingDownDays: 120,
      },
    },
  });
});

test.for([
  ['a zone nobody knows', { zone: 'Europe/Berlim' }, 'unknown_zone', /Europe\/Berlin/],
  ['an empty window', { sendFrom: '17:00', sendUntil: '09:00' }, 'empty_window', /no hour/],
  ['too short a rest', { coolingDownDays: 5 }, 'bad_input', /cooling down days must be at least 30/],
  ['an hour that does not exist', { sendFrom: '25:00' }, 'bad_input', /time/],
] as const)('W1 %s is refused with what to do, and nothing is changed', async ([, input, code, message], { world }) => {
  const office = await world.office();
  const refused = await world.call(office, 'set_workspace', input);
  expect(refused).toMatchObject({ outcome: 'refused', code });
  expect(refused.report.title).toMatch(message);
  const settings = await world.in(office, async ctx => workspaces.settings(ctx));
  expect(settings).toMatchObject({ zone: 'Europe/London', sendFrom: '09:00', sendUntil: '17:00', coolingDownDays: 90 });
});

test('W1 an old name of a zone still works', () => {
  expect(workspaces.zoneNamed('Europe/Kiev')).toHaveProperty('zone');
  expect(workspaces.zoneNamed('new york')).toEqual({ zone: 'America/New_York' });
});

test('W2 a rep sees the settings and does not change them', async ({ world }) => {
  const office = await world.office();
  const refused = await world.call(office, 'set_workspace', { zone: 'Europe/Berlin' }, { actor: office.rep });
  expect(refused).toMatchObject({ outcome: 'refused', code: 'admins_only' });
});

test('W2 the first to talk to Drover becomes admin, the next do not, and Slack admins do', async ({ world }) => {
  const id = await workspaceOfTeam(world.services.db, world.now, { teamId: 'TNEW', name: 'New', zone: 'UTC', botUserId: null });
  const join = (slackUserId: string, isSlackAdmin = false) =>
    enter(world.services, id, drover, ctx => workspaces.join(ctx, { slackUserId, name: slackUserId, isSlackAdmin }));
  expect((await join('U1')).role).toBe('admin');
  expect((await join('U2')).role).toBe('rep');
  expect((await join('U3', true)).role).toBe('admin');
  expect((await join('U1')).role).toBe('admin');
  expect((await join('U2', true)).role).toBe('admin');
});

test('W2 of several who talk first at once, one becomes admin', async ({ world }) => {
  const id = await workspaceOfTeam(world.services.db, world.now, { teamId: 'TRACE', name: 'Race', zone: 'UTC', botUserId: null });
  const joined = await Promise.all(
    ['U1', 'U2', 'U3', 'U4'].map(slackUserId =>
      enter(world.services, id, drover, ctx => workspaces.join(ctx, { slackUserId, name: slackUserId, isSlackAdmin: false })),
    ),
  );
  expect(joined.filter(member => member.role === 'admin')).toHaveLength(1);
});

test('W3 what a deactivated owner had goes to an admin, and the digest says so', async ({ world }) => {
  const office = await world.office();
  await world.in(office, async ctx => {
    const owned = { workspace_id: office.id, owner_id: office.rep.id, created_at: ctx.now };
    await ctx.tx
      .insertInto('list')
      .values({ ...owned, name: 'Fairs', source: 'directory' })
      .execute();
    await ctx.tx
      .insertInto('sender')
      .values({ ...owned, name: 'Ray', address: 'ray@acme.example', transport: 'outbox' })
      .execute();
    await ctx.tx
      .insertInto('sequence')
      .values({ ...owned, name: 'Fall', zone: 'UTC', send_days: [1], send_from: '09:00', send_until: '17:00' })
      .execute();
  });
  const { moved, owners, told } = await world.in(office, async ctx => {
    const result = await workspaces.deactivate(ctx, office.rep.id);
    if (isRefusal(result)) throw new Error(result.message);
    const tables = ['list', 'sender', 'sequence'] as const;
    const owners = await Promise.all(tables.map(table => ctx.tx.selectFrom(table).select('owner_id').executeTakeFirstOrThrow()));
    return { moved: result, owners: owners.map(row => row.owner_id), told: (await digests.today(ctx)).handedOver };
  });
  expect(moved.to.id).toBe(office.admin.id);
  expect(owners).toEqual([office.admin.id, office.admin.id, office.admin.id]);
  expect(told).toEqual([{ to: 'Ada', lists: 1, sequences: 1, senders: 1 }]);
});

test('W3 the last admin cannot leave their things to nobody', async ({ world }) => {
  const office = await world.office();
  const result = await world.in(office, ctx => workspaces.deactivate(ctx, office.admin.id));
  expect(result).toMatchObject({ outcome: 'refused', code: 'no_admin_left' });
});
