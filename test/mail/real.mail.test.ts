import { randomUUID } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, expect } from 'vitest';
import type { MailAccount } from '../../src/domain/ports.ts';
import { silentLog } from '../../src/log.ts';
import { createImap } from '../../src/mail/imap.ts';
import { createSmtp } from '../../src/mail/smtp.ts';
import { createVerifier } from '../../src/mail/verify.ts';
import { watchMailboxes } from '../../src/mail/watch.ts';
import { openRealMail, people } from '../support/real-mail.ts';
import { outgoing } from '../support/smtp-server.ts';
import { test } from '../support/world.ts';

/** Through real servers, with TLS: Debian's dovecot and postfix, as `scripts/mail.sh` starts them. */
let mail: ReturnType<typeof openRealMail>;
beforeAll(() => {
  mail = openRealMail();
});
afterAll(() => mail.close());

const newId = () => `<${randomUUID()}@drover.example>`;
const arrived = (who: keyof typeof people, end: { uidValidity: string | null; lastUid: number }, count = 1) =>
  expect.poll(() => mail.since(who, end), { timeout: 20_000 }).toHaveLength(count);

test('S6 a message and its follow-up thread, and the answer names them', async () => {
  const [atPat, atAda] = [await mail.endOf('pat'), await mail.endOf('ada')];
  const [first, second, reply] = [newId(), newId(), newId()];
  expect(await mail.send('ada', 'pat', { mailId: first })).toEqual({ outcome: 'accepted' });
  expect(await mail.send('ada', 'pat', { mailId: second, subject: 'Re: Hello', inReplyTo: first, references: [first] })).toEqual({
    outcome: 'accepted',
  });
  await arrived('pat', atPat, 2);
  const got = await mail.since('pat', atPat);
  const byId = new Map(got.map(each => [each.mailId, each]));
  expect(byId.get(first)).toMatchObject({
    from: { address: people.ada },
    headers: { 'list-unsubscribe-post': 'List-Unsubscribe=One-Click' },
  });
  expect(byId.get(second)).toMatchObject({ inReplyTo: first, references: [first] });

  await mail.send('pat', 'ada', {
    mailId: reply,
    subject: 'Re: Hello',
    text: 'Yes, call me',
    inReplyTo: second,
    references: [first, second],
    headers: {},
  });
  await arrived('ada', atAda);
  expect(await mail.since('ada', atAda)).toMatchObject([
    {
      mailId: reply,
      from: { address: people.pat },
      inReplyTo: second,
      references: [first, second],
      text: expect.stringContaining('Yes, call me'),
      bounce: null,
    },
  ]);
});

test('D4 an out-of-office and an opt-out by mail arrive with what tells them', async () => {
  const end = await mail.endOf('ada');
  await mail.send('pat', 'ada', {
    mailId: newId(),
    subject: 'Automatic reply: Hello',
    text: 'I am away until 9 March.',
    headers: { 'Auto-Submitted': 'auto-replied', Precedence: 'bulk' },
  });
  await mail.send('sam', 'ada', { mailId: newId(), subject: 'unsubscribe', text: '', html: '', headers: {} });
  await arrived('ada', end, 2);
  const got = await mail.since('ada', end);
  expect(got.find(({ from }) => from?.address === people.pat)).toMatchObject({
    headers: { 'auto-submitted': 'auto-replied', precedence: 'bulk' },
    bounce: null,
  });
  expect(got.find(({ from }) => from?.address === people.sam)).toMatchObject({ subject: 'unsubscribe' });
});

test('D4 nobody there and no room left come back as notifications that name the message', async () => {
  const end = await mail.endOf('ada');
  const [gone, full] = [newId(), newId()];
  expect(await mail.send('ada', 'gone@acme.example', { mailId: gone })).toEqual({ outcome: 'accepted' });
  expect(await mail.send('ada', 'full@acme.example', { mailId: full })).toEqual({ outcome: 'accepted' });
  await arrived('ada', end, 2);
  const bounces = (await mail.since('ada', end)).map(({ bounce }) => bounce);
  expect(bounces).toEqual(
    expect.arrayContaining([
      {
        mailId: gone,
        recipient: 'gone@acme.example',
        action: 'failed',
        status: '5.1.1',
        diagnostic: expect.stringContaining('550 5.1.1'),
      },
      {
        mailId: full,
        recipient: 'full@acme.example',
        action: 'failed',
        status: '5.2.2',
        diagnostic: expect.stringContaining('552 5.2.2'),
      },
    ]),
  );
});

test('D5 what postfix refuses while it is told', async () => {
  expect(await mail.send('ada', 'refused@acme.example')).toMatchObject({ outcome: 'bad_address' });
  expect(await mail.send('ada', 'later@acme.example')).toMatchObject({ outcome: 'deferred' });
  expect(await mail.send('ada', 'pat@elsewhere.example')).toMatchObject({ outcome: 'bad_address' });
});

