import { sql } from 'kysely';
import type { Db } from '../../src/db/transaction.ts';
import type { MemberActor } from '../../src/domain/context.ts';
import { type HandedOver, Machine } from './harness.ts';

/**
 * Where stories set out from. Setting a Drover up through its tools takes as long as half a story, so each beginning is set up once and
 * kept in the database; a story then begins with a copy of its rows.
 */
export interface Beginning {
  name: string;
  at: Temporal.Instant;
  workspaceId: number;
  admin: MemberActor;
  handed: readonly HandedOver[];
}

/** The tables of Drover that stories write. */
const tables = async (db: Db): Promise<string[]> => {
  const { rows } = await sql<{
    name: string;
  }>`select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
    and relname not like 'kysely%' and relname <> 'directory_person' order by relname`.execute(db);
  return rows.map(row => row.name);
};

/** Makes what stories need in the database, besides Drover's own schema. */
export const prepare = (db: Db) =>
  sql`do $$ begin
    drop schema if exists model cascade;
    create schema model;
    create table model.job (id bigint generated always as identity primary key, queue text not null, key text, payload jsonb not null);
    create unique index job_key on model.job (queue, key) where key is not null;
  end $$`.execute(db);

/** Empties what earlier stories left, without the price of a truncate. */
export const empty = async (db: Db): Promise<void> => {
  const statements = (await tables(db)).map(table => `delete from public.${table};`).join(' ');
  await sql
    .raw(`do $$ begin set local session_replication_role = replica; ${statements} delete from model.job; end $$`)
    .execute(db);
};

/** Keeps where a machine stands, under a name. Nothing may wait, and nothing may have come in: that is in no table. */
export async function keep(machine: Machine, name: string): Promise<Beginning> {
  const { db, workspaceId, admin } = machine;
  const all = await tables(db);
  const written: string[] = [];
  for (const table of all) {
    const { rows } = await sql`select from ${sql.table(table)} limit 1`.execute(db);
    if (rows.length) written.push(table);
  }
  for (const table of written) await sql.raw(`create table model.${name}_${table} as table public.${table}`).execute(db);
  const statements = [
    ...all.map(table => `delete from public.${table};`),
    'delete from model.job;',
    ...written.map(table => `insert into public.${table} overriding system value select * from model.${name}_${table};`),
  ];
  await sql
    .raw(`create function model.begin_${name}() returns void language plpgsql as $begin$ begin
      set local session_replication_role = replica; ${statements.join('\n')}
      set local session_replication_role = origin; end $begin$`)
    .execute(db);
  return { name, at: machine.clock.now(), workspaceId, admin, handed: [...machine.handed] };
}

/** A machine that stands where another one was kept. */
export async function goOn(db: Db, { name, at, workspaceId, admin, handed }: Beginning): Promise<Machine> {
  await sql.raw(`select model.begin_${name}()`).execute(db);
  return Object.assign(new Machine(db, at), { workspaceId, admin, handed: [...handed] });
}
