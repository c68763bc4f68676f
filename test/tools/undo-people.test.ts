import { sql } from 'kysely';
import { expect } from 'vitest';
import * as links from '../../src/domain/links/index.ts';
import * as messages from '../../src/domain/messages/index.ts';
import type { StepInput } from '../../src/domain/sequences/index.ts';
import * as sequences from '../../src/domain/sequences/index.ts';
import type { Outcome } from '../../src/tools/run.ts';
import { calls, plainContext } from '../agent/phrasebook-slots.ts';
import { contactFirst, makeList, makeSequence, settle, states } from '../support/links.ts';
import { enrol, enrollmentOf, ledger, mailServer, mailThrough, makeSequence as makeReal } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const undo = (world: World, office: Office) => world.call(office, 'undo', {});
const title = (outcome: Outcome): string => outcome.report.title;

/** Presses the button of a card. */
async function approve(world: World, office: Office, asked: Outcome): Promise<Outcome> {
  if (asked.outcome !== 'needs_approval') throw new Error(`not gated: ${JSON.stringify(asked)}`);
  const pressed = await world.press(office, asked.approval.id);
  if (pressed.outcome !== 'approved') throw new Error(JSON.stringify(pressed));
  return pressed.did;
}

/** A refusal, whose suggestions are all understood. */
function refused(outcome: Outcome): Extract<Outcome, { outcome: 'refused' }> {
  if (outcome.outcome !== 'refused') throw new Error(`not refused: ${JSON.stringify(outcome)}`);
  const context = { ...plainContext, lists: ['VPs', 'Leads'], sequences: ['Fall', 'Fall Intro', 'Winter'] };
  expect(outcome.next?.length).toBeGreaterThan(0);
  for (const phrase of outcome.next!) expect([phrase, calls(phrase, {}, context).length]).toEqual([phrase, 1]);
  return outcome;
}

/** A copilot sequence with a list whose people wait for review. */
async function inReview(world: World, members: number) {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members });
  const fall = await makeSequence(world, office, 'Fall', { mode: 'copilot' });
  await world.call(office, 'link_list', { list: 'VPs', sequence: 'Fall' });
  await settle(world);
  const decide = async (input: object) => {
    const asked = await world.call(office, 'review_leads', { sequence: 'Fall', ...input });
    return asked.outcome === 'needs_approval' ? approve(world, office, asked) : asked;
  };
  return { office, fall, decide };
}

const runs = (world: World, office: Office) =>
  world.in(office, ctx =>
    ctx.tx.selectFrom('enrollment').select(['lead_id', 'state', 'reason', 'enrolled_at']).orderBy('id').execute(),
  );

test('A6 E4 an approval is taken back for whom nothing has left: they wait again since as long as before, the contacted stay', async ({
  world,
}) => {
  const { office, fall, decide } = await inReview(world, 5);
  const entered = world.now;
  await world.clock.move({ hours: 24 });
  await decide({ decision: 'approve', all: true });
  await contactFirst(world, office, fall.id, 1);
  const other = { actor: { ...office.rep, role: 'admin' as const } };
  await world.call(office, 'remove_member', { list: 'VPs', leads: ['VPs 5'] }, other);
  const undone = await undo(world, office);
  expect(title(undone)).toBe(
    'Undone: 3 leads wait for review in "Fall" again. 1 was contacted already and stays; 1 has left it since.',
  );
  expect(undone.report.facts).toContainEqual({ label: 'Waiting for review', value: '3' });
  expect(await states(world, office, fall.id)).toEqual({ active: 1, in_review: 3, withdrawn: 4 });
  const again = (await runs(world, office)).filter(run => run.state === 'in_review');
  expect(again.map(run => run.enrolled_at.toString())).toEqual(Array(3).fill(entered.toString()));

  // No mark is left: unlinked and linked again, they enrol anew.
  await world.call(office, 'unlink_list', { list: 'VPs' });
  expect(await states(world, office, fall.id)).toEqual({ active: 1, withdrawn: 7 });
  await world.call(office, 'link_list', { list: 'VPs', sequence: 'Fall' });
  await settle(world);
  expect((await states(world, office, fall.id)).in_review).toBe(3);
});

test('A6 an approval of whom everybody was contacted stays, and the answer says what to do', async ({ world }) => {
  const { office, fall, decide } = await inReview(world, 1);
  await decide({ decision: 'approve', leads: ['VPs 1'] });
  await contactFirst(world, office, fall.id, 1);
  expect(refused(await undo(world, office))).toMatchObject({ code: 'has_left', next: ['pause "Fall"', 'show sequence "Fall"'] });
});

