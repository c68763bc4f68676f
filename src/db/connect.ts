import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { PGlite } from '@electric-sql/pglite';
import { Kysely, PGliteDialect, PostgresDialect } from 'kysely';
import pg from 'pg';
import { Conflict, Unavailable } from '../errors.ts';
import type { Log } from '../log.ts';
import { Codecs, parsers } from './codecs.ts';
import { isAnswerLate } from './lost.ts';
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

/**
 * The server ends a transaction whose client has been silent for so long. Whoever waited for its locks behind the same dead wire gets them
 * next and is as silent; `lockTimeout` of transactions ends that chain, so that locks are free within 30 s however many have died.
 */
const idleInTransactionMs = 5_000;

/** Who has heard nothing of a statement for so long gives it up, and its connection: neither side of a dead wire is ever told. */
export const serverAnswersWithinMs = 120_000;

/** The network asks a silent peer after so long whether it is there. */
export const keepAlive = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 };

/** Ends with a statement that was given up, which is still on its wire: the pool makes another instead of lending it out again. */
class Client extends pg.Client {
  override query(...args: unknown[]): never {
    const answer = (super.query as (...args: unknown[]) => unknown).apply(this, args);
    if (answer instanceof Promise)
      answer.catch(error => {
        if (isAnswerLate(error)) this.end().catch(() => {});
      });
    return answer as never;
  }
}

/**
 * Connects to a Postgres server. A dropped connection is logged and replaced, never the end of the process.
 * @param answersWithinMs null where a statement may take as long as it needs
 */
export function connectServer(
  url: string,
  log: Log,
  { max = 10, answersWithinMs = serverAnswersWithinMs }: { max?: number; answersWithinMs?: number | null } = {},
): Connection {
  const getTypeParser = ((oid: number, format?: 'text') =>
    parsers[oid] ?? pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser;
  const pool = new pg.Pool({
    ...{ Client, connectionString: url, max, types: { getTypeParser }, connectionTimeoutMillis: 10_000, ...keepAlive },
    ...(answersWithinMs === null ? {} : { query_timeout: answersWithinMs }),
    // None of ours is ever idle in a transaction for longer than a statement takes to send, since no network call is made in one.
    idle_in_transaction_session_timeout: idleInTransactionMs,
  });
  pool.on('error', error => log.warn({ err: error }, 'a database connection was lost'));
  // While a connection is lent out the pool does not listen, and an error that nobody hears ends the process. Its next statement fails.
  pool.on('connect', client => client.on('error', () => {}));
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
  await mkdir(home, { recursive: true, mode: 0o700 }).catch(error => {
    const { code } = error as { code?: string };
    throw new Unavailable(
      'home',
      `The directory ${home} cannot be made (${code}). Set DROVER_HOME to one that Drover may write.`,
      {
        cause: error,
      },
    );
  });
  const lock = lockOf(home);
  const mine = `${lock}.${process.pid}`;
  await writeFile(mine, String(process.pid));
  try {
    for (let attempt = 0; attempt < 2; attempt++) {
      // A link appears whole or not at all: nobody ever reads a lock whose process is not written in it yet.
      const taken = await link(mine, lock).then(
        () => true,
        error => {
          if ((error as { code?: string }).code === 'EEXIST') return false;
          throw error;
        },
      );
      if (taken) return () => rm(lock, { force: true });
      const pid = await holderOf(home);
      if (pid)
        throw new Conflict(
          'home_taken',
          `${home} is in use by a running Drover (process ${pid}). Stop that one, or set DROVER_HOME to another directory.`,
        );
      await rm(lock, { force: true });
    }
  } finally {
    await rm(mine, { force: true });
  }
  throw new Conflict('home_taken', `${home} is being opened by another Drover. Try again.`);
}

const lockOf = (home: string): string => path.join(home, 'lock');

/** The other process that holds a home; null when there is none, or it is gone. */
async function holderOf(home: string): Promise<number | null> {
  const pid = Number(await readFile(lockOf(home), 'utf8').catch(() => ''));
  return pid && pid !== process.pid && isAlive(pid) ? pid : null;
}

/** Is the embedded database in `home` open in another process? */
export const isTaken = async (home: string): Promise<boolean> => (await holderOf(home)) !== null;
