import { expect } from 'vitest';
import { messageOfToken } from '../../src/db/system.ts';
import * as messages from '../../src/domain/messages/index.ts';
import type { HandOver } from '../../src/domain/ports.ts';
import type { Outcome } from '../../src/tools/run.ts';
import { byState, enrol, enrollmentOf, ledger, mailServer, mailThrough, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const at = (text: string) => Temporal.Instant.from(text);
const plan = (world: World, office: Office, id: number) => world.in(office, ctx => messages.planDay(ctx, id));
const newDay = (world: World, office: Office, sequenceId: number, on: string) =>
  world.handlers['daily-enrollment']!({ workspaceId: office.id, sequenceId, on } as never, AbortSignal.any([]));

test('E3 a lead pauses until a date and goes on by itself: uncontacted back to the queue, contacted to where it was', async ({
  world,
}) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  const [pat] = await enrol(world, office, id, 1);
  const [ann] = await enrol(world, office, id, 1, { dueOn: '2026-03-02' });
  await plan(world, office, id);
  expect(await world.call(office, 'pause_lead', { lead: 'pat1@acme.example', until: '2026-03-10' })).toMatchObject({
    outcome: 'done',
    effect: 'write',
    result: { until: '2026-03-10', unplanned: 1 },
  });
  await world.call(office, 'pause_lead', { lead: 'pat2@acme.example', until: '2026-03-10' });
  expect(await enrollmentOf(world, office, pat!)).toMatchObject({
    state: 'paused',
    paused_until: '2026-03-10',
    reason: 'by_hand',
  });
  expect(await ledger(world, office)).toEqual([]);
  await world.clock.set(at('2026-03-09T09:00:00Z'));
  await newDay(world, office, id, '2026-03-09');
  expect((await enrollmentOf(world, office, pat!)).state).toBe('paused');
  await world.clock.set(at('2026-03-10T09:00:00Z'));
  await newDay(world, office, id, '2026-03-10');
  expect(await enrollmentOf(world, office, pat!)).toMatchObject({ state: 'queued', paused_until: null, reason: null });
  expect(await enrollmentOf(world, office, ann!)).toMatchObject({
    state: 'active',
    next_due_on: '2026-03-02',
    paused_until: null,
  });
});

test('E3 pausing without a date means two weeks, again changes the date, and until today ends it', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  const [pat] = await enrol(world, office, id, 1);
  expect(await world.call(office, 'pause_lead', { lead: 'Pat 1' })).toMatchObject({ result: { until: '2026-03-16' } });
  expect(await world.call(office, 'pause_lead', { lead: 'Pat 1', until: '2026-04-01' })).toMatchObject({
    result: { until: '2026-04-01' },
  });
  expect(await world.call(office, 'pause_lead', { lead: 'Pat 1', until: '2026-03-02' })).toMatchObject({
    result: { until: null },
  });
  expect(await enrollmentOf(world, office, pat!)).toMatchObject({ state: 'queued', paused_until: null });
  expect(await world.call(office, 'pause_lead', { lead: 'Pat 1', until: '2026-03-01' })).toMatchObject({ code: 'until_past' });
  expect(await world.call(office, 'pause_lead', { lead: 'Pat 1', until: '2026-02-30' })).toMatchObject({ code: 'bad_input' });
  expect(await world.call(office, 'pause_lead', { lead: 'Pat 1', until: '2028-01-01' })).toMatchObject({ code: 'until_far' });
});

test('E3 a pause ends when somebody says so, and only a pause; the answer to a pause says how', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  const [pat] = await enrol(world, office, id, 1);
  await enrol(world, office, id, 1, { state: 'in_review' });
  const paused = await world.call(office, 'pause_lead', { lead: 'Pat 1', until: '2026-05-01' });
  expect(paused.report.next).toEqual(['resume pat1@acme.example', 'why pat1@acme.example']);
  expect((await world.call(office, 'why', { about: 'Pat 1' })).report.next![0]).toBe('resume pat1@acme.example');
  const resumed = await world.call(office, 'pause_lead', { lead: 'Pat 1', end: true });
  expect(resumed).toMatchObject({ outcome: 'done', result: { until: null } });
  expect(resumed.report.title).toBe('Pat 1 goes on in "Fall Intro".');
  expect(await enrollmentOf(world, office, pat!)).toMatchObject({ state: 'queued', paused_until: null, reason: null });
  expect((await world.call(office, 'undo', {})).report.title).toContain('is paused until Fri 1 May again');
  expect(await enrollmentOf(world, office, pat!)).toMatchObject({ state: 'paused', paused_until: '2026-05-01' });
  await world.call(office, 'pause_lead', { lead: 'Pat 1', end: true, until: '2026-03-01' });
  const again = await world.call(office, 'pause_lead', { lead: 'Pat 1', end: true });
  expect(again).toMatchObject({ outcome: 'refused', code: 'not_paused', next: ['why pat1@acme.example'] });
  expect(again.report.title).toContain('not paused in "Fall Intro" but in its queue');
  expect(await world.call(office, 'pause_lead', { lead: 'Pat 2', end: true })).toMatchObject({ code: 'not_paused' });
  expect(await world.call(office, 'pause_lead', { lead: 'Pat One', end: true })).toMatchObject({
    next: ['resume Pat 1', 'resume Pat 2'],
  });
});

