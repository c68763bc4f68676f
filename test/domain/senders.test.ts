import { sql } from 'kysely';
import { expect } from 'vitest';
import * as messages from '../../src/domain/messages/index.ts';
import * as senders from '../../src/domain/senders/index.ts';
import { handleSendDue } from '../../src/jobs/send-due.ts';
import type { Report } from '../../src/tools/report.ts';
import { byState, enrol, enrollmentOf, ledger, mailServer, mailThrough, makeSender, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const senderOf = (world: World, office: Office, id: number) =>
  world.in(office, ctx => ctx.tx.selectFrom('sender').selectAll().where('id', '=', id).executeTakeFirstOrThrow());

/** Two people under one sender: one contacted, with a step due, and one in line. */
async function running(world: World) {
  const office = await world.office();
  const { handed, transport } = mailServer();
  mailThrough(world, transport);
  const senderId = await makeSender(world, office, { name: 'Ann' });
  const other = await makeSender(world, office, { name: 'Bob' });
  const id = await makeSequence(world, office, { senderIds: [senderId, other], steps: 3 });
  const [contacted] = await enrol(world, office, id, 1, { dueOn: '2026-03-02', senderId });
  const [fresh] = await enrol(world, office, id, 1);
  await world.in(office, ctx => ctx.tx.updateTable('enrollment').set({ sender_id: senderId }).where('id', '=', fresh!).execute());
  await world.in(office, ctx => messages.planDay(ctx, id));
  return { office, id, senderId, other, contacted: contacted!, fresh: fresh!, handed };
}

/** N messages of a sender that left so many days ago, of which so many came back. */
const history = (world: World, office: Office, senderId: number, n: number, bounced: number, daysAgo = 1) =>
  world.in(office, async ctx => {
    const at = ctx.now.subtract({ hours: 24 * daysAgo });
    await sql`with template as (select * from enrollment where workspace_id = ${office.id} order by id limit 1),
      people as (insert into lead (workspace_id, full_name, created_at, updated_at)
        select ${office.id}, 'Sam', ${ctx.now}, ${ctx.now} from generate_series(1, ${n}::int) returning id),
      runs as (insert into enrollment (workspace_id, sequence_id, lead_id, version, state, enrolled_at)
        select ${office.id}, t.sequence_id, p.id, 1, 'completed', ${at} from people p, template t returning id, lead_id, sequence_id)
      insert into message (workspace_id, enrollment_id, sequence_id, lead_id, sender_id, version, position, first_contact, state, reason,
        planned_on, planned_at, handing_at, ended_at)
      select ${office.id}, r.id, r.sequence_id, r.lead_id, ${senderId}, 1, 1, false,
        case when row_number() over () <= ${bounced} then 'failed' else 'sent' end,
        case when row_number() over () <= ${bounced} then 'bad_address' end, (${at}::timestamptz)::date, ${at}, ${at}, ${at} from runs r`.execute(
      ctx.tx,
    );
  });

test('S5 a paused sender keeps its people, and nothing leaves from it; resumed, they are planned anew', async ({ world }) => {
  const { office, id, senderId, contacted, handed } = await running(world);
  expect(await byState(world, office)).toEqual({ planned: 2 });
  expect(await world.call(office, 'pause_sender', { sender: 'ann@drover.example' })).toMatchObject({
    outcome: 'done',
    result: { waiting: 2 },
  });
  await world.drain();
  expect((await ledger(world, office)).filter(row => row.sender_id === senderId && row.state === 'planned')).toEqual([]);
  expect(await enrollmentOf(world, office, contacted)).toMatchObject({ state: 'active', sender_id: senderId });
  expect(await world.call(office, 'why', { about: 'ann@drover.example' })).toMatchObject({ result: { isMoving: false } });

  expect(await world.call(office, 'resume_sender', { sender: 'Ann' })).toMatchObject({ outcome: 'done' });
  await world.drain();
  await world.in(office, ctx => messages.planDay(ctx, id));
  expect(await byState(world, office)).toMatchObject({ planned: 2 });
  expect(handed).toEqual([]);
});

test('S5 removing a sender stops whom it has contacted and gives the others another; an admin presses the card', async ({
  world,
}) => {
  const { office, id, senderId, other, contacted, fresh } = await running(world);
  expect(await world.call(office, 'remove_sender', { sender: 'ann@drover.example' }, { actor: office.rep })).toMatchObject({
    outcome: 'refused',
    code: 'admins_only',
  });
  const asked = await world.call(office, 'remove_sender', { sender: 'ann@drover.example' });
  if (asked.outcome !== 'needs_approval') throw new Error(asked.outcome);
  await world.press(office, asked.approval.id);
  expect(await enrollmentOf(world, office, contacted)).toMatchObject({ state: 'stopped', reason: 'sender_removed' });
  await world.drain();
  await world.in(office, ctx => messages.planDay(ctx, id));
  expect(await enrollmentOf(world, office, fresh)).toMatchObject({ state: 'queued', sender_id: other });
  expect(await senderOf(world, office, senderId)).toMatchObject({ status: 'paused', removed_at: world.now });
  const { result } = (await world.call(office, 'list_senders', {})) as { result: { senders: { id: number }[] } };
  expect(result.senders.map(one => one.id)).toEqual([other]);
  await makeSender(world, office, { name: 'Ann' });
});

test('S5 a lower limit runs at once, a higher one waits for a button, and all of it can be undone', async ({ world }) => {
  const { office, senderId } = await running(world);
  const sender = 'ann@drover.example';
  expect(await world.call(office, 'set_sender', { sender, dailyLimit: 10, gapMinutes: 9 })).toMatchObject({ outcome: 'done' });
  expect(await senderOf(world, office, senderId)).toMatchObject({ daily_limit: 10, min_gap_minutes: 9 });
  const raised = await world.call(office, 'set_sender', { sender, dailyLimit: 60 });
  if (raised.outcome !== 'needs_approval') throw new Error(raised.outcome);
  expect(JSON.stringify(raised.report)).toContain('Above 50 a day');
  await world.press(office, raised.approval.id);
  expect(await senderOf(world, office, senderId)).toMatchObject({ daily_limit: 60 });
  expect(await world.call(office, 'undo', {})).toMatchObject({ outcome: 'done' });
  expect(await senderOf(world, office, senderId)).toMatchObject({ daily_limit: 10, min_gap_minutes: 9 });
  expect(await world.call(office, 'set_sender', { sender, dailyLimit: 9 }, { actor: office.rep })).toMatchObject({
    code: 'admins_only',
  });
  expect(await world.call(office, 'set_sender', { sender })).toMatchObject({ code: 'nothing_to_set' });
});

test.for([
  [49, 49, false],
  [60, 3, false],
  [60, 4, true],
  [100, 5, false],
  [100, 6, true],
] as const)(
  'D5 of %i messages of a week %i came back: the sender pauses itself: %s',
  async ([sent, bounced, stops], { world }) => {
    const { office, senderId } = await running(world);
    await history(world, office, senderId, sent, bounced);
    await world.in(office, ctx => senders.checkBounces(ctx, senderId));
    expect(await senderOf(world, office, senderId)).toMatchObject(
      stops ? { status: 'paused', status_code: 'bounce_rate', owner_told: false } : { status: 'healthy', status_code: null },
    );
  },
);

test('D5 bounces of more than a week ago, or from before somebody let it send again, do not count', async ({ world }) => {
  const { office, senderId } = await running(world);
  await history(world, office, senderId, 100, 100, 8);
  await world.in(office, ctx => senders.checkBounces(ctx, senderId));
  expect((await senderOf(world, office, senderId)).status).toBe('healthy');
  await history(world, office, senderId, 100, 50);
  await world.in(office, ctx => senders.checkBounces(ctx, senderId));
  expect((await senderOf(world, office, senderId)).status).toBe('paused');
  await world.call(office, 'resume_sender', { sender: 'ann@drover.example' });
  await world.in(office, ctx => senders.checkBounces(ctx, senderId));
  expect((await senderOf(world, office, senderId)).status).toBe('healthy');
});

test('D5 a pause for another reason settles no bounces: they still count when it goes on', async ({ world }) => {
  const { office, senderId } = await running(world);
  await history(world, office, senderId, 100, 5);
  const sender = 'ann@drover.example';
  await world.call(office, 'pause_sender', { sender });
  await world.call(office, 'resume_sender', { sender });
  await history(world, office, senderId, 1, 1, 0);
  await world.in(office, ctx => senders.checkBounces(ctx, senderId));
  expect(await senderOf(world, office, senderId)).toMatchObject({ status: 'paused', status_code: 'bounce_rate' });
});

test('S5 a sender in two far zones warms up by one day a day, whatever their dates', async ({ world }) => {
  const office = await world.office();
  mailThrough(world);
  const senderIds = [await makeSender(world, office, { ramp: true, minGapMinutes: 0, dailyLimit: 50 })];
  const [all, until] = [[1, 2, 3, 4, 5, 6, 7], '23:59'];
  const far = { senderIds, days: all, from: '00:00', until, steps: 1, dailyCap: 2 };
  const ids = [
    await makeSequence(world, office, { ...far, name: 'Auckland', zone: 'Pacific/Auckland' }),
    await makeSequence(world, office, { ...far, name: 'Los Angeles', zone: 'America/Los_Angeles' }),
  ];
  for (const [index, id] of ids.entries()) await enrol(world, office, id, 40, { list: `List ${index}` });
  const end = world.now.add({ hours: 48 });
  while (Temporal.Instant.compare(world.now, end) < 0) {
    for (const id of ids) await world.in(office, ctx => messages.planDay(ctx, id));
    await messages.sendDue(world.services, office.id);
    await world.clock.move({ hours: 2 });
  }
  const sent = (await ledger(world, office)).filter(row => row.state === 'sent');
  // Both sent by turns, and the dates on which anything left are few.
  expect(new Set(sent.map(row => row.sequence_id)).size).toBe(2);
  const { sending_days: days } = await senderOf(world, office, senderIds[0]!);
  expect(days).toBe(new Set(sent.map(row => row.planned_on)).size);
});

test('D5 an address that the mail server refuses counts at once', async ({ world }) => {
  const { office, senderId } = await running(world);
  mailThrough(world, mailServer(async () => ({ outcome: 'bad_address', detail: '550 5.1.1' })).transport);
  await history(world, office, senderId, 60, 3);
  await world.clock.set((await ledger(world, office)).find(row => row.state === 'planned')!.planned_at);
  await messages.sendDue(world.services, office.id);
  expect(await senderOf(world, office, senderId)).toMatchObject({ status: 'paused', status_code: 'bounce_rate' });
});

test('W3 the owner of a sender that stopped is told once, with why and what to do', async ({ world }) => {
  const office = await world.office();
  const server = mailServer(async () => ({ outcome: 'auth_failed', detail: '535 5.7.8 bad sign-in' }));
  mailThrough(world, server.transport);
  const senderId = await makeSender(world, office, { name: 'Ann', ownerId: office.rep.id });
  const id = await makeSequence(world, office, { senderIds: [senderId] });
  const [pat] = await enrol(world, office, id, 2);
  await world.in(office, ctx => messages.planDay(ctx, id));
  await world.clock.set((await ledger(world, office))[0]!.planned_at);
  const notes: { channel: string; report: Report }[] = [];
  const notify = async (_: unknown, note: { channel: string; report: Report }) => void notes.push(note);
  for (let i = 0; i < 2; i++) await handleSendDue(world.services, { notify }, { workspaceId: office.id });
  expect(server.handed).toHaveLength(1);
  expect(notes).toMatchObject([
    {
      channel: office.rep.slackUserId,
      report: {
        title: 'Ann <ann@drover.example> does not send any more.',
        next: ['test sender ann@drover.example', 'resume sender ann@drover.example'],
      },
    },
  ]);
  expect(JSON.stringify(notes)).toContain('535 5.7.8 bad sign-in');
  expect(await enrollmentOf(world, office, pat!)).toMatchObject({ state: 'queued', sender_id: senderId });
});
