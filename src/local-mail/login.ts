import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Unavailable } from '../errors.ts';

/** Where the server of a home listens, and the password of its mailboxes; readable by their owner only. */
export interface LocalMailAccess {
  secret: string;
  smtpPort: number;
  imapPort: number;
}

const fileOf = (home: string): string => path.join(home, 'local-mail.json');

/** How any process of this home reaches its mail server. @throws Unavailable `local_mail` where none was ever started */
export async function readAccess(home: string): Promise<LocalMailAccess> {
  const kept = await readFile(fileOf(home), 'utf8').catch(() => undefined);
  if (!kept)
    throw new Unavailable('local_mail', "Drover's own mail server has not been started here: it runs beside local Slack.");
  return JSON.parse(kept);
}

/** The password that every mailbox of this home has, made once at random; in memory without a home. */
export async function secretOf(home: string | null): Promise<string> {
  const kept = home ? await readAccess(home).catch(() => undefined) : undefined;
  return kept?.secret ?? randomBytes(24).toString('base64url');
}

/** Writes down where the server listens, in one step. */
export async function keepAccess(home: string, access: LocalMailAccess): Promise<void> {
  await mkdir(home, { recursive: true });
  const fresh = `${fileOf(home)}.${process.pid}`;
  await writeFile(fresh, JSON.stringify(access), { mode: 0o600 });
  await rename(fresh, fileOf(home));
}

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Answers whether somebody may use a mailbox: any address, the one password. */
export const createSignIn =
  (secret: string) =>
  (user: string | undefined, password: string | null | undefined): string | undefined =>
    isAddress(user ?? '') && timingSafeEqual(hash(password ?? ''), hash(secret)) ? user!.toLowerCase() : undefined;

export type SignIn = ReturnType<typeof createSignIn>;

const isAddress = (text: string): boolean => /^[^\s@<>"]{1,64}@[^\s@<>"]{1,255}$/.test(text);
