import { expect, test as pure } from 'vitest';
import * as trail from '../../src/domain/activity/trail.ts';
import type { Outcome } from '../../src/tools/run.ts';
import { makeList, makeSequence } from '../support/links.ts';
import { type Office, test, type World } from '../support/world.ts';

const rows = (outcome: Outcome): string[][] => outcome.report.tables?.[0]?.rows ?? [];
const what = (outcome: Outcome): string[] => rows(outcome).map(row => row[2]!);

async function stage(world: World): Promise<Office> {
  const office = await world.office();
  await makeList(world, office, 'VPs', { members: 1 });
  await makeSequence(world, office, 'Fall');
  await world.call(office, 'rename_list', { list: 'VPs', name: 'Leaders' });
  await world.clock.move({ hours: 48 });
  await world.call(office, 'pause_sequence', { sequence: 'Fall' }, { actor: office.rep });
  await world.call(office, 'remove_member', { list: 'Leaders', leads: ['VPs 1'] });
  await world.call(office, 'undo', {});
  return office;
}

test('A5 the trail is shown newest first, with names, refusals and what was undone', async ({ world }) => {
  const office = await stage(world);
  const shown = await world.call(office, 'activity', {});
  expect(rows(shown)).toEqual([
    ['Wed 4 Mar, 08:00', 'Ada', 'Undone: 1 person is back on "Leaders".', 'Leaders, VPs 1', 'done'],
    ['Wed 4 Mar, 08:00', 'Ada', 'VPs 1 is off "Leaders".', 'Leaders, VPs 1', 'done (undone)'],
    ['Wed 4 Mar, 08:00', 'Ray', 'pause sequence', '–', 'refused (not yours)'],
    ['Mon 2 Mar, 08:00', 'Ada', '"VPs" is called "Leaders" now.', 'Leaders', 'done'],
  ]);
});

test('A5 the trail is filtered by what it is about, by whom, and by days', async ({ world }) => {
  const office = await stage(world);
  const of = async (input: object) => what(await world.call(office, 'activity', input));
  expect(await of({ about: 'VPs 1' })).toEqual(['Undone: 1 person is back on "Leaders".', 'VPs 1 is off "Leaders".']);
  expect(await of({ about: 'leaders' })).toHaveLength(3);
  expect(await of({ member: 'Ray' })).toEqual(['pause sequence']);
  expect(await of({ about: 'Ray' })).toEqual(['pause sequence']);
  expect(await of({ days: 2 })).toHaveLength(3);
  expect(await of({ days: 3 })).toHaveLength(4);
  expect(await of({ limit: 1 })).toHaveLength(1);
  expect(await of({ about: 'Fall' })).toEqual([]);
  expect(await world.call(office, 'activity', { about: 'Nothing' })).toMatchObject({ code: 'unknown_thing' });
});

test('A5 under the trail stands the command that writes the same part of it as a file', async ({ world }) => {
  const office = await stage(world);
  const footer = async (input: object) => (await world.call(office, 'activity', input)).report.footer;
  expect(await footer({})).toBe('All of it as a file: drover export activity');
  expect(await footer({ about: 'VPs 1', member: 'Ada', days: 3 })).toBe(
    'All of it as a file: drover export activity --about "VPs 1" --by Ada --days 3',
  );
  await world.call(office, 'rename_list', { list: 'Leaders', name: 'A $(whoami)' });
  expect(await footer({ about: 'A $(whoami)' })).toBe("All of it as a file: drover export activity --about 'A $(whoami)'");
});

test('A5 the trail is exported page by page, each line once, and no cell is a formula', async ({ world }) => {
  const office = await stage(world);
  await world.call(office, 'rename_list', { list: 'Leaders', name: '=HYPERLINK("http://evil.example")' });
  const pages: string[] = [];
  for (let before: number | null = null, first = true; first || before !== null; first = false) {
    const page: { csv: string; next: number | null } = await world.in(office, ctx =>
      trail.exportCsv(ctx, {}, { before, limit: 2 }),
    );
    pages.push(page.csv);
    before = page.next;
  }
  const lines = pages.join('').trimEnd().split('\r\n');
  expect(lines[0]).toBe('id,at,by,action,effect,outcome,undone,title,code,about,objects,approval');
  expect(lines.slice(1).map(line => line.split(',')[0])).toEqual(['5', '4', '3', '2', '1']);
  expect(lines[1]).toContain('"\'=HYPERLINK(""http://evil.example"")"');
});

test('T1 the trail shows and exports nothing of another workspace', async ({ world }) => {
  await stage(world);
  const other = await world.office('Other');
  expect(rows(await world.call(other, 'activity', {}))).toEqual([]);
  expect(rows(await world.call(other, 'activity', { about: 'list:1' }))).toEqual([]);
  expect((await world.in(other, ctx => trail.exportCsv(ctx))).csv).toBe(
    'id,at,by,action,effect,outcome,undone,title,code,about,objects,approval\r\n',
  );
  expect(await world.call(other, 'undo', {})).toMatchObject({ code: 'nothing_to_undo' });
});

pure('cells that a spreadsheet would run are quoted', () => {
  expect(['=1+1', '+1', '-1', '@x', '\tx', 'a,b', 'a"b', 'plain'].map(trail.cell)).toEqual([
    "'=1+1",
    "'+1",
    "'-1",
    "'@x",
    '"\'\tx"'.replaceAll('"', ''),
    '"a,b"',
    '"a""b"',
    'plain',
  ]);
});
