import { expect } from 'vitest';
import * as messages from '../../src/domain/messages/index.ts';
import type { HandOver } from '../../src/domain/ports.ts';
import * as sequences from '../../src/domain/sequences/index.ts';
import {
  byState,
  clockTime,
  enrol,
  enrollmentOf,
  ledger,
  mailServer,
  mailThrough,
  makeSender,
  makeSequence,
} from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const plan = (world: World, office: Office, id: number) => world.in(office, ctx => messages.planDay(ctx, id));
const send = (world: World, office: Office) => messages.sendDue(world.services, office.id);
const at = (text: string) => Temporal.Instant.from(text);

/** Sends whatever falls due until an instant, each at its own time. */
async function sendUntil(world: World, office: Office, until: Temporal.Instant): Promise<void> {
  for (;;) {
    await send(world, office);
    const next = (await ledger(world, office)).find(
      row => row.state === 'planned' && Temporal.Instant.compare(row.planned_at, world.now) > 0,
    );
    if (!next || Temporal.Instant.compare(next.planned_at, until) > 0) break;
    await world.clock.set(next.planned_at);
  }
  await world.clock.set(until);
  await send(world, office);
}

/** One planned message, its time come, behind a mail server that answers as told. */
async function oneDue(world: World, answer?: HandOver, given: Parameters<typeof makeSequence>[2] = {}) {
  const office = await world.office();
  const server = mailServer(async () => answer ?? { outcome: 'accepted' });
  mailThrough(world, server.transport);
  const id = await makeSequence(world, office, given);
  const [pat] = await enrol(world, office, id, 1);
  await plan(world, office, id);
  const [planned] = await ledger(world, office);
  await world.clock.set(planned!.planned_at);
  return { office, id, pat: pat!, planned: planned!, handed: server.handed, senderId: planned!.sender_id };
}

test('D1 a planned message is handed over at its time, once, and its enrollment goes on', async ({ world }) => {
  const office = await world.office();
  const { handed, transport } = mailServer();
  mailThrough(world, transport);
  const id = await makeSequence(world, office);
  const [pat] = await enrol(world, office, id, 1);
  expect(await plan(world, office, id)).toEqual({ planned: 1 });
  const [planned] = await ledger(world, office);
  expect(planned).toMatchObject({ state: 'planned', planned_on: '2026-03-02', first_contact: true, position: 1 });
  expect(await send(world, office)).toEqual({ handedOver: 0, refused: 0 });
  expect((await enrollmentOf(world, office, pat!)).state).toBe('queued');

  await world.clock.set(planned!.planned_at);
  expect(await send(world, office)).toEqual({ handedOver: 1, refused: 0 });
  expect(await send(world, office)).toEqual({ handedOver: 0, refused: 0 });
  expect(handed).toHaveLength(1);
  expect(handed[0]).toMatchObject({
    subject: 'Hello Pat',
    to: { address: 'pat1@acme.example' },
    from: { address: 'fall-intro@drover.example' },
  });
  expect(await enrollmentOf(world, office, pat!)).toMatchObject({ state: 'active', next_position: 2, next_due_on: '2026-03-05' });
  expect(clockTime(planned!.planned_at) >= '09:00:00').toBe(true);
  expect(await byState(world, office)).toEqual({ sent: 1 });
});

