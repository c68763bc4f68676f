import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

/** Who may import whom, by the first folder under src (or the file, for leaves), and why (docs/architecture.md). */
const leaves = ['calendar', 'clock', 'config', 'errors', 'http', 'journal', 'log', 'metrics', 'nearest', 'queues', 'trace'];
const rooms: Record<string, { may: string[]; why: string }> = {
  ...Object.fromEntries(leaves.map(leaf => [leaf, { may: leaves, why: 'leaves import nothing of ours but leaves' }])),
  db: { may: ['db', ...leaves], why: 'the database knows no domain' },
  domain: { may: ['domain', 'db', ...leaves], why: 'the domain knows neither tools nor surfaces nor companies' },
  tools: { may: ['tools', 'domain', 'db', ...leaves], why: 'a tool is the same behind all four doors' },
  sources: { may: ['sources', 'domain', 'db', ...leaves], why: 'sources implement a port of the domain' },
  mail: { may: ['mail', 'domain', 'db', ...leaves], why: 'mail implements a port of the domain' },
  agent: { may: ['agent', 'tools', 'domain', 'db', ...leaves], why: 'surfaces never import each other' },
  slack: { may: ['slack', 'tools', 'domain', 'db', ...leaves], why: 'surfaces never import each other' },
  cli: { may: ['cli', 'tools', 'domain', 'db', ...leaves], why: 'surfaces never import each other' },
  jobs: { may: ['jobs', 'tools', 'domain', 'db', ...leaves], why: 'jobs reach surfaces through ports that main.ts binds' },
  ops: { may: ['ops', 'domain', 'db', ...leaves], why: 'operators are told counts and checks, never contents' },
  'local-slack': { may: ['local-slack', ...leaves], why: "it stands for another company's server" },
  'local-mail': { may: ['local-mail', ...leaves], why: "it stands for another company's server" },
  main: { may: ['*'], why: 'the composition root sees everyone' },
};

const root = path.join(import.meta.dirname, '../../src');
const roomOf = (file: string): string => path.relative(root, file).split(path.sep)[0]!.replace(/\.ts$/, '');

interface Import {
  from: string;
  line: number;
  to: string;
}

function importsOf(file: string, text: string): Import[] {
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(match => ({
    from: file,
    line: text.slice(0, match.index).split('\n').length,
    to: path.resolve(path.dirname(file), match[1]!),
  }));
}

function violations(imports: Import[]): string[] {
  return imports.flatMap(({ from, line, to }) => {
    if (!to.startsWith(root))
      return to.endsWith('package.json') ? [] : [`${path.relative(root, from)}:${line} imports ${to}, outside src`];
    const [here, there] = [roomOf(from), roomOf(to)];
    const room = rooms[here];
    if (!room)
      return [`src/${path.relative(root, from)}: no rule knows the room ${here}; give it one in docs/architecture.md and here`];
    if (room.may.includes('*') || room.may.includes(there)) return [];
    return [
      `src/${path.relative(root, from)}:${line} imports ${path.relative(root, to)}: ${here} may not import ${there}, since ${room.why}`,
    ];
  });
}

const files = globSync('**/*.ts', { cwd: root }).map(file => path.join(root, file));
const all = files.map(file => [file, readFileSync(file, 'utf8')] as const);

test('imports go one way', () => {
  expect(violations(all.flatMap(([file, text]) => importsOf(file, text)))).toEqual([]);
});

test('a wrong import is told with its line and its reason', () => {
  const planted = importsOf(path.join(root, 'domain/lists/index.ts'), "\nimport { post } from '../../slack/outbox.ts';\n");
  expect(violations(planted)).toEqual([
    'src/domain/lists/index.ts:2 imports slack/outbox.ts: domain may not import slack, since the domain knows neither tools nor surfaces nor companies',
  ]);
});

test('no source file is longer than 400 lines', () => {
  const long = all
    .filter(([file, text]) => !file.endsWith('db/types.ts') && text.split('\n').length > 401)
    .map(([file]) => path.relative(root, file));
  expect(long).toEqual([]);
});

test('time and environment are read in one place each', () => {
  const readers = all.flatMap(([file, text]) =>
    ['src/clock.ts', 'src/config.ts'].includes(`src/${path.relative(root, file)}`)
      ? []
      : [...text.matchAll(/process\.env|Date\.now\(\)|new Date\(\)|Temporal\.Now/g)].map(
          match => `${path.relative(root, file)}: ${match[0]}`,
        ),
  );
  expect(readers).toEqual([]);
});
