import { createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { MovableClock } from '../../src/clock.ts';
import type { MailAccount } from '../../src/domain/ports.ts';
import { Unavailable } from '../../src/errors.ts';
import { silentLog } from '../../src/log.ts';
import { createSmtp, type SmtpTimeouts } from '../../src/mail/smtp.ts';
import { authority, key, othersCertificate } from '../support/certificates.ts';
import { type Faults, outgoing, refuse, startSmtp, type TestSmtp } from '../support/smtp-server.ts';

const toClose: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

async function serverWith(faults: Faults = {}): Promise<TestSmtp> {
  const server = await startSmtp(faults);
  toClose.push(server.close);
  return server;
}

function smtpTo(account: MailAccount | (() => Promise<MailAccount>), timeouts: Partial<SmtpTimeouts> = {}, ca = authority) {
  const smtp = createSmtp({
    name: 'smtp',
    accountOf: typeof account === 'function' ? account : async () => account,
    ca,
    log: silentLog,
    clock: new MovableClock({ standsAt: Temporal.Instant.from('2026-03-02T10:00:00Z') }),
    timeouts,
  });
  toClose.push(smtp.close);
  return smtp;
}

const outcome = async (server: { account: MailAccount }, timeouts: Partial<SmtpTimeouts> = {}) =>
  (await smtpTo(server.account, timeouts).handOver(outgoing())).outcome;

test.each(['tls', 'starttls', 'none'] as const)('D1 a message leaves over %s, as it was written', async security => {
  const server = await serverWith({ security });
  expect(await smtpTo(server.account).handOver(outgoing())).toEqual({ outcome: 'accepted' });
  expect(server.received).toMatchObject([{ from: 'ada@drover.example', to: ['pat@acme.example'] }]);
  expect(server.received[0]!.raw).toContain('Message-ID: <1.abc@drover.example>\r\n');
});

test('D1 connections are kept for a while, three of a sender at most', async () => {
  const server = await serverWith();
  const smtp = smtpTo(server.account);
  const all = await Promise.all(
    Array.from({ length: 12 }, (_, i) => smtp.handOver(outgoing({ mailId: `<${i}@drover.example>` }))),
  );
  expect(all).toEqual(Array(12).fill({ outcome: 'accepted' }));
  expect(await smtp.handOver(outgoing())).toEqual({ outcome: 'accepted' });
  expect(server.connections).toEqual({ opened: 3, most: 3 });
  expect(new Set(server.received.map(({ raw }) => /Message-ID: (\S+)/.exec(raw)![1])).size).toBe(13);
});

test('D2 a kept connection that has died is replaced, since nothing was given to it', async () => {
  const server = await serverWith();
  const smtp = smtpTo(server.account);
  await smtp.handOver(outgoing());
  server.drop();
  expect(await smtp.handOver(outgoing())).toEqual({ outcome: 'accepted' });
  expect(server.received).toHaveLength(2);
  expect(server.connections.opened).toBe(2);
});

test('D1 another password is another connection', async () => {
  const server = await serverWith();
  const account = { ...server.account };
  const smtp = smtpTo(async () => ({ ...account }));
  await smtp.handOver(outgoing());
  account.secret = 'changed';
  expect(await smtp.handOver(outgoing())).toMatchObject({ outcome: 'auth_failed' });
});

test('D2 a server that takes the message and drops the connection leaves it unknown', async () => {
  const server = await serverWith({ beforeAnswer: (_, { drop }) => void drop() });
  expect(await outcome(server)).toBe('unknown');
  expect(server.received).toHaveLength(1);
});

test('D2 a server that answers after the timeout leaves it unknown, and its connection is not used again', async () => {
  const answer = Promise.withResolvers<void>();
  const server = await serverWith({ beforeAnswer: () => answer.promise });
  const smtp = smtpTo(server.account, { silence: 500 });
  expect(await smtp.handOver(outgoing())).toMatchObject({ outcome: 'unknown' });
  answer.resolve();
  expect(await smtp.handOver(outgoing())).toEqual({ outcome: 'accepted' });
  expect(server.connections.opened).toBe(2);
});

test('D2 the whole hand-over ends in time, however often the server says a word', async () => {
  const server = await serverWith({ beforeAnswer: () => new Promise(() => {}) });
  expect(await outcome(server, { whole: 300 })).toBe('unknown');
  const silent = await rawServer(() => {});
  expect(await outcome(silent, { whole: 100 })).toBe('unreachable');
});

test('D1 an answer that comes late but in time counts', async () => {
  const answer = Promise.withResolvers<void>();
  const server = await serverWith({ beforeAnswer: () => answer.promise });
  const handed = smtpTo(server.account).handOver(outgoing());
  await expect.poll(() => server.received.length).toBe(1);
  answer.resolve();
  expect(await handed).toEqual({ outcome: 'accepted' });
});

test('D1 a server that greets slowly is waited for; one that never does was not reached', async () => {
  const greeting = Promise.withResolvers<void>();
  const server = await serverWith({ onConnect: (_session, done) => void greeting.promise.then(() => done()) });
  const handed = outcome(server);
  await expect.poll(() => server.connections.opened).toBe(1);
  greeting.resolve();
  expect(await handed).toBe('accepted');
  const silent = await rawServer(() => {});
  expect(await outcome(silent, { greeting: 100 })).toBe('unreachable');
});

test.each([
  ['before it greets', (socket: Socket) => socket.destroy()],
  ['after it greets', (socket: Socket) => script(socket, ['220 hello', null])],
  ['after MAIL', (socket: Socket) => script(socket, ['220 hello', '250 mail', '235 ok', '250 ok', null])],
  ['after RCPT', (socket: Socket) => script(socket, ['220 hello', '250 mail', '235 ok', '250 ok', '250 ok', null])],
])('D2 a connection that breaks %s was not reached: nothing can have left', async (_when, behave) => {
  expect(await outcome(await rawServer(behave))).toBe('unreachable');
});

test.each([
  ['530 5.7.0 Authentication required', 'auth_failed'],
  ['451 4.3.0 Try again later', 'deferred'],
  ['550 5.7.1 Sender is on a block list', 'blocked'],
])('D5 refused at MAIL: %s', async (answer, expected) => {
  expect(await outcome(await serverWith({ onMailFrom: (_a, _s, done) => done(refuse(answer)) }))).toBe(expected);
});

test.each([
  ['550 5.1.1 User unknown', 'bad_address'],
  ['452 4.2.2 Mailbox full', 'deferred'],
  ['552 5.2.2 Over quota', 'deferred'],
  ['550 5.4.5 Daily user sending limit exceeded', 'quota'],
])('D5 refused at RCPT: %s', async (answer, expected) => {
  const server = await serverWith({ onRcptTo: (_a, _s, done) => done(refuse(answer)) });
  expect(await smtpTo(server.account).handOver(outgoing())).toMatchObject({
    outcome: expected,
    detail: expect.stringContaining(answer),
  });
  expect(server.received).toEqual([]);
});

test.each([
  ['554 5.7.1 Looks like spam', 'blocked'],
  ['451 4.7.1 Greylisted', 'deferred'],
  ['421 4.7.0 Too busy', 'deferred'],
])('D5 refused after the whole message: %s', async (answer, expected) => {
  const server = await serverWith({
    beforeAnswer: () => {
      throw refuse(answer);
    },
  });
  expect(await outcome(server)).toBe(expected);
});

test('D5 a wrong password is auth_failed, and its answer does not carry it', async () => {
  const server = await serverWith({
    onAuth: ({ password }, _session, done) => done(refuse(`535 5.7.8 ${password} is not it, nor ${btoa(`\0ada\0${password}`)}`)),
  });
  const answer = await smtpTo(server.account).handOver(outgoing());
  expect(answer).toMatchObject({ outcome: 'auth_failed', detail: expect.stringContaining('[secret] is not it, nor [secret]') });
});

test('D5 a sign-in that is put off is no wrong password', async () => {
  const server = await serverWith({ onAuth: (_auth, _session, done) => done(refuse('454 4.7.0 Too many login attempts')) });
  expect(await outcome(server)).toBe('deferred');
});

test.each(['tls', 'starttls'] as const)('D5 over %s a certificate must be trusted, and be the right one', async security => {
  const server = await serverWith({ security });
  const untrusted = createSmtp({ name: 'smtp', accountOf: async () => server.account, log: silentLog });
  toClose.push(untrusted.close);
  expect(await untrusted.handOver(outgoing())).toMatchObject({ outcome: 'bad_certificate' });
  const others = await serverWith({ security, cert: othersCertificate, key });
  expect(await outcome(others)).toBe('bad_certificate');
  expect([...server.received, ...others.received]).toEqual([]);
});

test('D5 a server without STARTTLS gets neither the password nor the message where TLS is wanted', async () => {
  const heard: string[] = [];
  const server = await rawServer(socket => {
    socket.on('data', data => heard.push(String(data)));
    script(socket, ['220 hello', '250 mail', '502 unknown command', null]);
  });
  server.account.smtp.security = 'starttls';
  expect(await outcome(server)).toBe('bad_certificate');
  expect(heard.join('')).not.toMatch(/AUTH|MAIL/);
});

test('D5 without TLS only this machine is reached', async () => {
  const server = await serverWith({ security: 'none' });
  const account = { ...server.account, smtp: { ...server.account.smtp, host: 'mail.drover.example' } };
  expect(await smtpTo(account).handOver(outgoing())).toMatchObject({ outcome: 'bad_certificate' });
  expect(server.connections.opened).toBe(0);
});

test('D5 a server that is not there, a secret that cannot be opened and an address that cannot be said', async () => {
  const server = await serverWith();
  const { account } = server;
  await server.close();
  toClose.pop();
  expect(await outcome({ account })).toBe('unreachable');
  const sealed = smtpTo(async () => {
    throw new Unavailable('secret_unreadable', 'The key has changed.');
  });
  expect(await sealed.handOver(outgoing())).toEqual({ outcome: 'auth_failed', detail: 'The key has changed.' });
  const broken = smtpTo(async () => {
    throw new Error('the database is down');
  });
  expect(await broken.handOver(outgoing())).toMatchObject({ outcome: 'unreachable' });
  const open = await serverWith();
  const unspeakable = outgoing({ to: { name: null, address: 'pat@acme.example>\r\nRCPT TO:<eve@acme.example' } });
  expect(await smtpTo(open.account).handOver(unspeakable)).toMatchObject({ outcome: 'bad_address' });
  expect(open.received).toEqual([]);
});

/** A server that speaks as the test says, in clear, on loopback. */
async function rawServer(behave: (socket: Socket) => void): Promise<{ account: MailAccount }> {
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => {}));
    behave(socket);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  toClose.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return { account: { smtp: { host: '127.0.0.1', port, security: 'none' }, imap: null, user: 'ada', secret: 'pass-word' } };
}

/** Says the first line at once and one more for each line that it hears; null ends the connection. */
function script(socket: Socket, lines: (string | null)[]): void {
  const say = () => {
    const line = lines.shift();
    if (line === undefined) return;
    if (line === null) socket.destroy();
    else socket.write(`${line}\r\n`);
  };
  say();
  socket.on('data', data => {
    for (const _ of String(data).trim().split('\r\n')) say();
  });
}
