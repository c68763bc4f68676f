import { sql } from 'kysely';
import { expect, test as pure } from 'vitest';
import type { Explanation } from '../../src/domain/explanations/index.ts';
import { meanings } from '../../src/domain/explanations/rules.ts';
import * as messages from '../../src/domain/messages/index.ts';
import { enrolledBefore, makeList, makeSequence, settle } from '../support/links.ts';
import { mailThrough } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const why = async (world: World, office: Office, about: string) =>
  (await world.call(office, 'why', { about })) as { outcome: 'done'; result: Explanation; report: { title: string } };

/** A list in a sequence, everybody enrolled, nothing planned yet. */
async function linked(world: World, office: Office, members: number, cap = 5) {
  mailThrough(world);
  const fall = await makeSequence(world, office, 'Fall', { cap });
  const list = await makeList(world, office, 'Fintech', { members });
  await world.call(office, 'link_list', { list: 'Fintech', sequence: 'Fall' });
  await settle(world);
  return { fall, list };
}

/** Plans a day and sends all of it, each message at its time. */
async function sendDay(world: World, office: Office, sequenceId: number) {
  await world.in(office, ctx => messages.planDay(ctx, sequenceId));
  const { rows } = await world.in(office, ctx =>
    sql<{ at: Temporal.Instant }>`select planned_at as at from message where state = 'planned' order by 1`.execute(ctx.tx),
  );
  for (const { at } of rows) {
    await world.clock.set(at);
    await messages.sendDue(world.services, office.id);
  }
}

pure('D3 E5 L5 every stored reason has a sentence', () => {
  const gate = ['window_closed', 'sequence_not_sending', 'sender_not_healthy', 'cap_reached', 'sender_limit', 'company_limit'];
  const lasting = [
    'missing_variable',
    'template_error',
    'empty_message',
    'no_opt_out_url',
    'no_postal_address',
    'excluded_person',
    'excluded_company',
    'replied',
    'no_email',
    'bad_address',
    'step_is_gone',
  ];
  const server = ['deferred', 'quota', 'blocked', 'auth_failed', 'no_answer', 'lease_ran_out'];
  const skips = ['in_other_sequence', 'already_enrolled', 'cooling_down', 'replied_before', 'excluded'];
  const receipts = ['already_on_list', 'removed_before', 'invalid_email', 'erased'];
  for (const code of [...gate, ...lasting, ...server, ...skips, ...receipts]) expect(meanings[code]?.says, code).toBeTruthy();
  for (const code of ['missing_variable', 'no_answer', 'blocked', 'sequence_not_sending', 'no_email'])
    expect(meanings[code]!.next, code).toBeTruthy();
});

test('D3 why tells the whole life of a lead: found, enrolled, planned, contacted, held', async ({ world }) => {
  const office = await world.office();
  const { fall, list } = await linked(world, office, 3);
  await world.in(office, ctx => sql`update lead set first_name = null where id = ${list.leads[1]}`.execute(ctx.tx));
  expect((await why(world, office, 'Fintech 3')).result.because[0]).toMatch(/number 3 of its list/);
  await sendDay(world, office, fall.id);
  const first = await why(world, office, 'fintech1@company-1.example');
  expect(first.result).toMatchObject({ kind: 'lead', isMoving: true });
  expect(first.result.events.map(event => event.kind)).toEqual(['found', 'enrolled', 'contacted']);
  expect(first.result.because[0]).toMatch(/Step 2 of "Fall" is due on 2026-03-05/);
  const held = await why(world, office, 'Fintech 2');
  expect(held.result).toMatchObject({ isMoving: false });
  expect(held.result.because[0]).toMatch(/held: a template variable is empty.*\(first_name\)/);
  expect(held.result.events.at(-1)).toMatchObject({
    kind: 'held',
    reason: 'missing_variable',
    detail: 'first_name',
    position: 1,
  });
});

test('D3 why tells of a lead that was skipped by whom it is held, and of one that ended', async ({ world }) => {
  const office = await world.office();
  const winter = await makeSequence(world, office, 'Winter', { owner: office.rep.id });
  await makeSequence(world, office, 'Fall');
  const list = await makeList(world, office, 'Fintech', { members: 2 });
  await enrolledBefore(world, office, { sequenceId: winter.id, leadId: list.leads[0]!, state: 'replied', contactedDaysAgo: 5 });
  await enrolledBefore(world, office, { sequenceId: winter.id, leadId: list.leads[1]!, state: 'active', contactedDaysAgo: 5 });
  await world.call(office, 'link_list', { list: 'Fintech', sequence: 'Fall' });
  await settle(world);
  const replied = await why(world, office, 'Fintech 1');
  expect(replied.result.because.join(' ')).toMatch(/Not enrolled in "Fall": has replied before.*"Winter", Ray/);
  const held = await why(world, office, 'Fintech 2');
  expect(held.result.events.find(event => event.kind === 'skipped')).toMatchObject({
    reason: 'in_other_sequence',
    detail: 'Winter',
    by: 'Ray',
  });
  const ofList = await why(world, office, 'list Fintech');
  expect(ofList.result.reasons).toEqual(
    expect.arrayContaining([
      { kind: 'skipped', reason: 'replied_before', people: 1 },
      { kind: 'skipped', reason: 'in_other_sequence', people: 1 },
    ]),
  );
});

test('D3 why names what stops a sequence, a list and a sender', async ({ world }) => {
  const office = await world.office();
  const { fall } = await linked(world, office, 4);
  expect((await why(world, office, 'Fall')).result.isMoving).toBe(true);
  await world.in(office, ctx =>
    ctx.tx.updateTable('sender').set({ status: 'paused', status_reason: '550 spam' }).where('id', '=', fall.senderId).execute(),
  );
  expect((await why(world, office, 'Fall')).result).toMatchObject({
    isMoving: false,
    because: [expect.stringMatching(/no healthy sender/)],
  });
  const sender = await why(world, office, `ada${fall.id}@acme.example`);
  expect(sender.result).toMatchObject({ kind: 'sender', isMoving: false, because: [expect.stringMatching(/blocked.*550 spam/)] });
  await world.call(office, 'pause_sequence', { sequence: 'Fall' });
  expect((await why(world, office, 'Fintech')).result.because.join(' ')).toMatch(/paused: nothing is sent at all\. Resume it/);
});

test('D3 why asks where a name means several things or people, and names the nearest of an unknown one', async ({ world }) => {
  const office = await world.office();
  await linked(world, office, 2);
  await makeList(world, office, 'Fall', { members: 1 });
  const several = await world.call(office, 'why', { about: 'Fall' });
  expect(several).toMatchObject({
    outcome: 'refused',
    code: 'ambiguous_subject',
    next: ['why list "Fall"', 'why sequence "Fall"'],
  });
  expect((await why(world, office, 'list "Fall"')).result.kind).toBe('list');
  await world.in(office, ctx => sql`update lead set full_name = 'Pat Twin'`.execute(ctx.tx));
  const twins = await world.call(office, 'why', { about: 'Pat Twin' });
  expect(twins).toMatchObject({ outcome: 'refused', code: 'ambiguous_subject' });
  const nobody = await world.call(office, 'why', { about: 'Fintec' });
  expect(nobody).toMatchObject({ outcome: 'refused', code: 'unknown_subject', next: expect.arrayContaining(['why "Fintech"']) });
});
