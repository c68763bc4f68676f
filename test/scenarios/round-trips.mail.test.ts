import { afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { IncomingMail } from '../../src/domain/ports.ts';
import * as senders from '../../src/domain/senders/index.ts';
import { HttpServer } from '../../src/http.ts';
import { silentLog } from '../../src/log.ts';
import { type Mail, openMail } from '../../src/mail/index.ts';
import { createOptOut } from '../../src/mail/opt-out.ts';
import { openRealMail, people } from '../support/real-mail.ts';
import { freshMail, listen, repliesOf, sendNext } from '../support/replies.ts';
import { enrol, enrollmentOf, makeSender, makeSequence } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

/** A whole Drover through Debian's dovecot and postfix, with TLS: what a lead's mailbox holds, and what comes back. */
let server: ReturnType<typeof openRealMail>;
let drover: Mail;
beforeAll(() => {
  server = openRealMail();
  return () => server.close();
});
beforeEach<{ world: World }>(async ({ world }) => {
  // Servers date what they get themselves, so that the day is today; whatever the hour, it is before the window opens.
  await world.clock.set(Temporal.Now.zonedDateTimeISO('UTC').with({ hour: 8, minute: 0, second: 0, millisecond: 0 }).toInstant());
  mailOf(world, { ca: server.ca });
});
afterEach(() => drover.close());

function mailOf(world: World, trusted: { ca?: string }): void {
  drover = openMail({
    ...{ db: world.services.db, clock: world.clock, log: silentLog, keys: Buffer.alloc(32, 7).toString('base64') },
    ...trusted,
    localAccess: () => Promise.reject(new Error('this Drover has no mail server of its own')),
  });
  Object.assign(world.services, { transports: drover.transports, readers: drover.readers });
}

const reach = (secret = server.where.password): senders.Reach => ({
  smtp: { host: 'localhost', port: server.where.smtps, security: 'tls' },
  imap: { host: 'localhost', port: server.where.imaps, security: 'tls' },
  user: people.cleo,
  sealedSecret: drover.box!.seal(secret),
});

/** Whom a sequence has written to once, and how far both mailboxes went before. */
async function correspondence(world: World, { to = people.lea }: { to?: string } = {}) {
  const office = await world.office();
  const notes = listen(world);
  const senderId = await makeSender(world, office, {
    ...{ name: 'Cleo', address: people.cleo, transport: 'smtp', minGapMinutes: 0, reach: reach() },
  });
  const [atCleo, atLea] = [await server.endOf('cleo'), await server.endOf('lea')];
  await world.in(office, ctx =>
    ctx.tx.updateTable('mailbox').set({ uid_validity: atCleo.uidValidity, last_uid: atCleo.lastUid }).execute(),
  );
  const sequenceId = await makeSequence(world, office, { senderIds: [senderId], zone: 'UTC', days: [1, 2, 3, 4, 5, 6, 7] });
  const [run] = await enrol(world, office, sequenceId, 1, { firstName: 'Lea' });
  await world.in(office, ctx => ctx.tx.updateTable('lead').set({ email: to, email_key: to }).execute());
  await sendNext(world, office, sequenceId);
  /** Reads the sender's mailbox once it holds so many more mails than before. */
  const read = async (mails: number) => {
    await arrived('cleo', atCleo, mails);
    await world.handlers['read-mail']!({ workspaceId: office.id, senderId } as never, AbortSignal.any([]));
    await world.drain();
  };
  const why = async (about = to) => JSON.stringify(await world.call(office, 'why', { about }));
  return { office, notes, senderId, sequenceId, run: run!, atCleo, atLea, read, why };
}

/** What came into a mailbox, once it is so much. */
async function arrived(who: keyof typeof people, end: Awaited<ReturnType<typeof server.endOf>>, mails: number) {
  await expect.poll(() => server.since(who, end), { timeout: 20_000 }).toHaveLength(mails);
  return server.since(who, end);
}

const ledger = (world: World, office: Office) =>
  world.in(office, ctx => ctx.tx.selectFrom('message').selectAll().orderBy('position').execute());
const leadOf = (world: World, office: Office) =>
  world.in(office, ctx => ctx.tx.selectFrom('lead').selectAll().executeTakeFirstOrThrow());
const senderOf = (world: World, office: Office) =>
  world.in(office, ctx => ctx.tx.selectFrom('sender').select(['status', 'status_code']).executeTakeFirstOrThrow());

/** Lea answers what she got. */
const answer = (mail: IncomingMail, text: string, headers: Record<string, string> = {}) =>
  server.send('lea', 'cleo', {
    ...{ mailId: mail.mailId!.replace('<', '<re-'), subject: `Re: ${mail.subject}`, text, html: `<p>${text}</p>` },
    ...{ inReplyTo: mail.mailId!, references: [...mail.references, mail.mailId!], headers },
  });

/** A day on which the next step is due. */
const later = (world: World, days: number) => world.clock.set(world.now.add({ hours: 24 * days }));

test('D4 S6 D6 two steps arrive as one thread, the answer ends the run, and what a person answers is in the thread too', async ({
  world,
}) => {
  const { office, notes, sequenceId, run, atLea, read, why } = await correspondence(world);
  const [first] = await arrived('lea', atLea, 1);
  const leftAt = (await ledger(world, office))[0]!.handing_at!;
  expect(first).toMatchObject({
    ...{ mailId: (await ledger(world, office))[0]!.mail_id, subject: 'Hello Lea', from: { name: 'Cleo', address: people.cleo } },
    text: expect.stringContaining('1 Example Street, London'),
    headers: {
      'list-unsubscribe': expect.stringMatching(/^<https:\/\/drover\.example\/o\/[\w-]{32}>/),
      'list-unsubscribe-post': 'List-Unsubscribe=One-Click',
    },
  });
  expect(Date.parse(first!.headers.date!)).toBe(Math.floor(leftAt.epochMilliseconds / 1_000) * 1_000);

  await later(world, 3);
  await sendNext(world, office, sequenceId);
  const [, second] = await arrived('lea', atLea, 2);
  expect(second).toMatchObject({ subject: 'Re: Hello Lea', inReplyTo: first!.mailId, references: [first!.mailId] });

  await answer(second!, 'Who are you?');
  await read(1);
  expect(await enrollmentOf(world, office, run)).toMatchObject({ state: 'replied', reason: 'human_reply' });
  expect(notes.map(note => note.report.title)).toEqual(['A reply from Pat 1, Acme: something else']);
  expect(await why()).toContain('A reply came back to step 2 of Fall Intro from lea@acme.example');

  const asked = await world.call(office, 'answer_reply', { text: 'I am Cleo.' });
  await world.press(office, (asked as { approval: { id: number } }).approval.id);
  await world.drain();
  const [, , third] = await arrived('lea', atLea, 3);
  const [reply] = await repliesOf(world, office);
  expect(third).toMatchObject({
    ...{ subject: 'Re: Hello Lea', text: expect.stringContaining('I am Cleo.'), inReplyTo: reply!.mail_id },
    references: [first!.mailId, second!.mailId, reply!.mail_id],
  });
  expect(third!.headers['list-unsubscribe']).toBeUndefined();
});

test('D4 an absence pauses the run, which goes on the day after', async ({ world }) => {
  const { office, sequenceId, run, atLea, read, why } = await correspondence(world);
  const [first] = await arrived('lea', atLea, 1);
  const until = world.now.toZonedDateTimeISO('UTC').toPlainDate().add({ days: 5 });
  await answer(first!, `I am out of office until ${until}.`, { 'Auto-Submitted': 'auto-replied' });
  await read(1);
  const back = until.add({ days: 1 }).toString();
  expect(await enrollmentOf(world, office, run)).toMatchObject({ state: 'paused', reason: 'out_of_office', paused_until: back });
  expect(await why()).toContain('an automatic reply said that they are away');
  await later(world, 6);
  const day = { workspaceId: office.id, sequenceId, on: back };
  await world.handlers['daily-enrollment']!(day as never, AbortSignal.any([]));
  await sendNext(world, office, sequenceId);
  const [, second] = await arrived('lea', atLea, 2);
  expect(second).toMatchObject({ inReplyTo: first!.mailId });
});

test('D5 nobody there: the notification ends the run as bounced and marks the address', async ({ world }) => {
  const { office, notes, run, read, why } = await correspondence(world, { to: 'gone@acme.example' });
  await read(1);
  expect(await repliesOf(world, office)).toMatchObject([{ kind: 'bounce', category: 'bounced', outcome: 'bounced' }]);
  expect(await enrollmentOf(world, office, run)).toMatchObject({ state: 'bounced', reason: 'bad_address' });
  expect((await leadOf(world, office)).email_status).toBe('bounced');
  expect(notes).toHaveLength(1);
  expect(await why()).toContain('has an address that bounced or is invalid');
});

test('D5 an address that is refused while the server is told ends the run at once', async ({ world }) => {
  const { office, run, why } = await correspondence(world, { to: 'refused@acme.example' });
  expect(await enrollmentOf(world, office, run)).toMatchObject({ state: 'bounced', reason: 'bad_address' });
  expect(await ledger(world, office)).toMatchObject([{ state: 'failed', reason: 'bad_address' }]);
  expect(await why()).toContain('has an address that bounced or is invalid');
});

test('D5 a full mailbox: the next step tries again', async ({ world }) => {
  const { office, notes, run, read, why } = await correspondence(world, { to: 'full@acme.example' });
  await read(1);
  expect(await repliesOf(world, office)).toMatchObject([{ kind: 'bounce', category: 'bounced', outcome: 'deferred' }]);
  expect((await enrollmentOf(world, office, run)).state).toBe('active');
  expect((await leadOf(world, office)).email_status).toBe('unknown');
  expect(notes).toEqual([]);
  expect(await why()).toContain('bounced');
});

test('X3 "stop" excludes for good', async ({ world }) => {
  const { office, run, atLea, read, why } = await correspondence(world);
  const [first] = await arrived('lea', atLea, 1);
  await answer(first!, 'Stop');
  await read(1);
  expect(await enrollmentOf(world, office, run)).toMatchObject({ state: 'unsubscribed', reason: 'opt_out_reply' });
  expect(await world.call(office, 'list_exclusions', {})).toMatchObject({
    result: { entries: [{ value: people.lea, optOut: true, untilOn: null }] },
  });
  expect(await why()).toContain('they asked not to be written to');
});

test('D6 what a mail program posts to the link in the message excludes for good; a token that is not ours does nothing', async ({
  world,
}) => {
  const { office, run, atLea, why } = await correspondence(world);
  const [first] = await arrived('lea', atLea, 1);
  const port = new HttpServer({
    ...{ host: '127.0.0.1', port: 0, log: silentLog, nothingHere: 'nothing' },
    routes: [createOptOut(world.services)],
  });
  const { url } = await port.listen();
  const post = (path: string) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: first!.headers['list-unsubscribe-post']!,
    });
  const link = /<https:\/\/drover\.example(\/o\/[\w-]+)>/.exec(first!.headers['list-unsubscribe']!)![1]!;
  const strange = await post(`/o/${'x'.repeat(32)}`);
  expect(strange.status).toBe(404);
  expect(await strange.text()).toContain('not one of ours');
  expect((await enrollmentOf(world, office, run)).state).toBe('active');
  expect((await post(link)).status).toBe(200);
  expect(await enrollmentOf(world, office, run)).toMatchObject({ state: 'unsubscribed', reason: 'opt_out_link' });
  expect(await why()).toContain('they opted out by the link in a message');
  await port.close();
});

