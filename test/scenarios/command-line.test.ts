import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { drover, type Running, startDrover } from '../support/process.ts';

/** The command line as an operator runs it: real processes, one embedded database in a home of its own. */
let home: string;
let settings: Record<string, string>;
beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'drover-cli-'));
  settings = { DROVER_HOME: home };
});
afterAll(() => rm(home, { recursive: true, force: true }));

const ask = async (text: string, ...more: string[]) => {
  const { code, out, err } = await drover(settings, 'ask', text, '--json', ...more);
  if (code !== 0) throw new Error(`${out}${err}`);
  return JSON.parse(out) as {
    text: string;
    calls: { tool: string; input: unknown; effect: string; outcome: string; result: Record<string, unknown> }[];
    approvals: { id: number; summary: string }[];
  };
};

test('without a running Drover, a command opens the database, is answered, and finishes what it caused', async () => {
  const answer = await ask('find 40 VPs of Sales at German fintechs and call the list Fintech');
  expect(Object.keys(answer)).toEqual(['text', 'calls', 'approvals']);
  expect(answer.calls.map(call => [call.tool, call.effect, call.outcome])).toEqual([['create_list', 'write', 'done']]);
  const shown = await ask('show Fintech');
  expect(shown.calls[0]).toMatchObject({ tool: 'show_list', effect: 'read', outcome: 'done' });
  expect(JSON.stringify(shown.calls[0]!.result)).toContain('"members":40');
}, 120_000);

test('a running Drover answers for the database it holds, and SIGTERM ends it in order', async () => {
  const running: Running = await startDrover(settings);
  try {
    const { approvals } = await ask('put Fintech in Fall Intro');
    expect(approvals).toHaveLength(1);
    const id = String(approvals[0]!.id);
    const approved = await drover(settings, 'approve', id);
    expect([approved.code, approved.out]).toEqual([0, expect.stringContaining('is linked to "Fall Intro"')]);
    const again = await drover(settings, 'approve', id);
    expect([again.code, again.out]).toEqual([1, expect.stringContaining('done once')]);
    const autopilot = await drover(settings, 'autopilot', 'Partner Launch', 'on');
    expect([autopilot.code, autopilot.out]).toEqual([0, expect.stringContaining('Partner Launch')]);

    const file = path.join(home, 'people.csv');
    await writeFile(file, 'Name,Email\nPat One,pat@one.example\nSam Two,sam@two.example\n');
    const imported = await drover(settings, 'import', file, '--list', 'Fair');
    expect([imported.code, imported.out]).toEqual([0, expect.stringContaining('2 leads are on the new list "Fair"')]);

    const second = await drover(settings, 'start');
    expect([second.code, second.err]).toEqual([1, expect.stringMatching(/in use by a running Drover/)]);
    const nobody = await drover(settings, 'ask', 'status', '--as', 'Alexx');
    expect([nobody.code, nobody.out]).toEqual([1, expect.stringMatching(/Alex Admin/)]);
  } finally {
    expect(await running.stop()).toBe(0);
  }
}, 120_000);

test('what a killed Drover had is there when it starts again', async () => {
  const running = await startDrover(settings);
  await running.stop('SIGKILL');
  const shown = await ask('show Fintech');
  expect(JSON.stringify(shown.calls[0]!.result)).toContain('"members":40');
}, 120_000);

test.for([
  [{ DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none' }, /database/i],
  [{ PORT: 'many' }, /PORT/],
  [{ SLACK_BOT_TOKEN: 'xoxb-alone' }, /SLACK_SIGNING_SECRET/],
] as const)('a start with %j says in one sentence what to do', async ([wrong, sentence]) => {
  const { code, err } = await drover({ ...settings, ...wrong }, 'start');
  expect(code).toBe(1);
  expect(err).toMatch(sentence);
  expect(
    err
      .trim()
      .split('\n')
      .filter(line => !line.includes('Warning')),
  ).toHaveLength(1);
});
