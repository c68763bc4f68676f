import { sql } from 'kysely';
import { expect } from 'vitest';
import * as links from '../../src/domain/links/index.ts';
import * as messages from '../../src/domain/messages/index.ts';
import type { Outcome } from '../../src/tools/run.ts';
import { byState, enrol, enrollmentOf, ledger, mailServer, mailThrough, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const at = (text: string) => Temporal.Instant.from(text);

/** Calls a tool that waits for a button, and presses it. */
async function approved(world: World, office: Office, tool: string, input: object) {
  const asked = (await world.call(office, tool, input)) as Extract<Outcome, { outcome: 'needs_approval' }>;
  expect(asked).toMatchObject({ outcome: 'needs_approval', effect: 'gated' });
  return { card: asked.report, decision: await world.press(office, asked.approval.id) };
}

const statusOf = async (world: World, office: Office, id: number): Promise<string> =>
  (await world.in(office, ctx => ctx.tx.selectFrom('sequence').select('status').where('id', '=', id).executeTakeFirstOrThrow()))
    .status;

test('S1 finishing unlinks the lists and takes nobody new; people in flight finish, and then it is inactive by itself', async ({
  world,
}) => {
  const office = await world.office();
  mailThrough(world, mailServer().transport);
  const id = await makeSequence(world, office, { steps: 2 });
  const [fresh] = await enrol(world, office, id, 1, { list: 'Fintech' });
  const [inFlight] = await enrol(world, office, id, 1, { list: 'Fintech', dueOn: '2026-03-02' });
  const { card, decision } = await approved(world, office, 'finish_sequence', { sequence: 'Fall Intro' });
  expect(card.facts).toEqual([
    { label: 'Lists unlinked', value: 'Fintech' },
    { label: 'Leave uncontacted', value: '1 person' },
    { label: 'In flight, get their remaining steps', value: '1 person' },
  ]);
  expect(decision).toMatchObject({ outcome: 'approved', did: { result: { status: 'finishing' } } });
  expect(await world.in(office, ctx => links.of(ctx, id))).toEqual([]);
  expect(await enrollmentOf(world, office, fresh!)).toMatchObject({ state: 'withdrawn', reason: 'sequence_finishing' });
  await world.in(office, ctx => messages.planDay(ctx, id));
  const [planned] = await ledger(world, office);
  expect(planned!.enrollment_id).toBe(inFlight);
  await world.clock.set(planned!.planned_at);
  await messages.sendDue(world.services, office.id);
  expect(await enrollmentOf(world, office, inFlight!)).toMatchObject({ state: 'completed' });
  expect(await statusOf(world, office, id)).toBe('inactive');
});

test('S1 with nobody in flight it is inactive at once; a paused one may finish, and its people in flight wake', async ({
  world,
}) => {
  const office = await world.office();
  const idle = await makeSequence(world, office, { name: 'Idle' });
  await approved(world, office, 'finish_sequence', { sequence: 'Idle' });
  expect(await statusOf(world, office, idle)).toBe('inactive');

  const id = await makeSequence(world, office);
  await enrol(world, office, id, 1, { dueOn: '2026-03-02' });
  await world.call(office, 'pause_sequence', { sequence: 'Fall Intro' });
  const { card } = await approved(world, office, 'finish_sequence', { sequence: 'Fall Intro' });
  expect(card.notes!.join()).toContain('finishing wakes it');
  expect(await statusOf(world, office, id)).toBe('finishing');
  expect(await world.in(office, ctx => messages.planDay(ctx, id))).toEqual({ planned: 1 });
});

test('S1 a finishing sequence may be reopened, without its lists; others are told what to do instead', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  await enrol(world, office, id, 1, { list: 'Fintech', dueOn: '2026-03-02' });
  expect(await world.call(office, 'reopen_sequence', { sequence: 'Fall Intro' })).toMatchObject({ code: 'sequence_active' });
  await approved(world, office, 'finish_sequence', { sequence: 'Fall Intro' });
  expect((await approved(world, office, 'reopen_sequence', { sequence: 'Fall Intro' })).decision).toMatchObject({
    did: { outcome: 'done', result: { status: 'active' } },
  });
  expect(await world.in(office, ctx => links.of(ctx, id))).toEqual([]);
  await makeSequence(world, office, { name: 'New', active: false });
  expect(await world.call(office, 'reopen_sequence', { sequence: 'New' })).toMatchObject({
    code: 'sequence_setup',
    next: ['activate "New"'],
  });
  expect(await world.call(office, 'finish_sequence', { sequence: 'New' })).toMatchObject({ code: 'sequence_setup' });
});

