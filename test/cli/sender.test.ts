import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import { readArguments } from '../../src/cli/arguments.ts';
import { createDesk } from '../../src/cli/desk.ts';
import { readSecret } from '../../src/cli/secret.ts';
import type { MailAccount, MailVerifier } from '../../src/domain/ports.ts';
import { createSecretBox } from '../../src/mail/secrets.ts';
import { mailPassword } from '../support/canary.ts';
import { mailServer } from '../support/sequences.ts';
import { type Office, test, type World } from '../support/world.ts';

const password = mailPassword;
const key = Buffer.alloc(32, 7).toString('base64');
const works = async () => ({ smtp: { ok: true as const }, imap: { ok: true as const } });
const refuses = async () => ({
  smtp: { ok: false as const, code: 'auth_failed' as const, detail: '535 5.7.8 no' },
  imap: { ok: true as const },
});

/** `drover sender …` as typed, its password given; answers what was written, and the exit code. */
async function drover(
  world: World,
  office: Office,
  words: string[],
  { secret = password, verify = works as MailVerifier['verify'], keys = key as string | null } = {},
) {
  const command = readArguments(['sender', '--team', 'TAcme', '--as', 'Ada', ...words]);
  if (command.name !== 'sender') throw new Error('not a sender command');
  if ('secret' in command.sender) command.sender.secret = secret;
  const said: string[] = [];
  const desk = createDesk(world.services, {
    importFile: async () => 0,
    mail: { box: keys === null ? null : createSecretBox(keys), verify },
  });
  const exit = await desk(command, { write: text => said.push(text), progress: () => {} });
  const rows = await world.in(office, async ctx => ({
    senders: await ctx.tx.selectFrom('sender').selectAll().execute(),
    mailboxes: await ctx.tx.selectFrom('mailbox').selectAll().execute(),
    trail: await ctx.tx.selectFrom('activity').selectAll().execute(),
  }));
  return { said: said.join(''), exit, ...rows };
}

const add = [
  'add',
  'ann@acme.example',
  '--name',
  'Ann Example',
  '--smtp',
  'mail.acme.example',
  '--imap',
  'mail.acme.example:143',
];

test('S5 a sender is added with the usual limits, its password sealed and in nothing that is said or kept', async ({ world }) => {
  const office = await world.office();
  let tried: MailAccount | undefined;
  const { said, exit, senders, mailboxes, trail } = await drover(world, office, add, {
    verify: account => {
      tried = account;
      return works();
    },
  });
  expect({ said, exit }).toMatchObject({ exit: 0 });
  expect(tried).toEqual({
    smtp: { host: 'mail.acme.example', port: 465, security: 'tls' },
    imap: { host: 'mail.acme.example', port: 143, security: 'starttls' },
    user: 'ann@acme.example',
    secret: password,
  });
  expect(senders).toMatchObject([
    { daily_limit: 30, min_gap_minutes: 5, ramp_start: 5, ramp_step: 5, ramp_every: 2, transport: 'smtp', status: 'healthy' },
  ]);
  const sealed = mailboxes[0]!.secret!;
  expect(createSecretBox(key).open(sealed)).toBe(password);
  for (const kept of [said, JSON.stringify(senders), JSON.stringify(mailboxes), JSON.stringify(trail)])
    expect(kept).not.toContain(password);
  expect(trail.map(row => row.action)).toEqual(['add_sender']);
  expect((await drover(world, office, add)).said).toContain('There is a sender ann@acme.example already');
});

test('A1 a sender that cannot sign in is not added, and the answer says which server refused', async ({ world }) => {
  const office = await world.office();
  const { said, exit, senders } = await drover(world, office, add, { verify: refuses });
  expect(said).toContain("✗ SMTP mail.acme.example:465: the sender's mail server refused its sign-in");
  expect(said).toContain('✓ IMAP');
  expect({ exit, senders }).toEqual({ exit: 1, senders: [] });
});

