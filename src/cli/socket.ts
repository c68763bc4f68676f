import { chmod, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Log } from '../log.ts';
import type { DeskCommand } from './arguments.ts';
import { drained } from './text.ts';

/** Where a command writes: its output, and lines on how far it is that replace each other on a terminal. */
export interface Output {
  write(text: string): void;
  progress(line: string): void;
  /** Waits until what was written has gone, so that a large output does not pile up in memory. */
  ready?(): Promise<void>;
}

/** Runs one command and returns its exit code. */
export type Desk = (command: DeskCommand, output: Output) => Promise<number>;

const socketIn = (home: string): string => path.join(home, 'drover.sock');

type Reply = { write: string } | { progress: string } | { exit: number };

/**
 * Lets the command line reach this process while it holds the embedded database: a socket in `home` that only its owner can open.
 * One JSON line in, JSON lines out.
 */
export async function serveDesk(home: string, desk: Desk, log: Log): Promise<{ close(): Promise<void> }> {
  const file = socketIn(home);
  await rm(file, { force: true });
  const open = new Set<Socket>();
  const server: Server = createServer(socket => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', error => log.debug({ err: error }, 'the command line hung up'));
    const reply = (line: Reply) => socket.writable && socket.write(`${JSON.stringify(line)}\n`);
    const lines = createInterface({ input: socket }).on('error', () => {});
    lines.once('line', async line => {
      try {
        const exit = await desk(JSON.parse(line), {
          write: write => reply({ write }),
          progress: progress => reply({ progress }),
          ready: () => drained(socket),
        });
        reply({ exit });
      } catch (error) {
        log.error({ err: error }, 'a command failed');
        reply({ write: 'That did not work. The log of the running Drover says why.\n' });
        reply({ exit: 1 });
      }
      socket.end();
    });
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(file, resolve));
  await chmod(file, 0o600);
  return {
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}

/** Has a running Drover carry a command out; null when none listens in `home`. */
export const askRunning = (home: string, command: DeskCommand, output: Output): Promise<number | null> =>
  new Promise((resolve, reject) => {
    const socket = createConnection(socketIn(home));
    let exit: number | null = null;
    let connected = false;
    socket.once('error', error => (connected ? reject(error) : resolve(null)));
    socket.once('connect', () => {
      connected = true;
      socket.write(`${JSON.stringify(command)}\n`);
    });
    const lines = createInterface({ input: socket });
    lines
      // Node hands the socket's errors on to its reader; the socket's own listener above deals with them.
      .on('error', () => {})
      .on('line', line => {
        const reply: Reply = JSON.parse(line);
        if ('write' in reply) {
          output.write(reply.write);
          lines.pause();
          void (output.ready?.() ?? Promise.resolve()).then(() => lines.resume());
        } else if ('progress' in reply) output.progress(reply.progress);
        else exit = reply.exit;
      })
      .once('close', () => connected && resolve(exit ?? 1));
  });