test('S3 S4 a lead gets every step on its day, from one sender, and is then completed', async ({ world }) => {
  const office = await world.office();
  const server = mailServer();
  mailThrough(world, server.transport);
  const senderIds = [await makeSender(world, office, { name: 'Ada' }), await makeSender(world, office, { name: 'Bob' })];
  const id = await makeSequence(world, office, { senderIds, steps: 3, delayDays: 4 });
  const [pat] = await enrol(world, office, id, 1);
  for (let date = Temporal.PlainDate.from('2026-03-02'); date.day < 14; date = date.add({ days: 1 })) {
    await world.clock.set(date.toZonedDateTime({ timeZone: 'Europe/London', plainTime: '08:00' }).toInstant());
    await plan(world, office, id);
    await sendUntil(world, office, world.now.add({ hours: 10 }));
  }
  const rows = await ledger(world, office);
  // Four days after Monday is Friday; four after that is a Tuesday.
  expect(rows.map(row => [row.position, row.planned_on, row.state])).toEqual([
    [1, '2026-03-02', 'sent'],
    [2, '2026-03-06', 'sent'],
    [3, '2026-03-10', 'sent'],
  ]);
  expect(new Set(rows.map(row => row.sender_id)).size).toBe(1);
  expect(server.handed.map(mail => mail.subject)).toEqual(['Hello Pat', 'Re: Hello Pat', 'Re: Hello Pat']);
  expect(await enrollmentOf(world, office, pat!)).toMatchObject({ state: 'completed', next_due_on: null });
});

test('S4 a due date outside the window moves to the next sending day, and nothing is planned on another', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  await enrol(world, office, id, 1, { dueOn: '2026-03-07' });
  await enrol(world, office, id, 2);
  await world.clock.set(at('2026-03-07T10:00:00Z'));
  expect(await plan(world, office, id)).toEqual({ planned: 0 });
  await world.clock.set(at('2026-03-06T17:30:00Z'));
  expect(await plan(world, office, id)).toEqual({ planned: 0 });
  await world.clock.set(at('2026-03-09T06:00:00Z'));
  expect(await plan(world, office, id)).toEqual({ planned: 3 });
});

test.for([
  ['Europe/London', '2026-03-29'],
  ['Europe/London', '2026-10-25'],
  ['America/New_York', '2026-03-08'],
  ['America/New_York', '2026-11-01'],
] as const)('S4 in %s on the clock-change day %s messages are planned at wall-clock hours', async ([zone, date], { world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office, { zone, days: [7], from: '09:00', until: '11:00', dailyCap: 10 });
  await enrol(world, office, id, 10);
  await world.clock.set(Temporal.PlainDate.from(date).toZonedDateTime(zone).toInstant());
  expect(await plan(world, office, id)).toEqual({ planned: 10 });
  for (const row of await ledger(world, office)) {
    expect(row.planned_on).toBe(date);
    expect(clockTime(row.planned_at, zone) >= '09:00:00' && clockTime(row.planned_at, zone) < '11:00:00').toBe(true);
  }
});

test('E2 a second run with nothing changed writes nothing, and a freed place is filled', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office, { dailyCap: 5 });
  const people = await enrol(world, office, id, 9);
  await enrol(world, office, id, 9, { list: 'Others' });
  await enrol(world, office, id, 9, { list: 'Due', dueOn: '2026-03-01' });
  expect(await plan(world, office, id)).toEqual({ planned: 5 });
  const before = await ledger(world, office);
  await world.clock.set(at('2026-03-02T10:00:00Z'));
  expect(await plan(world, office, id)).toEqual({ planned: 0 });
  expect(await ledger(world, office)).toEqual(before);

  const gone = before.find(row => row.enrollment_id === people[0])!;
  expect(await world.in(office, ctx => messages.dropPlanned(ctx, [gone.enrollment_id]))).toBe(1);
  await world.in(office, ctx =>
    ctx.tx.updateTable('enrollment').set({ state: 'withdrawn' }).where('id', '=', gone.enrollment_id).execute(),
  );
  expect(await plan(world, office, id)).toEqual({ planned: 1 });
  const after = await ledger(world, office);
  expect(after.filter(row => before.some(old => old.enrollment_id === row.enrollment_id))).toEqual(
    before.filter(row => row !== gone),
  );
});

test('E2 a freed place goes to somebody who has no time yet', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office, { dailyCap: 3 });
  const people = await enrol(world, office, id, 5);
  await plan(world, office, id);
  await world.in(office, async ctx => {
    await messages.dropPlanned(ctx, [people[0]!]);
    await ctx.tx.updateTable('enrollment').set({ state: 'withdrawn' }).where('id', '=', people[0]!).execute();
  });
  expect(await plan(world, office, id)).toEqual({ planned: 1 });
  const planned = (await ledger(world, office)).map(row => row.enrollment_id).sort((a, b) => a - b);
  expect(planned).toEqual(people.slice(1, 4));
});

