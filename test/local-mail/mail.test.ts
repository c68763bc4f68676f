import { appendFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ImapFlow } from 'imapflow';
import { createTransport } from 'nodemailer';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MovableClock } from '../../src/clock.ts';
import { HttpServer, say } from '../../src/http.ts';
import { type LocalMail, readAccess, startLocalMail } from '../../src/local-mail/index.ts';
import { silentLog } from '../../src/log.ts';

let clock: MovableClock;
let home: string;
let mail: LocalMail;
const opened: { close(): unknown }[] = [];
const start = () => startLocalMail({ home, clock, zone: 'Europe/Berlin', log: silentLog });

beforeEach(async () => {
  clock = new MovableClock({ standsAt: Temporal.Instant.from('2026-11-23T09:30:00Z') });
  home = await mkdtemp(path.join(tmpdir(), 'drover-mail-'));
  mail = await start();
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await mail.close();
  await rm(home, { recursive: true, force: true });
});

const rep = 'rep@drover.example';
const lead = 'Mira Öz <mira@nordbank.example>';

const sender = (user = rep, pass = mail.secret) => {
  const transport = createTransport({ host: '127.0.0.1', port: mail.smtpPort, auth: { user, pass } });
  opened.push(transport);
  return transport;
};

const send = (message: object = {}, user = rep) =>
  sender(user).sendMail({
    from: `Alex Admin <${user}>`,
    to: lead,
    subject: 'A question about Nordbank',
    text: 'Hi Mira,\n\nmay I ask?',
    html: '<p>Hi Mira,</p><p>may I ask?</p>',
    messageId: '<step-1@drover.example>',
    ...message,
  });

const reader = async (user = rep, pass = mail.secret) => {
  const client = new ImapFlow({ host: '127.0.0.1', port: mail.imapPort, secure: false, auth: { user, pass }, logger: false });
  await client.connect();
  opened.push({ close: () => client.close() });
  return client;
};

const only = async () => (await mail.conversations.latest(10)).lines[0]!;

/** Sends lines to a port and collects what it answers until it says the last word. */
const talk = (port: number, lines: string, until: RegExp) =>
  new Promise<string>((resolve, reject) => {
    let said = '';
    const socket = createConnection(port, '127.0.0.1', () => socket.write(lines));
    socket.setEncoding('utf8');
    socket.on('data', chunk => {
      said += chunk;
      if (until.test(said)) socket.destroy();
    });
    socket.on('close', () => resolve(said));
    socket.on('error', reject);
  });

test('what is sent is filed in Sent, and found there by its Message-ID, with the date of the given clock', async () => {
  await send();
  await send({ messageId: '<step-2@drover.example>', subject: 'Re: A question about Nordbank' });
  const client = await reader();
  const folders = await client.list();
  expect(folders.map(({ path: name, specialUse }) => [name, specialUse])).toEqual([
    ['INBOX', '\\Inbox'],
    ['Sent', '\\Sent'],
  ]);
  await client.mailboxOpen('Sent', { readOnly: true });
  const uids = await client.search({ header: { 'message-id': '<step-2@drover.example>' } }, { uid: true });
  expect(uids).toEqual([2]);
  expect(await client.search({ header: { 'message-id': '<other@drover.example>' } }, { uid: true })).toEqual([]);
  const found = await client.fetchOne('2', { envelope: true, internalDate: true, size: true, source: true }, { uid: true });
  if (!found) throw new Error('There is no such message.');
  expect(found.internalDate).toEqual(new Date('2026-11-23T09:30:00Z'));
  expect(found.envelope).toMatchObject({
    subject: 'Re: A question about Nordbank',
    messageId: '<step-2@drover.example>',
    from: [{ name: 'Alex Admin', address: rep }],
    to: [{ name: 'Mira Öz', address: 'mira@nordbank.example' }],
  });
  expect(found.size).toBe(found.source!.length);
  expect(await client.status('Sent', { messages: true, uidNext: true })).toMatchObject({ messages: 2, uidNext: 3 });
});

