import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import { understand } from '../../src/agent/phrasebook/index.ts';
import type { DeskCommand } from '../../src/cli/arguments.ts';
import { csvRow } from '../../src/cli/csv.ts';
import { createDesk } from '../../src/cli/desk.ts';
import { createImport } from '../../src/cli/import.ts';
import * as monitoring from '../../src/domain/monitoring/index.ts';
import { type PeopleBatch, readPeople } from '../../src/sources/files/index.ts';
import { makeList } from '../support/links.ts';
import { makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'drover-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Said {
  exit: number;
  said: string;
}

async function atTheDesk(world: World, command: DeskCommand, read: typeof readPeople = readPeople): Promise<Said> {
  let said = '';
  const desk = createDesk(world.services, { importFile: createImport(world.services, read) });
  const exit = await desk(command, {
    write: text => {
      said += text;
    },
    progress: () => {},
  });
  return { exit, said };
}

const put = async (name: string, content: string): Promise<string> => {
  const file = path.join(folder, name);
  await writeFile(file, content);
  return file;
};
const importing = (file: string, list = 'Fair'): DeskCommand => ({ name: 'import', file, list });
interface ExportMore {
  out?: string;
  bom?: boolean;
  about?: string;
  by?: string;
  days?: number;
}
const exporting = (what: 'list' | 'sequence' | 'activity', of = '', more: ExportMore = {}): DeskCommand => {
  const how = { name: 'export', bom: false, ...more } as const;
  return what === 'activity' ? { ...how, what } : { ...how, what, of };
};
const records = (csv: string): Record<string, string>[] => parse(csv, { columns: true, bom: true });

const receipts = (world: World, office: Office) =>
  world.in(office, ctx =>
    ctx.tx.selectFrom('refill').select(['status', 'asked', 'found', 'added', 'skipped']).orderBy('id').execute(),
  );

describe('rejected rows', () => {
  const content = [
    'Email,Name,Notes',
    'ann@acme.example,Ann,fine',
    'bob at acme,"=HYPERLINK(""http://x.example"")","said ""hi"",\ntwice"',
    ',,+49 30 1234',
    'cy@acme.example,Cy,one,two',
    '@cmd,Di,-1+cmd|x',
  ].join('\n');

  test('come back as CSV next to the file: as they were, with line and reason, and safe to open', async ({ world }) => {
    await world.office();
    const file = await put('people.csv', content);
    const { exit, said } = await atTheDesk(world, importing(file));
    const back = path.join(folder, 'people.rejected.csv');
    expect(exit).toBe(0);
    expect(said).toContain('! 4 rows rejected:\n  line 3: invalid email (bob at acme)');
    expect(said).toContain(`All of them, to put right and import again: ${back}`);
    expect(await readFile(back, 'utf8')).toBe(
      [
        '\ufeffDrover line,Drover reason,Email,Name,Notes',
        `3,invalid email (bob at acme),bob at acme,"'=HYPERLINK(""http://x.example"")","said ""hi"",\ntwice"`,
        '5,no name or email,,,+49 30 1234',
        '6,too many columns (4 of 3),cy@acme.example,Cy,one,two',
        "7,invalid email (@cmd),'@cmd,Di,'-1+cmd|x",
        '',
      ].join('\r\n'),
    );
  });

  test('put right, they are imported as they were meant; what Drover added is left out', async ({ world }) => {
    const office = await world.office();
    const file = await put('people.csv', content);
    await atTheDesk(world, importing(file));
    const back = path.join(folder, 'people.rejected.csv');
    await writeFile(back, (await readFile(back, 'utf8')).replace('bob at acme,"', 'bob@acme.example,"'));
    await atTheDesk(world, importing(back));
    const bob = await world.in(office, ctx =>
      ctx.tx.selectFrom('lead').select(['full_name', 'fields']).where('email_key', '=', 'bob@acme.example').executeTakeFirst(),
    );
    expect(bob).toEqual({ full_name: '=HYPERLINK("http://x.example")', fields: { notes: 'said "hi",\ntwice' } });
  });

  test('never take the place of a file that is there', async ({ world }) => {
    await world.office();
    const file = await put('people.csv', content);
    await put('people.rejected.csv', 'mine');
    const { said } = await atTheDesk(world, importing(file));
    expect(said).toContain('people.rejected-2.csv');
    expect(await readFile(path.join(folder, 'people.rejected.csv'), 'utf8')).toBe('mine');
    await atTheDesk(world, importing(file));
    expect((await readdir(folder)).sort()).toEqual([
      'people.csv',
      'people.rejected-2.csv',
      'people.rejected-3.csv',
      'people.rejected.csv',
    ]);
  });

  test('are all there is: nothing is written to the database, and they are told', async ({ world }) => {
    const office = await world.office();
    const file = await put('people.csv', 'Email,Name\nx,X\ny,Y\n');
    const { exit, said } = await atTheDesk(world, importing(file));
    expect(exit).toBe(1);
    expect(said).toContain('no row that can be imported. Nothing was written.');
    expect(said).toContain('people.rejected.csv');
    expect(await receipts(world, office)).toEqual([]);
    expect(await world.in(office, ctx => ctx.tx.selectFrom('list').select('id').execute())).toEqual([]);
  });

  test('of an import that is refused leave no file behind', async ({ world }) => {
    const office = await world.office();
    await world.in(office, ctx => monitoring.openImport(ctx, { listName: 'Fair', ownerId: office.admin.id, asked: 1 }));
    const file = await put('people.csv', content);
    const { exit } = await atTheDesk(world, { ...importing(file), as: 'Ray' } as DeskCommand);
    expect(exit).toBe(1);
    expect(await readdir(folder)).toEqual(['people.csv']);
  });
});

