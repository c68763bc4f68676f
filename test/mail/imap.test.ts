import { createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { MovableClock } from '../../src/clock.ts';
import type { MailAccount } from '../../src/domain/ports.ts';
import { silentLog } from '../../src/log.ts';
import { createImap, type ImapTimeouts } from '../../src/mail/imap.ts';

/** What servers do wrong, by one that says what the test says; what they do right is tried against dovecot. */

const toClose: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

type Answers = (command: string, tag: string) => string | null;

/** Answers commands by `answers`, without their tag; null ends the connection. */
async function serverOf(answers: Answers, { greeting = '* OK hello' as string | null, isTls = false } = {}) {
  const sockets = new Set<Socket>();
  const heard: string[] = [];
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => {}));
    if (greeting !== null) socket.write(`${greeting}\r\n`);
    socket.on('data', data => {
      for (const line of String(data).trim().split('\r\n')) {
        heard.push(line);
        const [, tag = '', command = ''] = /^(\S+) (.*)$/.exec(line) ?? [];
        const said = answers(command, tag);
        if (said === null) socket.destroy();
        else socket.write(said);
      }
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  toClose.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const security = isTls ? 'starttls' : 'none';
  const account: MailAccount = {
    smtp: { host: '127.0.0.1', port: 25, security: 'none' },
    imap: { host: '127.0.0.1', port, security },
    user: 'ada',
    secret: 'pass-word',
  };
  return { account, heard, connections: () => sockets.size, drop: () => [...sockets].map(socket => socket.destroy()) };
}

function reader(account: MailAccount, timeouts: Partial<ImapTimeouts> = {}) {
  const clock = new MovableClock({ standsAt: Temporal.Instant.from('2026-03-02T10:00:00Z') });
  const imap = createImap({ accountOf: async () => account, log: silentLog, clock, timeouts });
  toClose.push(imap.close);
  return (since = { uidValidity: null as string | null, lastUid: 0 }, limit = 10) =>
    imap.read({ workspaceId: 1, senderId: 1 }, since, limit);
}

/** A server with three messages, uids 4, 7 and 9. */
const ordinary: Answers = (command, tag) => {
  const ok = (...untagged: string[]) => [...untagged.map(line => `* ${line}`), `${tag} OK done`, ''].join('\r\n');
  if (/^CAPABILITY/.test(command)) return ok('CAPABILITY IMAP4rev1');
  if (/^EXAMINE/.test(command)) return ok('3 EXISTS', 'OK [UIDVALIDITY 5] valid', 'OK [UIDNEXT 10] next');
  if (/^UID SEARCH (UID )?10:\*/.test(command)) return ok('SEARCH 9');
  if (/^UID SEARCH/.test(command)) return ok('SEARCH 9 4 7');
  if (/^UID FETCH/.test(command)) {
    const wanted = /^UID FETCH ([\d,:]+)/.exec(command)![1]!.split(',');
    return ok(
      ...wanted.map(
        (uid, i) =>
          `${i + 1} FETCH (UID ${uid} INTERNALDATE "02-Mar-2026 09:00:00 +0000" BODY[]<0> {${15 + uid.length}}\r\nSubject: n ${uid}\r\n\r\n)`,
      ),
    );
  }
  return ok();
};

test('D4 mailboxes are examined and peeked at, and messages come oldest first', async () => {
  const server = await serverOf(ordinary);
  const read = reader(server.account);
  expect(await read()).toMatchObject({
    uidValidity: '5',
    lastUid: 9,
    hasMore: false,
    mails: [{ uid: 4 }, { uid: 7 }, { uid: 9 }],
  });
  expect(server.heard.join('\n')).toMatch(/UID SEARCH SINCE 01-Mar-2026/);
  expect(server.heard.filter(line => /SELECT|STORE|BODY\[/.test(line))).toEqual([]);
  expect(server.heard.filter(line => /BODY\.PEEK\[\]<0\.262144>/.test(line))).not.toEqual([]);
});

test('D4 a range that ends in * names a message that was read before: it is not read again', async () => {
  const read = reader((await serverOf(ordinary)).account);
  expect(await read({ uidValidity: '5', lastUid: 9 })).toEqual({ uidValidity: '5', lastUid: 9, hasMore: false, mails: [] });
  expect(await read({ uidValidity: '4', lastUid: 9 }, 2)).toMatchObject({ lastUid: 7, hasMore: true });
});

test('D4 an answer that nobody can read keeps back no other message', async () => {
  const server = await serverOf((command, tag) => {
    const said = ordinary(command, tag)!;
    return /^UID FETCH/.test(command) ? said.replace(/UID 7 INTERNALDATE/, 'UID 7 ((((((') : said;
  });
  expect(await reader(server.account)()).toMatchObject({ lastUid: 9, mails: [{ uid: 4 }, { uid: 9 }] });
  expect(server.heard.filter(line => /UID FETCH 7 /.test(line))).toHaveLength(1);
});

test('D4 a connection is kept, and one that has died is replaced', async () => {
  const server = await serverOf(ordinary);
  const read = reader(server.account);
  await read();
  await read();
  expect(server.connections()).toBe(1);
  server.drop();
  expect(await read()).toMatchObject({ lastUid: 9 });
  expect(server.connections()).toBe(2);
});

const login =
  (refusal: string): Answers =>
  (command, tag) =>
    /^(LOGIN|AUTHENTICATE)/.test(command) ? `${tag} ${refusal}\r\n` : ordinary(command, tag);

test.each([
  ['NO [AUTHENTICATIONFAILED] pass-word is wrong', 'auth_failed'],
  ['NO LOGIN failed.', 'auth_failed'],
  ['NO [UNAVAILABLE] Temporary authentication failure', 'unreachable'],
  ['NO [ALERT] Too many simultaneous connections. (Failure)', 'unreachable'],
])('D5 a server that answers the sign-in %s', async (refusal, expected) => {
  const answer = await reader((await serverOf(login(refusal))).account)();
  expect(answer).toEqual({ unreadable: expected, detail: expect.not.stringContaining('pass-word') });
});

test('D5 a server without STARTTLS does not get the password where TLS is wanted', async () => {
  const server = await serverOf(ordinary, { isTls: true });
  expect(await reader(server.account)()).toMatchObject({ unreadable: 'bad_certificate' });
  expect(server.heard.join('\n')).not.toMatch(/LOGIN|AUTHENTICATE/);
  const account = { ...server.account, imap: { host: 'imap.drover.example', port: 143, security: 'none' as const } };
  expect(await reader(account)()).toMatchObject({ unreadable: 'bad_certificate' });
});

const except =
  (command: RegExp, answer: (tag: string) => string | null): Answers =>
  (said, tag) =>
    command.test(said) ? answer(tag) : ordinary(said, tag);

test.each<[string, Answers, string | null]>([
  ['never greets', ordinary, null],
  ['says goodbye', ordinary, '* BYE too busy'],
  ['breaks off while it is read', except(/SEARCH/, () => null), '* OK hello'],
  ['never answers', except(/SEARCH/, () => ''), '* OK hello'],
  ['refuses to open the mailbox', except(/EXAMINE/, tag => `${tag} NO not now\r\n`), '* OK hello'],
])('D5 a server that %s', async (_what, answers, greeting) => {
  const server = await serverOf(answers, { greeting });
  expect(await reader(server.account, { greeting: 200, whole: 500 })()).toMatchObject({ unreadable: 'unreachable' });
});

test('D5 a sender without IMAP and a server that is not there', async () => {
  const { account } = await serverOf(ordinary);
  expect(await reader({ ...account, imap: null })()).toMatchObject({ unreadable: 'unreachable' });
  expect(await reader({ ...account, imap: { ...account.imap!, port: 1 } })()).toMatchObject({ unreadable: 'unreachable' });
});
