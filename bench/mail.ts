import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import * as system from '../src/db/system.ts';
import * as messages from '../src/domain/messages/index.ts';
import type { MailReader } from '../src/domain/ports.ts';
import { byAddress, byMailId } from '../src/domain/replies/queries.ts';
import { handleReadMail } from '../src/jobs/read-mail.ts';
import { silentLog } from '../src/log.ts';
import { createImap } from '../src/mail/imap.ts';
import { readIncoming } from '../src/mail/incoming.ts';
import { createSmtp } from '../src/mail/smtp.ts';
import { atMost, type Line, ms, percentile, timed } from './measure.ts';
import { analyze, type Bench, makeList, makeSequence, openBench } from './world.ts';

const count = (n: number): string => n.toLocaleString('en-US');

/** Runs of everybody on a list in a sequence, each with a sender of its own choice, as if they had been contacted or were about to be. */
const makeRuns = (bench: Bench, sequenceId: number, listId: number, state: 'queued' | 'active') =>
  sql`with room as (select array_agg(sender_id order by sender_id) as ids from sequence_sender where sequence_id = ${sequenceId})
    insert into enrollment (workspace_id, sequence_id, lead_id, list_id, version, state, enrolled_at, sender_id, contacted_at)
    select m.workspace_id, ${sequenceId}, m.lead_id, m.list_id, 1, ${state}, ${bench.clock.now()},
      room.ids[1 + m.lead_id % cardinality(room.ids)], ${state === 'active' ? bench.clock.now() : null}::timestamptz
    from membership m, room where m.list_id = ${listId}`.execute(bench.services.db);

/** A message of each run, planned. */
const makeMessages = (bench: Bench, sequenceId: number, position: number, plannedAt: Temporal.Instant) =>
  sql`insert into message (workspace_id, enrollment_id, sequence_id, lead_id, sender_id, version, position, first_contact, state, planned_on, planned_at)
    select workspace_id, id, sequence_id, lead_id, sender_id, 1, ${position}, ${position === 1}, 'planned', '2026-03-02', ${plannedAt}
    from enrollment where sequence_id = ${sequenceId}`.execute(bench.services.db);

