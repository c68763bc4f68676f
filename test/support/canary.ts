import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { sql } from 'kysely';
import type { Db } from '../../src/db/transaction.ts';
import { createLog } from '../../src/log.ts';

/** The letters of every planted secret: they make it findable, and are nobody else's. */
export const canary = 'C4naryQx7';

/** Lines in which a canary stands. */
export const sightings = (where: string, text: string): string[] =>
  text
    .split('\n')
    .filter(line => line.includes(canary))
    .map(line => `${where}: ${line.slice(0, 300)}`);

/** Every row of every table, pg-boss's too. */
export async function inTables(db: Db): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname in ('public', 'pgboss') and c.relname <> 'directory_person'`.execute(db);
  const found: string[] = [];
  for (const { name } of rows) {
    const hits = await sql<{
      row: string;
    }>`select t::text as row from ${sql.raw(name)} t where t::text like ${`%${canary}%`}`.execute(db);
    found.push(...hits.rows.map(({ row }) => `table ${name}: ${row.slice(0, 300)}`));
  }
  return found;
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
