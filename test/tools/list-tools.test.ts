import { expect } from 'vitest';
import { compose } from '../../src/domain/digests/index.ts';
import type { Outcome } from '../../src/tools/run.ts';
import { contactFirst, makeList, makeSequence, settle, skips, states } from '../support/links.ts';
import { PeopleSource } from '../support/people-source.ts';
import { fill, reachable, setUp, tick } from '../support/refills.ts';
import { type Office, test, type World } from '../support/world.ts';

const title = (outcome: Outcome): string => outcome.report.title;
const facts = (outcome: Outcome) => Object.fromEntries(outcome.report.facts?.map(({ label, value }) => [label, value]) ?? []);
const members = (world: World, office: Office, listId: number) =>
  world.in(office, ctx => ctx.tx.selectFrom('membership').selectAll().where('list_id', '=', listId).orderBy('lead_id').execute());
const on = async (world: World, office: Office, listId: number) =>
  (await members(world, office, listId)).filter(member => !member.removed_at).map(member => member.lead_id);
const lists = (world: World, office: Office) =>
  world.in(office, ctx => ctx.tx.selectFrom('list').selectAll().orderBy('id').execute());
const link = async (world: World, office: Office, list: string, sequence: string) => {
  const outcome = await world.call(office, 'link_list', { list, sequence });
  expect(outcome.outcome).toBe('done');
  await settle(world);
};
const cardOf = (outcome: Outcome): number => {
  if (outcome.outcome !== 'needs_approval') throw new Error(`not gated: ${JSON.stringify(outcome)}`);
  return outcome.approval.id;
};

test('L6 a list is renamed where the name is free, ignoring case; its own name in another case is free', async ({ world }) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 1 });
  await makeList(world, office, 'CTOs');
  const taken = await world.call(office, 'rename_list', { list: 'VPs', name: 'cTOs' });
  expect(taken).toMatchObject({ outcome: 'refused', code: 'name_taken' });
  expect(title(await world.call(office, 'rename_list', { list: 'VPs', name: 'vps' }))).toBe('"VPs" is called "vps" now.');
  expect(await world.call(office, 'rename_list', { list: 'vps', name: 'EMEA' }, { actor: office.rep })).toMatchObject({
    code: 'not_yours',
  });
  expect((await lists(world, office)).map(list => list.name)).toEqual(['vps', 'CTOs']);
});

test('L6 archiving waits for a button, then unlinks, stops monitoring and cancels orders', async ({ world }) => {
  world.services.sources = { directory: reachable(50) };
  const office = await world.office();
  const { id } = await makeList(world, office, 'VPs', { members: 5, monitored: { cadence: 'daily', amount: 20 } });
  const fall = await makeSequence(world, office, 'Fall', { mode: 'copilot' });
  await link(world, office, 'VPs', 'Fall');
  await world.in(office, ctx => ctx.tx.updateTable('enrollment').set({ state: 'queued' }).execute());
  await contactFirst(world, office, fall.id, 2);
  await world.call(office, 'add_leads', { list: 'VPs', count: 10 });
  const asked = await world.call(office, 'archive_list', { list: 'VPs' });
  const card = facts(asked);
  expect(card.Sequence).toBe('Fall: 3 people not contacted yet withdrawn, 2 contacted finish');
  expect(card).toMatchObject({ Monitoring: '20 / day stops', 'On order': '10 leads will not come' });
  expect((await lists(world, office))[0]!.archived_at).toBeNull();
  expect((await world.press(office, cardOf(asked))).outcome).toBe('approved');
  await settle(world);
  expect(await states(world, office, fall.id)).toEqual({ active: 2, withdrawn: 3 });
  const rows = await world.in(office, async ctx => ({
    monitoring: await ctx.tx.selectFrom('monitoring').selectAll().execute(),
    open: await ctx.tx.selectFrom('link').selectAll().where('ended_at', 'is', null).execute(),
    refill: await ctx.tx.selectFrom('refill').select(['status', 'ended', 'added']).execute(),
  }));
  expect(rows).toEqual({ monitoring: [], open: [], refill: [{ status: 'done', ended: 'list_archived', added: 0 }] });
  expect(await world.call(office, 'show_list', { list: 'VPs' })).toMatchObject({ outcome: 'refused', code: 'list_archived' });
  expect((await members(world, office, id)).length).toBe(5);
});

