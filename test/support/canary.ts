import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { sql } from 'kysely';
import type { Db } from '../../src/db/transaction.ts';
import { createLog } from '../../src/log.ts';

/** The letters of every planted secret: they make it findable, and are nobody else's. */
export const canary = 'C4naryQx7';

/** The letters of every secret that the suite works with: after each test they stand in no log line and in no table. */
export const everyday = 'Wh1stleK3y';

export const modelKey = `sk-proj-${everyday}abcdefghijklmnop`;
export const mailPassword = `${everyday} horses`;

/** Lines in which a canary stands. */
export const sightings = (where: string, text: string, letters = canary): string[] =>
  text
    .split('\n')
    .filter(line => line.includes(letters))
    .map(line => `${where}: ${line.slice(0, 300)}`);

const statements = new WeakMap<Db, string>();

/** Every row of every table in which a canary stands, pg-boss's too. */
export async function inTables(db: Db, letters = canary): Promise<string[]> {
  let statement = statements.get(db);
  if (!statement) {
    const { rows } = await sql<{ name: string }>`
      select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname in ('public', 'pgboss') and c.relname <> 'directory_person'`.execute(db);
    statement = rows.map(({ name }) => `select '${name}' as name, t::text as row from ${name} t`).join(' union all ');
    statements.set(db, statement);
  }
  const { rows } = await sql<{ name: string; row: string }>`
    select name, row from (${sql.raw(statement)}) everything where row like ${`%${letters}%`}`.execute(db);
  return rows.map(({ name, row }) => `table ${name}: ${row.slice(0, 300)}`);
}

/** What is logged at debug level, as text. */
export function listen() {
  const lines: string[] = [];
  const to = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  return { log: createLog('debug', to), text: () => lines.join('') };
}

/** Another company's server that refuses everything and quotes the credentials that it was shown, as some do. */
export async function quoting(
  answer: (request: { path: string; credentials: string; body: string }) => { status: number; body: object },
) {
  const requests: { path: string; body: string }[] = [];
  const read = async (incoming: IncomingMessage): Promise<string> => {
    let text = '';
    for await (const chunk of incoming) text += chunk;
    return text;
  };
  const server: Server = createServer(async (incoming, outgoing) => {
    const body = await read(incoming);
    const path = incoming.url ?? '';
    requests.push({ path, body });
    const { status, body: said } = answer({ path, credentials: String(incoming.headers.authorization), body });
    outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(said));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () => new Promise<void>(resolve => server.close(() => resolve()).closeAllConnections()),
  };
}
