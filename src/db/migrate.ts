import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import { type Migration, type MigrationProvider, Migrator } from 'kysely/migration';
import { Refused } from '../errors.ts';
import type { Db } from './transaction.ts';
import { acrossWorkspaces } from './transaction.ts';

const folder = path.join(import.meta.dirname, '../../migrations');

/** A whole file as one statement, since the embedded engine prepares each statement alone. */
const up =
  (file: string): Migration['up'] =>
  async db => {
    await sql.raw(`do $mig$ begin execute $sqlfile$${file}$sqlfile$; end $mig$`).execute(db);
  };

const provider = (directory: string): MigrationProvider => ({
  async getMigrations() {
    const files = (await readdir(directory)).filter(name => name.endsWith('.sql')).sort();
    const read = files.map(async name => [
      name.replace(/\.sql$/, ''),
      { up: up(await readFile(path.join(directory, name), 'utf8')) },
    ]);
    return Object.fromEntries(await Promise.all(read));
  },
});

/**
 * Brings the schema up to date, all pending files or none, under a lock that other starting processes wait for.
 * @throws Refused `database_newer` when the database has migrations this binary does not know.
 */
export async function migrate(db: Db, directory = folder): Promise<string[]> {
  const migrations = provider(directory);
  const known = new Set(Object.keys(await migrations.getMigrations()));
  const applied = await appliedMigrations(db);
  const unknown = applied.filter(name => !known.has(name));
  if (unknown.length)
    throw new Refused(
      'database_newer',
      `This Drover is older than its database, which already has ${unknown.join(', ')}. Start the newer Drover, or restore an older backup.`,
    );
  const { error, results = [] } = await new Migrator({ db, provider: migrations }).migrateToLatest();
  if (error) throw error;
  return results.map(result => result.migrationName);
}

/** What this binary would still apply; nothing once a database is up to date. */
export async function pending(db: Db, directory = folder): Promise<string[]> {
  const applied = new Set(await appliedMigrations(db));
  return Object.keys(await provider(directory).getMigrations()).filter(name => !applied.has(name));
}

async function appliedMigrations(db: Db): Promise<string[]> {
  const { rows } = await sql<{ there: boolean }>`select to_regclass('kysely_migration') is not null as there`.execute(db);
  if (!rows[0]?.there) return [];
  const applied = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return applied.rows.map(row => row.name);
}

/**
 * Refuses to start where row-level security does not bite (T1): a table with a workspace that lacks forced policies, or a role that
 * bypasses them.
 */
export async function assertIsolation(db: Db): Promise<void> {
  const { rows } = await sql<{ problem: string }>`
    select 'role ' || rolname || ' bypasses row-level security' as problem from pg_roles
    where rolname in ('drover_app', 'drover_system') and (rolsuper or rolbypassrls)
    union all
    select 'table ' || c.relname || ' has no forced row-level security' from pg_class c
    where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace and not (c.relrowsecurity and c.relforcerowsecurity)
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped)`.execute(
    db,
  );
  const seen = await acrossWorkspaces(db, async tx => {
    await sql`select set_config('role', 'drover_app', true)`.execute(tx);
    return sql<{ count: number }>`select count(*) from workspace`.execute(tx);
  });
  const problems = rows.map(row => row.problem);
  if (seen.rows[0]!.count > 0) problems.push('rows are visible outside their workspace');
  if (problems.length) throw new Refused('isolation_broken', `Workspaces are not kept apart: ${problems.join('; ')}.`);
}