test('E2 only active and finishing sequences are planned', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  await enrol(world, office, id, 2);
  const as = (status: string) =>
    world.in(office, async ctx => {
      await ctx.tx.updateTable('sequence').set({ status }).execute();
      return messages.planDay(ctx, id);
    });
  for (const status of ['setup', 'inactive', 'archived']) expect(await as(status)).toEqual({ planned: 0 });
  expect(await as('finishing')).toEqual({ planned: 2 });
});

test('S5 two sequences share a sender: its limit and gap hold over both', async ({ world }) => {
  const office = await world.office();
  mailThrough(world);
  const senderIds = [await makeSender(world, office, { dailyLimit: 10, minGapMinutes: 20 })];
  const one = await makeSequence(world, office, { name: 'One', senderIds });
  const two = await makeSequence(world, office, { name: 'Two', senderIds });
  await enrol(world, office, one, 20, { list: 'A' });
  await enrol(world, office, two, 20, { list: 'B' });
  await plan(world, office, one);
  await plan(world, office, two);
  const rows = await ledger(world, office);
  expect([rows.filter(row => row.sequence_id === one).length, rows.filter(row => row.sequence_id === two).length]).toEqual([
    5, 5,
  ]);
  const gaps = rows.slice(1).map((row, index) => rows[index]!.planned_at.until(row.planned_at).total('minutes'));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(20);
  await sendUntil(world, office, at('2026-03-02T17:00:00Z'));
  expect(await byState(world, office)).toEqual({ sent: 10 });
});

test('S5 a ramp limits the sender on its first days', async ({ world }) => {
  const office = await world.office();
  const senderId = await makeSender(world, office);
  const id = await makeSequence(world, office, { senderIds: [senderId] });
  await world.in(office, ctx => ctx.tx.updateTable('sender').set({ ramp_start: 3, ramp_step: 2, ramp_every: 1 }).execute());
  await enrol(world, office, id, 40);
  expect(await plan(world, office, id)).toEqual({ planned: 3 });
  await world.in(office, ctx => ctx.tx.updateTable('sender').set({ sending_days: 2, last_sent_on: '2026-03-03' }).execute());
  await world.clock.set(at('2026-03-04T07:00:00Z'));
  await world.in(office, ctx => ctx.tx.deleteFrom('message').execute());
  expect(await plan(world, office, id)).toEqual({ planned: 7 });
});

test('S5 a full window is sent to its last message, though each leaves with the tick after its time', async ({ world }) => {
  const office = await world.office();
  mailThrough(world);
  const id = await makeSequence(world, office, { from: '09:00', until: '10:00', dailyCap: 30 });
  const [{ capacity }] = (await world.in(office, ctx => sequences.overviews(ctx, [id]))) as [sequences.Overview];
  await enrol(world, office, id, 30);
  expect(await plan(world, office, id)).toEqual({ planned: capacity.effectiveCap });
  for (let minute = 0; minute < 60; minute++) {
    // A tick comes with the minute, and a few seconds pass before it gets to a message.
    await world.clock.set(at('2026-03-02T09:00:50Z').add({ minutes: minute, seconds: (minute * 5) % 7 }));
    await send(world, office);
  }
  expect(await byState(world, office)).toEqual({ sent: capacity.effectiveCap });
});

test('S5 after an outage nothing bursts: overdue messages keep the gap', async ({ world }) => {
  const office = await world.office();
  mailThrough(world);
  const id = await makeSequence(world, office);
  await enrol(world, office, id, 20);
  await plan(world, office, id);
  await world.clock.set(at('2026-03-02T12:00:00Z'));
  expect(await send(world, office)).toEqual({ handedOver: 1, refused: 0 });
  await world.clock.move({ minutes: 4 });
  expect(await send(world, office)).toEqual({ handedOver: 0, refused: 0 });
  await world.clock.move({ minutes: 1 });
  expect(await send(world, office)).toEqual({ handedOver: 1, refused: 0 });
});

