import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';

/** A port that is free now. */
export const freePort = (): Promise<number> =>
  new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** A Postgres server of a test's own, in a temporary directory: one that may be crashed. */
export class Cluster {
  readonly port: number;
  readonly #folder: string;
  readonly #bin: string;

  private constructor(port: number, folder: string, bin: string) {
    this.port = port;
    this.#folder = folder;
    this.#bin = bin;
  }

  /** @throws where no Postgres is installed and none can be: this proof needs a real one, and may not be passed over */
  static async start(): Promise<Cluster> {
    const script = path.join(import.meta.dirname, '../../scripts/postgres.sh');
    const bin = execFileSync(script, ['binaries'], { encoding: 'utf8' }).trim();
    const folder = mkdtempSync(path.join(os.tmpdir(), 'drover-chaos-'));
    const cluster = new Cluster(await freePort(), folder, bin);
    chmodSync(folder, 0o777);
    cluster.#run('initdb', '-D', cluster.#data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8');
    cluster.#start();
    return cluster;
  }

  get #data(): string {
    return path.join(this.#folder, 'data');
  }

  /** Postgres refuses to run as root. */
  #run(program: string, ...args: string[]): void {
    const command = path.join(this.#bin, program);
    const isRoot = process.getuid?.() === 0;
    execFileSync(isRoot ? 'runuser' : command, isRoot ? ['-u', 'postgres', '--', command, ...args] : args, { stdio: 'ignore' });
  }

  #start(): void {
    const options = `-p ${this.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${this.#folder} -c max_connections=100`;
    this.#run('pg_ctl', '-D', this.#data, '-o', options, '-l', path.join(this.#folder, 'log'), '-w', 'start');
  }

  /** Stops without a word to anybody, as a crash does, and comes back by its log. */
  crash(): void {
    this.#run('pg_ctl', '-D', this.#data, '-m', 'immediate', '-w', 'stop');
    this.#start();
  }

  url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`;
  }

  remove(): void {
    try {
      this.#run('pg_ctl', '-D', this.#data, '-m', 'immediate', '-w', 'stop');
    } finally {
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }
}
