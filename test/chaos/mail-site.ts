import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { RealMail } from '../support/real-mail.ts';

/** Runs a program to its end. The daemons that it starts keep its output open; `head` does not wait for them. @returns its first line */
const run = async (...command: string[]): Promise<string> =>
  (await promisify(execFile)('bash', ['-o', 'pipefail', '-c', '"$0" "$@" 2>/dev/null | head -n 1', ...command])).stdout;

const script = path.join(import.meta.dirname, '../../scripts/mail.sh');

/** Debian's dovecot and postfix, and what they have been handed for leads: mail servers that may be stopped. */
export class MailSite {
  readonly where: RealMail;
  readonly #before: Set<string>;

  private constructor(where: RealMail) {
    this.where = where;
    this.#before = new Set(this.#files());
  }

  /** @throws where they are not installed and cannot be: this proof needs real ones */
  static async start(): Promise<MailSite> {
    return new MailSite(JSON.parse(await run(script)));
  }

  /** Ends both, as an upgrade does, and starts them again after a while. */
  async restart(afterMs: () => Promise<unknown>): Promise<void> {
    await this.stop();
    await afterMs();
    await run(script);
  }

  async stop(): Promise<void> {
    await run(script, 'stop');
  }

  /** Has postfix deliver at once what it put off while dovecot was away. */
  async flush(): Promise<void> {
    await run('postqueue', '-c', path.join(path.dirname(this.where.mail), 'postfix'), '-f');
  }

  /** Every hand-over since the start, as often as it happened: the Message-ID, and postfix's own number of it. */
  handed(): { mailId: string; queueId: string }[] {
    const found = new Map<string, { mailId: string; queueId: string }>();
    for (const file of this.#files()) {
      if (this.#before.has(file)) continue;
      const [head] = readFileSync(file, 'latin1').split(/\r?\n\r?\n/, 1);
      const mailId = /^Message-ID:\s+(\S+)/im.exec(head!)![1]!;
      const queueId = /with ESMTPSA id (\w+)/.exec(head!)![1]!;
      found.set(`${mailId} ${queueId}`, { mailId, queueId });
    }
    return [...found.values()];
  }

  #files(): string[] {
    const box = path.join(this.where.mail, 'crowd@acme.example');
    try {
      return ['new', 'cur'].flatMap(folder => readdirSync(path.join(box, folder)).map(name => path.join(box, folder, name)));
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return [];
      throw error;
    }
  }
}