test('D1 D2 two that send at once never exceed the cap nor hand over twice', async ({ world }) => {
  const office = await world.office();
  const server = mailServer();
  mailThrough(world, server.transport);
  const senderIds = await Promise.all(
    ['Ada', 'Bob', 'Cleo', 'Dan'].map(name => makeSender(world, office, { name, minGapMinutes: 0 })),
  );
  const id = await makeSequence(world, office, { dailyCap: 12, senderIds });
  await enrol(world, office, id, 12);
  await plan(world, office, id);
  // The plan says twelve; the cap falls without anybody planning anew, so only the claim can keep it.
  await world.in(office, ctx => ctx.tx.updateTable('sequence').set({ daily_cap: 5 }).execute());
  await world.clock.set(at('2026-03-02T16:59:00Z'));
  const sent = await Promise.all([send(world, office), send(world, office), send(world, office)]);
  expect(sent.reduce((sum, one) => sum + one.handedOver, 0)).toBe(5);
  expect(new Set(server.handed.map(mail => mail.messageId)).size).toBe(5);
  expect(server.handed).toHaveLength(5);
  // The claim itself keeps the cap: the gate behind it has nothing to refuse.
  expect(sent.reduce((sum, one) => sum + one.refused, 0)).toBe(0);
  expect(await byState(world, office)).toEqual({ sent: 5, held: 7 });
  expect((await ledger(world, office)).filter(row => row.state === 'held').map(row => row.reason)).toEqual(
    Array(7).fill('cap_reached'),
  );
});

test('D1 a claim that ran out returns to planned; a hand-over that ran out becomes unknown and is never tried again', async ({
  world,
}) => {
  const { office, id, pat, handed } = await oneDue(world);
  const set = (state: string) =>
    world.in(office, ctx =>
      ctx.tx
        .updateTable('message')
        .set({
          state,
          claimed_at: ctx.now,
          handing_at: state === 'handing' ? ctx.now : null,
          lease_until: ctx.now.add({ minutes: 2 }),
        })
        .execute(),
    );
  await set('claimed');
  await send(world, office);
  expect(handed).toHaveLength(0);
  await world.clock.move({ minutes: 2 });
  await send(world, office);
  expect(handed).toHaveLength(1);
  await set('handing');
  await world.clock.move({ minutes: 2 });
  await send(world, office);
  expect(await byState(world, office)).toEqual({ unknown: 1 });
  expect(handed).toHaveLength(1);
  await plan(world, office, id);
  expect(await byState(world, office)).toEqual({ unknown: 1 });
  expect((await enrollmentOf(world, office, pat)).state).toBe('active');
});

test('D2 an unknown outcome keeps its enrollment waiting and its place under the cap', async ({ world }) => {
  const { office, id, pat, handed } = await oneDue(world, { outcome: 'unknown', detail: 'no answer' }, { dailyCap: 1 });
  await send(world, office);
  expect(await ledger(world, office)).toMatchObject([{ state: 'unknown', reason: 'no_answer' }]);
  expect(await enrollmentOf(world, office, pat)).toMatchObject({ state: 'active', next_position: 1, next_due_on: null });
  await enrol(world, office, id, 1);
  expect(await plan(world, office, id)).toEqual({ planned: 0 });
  await world.clock.set(at('2026-03-03T07:00:00Z'));
  expect(await plan(world, office, id)).toEqual({ planned: 1 });
  expect(handed).toHaveLength(1);
});

test('D2 a transport that breaks off is unknown', async ({ world }) => {
  const { office } = await oneDue(world);
  mailThrough(world, mailServer(() => Promise.reject(new Error('socket hang up'))).transport);
  await send(world, office);
  expect(await byState(world, office)).toEqual({ unknown: 1 });
});