test('K1 an import says what can be done next here: create a sequence, see those there are, link to an active one, see the one it feeds', async ({
  world,
}) => {
  const office = await world.office();
  const file = await put('people.csv', 'Email,Name\npat@firm.example,Pat\n');
  const next = async () => /Try: “(.+)”/.exec((await atTheDesk(world, importing(file))).said)?.[1];
  const works = (phrase: string | undefined, sequences: string[]) =>
    understand(phrase!, { lists: ['Fair'], sequences, focus: {}, today: '2026-03-02' });
  const first = works(await next(), []);
  expect(first).toMatchObject({ kind: 'calls', calls: [{ tool: 'create_sequence' }] });
  await makeSequence(world, office, { name: 'Later', active: false });
  expect(works(await next(), ['Later'])).toMatchObject({ calls: [{ tool: 'list_sequences' }] });
  await makeSequence(world, office, { name: 'Mine' });
  const theirs = await makeSequence(world, office, { name: 'Theirs and newer' });
  await world.in(office, ctx =>
    ctx.tx.updateTable('sequence').set({ owner_id: office.rep.id }).where('id', '=', theirs).execute(),
  );
  expect(works(await next(), ['Mine', 'Theirs and newer'])).toMatchObject({
    calls: [{ tool: 'link_list', input: { list: 'Fair', sequence: 'Mine' } }],
  });
  await world.call(office, 'link_list', { list: 'Fair', sequence: 'Theirs and newer' });
  expect(works(await next(), ['Mine', 'Theirs and newer'])).toMatchObject({
    calls: [{ tool: 'show_sequence', input: { sequence: 'Theirs and newer' } }],
  });
});

describe('an import that broke off', () => {
  const people = (n: number) => `Email,Name\n${Array.from({ length: n }, (_, i) => `p${i}@firm.example,P ${i}`).join('\n')}\n`;

  /** Reads like the real one and breaks after some batches. */
  const breaking = (after: number): typeof readPeople =>
    async function* (file: string): AsyncGenerator<PeopleBatch> {
      let n = 0;
      for await (const batch of readPeople(file)) {
        if (n++ === after) throw new Error('the power went');
        yield batch;
      }
    };

  test('L5 goes on after its last batch, and one receipt tells of the whole file', async ({ world }) => {
    const office = await world.office();
    const file = await put('people.csv', people(4_500));
    await expect(atTheDesk(world, importing(file), breaking(3))).rejects.toThrow('the power went');
    expect(await receipts(world, office)).toMatchObject([{ status: 'running', found: 3_000, added: 3_000 }]);

    let read = 0;
    const counting: typeof readPeople = async function* (path) {
      for await (const batch of readPeople(path)) {
        read += batch.people.length;
        yield batch;
      }
    };
    const { said } = await atTheDesk(world, importing(file), counting);
    expect(read).toBe(4_500);
    expect(said).toContain('4,500 leads are on the new list "Fair".');
    expect(said).toContain('It went on after line 3,001');
    expect(await receipts(world, office)).toEqual([{ status: 'done', asked: 4_500, found: 4_500, added: 4_500, skipped: {} }]);
  });

  test('L5 is not taken up by another file, nor into another list; finished, it begins anew', async ({ world }) => {
    const office = await world.office();
    const file = await put('people.csv', people(2_500));
    await expect(atTheDesk(world, importing(file), breaking(1))).rejects.toThrow();
    await atTheDesk(world, importing(file, 'Other'));
    await atTheDesk(world, importing(await put('more.csv', people(2_501))));
    expect(await receipts(world, office)).toMatchObject([
      { status: 'running', found: 1_000 },
      { status: 'done', found: 2_500, added: 2_500 },
      { status: 'done', found: 2_501, added: 1_501, skipped: { already_on_list: 1_000 } },
    ]);
    await atTheDesk(world, importing(file));
    const { said } = await atTheDesk(world, importing(file));
    expect(said).toContain('2,500 already on the list');
    expect(said).not.toContain('broken off');
    expect(await receipts(world, office)).toHaveLength(4);
  });

  test('L5 two processes that import one file at once count each row once', async ({ world }) => {
    const office = await world.office();
    const file = await put('people.csv', people(3_500));
    await expect(atTheDesk(world, importing(file), breaking(1))).rejects.toThrow();
    await Promise.all([atTheDesk(world, importing(file)), atTheDesk(world, importing(file))]);
    expect(await receipts(world, office)).toEqual([{ status: 'done', asked: 3_500, found: 3_500, added: 3_500, skipped: {} }]);
  });
});

