import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Log } from './log.ts';

/** What happened, a line each, in order. */
export interface Journal<Entry> {
  read(): Entry[];
  append(entry: Entry): void;
}

export const memoryJournal = <Entry>(): Journal<Entry> => ({ read: () => [], append: () => {} });

/** A file of one JSON value a line, only ever appended to. A last line that a kill cut off is dropped; a damaged one is skipped, and said. */
export function fileJournal<Entry>(file: string, log: Log): Journal<Entry> {
  mkdirSync(dirname(file), { recursive: true });
  return {
    read() {
      if (!existsSync(file)) return [];
      const bytes = readFileSync(file);
      const whole = bytes.lastIndexOf(10) + 1;
      if (whole < bytes.length) truncateSync(file, whole);
      const entries: Entry[] = [];
      let damaged = 0;
      for (const line of bytes.subarray(0, whole).toString('utf8').split('\n')) {
        if (!line) continue;
        try {
          entries.push(JSON.parse(line));
        } catch {
          damaged += 1;
        }
      }
      if (damaged) log.warn({ file, damaged }, 'lines of a journal could not be read and were skipped');
      return entries;
    },
    append: entry => appendFileSync(file, `${JSON.stringify(entry)}\n`, { mode: 0o600 }),
  };
}