test('E3 who waits for review cannot be paused, and who is nowhere neither', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  await enrol(world, office, id, 1, { state: 'in_review' });
  await enrol(world, office, id, 1, { state: 'completed' });
  expect(await world.call(office, 'pause_lead', { lead: 'Pat 1' })).toMatchObject({ outcome: 'refused', code: 'in_review' });
  expect(await world.call(office, 'pause_lead', { lead: 'Pat 2' })).toMatchObject({ outcome: 'refused', code: 'not_live' });
  expect(await world.call(office, 'pause_lead', { lead: 'Pat One' })).toMatchObject({
    code: 'unknown_lead',
    next: ['pause Pat 1', 'pause Pat 2'],
  });
});

test('E3 a stopped lead gets nothing further, whatever was planned', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  const [pat] = await enrol(world, office, id, 2);
  await plan(world, office, id);
  expect(await world.call(office, 'stop_lead', { lead: 'Pat 1', reason: 'changed jobs' })).toMatchObject({
    outcome: 'done',
    effect: 'write',
  });
  expect(await enrollmentOf(world, office, pat!)).toMatchObject({ state: 'stopped', reason: 'changed jobs' });
  expect(await byState(world, office)).toEqual({ planned: 1 });
  expect(await world.call(office, 'stop_lead', { lead: 'Pat 1' })).toMatchObject({ code: 'not_live' });
  expect(await world.call(office, 'stop_lead', { lead: 'Pat 2' }, { actor: office.rep })).toMatchObject({ code: 'not_yours' });
  await makeSequence(world, office, { name: 'Other' });
  expect(await world.call(office, 'stop_lead', { lead: 'Pat 2', sequence: 'Other' })).toMatchObject({ code: 'not_in_sequence' });
});

/** One first message of which nobody knows whether it left. */
async function unknown(world: World) {
  const office = await world.office();
  let answer: HandOver = { outcome: 'unknown', detail: 'no answer' };
  const server = mailServer(async () => answer);
  mailThrough(world, server.transport);
  const id = await makeSequence(world, office);
  const [pat] = await enrol(world, office, id, 1);
  await plan(world, office, id);
  const [planned] = await ledger(world, office);
  await world.clock.set(planned!.planned_at);
  await messages.sendDue(world.services, office.id);
  expect(await byState(world, office)).toEqual({ unknown: 1 });
  const answers = {
    accept: () => (answer = { outcome: 'accepted' }),
    defer: () => (answer = { outcome: 'deferred', detail: '451 later' }),
  };
  return { office, id, pat: pat!, server, handedAt: planned!.planned_at, ...answers };
}

async function settled(world: World, office: Office, input: object) {
  const asked = (await world.call(office, 'settle_unknown', input)) as Extract<Outcome, { outcome: 'needs_approval' }>;
  expect(asked).toMatchObject({ outcome: 'needs_approval', effect: 'gated' });
  return world.press(office, asked.approval.id);
}

test('D2 an unknown message that a human marks sent lets its run go on from the hand-over', async ({ world }) => {
  const { office, id, pat, server, handedAt } = await unknown(world);
  await world.clock.set(at('2026-03-04T08:00:00Z'));
  expect(await plan(world, office, id)).toEqual({ planned: 0 });
  expect(await settled(world, office, { sequence: 'Fall Intro', as: 'sent' })).toMatchObject({
    outcome: 'approved',
    did: { outcome: 'done', result: { as: 'sent', settled: 1 } },
  });
  expect(await enrollmentOf(world, office, pat)).toMatchObject({
    state: 'active',
    next_position: 2,
    next_due_on: '2026-03-05',
    last_contact_at: handedAt,
  });
  expect(await ledger(world, office)).toMatchObject([{ state: 'sent', reason: 'settled_by_hand' }]);
  expect(server.handed).toHaveLength(1);
  expect(await world.call(office, 'settle_unknown', { as: 'sent' })).toMatchObject({ code: 'nothing_unknown' });
});

