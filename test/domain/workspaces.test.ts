import { sql } from 'kysely';
import { expect } from 'vitest';
import { dateIn } from '../../src/calendar.ts';
import { workspaceOfTeam } from '../../src/db/system.ts';
import { type Context, drover, enter } from '../../src/domain/context.ts';
import * as digests from '../../src/domain/digests/index.ts';
import * as messages from '../../src/domain/messages/index.ts';
import * as workspaces from '../../src/domain/workspaces/index.ts';
import { directoryOf } from '../agent/talk.ts';
import { enrol, ledger, makeSequence } from '../support/sequences.ts';
import { test } from '../support/world.ts';

const makeList = (ctx: Context, owner: number) =>
  ctx.tx
    .insertInto('list')
    .values({ workspace_id: ctx.workspace.id, owner_id: owner, name: 'Fairs', source: 'directory', created_at: ctx.now })
    .execute();

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

test.for([
  ['new york', 'America/New_York'],
  ['europe/kyiv', 'Europe/Kyiv'],
  ['kyiv', 'Europe/Kyiv'],
  ['Kiev', 'Europe/Kiev'],
  ['Ho Chi Minh', 'Asia/Ho_Chi_Minh'],
  ['utc', 'UTC'],
] as const)('W1 %s is the zone %s', ([wanted, zone]) => expect(workspaces.zoneNamed(wanted)).toEqual({ zone }));

test.for([
  ['Europe/Kiev', 'Europe/Kyiv'],
  ['Asia/Calcutta', 'Asia/Kolkata'],
  ['America/Godthab', 'America/Nuuk'],
] as const)('W1 S4 M3 %s was renamed %s: both are taken, and their local times are the same', async ([old, fresh], { world }) => {
  const office = await world.office();
  world.services.sources = { directory: directoryOf(10) };
  await world.call(office, 'create_list', { name: 'VPs', criteria: { titles: ['VP of Sales'] }, count: 1 });
  const told = [];
  for (const zone of [old, fresh]) {
    expect(await world.call(office, 'set_workspace', { zone })).toMatchObject({
      outcome: 'done',
      result: { settings: { zone } },
    });
    await world.call(office, 'set_monitoring', { list: 'VPs', cadence: 'daily', amount: 5 });
    const id = await makeSequence(world, office, {
      name: zone,
      zone,
      from: '00:00',
      until: '24:00',
      days: [1, 2, 3, 4, 5, 6, 7],
    });
    await enrol(world, office, id, 3, { list: zone });
    await world.in(office, ctx => messages.planDay(ctx, id));
    const days = (await ledger(world, office, id)).map(({ planned_on, planned_at }) => [
      planned_on,
      dateIn(planned_at, zone).toString(),
    ]);
    const { refillAt, local } = await world.in(office, async ctx => ({
      refillAt: (await ctx.tx.selectFrom('monitoring').select('next_due_at').executeTakeFirstOrThrow()).next_due_at.toString(),
      local: (
        await sql<{ summer: string; winter: string }>`
          select (timestamptz '2026-07-01T12:00Z' at time zone s.zone)::text as summer,
            (timestamptz '2026-12-01T12:00Z' at time zone s.zone)::text as winter
          from sequence s where s.id = ${id}`.execute(ctx.tx)
      ).rows[0],
    }));
    told.push({ days, refillAt, local });
  }
  expect(told[0]).toEqual(told[1]);
  expect(told[0]!.days).toHaveLength(3);
  for (const [on, day] of told[0]!.days) expect(on).toBe(day);
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
      .values({ ...owned, name: 'Ray', address: 'ray@acme.example', transport: 'local' })
      .execute();
    await ctx.tx
      .insertInto('sequence')
      .values({ ...owned, name: 'Fall', zone: 'UTC', send_days: [1], send_from: '09:00', send_until: '17:00' })
      .execute();
  });
  const { moved, owners, told } = await world.in(office, async ctx => {
    const result = await workspaces.deactivate(ctx, office.rep.id);
    const tables = ['list', 'sender', 'sequence'] as const;
    const owners = await Promise.all(tables.map(table => ctx.tx.selectFrom(table).select('owner_id').executeTakeFirstOrThrow()));
    return { moved: result, owners: owners.map(row => row.owner_id), told: (await digests.today(ctx)).handedOver };
  });
  expect(moved.to?.id).toBe(office.admin.id);
  expect(owners).toEqual([office.admin.id, office.admin.id, office.admin.id]);
  expect(told).toEqual([{ to: 'Ada', promoted: false, lists: 1, sequences: 1, senders: 1 }]);
});

