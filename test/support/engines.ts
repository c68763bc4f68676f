import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** What gives a test the database that TEST_DATABASE_URL chooses. */
const databases = ['test/support/world.ts', 'test/support/database.ts'];

/** The files that a file imports, and theirs, by path from the root. */
function reached(file: string, root: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file) || !existsSync(path.join(root, file))) return seen;
  seen.add(file);
  for (const [, to] of readFileSync(path.join(root, file), 'utf8').matchAll(/(?:from|import\() ?'(\.[^']+)'/g))
    reached(path.posix.normalize(path.posix.join(path.posix.dirname(file), to!)), root, seen);
  return seen;
}

/** Test files that never meet that database: they are the same whichever it is. What needs a server or mail servers by its name is not among them. */
export const anyEngine = (root: string): string[] =>
  globSync('test/**/*.test.ts', { cwd: root }).filter(
    file => !/\.(server|mail)\.test\.ts$/.test(file) && !databases.some(database => reached(file, root).has(database)),
  );
