import { sql } from 'kysely';
import { expect } from 'vitest';
import type { Outcome } from '../../src/tools/run.ts';
import { makeList } from '../support/links.ts';
import { test } from '../support/world.ts';

/** Whether one person or company is excluded, and by what (X1). */

const rows = (outcome: Outcome): string[] => (outcome.report.tables?.[0]?.rows ?? []).map(row => row[0]!);

test('X1 asked about one, it answers of that one: excluded, until when, and why', async ({ world }) => {
  const office = await world.office();
  await world.call(office, 'exclude', { domain: 'acme.example', reason: 'a customer', until: '2026-05-01' });
  await world.call(office, 'exclude', { domain: 'bravo.example', reason: 'a partner' });
  const asked = await world.call(office, 'list_exclusions', { value: 'https://ACME.example/about' });
  expect(asked.report.title).toBe('Everyone at acme.example is excluded until Fri 1 May.');
  expect(asked.report.tables![0]!.rows[0]!.slice(0, 4)).toEqual(['acme.example', 'company', 'a customer', 'Fri 1 May']);
  expect(asked.report.next).toEqual(['lift the exclusion of acme.example', 'show exclusions']);
  await world.clock.set(Temporal.Instant.from('2026-05-02T12:00:00Z'));
  expect((await world.call(office, 'list_exclusions', { value: 'acme.example' })).report.title).toBe(
    'acme.example is not excluded.',
  );
});

test('X1 one that is not excluded is said not to be, with what covers it all the same', async ({ world }) => {
  const office = await world.office();
  const list = await makeList(world, office, 'A', { members: 2 });
  const title = async (value: string) => (await world.call(office, 'list_exclusions', { value })).report.title;
  expect(await title('a1@company-1.example')).toBe('a1@company-1.example is not excluded, and neither is the company.');
  expect(await title('nobody.example')).toBe('nobody.example is not excluded.');

  await world.call(office, 'exclude', { domain: 'company-1.example' });
  expect(await title('a1@company-1.example')).toBe(
    'a1@company-1.example is not excluded alone, but everyone at company-1.example is.',
  );
  expect(await title('stranger@company-1.example')).toMatch(/not excluded alone, but everyone at company-1\.example is\.$/);

  await world.in(office, ctx =>
    sql`update lead set linkedin_url = 'linkedin.com/in/two' where id = ${list.leads[1]!}`.execute(ctx.tx),
  );
  await world.call(office, 'exclude', { linkedin: 'linkedin.com/in/two' });
  expect(await title('a2@company-2.example')).toBe(
    'a2@company-2.example is not excluded itself, but the same person is by linkedin.com/in/two.',
  );
  expect(await title('A 2')).toBe('A 2 is excluded.');
});

test('X1 of a company that is not excluded it names who is there, and of nobody it knows it says so', async ({ world }) => {
  const office = await world.office();
  for (let n = 1; n <= 6; n++) await world.call(office, 'exclude', { address: `p${n}@acme.example` });
  const asked = await world.call(office, 'list_exclusions', { value: 'acme.example' });
  expect(asked.report.title).toBe('acme.example is not excluded.');
  expect(asked.report.notes).toEqual([
    '6 people there are excluded one by one: p1@acme.example, p2@acme.example, p3@acme.example, p4@acme.example, p5@acme.example and 1 more.',
  ]);
  expect(asked.report.next).toContain('exclude acme.example');
  const unknown = await world.call(office, 'list_exclusions', { value: 'Zed Nobody' });
  expect(unknown.report).toMatchObject({ tone: 'refused', title: expect.stringContaining('no lead called "Zed Nobody"') });
});

test('X1 all of them can be seen, 50 a page, newest first', async ({ world }) => {
  const office = await world.office();
  await world.in(office, ctx =>
    sql`insert into exclusion (workspace_id, kind, value, reason, created_at)
      select ${office.id}, 'domain', 'c' || lpad(n::text, 3, '0') || '.example', 'test', ${ctx.now}::timestamptz + n * interval '1 second'
      from generate_series(1, 120) n`.execute(ctx.tx),
  );
  const first = await world.call(office, 'list_exclusions', {});
  expect([rows(first).length, rows(first)[0], first.report.footer]).toEqual([50, 'c120.example', 'Page 1 of 3']);
  expect(first.report.next).toContain('show exclusions, page 2');
  const last = await world.call(office, 'list_exclusions', { page: 3 });
  expect([rows(last).length, rows(last).at(-1)]).toEqual([20, 'c001.example']);
  expect(last.report.next).not.toContainEqual(expect.stringContaining('page'));
  expect((await world.call(office, 'list_exclusions', { page: 4 })).report.title).toBe('There is no page 4.');
});
