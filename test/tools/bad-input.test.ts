import { expect } from 'vitest';
import * as messages from '../../src/domain/messages/index.ts';
import { byState, enrol, ledger, mailServer, mailThrough, makeSender, makeSequence } from '../support/sequences.ts';
import { test } from '../support/world.ts';

/** What a person gets wrong is answered with a sentence that says what to do, and changes nothing. Undo of what has left: undo.test.ts. */

test.for([
  ['X1', 'exclude', { domain: 'acme.example', until: '2026-02-30' }, '2026-02-30'],
  ['X1', 'exclude', { domain: 'acme.example', until: '31 February' }, '31 February'],
  ['E3', 'pause_lead', { lead: 'Pat 1', until: '2027-02-29' }, '2027-02-29'],
  ['S4', 'edit_sequence', { sequence: 'Fall Intro', holidays: { dates: ['2026-12-24', '2026-13-01'] } }, '2026-13-01'],
  ['G1', 'show_numbers', { since: '2026-02-30' }, '2026-02-30'],
  ['G1', 'show_numbers', { since: '2026-01-01', until: '2026-06-31' }, '2026-06-31'],
] as const)('%s %s: a date that does not exist is refused in a sentence', async ([, tool, input, date], { world }) => {
  const office = await world.office();
  const id = await makeSequence(world, office);
  await enrol(world, office, id, 1);
  const refused = await world.call(office, tool, input);
  expect(refused).toMatchObject({ outcome: 'refused', code: 'bad_input' });
  expect(refused.report.title).toBe(`There is no ${date}. Write a day that exists, like 2027-01-31.`);
  expect(refused.report.next?.length).toBeGreaterThan(0);
  const written = await world.in(office, async ctx => ({
    exclusions: await ctx.tx.selectFrom('exclusion').select('id').execute(),
    paused: await ctx.tx.selectFrom('enrollment').select('id').where('paused_until', 'is not', null).execute(),
    holidays: (await ctx.tx.selectFrom('sequence').select('holidays').executeTakeFirstOrThrow()).holidays,
  }));
  expect(written).toEqual({ exclusions: [], paused: [], holidays: { country: null, dates: [] } });
});

test('S4 a country nobody knows is refused with the nearest, as phrases that work', async ({ world }) => {
  const office = await world.office();
  await makeSequence(world, office);
  const refused = await world.call(office, 'edit_sequence', { sequence: 'Fall Intro', holidays: { country: 'Germoney' } });
  expect(refused).toMatchObject({ outcome: 'refused', code: 'unknown_country' });
  expect(refused.report.title).toMatch(/^I know no holidays of "Germoney"\. Did you mean .*Germany/);
  const next = refused.report.next!.find(phrase => phrase.includes('Germany'))!;
  expect(next).toBe('use the public holidays of Germany for Fall Intro');
});

test('S3 S4 a cap below what was contacted today moves every unsent message off the day, and the answer counts them', async ({
  world,
}) => {
  const office = await world.office();
  const { handed, transport } = mailServer();
  mailThrough(world, transport);
  const id = await makeSequence(world, office, { senderIds: [await makeSender(world, office, { minGapMinutes: 0 })] });
  await enrol(world, office, id, 8);
  await world.in(office, ctx => messages.planDay(ctx, id));
  const fourth = (await ledger(world, office, id))[3]!;
  await world.clock.set(fourth.planned_at);
  await messages.sendDue(world.services, office.id);
  expect([handed.length, await byState(world, office, id)]).toEqual([4, { sent: 4, planned: 4 }]);

  const edited = await world.call(office, 'edit_sequence', { sequence: 'Fall Intro', dailyCap: 2 });
  expect(edited).toMatchObject({ outcome: 'done', result: { replanned: 4 } });
  expect(JSON.stringify(edited.report)).toContain('4 unsent messages of today are planned anew');
  await world.drain();
  expect(await byState(world, office, id)).toEqual({ sent: 4 });

  await world.clock.set(Temporal.Instant.from('2026-03-03T08:00:00Z'));
  await world.in(office, ctx => messages.planDay(ctx, id));
  expect((await ledger(world, office, id)).filter(row => row.state === 'planned').map(row => row.planned_on)).toEqual([
    '2026-03-03',
    '2026-03-03',
  ]);
});