test('S1 archiving unlinks and ends what is live, and the card counts both; only from setup or inactive', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  const [fresh] = await enrol(world, office, id, 1, { list: 'Fintech' });
  const [inFlight] = await enrol(world, office, id, 1, { list: 'Fintech', dueOn: '2026-03-02' });
  expect(await world.call(office, 'archive_sequence', { sequence: 'Fall Intro' })).toMatchObject({ code: 'sequence_active' });
  await world.call(office, 'pause_sequence', { sequence: 'Fall Intro' });
  const { card } = await approved(world, office, 'archive_sequence', { sequence: 'Fall Intro' });
  expect(card.facts).toEqual([
    { label: 'Lists unlinked', value: '1: Fintech' },
    { label: 'People in it who end', value: '2, of whom 1 are in flight' },
  ]);
  expect(await statusOf(world, office, id)).toBe('archived');
  expect((await enrollmentOf(world, office, fresh!)).state).toBe('withdrawn');
  expect(await enrollmentOf(world, office, inFlight!)).toMatchObject({ state: 'stopped', reason: 'sequence_archived' });
  expect(await byState(world, office)).toEqual({});
  for (const tool of ['archive_sequence', 'finish_sequence', 'reopen_sequence', 'resume_sequence'])
    expect(await world.call(office, tool, { sequence: 'Fall Intro' })).toMatchObject({ code: 'sequence_archived' });
});

test('S1 archiving ends more people than one transaction takes, in the background', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  await enrol(world, office, id, 2_300, { dueOn: '2026-03-20' });
  await world.call(office, 'pause_sequence', { sequence: 'Fall Intro' });
  await approved(world, office, 'archive_sequence', { sequence: 'Fall Intro' });
  await world.drain();
  const { rows } = await world.in(office, ctx =>
    sql<{ state: string; n: number }>`select state, count(*)::int as n from enrollment group by 1`.execute(ctx.tx),
  );
  expect(rows).toEqual([{ state: 'stopped', n: 2_300 }]);
});

test('E4 a duplicate is a copy in setup, on copilot whatever the original is, owned by whoever asks', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office, { steps: 2, dailyCap: 7 });
  await enrol(world, office, id, 1);
  const copy = await world.call(office, 'duplicate_sequence', { sequence: 'Fall Intro' }, { actor: office.rep });
  expect(copy).toMatchObject({
    outcome: 'done',
    effect: 'write',
    result: { sequence: 'Fall Intro (copy)', steps: 2, missing: [] },
  });
  expect(await world.call(office, 'duplicate_sequence', { sequence: 'Fall Intro' })).toMatchObject({
    result: { sequence: 'Fall Intro (copy) 2' },
  });
  expect(await world.call(office, 'duplicate_sequence', { sequence: 'Fall Intro', name: 'Fall Intro' })).toMatchObject({
    code: 'name_taken',
  });
  expect(await world.call(office, 'show_sequence', { sequence: 'Fall Intro (copy)' })).toMatchObject({
    result: { status: 'setup', mode: 'copilot', dailyCap: 7, owner: 'Ray', enrolled: {}, lists: [] },
  });
});