test('D2 an unknown message is sent again only when a human says so, from the same sender and under the same Message-ID', async ({
  world,
}) => {
  const { office, id, pat, server, accept } = await unknown(world);
  accept();
  await world.clock.set(at('2026-03-03T16:59:00Z'));
  await plan(world, office, id);
  await messages.sendDue(world.services, office.id);
  expect(server.handed).toHaveLength(1);
  await settled(world, office, { lead: 'pat1@acme.example', as: 'resend' });
  await world.clock.set(at('2026-03-04T08:00:00Z'));
  expect(await plan(world, office, id)).toEqual({ planned: 1 });
  await world.clock.set(at('2026-03-04T16:59:00Z'));
  await messages.sendDue(world.services, office.id);
  expect(server.handed.map(mail => mail.mailId)).toEqual([server.handed[0]!.mailId, server.handed[0]!.mailId]);
  expect(await byState(world, office)).toEqual({ sent: 1 });
  expect(await enrollmentOf(world, office, pat)).toMatchObject({ state: 'active', next_position: 2, next_due_on: '2026-03-07' });
});

test.for([
  ['a changed cap', [['edit_sequence', { sequence: 'Fall Intro', dailyCap: 30 }]]],
  [
    'a pause of the sequence',
    [
      ['pause_sequence', { sequence: 'Fall Intro' }],
      ['resume_sequence', { sequence: 'Fall Intro' }],
    ],
  ],
  [
    'a pause of the lead',
    [
      ['pause_lead', { lead: 'pat1@acme.example', until: '2026-03-05' }],
      ['pause_lead', { lead: 'pat1@acme.example', until: '2026-03-04' }],
    ],
  ],
] as const)(
  'D1 D2 D6 a message to be sent again keeps its Message-ID and its opt-out link through %s',
  async ([, calls], { world }) => {
    const { office, id, server, accept } = await unknown(world);
    const { token } = await world.in(office, ctx =>
      ctx.tx.selectFrom('message').select('opt_out_token as token').executeTakeFirstOrThrow(),
    );
    accept();
    await world.clock.set(at('2026-03-04T08:00:00Z'));
    await settled(world, office, { lead: 'pat1@acme.example', as: 'resend' });
    expect(await plan(world, office, id)).toEqual({ planned: 1 });
    for (const [tool, input] of calls) {
      const done = await world.call(office, tool, input);
      if (done.outcome === 'needs_approval') await world.press(office, done.approval.id);
      expect(await messageOfToken(world.services.db, token!)).toMatchObject({ workspaceId: office.id });
    }
    await plan(world, office, id);
    await world.clock.set(at('2026-03-04T16:59:00Z'));
    await messages.sendDue(world.services, office.id);
    expect(server.handed.map(mail => mail.mailId)).toEqual([server.handed[0]!.mailId, server.handed[0]!.mailId]);
    expect(await messageOfToken(world.services.db, token!)).toMatchObject({ workspaceId: office.id });
  },
);

test('D2 E1 whom a message may have reached stays contacted when its second copy is put off', async ({ world }) => {
  const { office, id, pat, defer, handedAt } = await unknown(world);
  defer();
  await world.clock.set(at('2026-03-04T08:00:00Z'));
  await settled(world, office, { lead: 'pat1@acme.example', as: 'resend' });
  await plan(world, office, id);
  await world.clock.set(at('2026-03-04T16:00:00Z'));
  await messages.sendDue(world.services, office.id);
  expect(await ledger(world, office)).toMatchObject([{ reason: 'deferred' }]);
  expect(await enrollmentOf(world, office, pat)).toMatchObject({ contacted_at: handedAt });
});

test('D2 W2 nobody settles what is another’s', async ({ world }) => {
  const { office } = await unknown(world);
  expect(await world.call(office, 'settle_unknown', { as: 'sent' }, { actor: office.rep })).toMatchObject({
    code: 'nothing_unknown',
  });
  expect(await world.call(office, 'settle_unknown', { as: 'sent', sequence: 'Fall Intro' }, { actor: office.rep })).toMatchObject(
    {
      code: 'not_yours',
    },
  );
});
