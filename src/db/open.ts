import type { Config } from '../config.ts';
import { Unavailable } from '../errors.ts';
import type { Log } from '../log.ts';
import { type Connection, connectEmbedded, connectServer } from './connect.ts';
import { isDatabaseLost } from './lost.ts';
import { assertIsolation, migrate } from './migrate.ts';

/** Opens the database the environment names, brings it up to date and checks that workspaces are kept apart. */
export async function openDatabase(config: Config, log: Log): Promise<Connection> {
  const url = config.DATABASE_URL;
  if (url) await bringUpToDate(url, log);
  const connection = url ? connectServer(url, log) : await connectEmbedded(config.DROVER_HOME);
  try {
    if (!url) await migrated(connection, log);
    await assertIsolation(connection.db);
    return connection;
  } catch (error) {
    await connection.close();
    throw url ? unopened(error) : error;
  }
}

/** On connections of its own: a migration of large tables may take longer than any other statement. */
async function bringUpToDate(url: string, log: Log): Promise<void> {
  const connection = connectServer(url, log, { max: 2, answersWithinMs: null });
  try {
    await migrated(connection, log);
  } catch (error) {
    throw unopened(error);
  } finally {
    await connection.close();
  }
}

async function migrated({ db }: Connection, log: Log): Promise<void> {
  const applied = await migrate(db);
  if (applied.length) log.info({ applied }, 'the database was brought up to date');
}

/** What a server says that refuses this user or database, or is not there: the operator's to mend, so said without a stack. */
function unopened(error: unknown): unknown {
  const { code = '', message } = error as { code?: string; message: string };
  const refused = ['28000', '28P01', '3D000', '42501'].includes(code);
  if (!refused && !isDatabaseLost(error)) return error;
  const why = message || code;
  const todo = refused ? 'Check its user, password and database.' : 'Check its host and port, and that Postgres runs there.';
  return new Unavailable('database', `The database of DATABASE_URL does not open: ${why}. ${todo}`, { cause: error });
}