test('A6 what was planned for somebody who was approved loses its time when that is taken back', async ({ world }) => {
  const { office, fall, decide } = await inReview(world, 2);
  await decide({ decision: 'approve', all: true });
  expect(await world.in(office, ctx => messages.planDay(ctx, fall.id))).toEqual({ planned: 2 });
  expect((await undo(world, office)).outcome).toBe('done');
  expect(await ledger(world, office)).toEqual([]);
});

test('A6 E5 a refusal is taken back where nothing has come in between, and leaves no mark', async ({ world }) => {
  const { office, fall, decide } = await inReview(world, 3);
  await decide({ decision: 'refuse', all: true, reason: 'not now' });
  await makeSequence(world, office, 'Winter');
  const [first] = await runs(world, office);
  await makeList(world, office, 'Others', { leads: [first!.lead_id] });
  await world.call(office, 'link_list', { list: 'Others', sequence: 'Winter' }, { actor: { ...office.rep, role: 'admin' } });
  await settle(world);
  const undone = await undo(world, office);
  expect(title(undone)).toBe('Undone: 2 leads wait for review in "Fall" again. 1 stays refused: 1 in another sequence.');
  expect(await states(world, office, fall.id)).toEqual({ in_review: 2, refused: 3 });
  await world.call(office, 'unlink_list', { list: 'VPs' });
  await world.call(office, 'link_list', { list: 'VPs', sequence: 'Fall' });
  await settle(world);
  expect(await states(world, office, fall.id)).toEqual({ in_review: 2, refused: 3, withdrawn: 2 });
});

test('A6 E5 somebody who was enrolled by hand and refused waits again, unless excluded or in another sequence by then', async ({
  world,
}) => {
  const { office, fall, decide } = await inReview(world, 0);
  await makeList(world, office, 'Others', { members: 1 });
  await world.call(office, 'enroll_lead', { lead: 'Others 1', sequence: 'Fall' });
  const other = { actor: { ...office.rep, role: 'admin' as const } };
  await decide({ decision: 'refuse', leads: ['Others 1'] });
  await world.call(office, 'exclude', { domain: 'company-1.example' }, other);
  expect(refused(await undo(world, office)).message).toContain('1 stays refused: 1 excluded');
  await world.call(office, 'lift_exclusion', { value: 'company-1.example' }, other);
  expect(title(await undo(world, office))).toBe('Undone: 1 lead waits for review in "Fall" again.');
  expect(await states(world, office, fall.id)).toEqual({ in_review: 1, refused: 1 });
  await decide({ decision: 'refuse', leads: ['Others 1'] });
  await makeSequence(world, office, 'Winter');
  await world.call(office, 'link_list', { list: 'Others', sequence: 'Winter' }, other);
  await settle(world);
  expect(refused(await undo(world, office)).message).toContain('1 in another sequence');
});

test('A6 a refusal stays where the list is linked no more, and the answer says why', async ({ world }) => {
  const { office, fall, decide } = await inReview(world, 2);
  await decide({ decision: 'refuse', leads: ['VPs 1'] });
  await world.call(office, 'unlink_list', { list: 'VPs' }, { actor: { ...office.rep, role: 'admin' } });
  expect(refused(await undo(world, office))).toMatchObject({
    code: 'stays_refused',
    message: expect.stringContaining('1 stays refused: 1 list unlinked'),
  });
  expect(await states(world, office, fall.id)).toEqual({ refused: 1, withdrawn: 1 });
});

test('A6 a stop is taken back before any contact: in line, in review or paused as before; after contact it stays', async ({
  world,
}) => {
  const office = await world.office();
  const id = await makeReal(world, office);
  await enrol(world, office, id, 2);
  await enrol(world, office, id, 1, { dueOn: '2026-03-02' });
  await enrol(world, office, id, 1, { state: 'in_review' });
  const stop = (n: number) => world.call(office, 'stop_lead', { lead: `pat${n}@acme.example`, reason: 'a mistake' });
  await world.in(office, ctx =>
    sql`update enrollment e set reviewed_at = ${ctx.now}, reviewed_by = ${office.rep.id} from lead l
      where l.id = e.lead_id and l.full_name = 'Pat 1'`.execute(ctx.tx),
  );
  await stop(1);
  expect(title(await undo(world, office))).toBe('Undone: Pat 1 is in line in "Fall Intro" again.');
  const reviewed = await world.in(office, ctx =>
    ctx.tx.selectFrom('enrollment').select('state').where('reviewed_by', '=', office.rep.id).orderBy('id').execute(),
  );
  expect(reviewed.map(run => run.state)).toEqual(['stopped', 'queued']);
  await world.call(office, 'pause_lead', { lead: 'Pat 2', until: '2026-04-01' });
  await stop(2);
  expect(title(await undo(world, office))).toBe('Undone: Pat 2 is paused until Wed 1 Apr in "Fall Intro" again.');
  await world.in(office, ctx =>
    sql`update enrollment set paused_until = null, reason = 'reply_being_read' where state = 'paused'`.execute(ctx.tx),
  );
  await stop(2);
  expect(title(await undo(world, office))).toBe('Undone: Pat 2 is paused in "Fall Intro" again.');
  await stop(4);
  expect(title(await undo(world, office))).toBe('Undone: Pat 4 waits for review in "Fall Intro" again.');
  expect(await states(world, office, id)).toEqual({ active: 1, in_review: 1, paused: 1, queued: 1, stopped: 4 });
  await stop(3);
  expect(refused(await undo(world, office))).toMatchObject({
    code: 'stays_stopped',
    message: 'Pat 3 stays stopped in "Fall Intro" (already contacted here). Another sequence may take them.',
  });
});

