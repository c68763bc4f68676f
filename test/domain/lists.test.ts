import fc from 'fast-check';
import { expect, test as pure } from 'vitest';
import type { Context } from '../../src/domain/context.ts';
import * as lists from '../../src/domain/lists/index.ts';
import { describe as describeCriteria, freeName, nameFrom } from '../../src/domain/lists/rules.ts';
import * as monitoring from '../../src/domain/monitoring/index.ts';
import type { Candidate } from '../../src/domain/ports.ts';
import { isRefusal } from '../../src/errors.ts';
import { someone } from '../support/people-source.ts';
import { type Office, test, type World } from '../support/world.ts';

const row = (n: number, over: Partial<Candidate> = {}): Candidate => ({
  ...someone(n, {
    email: `pat${n}@firm${n}.example`,
    companyDomain: `firm${n}.example`,
    recordId: null,
    linkedinUrl: null,
    ...over,
  }),
});

async function open(ctx: Context, office: Office, listName: string, asked = 10) {
  const opened = await monitoring.openImport(ctx, { listName, ownerId: office.admin.id, asked });
  if (isRefusal(opened)) throw new Error(opened.message);
  return opened;
}

const importAll = (world: World, office: Office, listName: string, candidates: Candidate[]) =>
  world.in(office, async ctx => {
    const { listId, refillId } = await open(ctx, office, listName, candidates.length);
    await monitoring.importRows(ctx, { listId, refillId, candidates });
    return { listId, receipt: await monitoring.closeImport(ctx, refillId) };
  });

const exclude = (ctx: Context, kind: 'address' | 'linkedin' | 'domain', value: string, untilOn: string | null = null) =>
  ctx.tx
    .insertInto('exclusion')
    .values({ workspace_id: ctx.workspace.id, kind, value, reason: 'asked', until_on: untilOn, created_at: ctx.now })
    .execute();

pure.each([
  [
    { seniorities: ['vp'], functions: ['sales'], industries: ['fintech'], companyLocations: ['Germany'] },
    'VPs of Sales · fintech · Germany',
  ],
  [{ titles: ['Head of Data'], headcount: { min: 50, max: 500 } }, 'Head of Data'],
  [{ headcount: { min: 50, max: 500 } }, '50–500 people'],
  [{ seniorities: ['c_level'], functions: ['it'], personLocations: ['Lyon', 'Paris', 'Nice'] }, 'C-level IT · Lyon, Paris +1'],
  [{ exclude: { industries: ['retail'] } }, 'New list'],
] as const)('a list is named after what it looks for: %j', (criteria, name) => {
  expect(nameFrom(criteria as never)).toBe(name);
});

pure('criteria read as facts, exclusions last', () => {
  expect(describeCriteria({ functions: ['sales', 'hr'], headcount: { min: 500 }, exclude: { industries: ['retail'] } })).toEqual([
    { label: 'Function', value: 'Sales or HR' },
    { label: 'Headcount', value: '500+ people' },
    { label: 'Not: Industry', value: 'retail' },
  ]);
});

pure('L6 a free name is one that nobody has, ignoring case', () => {
  expect(freeName('VPs', ['vps', 'VPs 2'])).toBe('VPs 3');
  expect(freeName('CTOs', ['vps'])).toBe('CTOs');
});

test('L6 names are unique in a workspace, ignoring case; a taken one is refused with a free one', async ({ world }) => {
  const [acme, other] = [await world.office('Acme'), await world.office('Other')];
  const make = (office: Office, name: string) =>
    world.in(office, ctx => lists.create(ctx, { name, ownerId: office.admin.id, source: 'csv', criteria: null }));
  expect(await make(acme, 'Fall')).toMatchObject({ name: 'Fall' });
  expect(await make(acme, 'FALL')).toMatchObject({ code: 'name_taken', message: expect.stringContaining('"FALL 2" is free') });
  expect(await make(other, 'fall')).toMatchObject({ name: 'fall' });
  await expect(
    world.in(acme, ctx =>
      ctx.tx
        .insertInto('list')
        .values({ workspace_id: acme.id, owner_id: acme.admin.id, name: 'fALL', source: 'csv', created_at: ctx.now })
        .execute(),
    ),
  ).rejects.toThrow(/list_name_key/);
});

test('L6 a list can be renamed and archived; archiving stops its monitoring and keeps its name', async ({ world }) => {
  const acme = await world.office();
  await world.in(acme, async ctx => {
    const made = await lists.create(ctx, {
      name: 'Fall',
      ownerId: acme.admin.id,
      source: 'directory',
      criteria: { titles: ['CTO'] },
    });
    if (isRefusal(made)) throw new Error(made.message);
    await lists.create(ctx, { name: 'Winter', ownerId: acme.admin.id, source: 'csv', criteria: null });
    expect(await lists.rename(ctx, made.id, 'winter')).toMatchObject({ code: 'name_taken' });
    expect(await lists.rename(ctx, made.id, 'FALL')).toBe('FALL');
    await monitoring.set(ctx, { listId: made.id, to: { cadence: 'daily', amount: 20, weekday: null } });
    await lists.archive(ctx, made.id);
    expect(await monitoring.of(ctx, made.id)).toBeUndefined();
    expect(await lists.resolve(ctx, 'fall')).toMatchObject({ code: 'list_archived' });
    expect(await lists.create(ctx, { name: 'Fall', ownerId: acme.admin.id, source: 'csv', criteria: null })).toMatchObject({
      code: 'name_taken',
    });
  });
});