/** Adapters of their own to one account. */
const only = async <R>(
  account: MailAccount,
  work: (adapters: { smtp: ReturnType<typeof createSmtp>; imap: ReturnType<typeof createImap> }) => Promise<R>,
  ca: string | undefined = mail.ca,
) => {
  const options = {
    accountOf: async () => account,
    log: silentLog,
    clock: { now: () => Temporal.Instant.fromEpochMilliseconds(0) },
    ...(ca && { ca }),
  };
  const smtp = createSmtp({ name: 'smtp', ...options });
  const imap = createImap(options);
  try {
    return await work({ smtp, imap });
  } finally {
    await Promise.all([smtp.close(), imap.close()]);
  }
};

test('D5 STARTTLS where it is asked for, at both servers', async () => {
  const account = mail.accountFor('ben');
  account.smtp = { host: 'localhost', port: mail.where.submission, security: 'starttls' };
  account.imap = { host: '127.0.0.1', port: mail.where.imap, security: 'starttls' };
  expect(await createVerifier({ ca: mail.ca }).verify(account)).toEqual({ smtp: { ok: true }, imap: { ok: true } });
  await only(account, async ({ smtp, imap }) => {
    expect(await smtp.handOver(outgoing({ from: { name: 'Ben', address: people.ben }, mailId: newId() }))).toEqual({
      outcome: 'accepted',
    });
    expect(await imap.read(mail.mailboxOf('ben'), { uidValidity: null, lastUid: 0 }, 1)).toMatchObject({
      uidValidity: expect.any(String),
    });
  });
});

test('D5 a password that has changed and a certificate that does not verify, at both servers', async () => {
  const account = mail.accountFor('ben');
  const changed = { ...account, secret: 'another one' };
  const refused = { ok: false, code: 'auth_failed', detail: expect.not.stringContaining('another one') };
  expect(await createVerifier({ ca: mail.ca }).verify(changed)).toEqual({ smtp: refused, imap: refused });
  await only(changed, async ({ smtp, imap }) => {
    expect(await smtp.handOver(outgoing())).toMatchObject({ outcome: 'auth_failed' });
    expect(await imap.read(mail.mailboxOf('ben'), { uidValidity: null, lastUid: 0 }, 1)).toMatchObject({
      unreadable: 'auth_failed',
    });
    expect(await imap.findSent(mail.mailboxOf('ben'), [newId()])).toMatchObject({ unreadable: 'auth_failed' });
  });
  const untrusted = { ok: false, code: 'bad_certificate', detail: expect.any(String) };
  expect(await createVerifier().verify(account)).toEqual({ smtp: untrusted, imap: untrusted });
  await only(
    account,
    async ({ smtp, imap }) => {
      expect(await smtp.handOver(outgoing())).toMatchObject({ outcome: 'bad_certificate' });
      expect(await imap.read(mail.mailboxOf('ben'), { uidValidity: null, lastUid: 0 }, 1)).toMatchObject({
        unreadable: 'bad_certificate',
      });
    },
    '',
  );
});

test('D4 pages go on where the last one ended, and reading changes no flag', async () => {
  const end = await mail.endOf('sam');
  const ids = Array.from({ length: 5 }, newId);
  for (const mailId of ids) await mail.send('ada', 'sam', { mailId });
  await arrived('sam', end, 5);
  const read: (string | null)[] = [];
  for (let at: { uidValidity: string; lastUid: number; hasMore: boolean } = { ...end, hasMore: true }; at.hasMore; ) {
    const page = await mail.imap.read(mail.mailboxOf('sam'), at, 2);
    if ('unreadable' in page) throw new Error(page.detail);
    expect(page.mails.length).toBeLessThanOrEqual(2);
    read.push(...page.mails.map(({ mailId }) => mailId));
    at = page;
  }
  expect(read.toSorted()).toEqual(ids.toSorted());
  const flags = readdirSync(`${mail.where.mail}/${people.sam}`, { recursive: true }).filter(name => /:2,.*S/.test(String(name)));
  expect(flags).toEqual([]);
});

test('D4 a mailbox that was made anew is read from when it was last read; one never read begins with yesterday', async () => {
  const before = await mail.endOf('sam');
  await mail.imap.close();
  await mail.close();
  rmSync(`${mail.where.mail}/${people.sam}`, { recursive: true });
  mail = openRealMail();
  const ids = [newId(), newId()];
  for (const mailId of ids) await mail.send('ada', 'sam', { mailId });
  await expect.poll(async () => (await mail.since('sam', before)).length, { timeout: 20_000 }).toBe(2);
  const page = await mail.imap.read(mail.mailboxOf('sam'), before, 10);
  expect(page).toMatchObject({ uidValidity: expect.not.stringMatching(before.uidValidity), hasMore: false });

  const late = openRealMail({ now: () => Temporal.Now.instant().add({ hours: 72 }) });
  expect(await late.imap.read(late.mailboxOf('sam'), { uidValidity: null, lastUid: 0 }, 10)).toMatchObject({
    mails: [],
    lastUid: 2,
  });
  await late.close();
});

