import { sql } from 'kysely';
import type { PgBoss } from 'pg-boss';
import { MovableClock } from '../src/clock.ts';
import { type Connection, connectServer } from '../src/db/connect.ts';
import { migrate } from '../src/db/migrate.ts';
import { workspaceOfTeam } from '../src/db/system.ts';
import { type Context, drover, enter, type MemberActor, type Services } from '../src/domain/context.ts';
import * as workspaces from '../src/domain/workspaces/index.ts';
import { enqueueWith, startBoss } from '../src/jobs/boss.ts';
import { silentLog } from '../src/log.ts';
import { createDirectory } from '../src/sources/directory/index.ts';
import { runTool } from '../src/tools/run.ts';
import { createServerDatabase } from '../test/support/database.ts';

/** A Monday, 10:00 in London: inside the window of a working day. */
const start = Temporal.Instant.from('2026-03-02T10:00:00Z');

/** A Drover on a database of its own on a real server, with one workspace. */
export interface Bench {
  connection: Connection;
  url: string;
  services: Services;
  boss: PgBoss;
  clock: MovableClock;
  workspaceId: number;
  admin: MemberActor;
  in<R>(work: (ctx: Context) => Promise<R>): Promise<R>;
  close(): Promise<void>;
}

export async function openBench(name: string): Promise<Bench> {
  const url = await createServerDatabase(`drover_bench_${name}`);
  const connection = connectServer(url, silentLog, { max: 8 });
  await migrate(connection.db);
  const clock = new MovableClock({ standsAt: start });
  const boss = await startBoss(connection, clock, silentLog, { supervise: false });
  const services: Services = {
    db: connection.db,
    clock,
    log: silentLog,
    enqueueIn: enqueueWith(boss),
    sources: { directory: createDirectory(connection.db) },
    transports: { local: { name: 'local', handOver: async () => ({ outcome: 'accepted' }) } },
    publicUrl: 'https://drover.example',
  };
  const workspaceId = await workspaceOfTeam(connection.db, start, {
    teamId: 'TBENCH',
    name: 'Bench',
    zone: 'Europe/London',
    botUserId: null,
  });
  const admin = await enter(services, workspaceId, drover, async ctx => {
    await workspaces.set(ctx, { postalAddress: '1 Example Street, Exampletown' });
    return workspaces.join(ctx, { slackUserId: 'UBENCH', name: 'Bench', isSlackAdmin: true });
  });
  return {
    connection,
    url,
    services,
    boss,
    clock,
    workspaceId,
    admin,
    in: work => enter(services, workspaceId, admin, work),
    close: async () => {
      await boss.stop({ graceful: false });
      await connection.close();
    },
  };
}

/** Leads numbered from `from`, and a list that holds them. @returns the list's id */
export const makeList = (bench: Bench, name: string, people: number, from = 0): Promise<number> =>
  bench.in(async ctx => {
    const { rows } = await sql<{ id: number }>`
      insert into list (workspace_id, owner_id, name, source, criteria, created_at)
      values (${bench.workspaceId}, ${bench.admin.id}, ${name}, 'directory', '{"titles": ["VP of Sales"]}', ${ctx.now}) returning id`.execute(
      ctx.tx,
    );
    const listId = rows[0]!.id;
    await sql`
      with made as (
        insert into lead (workspace_id, full_name, first_name, last_name, email, email_key, title, company, company_domain, created_at, updated_at)
        select ${bench.workspaceId}, 'Pat No ' || n, 'Pat', 'No ' || n, 'p' || n || '@c' || n / 3 || '.example', 'p' || n || '@c' || n / 3 || '.example',
          'VP of Sales', 'Company ' || n / 3, 'c' || n / 3 || '.example', ${ctx.now}, ${ctx.now}
        from generate_series(${from + 1}::int, ${from + people}::int) n returning id)
      insert into membership (list_id, lead_id, workspace_id, source, added_at)
      select ${listId}, id, ${bench.workspaceId}, 'directory', ${ctx.now} from made`.execute(ctx.tx);
    return listId;
  });

/** An active autopilot sequence of three steps with senders of its own. @returns its id */
export const makeSequence = (bench: Bench, name: string, { cap = 10_000, senders = 1 } = {}): Promise<number> =>
  bench.in(async ctx => {
    const { rows } = await sql<{ id: number }>`
      insert into sequence (workspace_id, owner_id, name, status, mode, daily_cap, zone, send_days, send_from, send_until, created_at, next_day_at)
      values (${bench.workspaceId}, ${bench.admin.id}, ${name}, 'active', 'autopilot', ${cap}, 'Europe/London', '{1,2,3,4,5}', '09:00', '17:00',
        ${ctx.now}, ${ctx.now.add({ hours: 24 })}) returning id`.execute(ctx.tx);
    const sequenceId = rows[0]!.id;
    await sql`insert into step (workspace_id, sequence_id, version, position, delay_days, subject, body)
      select ${bench.workspaceId}, ${sequenceId}, 1, n, 3, 'Hello {{ company }}', 'Hi {{ first_name }}' from generate_series(1, 3) n`.execute(
      ctx.tx,
    );
    await sql`
      with made as (
        insert into sender (workspace_id, owner_id, name, address, transport, daily_limit, min_gap_minutes, created_at)
        select ${bench.workspaceId}, ${bench.admin.id}, 'S' || n, ${name} || n || '@drover.example', 'local', 100000, 0, ${ctx.now}
        from generate_series(1, ${senders}::int) n returning id)
      insert into sequence_sender (sequence_id, sender_id, workspace_id) select ${sequenceId}, id, ${bench.workspaceId} from made`.execute(
      ctx.tx,
    );
    return sequenceId;
  });

/** The same rows, in the same workspace and under its policies, by one statement that asks nothing. */
export const bareEnrol =
  (bench: Bench, listId: number, sequenceId: number, linkId: number | null = null) =>
  () =>
    bench.in(ctx =>
      sql`insert into enrollment (workspace_id, sequence_id, lead_id, link_id, list_id, version, state, enrolled_at)
      select workspace_id, ${sequenceId}, lead_id, ${linkId}, list_id, 1, 'queued', ${ctx.now} from membership
      where list_id = ${listId} and removed_at is null`.execute(ctx.tx),
    );

/** A tool as a slash command runs it. @throws where it is refused */
export async function call(bench: Bench, tool: string, input: object): Promise<void> {
  const { services, workspaceId, admin: actor } = bench;
  const outcome = await runTool(services, { tool, input, workspaceId, actor, door: 'command', place: { surface: 'slack' } });
  if (outcome.outcome === 'refused') throw new Error(`${tool}: ${outcome.message}`);
}

export const analyze = (bench: Bench) => sql`vacuum analyze`.execute(bench.services.db);
