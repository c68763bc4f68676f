import { expect } from 'vitest';
import type { Outcome } from '../../src/tools/run.ts';
import { enrolledBefore, makeList, makeSequence, putMessage, settle, skips, states } from '../support/links.ts';
import { type Office, test, type World } from '../support/world.ts';

const title = (outcome: Outcome): string => outcome.report.title;
const enrol = (world: World, office: Office, how = {}, input = {}) =>
  world.call(office, 'enroll_lead', { lead: 'VPs 1', sequence: 'Fall', ...input }, how);
const refusal = async (outcome: Promise<Outcome>) => {
  const refused = await outcome;
  if (refused.outcome !== 'refused') throw new Error(JSON.stringify(refused));
  return refused;
};
const setLead = (world: World, office: Office, to: object) =>
  world.in(office, ctx => ctx.tx.updateTable('lead').set(to).execute());
const runs = (world: World, office: Office) =>
  world.in(office, ctx =>
    ctx.tx.selectFrom('enrollment').select(['state', 'link_id', 'list_id', 'version', 'reason']).orderBy('id').execute(),
  );

/** One lead on a list, and a sequence. */
async function setUp(world: World, options: Parameters<typeof makeSequence>[3] = {}) {
  const office = await world.office();
  const list = await makeList(world, office, 'VPs', { members: 1 });
  const fall = await makeSequence(world, office, 'Fall', options);
  const before = (state: string, more: object = {}) =>
    enrolledBefore(world, office, { sequenceId: fall.id, leadId: list.leads[0]!, state, ...more });
  return { office, list, fall, lead: list.leads[0]!, before };
}

test('E5 a person may enrol somebody again by name who replied before; no list does', async ({ world }) => {
  const { office, list, fall, lead } = await setUp(world, { mode: 'copilot' });
  const winter = await makeSequence(world, office, 'Winter');
  await enrolledBefore(world, office, { sequenceId: winter.id, leadId: lead, state: 'replied', contactedDaysAgo: 100 });
  await world.call(office, 'link_list', { list: 'VPs', sequence: 'Fall' });
  await settle(world);
  expect(await skips(world, office, list.id)).toEqual({ replied_before: 1 });
  expect((await world.call(office, 'why', { about: 'VPs 1' })).report.next).toEqual(['enrol vps1@company-1.example in Fall']);
  const done = await enrol(world, office);
  expect(done).toMatchObject({ outcome: 'done', effect: 'write', result: { setsAside: ['replied_before'] } });
  expect(title(done)).toBe('VPs 1 is enrolled in "Fall" by hand and waits for review.');
  expect(done.report.next).toEqual(['approve vps1@company-1.example in Fall', 'why vps1@company-1.example']);
  expect((await runs(world, office)).at(-1)).toMatchObject({ state: 'in_review', link_id: null, list_id: null, version: 1 });
  const approved = await world.call(office, 'review_leads', { sequence: 'Fall', decision: 'approve', leads: ['VPs 1'] });
  expect(approved.outcome).toBe('done');
  expect(await states(world, office, fall.id)).toEqual({ queued: 1 });
  const why = await world.call(office, 'why', { about: 'VPs 1' });
  expect(JSON.stringify(why.report)).toContain('Enrolled in Fall by hand');
});

test('A1 E5 on autopilot nobody who was contacted before is contacted again without a button', async ({ world }) => {
  const { office, fall, before } = await setUp(world);
  await before('replied', { contactedDaysAgo: 100 });
  const asked = await enrol(world, office);
  expect(asked).toMatchObject({ outcome: 'needs_approval', effect: 'gated' });
  expect(asked.report.facts).toEqual([{ label: 'Although', value: 'they replied before; they were contacted here before' }]);
  expect(await states(world, office, fall.id)).toEqual({ replied: 1 });
  if (asked.outcome !== 'needs_approval') throw new Error();
  expect((await world.press(office, asked.approval.id)).outcome).toBe('approved');
  expect(await states(world, office, fall.id)).toEqual({ queued: 1, replied: 1 });
});

test('E4 whom nobody reviewed in time enters the sequence again by hand, and only so', async ({ world }) => {
  const { office, list, fall, before } = await setUp(world);
  await before('withdrawn', { reason: 'review_expired' });
  await world.call(office, 'link_list', { list: 'VPs', sequence: 'Fall' });
  await settle(world);
  expect(await skips(world, office, list.id)).toEqual({ already_enrolled: 1 });
  expect(await enrol(world, office)).toMatchObject({ effect: 'write', result: { setsAside: ['review_expired'] } });
  expect(await states(world, office, fall.id)).toEqual({ queued: 1, withdrawn: 1 });
});

test.for([
  ['excluded', { contactedDaysAgo: 100 }],
  ['unsubscribed', { contactedDaysAgo: 100 }],
  ['bounced', { contactedDaysAgo: 100 }],
] as const)('E5 a run here that ended %s may begin again by hand once that no longer holds', async ([state, more], { world }) => {
  const { office, fall, before } = await setUp(world, { mode: 'copilot' });
  await before(state, more);
  expect(await enrol(world, office)).toMatchObject({ outcome: 'done', result: { setsAside: ['ended_here'] } });
  expect(await states(world, office, fall.id)).toEqual({ [state]: 1, in_review: 1 });
});

