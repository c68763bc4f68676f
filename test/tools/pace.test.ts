import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import type { Overview } from '../../src/domain/digests/index.ts';
import { presentDigest } from '../../src/tools/digest-report.ts';
import type { Report } from '../../src/tools/report.ts';
import type { Outcome } from '../../src/tools/run.ts';
import { makeList, makeSequence, settle } from '../support/links.ts';
import { enrol, makeSequence as makeReal, makeSender } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const tools = path.join(import.meta.dirname, '../../src/tools');
const mentions = /\bcap\b|monitoring|\blink|\bfeeds\b/i;

/** The tools in whose files a fact or a column is called after a cap, monitoring or a link; others tell theirs by a file they share. */
async function tellingTools(): Promise<string[]> {
  const found = ['unlink_list', 'preflight_link', 'status'];
  for (const file of await readdir(tools)) {
    const text = await readFile(path.join(tools, file), 'utf8');
    const name = /^ {2}name: '(\w+)'/m.exec(text)?.[1];
    const labels = [...text.matchAll(/label: ['"`]([^'"`]*)/g)].map(([, label]) => label!);
    if (name && labels.some(label => mentions.test(label))) found.push(name);
  }
  return [...new Set(found)].sort();
}

/** What comes in a week, what there is room for, and when it drains: each said once, in facts, in columns or in notes (M9). */
function saysPace({ facts = [], tables = [], notes = [] }: Report): boolean {
  const text = [
    ...facts.map(({ label, value }) => `${label}: ${value}`),
    ...tables.flatMap(({ columns }) => columns.map(({ label }) => label)),
    ...notes,
  ].join('\n');
  const says = [/coming in: \d|\d a week come in|In \/ room a week/i, /room for|In \/ room a week/i, /backlog|Drained/i];
  return says.every(each => each.test(text));
}

/** Presses the button, where there is one. */
async function through(world: World, office: Office, outcome: Outcome): Promise<Outcome> {
  if (outcome.outcome !== 'needs_approval') return outcome;
  const pressed = await world.press(office, outcome.approval.id);
  if (pressed.outcome !== 'approved') throw new Error(JSON.stringify(pressed));
  return pressed.did;
}

test('M9 every answer that tells a cap, monitoring or a link tells inflow, room and drain date, and so does each undo of one', async ({
  world,
}) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 3, monitored: { cadence: 'daily', amount: 20 } });
  await makeSequence(world, office, 'Fall', { mode: 'copilot' });
  const told = new Map<string, boolean[]>();
  const call = async (tool: string, input: object = {}) => {
    const done = await through(world, office, await world.call(office, tool, input));
    if (done.outcome !== 'done') throw new Error(`${tool}: ${JSON.stringify(done)}`);
    told.set(tool, [...(told.get(tool) ?? []), saysPace(done.report)]);
    await settle(world);
  };
  /** What was done is taken back; then it is done again. */
  const andBack = async (tool: string, input: object) => {
    await call(tool, input);
    const undone = await through(world, office, await world.call(office, 'undo', {}));
    if (undone.outcome !== 'done') throw new Error(`undo of ${tool}: ${JSON.stringify(undone)}`);
    told.set(`undo of ${tool}`, [saysPace(undone.report)]);
    await settle(world);
    await call(tool, input);
  };
  const [list, sequence] = ['VPs', 'Fall'];
  await call('preflight_link', { list, sequence });
  await andBack('link_list', { list, sequence });
  await call('link_list', { list, sequence });
  for (const tool of ['list_lists', 'list_sequences', 'status']) await call(tool);
  await call('show_list', { list });
  await call('show_sequence', { sequence });
  await andBack('edit_sequence', { sequence, dailyCap: 10 });
  await andBack('set_monitoring', { list, cadence: 'weekly', amount: 100 });
  await call('pause_sequence', { sequence });
  await call('resume_sequence', { sequence });
  await andBack('unlink_list', { list });
  await call('link_list', { list, sequence });
  await andBack('finish_sequence', { sequence });
  await call('archive_sequence', { sequence });
  await call('create_sequence', { name: 'Spring', steps: [{ subject: 'Hi', body: 'Text' }] });
  await call('activate_sequence', { sequence: 'Spring' });
  await call('link_list', { list, sequence: 'Spring' });
  await andBack('archive_list', { list });
  await call('duplicate_sequence', { sequence: 'Spring' });
  const winding = await makeReal(world, office, { name: 'Winding' });
  await enrol(world, office, winding, 1, { dueOn: '2026-03-20' });
  await call('finish_sequence', { sequence: 'Winding' });
  await call('reopen_sequence', { sequence: 'Winding' });

  const silent = [...told].filter(([, each]) => each.includes(false)).map(([tool]) => tool);
  expect(silent).toEqual([]);
  expect((await tellingTools()).filter(tool => !told.has(tool))).toEqual([]);
});

test('M9 a list without a sequence, unlinked or archived, tells what its order goes on to bring', async ({ world }) => {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 3, monitored: { cadence: 'daily', amount: 20 } });
  await makeSequence(world, office, 'Fall', { mode: 'copilot' });
  await world.call(office, 'link_list', { list: 'VPs', sequence: 'Fall' });
  await settle(world);
  const unlinked = await world.call(office, 'unlink_list', { list: 'VPs' });
  expect(unlinked.report.facts!.slice(2)).toEqual([
    { label: 'Coming in', value: '140 a week; not linked, so nobody is contacted' },
    { label: 'Pace of Fall', value: '0 a week come in, room for 30 a week; backlog: nobody waits' },
  ]);
  const archived = await through(world, office, await world.call(office, 'archive_list', { list: 'VPs' }));
  expect(archived.report.facts).toEqual([
    { label: 'Monitoring', value: 'off (was 20 / day)' },
    { label: 'Coming in', value: '0 a week; it was not linked, so nobody was contacted' },
  ]);
});

test('S5 status, digest and their charts tell the cap that results, and the one that was set beside it', async ({ world }) => {
  const office = await world.office();
  const senderIds = [await makeSender(world, office, { dailyLimit: 15 })];
  await makeReal(world, office, { dailyCap: 40, senderIds });
  await makeReal(world, office, { name: 'Whole', dailyCap: 7 });
  const shown = (await world.call(office, 'status', {})) as Extract<Outcome, { outcome: 'done' }>;
  const overview = shown.result as Overview;
  expect(presentDigest(overview, false, { zone: 'Europe/London', now: world.now }).tables).toEqual(shown.report.tables);
  const table = shown.report.tables!.find(({ title }) => title === 'Sequences')!;
  const column = table.columns.findIndex(({ label }) => label === 'Today / cap');
  expect(table.rows.map(row => row[column])).toEqual(['0 / 15 (40 set)', '0 / 7']);
  const [fall] = overview.sequences;
  expect(fall!.days).toMatchObject({ effectiveCap: 15, cap: expect.arrayContaining([15]) });
  expect(Math.max(...fall!.days.cap)).toBe(15);
});