const task: StepInput = { kind: 'task', title: 'Call {{ first_name }}', body: 'Ask', delayDays: 0 };

/** A sequence whose first step is a task that is open for Pat 1. */
async function atTask(world: World, steps: StepInput[]) {
  const office = await world.office();
  mailThrough(world, mailServer().transport);
  const id = await makeReal(world, office);
  await world.in(office, ctx => sequences.edit(ctx, id, { steps }));
  const [pat] = await enrol(world, office, id, 1);
  const live = async (until: string) => {
    await world.in(office, ctx => messages.planDay(ctx, id));
    await world.clock.set(Temporal.Instant.from(until));
    await world.handlers['send-due']!({ workspaceId: office.id } as never, AbortSignal.any([]));
  };
  await live('2026-03-02T16:59:00Z');
  const before = await enrollmentOf(world, office, pat!);
  expect(before).toMatchObject({ state: 'waiting_on_task', contacted_at: null });
  return { office, pat: pat!, live, before };
}

test.for(['finish_task', 'skip_task'])(
  'A6 E3 %s is taken back while the next step has not begun: the task is open as it was',
  async (tool, { world }) => {
    const { office, pat, live, before } = await atTask(world, [task, { subject: 'Hi', body: 'Text', delayDays: 1 }]);
    await world.call(office, tool, { lead: 'Pat 1' });
    expect((await enrollmentOf(world, office, pat)).state).toBe('active');
    expect(title(await undo(world, office))).toBe('Undone: the task "Call Pat" for Pat 1 is open again.');
    expect(await enrollmentOf(world, office, pat)).toEqual(before);
    expect(await ledger(world, office)).toMatchObject([{ position: 1, state: 'claimed', reason: null }]);

    await world.call(office, tool, { lead: 'Pat 1' });
    await world.clock.set(Temporal.Instant.from('2026-03-03T08:00:00Z'));
    await live('2026-03-03T16:59:00Z');
    expect(refused(await undo(world, office))).toMatchObject({ code: 'run_ended' });
  },
);

test('A6 a task stays closed once the next step is under way', async ({ world }) => {
  const { office, live } = await atTask(world, [task, { subject: 'Hi', body: 'Text' }, { body: 'Later', delayDays: 9 }]);
  await world.call(office, 'finish_task', { lead: 'Pat 1' });
  await world.clock.set(Temporal.Instant.from('2026-03-05T08:00:00Z'));
  await live('2026-03-05T16:59:00Z');
  expect(refused(await undo(world, office))).toMatchObject({ code: 'has_left' });
});

const statusOf = async (world: World, office: Office, id: number): Promise<string> =>
  (await world.in(office, ctx => sequences.lock(ctx, id))).status;

test('A6 S1 a sequence that is finishing is active again after a button, with its lists, and whom it let go enrol anew', async ({
  world,
}) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 3 });
  const fall = await makeSequence(world, office, 'Fall');
  await world.call(office, 'link_list', { list: 'VPs', sequence: 'Fall' });
  await settle(world);
  await contactFirst(world, office, fall.id, 1);
  await makeList(world, office, 'Others', { members: 1 });
  await world.call(office, 'enroll_lead', { lead: 'Others 1', sequence: 'Fall' });
  await approve(world, office, await world.call(office, 'finish_sequence', { sequence: 'Fall' }));
  expect(await statusOf(world, office, fall.id)).toBe('finishing');
  const undone = await approve(world, office, await undo(world, office));
  expect(title(undone)).toBe(
    'Undone: "Fall" is active again; "VPs" is linked again, and whom that had to let go enrol anew; 1 person enrolled by hand stays out of it.',
  );
  await settle(world);
  expect(await statusOf(world, office, fall.id)).toBe('active');
  expect(await states(world, office, fall.id)).toEqual({ active: 1, queued: 2, withdrawn: 3 });
});

