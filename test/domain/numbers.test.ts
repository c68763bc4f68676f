import { sql } from 'kysely';
import { expect } from 'vitest';
import { exportTo } from '../../src/cli/export.ts';
import { sequences } from '../../src/domain/digests/queries.ts';
import * as messages from '../../src/domain/messages/index.ts';
import type { Numbers } from '../../src/domain/numbers/index.ts';
import type { HandOver, OutgoingMail } from '../../src/domain/ports.ts';
import { HttpServer } from '../../src/http.ts';
import { silentLog } from '../../src/log.ts';
import { createOptOut } from '../../src/mail/opt-out.ts';
import { correspondence, from, sendNext } from '../support/replies.ts';
import { enrol, enrollmentOf, ledger, mailServer, mailThrough, makeSender, makeSequence } from '../support/sequences.ts';
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

/** Presses the way out in the message of a step, as a mail provider does. */
async function useLink(world: World, office: Office, enrollmentId: number, position = 1): Promise<void> {
  const { opt_out_token: token } = await world.in(office, ctx =>
    ctx.tx
      .selectFrom('message')
      .select('opt_out_token')
      .where('enrollment_id', '=', enrollmentId)
      .where('position', '=', position)
      .executeTakeFirstOrThrow(),
  );
  const port = new HttpServer({
    ...{ host: '127.0.0.1', port: 0, log: silentLog, nothingHere: 'nothing' },
    routes: [createOptOut(world.services)],
  });
  const { url } = await port.listen();
  expect((await fetch(`${url}/o/${token}`, { method: 'POST' })).status).toBe(200);
  await port.close();
}

const numbersOf = async (world: World, office: Office, input: object = {}): Promise<Numbers[]> =>
  ((await world.call(office, 'show_numbers', input)) as { result: { numbers: Numbers[] } }).result.numbers;

