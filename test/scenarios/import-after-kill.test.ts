import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { connectEmbedded, connectServer } from '../../src/db/connect.ts';
import { migrate } from '../../src/db/migrate.ts';
import { workspaceIds, workspaceOfTeam } from '../../src/db/system.ts';
import { inWorkspace } from '../../src/db/transaction.ts';
import { silentLog } from '../../src/log.ts';
import { createServerDatabase, serverUrl } from '../support/database.ts';
import { drover, environment, main } from '../support/process.ts';

const rows = 6_000;
/** Every so many rows one is rejected: the file of those grows as the import moves on, and so shows from outside how far it is. */
const rejectedEvery = 100;

const people = (): string => {
  const all = Array.from({ length: rows }, (_, n) =>
    n % rejectedEvery === 1 ? `p${n} at firm.example,No Address ${n}` : `p${n}@firm-${n % 300}.example,Person ${n}`,
  );
  return `Email,Name\n${all.join('\n')}\n`;
};

/** Runs the import until it has gone past `lines` lines, and kills it there. */
async function killedMidway(settings: Record<string, string>, argv: string[], partial: string, lines: number): Promise<void> {
  const child: ChildProcess = spawn(process.execPath, [main, ...argv], { env: environment(settings), stdio: 'ignore' });
  const ended = new Promise(resolve => child.once('exit', resolve));
  const reached = async () => {
    const last = (await readFile(partial, 'utf8').catch(() => '')).trimEnd().split('\n').at(-1)!;
    return Number(last.split(',')[0]) > lines;
  };
  while (child.exitCode === null && !(await reached())) await pause(5);
  child.kill('SIGKILL');
  await ended;
}

test('L4 L5 an import that was killed goes on where it stopped, adds nothing twice, and ends with one receipt', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'drover-killed-'));
  const home = path.join(folder, 'home');
  const url = serverUrl && (await createServerDatabase(`drover_killed_${process.pid}`));
  const open = () => (url ? connectServer(url, silentLog) : connectEmbedded(home));
  if (url) {
    const { db, close } = connectServer(url, silentLog);
    await migrate(db);
    await workspaceOfTeam(db, systemClock.now(), { teamId: 'TACME', name: 'Acme', zone: 'UTC', botUserId: null });
    await close();
  }
  const settings = { DROVER_HOME: home, ...(url ? { DATABASE_URL: url } : {}) };
  const file = path.join(folder, 'people.csv');
  const partial = path.join(folder, 'people.rejected.csv.partial');
  await writeFile(file, people());
  const argv = ['import', file, '--list', 'Fair'];
  try {
    await killedMidway(settings, argv, partial, 2_000);
    expect((await stat(partial)).size).toBeGreaterThan(0);
    const before = await state(open);
    expect(before.refills).toMatchObject([{ status: 'running' }]);
    expect(before.members).toBeGreaterThan(1_000);
    expect(before.members).toBeLessThan(rows - rows / rejectedEvery);

    const { code, out } = await drover(settings, ...argv);
    expect(out).toContain('5,940 leads are on the new list "Fair".');
    expect(out).toMatch(/Rows +6,000/);
    expect(out).toMatch(/Rejected +60/);
    expect(out).toMatch(/It went on after line \d,\d{3}, where it was broken off/);
    expect(out).not.toContain('already on the list');
    expect(code).toBe(0);

    const after = await state(open);
    expect(after).toMatchObject({ members: 5_940, leads: 5_940 });
    expect(after.refills).toEqual([{ status: 'done', asked: 5_940, found: 5_940, added: 5_940, skipped: {} }]);
    expect((await readdir(folder)).filter(name => name.includes('rejected'))).toEqual(['people.rejected.csv']);
    expect((await readFile(path.join(folder, 'people.rejected.csv'), 'utf8')).trimEnd().split('\n')).toHaveLength(61);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 180_000);

async function state(open: () => ReturnType<typeof connectEmbedded> | ReturnType<typeof connectServer>) {
  const connection = await open();
  try {
    const [workspace] = await workspaceIds(connection.db);
    return await inWorkspace(connection.db, workspace!, async tx => {
      const count = async (table: 'lead' | 'membership') =>
        (
          await tx
            .selectFrom(table)
            .select(({ fn }) => fn.countAll<number>().as('n'))
            .executeTakeFirstOrThrow()
        ).n;
      return {
        leads: await count('lead'),
        members: await count('membership'),
        refills: await tx
          .selectFrom('refill')
          .select(['status', 'asked', 'found', 'added', 'skipped'])
          .where('kind', '=', 'import')
          .orderBy('id')
          .execute(),
      };
    });
  } finally {
    await connection.close();
  }
}
