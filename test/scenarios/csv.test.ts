import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { DeskCommand } from '../../src/cli/arguments.ts';
import { createDesk } from '../../src/cli/desk.ts';
import { createImport } from '../../src/cli/import.ts';
import { handleTick } from '../../src/jobs/tick.ts';
import { readPeople } from '../../src/sources/files/index.ts';
import { makeSequence } from '../support/links.ts';
import { mailThrough } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const people = 300;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'drover-csv-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** As HubSpot exports: BOM, quoted line breaks, padded and mixed-case addresses, duplicates, a row without anything usable. */
const hubspot = (): string => {
  const rows = Array.from({ length: people }, (_, i) => {
    const address = i % 3 ? `  Person.${i}@Firm-${i}.Example ` : `person.${i}@firm-${i}.example`;
    const note = i % 50 ? 'plain' : 'two\nlines, ""quoted""';
    return `"${1000 + i}","First${i}","O'Last, ${i}","${address}","Head of Sales","Firm ${i}","${note}"`;
  });
  const again = `"9001","First5","O'Last, 5","PERSON.5@firm-5.example","Head of Sales","Firm 5","twice"`;
  const bad = `"9002","Nobody","","not-an-address","","",""`;
  return `\ufeff"Record ID","First Name","Last Name","Email","Job Title","Company Name","Notes"\r\n${[...rows, again, bad].join('\r\n')}\r\n`;
};

/** As Apollo exports, saved again by a German spreadsheet: semicolons, Windows line ends. */
const apollo = (): string => {
  const head = 'First Name;Last Name;Title;Company Name for Emails;Email;Email Status;Person Linkedin Url;# Employees;Country';
  const rows = Array.from(
    { length: people },
    (_, i) =>
      `Vor${i};Nach${i};VP Sales;Betrieb ${i};V${i}@BETRIEB-${i}.EXAMPLE;Verified;http://www.linkedin.com/in/Vor-${i}/;${50 + i};Germany`,
  );
  return `${head}\r\n${[...rows, rows[7]].join('\r\n')}\r\n`;
};

const tickAndDrain = async (world: World) => {
  await handleTick(world.services);
  await world.drain();
};

async function atTheDesk(world: World, command: DeskCommand): Promise<{ exit: number; said: string }> {
  const said: string[] = [];
  const desk = createDesk(world.services, { importFile: createImport(world.services, readPeople) });
  const exit = await desk(command, { write: text => void said.push(text), progress: () => {} });
  return { exit, said: said.join('') };
}

const counted = (world: World, office: Office) =>
  world.in(office, async ctx => {
    const sent = await ctx.tx.selectFrom('message').select('id').where('state', '=', 'sent').execute();
    const count = async (table: 'lead' | 'membership' | 'enrollment') =>
      (
        await ctx.tx
          .selectFrom(table)
          .select(({ fn }) => fn.countAll<number>().as('n'))
          .executeTakeFirstOrThrow()
      ).n;
    return {
      leads: await count('lead'),
      members: await count('membership'),
      enrolled: await count('enrollment'),
      contacted: sent.length,
    };
  });

describe.each([
  ['HubSpot', hubspot, ['person.1@firm-1.example', 'First1'], 1],
  ['Apollo', apollo, ['v1@betrieb-1.example', 'Vor1'], 0],
] as const)('a file as %s exports it', (name, content, [address, firstName], rejected) => {
  test('L1 L3 K5 S3 becomes a list, links, enrols and is contacted', async ({ world }) => {
    const office = await world.office();
    mailThrough(world);
    const file = path.join(folder, `${name}.csv`);
    await writeFile(file, content());
    const imported = await atTheDesk(world, { name: 'import', file, list: 'Fair' });
    expect(imported.said).toContain(`${people} leads are on the new list "Fair".`);
    expect(imported.said).toContain('1 already on the list');
    expect(imported.said.includes('1 row rejected')).toBe(rejected === 1);
    expect(imported.exit).toBe(0);
    const lead = await world.in(office, ctx =>
      ctx.tx.selectFrom('lead').select(['email_key', 'first_name']).where('email_key', '=', address).executeTakeFirst(),
    );
    expect(lead).toEqual({ email_key: address, first_name: firstName });

    await makeSequence(world, office, 'Fall', { cap: 20 });
    const asked = await world.call(office, 'link_list', { list: 'Fair', sequence: 'Fall' });
    if (asked.outcome !== 'needs_approval') throw new Error('300 people on autopilot must wait for a button');
    expect((await world.press(office, asked.approval.id)).outcome).toBe('approved');
    await world.drain();
    expect(await counted(world, office)).toMatchObject({ leads: people, members: people, enrolled: people, contacted: 0 });

    for (let minutes = 0; minutes < 10 * 60; minutes += 5) {
      await world.clock.move({ minutes: 5 });
      await tickAndDrain(world);
    }
    expect((await counted(world, office)).contacted).toBe(20);
  });
});

test.for([
  ['colour,size\nred,1\n', 'no_usable_columns', /colour/],
  ['', 'empty', /empty|nothing/i],
])(
  'a file that is no list of people is refused with one sentence, and nothing is written',
  async ([content, , message], { world }) => {
    const office = await world.office();
    const file = path.join(folder, 'bad.csv');
    await writeFile(file, content as string);
    const { exit, said } = await atTheDesk(world, { name: 'import', file, list: 'Bad' });
    expect(exit).toBe(1);
    expect(said).toMatch(message as RegExp);
    expect(said.trim().split('\n').length).toBeLessThanOrEqual(3);
    expect(await counted(world, office)).toMatchObject({ leads: 0, members: 0 });
  },
);