test('a lead replies in the thread, and the reader is told while it waits', async () => {
  await send();
  const client = await reader();
  await client.mailboxOpen('INBOX', { readOnly: true });
  const news = new Promise<{ count: number }>(resolve => client.once('exists', resolve));
  const waits = client.idle();
  expect(await mail.conversations.act((await only()).id, { did: 'reply', text: 'Yes, tell me more.' })).toBeNull();
  expect((await news).count).toBe(1);
  await client.noop();
  await waits;
  const found = await client.fetchOne('*', { uid: true, source: { start: 0, maxLength: 256_000 } });
  if (!found) throw new Error('There is no reply.');
  const source = found.source!.toString();
  expect(source).toContain('In-Reply-To: <step-1@drover.example>');
  expect(source).toContain('References: <step-1@drover.example>');
  expect(source).toMatch(/^Subject: Re: A question about Nordbank\r$/m);
  expect(source).toContain('Yes, tell me more.');
  expect(source).toContain('> may I ask?');
  expect(await only()).toMatchObject({ name: 'Mira Öz', address: 'mira@nordbank.example', sent: 1, received: 1 });
});

test('a part of a large message can be fetched, and only what is asked', async () => {
  await send({ text: 'x'.repeat(3_000_000), html: undefined });
  const client = await reader();
  await client.mailboxOpen('Sent', { readOnly: true });
  const found = await client.fetchOne('1', { source: { start: 0, maxLength: 1_000 }, headers: ['to', 'x-none'] });
  if (!found) throw new Error('There is no such message.');
  expect(found.source!.length).toBe(1_000);
  expect(found.headers!.toString()).toMatch(/^To: .*mira@nordbank\.example>\r\n\r\n$/);
  const all = [];
  for await (const { uid } of client.fetch('1:*', { uid: true }, { uid: true })) all.push(uid);
  expect(all).toEqual([1]);
});

test('an absence says until when, and marks itself as automatic', async () => {
  await send();
  await mail.conversations.act((await only()).id, { did: 'absence' });
  const found = await mail.conversations.find((await only()).id);
  expect(found!.mails.at(-1)).toMatchObject({ isSent: false, subject: 'Automatic reply: A question about Nordbank' });
  expect(found!.mails.at(-1)!.text).toContain('out of the office until 30 November 2026');
  const client = await reader();
  await client.mailboxOpen('INBOX', { readOnly: true });
  const { headers } = (await client.fetchOne('1', { headers: ['auto-submitted'] })) as { headers: Buffer };
  expect(headers.toString()).toBe('Auto-Submitted: auto-replied\r\n\r\n');
});

test('a bounce is a delivery status notification about the message that was sent', async () => {
  await send();
  await mail.conversations.act((await only()).id, { did: 'bounce' });
  const client = await reader();
  await client.mailboxOpen('INBOX', { readOnly: true });
  const { source } = (await client.fetchOne('1', { source: true })) as { source: Buffer };
  const text = source.toString();
  expect(text).toMatch(/^Content-Type: multipart\/report; report-type=delivery-status; boundary=/m);
  expect(text).toContain('Final-Recipient: rfc822; mira@nordbank.example\r\n');
  expect(text).toContain('Action: failed\r\nStatus: 5.1.1\r\n');
  expect(text.slice(text.indexOf('text/rfc822-headers'))).toContain('Message-ID: <step-1@drover.example>\r\n');
  expect(await only()).toMatchObject({ address: 'mira@nordbank.example', received: 1 });
});

