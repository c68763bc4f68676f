import fc from 'fast-check';
import { expect } from 'vitest';
import * as lists from '../../src/domain/lists/index.ts';
import * as monitoring from '../../src/domain/monitoring/index.ts';
import { isRefusal } from '../../src/errors.ts';
import { PeopleSource, someone } from '../support/people-source.ts';
import { anybody, fill, memberCount, order, reachable, receipt, setUp } from '../support/refills.ts';
import { test } from '../support/world.ts';

test('M2 an order adds exactly N: who is skipped is replaced', async ({ world }) => {
  const { acme, listId } = await setUp(world, { source: new PeopleSource(600) });
  const got = await fill(world, acme, listId, 200);
  expect(got).toMatchObject({ asked: 200, added: 200, ended: 'filled' });
  // Persons 10, 20, … have no address and 7, 32, … an invalid one: 234 are looked at for 200.
  expect(got.found).toBe(200 + got.skipped.no_email! + got.skipped.invalid_email!);
  expect(await memberCount(world, acme)).toBe(200);
});

test('M2 the people that a page held beyond N come with the next order, nobody is lost', async ({ world }) => {
  const { acme, listId, source } = await setUp(world, { source: reachable(100) });
  for (const asked of [7, 3, 41, 49])
    expect(await fill(world, acme, listId, asked)).toMatchObject({ found: asked, added: asked });
  expect(await memberCount(world, acme)).toBe(source.people.length);
});

test('M2 L5 an exhausted source is said so, and an exhausted list takes up whom the source knows later', async ({ world }) => {
  const { acme, listId, source } = await setUp(world, { source: reachable(30) });
  expect(await fill(world, acme, listId, 50)).toMatchObject({ found: 30, added: 30, skipped: {}, ended: 'exhausted' });
  source.people.push(someone(31, { knownFrom: '2026-03-03' }), someone(33, { knownFrom: '2026-03-03' }));
  expect(await fill(world, acme, listId, 1)).toMatchObject({ found: 30, added: 0, skipped: { already_on_list: 30 } });
  await world.clock.move({ hours: 24 });
  expect(await fill(world, acme, listId, 1)).toMatchObject({ found: 1, added: 1, skipped: {}, ended: 'filled' });
});

test('M2 an order that comes to the end looks once more from the start, where people may be eligible by now', async ({
  world,
}) => {
  const { acme, listId } = await setUp(world, { source: reachable(30) });
  await world.in(acme, ctx =>
    ctx.tx
      .insertInto('exclusion')
      .values({
        workspace_id: acme.id,
        kind: 'address',
        value: 'pat3@firm.example',
        reason: 'later',
        until_on: '2026-03-02',
        created_at: ctx.now,
      })
      .execute(),
  );
  expect(await fill(world, acme, listId, 10)).toMatchObject({ found: 11, added: 10, skipped: { excluded_person: 1 } });
  await world.clock.move({ hours: 24 });
  // 19 further on and person 3; the ten from before are looked at, nobody twice.
  expect(await fill(world, acme, listId, 25)).toMatchObject({
    found: 30,
    added: 20,
    skipped: { already_on_list: 10 },
    ended: 'exhausted',
  });
});

test('M2 the budget ends an order that hardly finds anybody', async ({ world }) => {
  const source = new PeopleSource(Array.from({ length: 1500 }, (_, i) => someone(i + 1, { email: null })));
  const { acme, listId } = await setUp(world, { source });
  expect(await fill(world, acme, listId, 2)).toMatchObject({
    found: 1100,
    added: 0,
    skipped: { no_email: 1100 },
    ended: 'budget',
  });
  expect(await fill(world, acme, listId, 9)).toMatchObject({ found: 1450, ended: 'budget' });
});

test('M2 the budget is not overrun by what the last page holds beyond it', async ({ world }) => {
  const source = new PeopleSource(Array.from({ length: 4000 }, (_, i) => someone(i + 1, { email: null })));
  const { acme, listId } = await setUp(world, { source });
  // 50 × 50 + 1,000 people, in pages of 63.
  expect(await fill(world, acme, listId, 50)).toMatchObject({ found: 3500, added: 0, ended: 'budget' });
});