test('A6 S1 one that nobody was in flight of is active again too; one that was paused says how to go on', async ({ world }) => {
  const office = await world.office();
  const fall = await makeSequence(world, office, 'Fall');
  await approve(world, office, await world.call(office, 'finish_sequence', { sequence: 'Fall' }));
  expect(await statusOf(world, office, fall.id)).toBe('inactive');
  expect(title(await approve(world, office, await undo(world, office)))).toBe('Undone: "Fall" is active again.');

  await world.call(office, 'pause_sequence', { sequence: 'Fall' });
  await approve(world, office, await world.call(office, 'finish_sequence', { sequence: 'Fall' }));
  expect(refused(await undo(world, office))).toMatchObject({ code: 'was_paused', next: ['resume "Fall"'] });
});

test('A6 S1 a reopened sequence is finishing again while nobody new has come, and an archived one stays archived', async ({
  world,
}) => {
  const office = await world.office();
  const id = await makeReal(world, office);
  await enrol(world, office, id, 1, { dueOn: '2026-03-20' });
  const finish = async () => approve(world, office, await world.call(office, 'finish_sequence', { sequence: 'Fall Intro' }));
  const reopen = async () => approve(world, office, await world.call(office, 'reopen_sequence', { sequence: 'Fall Intro' }));
  await finish();
  await reopen();
  expect(title(await undo(world, office))).toContain('"Fall Intro" is finishing again');
  expect(await statusOf(world, office, id)).toBe('finishing');
  await reopen();
  await makeList(world, office, 'VPs', { members: 2 });
  const [list] = await world.in(office, ctx => ctx.tx.selectFrom('list').select('id').where('name', '=', 'VPs').execute());
  await world.in(office, ctx => links.link(ctx, { listId: list!.id, sequenceId: id }));
  await settle(world);
  expect(refused(await undo(world, office))).toMatchObject({
    code: 'came_since',
    message: 'Since then 1 list was linked and 2 people came. Finish "Fall Intro" to let them go again.',
  });
  await world.call(office, 'pause_sequence', { sequence: 'Fall Intro' });
  await approve(world, office, await world.call(office, 'archive_sequence', { sequence: 'Fall Intro' }));
  expect(refused(await undo(world, office))).toMatchObject({ code: 'archived_for_good', next: ['duplicate "Fall Intro"'] });
});

test('A6 D2 messages that were to be sent again are unknown as before while they wait; marked as sent they stay so', async ({
  world,
}) => {
  const office = await world.office();
  mailThrough(world, mailServer(async () => ({ outcome: 'unknown' }) as never).transport);
  const id = await makeReal(world, office);
  const [first, second] = await enrol(world, office, id, 2, { dueOn: '2026-03-02' });
  const unknownOf = (enrollmentIds: number[]) =>
    world.in(office, ctx =>
      sql`insert into message (workspace_id, enrollment_id, sequence_id, lead_id, sender_id, version, position, first_contact, state, reason,
          planned_on, planned_at, claimed_at, handing_at, ended_at, mail_id)
        select workspace_id, id, sequence_id, lead_id, sender_id, version, next_position, false, 'unknown', 'no_answer', '2026-03-02',
          ${ctx.now}, ${ctx.now}, ${ctx.now}, ${ctx.now}, 'mail-' || id
        from enrollment where id = any(${enrollmentIds}::bigint[])`.execute(ctx.tx),
    );
  await unknownOf([first!, second!]);
  const rows = () =>
    world.in(office, ctx => ctx.tx.selectFrom('message').selectAll().where('state', '<>', 'sent').orderBy('id').execute());
  const before = await rows();
  const settleAs = async (as: string) =>
    approve(world, office, await world.call(office, 'settle_unknown', { sequence: 'Fall Intro', as }));
  await settleAs('resend');
  expect((await rows()).map(row => row.state)).toEqual(['held', 'held']);
  expect(title(await undo(world, office))).toBe('Undone: 2 messages are unknown again and not sent.');
  expect(await rows()).toEqual(before);

  await settleAs('resend');
  await world.in(office, ctx =>
    ctx.tx.updateTable('message').set({ state: 'claimed' }).where('enrollment_id', '=', first!).execute(),
  );
  expect(title(await undo(world, office))).toBe(
    'Undone: 1 message is unknown again and not sent. 1 has begun to leave, or need it no more.',
  );
  await settleAs('sent');
  expect(refused(await undo(world, office))).toMatchObject({ code: 'counts_as_sent', next: ['pause "Fall Intro"'] });
});