test('L7 a removed member leaves the sequence where uncontacted; a contacted one goes on, and the answer offers to stop it', async ({
  world,
}) => {
  const office = await world.office();
  const list = await makeList(world, office, 'VPs', { members: 3 });
  const fall = await makeSequence(world, office, 'Fall');
  await link(world, office, 'VPs', 'Fall');
  await contactFirst(world, office, fall.id, 1);
  const removed = await world.call(office, 'remove_member', { list: 'VPs', leads: ['VPs 1', 'vps2@company-2.example'] });
  expect(title(removed)).toBe('2 people are off "VPs".');
  expect(facts(removed)['Left the sequence']).toBe('1 person not contacted yet');
  expect(removed.report.notes).toEqual(['VPs 1 was contacted already and goes on in "Fall". Shall I stop that?']);
  expect(removed.report.next).toContain('stop VPs 1');
  expect(await states(world, office, fall.id)).toEqual({ active: 1, queued: 1, withdrawn: 1 });
  expect(await on(world, office, list.id)).toEqual([list.leads[2]]);
});

test('K4 a removed member that another list of the sequence holds stays enrolled through that one, keeping its place', async ({
  world,
}) => {
  const office = await world.office();
  const vps = await makeList(world, office, 'VPs', { members: 2 });
  const ctos = await makeList(world, office, 'CTOs', { leads: [vps.leads[0]!] });
  const fall = await makeSequence(world, office, 'Fall');
  await link(world, office, 'VPs', 'Fall');
  await link(world, office, 'CTOs', 'Fall');
  const removed = await world.call(office, 'remove_member', { list: 'VPs', leads: ['VPs 1'] });
  expect(facts(removed)).toEqual({ 'Kept by another list': '1 person' });
  expect(await states(world, office, fall.id)).toEqual({ queued: 2 });
  const held = await world.in(office, ctx =>
    ctx.tx.selectFrom('enrollment').select('list_id').where('lead_id', '=', vps.leads[0]!).executeTakeFirstOrThrow(),
  );
  expect(held.list_id).toBe(ctos.id);
});

test('L7 several of one name, or nobody, is a question; who is off the list already is said so', async ({ world }) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 2 });
  await world.in(office, ctx => ctx.tx.updateTable('lead').set({ full_name: 'Pat Doe' }).execute());
  const ambiguous = await world.call(office, 'remove_member', { list: 'VPs', leads: ['pat doe'] });
  expect(ambiguous).toMatchObject({ code: 'ambiguous_lead' });
  expect(ambiguous.report.next).toEqual(['remove vps1@company-1.example from "VPs"', 'remove vps2@company-2.example from "VPs"']);
  const unknown = await world.call(office, 'remove_member', { list: 'VPs', leads: ['Pat Dow'] });
  expect(title(unknown)).toContain('The nearest: Pat Doe');
  await world.call(office, 'remove_member', { list: 'VPs', leads: ['vps1@company-1.example'] });
  expect(await world.call(office, 'remove_member', { list: 'VPs', leads: ['vps1@company-1.example'] })).toMatchObject({
    code: 'removed_already',
  });
  expect(await world.call(office, 'remove_member', { list: 'VPs', leads: ['Pat Doe'] }, { actor: office.rep })).toMatchObject({
    code: 'not_yours',
  });
});

test('M4 no source adds a removed lead again, but a human puts it back by name, and it enrols again', async ({ world }) => {
  const { acme, listId } = await setUp(world, { source: reachable(10) });
  const fall = await makeSequence(world, acme, 'Fall');
  await fill(world, acme, listId, 10);
  await link(world, acme, 'VPs', 'Fall');
  await world.call(acme, 'remove_member', { list: 'VPs', leads: ['pat3@firm.example'] });
  expect(await fill(world, acme, listId, 10)).toMatchObject({ added: 0, skipped: { removed_before: 1 } });
  expect(await on(world, acme, listId)).toHaveLength(9);
  const restored = await world.call(acme, 'restore_member', { list: 'VPs', leads: ['Pat Example 3'] });
  expect(title(restored)).toBe('Pat Example 3 is back on "VPs".');
  expect(facts(restored)).toEqual({ Enrolled: '1 person' });
  expect(await on(world, acme, listId)).toHaveLength(10);
  expect(await states(world, acme, fall.id)).toEqual({ queued: 10, withdrawn: 1 });
  expect(await world.call(acme, 'restore_member', { list: 'VPs', leads: ['Pat Example 3'] })).toMatchObject({ code: 'on_list' });
});

test('M4 X1 an excluded person is not put back', async ({ world }) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 1 });
  await world.call(office, 'remove_member', { list: 'VPs', leads: ['VPs 1'] });
  await world.call(office, 'exclude', { domain: 'company-1.example' });
  expect(await world.call(office, 'restore_member', { list: 'VPs', leads: ['VPs 1'] })).toMatchObject({
    outcome: 'refused',
    code: 'excluded',
  });
});