test('M4 who was ever on a list is not added to it again by a source', async ({ world }) => {
  const { acme, listId } = await setUp(world, { source: reachable(10) });
  await fill(world, acme, listId, 5);
  await world.in(acme, ctx => ctx.tx.updateTable('membership').set({ removed_at: ctx.now }).where('lead_id', '=', 2).execute());
  expect(await fill(world, acme, listId, 10)).toMatchObject({ added: 5, skipped: { already_on_list: 4, removed_before: 1 } });
  const removed = await world.in(acme, ctx =>
    ctx.tx.selectFrom('membership').select('lead_id').where('removed_at', 'is not', null).execute(),
  );
  expect(removed).toEqual([{ lead_id: 2 }]);
});

test('L4 a member keeps source, record, criteria, time and refill', async ({ world }) => {
  const { acme, listId } = await setUp(world);
  const id = await order(world, acme, listId, 1);
  await world.in(acme, ctx => lists.editCriteria(ctx, { listId, criteria: { titles: ['CTO'] }, source: 'directory' }));
  await world.drain();
  const member = await world.in(acme, ctx =>
    ctx.tx
      .selectFrom('membership')
      .innerJoin('refill', 'refill.id', 'membership.refill_id')
      .select(['membership.source', 'record_id', 'added_at', 'refill_id', 'refill.criteria'])
      .executeTakeFirstOrThrow(),
  );
  expect(member).toEqual({ source: 'directory', record_id: 'p1', added_at: world.now, refill_id: id, criteria: anybody });
});

test('L6 edited criteria count for later refills, from the start of the source', async ({ world }) => {
  const { acme, listId } = await setUp(world, { source: new PeopleSource(600) });
  await fill(world, acme, listId, 20);
  const before = await order(world, acme, listId, 5);
  await world.in(acme, ctx => lists.editCriteria(ctx, { listId, criteria: { industries: ['fintech'] }, source: 'directory' }));
  const after = await order(world, acme, listId, 4);
  await world.drain();
  expect(await receipt(world, acme, before)).toMatchObject({
    added: 5,
    skipped: expect.not.objectContaining({ excluded_person: 1 }),
  });
  // Every third is in fintech: 3, 6, 9 … are on the list up to where the first criteria came.
  const { skipped, added } = await receipt(world, acme, after);
  expect(added).toBe(4);
  expect(skipped.already_on_list).toBeGreaterThan(5);
});

test('L6 an order with criteria of its own, or of before an edit, does not move where the list reads', async ({ world }) => {
  const { acme, listId } = await setUp(world, { source: reachable(600) });
  await fill(world, acme, listId, 100);
  const own = await world.in(acme, ctx =>
    monitoring.order(ctx, { listId, asked: 5, kind: 'order', criteria: { industries: ['fintech'] }, orderedBy: null }),
  );
  await world.drain();
  // From the start: 3, 6, … 99 are on the list, 102 and the four after it are new.
  expect(await receipt(world, acme, own!)).toMatchObject({ found: 38, added: 5, skipped: { already_on_list: 33 } });
  // From 101 on: ten new ones, and 102, 105, 108, 111 and 114 in between.
  expect(await fill(world, acme, listId, 10)).toMatchObject({ found: 15, added: 10, skipped: { already_on_list: 5 } });
});

test('M2 M3 a job that is run twice, or beside another worker, adds N and not more', async ({ world }) => {
  const { acme, listId } = await setUp(world, { source: reachable(2000) });
  const id = await order(world, acme, listId, 700);
  await Promise.all([1, 2, 3].map(() => monitoring.carryOut(world.services, acme.id, id)));
  await monitoring.carryOut(world.services, acme.id, id);
  expect(await receipt(world, acme, id)).toMatchObject({ found: 700, added: 700, ended: 'filled' });
  expect(await memberCount(world, acme)).toBe(700);
});

test('M2 orders of one list are carried out one after the other, and both in full', async ({ world }) => {
  const { acme, listId } = await setUp(world, { source: reachable(2000) });
  const [a, b] = [await order(world, acme, listId, 600), await order(world, acme, listId, 500)];
  await Promise.all([b, a, b].map(id => monitoring.carryOut(world.services, acme.id, id)));
  await world.drain();
  expect(await receipt(world, acme, a)).toMatchObject({ found: 600, added: 600 });
  expect(await receipt(world, acme, b)).toMatchObject({ found: 500, added: 500 });
});

