import { sql } from 'kysely';
import { expect } from 'vitest';
import * as messages from '../../src/domain/messages/index.ts';
import type { Numbers } from '../../src/domain/numbers/index.ts';
import type { HandOver, OutgoingMail } from '../../src/domain/ports.ts';
import { enrol, ledger, mailServer, mailThrough, makeSender, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

/** A sequence of two steps that contacted N people, the last of whom has no such address. */
async function contacted(world: World, n: number) {
  const office = await world.office();
  const answer = (mail: OutgoingMail): HandOver =>
    mail.to.address === `pat${n}@acme.example` ? { outcome: 'bad_address', detail: '550 5.1.1' } : { outcome: 'accepted' };
  const { transport } = mailServer(async mail => answer(mail));
  mailThrough(world, transport);
  const senderId = await makeSender(world, office, { name: 'Ann', dailyLimit: 10_000, minGapMinutes: 0 });
  const id = await makeSequence(world, office, { steps: 2, delayDays: 1, dailyCap: 10_000, senderIds: [senderId] });
  const people = await enrol(world, office, id, n);
  for (const evening of ['2026-03-02T18:00:00Z', '2026-03-03T08:00:00Z', '2026-03-03T18:00:00Z']) {
    await world.in(office, ctx => messages.planDay(ctx, id));
    const times = (await ledger(world, office)).filter(row => row.state === 'planned').map(row => row.planned_at);
    const last = times.at(-1);
    if (last) {
      await world.clock.set(last);
      await messages.sendDue(world.services, office.id);
    }
    await world.clock.set(Temporal.Instant.from(evening));
  }
  return { office, id, people, senderId };
}

/** An answer of a lead to the newest message of their run. */
const answered = (world: World, office: Office, enrollmentId: number, category: string, kind = 'human', outcome = 'none') =>
  world.in(office, ctx =>
    sql`insert into reply (workspace_id, sender_id, uid_validity, uid, received_at, read_at, kind, message_id, enrollment_id, lead_id,
        category, category_by, outcome)
      select ${office.id}, m.sender_id, '1', (select count(*) from reply) + 1, ${ctx.now}, ${ctx.now}, ${kind}, m.id, m.enrollment_id,
        m.lead_id, ${category}, 'human', ${outcome} from message m where m.enrollment_id = ${enrollmentId}
      order by m.position desc limit 1`.execute(ctx.tx),
  );

const numbersOf = async (world: World, office: Office, input: object = {}): Promise<Numbers[]> =>
  ((await world.call(office, 'show_numbers', input)) as { result: { numbers: Numbers[] } }).result.numbers;

test('G1 what left and what came back is counted by sequence, step, list and sender', async ({ world }) => {
  const { office, people } = await contacted(world, 6);
  await answered(world, office, people[0]!, 'interested');
  await answered(world, office, people[0]!, 'meeting');
  await answered(world, office, people[1]!, 'not_interested');
  await answered(world, office, people[2]!, 'bounced', 'bounce', 'bounced');
  await answered(world, office, people[3]!, 'out_of_office', 'automatic', 'paused');
  const all = { contacted: 6, sent: 11, bounced: 2, replied: 2, interested: 1, optedOut: 0 };
  const numbers = await numbersOf(world, office);
  expect(numbers.filter(row => row.by === 'sequence')).toMatchObject([{ name: 'Fall Intro', ...all }]);
  expect(numbers.filter(row => row.by === 'list')).toMatchObject([{ name: 'Leads', ...all }]);
  expect(numbers.filter(row => row.by === 'sender')).toMatchObject([{ name: 'ann@drover.example', ...all }]);
  expect(numbers.filter(row => row.by === 'step')).toMatchObject([
    { position: 1, contacted: 6, sent: 6, bounced: 1, replied: 0, interested: 0 },
    { position: 2, contacted: 5, sent: 5, bounced: 1, replied: 2, interested: 1 },
  ]);
});

test('G1 only the asked days count, and an opt-out counts on the day it came', async ({ world }) => {
  const { office, id, people } = await contacted(world, 3);
  const day = (since: string, until = since) => numbersOf(world, office, { sequence: 'Fall Intro', since, until });
  expect((await day('2026-03-02')).filter(row => row.by === 'sequence')).toMatchObject([{ contacted: 3, sent: 3, bounced: 1 }]);
  expect((await day('2026-03-03')).filter(row => row.by === 'sequence')).toMatchObject([{ contacted: 2, sent: 2, bounced: 0 }]);
  expect(await day('2026-03-04')).toEqual([]);
  const [late] = await enrol(world, office, id, 1);
  await world.clock.set(Temporal.Instant.from('2026-03-05T10:00:00Z'));
  await world.in(office, ctx => messages.planDay(ctx, id));
  await world.clock.set((await ledger(world, office)).find(row => row.state === 'planned')!.planned_at);
  await messages.sendDue(world.services, office.id);
  await world.clock.set(Temporal.Instant.from('2026-03-06T10:00:00Z'));
  await world.in(office, ctx =>
    ctx.tx.updateTable('enrollment').set({ state: 'unsubscribed', ended_at: ctx.now }).where('id', '=', late!).execute(),
  );
  expect((await day('2026-03-06')).filter(row => row.by === 'step')).toMatchObject([{ position: 1, sent: 0, optedOut: 1 }]);
  expect(people).toHaveLength(3);
  expect(await world.call(office, 'show_numbers', { since: '2026-03-06', until: '2026-03-02' })).toMatchObject({
    code: 'dates_reversed',
  });
});

test('G1 no rate is told below 100', async ({ world }) => {
  const few = await contacted(world, 5);
  const told = async (office: Office) => {
    const outcome = await world.call(office, 'show_numbers', {});
    if (outcome.outcome !== 'done') throw new Error(outcome.outcome);
    return JSON.stringify(outcome.report);
  };
  expect(await told(few.office)).not.toMatch(/\d %/);
  expect(await told(few.office)).toContain('too few to tell');
});

test('G1 rates are told from 100 on', async ({ world }) => {
  const { office, people } = await contacted(world, 100);
  await answered(world, office, people[0]!, 'interested');
  const outcome = await world.call(office, 'show_numbers', {});
  if (outcome.outcome !== 'done') throw new Error(outcome.outcome);
  expect(outcome.report.tables![0]!.rows).toEqual([
    ['Fall Intro', '100', '199', '198', '1 (0.5 %)', '1 (1.0 %)', '1 (1.0 %)', '0 (0.0 %)'],
  ]);
});