test('L4 lists combine to a union, an intersection or a difference, each member with the provenance it had', async ({
  world,
}) => {
  const office = await world.office();
  const a = await makeList(world, office, 'A', { members: 3 });
  const b = await makeList(world, office, 'B', { members: 2, leads: [a.leads[0]!, a.leads[1]!] });
  await world.call(office, 'remove_member', { list: 'B', leads: ['A 2'] });
  await world.in(office, ctx =>
    ctx.tx.updateTable('membership').set({ source: 'csv', record_id: 'r1' }).where('list_id', '=', a.id).execute(),
  );
  const combine = async (how: string) => {
    const outcome = await world.call(office, 'combine_lists', { how, lists: ['A', 'B'], name: how });
    if (outcome.outcome !== 'done') throw new Error(JSON.stringify(outcome));
    return (await members(world, office, (outcome.result as { listId: number }).listId)).map(({ lead_id, source, record_id }) => [
      lead_id,
      source,
      record_id,
    ]);
  };
  const ofA = (n: number) => [a.leads[n - 1], 'csv', 'r1'];
  expect(await combine('union')).toEqual([
    ofA(1),
    ofA(2),
    ofA(3),
    [b.leads[0], 'directory', null],
    [b.leads[1], 'directory', null],
  ]);
  expect(await combine('intersection')).toEqual([ofA(1)]);
  expect(await combine('minus')).toEqual([ofA(2), ofA(3)]);
  const [made] = (await lists(world, office)).filter(list => list.name === 'union');
  expect(made).toMatchObject({ source: 'combined', criteria: null });
  expect(await world.call(office, 'set_monitoring', { list: 'union', cadence: 'daily', amount: 5 })).toMatchObject({
    code: 'no_criteria',
  });
});

test('L4 a combined list of many goes on in the background, each person once, and enrols where it is linked meanwhile', async ({
  world,
}) => {
  const office = await world.office();
  const a = await makeList(world, office, 'A', { members: 2500 });
  await makeList(world, office, 'B', { members: 1, leads: a.leads.slice(0, 100) });
  const fall = await makeSequence(world, office, 'Fall', { mode: 'copilot' });
  const made = await world.call(office, 'combine_lists', { how: 'union', lists: ['A', 'B'], name: 'Both' });
  expect(made.report.notes![0]).toBe('They are being put on it now.');
  await world.press(office, cardOf(await world.call(office, 'link_list', { list: 'Both', sequence: 'Fall' })));
  await settle(world);
  const both = (await lists(world, office)).find(list => list.name === 'Both')!;
  expect(await on(world, office, both.id)).toHaveLength(2501);
  expect(await states(world, office, fall.id)).toEqual({ in_review: 2501 });
});

test('combining nothing, one list twice, or lists that share nobody is refused', async ({ world }) => {
  const office = await world.office();
  await makeList(world, office, 'A', { members: 1 });
  await makeList(world, office, 'B', { members: 1 });
  const combine = (how: string, names: string[]) => world.call(office, 'combine_lists', { how, lists: names });
  expect(await combine('union', ['A', 'a'])).toMatchObject({ code: 'same_list' });
  expect(await combine('intersection', ['A', 'B'])).toMatchObject({ code: 'nobody' });
  expect(await combine('union', ['A', 'Nope'])).toMatchObject({ code: 'unknown_list' });
  expect(await combine('union', ['A'])).toMatchObject({ code: 'bad_input' });
  expect((await lists(world, office)).length).toBe(2);
});

test('L3 E5 a new address clears the bounce, and the lead is tried again at once', async ({ world }) => {
  const office = await world.office();
  const list = await makeList(world, office, 'VPs', { members: 1 });
  const fall = await makeSequence(world, office, 'Fall');
  await world.in(office, ctx => ctx.tx.updateTable('lead').set({ email_status: 'bounced' }).execute());
  await link(world, office, 'VPs', 'Fall');
  expect(await skips(world, office, list.id)).toEqual({ bad_address: 1 });
  const edited = await world.call(office, 'edit_lead', {
    lead: 'VPs 1',
    changes: { email: ' Ann@Company-1.example', title: 'CTO', fields: { team: 'blue' } },
  });
  expect(title(edited)).toBe('VPs 1 is changed.');
  expect(await skips(world, office, list.id)).toEqual({});
  expect(await states(world, office, fall.id)).toEqual({ queued: 1 });
  const read = () => world.in(office, ctx => ctx.tx.selectFrom('lead').selectAll().executeTakeFirstOrThrow());
  expect(await read()).toMatchObject({
    email: 'Ann@Company-1.example',
    email_key: 'ann@company-1.example',
    email_status: 'unknown',
    title: 'CTO',
    fields: { team: 'blue' },
  });
  expect(title(await world.call(office, 'undo', {}))).toContain('e-mail, title, team of VPs 1 are as before');
  expect(await read()).toMatchObject({
    email_key: 'vps1@company-1.example',
    email_status: 'bounced',
    title: 'VP of Sales',
    fields: {},
  });
});

