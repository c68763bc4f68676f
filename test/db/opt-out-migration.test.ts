import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { connectEmbedded } from '../../src/db/connect.ts';
import { migrate } from '../../src/db/migrate.ts';

const migrations = path.join(import.meta.dirname, '../../migrations');

test('G1 opt-outs from before they were counted are found again where they came from, each person once', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'drover-migrations-'));
  for (const name of await readdir(migrations))
    if (name < '000014') await cp(path.join(migrations, name), path.join(folder, name));
  const connection = await connectEmbedded(null);
  const { db } = connection;
  const insert = (rows: string) => sql.raw(`insert into ${rows}`).execute(db);
  try {
    await migrate(db, folder);
    await insert("workspace (slack_team_id, name, zone, created_at) values ('T1', 'Acme', 'UTC', '2026-03-01Z')");
    await insert("member (workspace_id, slack_user_id, name, role, created_at) values (1, 'U1', 'Ada', 'admin', '2026-03-01Z')");
    await insert(`sender (workspace_id, owner_id, name, address, transport, created_at)
      values (1, 1, 'Ada', 'ada@acme.example', 'local', '2026-03-02Z')`);
    await insert(`sequence (workspace_id, owner_id, name, status, mode, zone, send_days, send_from, send_until, daily_cap, created_at)
      values (1, 1, 'Fall Intro', 'active', 'autopilot', 'UTC', '{1,2,3,4,5}', '09:00', '17:00', 20, '2026-03-02Z')`);
    await insert(`lead (workspace_id, full_name, created_at, updated_at)
      select 1, 'Pat ' || n, '2026-03-02Z', '2026-03-02Z' from generate_series(1, 4) n`);
    // 1: by mail, after the end. 2: by link, after the end. 3: by link, while it ran. 4: never.
    await insert(`enrollment (workspace_id, sequence_id, lead_id, version, state, contacted_at, enrolled_at, ended_at)
      select 1, 1, n, 1, case n when 3 then 'unsubscribed' else 'completed' end, '2026-03-02Z', '2026-03-02Z', '2026-03-05Z'
      from generate_series(1, 4) n`);
    await insert(`message (workspace_id, enrollment_id, sequence_id, lead_id, sender_id, version, position, first_contact, kind, state,
      planned_on, planned_at, ended_at)
      select 1, n, 1, n, 1, 1, 1, true, 'email', 'sent', '2026-03-02', '2026-03-02Z', '2026-03-02Z' from generate_series(1, 4) n`);
    await insert(`reply (workspace_id, sender_id, uid_validity, uid, received_at, read_at, kind, message_id, enrollment_id, lead_id, category,
      outcome) values (1, 1, '1', 1, '2026-03-09Z', '2026-03-10Z', 'human', 1, 1, 1, 'unsubscribe', 'unsubscribed')`);
    await insert(`activity (workspace_id, action, outcome, objects, detail, at)
      select 1, 'opt_out', 'done', '{}', jsonb_build_object('message', n), case n when 2 then '2026-03-11Z' else '2026-03-05Z' end::timestamptz
      from generate_series(2, 3) n`);
    expect(await migrate(db)).toContain('000014_opt_outs');
    const { rows } = await sql<{ id: number; on: string | null; of: number | null }>`
      select id, (opted_out_at at time zone 'UTC')::date as on, opted_out_of as of from enrollment order by id`.execute(db);
    expect(rows).toEqual([
      { id: 1, on: '2026-03-10', of: 1 },
      { id: 2, on: '2026-03-11', of: 2 },
      { id: 3, on: '2026-03-05', of: 3 },
      { id: 4, on: null, of: null },
    ]);
  } finally {
    await connection.close();
    await rm(folder, { recursive: true, force: true });
  }
});
