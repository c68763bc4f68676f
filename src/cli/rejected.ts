import { constants } from 'node:fs';
import { copyFile, type FileHandle, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { byteOrderMark, csvRow } from './csv.ts';

/** A row of a file that could not be taken, as it was. */
export interface RejectedRow {
  line: number;
  cells: readonly string[];
  reason: string;
  detail?: string;
}

export const reasonText = ({ reason, detail }: Pick<RejectedRow, 'reason' | 'detail'>): string =>
  `${reason.replaceAll('_', ' ')}${detail ? ` (${detail})` : ''}`;

const mostCopies = 1_000;

/**
 * The rejected rows of a file as CSV next to it: each with its line and the reason, so that they can be put right and imported again.
 * Where the folder cannot be written to, they are only counted.
 */
export class RejectedFile {
  readonly #source: string;
  #file: FileHandle | null = null;
  #failed = false;
  total = 0;
  /** The first few, to be told. */
  readonly first: RejectedRow[] = [];

  constructor(source: string) {
    this.#source = source;
  }

  async add(header: readonly string[], rows: readonly RejectedRow[]): Promise<void> {
    if (!rows.length) return;
    this.total += rows.length;
    this.first.push(...rows.slice(0, 10 - this.first.length));
    if (this.#failed) return;
    try {
      this.#file ??= await this.#start(header);
      await this.#file.write(rows.map(row => csvRow([row.line, reasonText(row), ...row.cells])).join(''));
    } catch {
      this.#failed = true;
    }
  }

  /** Gives the file its name, a numbered one where that is taken. @returns its path; null where there is none */
  async end(): Promise<string | null> {
    if (!this.#file) return null;
    try {
      await this.#file.close();
      if (this.#failed) return null;
      for (let n = 1; n <= mostCopies; n++) {
        const name = this.#named(n > 1 ? `.rejected-${n}.csv` : '.rejected.csv');
        if (await copied(this.#partial, name)) return name;
      }
      return null;
    } catch {
      return null;
    } finally {
      await rm(this.#partial, { force: true });
    }
  }

  /** Forgets what was written, where an import ends otherwise. */
  async discard(): Promise<void> {
    if (!this.#file) return;
    await this.#file.close().catch(() => {});
    await rm(this.#partial, { force: true });
  }

  #named = (ending: string): string =>
    path.join(path.dirname(this.#source), `${path.basename(this.#source, path.extname(this.#source))}${ending}`);

  /** Of one name, so that an import that goes on after a kill writes over what the killed one left. */
  get #partial(): string {
    return this.#named('.rejected.csv.partial');
  }

  async #start(header: readonly string[]): Promise<FileHandle> {
    const file = await open(this.#partial, 'w', 0o600);
    await file.write(byteOrderMark + csvRow(['Drover line', 'Drover reason', ...header]));
    return file;
  }
}

async function copied(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST') return false;
    throw error;
  }
}