test('A4 a mail of 30 MB is read by its beginning', async () => {
  const end = await mail.endOf('ben');
  const client = new ImapFlow({
    host: 'localhost',
    port: mail.where.imaps,
    secure: true,
    tls: { ca: mail.ca },
    auth: { user: people.ben, pass: mail.where.password },
    logger: false,
  });
  await client.connect();
  await client.append(
    'INBOX',
    Buffer.concat([
      Buffer.from('From: pat@acme.example\r\nSubject: Big\r\n\r\nShort words\r\n'),
      Buffer.alloc(30 * 1024 * 1024, 'words and more words\r\n'),
    ]),
  );
  await client.logout();
  const [big] = await mail.since('ben', end);
  expect(big).toMatchObject({ subject: 'Big', text: expect.stringMatching(/^Short words/) });
  expect(big!.text.length).toBe(100_000);
});

test('X3 the text of a message stands behind a large attachment, and is read', async () => {
  const end = await mail.endOf('ben');
  const client = new ImapFlow({
    host: 'localhost',
    port: mail.where.imaps,
    secure: true,
    tls: { ca: mail.ca },
    auth: { user: people.ben, pass: mail.where.password },
    logger: false,
  });
  await client.connect();
  const head = [
    ...['From: pat@acme.example', 'MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=b', '', '--b'],
    ...['Content-Type: image/png; name="a.png"', 'Content-Disposition: inline; filename="a.png"'],
    ...['Content-Transfer-Encoding: base64', '', ''],
  ];
  const words = Buffer.from('Grüße,\r\nabmelden bitte').toString('base64');
  const texts = [
    ...['', '--b', 'Content-Type: multipart/alternative; boundary=c', '', '--c'],
    ...['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64', '', words, '--c'],
    ...['Content-Type: text/html', '', '<p>Not this</p>', '--c--', '--b--', ''],
  ];
  const large = Buffer.alloc(1024 * 1024, `${'QUFB'.repeat(19)}\r\n`);
  await client.append('INBOX', Buffer.concat([Buffer.from(head.join('\r\n')), large, Buffer.from(texts.join('\r\n'))]));
  await client.logout();
  expect(await mail.since('ben', end)).toMatchObject([{ from: { address: 'pat@acme.example' }, text: 'Grüße,\nabmelden bitte' }]);
});

test('D2 the Sent folder tells which messages it holds', async () => {
  const [kept, lost] = [newId(), newId()];
  const client = new ImapFlow({
    host: 'localhost',
    port: mail.where.imaps,
    secure: true,
    tls: { ca: mail.ca },
    auth: { user: people.ada, pass: mail.where.password },
    logger: false,
  });
  await client.connect();
  await client.append('Sent', `From: ${people.ada}\r\nMessage-ID: ${kept}\r\n\r\nDear Pat\r\n`);
  await client.logout();
  expect(await mail.imap.findSent(mail.mailboxOf('ada'), [lost, kept])).toEqual([kept]);
  expect(await mail.imap.findSent(mail.mailboxOf('ada'), [])).toEqual([]);
});

test('D4 news of a mailbox have it read at once, by one process alone', async ({ world }) => {
  const office = await world.office();
  const senderId = await world.in(office, async ctx => {
    const { id } = await ctx.tx
      .insertInto('sender')
      .values({
        workspace_id: office.id,
        owner_id: office.admin.id,
        name: 'Ada',
        address: people.ada,
        transport: 'smtp',
        created_at: ctx.now,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await ctx.tx.insertInto('mailbox').values({ sender_id: id, workspace_id: office.id, next_read_at: ctx.now }).execute();
    return id;
  });
  const told: string[] = [];
  const watcher = (name: string) =>
    watchMailboxes(
      {
        ...world.services,
        enqueueIn: () => async (queue, payload) => void told.push(`${name} ${queue.name} ${JSON.stringify(payload)}`),
      },
      { accountsOf: { smtp: async () => mail.accountFor('ada') }, ca: mail.ca },
    );
  const news = (name: string) => `${name} read-mail ${JSON.stringify({ workspaceId: office.id, senderId })}`;
  const one = watcher('one');
  await expect.poll(() => told, { timeout: 20_000 }).toEqual([news('one')]);
  const two = watcher('two');
  await two.look();
  await mail.send('pat', 'ada', { mailId: newId() });
  await expect.poll(() => told.length, { timeout: 20_000 }).toBe(2);
  expect(told).toEqual([news('one'), news('one')]);

  await one.close();
  await two.look();
  await expect.poll(() => told.at(-1), { timeout: 20_000 }).toBe(news('two'));
  await two.close();
  expect(await world.in(office, ctx => ctx.tx.selectFrom('mailbox').select(['watched_by', 'watched_until']).execute())).toEqual([
    { watched_by: null, watched_until: null },
  ]);
});