test('G1 what left and what came back is counted by sequence, step, list and sender', async ({ world }) => {
  const { office, people } = await contacted(world, 6);
  await answered(world, office, people[0]!, 'interested');
  await answered(world, office, people[0]!, 'meeting');
  await answered(world, office, people[1]!, 'not_interested');
  await answered(world, office, people[2]!, 'bounced', 'bounce', 'bounced');
  await answered(world, office, people[3]!, 'out_of_office', 'automatic', 'paused');
  const all = { contacted: 6, sent: 11, delivered: 9, bounced: 2, replied: 2, interested: 1, optedOut: 0 };
  const numbers = await numbersOf(world, office);
  expect(numbers.filter(row => row.by === 'sequence')).toMatchObject([{ name: 'Fall Intro', ...all }]);
  expect(numbers.filter(row => row.by === 'list')).toMatchObject([{ name: 'Leads', ...all }]);
  expect(numbers.filter(row => row.by === 'sender')).toMatchObject([{ name: 'ann@drover.example', ...all }]);
  expect(numbers.filter(row => row.by === 'step')).toMatchObject([
    { position: 1, contacted: 6, sent: 6, delivered: 5, bounced: 1, replied: 0, interested: 0 },
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
  await useLink(world, office, late!);
  expect((await day('2026-03-06')).filter(row => row.by === 'step')).toMatchObject([{ position: 1, sent: 0, optedOut: 1 }]);
  expect(people).toHaveLength(3);
  expect(await world.call(office, 'show_numbers', { since: '2026-03-06', until: '2026-03-02' })).toMatchObject({
    code: 'dates_reversed',
  });
});

test('G1 opt-outs by mail, by link and by button count once, for the step that they answer, however their run had ended', async ({
  world,
}) => {
  const kept = await correspondence(world, { people: 5, wanted: { steps: 2 } });
  const { office, inbox, sent, read, runs, sequenceId } = kept;
  const id = (at: number) => sent[at]!;
  const mail = (at: number, text: string) =>
    inbox.put({ ...from(id(at).to), text, inReplyTo: id(at).mailId, references: [id(at).mailId] }, world.now);
  // One has replied before; the others get the second step, and their runs are over.
  mail(0, 'Thanks, but what is this about?');
  await read();
  await world.clock.set(Temporal.Instant.from('2026-03-09T08:00:00Z'));
  await sendNext(world, office, sequenceId);
  await world.clock.set(Temporal.Instant.from('2026-03-20T10:00:00Z'));
  expect((await enrollmentOf(world, office, runs[1]!)).state).toBe('completed');
  mail(0, 'STOP');
  mail(1, 'unsubscribe');
  mail(2, 'Let me think about it.');
  await read();
  await world.call(office, 'correct_reply', { lead: id(2).to, as: 'unsubscribe' });
  for (const position of [2, 1]) await useLink(world, office, runs[3]!, position);
  const numbers = await numbersOf(world, office, { since: '2026-03-20' });
  const optedOut = (by: Numbers['by']) => numbers.filter(row => row.by === by).map(row => [row.name, row.position, row.optedOut]);
  expect(optedOut('sequence')).toEqual([['Fall Intro', null, 4]]);
  expect(optedOut('list')).toEqual([['Leads', null, 4]]);
  expect(optedOut('sender')).toEqual([['ada@drover.example', null, 4]]);
  expect(optedOut('step')).toEqual([
    ['Fall Intro', 1, 3],
    ['Fall Intro', 2, 1],
  ]);
  const span = { from: Temporal.Instant.from('2026-03-20T00:00:00Z'), until: world.now.add({ hours: 1 }) };
  expect(await world.in(office, ctx => sequences(ctx.tx, span, ctx.now))).toMatchObject([{ optOuts: 4 }]);
});

test('D5 what failed for now was not delivered, though its address has not bounced; what is only late was', async ({ world }) => {
  const { office, inbox, sent, read } = await correspondence(world, { people: 4 });
  const notice = (at: number, action: string, status: string) =>
    inbox.put(
      {
        ...from('mailer-daemon@acme.example'),
        bounce: { mailId: sent[at]!.mailId, recipient: null, action, status, diagnostic: null },
      },
      world.now,
    );
  notice(0, 'failed', '4.4.7');
  notice(1, 'failed', '5.2.2');
  notice(2, 'delayed', '4.2.0');
  notice(3, 'failed', '5.1.1');
  await read();
  const of = { sent: 4, delivered: 1, bounced: 1 };
  const numbers = await numbersOf(world, office);
  expect(numbers).toHaveLength(4);
  for (const row of numbers) expect(row).toMatchObject(of);
});

test('G1 the numbers of one list, one sender, and one kind at a time', async ({ world }) => {
  const { office } = await contacted(world, 3);
  const other = await makeSender(world, office, { address: 'bob@drover.example', minGapMinutes: 0 });
  const second = await makeSequence(world, office, { name: 'Second', senderIds: [other] });
  await enrol(world, office, second, 2, { list: 'Others' });
  await world.clock.set(Temporal.Instant.from('2026-03-04T08:00:00Z'));
  await sendNext(world, office, second);
  const whole = (rows: Numbers[]) => rows.filter(row => row.by === 'sequence').map(row => [row.name, row.sent]);
  const all = await numbersOf(world, office);
  expect(whole(all)).toEqual([
    ['Fall Intro', 5],
    ['Second', 2],
  ]);
  expect(whole(await numbersOf(world, office, { sender: 'bob@drover.example' }))).toEqual([['Second', 2]]);
  expect(whole(await numbersOf(world, office, { sender: 'ann@drover.example' }))).toEqual([['Fall Intro', 5]]);
  const lists = all.filter(row => row.by === 'list').map(row => row.name);
  expect(lists).toEqual(['Leads', 'Others']);
  for (const list of lists)
    expect((await numbersOf(world, office, { list })).filter(row => row.by === 'list').map(row => row.name)).toEqual([list]);
  const bySender = await world.call(office, 'show_numbers', { by: 'sender' });
  expect((bySender as { report: { tables: { title: string }[] } }).report.tables.map(one => one.title)).toEqual(['By sender']);
  expect(await world.call(office, 'show_numbers', { list: lists[0]!, sender: 'bob@drover.example' })).toMatchObject({
    code: 'too_many_at_once',
  });
});

test('G1 the numbers as a file are the same, without rates', async ({ world }) => {
  const { office, people } = await contacted(world, 2);
  await answered(world, office, people[0]!, 'interested');
  const written: string[] = [];
  const output = { write: (text: string) => void written.push(text) };
  const command = { name: 'export' as const, what: 'numbers' as const, days: 7, bom: false };
  expect(await exportTo(world.services, { workspaceId: office.id, actor: office.admin }, command, output as never)).toBe(0);
  const span = '2026-02-25,2026-03-03';
  expect(written.join('').split('\r\n')).toEqual([
    'By,Name,Step,From,Until,contacted,sent,delivered,bounced,replied,interested,opted out',
    `list,Leads,,${span},2,3,2,1,1,1,0`,
    `sender,ann@drover.example,,${span},2,3,2,1,1,1,0`,
    `sequence,Fall Intro,,${span},2,3,2,1,1,1,0`,
    `step,Fall Intro,1,${span},2,2,1,1,0,0,0`,
    `step,Fall Intro,2,${span},1,1,1,0,1,1,0`,
    '',
  ]);
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