test('S8 a variable that is empty holds the message and its lead; nothing half-rendered leaves, and another takes the place', async ({
  world,
}) => {
  const office = await world.office();
  const server = mailServer();
  mailThrough(world, server.transport);
  const id = await makeSequence(world, office, { dailyCap: 1 });
  const [nameless] = await enrol(world, office, id, 1, { firstName: null });
  const [named] = await enrol(world, office, id, 1);
  await plan(world, office, id);
  await world.clock.set((await ledger(world, office))[0]!.planned_at);
  expect(await send(world, office)).toEqual({ handedOver: 0, refused: 1 });
  expect(await ledger(world, office)).toMatchObject([
    { enrollment_id: nameless, state: 'held', reason: 'missing_variable', detail: 'first_name' },
  ]);
  expect(await enrollmentOf(world, office, nameless!)).toMatchObject({
    state: 'queued',
    held_reason: 'missing_variable',
    contacted_at: null,
  });
  expect(server.handed).toEqual([]);
  await world.drain();
  expect((await ledger(world, office)).filter(row => row.state === 'planned')).toMatchObject([{ enrollment_id: named }]);
});

const refusals: [
  string,
  { reason: string; keepsLead: boolean; state?: string },
  (world: World, office: Office) => Promise<unknown>,
][] = [
  [
    'the sequence does not send',
    { reason: 'sequence_not_sending', keepsLead: false },
    (world, office) => world.in(office, ctx => ctx.tx.updateTable('sequence').set({ status: 'inactive' }).execute()),
  ],
  ['the window is closed', { reason: 'window_closed', keepsLead: false }, world => world.clock.set(at('2026-03-02T17:00:00Z'))],
  ['the day is over', { reason: 'window_closed', keepsLead: false }, world => world.clock.set(at('2026-03-03T10:00:00Z'))],
  [
    'the sender is not healthy',
    { reason: 'sender_not_healthy', keepsLead: false },
    (world, office) => world.in(office, ctx => ctx.tx.updateTable('sender').set({ status: 'paused' }).execute()),
  ],
  [
    'the sender has reached its limit',
    { reason: 'sender_limit', keepsLead: false },
    (world, office) =>
      world.in(office, async ctx => {
        await ctx.tx.updateTable('sender').set({ daily_limit: 1, min_gap_minutes: 0 }).execute();
        const lead = await ctx.tx.selectFrom('lead').select('id').executeTakeFirstOrThrow();
        const row = await ctx.tx.selectFrom('message').selectAll().executeTakeFirstOrThrow();
        const earlier = await ctx.tx
          .insertInto('enrollment')
          .values({
            workspace_id: office.id,
            sequence_id: row.sequence_id,
            lead_id: lead.id,
            version: 1,
            state: 'completed',
            enrolled_at: ctx.now,
          })
          .returning('id')
          .executeTakeFirstOrThrow();
        const { id: _, ...copy } = row;
        await ctx.tx
          .insertInto('message')
          .values({ ...copy, enrollment_id: earlier.id, state: 'sent', handing_at: ctx.now })
          .execute();
      }),
  ],
  [
    'the lead has left the sequence',
    { reason: 'enrollment_withdrawn', keepsLead: false },
    (world, office) => world.in(office, ctx => ctx.tx.updateTable('enrollment').set({ state: 'withdrawn' }).execute()),
  ],
  [
    'the lead is excluded',
    { reason: 'excluded_person', keepsLead: false, state: 'excluded' },
    (world, office) =>
      world.in(office, ctx =>
        ctx.tx
          .insertInto('exclusion')
          .values({ workspace_id: office.id, kind: 'address', value: 'pat1@acme.example', reason: 'asked', created_at: ctx.now })
          .execute(),
      ),
  ],
  [
    'the company is excluded',
    { reason: 'excluded_company', keepsLead: false, state: 'excluded' },
    (world, office) =>
      world.in(office, ctx =>
        ctx.tx
          .insertInto('exclusion')
          .values({ workspace_id: office.id, kind: 'domain', value: 'acme.example', reason: 'customer', created_at: ctx.now })
          .execute(),
      ),
  ],
  [
    'the lead has replied since',
    { reason: 'replied', keepsLead: true },
    (world, office) =>
      world.in(office, async ctx => {
        const row = await ctx.tx.selectFrom('enrollment').selectAll().executeTakeFirstOrThrow();
        await ctx.tx
          .insertInto('enrollment')
          .values({
            workspace_id: office.id,
            sequence_id: row.sequence_id,
            lead_id: row.lead_id,
            version: 1,
            state: 'replied',
            enrolled_at: ctx.now,
            ended_at: ctx.now,
          })
          .execute();
      }),
  ],
  [
    'the address is gone',
    { reason: 'no_email', keepsLead: true },
    (world, office) => world.in(office, ctx => ctx.tx.updateTable('lead').set({ email: null, email_key: null }).execute()),
  ],
  [
    'the address bounced',
    { reason: 'bad_address', keepsLead: true },
    (world, office) => world.in(office, ctx => ctx.tx.updateTable('lead').set({ email_status: 'bounced' }).execute()),
  ],
];