test('L3 an address of another lead makes the two one, after a button: the older stays, the later live enrollment stops', async ({
  world,
}) => {
  const office = await world.office();
  const list = await makeList(world, office, 'VPs', { members: 2 });
  const fall = await makeSequence(world, office, 'Fall');
  await link(world, office, 'VPs', 'Fall');
  const asked = await world.call(office, 'edit_lead', { lead: 'VPs 2', changes: { email: 'vps1@company-1.example' } });
  expect(title(asked)).toBe('Are VPs 2 and VPs 1 (vps1@company-1.example) one person?');
  expect((await world.press(office, cardOf(asked))).outcome).toBe('approved');
  const leads = await world.in(office, ctx => ctx.tx.selectFrom('lead').select(['id', 'email_key']).execute());
  expect(leads).toEqual([{ id: list.leads[0], email_key: 'vps1@company-1.example' }]);
  expect(await states(world, office, fall.id)).toEqual({ queued: 1, stopped: 1 });
  expect(await on(world, office, list.id)).toEqual([list.leads[0]]);
  expect(await world.call(office, 'undo', {})).toMatchObject({ outcome: 'refused', code: 'cannot_undo' });
});

test('X3 no new address is a way around an exclusion', async ({ world }) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 2 });
  await world.call(office, 'exclude', { address: 'vps1@company-1.example' });
  const refused = await world.call(office, 'edit_lead', { lead: 'VPs 1', changes: { email: 'other@company-1.example' } });
  expect(refused).toMatchObject({ outcome: 'refused', code: 'excluded' });
  expect(await world.call(office, 'edit_lead', { lead: 'VPs 2', changes: { email: 'vps1@company-1.example' } })).toMatchObject({
    code: 'excluded',
  });
  expect((await world.call(office, 'edit_lead', { lead: 'VPs 1', changes: { title: 'CTO' } })).outcome).toBe('done');
});

test.for([
  ['no address', { email: 'nobody' }, 'bad_input'],
  ['no profile', { linkedinUrl: 'https://company.example' }, 'bad_input'],
  ['nothing', {}, 'nothing_to_change'],
] as const)('editing a lead to %s is refused', async ([, changes, code], { world }) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 1 });
  expect(await world.call(office, 'edit_lead', { lead: 'VPs 1', changes })).toMatchObject({ outcome: 'refused', code });
});

test('M8 a short refill says why, and which filter left out would find most', async ({ world }) => {
  const criteria = { titles: ['VP of Sales'], industries: ['fintech'], companyLocations: ['Germany'] };
  const { acme, listId } = await setUp(world, { source: new PeopleSource(60), criteria });
  await fill(world, acme, listId, 50);
  const shown = await world.call(acme, 'show_list', { list: 'VPs' });
  expect(facts(shown)['Last order']).toContain('nobody else matches today');
  expect(facts(shown)['Would find more']).toBe('without the industry: 20 more people');
  expect(shown.report.next![0]).toBe('"VPs" should look for VP of Sales in Germany');
});

test('M8 a refill that was filled, or whose source does not answer the question, gives no advice', async ({ world }) => {
  const { acme, listId, source } = await setUp(world, { source: reachable(10) });
  await fill(world, acme, listId, 5);
  expect(facts(await world.call(acme, 'show_list', { list: 'VPs' }))['Would find more']).toBeUndefined();
  source.preview = async () => {
    throw new Error('away');
  };
  const short = await fill(world, acme, listId, 50);
  expect(short).toMatchObject({ added: 5, ended: 'exhausted' });
  expect(facts(await world.call(acme, 'show_list', { list: 'VPs' }))['Would find more']).toBeUndefined();
});

test('M8 two empty refills in a row raise a warning in the digest, one does not', async ({ world }) => {
  const { acme, listId } = await setUp(world, { source: reachable(5) });
  await fill(world, acme, listId, 5);
  await world.call(acme, 'set_monitoring', { list: 'VPs', cadence: 'daily', amount: 5 });
  const warnings = async () =>
    (
      await world.in(acme, ctx => compose(ctx, { from: ctx.now.subtract({ hours: 48 }), until: ctx.now.add({ hours: 1 }) }))
    ).needs.map(need => need.text);
  await world.clock.move({ hours: 24 });
  await tick(world, acme, listId);
  expect(await warnings()).toEqual([]);
  await world.clock.move({ hours: 24 });
  await tick(world, acme, listId);
  expect(await warnings()).toEqual([expect.stringContaining('VPs: the last 2 refills found nobody new')]);
});
