import { expect } from 'vitest';
import type { Tx } from '../../src/db/transaction.ts';
import { type CrashPoint, crashPoints } from '../../src/domain/messages/crash-points.ts';
import * as messages from '../../src/domain/messages/index.ts';
import { enrol, ledger, mailServer, mailThrough, makeSender, makeSequence } from '../support/sequences.ts';
import { start, test, type World } from '../support/world.ts';
import { between, deeds, expected, Other, within } from './others.ts';

for (const [name, deed] of Object.entries(deeds))
  test(`${name} at any point of a message: nothing leaves once it is committed, and at most one before`, async ({ world }) => {
    for (const point of crashPoints) {
      const { course, ended } = await within(world, deed, point);
      expect(ended, `at ${point}`).toEqual(expected(deed, course.isHanding));
      expect(course.isHanding, `at ${point} something left: ${course.isHanding}`).toBe(!course.isInTime);
    }
  });

/**
 * Two sequences that share a sender, with a message each, or one sequence with two; the first is due, and the second at `later`. So the
 * two workers need not begin with the same sequences.
 */
async function twoToSend(world: World, { isShared }: Limit, name: string) {
  await world.clock.set(start);
  const office = await world.office(name);
  const server = mailServer();
  mailThrough(world, server.transport);
  const senderId = await makeSender(world, office, { minGapMinutes: 0 });
  const ids = [await makeSequence(world, office, { name: 'Fall', steps: 1, senderIds: [senderId] })];
  if (isShared) ids.push(await makeSequence(world, office, { name: 'Winter', steps: 1, senderIds: [senderId] }));
  for (const [index, id] of ids.entries()) await enrol(world, office, id, isShared ? 1 : 2, { list: `List ${index}` });
  for (const id of ids) await world.in(office, ctx => messages.planDay(ctx, id));
  const [first, last] = (await ledger(world, office)).map(row => row.planned_at);
  await world.clock.set(first!);
  return { office, server, later: last! };
}

/** What keeps the second of two messages back: set behind the planner's back, since it would not have planned that one. */
interface Limit {
  isShared: boolean;
  sets: (tx: Tx) => Promise<unknown>;
  left: number;
}

const limits: Record<string, Limit> = {
  'S5 the gap': { isShared: true, sets: tx => tx.updateTable('sender').set({ min_gap_minutes: 600 }).execute(), left: 1 },
  'S5 the daily limit': { isShared: true, sets: tx => tx.updateTable('sender').set({ daily_limit: 1 }).execute(), left: 1 },
  'S3 the cap': { isShared: false, sets: tx => tx.updateTable('sequence').set({ daily_cap: 1 }).execute(), left: 1 },
  'D1 nothing': { isShared: true, sets: async () => {}, left: 2 },
};

for (const [name, limit] of Object.entries(limits))
  test(`${name} keeps back one of two workers at any point of the other, and neither sends what the other does`, async ({
    world,
  }) => {
    for (const point of crashPoints) {
      const { left } = limit;
      const { office, server, later } = await twoToSend(world, limit, point);
      await world.in(office, ctx => limit.sets(ctx.tx));
      let other: Other | undefined;
      const crash = async (at: CrashPoint) => {
        if (at === point)
          other ??= new Other(async () => {
            await world.clock.set(later);
            return messages.sendDue(world.services, office.id);
          });
        if (between.includes(at)) await other?.whole;
        else if (at === point) await other?.endsOrWaits(world);
      };
      await messages.sendDue({ ...world.services, crash }, office.id);
      await other!.whole;
      const ids = server.handed.map(mail => mail.messageId);
      expect({ handedOver: ids.length, different: new Set(ids).size }, `at ${point}`).toEqual({
        handedOver: left,
        different: left,
      });
      const states = (await ledger(world, office)).map(row => row.state).sort();
      expect(states, `at ${point}`).toEqual(left === 2 ? ['sent', 'sent'] : [expect.stringMatching(/^(held|planned)$/), 'sent']);
    }
  });