test('D4 an answer to a message that nobody knows, from nobody we know, is noted without a word of it', async ({ world }) => {
  const { office, notes, run, read } = await correspondence(world);
  await server.send('sam', 'cleo', {
    ...{ mailId: `<${world.now}@acme.example>`, subject: 'Re: Lunch', text: 'Stop', headers: {} },
    ...{ inReplyTo: '<lunch@elsewhere.example>', references: ['<lunch@elsewhere.example>'] },
  });
  await read(1);
  expect(await repliesOf(world, office)).toMatchObject([{ kind: 'unmatched', outcome: 'none', body: '', subject: '' }]);
  expect((await enrollmentOf(world, office, run)).state).toBe('active');
  expect(notes).toEqual([]);
});

test('D5 a password that has changed stops the sender, its owner hears why, and the new one lets it go on', async ({ world }) => {
  const { office, notes, senderId, sequenceId, atLea, read, why } = await correspondence(world);
  await arrived('lea', atLea, 1);
  await world.in(office, ctx => senders.setReach(ctx, senderId, reach('another one')));
  await read(0);
  expect(await senderOf(world, office)).toEqual({ status: 'failing', status_code: 'auth_failed' });
  expect(notes.map(note => note.report.title)).toEqual(['Cleo <cleo@drover.example> does not send any more.']);
  expect(JSON.stringify(notes)).not.toContain('another one');
  expect(await why(people.cleo)).toContain('refused its sign-in');
  await later(world, 3);
  await sendNext(world, office, sequenceId);
  expect((await ledger(world, office)).map(row => row.state)).toEqual(['sent']);

  await world.in(office, ctx => senders.setReach(ctx, senderId, reach()));
  await world.call(office, 'resume_sender', { sender: people.cleo });
  await world.drain();
  await freshMail(world, office);
  await sendNext(world, office, sequenceId);
  await arrived('lea', atLea, 2);
});

test('D5 a certificate that does not verify stops the sender before anything is said to it', async ({ world }) => {
  const { office, senderId, atLea, why } = await correspondence(world);
  await arrived('lea', atLea, 1);
  await drover.close();
  mailOf(world, {});
  await world.handlers['read-mail']!({ workspaceId: office.id, senderId } as never, AbortSignal.any([]));
  expect(await senderOf(world, office)).toEqual({ status: 'failing', status_code: 'bad_certificate' });
  expect(await why(people.cleo)).toContain('does not verify');
});
