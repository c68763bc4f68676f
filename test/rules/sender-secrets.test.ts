import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import { readArguments } from '../../src/cli/arguments.ts';
import { createDesk } from '../../src/cli/desk.ts';
import { drover, enter } from '../../src/domain/context.ts';
import * as messages from '../../src/domain/messages/index.ts';
import type { MailVerifier } from '../../src/domain/ports.ts';
import { openMail } from '../../src/mail/index.ts';
import { createSlackApp } from '../../src/slack/app.ts';
import { notify } from '../../src/slack/notify.ts';
import { talk } from '../agent/talk.ts';
import { canary, inTables, listen, quoting, sightings } from '../support/canary.ts';
import { enrol, makeSequence } from '../support/sequences.ts';
import { test, World } from '../support/world.ts';

const password = `${canary}-horse-battery`;
const key = `${canary}${'A'.repeat(43 - canary.length)}=`;
/** What a server can quote of the password: itself, and as it came over the wire. */
const encoded = [password, `\0ann@acme.example\0${password}`].map(text => Buffer.from(text).toString('base64'));

/** A mail server that takes nobody in, and quotes what it was told, as some do. */
async function refusing(kind: 'smtp' | 'imap') {
  const sockets = new Set<Socket>();
  const heard: string[] = [];
  const say = (line: string): string => {
    if (kind === 'smtp') {
      if (/^EHLO/i.test(line)) return '250-mail.acme.example\r\n250 AUTH PLAIN LOGIN\r\n';
      if (/^QUIT/i.test(line)) return '221 bye\r\n';
      const told = Buffer.from(line.split(' ').at(-1)!, 'base64').toString().replaceAll('\0', ' ');
      return `535 5.7.8 wrong credentials in ${line}: ${told}\r\n`;
    }
    const [tag, command] = line.split(' ');
    if (/^CAPABILITY$/i.test(command ?? '')) return `* CAPABILITY IMAP4rev1\r\n${tag} OK\r\n`;
    if (/^LOGOUT$/i.test(command ?? '')) return `* BYE\r\n${tag} OK\r\n`;
    return `${tag} NO [AUTHENTICATIONFAILED] wrong credentials in ${line}\r\n`;
  };
  const server = createServer(socket => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.write(kind === 'smtp' ? '220 mail.acme.example ESMTP\r\n' : '* OK mail.acme.example\r\n');
    socket.on('data', chunk => {
      for (const line of String(chunk).split('\r\n').filter(Boolean)) {
        heard.push(line);
        socket.write(say(line));
      }
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, heard };
}

const works: MailVerifier['verify'] = async () => ({ smtp: { ok: true }, imap: { ok: true } });

test("A5 a sender's password is in no log, table, answer, job, Slack or model request, also when its servers quote it", {
  timeout: 120_000,
}, async ({ world: bare }) => {
  const heard = listen();
  const world = new World({ connection: bare.connection, clock: bare.clock, boss: bare.boss }, { log: heard.log });
  const office = await world.office();
  const smtp = await refusing('smtp');
  const imap = await refusing('imap');
  const mail = openMail({
    ...{ db: world.services.db, clock: world.clock, log: heard.log, keys: key },
    localAccess: async () => ({ secret: password, smtpPort: smtp.port, imapPort: imap.port }),
  });
  onTestFinished(() => mail.close());
  Object.assign(world.services, { transports: mail.transports, readers: mail.readers, verifySender: mail.verifySender });
  world.ports.notify = notify;

  // It is added, as it is typed, and tried again at its own servers: they refuse.
  const answers: string[] = [];
  const type = async (words: string[], verify: MailVerifier['verify'], box = mail.box) => {
    const command = readArguments(['sender', '--team', 'TAcme', '--as', 'Ada', ...words]);
    if (command.name !== 'sender') throw new Error('not a sender command');
    if ('secret' in command.sender) command.sender.secret = password;
    const desk = createDesk(world.services, { importFile: async () => 0, mail: { box, verify } });
    return desk(command, { write: text => void answers.push(text), progress: () => {} }).catch(error => {
      answers.push(String(error.message));
      return 1;
    });
  };
  const at = ['--smtp', `127.0.0.1:${smtp.port}/none`, '--imap', `127.0.0.1:${imap.port}/none`];
  const added = ['add', 'ann@acme.example', '--name', 'Ann Example', ...at, '--no-ramp'];
  expect(await type(added, mail.verify)).toBe(1);
  expect(await type(added, works), answers.join('')).toBe(0);
  expect(await type(['secret', 'ann@acme.example'], mail.verify)).toBe(1);
  expect(await type(['test', 'ann@acme.example', '--send-message'], mail.verify)).toBe(1);
  expect(await type(['list'], mail.verify)).toBe(0);
  expect(await type(['rekey'], mail.verify)).toBe(0);
  expect(smtp.heard.join('\n')).toContain(encoded[1]);
  expect(imap.heard.join('\n')).toContain(canary);

  // Its mail is to be read, and to leave: it stops each time, and its owner hears why.
  const senderId = await world.in(
    office,
    async ctx => (await ctx.tx.selectFrom('sender').select('id').executeTakeFirstOrThrow()).id,
  );
  const rows = () => world.in(office, ctx => ctx.tx.selectFrom('sender').select(['status', 'status_code']).execute());
  await world.handlers['read-mail']!({ workspaceId: office.id, senderId } as never, AbortSignal.any([]));
  expect(await rows()).toEqual([{ status: 'failing', status_code: 'auth_failed' }]);
  await world.in(office, ctx => ctx.tx.updateTable('sender').set({ status: 'healthy', status_code: null }).execute());
  const sequenceId = await makeSequence(world, office, { name: 'Fall', senderIds: [senderId] });
  await enrol(world, office, sequenceId, 1);
  await enter(world.services, office.id, drover, ctx => messages.planDay(ctx, sequenceId));
  await world.clock.set(Temporal.Instant.from('2026-03-02T16:50:00Z'));
  await world.in(office, ctx => ctx.tx.updateTable('mailbox').set({ read_at: ctx.now, failures: 0 }).execute());
  await world.handlers['send-due']!({ workspaceId: office.id } as never, AbortSignal.any([]));
  expect(await rows()).toEqual([{ status: 'failing', status_code: 'auth_failed' }]);

  // The model is told, and so is Slack.
  const thread = await talk(world, office, {
    script: [
      { calls: [{ name: 'test_sender', args: { sender: 'ann@acme.example' } }] },
      {
        calls: [
          { name: 'why', args: { about: 'ann@acme.example' } },
          { name: 'list_senders', args: {} },
        ],
      },
      { say: 'It cannot sign in.' },
    ],
  });
  const answer = await thread.says('does the mailbox ann@acme.example work?');
  expect(JSON.stringify(thread.server.requests)).toContain('wrong credentials');
  const slackServer = await quoting(({ path }) =>
    path.endsWith('auth.test')
      ? { status: 200, body: { ok: true, team_id: 'TAcme', team: 'Acme', user_id: 'UDROVER', bot_id: 'B1' } }
      : { status: 200, body: { ok: true, ts: '1.1', channel: 'D1' } },
  );
  const slack = createSlackApp({
    ...{ services: world.services, botToken: 'xoxb-1-2-a', apiUrl: `${slackServer.url}/api/`, zone: 'Europe/London' },
    ...{ runTurn: async () => ({}) as never, paced: false, pause: async () => {} },
  });
  await slack.deliverPosts(office.id, office.admin.slackUserId);
  await slackServer.close();
  expect(slackServer.requests.map(({ body }) => body).join('\n')).toContain('wrong%20credentials');

  // Another key cannot open it.
  const other = openMail({
    ...{ db: world.services.db, clock: world.clock, log: heard.log, keys: Buffer.alloc(32, 7).toString('base64') },
    localAccess: async () => ({ secret: password, smtpPort: smtp.port, imapPort: imap.port }),
  });
  onTestFinished(() => other.close());
  expect(await other.verifySender({ workspaceId: office.id, senderId }, 'smtp')).toMatchObject({ smtp: { ok: false } });
  expect(await type(['rekey'], other.verify, other.box)).toBe(1);

  const kept = [heard.text(), JSON.stringify(answer), answers.join('\n'), JSON.stringify(thread.server.requests)].join('\n');
  const requests = slackServer.requests.map(({ path, body }) => `${path} ${decodeURIComponent(body)}`).join('\n');
  for (const text of encoded) expect(`${kept}\n${requests}`).not.toContain(text);
  expect([
    ...sightings('log', heard.text()),
    ...(await inTables(world.connection.db)),
    ...sightings('terminal', answers.join('\n')),
    ...sightings('answer', JSON.stringify(answer)),
    ...sightings('model', JSON.stringify(thread.server.requests)),
    ...sightings('slack', requests),
  ]).toEqual([]);
});
