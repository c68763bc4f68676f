import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { connectEmbedded } from '../../src/db/connect.ts';
import { migrate } from '../../src/db/migrate.ts';

const migrations = path.join(import.meta.dirname, '../../migrations');

test('a home from before real mail keeps its senders; they get a mailbox on the local mail server', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'drover-migrations-'));
  for (const name of await readdir(migrations))
    if (name < '000009') await cp(path.join(migrations, name), path.join(folder, name));
  const connection = await connectEmbedded(null);
  const { db } = connection;
  try {
    await migrate(db, folder);
    for (const row of [
      "workspace (slack_team_id, name, zone, created_at) values ('T1', 'Acme', 'UTC', '2026-03-01Z')",
      "member (workspace_id, slack_user_id, name, role, created_at) values (1, 'U1', 'Ada', 'admin', '2026-03-01Z')",
      `sender (workspace_id, owner_id, name, address, transport, created_at)
        values (1, 1, 'Ada', 'ada@acme.example', 'outbox', '2026-03-02Z')`,
      `outbox_mail (workspace_id, mail_id, sender_address, recipient_address, subject, body, handed_at)
        values (1, '<1@acme.example>', 'ada@acme.example', 'pat@acme.example', 'Hello', 'Dear Pat', '2026-03-03Z')`,
    ])
      await sql.raw(`insert into ${row}`).execute(db);
    expect(await migrate(db)).toContain('000009_mail');
    const { rows } = await sql`
      select s.transport, s.status, m.workspace_id, m.smtp_host, m.secret, m.last_uid, m.next_read_at
      from sender s join mailbox m on m.sender_id = s.id`.execute(db);
    const next = Temporal.Instant.from('2026-03-02T00:00:00Z');
    expect(rows).toEqual([
      { transport: 'local', status: 'healthy', workspace_id: 1, smtp_host: null, secret: null, last_uid: 0, next_read_at: next },
    ]);
  } finally {
    await connection.close();
    await rm(folder, { recursive: true, force: true });
  }
});
