import fc from 'fast-check';
import type { Db } from '../../src/db/transaction.ts';
import { serverUrl } from '../support/database.ts';
import { test } from '../support/world.ts';
import * as beginnings from './beginnings.ts';
import { listNames, sequenceNames } from './commands/command.ts';
import { step } from './commands/index.ts';
import { scripts } from './commands/sequences.ts';
import { Machine } from './harness.ts';
import { prepare } from './invariants.ts';
import { Story } from './story.ts';

/**
 * How many stories are told, and which: `DROVER_RUNS=2000 DROVER_SEED=7 vitest run test/property/model.test.ts`. What they look for does
 * not depend on the engine, and the embedded one takes longer.
 */
const runs = Number(process.env.DROVER_RUNS ?? (serverUrl ? 200 : 40));
const seed = process.env.DROVER_SEED ? Number(process.env.DROVER_SEED) : undefined;

/** When stories begin: an ordinary Monday, and the Fridays before both clock changes of London. */
const moments = ['2026-03-02T08:00:00Z', '2026-03-27T08:00:00Z', '2026-10-23T07:00:00Z'];
/** What the first two lists are linked to. */
const linkings = sequenceNames.flatMap(first => sequenceNames.map(second => [first, second] as const));

/**
 * Two running sequences, and two lists that share leads, linked; and the same some days on, when people have been written to. Looked at
 * after each step as any story is.
 */
async function begin(
  db: Db,
  name: string,
  at: string,
  links: readonly string[],
): Promise<Record<'fresh' | 'later', beginnings.Beginning>> {
  await beginnings.empty(db);
  const machine = new Machine(db, Temporal.Instant.from(at));
  const zone = 'Europe/London';
  await machine.open(zone);
  const ada = await machine.sender('Ada', 2, 45);
  const ben = await machine.sender('Ben', 2, 20);
  await machine.sequence({ name: 'Fall', mode: 'autopilot', cap: 3, senderIds: [ada, ben], steps: scripts.mails, zone });
  await machine.sequence({ name: 'Winter', mode: 'copilot', cap: 2, senderIds: [ada], steps: scripts.call_between, zone });
  const told = new Story(machine);
  for (const [number, sequence] of links.entries()) {
    await told.step({ do: 'create', list: listNames[number], count: 5 });
    await told.step({ do: 'link', list: listNames[number], sequence });
  }
  const fresh = await beginnings.keep(machine, name);
  await told.step({ do: 'review', sequence: 'Winter', decision: 'approve', count: 4 });
  await told.step({ do: 'live', stops: 10 });
  return { fresh, later: await beginnings.keep(machine, `${name}_later`) };
}

test('K2 K4 E1 E2 E3 E4 E5 S1 S3 S4 S5 S7 S10 D1 D3 D4 D5 D6 L7 M3 M4 M5 M6 X1 X2 X3 hold after every step of any story', {
  timeout: 3_600_000,
}, async ({ world: { connection } }) => {
  const { db } = connection;
  const count = { stories: 0, steps: 0, handedOver: 0, cameIn: 0, killed: 0 };
  const began = performance.now();
  await beginnings.prepare(db);
  await prepare(db);
  const kept: Awaited<ReturnType<typeof begin>>[] = [];
  for (const at of moments) for (const links of linkings) kept.push(await begin(db, `b${kept.length}`, at, links));
  const story = fc.record({
    begins: fc.nat({ max: moments.length * linkings.length - 1 }),
    isLater: fc.constantFrom(true, true, true, false),
    hasModel: fc.constantFrom(true, true, true, false),
    steps: fc.array(step, { minLength: 2, maxLength: 12, size: 'max' }),
  });
  await fc.assert(
    fc.asyncProperty(story, async ({ begins, isLater, hasModel, steps }) => {
      const machine = await beginnings.goOn(db, kept[begins]![isLater ? 'later' : 'fresh']);
      const handedBefore = machine.handed.length;
      if (!hasModel) delete machine.ports.classify;
      const told = new Story(machine);
      await told.check();
      for (const each of steps) {
        await told.step(each);
        count.steps++;
      }
      await told.end();
      count.stories++;
      count.handedOver += machine.handed.length - handedBefore;
      for (const inbox of machine.inboxes.values()) count.cameIn += inbox.mails.length;
      count.killed += steps.filter(each => each.do === 'kill').length;
    }),
    { numRuns: runs, ...(seed === undefined ? {} : { seed }), endOnFailure: false },
  );
  const ms = performance.now() - began;
  console.log(`model: ${JSON.stringify(count)}, ${Math.round(ms / Math.max(1, count.stories))} ms a story`);
});