test('A1 without a key no password is taken; above 50 a day only an admin, later; a rep not at all', async ({ world }) => {
  const office = await world.office();
  expect((await drover(world, office, add, { keys: null })).said).toContain('openssl rand -base64 32');
  expect((await drover(world, office, [...add, '--limit', '51'])).said).toContain('starts with at most 50');
  expect((await drover(world, office, [...add, '--as', 'Ray'])).said).toContain("Senders are an admin's");
  expect((await drover(world, office, [...add, '--limit', '50'])).senders).toMatchObject([{ daily_limit: 50 }]);
});

test('a new password mends a failing sender; all are sealed anew with the newest key', async ({ world }) => {
  const office = await world.office();
  await drover(world, office, add);
  await world.in(office, ctx => ctx.tx.updateTable('sender').set({ status: 'failing', status_code: 'auth_failed' }).execute());
  const bad = await drover(world, office, ['secret', 'ann@acme.example'], { secret: 'wrong', verify: refuses });
  expect(bad.senders).toMatchObject([{ status: 'failing' }]);
  const good = await drover(world, office, ['secret', 'ann@acme.example'], { secret: 'next-horse' });
  expect(good.senders).toMatchObject([{ status: 'healthy', status_code: null }]);
  expect(createSecretBox(key).open(good.mailboxes[0]!.secret!)).toBe('next-horse');

  const newer = Buffer.alloc(32, 8).toString('base64');
  const rekeyed = await drover(world, office, ['rekey'], { keys: `${newer},${key}` });
  expect(rekeyed.said).toContain('1 password is sealed');
  expect(createSecretBox(newer).open(rekeyed.mailboxes[0]!.secret!)).toBe('next-horse');
});

test('a message to itself goes the whole way out', async ({ world }) => {
  const office = await world.office();
  const { handed, transport } = mailServer();
  world.services.transports = { smtp: transport };
  const { said } = await drover(world, office, [...add, '--send-message']);
  expect(said).toContain('✓ A message to ann@acme.example was taken');
  expect(handed).toMatchObject([{ to: { address: 'ann@acme.example' }, from: { address: 'ann@acme.example' } }]);
});

test('a password comes from standard input or a prompt that shows nothing, never from an argument', async () => {
  const stdin = (text: string) =>
    Object.assign(Readable.from([Buffer.from(text)]), { isTTY: false }) as unknown as NodeJS.ReadStream;
  expect(await readSecret('', stdin(`${password}\nmore\n`))).toBe(password);
  await expect(readSecret('', stdin('\n'))).rejects.toThrow('No password was given');
  expect(() => readArguments(['sender', ...add, password])).toThrow('never an argument');

  const tty = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => tty }) as unknown as NodeJS.ReadStream &
    PassThrough;
  const shown = new PassThrough();
  const reading = readSecret('Password: ', tty, shown);
  (tty as unknown as PassThrough).write(`${password.slice(0, 3)}x\u007f${password.slice(3)}\r`);
  expect(await reading).toBe(password);
  shown.end();
  expect(await text(shown)).toBe('Password: \n');
});

test.for([
  [['add', 'ann@acme.example'], 'What is its name'],
  [['add'], 'drover sender add'],
  [['dance'], 'drover sender add'],
  [['add', 'ann@acme.example', '--name', 'Ann', '--smtp', 'mail.acme.example:99999'], '--smtp is a host and a port'],
  [['add', 'ann@acme.example', '--name', 'Ann', '--smtp', 'http://mail'], '--smtp is a host and a port'],
  [[...add, '--limit', 'many'], '--limit is a whole number'],
  [[...add, '--signature', '/nowhere/at/all'], 'There is no file'],
] as const)('bad sender arguments %j are refused in a sentence', ([words, sentence]) => {
  expect(() => readArguments(['sender', ...words])).toThrow(sentence);
});
