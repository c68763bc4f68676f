import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { createDesk } from '../../src/cli/desk.ts';
import { createImport } from '../../src/cli/import.ts';
import { readPeople } from '../../src/sources/files/index.ts';
import type { Table } from '../../src/tools/report.ts';
import type { Outcome } from '../../src/tools/run.ts';
import { makeList, makeSequence, settle } from '../support/links.ts';
import { PeopleSource } from '../support/people-source.ts';
import { type Office, test, type World } from '../support/world.ts';

/** Puts people on a new list, out of a file called `name`. */
async function imported(world: World, name: string, list: string, people: string[]): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'drover-review-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, name);
  await writeFile(file, ['Name,Email', ...people.map((person, n) => `${person},p${n}@fair.example`), ''].join('\n'));
  const desk = createDesk(world.services, { importFile: createImport(world.services, readPeople) });
  await desk({ name: 'import', file, list }, { write: () => {}, progress: () => {} });
}

async function linkAll(world: World, office: Office, list: string, sequence: string): Promise<void> {
  const outcome = await world.call(office, 'link_list', { list, sequence });
  if (outcome.outcome === 'needs_approval') await world.press(office, outcome.approval.id);
  await settle(world);
}

function cardOf(outcome: Outcome) {
  if (outcome.outcome !== 'needs_approval') throw new Error(`there is no card: ${JSON.stringify(outcome)}`);
  return outcome;
}

const column = ({ columns, rows }: Table, label: string): unknown[] => {
  const at = columns.findIndex(each => each.label === label);
  return rows.map(row => row[at]);
};

test('E4 L4 review shows why each lead was chosen and how long it has waited: criteria, file, source', async ({ world }) => {
  world.services.sources = { directory: new PeopleSource(20) };
  const office = await world.office();
  await makeSequence(world, office, 'Fall', { mode: 'copilot' });
  await imported(world, 'fair.csv', 'Fair', ['Mia Castell']);
  await linkAll(world, office, 'Fair', 'Fall');
  await world.clock.move({ hours: 48 });
  const criteria = { titles: ['VP of Sales'], companyLocations: ['Germany'] };
  await world.call(office, 'create_list', { name: 'Found', criteria, count: 2, confirmed: true });
  await world.drain();
  await linkAll(world, office, 'Found', 'Fall');
  await makeList(world, office, 'Old', { members: 1 });
  await linkAll(world, office, 'Old', 'Fall');

  const shown = (await world.call(office, 'review_leads', { sequence: 'Fall', decision: 'show' })).report.tables![0]!;
  const criteriaInWords = 'VP of Sales in Germany';
  expect(column(shown, 'Chosen for')).toEqual(['in the file fair.csv', criteriaInWords, criteriaInWords, 'from directory']);
  expect(column(shown, 'Waiting since')).toEqual(['Mon 2 Mar (2 days)', ...Array(3).fill('Wed 4 Mar (today)')]);
  const card = cardOf(await world.call(office, 'review_leads', { sequence: 'Fall', decision: 'approve', count: 2 }));
  expect(column(card.report.tables![0]!, 'Chosen for')).toEqual(['in the file fair.csv', criteriaInWords]);
  expect(column(card.report.tables![0]!, 'Waiting since')[0]).toBe('Mon 2 Mar (2 days)');
});

test('E4 a lead is refused for a reason, which why tells; several, with the reason on the card', async ({ world }) => {
  const office = await world.office();
  await makeSequence(world, office, 'Fall', { mode: 'copilot' });
  await makeList(world, office, 'A', { members: 3 });
  await linkAll(world, office, 'A', 'Fall');
  const refuse = (input: object) => world.call(office, 'review_leads', { sequence: 'Fall', decision: 'refuse', ...input });
  const told = async (name: string) => JSON.stringify((await world.call(office, 'why', { about: name })).report);

  const one = await refuse({ leads: ['A 1'], reason: 'she is a customer' });
  expect(one.report.facts).toContainEqual({ label: 'Because', value: 'she is a customer' });
  expect(await told('A 1')).toContain('Refused by Ada for Fall: she is a customer');
  const card = cardOf(await refuse({ all: true, reason: 'they are partners' }));
  expect(card.report.facts).toEqual([{ label: 'Because', value: 'they are partners' }]);
  await world.press(office, card.approval.id);
  expect(await told('A 3')).toContain('Refused by Ada for Fall: they are partners');

  await makeList(world, office, 'B', { members: 2 });
  await linkAll(world, office, 'B', 'Fall');
  await refuse({ leads: ['B 1'] });
  expect(await told('B 1')).toContain('Refused by Ada for Fall"');
  // A reason is for refusing: nobody is approved because of one.
  await world.call(office, 'review_leads', { sequence: 'Fall', decision: 'approve', leads: ['B 2'], reason: 'whatever' });
  expect(await told('B 2')).toContain('Approved by Ada for Fall"');
});
