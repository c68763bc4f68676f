import fc from 'fast-check';
import { describe, expect, test as pure } from 'vitest';
import type { Context } from '../../src/domain/context.ts';
import * as leads from '../../src/domain/leads/index.ts';
import { combine, domainKey, emailKey, groupPeople, isEmail, linkedinKey, person } from '../../src/domain/leads/rules.ts';
import type { Candidate } from '../../src/domain/ports.ts';
import { someone } from '../support/people-source.ts';
import { type Office, test, type World } from '../support/world.ts';

const bare: Omit<Candidate, 'fullName'> = {
  recordId: null,
  firstName: null,
  lastName: null,
  email: null,
  linkedinUrl: null,
  title: null,
  seniority: null,
  function: null,
  company: null,
  companyDomain: null,
  industry: null,
  headcount: null,
  personLocation: null,
  companyLocation: null,
  technologies: [],
  fields: {},
};
const who = (over: Partial<Candidate>): Candidate => ({ fullName: 'Sam Example', ...bare, ...over });
const upsert = (world: World, office: Office, candidates: Candidate[], source = 'directory') =>
  world.in(office, ctx => leads.upsert(ctx, candidates, { source }));
const allLeads = (world: World, office: Office) =>
  world.in(office, ctx => ctx.tx.selectFrom('lead').selectAll().orderBy('id').execute());

describe('normalisers', () => {
  pure.each([
    [' Ann.Lee+News@Firm.Example ', 'ann.lee+news@firm.example'],
    ['<ann@firm.example>', 'ann@firm.example'],
    ['mailto:ann@firm.example', 'ann@firm.example'],
    ['ann@bücher.example', 'ann@xn--bcher-kva.example'],
    ['ann@@firm.example', null],
    ['ann..lee@firm.example', null],
    ['.ann@firm.example', null],
    ['ann@firm', null],
    ['ann@-firm.example', null],
    ['ann@firm.123', null],
    ['ann lee@firm.example', null],
    [`${'a'.repeat(65)}@firm.example`, null],
    ['pat@', null],
    ['', null],
    [null, null],
  ])('L3 the address %j is %j', (given, key) => {
    expect(emailKey(given)).toBe(key);
    if (given) expect(isEmail(given)).toBe(key !== null);
  });

  pure.each([
    ['https://www.linkedin.com/in/Ann-Lee/?trk=x', 'linkedin.com/in/ann-lee'],
    ['http://de.linkedin.com/in/ann-lee/en', 'linkedin.com/in/ann-lee'],
    ['linkedin.com/in/ann-lee#top', 'linkedin.com/in/ann-lee'],
    ['https://www.linkedin.com/in/j%C3%B6rg', 'linkedin.com/in/jörg'],
    ['https://www.linkedin.com/company/firm', null],
    ['https://notlinkedin.com/in/ann', null],
    ['https://linkedin.com.evil.example/in/ann', null],
    [null, null],
  ])('L3 the profile %j is %j', (given, key) => expect(linkedinKey(given)).toBe(key));

  pure.each([
    ['https://www.Firm.Example/about?x=1', 'firm.example'],
    ['firm.example:8080', 'firm.example'],
    ['WWW.FIRM.EXAMPLE.', 'firm.example'],
    ['ann@firm.example', 'firm.example'],
    ['firm', null],
    ['not a domain', null],
    ['', null],
  ])('X1 the domain %j is %j', (given, key) => expect(domainKey(given)).toBe(key));
});

test('L3 a lead is found again by address, by LinkedIn profile or by record id, any of them', async ({ world }) => {
  const acme = await world.office();
  const first = await upsert(world, acme, [
    who({ email: 'sam@firm.example', linkedinUrl: 'linkedin.com/in/sam', recordId: 'r1' }),
  ]);
  for (const again of [
    who({ email: ' SAM@Firm.example' }),
    who({ linkedinUrl: 'https://uk.linkedin.com/in/SAM/?x=1' }),
    who({ recordId: 'r1' }),
  ])
    expect((await upsert(world, acme, [again])).leadIds).toEqual(first.leadIds);
  expect((await upsert(world, acme, [who({ recordId: 'r1' })], 'apollo')).leadIds).not.toEqual(first.leadIds);
});

