import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { connectServer } from '../../src/db/connect.ts';
import { migrate } from '../../src/db/migrate.ts';
import { workspaceOfTeam } from '../../src/db/system.ts';
import { drover, enter, type MemberActor, type Services } from '../../src/domain/context.ts';
import * as monitoring from '../../src/domain/monitoring/index.ts';
import * as senders from '../../src/domain/senders/index.ts';
import * as sequences from '../../src/domain/sequences/index.ts';
import { enqueueWith, startBoss } from '../../src/jobs/boss.ts';
import { silentLog } from '../../src/log.ts';
import { createSecretBox } from '../../src/mail/secrets.ts';
import { createDirectory } from '../../src/sources/directory/index.ts';
import { decide, runTool } from '../../src/tools/run.ts';
import { startProxy } from '../support/proxy.ts';
import { Cluster } from './cluster.ts';
import { MailSite } from './mail-site.ts';

/** How much: CI's form by default, `npm run chaos` the long one. The seed makes the same faults at the same times. */
const isLong = process.env.DROVER_CHAOS === 'long';
const kills = isLong ? 200 : 50;
const people = 50_000;
const cap = isLong ? 4_000 : 1_300;
const seed = Number(process.env.DROVER_SEED ?? 1);

function* random(from: number): Generator<number> {
  for (let state = from >>> 0; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}
const numbers = random(seed);
const jitter = (least: number, most: number): number => Math.round(least + (most - least) * numbers.next().value!);

const home = mkdtempSync(path.join(os.tmpdir(), 'drover-chaos-home-'));
const cleanups: (() => unknown)[] = [() => rmSync(home, { recursive: true, force: true })];
afterAll(async () => {
  for (const clean of cleanups.reverse()) await clean();
});

/** A worker that is started again whenever it dies. */
class Worker {
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | null = null;
  #isWanted = true;
  deaths = 0;
  said = '';

  constructor(env: NodeJS.ProcessEnv) {
    const { PATH, HOME } = process.env;
    this.#env = { PATH, HOME, DROVER_HOME: home, LOG_LEVEL: 'error', PORT: '0', ...env };
    this.#start();
  }

  #start(): void {
    const main = path.join(import.meta.dirname, '../../src/main.ts');
    const child = spawn(process.execPath, [main, 'worker'], { env: this.#env, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr!.on('data', chunk => {
      this.said = `${this.said}${chunk}`.slice(-20_000);
    });
    child.once('exit', () => {
      this.deaths++;
      if (this.#isWanted) setTimeout(() => this.#start(), 50);
    });
    this.#child = child;
  }

  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  stop(): void {
    this.#isWanted = false;
    this.kill();
  }
}

/** A zone in which it is about noon now, so that a day does not end in the middle of the proof. */
const noonZone = (): string => {
  const away = 12 - systemClock.now().toZonedDateTimeISO('UTC').hour;
  return away === 0 ? 'UTC' : `Etc/GMT${away > 0 ? '-' : '+'}${Math.abs(away)}`;
};

test(`two workers, ${kills} SIGKILLs, 3 crashes of Postgres, 2 restarts of the mail server, a half-open connection: nothing lost, nothing twice, resumed within 30 s`, async () => {
  const cluster = await Cluster.start();
  cleanups.push(() => cluster.remove());
  const wire = await startProxy(cluster.url());
  cleanups.push(() => wire.close());
  const connection = connectServer(cluster.url(), silentLog, { max: 4 });
  cleanups.push(() => connection.close().catch(() => {}));
  const { db } = connection;
  await migrate(db);
  const boss = await startBoss(connection, systemClock, silentLog, { supervise: false });
  cleanups.push(() => boss.stop({ graceful: false }).catch(() => {}));
  const services: Services = {
    ...{ db, clock: systemClock, log: silentLog, enqueueIn: enqueueWith(boss) },
    ...{ sources: { directory: createDirectory(db) }, transports: {}, publicUrl: 'https://drover.example' },
  };
  const zone = noonZone();
  const mail = await MailSite.start();
  cleanups.push(() => mail.stop());
  const keys = Buffer.alloc(32, 9).toString('base64');
  const now = systemClock.now();
  const workspaceId = await workspaceOfTeam(db, now, { teamId: 'TCHAOS', name: 'Chaos', zone, botUserId: 'U0' });

  const admin = await enter(services, workspaceId, drover, async ctx => {
    await ctx.tx.updateTable('workspace').set({ postal_address: '1 Example Street' }).execute();
    const member = { workspace_id: workspaceId, slack_user_id: 'UADA', name: 'Ada', role: 'admin', created_at: ctx.now };
    const { id } = await ctx.tx.insertInto('member').values(member).returning('id').executeTakeFirstOrThrow();
    return { kind: 'member', id, name: 'Ada', role: 'admin', slackUserId: 'UADA' } satisfies MemberActor;
  });
  const as = <R>(work: Parameters<typeof enter<R>>[3]) => enter(services, workspaceId, admin, work);
  const lists = await as(async ctx => {
    const sender = { ownerId: admin.id, transport: 'smtp' as const, dailyLimit: 100_000, minGapMinutes: 0, ramp: false };
    const sealedSecret = createSecretBox(keys).seal(mail.where.password);
    const senderIds: number[] = [];
    for (const name of ['ada', 'ben', 'cleo']) {
      const address = `${name}@drover.example`;
      const reach: senders.Reach = {
        smtp: { host: 'localhost', port: mail.where.smtps, security: 'tls' },
        imap: { host: 'localhost', port: mail.where.imaps, security: 'tls' },
        ...{ user: address, sealedSecret },
      };
      senderIds.push((await senders.add(ctx, { ...sender, name, address, reach })) as number);
    }
    const { id } = await sequences.create(ctx, {
      ...{ name: 'Fall', dailyCap: cap, senderIds, steps: [{ subject: 'Hello {{ first_name }}', body: 'Hello' }] },
      window: { zone, days: [1, 2, 3, 4, 5, 6, 7], from: '00:00', until: '24:00', holidays: new Set() },
    });
    await sequences.setMode(ctx, id, 'autopilot');
    await sequences.activate(ctx, id);
    const made = async (name: string) =>
      (
        await ctx.tx
          .insertInto('list')
          .values({
            workspace_id: workspaceId,
            owner_id: admin.id,
            name,
            source: 'directory',
            criteria: { seniorities: ['vp'] },
            created_at: ctx.now,
          })
          .returning('id')
          .executeTakeFirstOrThrow()
      ).id;
    const [big, first, second] = [await made('Big'), await made('First'), await made('Second')];
    await sql`
      with person as (
        insert into lead (workspace_id, full_name, first_name, email, email_key, company, company_domain, created_at, updated_at)
        select ${workspaceId}, 'Pat ' || n, 'Pat', 'pat' || n || '@firm' || n || '.example', 'pat' || n || '@firm' || n || '.example',
          'Firm ' || n, 'firm' || n || '.example', ${now}, ${now} from generate_series(1, ${people}::int) n returning id)
      insert into membership (list_id, lead_id, workspace_id, source, added_at) select ${big}, id, ${workspaceId}, 'directory', ${now} from person`.execute(
      ctx.tx,
    );
    return { big, first, second };
  });

  const env = { DROVER_SECRET_KEY: keys, DROVER_MAIL_CA: mail.where.ca, DROVER_PUBLIC_URL: 'https://drover.example' };
  const workers = [cluster.url(), wire.url].map(url => new Worker({ ...env, DATABASE_URL: url }));
  cleanups.push(() => {
    for (const worker of workers) worker.stop();
  });

  /** Asks again while the database is down: only the workers' own patience is on trial. */
  const patiently = async <R>(work: () => Promise<R>, forMs = 30_000): Promise<R> => {
    for (const until = performance.now() + forMs; ; )
      try {
        return await work();
      } catch (error) {
        if (performance.now() > until) throw error;
        await pause(200);
      }
  };
  const call = async (tool: string, input: object): Promise<void> => {
    const asked = await runTool(services, { tool, input, workspaceId, actor: admin, door: 'cli', place: { surface: 'cli' } });
    if (asked.outcome === 'refused') throw new Error(asked.message);
    if (asked.outcome === 'needs_approval')
      await decide(services, { workspaceId, approvalId: asked.approval.id, actor: admin, verdict: 'approve', door: 'cli' });
  };
  await patiently(async () => {
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from directory_person`.execute(db);
    if (rows[0]!.n < 10_000) throw new Error('the directory is not there yet');
  }, 180_000);
  for (const list of ['Big', 'First', 'Second']) await call('link_list', { list, sequence: 'Fall' });

  /** What the day would bring, and every second: orders for leads, the tick, and times that have come. */
  let ordered = 0;
  const orders = isLong ? 40 : 12;
  const stirs = async (): Promise<void> => {
    await sql`update message set planned_at = ${systemClock.now()} where state = 'planned' and planned_at > ${systemClock.now()}
      and id in (select id from message where state = 'planned' order by id limit 60)`.execute(db);
    if (ordered < orders) {
      await as(ctx =>
        monitoring.order(ctx, {
          listId: ordered % 2 ? lists.first : lists.second,
          asked: 150,
          kind: 'order',
          orderedBy: admin.id,
        }),
      );
      ordered++;
    }
    await boss.send('tick', {}, { singletonKey: 'tick' });
  };
  let isStirring = true;
  const stirring = (async () => {
    while (isStirring) {
      await stirs().catch(() => {});
      await pause(1_000);
    }
  })();

  /** How much is done, how much is to be done, and how many messages may have left with a worker that died. */
  const standing = async (): Promise<{ done: number; open: number; handing: number }> => {
    const { rows } = await sql<{ done: number; open: number; handing: number }>`select
      (select count(*) from enrollment) + (select count(*) from skip) + (select count(*) from membership)
        + (select count(*) from message where state in ('sent', 'unknown')) as done,
      (select count(*) from refill where status in ('queued', 'running'))
        + (select count(*) from link where enrolled_through_at is null and ended_at is null)
        + (select count(*) from message where state in ('planned', 'claimed')) as open,
      (select count(*) from message where state = 'handing') as handing`.execute(db);
    return rows[0]!;
  };

  const began = performance.now();
  const crashes = [0.25, 0.5, 0.75].map(share => Math.round(kills * share));
  const mailRestarts = [0.4, 0.65].map(share => Math.round(kills * share));
  for (let n = 0; n < kills; n++) {
    await pause(jitter(300, 2_600));
    if (crashes.includes(n)) cluster.crash();
    if (mailRestarts.includes(n)) {
      await mail.restart(() => pause(jitter(200, 800)));
    }
    workers[n % 2]!.kill();
  }
  // The last fault is one that nobody is told of: the second worker lives on, and its transactions stay open behind a dead wire.
  await pause(1_000);
  for (let tries = 0; wire.connections < 4 && tries < 200; tries++) await pause(100);
  await pause(jitter(500, 1_500));
  const dead = wire.goDead();
  const faultsMs = performance.now() - began;

  const last = performance.now();
  let [progressAt, stalledMs] = [last, 0];
  for (let now = await patiently(standing); now.open + now.handing > 0 || ordered < orders; ) {
    await pause(250);
    const next = await patiently(standing);
    if (next.done !== now.done || next.open === 0) progressAt = performance.now();
    stalledMs = Math.max(stalledMs, performance.now() - progressAt);
    now = next;
    if (performance.now() - last > (isLong ? 900_000 : 240_000)) break;
  }
  const completeMs = performance.now() - last;
  isStirring = false;
  await stirring;
  await mail.flush();
  const sentIds = (await sql<{ id: string }>`select mail_id as id from message where state = 'sent'`.execute(db)).rows.map(
    row => row.id,
  );
  await expect
    .poll(() => new Set(sentIds).difference(new Set(mail.handed().map(({ mailId }) => mailId))).size, { timeout: 60_000 })
    .toBe(0);
  const taken = mail.handed().map(({ mailId }) => mailId);

  const count = async (of: ReturnType<typeof sql<{ n: number }>>): Promise<number> => Number((await of.execute(db)).rows[0]!.n);
  const found = {
    members: await count(sql`select count(*) as n from membership`),
    enrolled: await count(sql`select count(*) as n from enrollment`),
    sent: await count(sql`select count(*) as n from message where state = 'sent'`),
    unknown: await count(sql`select count(*) as n from message where state = 'unknown'`),
    mails: taken.length,
    held: Object.fromEntries(
      (
        await sql<{
          reason: string;
          n: number;
        }>`select reason, count(*)::int as n from message where state = 'held' group by 1`.execute(db)
      ).rows.map(row => [row.reason, row.n]),
    ),
  };
  console.log(
    `chaos: seed ${seed}, ${kills} SIGKILLs, 3 crashes and 2 restarts in ${Math.round(faultsMs / 1000)} s, ${dead} connections went dead; deaths ${workers.map(worker => worker.deaths)}; ` +
      `longest without progress ${(stalledMs / 1000).toFixed(1)} s, complete after ${(completeMs / 1000).toFixed(1)} s; ${JSON.stringify(found)}`,
  );

  const wrong = {
    'refills still open': await count(sql`select count(*) as n from refill where status <> 'done'`),
    'refills ordered and not there': orders - (await count(sql`select count(*) as n from refill`)),
    'receipts that do not add up': await count(sql`select count(*) as n from refill r where
      r.found <> r.added + (select coalesce(sum(value::int), 0) from jsonb_each_text(r.skipped))
      or r.added <> (select count(*) from membership m where m.refill_id = r.id)`),
    'members neither enrolled nor skipped':
      await count(sql`select count(*) as n from membership m where not exists (select from enrollment e
      where e.lead_id = m.lead_id) and not exists (select from skip k where k.lead_id = m.lead_id)`),
    'people enrolled twice': await count(
      sql`select count(*) as n from (select from enrollment group by lead_id having count(*) > 1) twice`,
    ),
    'messages that are neither sent nor unknown nor held for a reason': await count(
      sql`select count(*) as n from message where state not in ('sent', 'unknown') and not (state = 'held' and reason is not null)`,
    ),
    'at the mail server twice': taken.length - new Set(taken).size,
    'sent and not at the mail server': await count(sql`select count(*) as n from message m where state = 'sent'
      and mail_id <> all(${taken}::text[])`),
    'at the mail server and not in the ledger':
      await count(sql`select count(*) as n from unnest(${taken}::text[]) t (mail_id) where not exists (select from message m
      where m.mail_id = t.mail_id and m.state in ('sent', 'unknown'))`),
    'people touched above the cap': Math.max(
      0,
      (await count(sql`select count(distinct lead_id) as n from message where state in ('sent', 'unknown')`)) - cap,
    ),
  };
  expect(
    Object.fromEntries(Object.entries(wrong).filter(([, n]) => n !== 0)),
    workers
      .map(worker => worker.said)
      .join('\n')
      .slice(-6_000),
  ).toEqual({});
  expect(found.members).toBeGreaterThan(people);
  expect(found.mails).toBeGreaterThanOrEqual(isLong ? 3_000 : 1_000);
  expect(dead).toBeGreaterThan(0);
  expect(stalledMs).toBeLessThan(30_000);
});