test('S7 moving unsent steps counts both groups, on the card and in the answer, and each gets the steps it is counted under', async ({
  world,
}) => {
  const office = await world.office();
  const server = mailServer();
  mailThrough(world, server.transport);
  const id = await makeSequence(world, office, { steps: 3 });
  const [fresh] = await enrol(world, office, id, 1);
  const [second] = await enrol(world, office, id, 1, { dueOn: '2026-03-02' });
  await world.in(office, ctx => ctx.tx.updateTable('enrollment').set({ next_position: 3 }).where('id', '=', second!).execute());
  const steps = [{ subject: 'New', body: 'New 1' }, { body: 'New 2' }];
  const { card, decision } = await approved(world, office, 'edit_sequence', { sequence: 'Fall Intro', steps, moveUnsent: true });
  expect(card.facts).toEqual(
    expect.arrayContaining([
      { label: 'Already in it, get the new steps', value: '1 person' },
      { label: 'Already in it, keep theirs', value: '1 person' },
    ]),
  );
  expect(decision).toMatchObject({ did: { result: { version: 2, moved: 1, keptOlder: 1 } } });
  expect((decision as { did: Outcome }).did.report.notes!.join(' ')).toMatch(/1 person already in it gets .* 1 person .* keeps/);
  expect(await enrollmentOf(world, office, fresh!)).toMatchObject({ version: 2 });
  await world.in(office, ctx => messages.planDay(ctx, id));
  for (const { planned_at } of await ledger(world, office)) {
    await world.clock.set(planned_at);
    await messages.sendDue(world.services, office.id);
  }
  expect(server.handed.map(mail => mail.text.split('\n')[0]).sort()).toEqual(['New 1', 'Step 3 for Pat']);
});

test('S7 whoever keeps older steps gets all of them, and whoever comes later gets the new ones', async ({ world }) => {
  const office = await world.office();
  const server = mailServer();
  mailThrough(world, server.transport);
  const id = await makeSequence(world, office, { steps: 2, delayDays: 0 });
  await enrol(world, office, id, 1);
  const steps = [{ subject: 'New', body: 'New only' }];
  expect(await world.call(office, 'edit_sequence', { sequence: 'Fall Intro', steps })).toMatchObject({
    effect: 'write',
    result: { version: 2, moved: 0, keptOlder: 1 },
  });
  await enrol(world, office, id, 1);
  for (let round = 0; round < 2; round++) {
    await world.in(office, ctx => messages.planDay(ctx, id));
    for (const { planned_at } of (await ledger(world, office)).filter(row => row.state === 'planned')) {
      await world.clock.set(planned_at);
      await messages.sendDue(world.services, office.id);
    }
  }
  expect(server.handed.map(mail => mail.text.split('\n')[0]).sort()).toEqual(['New only', 'Step 1 for Pat', 'Step 2 for Pat']);
});

test('S7 moved while a message is claimed: what follows it is of the new version', async ({ world }) => {
  const office = await world.office();
  let whileSending = async () => {};
  const server = mailServer(async () => {
    await whileSending();
    return { outcome: 'accepted' };
  });
  mailThrough(world, server.transport);
  const id = await makeSequence(world, office, { steps: 1 });
  const [pat] = await enrol(world, office, id, 1);
  await world.in(office, ctx => messages.planDay(ctx, id));
  const [planned] = await ledger(world, office);
  await world.clock.set(planned!.planned_at);
  const steps = [
    { subject: 'New', body: 'New 1' },
    { body: 'New 2', delayDays: 4 },
  ];
  whileSending = async () =>
    void (await approved(world, office, 'edit_sequence', { sequence: 'Fall Intro', steps, moveUnsent: true }));
  await messages.sendDue(world.services, office.id);
  expect(await enrollmentOf(world, office, pat!)).toMatchObject({ state: 'active', next_position: 2, next_due_on: '2026-03-06' });
});