test('L3 duplicates inside one batch are one lead, through any number of others', async ({ world }) => {
  const acme = await world.office();
  const { leadIds, rejected } = await upsert(world, acme, [
    who({ email: 'a@firm.example' }),
    who({ recordId: 'r', linkedinUrl: 'linkedin.com/in/a' }),
    who({ fullName: 'Nobody' }),
    who({ email: 'b@firm.example' }),
    who({ email: 'a@firm.example', linkedinUrl: 'linkedin.com/in/a' }),
  ]);
  expect(leadIds).toEqual([1, 1, null, 2, 1]);
  expect(rejected).toEqual([{ index: 2, reason: 'no_identity' }]);
  expect(await allLeads(world, acme)).toHaveLength(2);
});

test('L3 gaps are filled, nothing is emptied, and another address takes the place of a bounced one and its mark', async ({
  world,
}) => {
  const acme = await world.office();
  const known = { linkedinUrl: 'linkedin.com/in/sam', fields: { team: 'North' } };
  await upsert(world, acme, [who({ ...known, email: 'old@firm.example', title: 'VP', firstName: null })]);
  await upsert(world, acme, [
    who({ ...known, title: null, firstName: 'Sam', fields: { team: '', floor: '3' }, technologies: ['SQL'] }),
  ]);
  expect((await allLeads(world, acme))[0]).toMatchObject({
    email: 'old@firm.example',
    title: 'VP',
    first_name: 'Sam',
    technologies: ['SQL'],
    fields: { team: 'North', floor: '3' },
  });
  await upsert(world, acme, [who({ ...known, email: 'other@firm.example' })]);
  expect((await allLeads(world, acme))[0]).toMatchObject({ email_key: 'old@firm.example', email_status: 'unknown' });

  await world.in(acme, ctx => ctx.tx.updateTable('lead').set({ email_status: 'bounced' }).execute());
  await upsert(world, acme, [who({ ...known, email: 'old@firm.example' })]);
  expect((await allLeads(world, acme))[0]).toMatchObject({ email_key: 'old@firm.example', email_status: 'bounced' });
  await upsert(world, acme, [who({ ...known, email: 'New@firm.example' })]);
  expect((await allLeads(world, acme))[0]).toMatchObject({
    email: 'New@firm.example',
    email_key: 'new@firm.example',
    email_status: 'unknown',
  });
});

