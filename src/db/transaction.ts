import { AsyncLocalStorage } from 'node:async_hooks';
import { type DatabaseConnection, type Dialect, type Driver, type Kysely, PGliteAdapter, sql, type Transaction } from 'kysely';
import { Broken } from '../errors.ts';
import type { DB } from './types.ts';

export type Db = Kysely<DB>;
export type Tx = Transaction<DB>;

const open = new AsyncLocalStorage<true>();

/** Fails where a transaction is open: on the embedded database the call would wait for itself, on a server it would run outside. */
export function assertNoTransaction(what: string): void {
  if (open.getStore()) throw new Broken('outside_transaction', `${what} inside an open transaction, but not on it`);
}

/**
 * A dialect whose base connection refuses to be used inside a transaction. Kysely would first wait for an engine's only connection and
 * ask the driver afterwards, so the waiting line of such an engine is kept here, behind the question.
 */
export const guarded = (dialect: Dialect): Dialect => {
  const adapter = dialect.createAdapter();
  const line = adapter.supportsMultipleConnections === false ? new Line() : null;
  return {
    createAdapter: () => Object.create(adapter, { supportsMultipleConnections: { value: true } }),
    createIntrospector: db => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createDriver: () => {
      const driver: Driver = dialect.createDriver();
      const [acquire, release] = [driver.acquireConnection.bind(driver), driver.releaseConnection.bind(driver)];
      driver.acquireConnection = async (...args): Promise<DatabaseConnection> => {
        assertNoTransaction('the database was used');
        await line?.enter();
        return acquire(...args);
      };
      driver.releaseConnection = async (...args): Promise<void> => {
        await release(...args);
        line?.leave();
      };
      return driver;
    },
  };
};

/** Is it the embedded database, where everyone waits for the open transaction? What is long elsewhere is kept short there. */
export const isEmbedded = (db: Db): boolean => db.getExecutor().adapter instanceof PGliteAdapter;

/** One at a time, in the order of arrival. */
class Line {
  #taken = false;
  readonly #waiting: (() => void)[] = [];

  async enter(): Promise<void> {
    if (this.#taken) await new Promise<void>(resolve => this.#waiting.push(resolve));
    this.#taken = true;
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#taken = false;
  }
}

/** Runs `work` in one transaction of the connecting user. No network call belongs in it. */
export const inTransaction = <R>(db: Db, work: (tx: Tx) => Promise<R>): Promise<R> =>
  db.transaction().execute(tx => open.run(true, () => work(tx)));

/**
 * Without Postgres's compiler: statements that look people up one by one are dear on paper and quick in fact. In a large list it compiled
 * the one that enrols anew for each 2,000 people: 1,000,000 then took 10 times the bare insert, and take 1.3 times without.
 */
const act = (tx: Tx, role: 'drover_app' | 'drover_system', workspaceId: number | '') =>
  sql`select set_config('role', ${role}, true), set_config('drover.workspace', ${String(workspaceId)}, true),
    set_config('jit', 'off', true), set_config('lock_timeout', ${lockTimeout}, true)`.execute(tx);

/** No lock of ours is held for so long but by one whose client has died: who waits longer fails and is tried again (`db/connect.ts`). */
const lockTimeout = '8s';

/** Runs `work` inside one workspace: no row of another can be read or written (T1). */
export const inWorkspace = <R>(db: Db, workspaceId: number, work: (tx: Tx) => Promise<R>): Promise<R> =>
  inTransaction(db, async tx => {
    await act(tx, 'drover_app', workspaceId);
    return work(tx);
  });

/** Runs `work` with the few rights across workspaces that `db/system.ts` needs. */
export const acrossWorkspaces = <R>(db: Db, work: (tx: Tx) => Promise<R>): Promise<R> =>
  inTransaction(db, async tx => {
    await act(tx, 'drover_system', '');
    return work(tx);
  });

/** Leaves the restricted role for one statement of pg-boss, whose schema is closed to it, and goes back. */
export async function asConnectingUser<R>(tx: Tx, work: () => Promise<R>): Promise<R> {
  const before = await sql<{ role: string }>`select current_setting('role') as role, set_config('role', 'none', true)`.execute(
    tx,
  );
  const result = await work();
  await sql`select set_config('role', ${before.rows[0]!.role}, true)`.execute(tx);
  return result;
}