for (const [what, { reason, keepsLead, state }, change] of refusals)
  test(`D3 nothing leaves when ${what}, and the reason is stored: ${reason}`, async ({ world }) => {
    const { office, pat, handed } = await oneDue(world);
    await change(world, office);
    await send(world, office);
    expect(handed).toEqual([]);
    const row = (await ledger(world, office)).find(message => message.enrollment_id === pat);
    expect(row).toMatchObject({ state: 'held', reason });
    const enrollment = await enrollmentOf(world, office, pat);
    expect(enrollment.held_reason).toBe(keepsLead ? reason : null);
    if (state) expect(enrollment).toMatchObject({ state, reason });
  });

test('D3 the gate looks again at hand-over, after the claim', async ({ world }) => {
  const office = await world.office();
  const server = mailServer();
  mailThrough(world, server.transport);
  Object.assign(world.services, {
    crash: async (point: string) => {
      if (point === 'claimed') await world.in(office, ctx => sequences.pause(ctx, id));
    },
  });
  const senderIds = [await makeSender(world, office, { name: 'Ada' }), await makeSender(world, office, { name: 'Bob' })];
  const id: number = await makeSequence(world, office, { senderIds });
  await enrol(world, office, id, 2);
  await plan(world, office, id);
  await world.clock.set(at('2026-03-02T16:59:00Z'));
  expect(await send(world, office)).toEqual({ handedOver: 0, refused: 2 });
  expect(server.handed).toEqual([]);
  expect((await ledger(world, office)).map(row => [row.state, row.reason])).toEqual([
    ['held', 'sequence_not_sending'],
    ['held', 'sequence_not_sending'],
  ]);
});

test('D1 what a worker had claimed when it died leaves as soon as its claim runs out, without waiting for a tick', async ({
  world,
}) => {
  const { office, handed } = await oneDue(world);
  Object.assign(world.services, {
    crash: async (point: string) => {
      if (point === 'claimed') throw new Error('killed');
    },
  });
  await world.drain();
  await expect(send(world, office)).rejects.toThrow('killed');
  Object.assign(world.services, { crash: undefined });
  expect(await send(world, office)).toEqual({ handedOver: 0, refused: 0 });
  expect(await world.drain()).toBe(0);
  await world.clock.move({ seconds: 15 });
  await world.drain();
  expect(handed).toHaveLength(1);
  expect(await byState(world, office)).toEqual({ sent: 1 });
});

