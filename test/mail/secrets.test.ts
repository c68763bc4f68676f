import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { createAccounts } from '../../src/mail/accounts.ts';
import { createSecretBox } from '../../src/mail/secrets.ts';
import { type Office, test, type World } from '../support/world.ts';

const key = () => randomBytes(32).toString('base64');
const secret = 'hünter2 👩‍💻';

test('A5 a secret is sealed differently each time, tells nothing, and opens again', () => {
  const box = createSecretBox(key());
  const [one, two] = [box.seal(secret), box.seal(secret)];
  expect(one).not.toBe(two);
  for (const told of [secret, Buffer.from(secret).toString('base64'), Buffer.from(secret).toString('base64url')])
    expect(one).not.toContain(told);
  expect([one, two].map(box.open)).toEqual([secret, secret]);
  expect(box.open(box.seal(''))).toBe('');
});

test('A5 a key is changed by putting the new one first: it seals, and both open', () => {
  const [old, fresh] = [key(), key()];
  const before = createSecretBox(old).seal(secret);
  const box = createSecretBox(`${fresh}, ${old}`);
  expect(box.open(before)).toBe(secret);
  const after = box.seal(box.open(before));
  expect(createSecretBox(fresh).open(after)).toBe(secret);
  const unreadable = expect.objectContaining({ code: 'secret_unreadable' });
  expect(() => createSecretBox(fresh).open(before)).toThrow(unreadable);
  expect(() => createSecretBox(old).open(after)).toThrow(unreadable);
});

test('A5 what was tampered with, cut short or never sealed does not open, and no error quotes it', () => {
  const box = createSecretBox(key());
  const parts = box.seal(secret).split('.');
  const flipped = (i: number) =>
    parts.map((part, j) => (j === i ? (part[0] === 'A' ? 'B' : 'A') + part.slice(1) : part)).join('.');
  for (const text of [flipped(0), flipped(1), flipped(2), flipped(3), parts.slice(0, 3).join('.'), '', secret, '....']) {
    expect(() => box.open(text)).toThrow(expect.objectContaining({ code: 'secret_unreadable' }));
    expect(() => box.open(text)).not.toThrow(/hünter2/);
  }
});

test.each(['', 'short', 'x'.repeat(44), randomBytes(31).toString('base64'), `${key()},nonsense`])(
  'A5 %j is no key, and the error does not say it',
  keys => {
    let error: unknown;
    try {
      createSecretBox(keys);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ code: 'bad_configuration', message: expect.stringContaining('DROVER_SECRET_KEY') });
    if (keys.length > 5) expect((error as Error).message).not.toContain(keys);
  },
);

/** A sender with a mailbox, as it is stored. */
const makeSender = (world: World, office: Office, mailbox: object): Promise<number> =>
  world.in(office, async ctx => {
    const { id } = await ctx.tx
      .insertInto('sender')
      .values({
        workspace_id: office.id,
        owner_id: office.admin.id,
        name: 'Ada',
        address: 'ada@drover.example',
        transport: 'smtp',
        created_at: ctx.now,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await ctx.tx
      .insertInto('mailbox')
      .values({ sender_id: id, workspace_id: office.id, next_read_at: ctx.now, ...mailbox })
      .execute();
    return id;
  });

test('T1 A5 an account is read inside its workspace, with its secret opened', async ({ world }) => {
  const office = await world.office();
  const other = await world.office('Other');
  const box = createSecretBox(key());
  const accountOf = createAccounts({ db: world.services.db, box });
  const servers = {
    smtp_host: 'smtp.drover.example',
    smtp_port: 465,
    smtp_security: 'tls',
    user_name: 'ada',
    secret: box.seal(secret),
  };
  const senderId = await makeSender(world, office, {
    ...servers,
    imap_host: 'imap.drover.example',
    imap_port: 143,
    imap_security: 'starttls',
  });
  expect(await accountOf({ workspaceId: office.id, senderId })).toEqual({
    smtp: { host: 'smtp.drover.example', port: 465, security: 'tls' },
    imap: { host: 'imap.drover.example', port: 143, security: 'starttls' },
    user: 'ada',
    secret,
  });
  await expect(accountOf({ workspaceId: other.id, senderId })).rejects.toMatchObject({ code: 'no_mailbox' });
  const unread = await makeSender(world, other, servers);
  expect(await accountOf({ workspaceId: other.id, senderId: unread })).toMatchObject({ imap: null });
  const rekeyed = createAccounts({ db: world.services.db, box: createSecretBox(key()) });
  await expect(rekeyed({ workspaceId: office.id, senderId })).rejects.toMatchObject({ code: 'secret_unreadable' });
});

test('A5 a mailbox without hosts is no account', async ({ world }) => {
  const office = await world.office();
  const senderId = await makeSender(world, office, {});
  const accountOf = createAccounts({ db: world.services.db, box: createSecretBox(key()) });
  await expect(accountOf({ workspaceId: office.id, senderId })).rejects.toMatchObject({ code: 'no_mailbox' });
});