test('S4 nothing leaves on a holiday: due dates move to the next sending day, and the window is closed', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office, { steps: 2 });
  // Good Friday and Easter Monday of 2026.
  expect(
    await world.call(office, 'edit_sequence', {
      sequence: 'Fall Intro',
      holidays: { country: 'Germany', dates: ['2026-04-07'] },
    }),
  ).toMatchObject({ outcome: 'done', effect: 'write', result: { holidays: { country: 'DE', dates: ['2026-04-07'] } } });
  await enrol(world, office, id, 1, { dueOn: '2026-04-03' });
  const planOn = async (day: string) => {
    await world.clock.set(at(`${day}T07:00:00Z`));
    return (await world.in(office, ctx => messages.planDay(ctx, id))).planned;
  };
  for (const day of ['2026-04-03', '2026-04-06', '2026-04-07']) expect([day, await planOn(day)]).toEqual([day, 0]);
  expect(await planOn('2026-04-08')).toBe(1);
  const shown = await world.call(office, 'show_sequence', { sequence: 'Fall Intro' });
  expect(shown.report.facts).toContainEqual({ label: 'Holidays', value: 'public holidays of Germany, and Tue 7 Apr' });
});

test('S4 a holiday that is added after planning takes the day off the plan', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  await enrol(world, office, id, 2);
  await world.in(office, ctx => messages.planDay(ctx, id));
  expect(
    await world.call(office, 'edit_sequence', { sequence: 'Fall Intro', holidays: { dates: ['2026-03-02'] } }),
  ).toMatchObject({ result: { replanned: 2 } });
  expect(await world.in(office, ctx => messages.planDay(ctx, id))).toEqual({ planned: 0 });
});

test('S4 a country nobody knows is refused with the nearest, and a date that does not exist too', async ({ world }) => {
  const office = await world.office();
  await makeSequence(world, office);
  const edit = (holidays: object) => world.call(office, 'edit_sequence', { sequence: 'Fall Intro', holidays });
  expect(await edit({ country: 'Germoney' })).toMatchObject({
    code: 'unknown_country',
    next: expect.arrayContaining([expect.stringContaining('Germany')]),
  });
  expect(await edit({ country: 'XX' })).toMatchObject({ code: 'unknown_country' });
  expect(await edit({ dates: ['2026-02-30'] })).toMatchObject({ code: 'bad_input' });
});

test.for([
  ['German', 'DE'],
  ['the UK', 'GB'],
  ['us', 'US'],
  ['United Kingdom', 'GB'],
])('S4 %s is a country that people name so', async ([country, code], { world }) => {
  const office = await world.office();
  await makeSequence(world, office);
  expect(await world.call(office, 'edit_sequence', { sequence: 'Fall Intro', holidays: { country } })).toMatchObject({
    result: { holidays: { country: code } },
  });
});

test('A1 S4 taking holidays away from a running sequence opens days, so it waits for a button', async ({ world }) => {
  const office = await world.office();
  await makeSequence(world, office);
  const edit = (holidays: object) => world.call(office, 'edit_sequence', { sequence: 'Fall Intro', holidays });
  expect(await edit({ country: 'DE', dates: ['2026-12-24'] })).toMatchObject({ effect: 'write' });
  expect(await edit({ dates: ['2026-12-24', '2026-12-31'] })).toMatchObject({
    effect: 'write',
    result: { holidays: { country: 'DE' } },
  });
  expect(await edit({ dates: [] })).toMatchObject({ outcome: 'needs_approval' });
  expect(await edit({ country: null })).toMatchObject({ outcome: 'needs_approval' });
});