test('a list is found by name or number; an unsure name is answered with the nearest', async ({ world }) => {
  const acme = await world.office();
  await world.in(acme, async ctx => {
    expect(await lists.resolve(ctx, 'Fall')).toMatchObject({ code: 'unknown_list', next: expect.any(Array) });
    for (const name of ['VPs of Sales · fintech', 'CTOs · fintech', 'Été 2026'])
      await lists.create(ctx, { name, ownerId: acme.admin.id, source: 'csv', criteria: null });
    for (const ref of ['VPS OF SALES · FINTECH', 'vps of sales fintech', '“VPs of Sales · fintech”', '#1'])
      expect(await lists.resolve(ctx, ref)).toMatchObject({ id: 1 });
    expect(await lists.resolve(ctx, 'ete 2026')).toMatchObject({ id: 3 });
    expect(await lists.resolve(ctx, 'fintech')).toMatchObject({ code: 'ambiguous_list' });
    expect(await lists.resolve(ctx, 'VP of Sales fintech')).toMatchObject({
      code: 'unknown_list',
      message: expect.stringContaining('"VPs of Sales · fintech"'),
      next: ['show list "VPs of Sales · fintech"', 'show list "CTOs · fintech"'],
    });
  });
});

test('L3 L4 a file becomes a list that holds each person once and keeps where each came from', async ({ world }) => {
  const acme = await world.office();
  const { listId, receipt } = await importAll(world, acme, 'Trade fair', [
    row(1),
    row(2),
    row(1, { email: ' PAT1@firm1.EXAMPLE' }),
  ]);
  expect(receipt).toMatchObject({ asked: 3, found: 3, added: 2, skipped: { already_on_list: 1 }, ended: 'exhausted' });
  const again = await importAll(world, acme, 'TRADE FAIR', [row(2), row(3)]);
  expect(again).toMatchObject({ listId, receipt: { found: 2, added: 1, skipped: { already_on_list: 1 } } });
  const members = await world.in(acme, ctx => ctx.tx.selectFrom('membership').selectAll().orderBy('lead_id').execute());
  expect(members).toMatchObject([
    { source: 'csv', refill_id: 1, added_at: world.now },
    { source: 'csv', refill_id: 1 },
    { source: 'csv', refill_id: 2 },
  ]);
});

test('L5 a receipt counts every row: added, or skipped for a reason', async ({ world }) => {
  const acme = await world.office();
  await importAll(world, acme, 'Fair', [row(1), row(2)]);
  await world.in(acme, async ctx => {
    await ctx.tx.updateTable('membership').set({ removed_at: ctx.now }).where('lead_id', '=', 2).execute();
    await exclude(ctx, 'address', 'pat3@firm3.example');
    await exclude(ctx, 'domain', 'firm4.example');
  });
  const { receipt } = await importAll(world, acme, 'Fair', [
    row(1),
    row(2),
    row(3),
    row(4),
    row(5, { email: null }),
    row(6, { email: 'pat@', linkedinUrl: 'linkedin.com/in/pat6' }),
    row(7),
    row(7),
  ]);
  expect(receipt).toMatchObject({
    asked: 8,
    found: 8,
    added: 1,
    skipped: { already_on_list: 2, removed_before: 1, excluded_person: 1, excluded_company: 1, no_email: 1, invalid_email: 1 },
  });
  const leads = await world.in(acme, ctx => ctx.tx.selectFrom('lead').select('email_key').orderBy('id').execute());
  expect(leads.map(lead => lead.email_key)).toEqual(['pat1@firm1.example', 'pat2@firm2.example', 'pat7@firm7.example']);
});

test('L5 a list created without the need of an e-mail takes people who can be found again another way', async ({ world }) => {
  const acme = await world.office();
  await world.in(acme, async ctx => {
    const made = await lists.create(ctx, {
      name: 'All',
      ownerId: acme.admin.id,
      source: 'csv',
      criteria: null,
      requiresEmail: false,
    });
    if (isRefusal(made)) throw new Error(made.message);
    const { listId, refillId } = await open(ctx, acme, 'All');
    const candidates = [
      row(1, { email: null, linkedinUrl: 'linkedin.com/in/one' }),
      row(2, { email: null }),
      row(3, { email: 'x@' }),
    ];
    expect(await monitoring.importRows(ctx, { listId, refillId, candidates })).toMatchObject({
      added: 1,
      skipped: { no_email: 1, invalid_email: 1 },
    });
  });
});

