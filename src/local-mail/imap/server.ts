import { createServer, type Server, type Socket } from 'node:net';
import type { Log } from '../../log.ts';
import type { SignIn } from '../login.ts';
import type { Store } from '../store.ts';
import { Session } from './session.ts';

/** The longest line and literal that a client may send, in bytes; commands here are short. */
const longest = 100_000;
/** RFC 3501 asks for at least 30 minutes. */
const silenceMs = 31 * 60_000;

/** Cuts what a client sends into commands: lines, with the literals that they announce. */
class Commands {
  #bytes = '';
  #command = '';
  #literal = 0;

  /** @param goAhead asks for a literal that the client holds back. @returns the commands that are whole by now; null when one is too long */
  add(chunk: string, goAhead: () => void): string[] | null {
    this.#bytes += chunk;
    const whole: string[] = [];
    for (;;) {
      if (this.#literal) {
        if (this.#bytes.length < this.#literal) return whole;
        this.#command += this.#bytes.slice(0, this.#literal);
        this.#bytes = this.#bytes.slice(this.#literal);
        this.#literal = 0;
      }
      const end = this.#bytes.indexOf('\r\n');
      if (Math.max(this.#command.length, end < 0 ? this.#bytes.length : end) > longest) return null;
      if (end < 0) return whole;
      const line = this.#bytes.slice(0, end);
      this.#bytes = this.#bytes.slice(end + 2);
      const announced = /\{(\d+)(\+?)\}$/.exec(line);
      this.#command += announced ? `${line}\r\n` : line;
      if (announced) {
        this.#literal = Number(announced[1]);
        if (this.#literal > longest) return null;
        if (!announced[2]) goAhead();
      } else {
        whole.push(this.#command);
        this.#command = '';
      }
    }
  }
}

/** A loopback IMAP server over the store. */
export function createImapServer({ store, signIn, log }: { store: Store; signIn: SignIn; log: Log }): Server {
  return createServer(socket => serve(socket, { store, signIn, log }));
}

function serve(socket: Socket, { store, signIn, log }: { store: Store; signIn: SignIn; log: Log }): void {
  const write = (text: string) => socket.writable && socket.write(text, 'latin1');
  const session = new Session({ store, signIn, write, end: () => socket.end() });
  const commands = new Commands();
  // An answer is several short writes: each would wait for the last one to be acknowledged, 40 ms a time.
  socket.setNoDelay(true);
  socket.setEncoding('latin1');
  socket.setTimeout(silenceMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('close', () => session.close());
  socket.on('data', (chunk: string) => {
    try {
      const whole = commands.add(chunk, () => write('+ Go ahead.\r\n'));
      if (!whole) {
        write('* BYE That command is too long.\r\n');
        return void socket.end();
      }
      for (const command of whole) session.take(command);
    } catch (error) {
      log.error({ err: error }, 'the local IMAP server could not answer');
      socket.destroy();
    }
  });
}
