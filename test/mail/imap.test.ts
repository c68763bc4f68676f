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

const clock = new MovableClock({ standsAt: Temporal.Instant.from('2026-03-02T10:00:00Z') });

function reader(account: MailAccount, timeouts: Partial<ImapTimeouts> = {}) {
  const imap = createImap({ accountOf: async () => account, log: silentLog, clock, timeouts });
  toClose.push(imap.close);
  return (since: Parameters<typeof imap.read>[1] = { uidValidity: null, lastUid: 0 }, limit = 10) =>
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
  ['refuses to search', except(/SEARCH/, tag => `${tag} NO [SERVERBUG] not now\r\n`), '* OK hello'],
  ['does not understand the search', except(/SEARCH/, tag => `${tag} BAD what?\r\n`), '* OK hello'],
  ['refuses to open the mailbox', except(/EXAMINE/, tag => `${tag} NO not now\r\n`), '* OK hello'],
])('D5 a server that %s', async (_what, answers, greeting) => {
  const server = await serverOf(answers, { greeting });
  expect(await reader(server.account, { greeting: 200, whole: 500 })()).toMatchObject({ unreadable: 'unreachable' });
});

test('D2 a Sent folder that cannot be searched says nothing of what has left', async () => {
  const server = await serverOf((command, tag) => {
    if (/^LIST/.test(command)) return `* LIST (\\HasNoChildren \\Sent) "/" "Sent"\r\n${tag} OK done\r\n`;
    return /SEARCH/.test(command) ? `${tag} NO [SERVERBUG] not now\r\n` : ordinary(command, tag);
  });
  const imap = createImap({ accountOf: async () => server.account, log: silentLog, clock });
  toClose.push(imap.close);
  expect(await imap.findSent({ workspaceId: 1, senderId: 1 }, ['<1@drover.example>'])).toMatchObject({
    unreadable: 'unreachable',
  });
  expect(server.heard.join('\n')).toMatch(/SEARCH/);
});

test('D4 a mailbox that was made anew is read from the day before it was last read to its end', async () => {
  const server = await serverOf(ordinary);
  const read = reader(server.account);
  const readAt = Temporal.Instant.from('2026-02-20T10:00:00Z');
  expect(await read({ uidValidity: '4', lastUid: 800, readAt })).toMatchObject({ uidValidity: '5', lastUid: 9, hasMore: false });
  expect(await read({ uidValidity: '4', lastUid: 800, readAt: null })).toMatchObject({ lastUid: 9 });
  expect(server.heard.flatMap(line => /UID SEARCH (.*)$/.exec(line)?.[1] ?? [])).toEqual([
    'SINCE 19-Feb-2026',
    'SINCE 01-Mar-2026',
  ]);
});

test('D4 what a mailbox that was made anew held before is not what comes next', async () => {
  const server = await serverOf((command, tag) =>
    /^UID SEARCH/.test(command) ? `* SEARCH 4\r\n${tag} OK done\r\n` : ordinary(command, tag),
  );
  expect(await reader(server.account)({ uidValidity: '4', lastUid: 800 })).toMatchObject({ mails: [{ uid: 4 }], lastUid: 9 });
});

/** A message whose text stands behind an attachment; its structure, and what its parts hold. */
const behind = (structure: string, parts: Record<string, string>, size = 400_000): Answers => {
  const source =
    'From: pat@acme.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment\r\n\r\nAAAA';
  return (command, tag) => {
    const literal = (name: string, text: string) => `${name} {${Buffer.byteLength(text)}}\r\n${text}`;
    const fetched = (...items: string[]) => `* 1 FETCH (UID 4 ${items.join(' ')})\r\n${tag} OK done\r\n`;
    if (/^UID SEARCH/.test(command)) return `* SEARCH 4\r\n${tag} OK done\r\n`;
    if (!/^UID FETCH/.test(command)) return ordinary(command, tag);
    if (/BODYSTRUCTURE/.test(command)) return structure ? fetched(`BODYSTRUCTURE ${structure}`) : `${tag} NO not now\r\n`;
    const wanted = [...command.matchAll(/BODY\.PEEK\[([\w.]*)\]<0\.\d+>/g)].map(([, part]) => part!);
    if (wanted[0]) return fetched(...wanted.map(part => literal(`BODY[${part}]<0>`, parts[part] ?? '')));
    return fetched(`RFC822.SIZE ${size}`, 'INTERNALDATE "02-Mar-2026 09:00:00 +0000"', literal('BODY[]<0>', source));
  };
};

const image = '("image" "png" NIL NIL NIL "base64" 390000 NIL ("attachment" ("filename" "a.png")) NIL NIL)';
const plain = '("text" "plain" ("charset" "utf-8") NIL NIL "base64" 20 1 NIL NIL NIL NIL)';
const html = '("text" "html" ("charset" "utf-8") NIL NIL "7bit" 20 1 NIL NIL NIL NIL)';
const notes = '("text" "plain" ("name" "notes.txt") NIL NIL "7bit" 20 1 NIL ("attachment" ("filename" "notes.txt")) NIL NIL)';
const mixed = (...parts: string[]) => `(${parts.join('')} "mixed" ("boundary" "b") NIL NIL NIL)`;
const alternative = (...parts: string[]) => `(${parts.join('')} "alternative" ("boundary" "c") NIL NIL NIL)`;
const text = {
  mime: 'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n',
  body: 'R3LDvMOfZSwgc3RvcA==',
};
const page = { mime: 'Content-Type: text/html\r\n\r\n', body: '<p>Please stop</p>' };

test.each<[string, string, Record<string, string>, string]>([
  ['behind it', mixed(image, plain), { '2.MIME': text.mime, 2: text.body }, 'Grüße, stop'],
  ['as HTML alone', mixed(image, html), { '2.MIME': page.mime, 2: page.body }, 'Please stop'],
  ['as alternatives', mixed(image, alternative(plain, html)), { '2.1.MIME': text.mime, '2.1': text.body }, 'Grüße, stop'],
  [
    'in two parts, and a text is attached',
    mixed(image, html, notes, plain),
    { '2.MIME': page.mime, 2: page.body, '4.MIME': text.mime, 4: text.body },
    'Please stop\n\nGrüße, stop',
  ],
  ['nowhere', mixed(image, notes), {}, ''],
  ['where the server does not say', '', {}, ''],
])('X3 the text of a message with a large attachment is found: %s', async (_where, structure, parts, expected) => {
  const server = await serverOf(behind(structure, parts));
  expect(await reader(server.account)()).toMatchObject({
    lastUid: 9,
    mails: [{ uid: 4, from: { address: 'pat@acme.example' }, text: expected }],
  });
  const asked = server.heard.flatMap(line => [...line.matchAll(/BODY\.PEEK\[(\d[\w.]*)\]<0\.65536>/g)].map(([, part]) => part));
  expect(asked.toSorted()).toEqual(Object.keys(parts).toSorted());
});

test('A4 of a small message without words nothing else is asked for', async () => {
  const server = await serverOf(behind(mixed(image, plain), {}, 2_000));
  expect(await reader(server.account)()).toMatchObject({ mails: [{ uid: 4, text: '' }] });
  expect(server.heard.filter(line => /BODYSTRUCTURE/.test(line))).toEqual([]);
});

test('D5 a sender without IMAP and a server that is not there', async () => {
  const { account } = await serverOf(ordinary);
  expect(await reader({ ...account, imap: null })()).toMatchObject({ unreadable: 'unreachable' });
  expect(await reader({ ...account, imap: { ...account.imap!, port: 1 } })()).toMatchObject({ unreadable: 'unreachable' });
});