/** Two leads that are one person: on a list each and one both, live in a sequence each, with a message and a skip each. */
async function twoHistories(ctx: Context) {
  const at = { workspace_id: ctx.workspace.id };
  const owner = (await ctx.tx.selectFrom('member').select('id').executeTakeFirstOrThrow()).id;
  const list = async (name: string) =>
    (
      await ctx.tx
        .insertInto('list')
        .values({ ...at, owner_id: owner, name, source: 'csv', created_at: ctx.now })
        .returning('id')
        .executeTakeFirstOrThrow()
    ).id;
  const [a, b] = [await list('A'), await list('B')];
  const sender = await ctx.tx
    .insertInto('sender')
    .values({ ...at, owner_id: owner, name: 'Ada', address: 'ada@drover.example', transport: 'local', created_at: ctx.now })
    .returning('id')
    .executeTakeFirstOrThrow();
  const sequence = await ctx.tx
    .insertInto('sequence')
    .values({
      ...at,
      owner_id: owner,
      name: 'S',
      status: 'active',
      zone: 'UTC',
      send_days: [1],
      send_from: '09:00',
      send_until: '17:00',
      created_at: ctx.now,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  const link = await ctx.tx
    .insertInto('link')
    .values({ ...at, list_id: a, sequence_id: sequence.id, linked_at: ctx.now })
    .returning('id')
    .executeTakeFirstOrThrow();
  const { leadIds } = await leads.upsert(
    ctx,
    [
      who({ email: 'sam@firm.example', recordId: 'r1' }),
      who({ linkedinUrl: 'linkedin.com/in/sam', recordId: 'r2', title: 'VP' }),
    ],
    { source: 'directory' },
  );
  const [older, younger] = leadIds as [number, number];
  for (const [listId, leadId] of [
    [a, older],
    [a, younger],
    [b, younger],
  ] as const)
    await ctx.tx
      .insertInto('membership')
      .values({ ...at, list_id: listId, lead_id: leadId, source: 'csv', added_at: ctx.now })
      .execute();
  await ctx.tx
    .insertInto('skip')
    .values({ ...at, link_id: link.id, lead_id: younger, reason: 'no_email', retry: true, skipped_at: ctx.now })
    .execute();
  const enroll = async (leadId: number, minutes: number) => {
    const enrollment = await ctx.tx
      .insertInto('enrollment')
      .values({
        ...at,
        sequence_id: sequence.id,
        lead_id: leadId,
        version: 1,
        state: 'active',
        enrolled_at: ctx.now.add({ minutes }),
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await ctx.tx
      .insertInto('message')
      .values({
        ...at,
        enrollment_id: enrollment.id,
        sequence_id: sequence.id,
        lead_id: leadId,
        sender_id: sender.id,
        version: 1,
        position: 1,
        first_contact: true,
        state: 'sent',
        planned_on: '2026-03-02',
        planned_at: ctx.now,
      })
      .execute();
    return enrollment.id;
  };
  // The younger lead's enrollment began first, and so it is the one that goes on.
  return { a, b, older, younger, later: await enroll(older, 5), earlier: await enroll(younger, 0) };
}

test('L3 two leads found to be one are merged into the older; histories stay and the later live enrollment stops', async ({
  world,
}) => {
  const acme = await world.office();
  await world.in(acme, async ctx => {
    const { a, b, older, later, earlier } = await twoHistories(ctx);
    const both = who({ email: 'sam@firm.example', linkedinUrl: 'linkedin.com/in/sam', recordId: 'r3' });
    expect((await leads.upsert(ctx, [both], { source: 'directory' })).leadIds).toEqual([older]);

    const rows = await ctx.tx.selectFrom('lead').selectAll().execute();
    expect(rows).toMatchObject([{ id: older, email_key: 'sam@firm.example', linkedin_url: 'linkedin.com/in/sam', title: 'VP' }]);
    const members = await ctx.tx.selectFrom('membership').select(['list_id', 'lead_id']).orderBy('list_id').execute();
    expect(members).toEqual([
      { list_id: a, lead_id: older },
      { list_id: b, lead_id: older },
    ]);
    const records = await ctx.tx.selectFrom('lead_record').select(['record_id', 'lead_id']).orderBy('record_id').execute();
    expect(records).toEqual(['r1', 'r2', 'r3'].map(record_id => ({ record_id, lead_id: older })));
    const enrollments = await ctx.tx
      .selectFrom('enrollment')
      .select(['id', 'lead_id', 'state', 'reason'])
      .orderBy('id')
      .execute();
    expect(enrollments).toEqual([
      { id: later, lead_id: older, state: 'stopped', reason: 'merged' },
      { id: earlier, lead_id: older, state: 'active', reason: null },
    ]);
    expect(await ctx.tx.selectFrom('message').select('lead_id').execute()).toEqual([{ lead_id: older }, { lead_id: older }]);
    expect(await ctx.tx.selectFrom('skip').select('lead_id').execute()).toEqual([{ lead_id: older }]);
  });
});

test('L3 a person removed from a list under one of two identities stays removed when they are merged', async ({ world }) => {
  const acme = await world.office();
  await world.in(acme, async ctx => {
    const { a, older, younger } = await twoHistories(ctx);
    await ctx.tx
      .updateTable('membership')
      .set({ removed_at: ctx.now })
      .where('lead_id', '=', younger)
      .where('list_id', '=', a)
      .execute();
    await leads.upsert(ctx, [who({ email: 'sam@firm.example', linkedinUrl: 'linkedin.com/in/sam' })], { source: 'csv' });
    const member = await ctx.tx.selectFrom('membership').selectAll().where('list_id', '=', a).executeTakeFirstOrThrow();
    expect(member).toMatchObject({ lead_id: older, removed_at: ctx.now });
  });
});

test('L3 workspaces keep their own leads', async ({ world }) => {
  const [acme, other] = [await world.office('Acme'), await world.office('Other')];
  const [mine, theirs] = [await upsert(world, acme, [someone(1)]), await upsert(world, other, [someone(1)])];
  expect(mine.leadIds).not.toEqual(theirs.leadIds);
});

const pool = (prefix: string, size: number) => fc.option(fc.integer({ min: 1, max: size }).map(n => `${prefix}${n}`));
const candidates = fc.array(
  fc
    .record({ e: pool('e', 5), l: pool('l', 5), r: pool('r', 5) })
    .map(({ e, l, r }) => who({ email: e && `${e}@firm.example`, linkedinUrl: l && `linkedin.com/in/${l}`, recordId: r })),
  { maxLength: 8 },
);

/** Who is who by definition: the smallest sets in which sharing any key puts people together. */
function closure(batch: Candidate[]): number[] {
  const group = batch.map((_, i) => i);
  for (let changed = true; changed; ) {
    changed = false;
    for (const [i, x] of batch.entries())
      for (const [j, y] of batch.entries()) {
        const share =
          (x.email && x.email === y.email) ||
          (x.linkedinUrl && x.linkedinUrl === y.linkedinUrl) ||
          (x.recordId && x.recordId === y.recordId);
        if (share && group[i] !== group[j]) {
          group[i] = group[j] = Math.min(group[i]!, group[j]!);
          changed = true;
        }
      }
  }
  return group;
}

pure('L3 grouping is the transitive closure of shared keys (property)', () => {
  fc.assert(
    fc.property(candidates, batch => {
      const groups = groupPeople(batch.map(person), []);
      const found = batch.map((_, i) => Math.min(...groups.find(group => group.members.includes(i))!.members));
      expect(found).toEqual(closure(batch));
    }),
  );
});

pure('L3 combining never empties a field (property)', () => {
  fc.assert(
    fc.property(candidates, batch => {
      if (!batch.length) return;
      const before = combine([], [person(batch[0]!)]);
      const after = combine([], batch.map(person));
      for (const key of ['email_key', 'linkedin_url', 'full_name'] as const)
        if (before[key]) expect(after[key]).toBe(before[key]);
    }),
  );
});

test('L3 whatever batches come, one person is one lead and a record id stays with its person (property)', async ({ world }) => {
  const acme = await world.office();
  await fc.assert(
    fc.asyncProperty(fc.array(candidates, { minLength: 1, maxLength: 4 }), async batches => {
      await world
        .in(acme, async ctx => {
          for (const batch of batches) {
            const { leadIds } = await leads.upsert(ctx, batch, { source: 'directory' });
            const groups = closure(batch);
            for (const [i, a] of leadIds.entries())
              for (const [j, b] of leadIds.entries()) if (a !== null && groups[i] === groups[j]) expect(b).toBe(a);
            const records = await ctx.tx.selectFrom('lead_record').select(['record_id', 'lead_id']).execute();
            const byRecord = new Map(records.map(row => [row.record_id, row.lead_id]));
            for (const [i, { recordId }] of batch.entries()) if (recordId) expect(byRecord.get(recordId)).toBe(leadIds[i]);
          }
          throw new Rollback();
        })
        .catch(error => {
          if (!(error instanceof Rollback)) throw error;
        });
    }),
    { numRuns: 60 },
  );
});
class Rollback extends Error {}
