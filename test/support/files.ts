import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test as base } from 'vitest';
import { type PeopleBatch, readPeople } from '../../src/sources/files/index.ts';

export interface Read {
  people: PeopleBatch['people'];
  rejected: Omit<PeopleBatch['rejected'][number], 'cells'>[];
  batches: PeopleBatch[];
}

/** `read(contents, name?)` reads a file of that name with these contents. */
export const test = base.extend<{ read: (contents: string | Buffer, name?: string) => Promise<Read> }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the pattern to know what a fixture needs
  read: async ({}, use) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'drover-files-'));
    await use(async (contents, name = 'people.csv') => {
      const file = path.join(folder, name);
      await writeFile(file, contents);
      const batches: PeopleBatch[] = [];
      for await (const batch of readPeople(file)) batches.push(batch);
      return {
        batches,
        people: batches.flatMap(batch => batch.people),
        rejected: batches.flatMap(batch => batch.rejected.map(({ cells, ...row }) => row)),
      };
    });
    await rm(folder, { recursive: true });
  },
});