test.for([
  ['refused', {}],
  ['stopped', {}],
  ['completed', { contactedDaysAgo: 100 }],
  ['failed', { contactedDaysAgo: 100 }],
] as const)('E5 who was %s here stays out, by hand too', async ([state, more], { world }) => {
  const { office, before } = await setUp(world);
  await before(state, more);
  expect(await refusal(enrol(world, office))).toMatchObject({ code: 'already_enrolled' });
});

test('E5 a withdrawn run leaves no mark, and neither does one that an exclusion ended before any contact', async ({ world }) => {
  const { office, before } = await setUp(world);
  await before('withdrawn', { reason: 'unlinked' });
  await before('excluded', { reason: 'excluded_person' });
  expect(await enrol(world, office)).toMatchObject({ outcome: 'done', result: { setsAside: [] } });
});

test('E1 E5 X1 what holds for lists holds by hand: live, excluded, cooling down, without an address that works', async ({
  world,
}) => {
  const { office, lead } = await setUp(world, { mode: 'copilot' });
  await setLead(world, office, { email_status: 'bounced' });
  const bad = await refusal(enrol(world, office));
  expect(bad).toMatchObject({ code: 'bad_address', next: ['change the e-mail of VPs 1 to ann@company.example'] });
  await setLead(world, office, { email: null, email_key: null, email_status: 'unknown' });
  expect((await refusal(enrol(world, office))).code).toBe('no_email');
  await setLead(world, office, { email: 'vps1@company-1.example', email_key: 'vps1@company-1.example' });

  await world.call(office, 'exclude', { domain: 'company-1.example' });
  expect((await refusal(enrol(world, office))).code).toBe('excluded');
  await world.call(office, 'undo', {});

  const winter = await makeSequence(world, office, 'Winter', { owner: office.rep.id });
  const live = await enrolledBefore(world, office, { sequenceId: winter.id, leadId: lead, state: 'queued' });
  const held = await refusal(enrol(world, office));
  expect(held).toMatchObject({ code: 'in_other_sequence' });
  expect(held.message).toContain('is in "Winter" (Ray)');
  expect(held.next![0]).toBe('stop vps1@company-1.example in Winter');
  await world.in(office, ctx =>
    ctx.tx
      .updateTable('enrollment')
      .set({
        ...{ state: 'stopped', ended_at: ctx.now, contacted_at: ctx.now, last_contact_at: ctx.now.subtract({ hours: 24 * 80 }) },
      })
      .where('id', '=', live)
      .execute(),
  );
  const cooling = await refusal(enrol(world, office));
  expect(cooling).toMatchObject({ code: 'cooling_down' });
  expect(cooling.message).toContain('from Thu 12 Mar on');
  await world.clock.set(Temporal.Instant.from('2026-03-12T08:00:00Z'));
  expect((await enrol(world, office)).outcome).toBe('done');
  expect(await refusal(enrol(world, office))).toMatchObject({ code: 'in_this_sequence' });
});

test.for(['setup', 'inactive', 'finishing', 'archived'] as const)(
  'K1 nobody is enrolled by hand while the sequence is %s',
  async (status, { world }) => {
    const { office } = await setUp(world, { status });
    expect(await refusal(enrol(world, office))).toMatchObject({ code: 'sequence_not_active' });
    expect(await runs(world, office)).toEqual([]);
  },
);

test('W2 only the owner of a sequence or an admin puts somebody into it; unknown names get the nearest', async ({ world }) => {
  const { office } = await setUp(world);
  expect(await refusal(enrol(world, office, { actor: office.rep }))).toMatchObject({ code: 'not_yours' });
  expect(await refusal(enrol(world, office, {}, { lead: 'VP 1' }))).toMatchObject({
    code: 'unknown_lead',
    next: ['enrol VPs 1 in Fall'],
  });
  expect((await refusal(enrol(world, office, {}, { sequence: 'Nope' }))).code).toBe('unknown_sequence');
});

test('A6 undo takes the run back while nobody was contacted, and says what else happened to it', async ({ world }) => {
  const { office, fall, lead } = await setUp(world);
  await enrol(world, office);
  expect(title(await world.call(office, 'undo', {}))).toContain('VPs 1 is not in "Fall" any more; nothing had left.');
  expect(await states(world, office, fall.id)).toEqual({ withdrawn: 1 });
  expect((await enrol(world, office)).outcome).toBe('done');
  await putMessage(world, office, { leadId: lead, senderId: fall.senderId, state: 'handing' });
  expect(await world.call(office, 'undo', {})).toMatchObject({
    code: 'has_left',
    next: ['stop vps1@company-1.example'],
  });
});

test('K6 S1 who was enrolled by hand stays when a list is unlinked, and is withdrawn when the sequence finishes', async ({
  world,
}) => {
  const { office, fall } = await setUp(world);
  await enrol(world, office);
  await world.call(office, 'link_list', { list: 'VPs', sequence: 'Fall' });
  await settle(world);
  await world.call(office, 'unlink_list', { list: 'VPs' });
  await settle(world);
  expect(await states(world, office, fall.id)).toEqual({ queued: 1 });
  const asked = await world.call(office, 'finish_sequence', { sequence: 'Fall' });
  if (asked.outcome !== 'needs_approval') throw new Error(JSON.stringify(asked));
  await world.press(office, asked.approval.id);
  expect(await states(world, office, fall.id)).toEqual({ withdrawn: 1 });
});
