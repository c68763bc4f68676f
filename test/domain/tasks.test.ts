import { sql } from 'kysely';
import { expect } from 'vitest';
import type { Context } from '../../src/domain/context.ts';
import * as links from '../../src/domain/links/index.ts';
import * as messages from '../../src/domain/messages/index.ts';
import type { StepInput } from '../../src/domain/sequences/index.ts';
import * as sequences from '../../src/domain/sequences/index.ts';
import { createHandlers, type Notify } from '../../src/jobs/handlers.ts';
import { enrol, enrollmentOf, ledger, mailServer, mailThrough, makeSender, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const at = (text: string) => Temporal.Instant.from(text);
const call: StepInput = { kind: 'task', title: 'Call {{ first_name }}', body: 'Ask about {{ company }}', delayDays: 2 };
const mail: StepInput = { subject: 'Hello {{ first_name }}', body: 'Text', delayDays: 0 };

/** A sequence of the given steps, and what its owner was told. */
async function desk(world: World, steps: StepInput[], { dailyCap = 20 } = {}) {
  const office = await world.office();
  const server = mailServer();
  mailThrough(world, server.transport);
  const told: Parameters<Notify>[1][] = [];
  const notify = async (_: Context, note: Parameters<Notify>[1]) => void told.push(note);
  world.handlers = createHandlers(world.services, { notify });
  const id = await makeSequence(world, office, { dailyCap, senderIds: [await makeSender(world, office, { minGapMinutes: 0 })] });
  await world.in(office, ctx => sequences.edit(ctx, id, { steps }));
  return { office, id, server, told };
}

/** Lets everything happen that is due until an instant. */
async function live(world: World, office: Office, id: number, until: string): Promise<void> {
  await world.in(office, ctx => messages.planDay(ctx, id));
  await world.clock.set(at(until));
  await world.handlers['send-due']!({ workspaceId: office.id } as never, AbortSignal.any([]));
}

test('E3 a task waits with its owner on its day, and done it counts as contact and the next step is due', async ({ world }) => {
  const { office, id, server, told } = await desk(world, [mail, call, { body: 'Any news?', delayDays: 3 }]);
  const [pat] = await enrol(world, office, id, 1);
  await live(world, office, id, '2026-03-02T16:59:00Z');
  expect(await enrollmentOf(world, office, pat!)).toMatchObject({ state: 'active', next_position: 2, next_due_on: '2026-03-04' });
  await world.clock.set(at('2026-03-04T08:00:00Z'));
  await live(world, office, id, '2026-03-04T09:00:00Z');
  expect(await enrollmentOf(world, office, pat!)).toMatchObject({ state: 'waiting_on_task', next_position: 2 });
  expect(told).toMatchObject([
    {
      channel: office.admin.slackUserId,
      report: { title: 'Task: Call Pat', facts: expect.arrayContaining([{ label: 'What to do', value: 'Ask about Acme' }]) },
      buttons: [
        { label: 'Done', action: 'finish_task' },
        { label: 'Skip', action: 'skip_task' },
      ],
    },
  ]);
  // Again: nothing opens twice, and nothing expires while the owner is at it.
  await live(world, office, id, '2026-03-05T10:00:00Z');
  expect(told).toHaveLength(1);
  const done = await world.call(office, 'finish_task', { lead: 'pat1@acme.example', note: 'spoke for ten minutes' });
  expect(done).toMatchObject({ outcome: 'done', effect: 'write', result: { as: 'done', nextDueOn: '2026-03-08' } });
  expect(await enrollmentOf(world, office, pat!)).toMatchObject({
    state: 'active',
    next_position: 3,
    last_contact_at: at('2026-03-05T10:00:00Z'),
  });
  expect(await ledger(world, office)).toMatchObject([
    { position: 1, state: 'sent' },
    { position: 2, state: 'sent', detail: 'spoke for ten minutes', sender_id: null },
  ]);
  expect(server.handed).toHaveLength(1);
  expect(await world.call(office, 'finish_task', { lead: 'pat1@acme.example' })).toMatchObject({ code: 'no_task' });
});

test('E3 a skipped task is no contact; after the last step the run is complete', async ({ world }) => {
  const { office, id } = await desk(world, [{ ...call, delayDays: 0 }, mail]);
  const [pat, ann] = await enrol(world, office, id, 2);
  await live(world, office, id, '2026-03-02T09:00:00Z');
  expect(await enrollmentOf(world, office, pat!)).toMatchObject({ state: 'waiting_on_task', contacted_at: null });
  expect(await world.call(office, 'skip_task', { lead: 'pat1@acme.example' })).toMatchObject({
    outcome: 'done',
    result: { as: 'skipped', nextDueOn: '2026-03-02', completed: false },
  });
  expect(await enrollmentOf(world, office, pat!)).toMatchObject({
    ...{ state: 'active', contacted_at: null, last_contact_at: null, next_position: 2 },
  });
  await world.call(office, 'finish_task', { lead: 'pat2@acme.example' });
  expect((await enrollmentOf(world, office, ann!)).contacted_at).not.toBeNull();
  await live(world, office, id, '2026-03-02T16:59:00Z');
  await live(world, office, id, '2026-03-02T16:59:30Z');
  // The first e-mail goes to both; it is Pat's first contact, and Ann's second.
  expect((await ledger(world, office)).filter(row => row.position === 2)).toMatchObject(
    expect.arrayContaining([
      expect.objectContaining({ enrollment_id: pat, state: 'sent', first_contact: true }),
      expect.objectContaining({ enrollment_id: ann, state: 'sent', first_contact: false }),
    ]),
  );
  expect(await enrollmentOf(world, office, pat!)).toMatchObject({ state: 'completed' });
  expect((await ledger(world, office)).find(row => row.enrollment_id === pat && row.position === 1)).toMatchObject({
    state: 'failed',
    reason: 'skipped',
  });
});

test('S3 tasks and messages share the cap, and a task needs no sender', async ({ world }) => {
  const { office, id, told } = await desk(world, [{ ...call, delayDays: 0 }], { dailyCap: 3 });
  await world.in(office, ctx => ctx.tx.deleteFrom('sequence_sender').execute());
  await enrol(world, office, id, 5);
  const [sequence] = await world.in(office, ctx => sequences.overviews(ctx, [id]));
  expect(sequence!.capacity).toMatchObject({ effectiveCap: 3, limitedBy: 'cap' });
  await live(world, office, id, '2026-03-02T09:00:00Z');
  expect(told).toHaveLength(3);
  await live(world, office, id, '2026-03-02T16:00:00Z');
  expect(told).toHaveLength(3);
  await world.call(office, 'finish_task', { lead: 'pat1@acme.example' });
  await live(world, office, id, '2026-03-02T16:30:00Z');
  expect(told).toHaveLength(3);
  await world.clock.set(at('2026-03-03T08:00:00Z'));
  await live(world, office, id, '2026-03-03T09:00:00Z');
  expect(told).toHaveLength(5);
});

test('S3 D2 opening counts the cap again: what is over it waits held for another day', async ({ world }) => {
  const { office, id, told } = await desk(world, [{ ...call, delayDays: 0 }]);
  await enrol(world, office, id, 3);
  await world.in(office, ctx => messages.planDay(ctx, id));
  await world.in(office, ctx => ctx.tx.updateTable('sequence').set({ daily_cap: 1 }).execute());
  await live(world, office, id, '2026-03-02T09:00:00Z');
  expect(told).toHaveLength(1);
  expect((await ledger(world, office)).map(row => row.reason).sort()).toEqual(['cap_reached', 'cap_reached', null]);
});

test('D3 S8 a task passes the gate: excluded, or with an empty variable, it does not open', async ({ world }) => {
  const { office, id, told } = await desk(world, [{ ...call, delayDays: 0 }]);
  const [pat] = await enrol(world, office, id, 1, { firstName: null });
  await enrol(world, office, id, 1, { company: 'gone.example' });
  await world.in(office, ctx => messages.planDay(ctx, id));
  await world.in(office, ctx =>
    sql`insert into exclusion (workspace_id, kind, value, reason, created_at)
      values (${office.id}, 'domain', 'gone.example', 'test', ${ctx.now})`.execute(ctx.tx),
  );
  await world.clock.set(at('2026-03-02T09:00:00Z'));
  await world.handlers['send-due']!({ workspaceId: office.id } as never, AbortSignal.any([]));
  expect(told).toEqual([]);
  expect((await ledger(world, office)).map(row => [row.state, row.reason])).toEqual([
    ['held', 'missing_variable'],
    ['held', 'excluded_company'],
  ]);
  expect(await enrollmentOf(world, office, pat!)).toMatchObject({ state: 'queued', held_reason: 'missing_variable' });
});

test('K6 an open task is no contact: unlinking withdraws its lead, and the task is not open any more', async ({ world }) => {
  const { office, id } = await desk(world, [{ ...call, delayDays: 0 }, mail]);
  const [pat, ann] = await enrol(world, office, id, 2);
  await live(world, office, id, '2026-03-02T09:00:00Z');
  await world.call(office, 'skip_task', { lead: 'pat2@acme.example' });
  const { list_id: listId } = await enrollmentOf(world, office, pat!);
  await world.in(office, ctx => links.unlink(ctx, { listId: listId! }));
  expect(await enrollmentOf(world, office, pat!)).toMatchObject({ state: 'withdrawn' });
  expect(await enrollmentOf(world, office, ann!)).toMatchObject({ state: 'withdrawn' });
  expect(await world.call(office, 'finish_task', { lead: 'pat1@acme.example' })).toMatchObject({ code: 'not_live' });
  expect((await ledger(world, office)).map(row => row.state)).toEqual(['failed']);
});

test('K6 a task that was done is contact: unlinking leaves its lead in the sequence', async ({ world }) => {
  const { office, id } = await desk(world, [{ ...call, delayDays: 0 }, mail]);
  const [pat] = await enrol(world, office, id, 1);
  await live(world, office, id, '2026-03-02T09:00:00Z');
  await world.call(office, 'finish_task', { lead: 'pat1@acme.example' });
  const { list_id: listId } = await enrollmentOf(world, office, pat!);
  await world.in(office, ctx => links.unlink(ctx, { listId: listId! }));
  expect((await enrollmentOf(world, office, pat!)).state).toBe('active');
});

test('W2 only the owner or an admin closes a task', async ({ world }) => {
  const { office, id } = await desk(world, [{ ...call, delayDays: 0 }]);
  await enrol(world, office, id, 1);
  await live(world, office, id, '2026-03-02T09:00:00Z');
  expect(await world.call(office, 'finish_task', { lead: 'pat1@acme.example' }, { actor: office.rep })).toMatchObject({
    code: 'not_yours',
  });
});

test('S2 a task needs a title, and a sequence of tasks alone needs no sender', async ({ world }) => {
  const office = await world.office();
  const untitled = [{ kind: 'task', body: 'Ring them' }];
  expect(await world.call(office, 'create_sequence', { name: 'Calls', steps: untitled })).toMatchObject({ code: 'no_title' });
  const bad = [{ kind: 'task', title: 'Call {{ frist_name }}', body: 'Ring them' }];
  expect(await world.call(office, 'create_sequence', { name: 'Calls', steps: bad })).toMatchObject({ code: 'bad_template' });
  const steps = [{ kind: 'task', title: 'Call', body: 'Ring them' }];
  expect(await world.call(office, 'create_sequence', { name: 'Calls', steps })).toMatchObject({ result: { missing: [] } });
  const shown = await world.call(office, 'show_sequence', { sequence: 'Calls' });
  expect(JSON.stringify(shown.report)).toContain('Task: Call');
});
