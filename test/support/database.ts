import { sql } from 'kysely';
import pg from 'pg';
import { type Connection, connectEmbedded, connectServer } from '../../src/db/connect.ts';
import { migrate } from '../../src/db/migrate.ts';
import { silentLog } from '../../src/log.ts';

/** Where the suite runs: an embedded Postgres a worker, or a database of its own on the server of TEST_DATABASE_URL. */
export const serverUrl = process.env.TEST_DATABASE_URL;

/** A fresh database name on the test server. */
export async function createServerDatabase(name: string): Promise<string> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  await client.query(`drop database if exists ${name} with (force)`);
  await client.query(`create database ${name}`);
  // No test here restarts the server, so no commit has to wait for its disk (0.15 ms instead of 0.39 ms).
  await client.query(`alter database ${name} set synchronous_commit = off`);
  await client.end();
  const url = new URL(serverUrl!);
  url.pathname = `/${name}`;
  return url.href;
}

/** A migrated, empty database. */
export async function openDatabase(): Promise<Connection> {
  const connection = serverUrl
    ? connectServer(await createServerDatabase(`drover_test_${process.pid}`), silentLog, { max: 8 })
    : await connectEmbedded(null);
  await migrate(connection.db);
  return connection;
}

/** Empties every table of Drover and every job; keeps the schema, and the directory unless asked. */
export async function empty(connection: Connection): Promise<void> {
  const { rows } = await sql<{ tables: string }>`
    select string_agg(format('%I', relname), ', ') as tables from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace and relname not like 'kysely%' and relname <> 'directory_person'`.execute(
    connection.db,
  );
  await sql.raw(`truncate ${rows[0]!.tables} restart identity cascade`).execute(connection.db);
  await sql`do $$ begin if to_regclass('pgboss.job_common') is not null then delete from pgboss.job_common; end if; end $$`.execute(
    connection.db,
  );
}