describe('export', () => {
  const content = 'First Name,Last Name,Email,Job Title,Company,Website,Technologies,Lead Status,Notes\n';
  const rows = (n: number) =>
    Array.from(
      { length: n },
      (_, i) => `F${i},L${i},p${i}@firm-${i}.example,VP of Sales,Firm ${i},firm-${i}.example,"SAP, Slack",Open,=1+${i}`,
    );

  test('L4 a list comes out with provenance and state, and goes in again as it was', async ({ world }) => {
    const office = await world.office();
    await atTheDesk(world, importing(await put('people.csv', content + rows(2_300).join('\n'))));
    await makeSequence(world, office, { name: 'Fall' });
    const link = await world.call(office, 'link_list', { list: 'Fair', sequence: 'Fall' });
    if (link.outcome === 'needs_approval') await world.press(office, link.approval.id);
    await world.drain();

    const { exit, said } = await atTheDesk(world, exporting('list', 'fair'));
    expect(exit).toBe(0);
    const out = records(said);
    expect(out).toHaveLength(2_300);
    expect(new Set(out.map(row => row.Email)).size).toBe(2_300);
    expect(out[7]).toMatchObject({
      Email: 'p7@firm-7.example',
      'Full Name': 'F7 L7',
      'Job Title': 'VP of Sales',
      Technologies: 'SAP, Slack',
      lead_status: 'Open',
      notes: "'=1+7",
      'Drover source': 'csv',
      'Drover added at': '2026-03-02T08:00:00Z',
      'Drover added by': 'import',
      'Drover sequence': 'Fall',
      'Drover state': 'queued',
    });

    const before = await world.in(office, ctx => ctx.tx.selectFrom('lead').selectAll().orderBy('id').execute());
    const other = await world.office('Other');
    await atTheDesk(world, { ...importing(await put('again.csv', said)), team: 'TOther' } as DeskCommand);
    const after = await world.in(other, ctx => ctx.tx.selectFrom('lead').selectAll().orderBy('id').execute());
    const plain = (leads: typeof before) => leads.map(({ id, workspace_id, created_at, updated_at, ...lead }) => lead);
    expect(plain(after)).toEqual(plain(before));
  });

  test('a sequence comes out with state, reason, next date and contact', async ({ world }) => {
    const office = await world.office();
    await atTheDesk(world, importing(await put('people.csv', content + rows(3).join('\n'))));
    await makeSequence(world, office, { name: 'Fall' });
    await world.call(office, 'link_list', { list: 'Fair', sequence: 'Fall' });
    await world.drain();
    await world.in(office, ctx =>
      ctx.tx
        .updateTable('enrollment')
        .set({ state: 'active', next_position: 2, next_due_on: '2026-03-05', contacted_at: ctx.now, last_contact_at: ctx.now })
        .where('id', '=', 1)
        .execute(),
    );
    const out = records((await atTheDesk(world, exporting('sequence', 'Fall'))).said);
    expect(out).toHaveLength(3);
    expect(out[0]).toMatchObject({
      Email: 'p0@firm-0.example',
      'Drover list': 'Fair',
      'Drover state': 'active',
      'Drover next step': '2',
      'Drover next due on': '2026-03-05',
      'Drover contacted at': '2026-03-02T08:00:00Z',
    });
    expect(out[1]).toMatchObject({ 'Drover state': 'queued', 'Drover next step': '1', 'Drover contacted at': '' });
  });

  test('the trail comes out, and a file is never written over', async ({ world }) => {
    await world.office();
    await atTheDesk(world, importing(await put('people.csv', content + rows(2).join('\n'))));
    const out = path.join(folder, 'trail.csv');
    const first = await atTheDesk(world, exporting('activity', '', { out, bom: true }));
    expect(first).toEqual({ exit: 0, said: `✓ 2 rows written to ${out}.\n` });
    const text = await readFile(out, 'utf8');
    expect(text.startsWith('\ufeff')).toBe(true);
    expect(records(text).map(row => row.action)).toEqual(['import', 'list_created']);
    const second = await atTheDesk(world, exporting('activity', '', { out }));
    expect(second).toEqual({ exit: 1, said: `✗ There already is a file ${out}. Give another name, or remove it.\n` });
    expect(await readFile(out, 'utf8')).toBe(text);
    const nowhere = await atTheDesk(world, exporting('activity', '', { out: path.join(folder, 'no', 'x.csv') }));
    expect([nowhere.exit, nowhere.said]).toEqual([1, expect.stringContaining('cannot be written')]);
  });

  test('A5 a part of the trail comes out: about a thing or a person, by whom, of which days; who is unknown is refused', async ({
    world,
  }) => {
    const office = await world.office();
    await makeList(world, office, 'Fair', { members: 2 });
    await world.call(office, 'rename_list', { list: 'Fair', name: 'Fairs' });
    await world.clock.move({ hours: 72 });
    await world.call(office, 'pause_sequence', { sequence: 'Fairs' }, { actor: office.rep });
    await world.call(office, 'remove_member', { list: 'Fairs', leads: ['Fair 1'] });
    const of = async (more: ExportMore) =>
      records((await atTheDesk(world, exporting('activity', '', more))).said).map(row => row.action);
    expect(await of({})).toEqual(['remove_member', 'pause_sequence', 'rename_list']);
    expect(await of({ about: 'Fairs' })).toEqual(['remove_member', 'rename_list']);
    expect(await of({ about: 'Fair 1' })).toEqual(['remove_member']);
    expect(await of({ by: 'Ray' })).toEqual(['pause_sequence']);
    expect(await of({ about: 'Ray' })).toEqual(['pause_sequence']);
    expect(await of({ days: 2 })).toEqual(['remove_member', 'pause_sequence']);
    expect(await of({ about: 'Fairs', by: 'Ada', days: 2 })).toEqual(['remove_member']);
    const unknown = await atTheDesk(world, exporting('activity', '', { by: 'Zed' }));
    expect([unknown.exit, unknown.said]).toEqual([1, expect.stringContaining('no member called "Zed"')]);
  });

  test('T1 only of the own workspace, and an unknown name is refused with the nearest', async ({ world }) => {
    const office = await world.office();
    await atTheDesk(world, importing(await put('people.csv', content + rows(2).join('\n'))));
    await world.office('Other');
    const there = await atTheDesk(world, { ...exporting('list', 'Fair'), team: 'TOther' } as DeskCommand);
    expect([there.exit, there.said]).toEqual([1, expect.stringContaining('no list called "Fair"')]);
    const near = await atTheDesk(world, { ...exporting('list', 'Fairs'), team: 'TAcme' } as DeskCommand);
    expect([near.exit, near.said]).toEqual([1, expect.stringContaining('The nearest: "Fair"')]);
    expect(office.id).toBeGreaterThan(0);
  });
});

test('what a spreadsheet would run is quoted; numbers, telephones and text are not', () => {
  const cells = [
    '=1+1',
    '+cmd|x',
    '-2+a',
    '@SUM(A1)',
    '\t=1',
    ' =1',
    '＝1',
    '+49 (30) 12-34',
    '-12.5',
    'a=b',
    'x"y',
    'a;b',
    null,
    7,
    'bell\u0007',
  ];
  expect(csvRow(cells)).toBe(`'=1+1,'+cmd|x,'-2+a,'@SUM(A1),"'\t=1",' =1,'＝1,+49 (30) 12-34,-12.5,a=b,"x""y","a;b",,7,bell\r\n`);
});
