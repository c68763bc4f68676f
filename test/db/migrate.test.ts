import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import { expect } from 'vitest';
import { assertIsolation, migrate } from '../../src/db/migrate.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { test } from '../support/world.ts';

test('a database that a newer Drover has migrated is refused, and says why', async ({ world }) => {
  const { db } = world.services;
  await sql`insert into kysely_migration (name, timestamp) values ('000099_future', '2030-01-01')`.execute(db);
  try {
    await expect(migrate(db)).rejects.toMatchObject({
      code: 'database_newer',
      message: expect.stringContaining('000099_future'),
    });
  } finally {
    await sql`delete from kysely_migration where name = '000099_future'`.execute(db);
  }
});

test('a file that fails leaves nothing of itself or of the files before it', async ({ world }) => {
  const { db } = world.services;
  const folder = await mkdtemp(path.join(tmpdir(), 'drover-migrations-'));
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  for (const { name } of rows) await writeFile(path.join(folder, `${name}.sql`), 'select 1');
  await writeFile(path.join(folder, '900001_good.sql'), 'create table half_written (id int)');
  await writeFile(path.join(folder, '900002_bad.sql'), 'create table nonsense (');
  await expect(migrate(db, folder)).rejects.toThrow();
  const there = await sql<{ there: boolean }>`select to_regclass('half_written') is not null as there`.execute(db);
  expect(there.rows).toEqual([{ there: false }]);
});

test('T1 Drover refuses to start where row-level security does not bite', async ({ world }) => {
  const { db } = world.services;
  await expect(assertIsolation(db)).resolves.toBeUndefined();
  await sql`alter table lead no force row level security`.execute(db);
  try {
    await expect(assertIsolation(db)).rejects.toMatchObject({
      code: 'isolation_broken',
      message: expect.stringContaining('table lead'),
    });
  } finally {
    await sql`alter table lead force row level security`.execute(db);
  }
});

test('T1 every table with a workspace has forced policies for the application role', async ({ world }) => {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_class c
    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped)
      and not (c.relrowsecurity and c.relforcerowsecurity
        and exists (select from pg_policies p where p.tablename = c.relname and 'drover_app' = any (p.roles)))`.execute(
    world.services.db,
  );
  expect(rows).toEqual([]);
});

test('a forgotten workspace shows nothing and writes nothing', async ({ world }) => {
  const office = await world.office();
  const seen = await inTransaction(world.services.db, async tx => {
    await sql`select set_config('role', 'drover_app', true)`.execute(tx);
    return (await sql<{ n: number }>`select count(*) as n from member`.execute(tx)).rows[0]!.n;
  });
  expect([office.id > 0, seen]).toEqual([true, 0]);
});

test('using the base connection inside a transaction fails at once instead of waiting for ever', async ({ world }) => {
  const { db } = world.services;
  await expect(inTransaction(db, () => db.selectFrom('workspace').selectAll().execute())).rejects.toMatchObject({
    code: 'outside_transaction',
  });
});

test('every type means the same on both engines', async ({ world }) => {
  const at = Temporal.Instant.from('2026-03-29T00:59:59.123Z');
  const { rows } = await sql`select ${at}::timestamptz as at, count(*) as n, '2026-03-29'::date as day, '09:00'::time as time,
    ${[1, 2]}::bigint[] as ids, ${['a', null]}::text[] as words, ${{ deep: [1] }}::jsonb as json, 1.5::numeric as number`.execute(
    world.services.db,
  );
  expect(rows).toEqual([
    { at, n: 1, day: '2026-03-29', time: '09:00:00', ids: [1, 2], words: ['a', null], json: { deep: [1] }, number: 1.5 },
  ]);
});