test('X1 exclusions are checked at import: person, profile and company, by the lead’s own keys too, until their last day', async ({
  world,
}) => {
  const acme = await world.office();
  await importAll(world, acme, 'First', [row(1, { linkedinUrl: 'linkedin.com/in/one' })]);
  await world.in(acme, async ctx => {
    await exclude(ctx, 'address', 'pat1@firm1.example');
    await exclude(ctx, 'linkedin', 'linkedin.com/in/two');
    await exclude(ctx, 'domain', 'mail3.example');
    await exclude(ctx, 'domain', 'firm4.example', '2026-03-02');
    await exclude(ctx, 'domain', 'firm5.example', '2026-03-01');
  });
  const { receipt } = await importAll(world, acme, 'Second', [
    // Known by its profile; the excluded address is the lead's, not the row's.
    row(1, { email: 'other@firm1.example', linkedinUrl: 'linkedin.com/in/one' }),
    row(2, { linkedinUrl: 'https://linkedin.com/in/TWO/' }),
    row(3, { email: 'pat3@mail3.example' }),
    row(4),
    row(5),
  ]);
  expect(receipt).toMatchObject({ added: 1, skipped: { excluded_person: 2, excluded_company: 2 } });
});

test('X1 nothing a source says changes a lead that is excluded', async ({ world }) => {
  const acme = await world.office();
  await importAll(world, acme, 'First', [row(1, { linkedinUrl: 'linkedin.com/in/one' })]);
  await world.in(acme, async ctx => {
    await exclude(ctx, 'address', 'pat1@firm1.example');
    await ctx.tx.updateTable('lead').set({ email_status: 'bounced' }).execute();
  });
  await importAll(world, acme, 'First', [row(1, { email: 'new@firm1.example', linkedinUrl: 'linkedin.com/in/one' })]);
  const lead = await world.in(acme, ctx => ctx.tx.selectFrom('lead').selectAll().executeTakeFirstOrThrow());
  expect(lead).toMatchObject({ email_key: 'pat1@firm1.example', email_status: 'bounced' });
});

test('W2 a rep imports into an own list, not into another’s', async ({ world }) => {
  const acme = await world.office();
  await importAll(world, acme, 'Fair', [row(1)]);
  const begin = (listName: string, asked = 1) =>
    world.in(acme, ctx => monitoring.openImport(ctx, { listName, ownerId: acme.rep.id, asked }), acme.rep);
  expect(await begin('Fair')).toMatchObject({ code: 'not_yours', message: expect.stringContaining('Ada') });
  expect(await begin('Mine')).toMatchObject({ isNew: true });
  expect(await begin('Mine')).toMatchObject({ isNew: false });
  expect(await begin('Empty', 0)).toMatchObject({ code: 'nothing_to_import' });
});

test('T1 a list, its members and its receipts are not there for another workspace', async ({ world }) => {
  const [acme, other] = [await world.office('Acme'), await world.office('Other')];
  const { listId } = await importAll(world, acme, 'Fair', [row(1)]);
  await world.in(other, async ctx => {
    expect(await lists.resolve(ctx, `#${listId}`)).toMatchObject({ code: 'unknown_list' });
    expect(await lists.byId(ctx, listId)).toBeUndefined();
    expect(await ctx.tx.selectFrom('membership').selectAll().execute()).toEqual([]);
    expect(await ctx.tx.selectFrom('refill').selectAll().execute()).toEqual([]);
  });
});

test('L5 a receipt adds up whatever a file holds (property)', async ({ world }) => {
  const acme = await world.office();
  const anyRow = fc
    .record({ n: fc.integer({ min: 1, max: 12 }), email: fc.constantFrom('ok', 'none', 'bad'), byProfile: fc.boolean() })
    .map(({ n, email, byProfile }) =>
      row(n, {
        ...(email === 'none' ? { email: null } : email === 'bad' ? { email: 'x@' } : {}),
        ...(byProfile ? { linkedinUrl: `linkedin.com/in/p${n}` } : {}),
      }),
    );
  let lap = 0;
  await world.in(acme, async ctx => {
    await exclude(ctx, 'address', 'pat1@firm1.example');
    await exclude(ctx, 'domain', 'firm2.example');
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(anyRow, { minLength: 1, maxLength: 10 }), { minLength: 1, maxLength: 3 }),
      async batches => {
        const name = `Lap ${++lap}`;
        for (const batch of batches) {
          const { listId, receipt } = await importAll(world, acme, name, batch);
          const skipped = Object.values(receipt.skipped).reduce((sum, n) => sum + n, 0);
          expect(receipt.found).toBe(batch.length);
          expect(receipt.added + skipped).toBe(receipt.found);
          const members = await world.in(acme, ctx =>
            ctx.tx
              .selectFrom('membership')
              .innerJoin('lead', 'lead.id', 'membership.lead_id')
              .select('lead.email_key')
              .where('list_id', '=', listId)
              .execute(),
          );
          expect(new Set(members.map(member => member.email_key)).size).toBe(members.length);
          for (const { email_key } of members)
            expect(['pat1@firm1.example', 'pat2@firm2.example', null]).not.toContain(email_key);
        }
      },
    ),
    { numRuns: 30 },
  );
});