/** Handing over through a mail server that takes 100 ms to answer, with every limit raised out of the way. */
export async function sending(): Promise<Line[]> {
  const people = 1_000;
  const senders = 20;
  const sink = spawn(process.execPath, [fileURLToPath(new URL('./smtp-sink.ts', import.meta.url)), '100'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [said] = await once(sink.stdout, 'data');
  const port = Number(String(said));
  const bench = await openBench('sending');
  const endpoint = { host: '127.0.0.1', port, security: 'none' as const };
  const accountOf = async () => ({ smtp: endpoint, imap: null, user: 'bench', secret: 'bench' });
  const smtp = createSmtp({ name: 'local', accountOf, log: silentLog, clock: bench.clock });
  const listId = await makeList(bench, 'List', people);
  const sequenceId = await makeSequence(bench, 'Sequence', { senders });
  await sql`update workspace set company_firsts_per_day = 10`.execute(bench.services.db);
  await sql`update sender set ramp_start = 100000`.execute(bench.services.db);
  await makeRuns(bench, sequenceId, listId, 'queued');
  await makeMessages(bench, sequenceId, 1, bench.clock.now().subtract({ minutes: 1 }));
  await analyze(bench);
  const services = { ...bench.services, transports: { local: smtp } };
  let handedOver = 0;
  const took = await timed(async () => {
    handedOver = (await messages.sendDue(services, bench.workspaceId)).handedOver;
  });
  await smtp.close();
  await bench.close();
  sink.kill();
  if (handedOver !== people) throw new Error(`${handedOver} of ${people} messages were handed over`);
  const perSecond = (people / took) * 1_000;
  return [
    {
      what: `sending ${count(people)} messages of ${senders} senders, 100 ms an answer, one worker`,
      measured: `${perSecond.toFixed(0)} /s`,
      target: '≥ 50 /s',
      met: perSecond >= 50,
    },
  ];
}

/** Finding what is due, and what a reply answers, among a million messages. */
export async function amongAMillion(): Promise<Line[]> {
  const bench = await openBench('million');
  const people = 250_000;
  const listId = await makeList(bench, 'List', people);
  const sequenceId = await makeSequence(bench, 'Sequence', { senders: 100 });
  await makeRuns(bench, sequenceId, listId, 'active');
  const later = bench.clock.now().add({ hours: 100 });
  for (const position of [1, 2, 3, 4]) await makeMessages(bench, sequenceId, position, later);
  const db = bench.services.db;
  await sql`update message set planned_at = ${bench.clock.now()} where id % 1000 = 0`.execute(db);
  await analyze(bench);
  const scans: number[] = [];
  for (let i = 0; i < 11; i++) scans.push(await timed(() => system.due(db, bench.clock.now())));

  await sql`update message set state = 'sent', ended_at = ${bench.clock.now()}, mail_id = '<' || id || '@drover.example>'`.execute(
    db,
  );
  await analyze(bench);
  const { rows } = await sql<{ first: number; senderId: number }>`
    select min(id) as first, min(sender_id) as "senderId" from message`.execute(db);
  const { first } = rows[0]!;
  const byId: number[] = [];
  const byWhom: number[] = [];
  for (let i = 0; i < 51; i++) {
    const n = first + ((i * 19_937) % (4 * people));
    const mailIds = [`<unknown-${i}@acme.example>`, `<${n}@drover.example>`];
    byId.push(
      await timed(async () => {
        const found = await bench.in(ctx => byMailId(ctx.tx, ctx.workspace.id, mailIds));
        if (found.size !== 1) throw new Error(`message ${n} was not found`);
      }),
    );
    const person = await sql<{ address: string; senderId: number }>`select l.email_key as address, m.sender_id as "senderId"
      from message m join lead l on l.id = m.lead_id where m.id = ${n}`.execute(db);
    const { address, senderId } = person.rows[0]!;
    byWhom.push(
      await timed(async () => {
        const mails = [{ address, receivedAt: Temporal.Instant.from('2100-01-01T00:00:00Z') }];
        const [found] = await bench.in(ctx => byAddress(ctx.tx, { workspaceId: ctx.workspace.id, senderId, mails }));
        if (!found) throw new Error(`${address} was not found`);
      }),
    );
  }
  await bench.close();
  return [
    atMost(`due scan: ${count(4 * people)} messages, ${count(people / 250)} due`, percentile(scans, 50), 100),
    atMost(`matching one reply among ${count(4 * people)} sent messages, by Message-ID`, percentile(byId, 50), 10),
    atMost(`matching one reply among ${count(4 * people)} sent messages, by address`, percentile(byWhom, 50), 10),
  ];
}

/** Reading replies and doing what they mean: from dovecot where TEST_MAIL says where it is, else as bytes that were fetched already. */
export async function reading(): Promise<Line[]> {
  const people = 10_000;
  const bench = await openBench('reading');
  const db = bench.services.db;
  const listId = await makeList(bench, 'List', people);
  const sequenceId = await makeSequence(bench, 'Sequence');
  await makeRuns(bench, sequenceId, listId, 'active');
  await makeMessages(bench, sequenceId, 1, bench.clock.now());
  await sql`update message set state = 'sent', ended_at = ${bench.clock.now()}, mail_id = '<' || lead_id || '@drover.example>'`.execute(
    db,
  );
  await sql`insert into mailbox (sender_id, workspace_id, next_read_at) select id, workspace_id, ${bench.clock.now()} from sender`.execute(
    db,
  );
  const { rows } = await sql<{ id: number; email: string }>`select id, email from lead order by id`.execute(db);
  await analyze(bench);
  const sources = rows.map(({ id, email }, i) => reply(id, email, i));
  const where = process.env.TEST_MAIL ? JSON.parse(process.env.TEST_MAIL) : null;
  const reader = where ? await inDovecot(where, sources, bench) : inMemory(sources, bench);
  const senderId = (await sql<{ id: number }>`select id from sender`.execute(db)).rows[0]!.id;
  const services = { ...bench.services, readers: { local: reader } };
  const isRead = async () => (await sql<{ n: number }>`select count(*) as n from reply`.execute(db)).rows[0]!.n >= people;
  const took = await timed(async () => {
    while (!(await isRead()))
      await handleReadMail(services, { notify: async () => {} }, { workspaceId: bench.workspaceId, senderId });
  });
  const matched = (await sql<{ n: number }>`select count(*) as n from reply where message_id is not null`.execute(db)).rows[0]!.n;
  await reader.close();
  await bench.close();
  if (matched !== people) throw new Error(`${matched} of ${people} replies were matched`);
  return [
    {
      ...atMost(`${count(people)} replies read ${where ? 'from dovecot' : 'from memory'} and matched`, took, 60_000),
      measured: `${ms(took)}, ${((people / took) * 1_000).toFixed(0)} /s`,
    },
  ];
}

const words = [
  'Yes, call me',
  'Please remove me from your list',
  'Not interested',
  'I am out of office until 9 March',
  'Who are you?',
];

const reply = (leadId: number, email: string, i: number): Buffer =>
  Buffer.from(
    [
      `From: Pat No ${i} <${email}>`,
      'To: ben@drover.example',
      'Subject: Re: Hello',
      `Message-ID: <r${i}@acme.example>`,
      `In-Reply-To: <${leadId}@drover.example>`,
      `References: <${leadId}@drover.example>`,
      'Content-Type: multipart/alternative; boundary="b"',
      '',
      '--b',
      'Content-Type: text/plain; charset=utf-8',
      '',
      `${words[i % words.length]}.`,
      '',
      'On Monday Ada wrote:',
      '> Hi Pat',
      '--b',
      'Content-Type: text/html; charset=utf-8',
      '',
      `<p>${words[i % words.length]}.</p><blockquote>Hi Pat</blockquote>`,
      '--b--',
      '',
    ].join('\r\n'),
  );

function inMemory(sources: readonly Buffer[], bench: Bench): MailReader & { close(): Promise<void> } {
  return {
    read: async (_mailbox, { lastUid }, limit) => {
      const page = sources.slice(lastUid, lastUid + limit);
      const mails = await Promise.all(
        page.map((source, i) => readIncoming({ uid: lastUid + i + 1, source, receivedAt: bench.clock.now() })),
      );
      const until = lastUid + page.length;
      return { uidValidity: '1', mails, lastUid: until, hasMore: until < sources.length };
    },
    findSent: async () => null,
    close: async () => {},
  };
}

/** Puts them in the mailbox of one who is there (scripts/mail.sh), as a delivery would. */
async function inDovecot(
  where: { imaps: number; ca: string; password: string; mail: string },
  sources: readonly Buffer[],
  bench: Bench,
): Promise<MailReader & { close(): Promise<void> }> {
  const user = 'ben@drover.example';
  const box = path.join(where.mail, user);
  await rm(box, { recursive: true, force: true });
  const [nobody, nogroup] = [65_534, 65_534];
  for (const directory of ['', 'new', 'cur', 'tmp']) {
    await mkdir(path.join(box, directory), { recursive: true });
    await chown(path.join(box, directory), nobody, nogroup);
  }
  for (const [i, source] of sources.entries()) {
    const file = path.join(box, 'new', `1.M${i}.bench`);
    await writeFile(file, source);
    await chown(file, nobody, nogroup);
  }
  const imap = { host: 'localhost', port: where.imaps, security: 'tls' as const };
  const accountOf = async () => ({ smtp: { ...imap, port: 1 }, imap, user, secret: where.password });
  return createImap({ accountOf, ca: await readFile(where.ca, 'utf8'), log: silentLog, clock: bench.clock });
}
