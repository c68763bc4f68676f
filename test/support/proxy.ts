import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';

/** A TCP line to a database that a test can cut. */
export interface DatabaseProxy {
  /** The database's URL, by way of the proxy. */
  url: string;
  /** Cuts every connection at once, as a restarting server does; with `refuse`, new ones are cut too until `restore`. */
  cut(options?: { refuse?: boolean }): void;
  restore(): void;
  /** How many are connected now, and not by a dead wire. */
  readonly connections: number;
  /** Half-open: whoever is connected stays so, and nothing passes any more; who connects afterwards gets through. @returns how many */
  goDead(): number;
  close(): Promise<void>;
}

export async function startProxy(databaseUrl: string): Promise<DatabaseProxy> {
  const target = new URL(databaseUrl);
  const open = new Set<Socket>();
  const alive = new Set<[Socket, Socket]>();
  let refuses = false;
  const server = createServer(client => {
    if (refuses) return void client.destroy();
    const upstream = dial({ host: target.hostname, port: Number(target.port || 5432) });
    const wire: [Socket, Socket] = [client, upstream];
    alive.add(wire);
    for (const [one, other] of [wire, [upstream, client]] as const) {
      open.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        open.delete(one);
        alive.delete(wire);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const cut = () => {
    for (const socket of open) socket.resetAndDestroy();
  };
  return {
    url: url.href,
    cut: ({ refuse = false } = {}) => {
      refuses = refuse;
      cut();
    },
    restore: () => {
      refuses = false;
    },
    get connections() {
      return alive.size;
    },
    goDead() {
      for (const wire of alive) for (const end of wire) end.unpipe().pause();
      const dead = alive.size;
      alive.clear();
      return dead;
    },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        cut();
      }),
  };
}
