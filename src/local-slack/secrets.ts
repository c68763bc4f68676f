import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** What local Slack and its app share. */
export interface AppSecrets {
  botToken: string;
  signingSecret: string;
}

/** The secrets in `home`: made once, and readable by their owner only. */
export async function appSecrets(home: string): Promise<AppSecrets> {
  const file = path.join(home, 'local-slack-secrets.json');
  await mkdir(home, { recursive: true });
  const fresh = { botToken: `xoxb-local-${randomBytes(18).toString('hex')}`, signingSecret: randomBytes(18).toString('hex') };
  await writeFile(file, JSON.stringify(fresh), { mode: 0o600, flag: 'wx' }).catch(() => {});
  return JSON.parse(await readFile(file, 'utf8'));
}