test('D6 unsubscribing posts one click to the address of the header, on this machine whatever host it names', async () => {
  const posted: string[] = [];
  const app = new HttpServer({
    host: '127.0.0.1',
    port: 0,
    log: silentLog,
    nothingHere: 'Nothing.',
    routes: [
      {
        path: '/o/token-1',
        handle: async (request, response) => {
          let body = '';
          for await (const chunk of request) body += chunk;
          posted.push(`${request.method} ${request.headers['content-type']} ${body}`);
          say(response, 200, 'Done.');
        },
      },
    ],
  });
  opened.push(app);
  const { url } = await app.listen();
  await send();
  const { id } = await only();
  expect(await mail.conversations.act(id, { did: 'unsubscribe' })).toBe('The message names no address for opting out.');
  const headers = { 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' };
  await send({ headers: { ...headers, 'List-Unsubscribe': '<https://drover.acme.example/o/token-1>' } });
  mail.connectApp(url);
  expect(await mail.conversations.act(id, { did: 'unsubscribe' })).toBeNull();
  expect(posted).toEqual(['POST application/x-www-form-urlencoded List-Unsubscribe=One-Click']);
  await send({ headers: { ...headers, 'List-Unsubscribe': '<https://drover.acme.example/o/unknown>' } });
  expect(await mail.conversations.act(id, { did: 'unsubscribe' })).toBe('Drover did not take the opt-out: it answered 404.');
});

test('a restart keeps mail, uids and the password; a line that a kill cut off is lost alone', async () => {
  await send();
  await mail.conversations.act((await only()).id, { did: 'reply', text: 'Yes.' });
  const before = await reader();
  const { uidValidity } = await before.mailboxOpen('INBOX');
  const { secret } = mail;
  await mail.close();
  await clock.move({ hours: 5 });
  await appendFile(path.join(home, 'local-mail.jsonl'), '{"did":"filed","uid":3,"own');
  mail = await start();
  expect(mail.secret).toBe(secret);
  expect(await readAccess(home)).toEqual({ secret, smtpPort: mail.smtpPort, imapPort: mail.imapPort });
  const after = await reader();
  const inbox = await after.mailboxOpen('INBOX');
  expect(inbox.uidValidity).toBe(uidValidity);
  expect(await after.search({ all: true }, { uid: true })).toEqual([2]);
  expect(await only()).toMatchObject({ sent: 1, received: 1 });
  for (const file of ['local-mail.json', 'local-mail.jsonl'])
    expect((await stat(path.join(home, file))).mode & 0o777).toBe(0o600);
  expect(await readFile(path.join(home, 'local-mail.jsonl'), 'utf8')).not.toContain(secret);
});

test('each address has its own mailbox; mail to one that is here arrives in it', async () => {
  await (await reader('sam@drover.example')).noop();
  await send();
  await send({ to: 'sam@drover.example', messageId: '<self@drover.example>' });
  const sam = await reader('SAM@drover.example');
  await sam.mailboxOpen('INBOX', { readOnly: true });
  expect(await sam.search({ from: 'rep@' }, { uid: true })).toEqual([3]);
  await sam.mailboxOpen('Sent', { readOnly: true });
  expect(await sam.search({ all: true })).toEqual([]);
});

test('a wrong password, somebody else as the sender and a message that is too large are refused', async () => {
  await expect(sender(rep, 'guessed').sendMail({ from: rep, to: lead, text: 'x' })).rejects.toMatchObject({ responseCode: 535 });
  await expect(sender().sendMail({ from: 'ceo@drover.example', to: lead, text: 'x' })).rejects.toMatchObject({
    responseCode: 553,
  });
  await expect(send({ text: 'x'.repeat(11_000_000), html: undefined })).rejects.toMatchObject({ responseCode: 552 });
  await expect(reader(rep, 'guessed')).rejects.toMatchObject({ authenticationFailed: true });
  expect((await mail.conversations.latest(1)).count).toBe(0);
});

test('a client that talks nonsense gets an answer, and one that never ends its line is left', async () => {
  const login = `a LOGIN ${rep} {${mail.secret.length}+}\r\n${mail.secret}\r\n`;
  const said = await talk(
    mail.imapPort,
    `${login}b FETCH 1 FLAGS\r\nc SELECT inbox\r\nd UID SEARCH NEARBY x\r\ne FETCH 1:2:3 FLAGS\r\nf FETCH 1 (FLAGS\r\ng STORE 1 FLAGS ()\r\nnonsense\r\nh LOGOUT\r\n`,
    /^h OK/m,
  );
  const answers = Object.fromEntries([...said.matchAll(/^([a-h]) (OK|NO|BAD)/gm)].map(([, tag, how]) => [tag, how]));
  expect(answers).toEqual({ a: 'OK', b: 'BAD', c: 'OK', d: 'BAD', e: 'BAD', f: 'BAD', g: 'NO', h: 'OK' });
  expect(said).toContain('* BAD This is not a command.');
  expect(await talk(mail.imapPort, 'a SELECT inbox\r\n', /^a /m)).toContain('a BAD Sign in first.');
  expect(await talk(mail.imapPort, `a ID ${'x'.repeat(200_000)}`, /BYE/)).toContain('* BYE That command is too long.');
});
