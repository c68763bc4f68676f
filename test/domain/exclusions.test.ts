import { sql } from 'kysely';
import { expect } from 'vitest';
import { contactFirst, makeList, makeSequence, putMessage, settle, skips, states } from '../support/links.ts';
import { type Office, test, type World } from '../support/world.ts';

const linked = async (world: World, office: Office, list: string, sequence: string, members: number) => {
  const made = { list: await makeList(world, office, list, { members }), sequence: await makeSequence(world, office, sequence) };
  await world.call(office, 'link_list', { list, sequence });
  await settle(world);
  return made;
};

const exclusions = (world: World, office: Office) =>
  world.in(office, ctx => ctx.tx.selectFrom('exclusion').select(['kind', 'value', 'reason', 'until_on']).orderBy('id').execute());

test('X2 excluding a company stops everyone of it, whatever sequence they are in, and the answer counts them', async ({
  world,
}) => {
  const office = await world.office();
  const { sequence: fall, list } = await linked(world, office, 'A', 'Fall', 3);
  const { sequence: winter } = await linked(world, office, 'B', 'Winter', 3);
  await contactFirst(world, office, fall.id, 1);
  await putMessage(world, office, { leadId: list.leads[0]!, senderId: fall.senderId, state: 'planned' });
  const outcome = await world.call(office, 'exclude', { domain: 'https://www.Company-1.example/about', reason: 'a customer' });
  expect(outcome).toMatchObject({ outcome: 'done', effect: 'write', result: { leads: 2, stopped: { Fall: 1, Winter: 1 } } });
  expect(outcome.report.title).toBe('Everyone at company-1.example is excluded. 2 live enrollments are stopped.');
  expect(await states(world, office, fall.id)).toEqual({ excluded: 1, queued: 2 });
  expect(await states(world, office, winter.id)).toEqual({ excluded: 1, queued: 2 });
  expect(await world.in(office, ctx => ctx.tx.selectFrom('message').select('id').execute())).toEqual([]);
});

test('X1 a person by address, profile or name, however written', async ({ world }) => {
  const office = await world.office();
  const { sequence, list } = await linked(world, office, 'A', 'S', 4);
  await world.in(office, ctx =>
    sql`update lead set linkedin_url = 'linkedin.com/in/two' where id = ${list.leads[1]!}`.execute(ctx.tx),
  );
  await world.call(office, 'exclude', { address: ' A1@Company-1.EXAMPLE ' });
  await world.call(office, 'exclude', { linkedin: 'https://de.linkedin.com/in/Two/?x=1' });
  await world.call(office, 'exclude', { lead: 'a 3' });
  expect(await states(world, office, sequence.id)).toEqual({ excluded: 3, queued: 1 });
  expect(await exclusions(world, office)).toMatchObject([
    { kind: 'address', value: 'a1@company-1.example' },
    { kind: 'linkedin', value: 'linkedin.com/in/two' },
    { kind: 'address', value: 'a3@company-3.example' },
  ]);
});

test('X1 an exclusion holds at enrolment until its last day has passed', async ({ world }) => {
  const office = await world.office();
  const list = await makeList(world, office, 'A', { members: 2 });
  await makeSequence(world, office, 'S');
  await world.call(office, 'exclude', { domain: 'company-1.example', until: '2026-03-10' });
  await world.call(office, 'exclude', { address: 'a2@company-2.example', until: '2026-03-09' });
  await world.clock.set(Temporal.Instant.from('2026-03-10T23:00:00Z'));
  await world.call(office, 'link_list', { list: 'A', sequence: 'S' });
  await settle(world);
  expect(await skips(world, office, list.id)).toEqual({ excluded: 1 });
});

test('X1 again gives a new reason and end; an opt-out stays as it is', async ({ world }) => {
  const office = await world.office();
  await world.call(office, 'exclude', { domain: 'acme.example', reason: 'a customer' });
  await world.call(office, 'exclude', { domain: 'ACME.example', reason: 'a partner', until: '2026-12-31' });
  expect(await exclusions(world, office)).toEqual([
    { kind: 'domain', value: 'acme.example', reason: 'a partner', until_on: '2026-12-31' },
  ]);
  await world.in(office, ctx => sql`update exclusion set opt_out = true, until_on = null`.execute(ctx.tx));
  await world.call(office, 'exclude', { domain: 'acme.example', until: '2026-04-01' });
  expect(await exclusions(world, office)).toMatchObject([{ reason: 'a partner', until_on: null }]);
});

test('X1 what cannot be excluded is refused with what to do instead', async ({ world }) => {
  const office = await world.office();
  const list = await makeList(world, office, 'A', { members: 3 });
  await world.in(office, ctx => sql`update lead set full_name = 'Ann Example' where id <> ${list.leads[0]!}`.execute(ctx.tx));
  const refusal = async (input: object) => {
    const outcome = await world.call(office, 'exclude', input);
    return outcome.outcome === 'refused' ? [outcome.code, ...(outcome.next ?? [])] : outcome.outcome;
  };
  expect(await refusal({ domain: 'gmail.com' })).toEqual(['free_mail_domain', 'exclude ann@gmail.com']);
  expect(await refusal({ lead: 'Ann Example' })).toEqual([
    'ambiguous_lead',
    'exclude a2@company-2.example',
    'exclude a3@company-3.example',
  ]);
  expect(await refusal({ lead: 'Anna Example' })).toEqual(['unknown_lead', 'exclude Ann Example']);
  expect(await refusal({ address: 'nonsense' })).toContain('bad_input');
  expect(await refusal({ domain: 'acme.example', until: '2026-03-01' })).toContain('until_past');
  expect(await refusal({})).toContain('which_one');
  expect(await exclusions(world, office)).toEqual([]);
});