test('S4 a date that is added leaves the others, one that is removed goes alone, and only dates replace all; the report names them', async ({
  world,
}) => {
  const office = await world.office();
  await makeSequence(world, office);
  const edit = (holidays: object) => world.call(office, 'edit_sequence', { sequence: 'Fall Intro', holidays });
  const dates = (...wanted: string[]) => ({ result: { holidays: { country: null, dates: wanted } } });
  expect(await edit({ addDates: ['2026-12-24'] })).toMatchObject(dates('2026-12-24'));
  expect(await edit({ addDates: ['2026-12-31', '2026-12-24'] })).toMatchObject(dates('2026-12-24', '2026-12-31'));
  const four = await edit({ addDates: ['2026-12-25', '2027-01-04'] });
  const named = 'Thu 24 Dec 2026, Fri 25 Dec 2026, Thu 31 Dec 2026, Mon 4 Jan 2027';
  expect(four.report.facts).toContainEqual({ label: 'Holidays', value: named });

  const asked = await edit({ removeDates: ['2026-12-31'] });
  if (asked.outcome !== 'needs_approval') throw new Error('a day opens, so it waits for a button');
  expect(asked.approval.summary).toContain(`${named} → Thu 24 Dec 2026, Fri 25 Dec 2026, Mon 4 Jan 2027`);
  expect(await world.press(office, asked.approval.id)).toMatchObject({
    did: dates('2026-12-24', '2026-12-25', '2027-01-04'),
  });
  await world.call(office, 'pause_sequence', { sequence: 'Fall Intro' });
  expect(await edit({ dates: ['2026-05-01'] })).toMatchObject(dates('2026-05-01'));
});

test('S4 a date that is no holiday of its own cannot be removed, and the answer says where it comes from', async ({ world }) => {
  const office = await world.office();
  await makeSequence(world, office);
  const edit = (holidays: object) => world.call(office, 'edit_sequence', { sequence: 'Fall Intro', holidays });
  await edit({ country: 'DE', addDates: ['2026-12-24'] });
  expect(await edit({ removeDates: ['2026-12-30'] })).toMatchObject({
    code: 'no_holiday',
    message: 'Wed 30 Dec is no holiday of "Fall Intro".',
  });
  expect(await edit({ removeDates: ['2026-12-24', '2026-12-25'] })).toMatchObject({
    code: 'public_holiday',
    message: expect.stringMatching(/^Fri 25 Dec is a public holiday of Germany/),
    next: ['ignore holidays in Fall Intro', 'show sequence "Fall Intro"'],
  });
});

test('S8 templates are previewed for three real leads of a linked list, and an empty variable is named', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office, { steps: 2, body: 'For {{ company }}, {{ title }}' });
  await enrol(world, office, id, 5);
  await world.in(office, ctx => sql`update lead set title = 'VP *bold* <@U1>' where full_name <> 'Pat 2'`.execute(ctx.tx));
  const shown = (await world.call(office, 'show_sequence', { sequence: 'Fall Intro' })) as { result: { previews: unknown[] } };
  expect(shown.result.previews).toMatchObject([
    { lead: 'Pat 1', position: 1, subject: 'Hello Pat', body: 'For Acme, VP *bold* <@U1>' },
    { lead: 'Pat 1', position: 2, subject: 'Re: Hello Pat' },
    { lead: 'Pat 2', position: 1, held: { refused: 'missing_variable', detail: 'title' }, body: null },
    { lead: 'Pat 2', position: 2, held: { detail: 'title' } },
    { lead: 'Pat 3', position: 1 },
    { lead: 'Pat 3', position: 2 },
  ]);
  const edited = await world.call(office, 'edit_sequence', {
    sequence: 'Fall Intro',
    steps: [{ subject: 'Dear {{ first_name }}', body: 'Text' }],
  });
  expect(edited).toMatchObject({
    result: { previews: [{ lead: 'Pat 1', subject: 'Dear Pat' }, { lead: 'Pat 2' }, { lead: 'Pat 3' }] },
  });
  expect(JSON.stringify(edited.report.tables)).toContain('Dear Pat');
});

test('E4 above 200 waiting, status puts review first, with the oldest and the weekly inflow', async ({ world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office, { mode: 'copilot' });
  await world.in(office, ctx => ctx.tx.updateTable('sender').set({ status: 'failing' }).execute());
  await enrol(world, office, id, 150, { state: 'in_review' });
  await world.clock.set(at('2026-03-12T08:01:00Z'));
  const urgent = async () => (await world.call(office, 'status', {})).report.urgent!;
  expect((await urgent())[0]).toMatch(/does not send/);
  await enrol(world, office, id, 60, { state: 'in_review' });
  expect((await urgent())[0]).toBe('Fall Intro: 210 people wait for review, the oldest for 10 days; 60 came in within a week.');
});