test('W3 without another admin the longest-known member becomes one and takes over, and the digest says so', async ({
  world,
}) => {
  const office = await world.office();
  const owner = await world.in(office, async ctx => {
    await workspaces.join(ctx, { slackUserId: 'UZOE', name: 'Zoe', isSlackAdmin: false });
    await makeList(ctx, office.admin.id);
    return ctx.tx.selectFrom('list').select('owner_id').executeTakeFirstOrThrow();
  });
  expect(owner).toEqual({ owner_id: office.admin.id });
  const handed = await world.in(office, ctx => workspaces.deactivate(ctx, office.admin.id));
  expect(handed).toMatchObject({ to: { id: office.rep.id, role: 'admin' }, promoted: true, lists: 1 });
  const members = await world.in(office, ctx => ctx.tx.selectFrom('member').select(['name', 'role']).orderBy('id').execute());
  expect(members).toEqual([
    { name: 'Ada', role: 'admin' },
    { name: 'Ray', role: 'admin' },
    { name: 'Zoe', role: 'rep' },
  ]);
  const { report } = await world.call(office, 'status', {}, { actor: { ...office.rep, role: 'admin' } });
  expect(report.notes).toContain(
    'Ray now owns 1 list, 0 sequences and 0 senders of a member who left, and is admin now: there was no other.',
  );
});

test('W3 what everybody left behind waits for who comes next, who is the first anew', async ({ world }) => {
  const office = await world.office();
  await world.in(office, ctx => makeList(ctx, office.rep.id));
  const told = await world.in(office, async ctx => {
    await workspaces.deactivate(ctx, office.admin.id);
    const last = await workspaces.deactivate(ctx, office.rep.id);
    return { last, digest: (await digests.today(ctx)).handedOver };
  });
  expect(told).toMatchObject({ last: { to: null, lists: 0 }, digest: [{ to: 'Ray', promoted: true, lists: 0 }] });
  const next = await world.in(office, async ctx => {
    const zoe = await workspaces.join(ctx, { slackUserId: 'UZOE', name: 'Zoe', isSlackAdmin: false });
    const list = await ctx.tx.selectFrom('list').select('owner_id').executeTakeFirstOrThrow();
    return { zoe, owns: list.owner_id === zoe.id, digest: (await digests.today(ctx)).handedOver.at(-1) };
  });
  expect(next).toMatchObject({ zoe: { role: 'admin' }, owns: true, digest: { to: 'Zoe', promoted: true, lists: 1 } });
  const back = await world.in(office, ctx =>
    workspaces.join(ctx, { slackUserId: office.rep.slackUserId, name: 'Ray', isSlackAdmin: false }),
  );
  expect(back.id).toBe(office.rep.id);
  expect(await world.in(office, ctx => ctx.tx.selectFrom('list').select('owner_id').executeTakeFirstOrThrow())).toEqual({
    owner_id: next.zoe.id,
  });
});

test('W3 two who leave at once leave somebody in charge', async ({ world }) => {
  const office = await world.office();
  await world.in(office, ctx => workspaces.join(ctx, { slackUserId: 'UZOE', name: 'Zoe', isSlackAdmin: false }));
  await Promise.all([office.admin, office.rep].map(member => world.in(office, ctx => workspaces.deactivate(ctx, member.id))));
  const left = await world.in(office, ctx =>
    ctx.tx.selectFrom('member').select(['name', 'role']).where('deactivated_at', 'is', null).execute(),
  );
  expect(left).toEqual([{ name: 'Zoe', role: 'admin' }]);
});