test('D1 a worker that lives keeps what it has claimed for longer than a claim lasts', async ({ world }) => {
  const office = await world.office();
  const goes = Promise.withResolvers<HandOver>();
  const server = mailServer(() => goes.promise);
  mailThrough(world, server.transport);
  const senderIds = [await makeSender(world, office, { minGapMinutes: 0 })];
  const id = await makeSequence(world, office, { senderIds });
  await enrol(world, office, id, 20);
  await plan(world, office, id);
  await world.clock.set(at('2026-03-02T16:59:00Z'));
  const sending = send(world, office);
  const leases = () =>
    world.in(office, ctx => ctx.tx.selectFrom('message').select('lease_until').where('state', '=', 'claimed').execute());
  while (server.handed.length < 16 || (await leases()).length !== 4) await new Promise(resolve => setTimeout(resolve, 20));
  const [{ lease_until: first }] = (await leases()) as [{ lease_until: Temporal.Instant }];
  await world.clock.move({ seconds: 10 });
  while ((await leases())[0]!.lease_until!.equals(first)) await new Promise(resolve => setTimeout(resolve, 50));
  await world.clock.move({ seconds: 10 });
  expect(await send(world, office)).toEqual({ handedOver: 0, refused: 0 });
  goes.resolve({ outcome: 'accepted' });
  expect(await sending).toEqual({ handedOver: 20, refused: 0 });
  expect(new Set(server.handed.map(mail => mail.mailId)).size).toBe(20);
  expect(server.handed).toHaveLength(20);
});

test('D3 what came too late is planned again on the next sending day', async ({ world }) => {
  const { office, id, pat } = await oneDue(world);
  await world.clock.set(at('2026-03-02T18:00:00Z'));
  await send(world, office);
  expect(await byState(world, office)).toEqual({ held: 1 });
  await world.clock.set(at('2026-03-03T08:00:00Z'));
  expect(await plan(world, office, id)).toEqual({ planned: 1 });
  expect(await ledger(world, office)).toMatchObject([
    { enrollment_id: pat, state: 'planned', reason: null, planned_on: '2026-03-03' },
  ]);
});

test('D5 a deferred message is tried again later the same day, and its lead was not contacted', async ({ world }) => {
  const { office, pat, planned } = await oneDue(world, { outcome: 'deferred', detail: 'greylisted' });
  await send(world, office);
  const [row] = await ledger(world, office);
  expect(row).toMatchObject({ state: 'planned', reason: 'deferred', planned_at: planned.planned_at.add({ minutes: 15 }) });
  expect(await enrollmentOf(world, office, pat)).toMatchObject({ state: 'queued', contacted_at: null });
});

test('D5 a bad address ends the run as bounced and marks the lead', async ({ world }) => {
  const { office, pat } = await oneDue(world, { outcome: 'bad_address', detail: 'no such user' });
  await send(world, office);
  expect(await ledger(world, office)).toMatchObject([{ state: 'failed', reason: 'bad_address' }]);
  expect(await enrollmentOf(world, office, pat)).toMatchObject({ state: 'bounced', reason: 'bad_address' });
  const lead = await world.in(office, ctx => ctx.tx.selectFrom('lead').select('email_status').executeTakeFirstOrThrow());
  expect(lead.email_status).toBe('bounced');
});

test.for([
  ['blocked', 'paused'],
  ['auth_failed', 'failing'],
  ['quota', 'resting'],
] as const)('D5 %s stops the sender (%s) and keeps the message for later', async ([outcome, status], { world }) => {
  const { office, id, senderId, pat } = await oneDue(world, { outcome, detail: 'said the server' });
  await send(world, office);
  expect(await ledger(world, office)).toMatchObject([{ state: 'held', reason: outcome }]);
  const sender = () =>
    world.in(office, ctx => ctx.tx.selectFrom('sender').selectAll().where('id', '=', senderId).executeTakeFirstOrThrow());
  expect(await sender()).toMatchObject({ status, status_reason: 'said the server' });
  expect(await enrollmentOf(world, office, pat)).toMatchObject({ state: 'queued', contacted_at: null, held_reason: null });
  expect(await plan(world, office, id)).toEqual({ planned: 0 });
  await world.clock.set(at('2026-03-03T08:00:00Z'));
  expect(await plan(world, office, id)).toEqual({ planned: outcome === 'quota' ? 1 : 0 });
  expect((await sender()).status).toBe(outcome === 'quota' ? 'healthy' : status);
});

test('T1 nothing of another workspace is planned or sent', async ({ world }) => {
  const { office, handed } = await oneDue(world);
  const other = await world.office('Other');
  await send(world, other);
  expect(handed).toEqual([]);
  await send(world, office);
  expect(handed).toHaveLength(1);
});
