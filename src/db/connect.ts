import { mkdir, open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { PGlite } from '@electric-sql/pglite';
import { Kysely, PGliteDialect, PostgresDialect } from 'kysely';
import pg from 'pg';
import { Conflict, Unavailable } from '../errors.ts';
import type { Log } from '../log.ts';
import { Codecs, parsers } from './codecs.ts';
import { type Db, guarded } from './transaction.ts';
import type { DB } from './types.ts';

/** An open database. `engine` says what is under it, for those who need more than SQL (pg-boss, VACUUM). */
export interface Connection {
  db: Db;
  engine: { kind: 'server'; url: string; pool: pg.Pool } | { kind: 'embedded'; pglite: PGlite; home: string | null };
  close(): Promise<void>;
}

const kysely = (dialect: ConstructorParameters<typeof Kysely>[0]['dialect']): Db =>
  new Kysely<DB>({ dialect: guarded(dialect), plugins: [new Codecs()] });

/** Connects to a Postgres server. A dropped connection is logged and replaced, never the end of the process. */
export function connectServer(url: string, log: Log, { max = 10 }: { max?: number } = {}): Connection {
  const getTypeParser = ((oid: number, format?: 'text') =>
    parsers[oid] ?? pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser;
  const pool = new pg.Pool({ connectionString: url, max, types: { getTypeParser }, connectionTimeoutMillis: 10_000 });
  pool.on('error', error => log.warn({ err: error }, 'a database connection was lost'));
  const db = kysely(new PostgresDialect({ pool }));
  return { db, engine: { kind: 'server', url, pool }, close: () => db.destroy() };
}

/**
 * Opens the embedded Postgres in `home`, creating it the first time; `home: null` keeps it in memory.
 * @throws Conflict `home_taken` when another process has it open: two would corrupt it, and nothing else would stop them.
 */
export async function connectEmbedded(home: string | null): Promise<Connection> {
  const release = home ? await takeHome(home) : async () => {};
  const { PGlite } = await import('@electric-sql/pglite');
  const pglite = await PGlite.create({
    ...(home ? { dataDir: path.join(home, 'pgdata') } : {}),
    parsers: parsers as never,
  }).catch(async error => {
    await release();
    throw new Unavailable('embedded_database', `The embedded database in ${home} does not open.`, { cause: error });
  });
  const db = kysely(new PGliteDialect({ pglite }));
  const close = async () => {
    await db.destroy();
    await release();
  };
  return { db, engine: { kind: 'embedded', pglite, home }, close };
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
};

/** Takes `home` for this process by a lock file holding its pid; a lock whose process is gone is taken over. */
async function takeHome(home: string): Promise<() => Promise<void>> {
  await mkdir(home, { recursive: true });
  const lock = path.join(home, 'lock');
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = await open(lock, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      return () => rm(lock, { force: true });
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error;
      const pid = Number(await readFile(lock, 'utf8').catch(() => ''));
      if (pid && pid !== process.pid && isAlive(pid))
        throw new Conflict('home_taken', `${home} is in use by a running Drover (process ${pid}).`);
      await rm(lock, { force: true });
    }
  }
  throw new Conflict('home_taken', `${home} is being opened by another Drover. Try again.`);
}
