import type { ReadStream } from 'node:tty';
import { Refused } from '../errors.ts';

/** Longer ones are no passwords, but a file that somebody piped in by mistake. */
const longest = 4096;

/**
 * Reads a password from where a command is typed: from a prompt that shows nothing of it, or the first line of standard input. Never from
 * an argument, which everybody on the machine could read in the list of processes. @throws Refused `no_secret`
 */
export async function readSecret(
  question: string,
  input: NodeJS.ReadStream | ReadStream = process.stdin,
  output: NodeJS.WritableStream = process.stderr,
): Promise<string> {
  const secret = input.isTTY ? await unseen(question, input, output) : await firstLine(input);
  if (!secret) throw new Refused('no_secret', 'No password was given. Type it at the prompt, or pipe it into standard input.');
  return secret;
}

async function firstLine(input: AsyncIterable<Buffer | string>): Promise<string> {
  let read = '';
  for await (const part of input) {
    read += part.toString();
    if (read.includes('\n') || read.length > longest) break;
  }
  return read.split(/\r?\n/)[0]!.slice(0, longest);
}

const keys = { enter: ['\r', '\n', '\u0004'], cancel: '\u0003', erase: ['\u007f', '\b'] };

/** Raw mode, so that the terminal echoes nothing; it is as before afterwards, also after Ctrl-C. */
function unseen(question: string, input: NodeJS.ReadStream, output: NodeJS.WritableStream): Promise<string> {
  output.write(question);
  input.setRawMode(true);
  input.resume();
  return new Promise((resolve, reject) => {
    let typed = '';
    const end = (then: () => void) => {
      input.off('data', onData);
      input.setRawMode(false);
      input.pause();
      output.write('\n');
      then();
    };
    const onData = (data: Buffer) => {
      for (const key of data.toString('utf8')) {
        if (key === keys.cancel) return end(() => reject(new Refused('cancelled', 'Cancelled. Nothing was changed.')));
        if (keys.enter.includes(key)) return end(() => resolve(typed));
        if (keys.erase.includes(key)) typed = typed.slice(0, -1);
        else typed += key;
      }
    };
    input.on('data', onData);
  });
}