test('M3 a refill that breaks off between pages goes on where it was', async ({ world }) => {
  const { acme, listId, source } = await setUp(world, { source: reachable(2000) });
  const id = await order(world, acme, listId, 1200);
  const next = source.next.bind(source);
  let calls = 0;
  source.next = (...page) => {
    if (++calls === 3) throw new Error('the process died here');
    return next(...page);
  };
  await expect(world.drain()).rejects.toThrow('died');
  const broken = await receipt(world, acme, id);
  expect(broken).toMatchObject({ added: source.served, ended: null });
  expect(broken.added).toBeGreaterThan(0);
  const open = await world.in(acme, ctx => ctx.tx.selectFrom('refill').select(['status', 'error']).executeTakeFirstOrThrow());
  expect(open).toEqual({ status: 'queued', error: 'The directory does not answer.' });
  await monitoring.carryOut(world.services, acme.id, id);
  expect(await receipt(world, acme, id)).toMatchObject({ found: 1200, added: 1200, ended: 'filled' });
  expect(await memberCount(world, acme)).toBe(1200);
});

test('M3 an order whose source does not answer for a day is given up and says so', async ({ world }) => {
  const { acme, listId, source } = await setUp(world);
  const id = await order(world, acme, listId, 5);
  source.failures = 2;
  await expect(monitoring.carryOut(world.services, acme.id, id)).rejects.toThrow();
  await world.clock.move({ hours: 25 });
  await expect(monitoring.carryOut(world.services, acme.id, id)).rejects.toThrow();
  const row = await world.in(acme, ctx => ctx.tx.selectFrom('refill').select(['status', 'error']).executeTakeFirstOrThrow());
  expect(row).toEqual({ status: 'failed', error: 'The directory does not answer.' });
});

test('L6 an order for a list that was archived meanwhile ends without adding', async ({ world }) => {
  const { acme, listId } = await setUp(world);
  const id = await order(world, acme, listId, 5);
  await world.in(acme, ctx => lists.archive(ctx, listId));
  await world.drain();
  expect(await receipt(world, acme, id)).toMatchObject({ added: 0, ended: 'list_archived' });
});

test('X1 a refill adds nobody who is excluded', async ({ world }) => {
  const { acme, listId } = await setUp(world, { source: new PeopleSource(Array.from({ length: 12 }, (_, i) => someone(i + 1))) });
  await world.in(acme, ctx =>
    ctx.tx
      .insertInto('exclusion')
      .values([
        { workspace_id: acme.id, kind: 'domain', value: 'firm1.example', reason: 'client', created_at: ctx.now },
        { workspace_id: acme.id, kind: 'linkedin', value: 'linkedin.com/in/pat-2', reason: 'asked', created_at: ctx.now },
      ])
      .execute(),
  );
  expect(await fill(world, acme, listId, 12)).toMatchObject({
    added: 8,
    skipped: { excluded_company: 1, excluded_person: 1, no_email: 1, invalid_email: 1 },
  });
});

test('L5 whatever a source holds, a receipt adds up and N is N (property)', async ({ world }) => {
  const acme = await world.office();
  let lap = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ id: fc.integer({ min: 1, max: 25 }), kind: fc.constantFrom('ok', 'ok', 'ok', 'none', 'bad') }), {
        maxLength: 40,
      }),
      fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 1, maxLength: 4 }),
      async (people, orders) => {
        lap++;
        const source = new PeopleSource(
          people.map(({ id, kind }, i) =>
            someone(i + 1, {
              recordId: `${lap}-${i}`,
              linkedinUrl: null,
              email: kind === 'ok' ? `p${lap}x${id}@firm.example` : kind === 'bad' ? 'x@' : null,
            }),
          ),
        );
        world.services.sources = { directory: source };
        const list = await world.in(acme, ctx =>
          lists.create(ctx, { name: `Lap ${lap}`, ownerId: acme.admin.id, source: 'directory', criteria: anybody }),
        );
        if (isRefusal(list)) throw new Error(list.message);
        let left = new Set(people.filter(({ kind }) => kind === 'ok').map(({ id }) => id)).size;
        for (const asked of orders) {
          const got = await fill(world, acme, list.id, asked);
          expect(got.found).toBe(got.added + Object.values(got.skipped).reduce((sum, n) => sum + n, 0));
          expect(got.found).toBeLessThanOrEqual(people.length);
          expect(got.added).toBe(Math.min(asked, left));
          expect(got.ended).toBe(got.added === asked ? 'filled' : 'exhausted');
          left -= got.added;
        }
      },
    ),
    { numRuns: 30 },
  );
});
