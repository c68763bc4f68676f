import { type ChildProcess, execFile, spawn } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

export const main = path.join(import.meta.dirname, '../../src/main.ts');

export interface Running {
  /** What it printed so far, both streams. */
  printed: () => string;
  /** Where the page is. */
  url: string;
  child: ChildProcess;
  /** Ends it as an operator would, and waits for it. @returns its exit code */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** What a child process sees: the machine's paths and the settings, nothing else. */
export const environment = (settings: Record<string, string>): NodeJS.ProcessEnv => {
  const { PATH, HOME, TMPDIR } = process.env;
  return {
    ...(PATH ? { PATH } : {}),
    ...(HOME ? { HOME } : {}),
    ...(TMPDIR ? { TMPDIR } : {}),
    LOG_LEVEL: 'warn',
    PORT: '0',
    ...settings,
  };
};

/** Starts a Drover as `npm start` does, in a process of its own, and waits until it says where its page is. */
export async function startDrover(settings: Record<string, string>, command = 'start'): Promise<Running> {
  const child = spawn(process.execPath, [main, command], { env: environment(settings), stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      printed += chunk;
      const said = /Drover is running\.(?: Open (http:\S+))?/.exec(printed);
      if (said) resolve(said[1] ?? '');
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void ended.then(code => reject(new Error(`Drover ended with ${code} before it ran:\n${printed}`)));
  });
  return {
    printed: () => printed,
    url,
    child,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      return ended;
    },
  };
}

const run = promisify(execFile);

/** Runs one command of the command line to its end. */
export async function drover(
  settings: Record<string, string>,
  ...argv: string[]
): Promise<{ code: number; out: string; err: string }> {
  const options = { env: environment(settings), maxBuffer: 16_000_000 };
  return run(process.execPath, [main, ...argv], options).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    error => ({ code: error.code ?? 1, out: error.stdout ?? '', err: error.stderr ?? '' }),
  );
}
