import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { createImport } from '../src/cli/import.ts';
import type { Criteria } from '../src/domain/lists/criteria.ts';
import * as monitoring from '../src/domain/monitoring/index.ts';
import { isRefusal } from '../src/errors.ts';
import { seedDirectory } from '../src/sources/directory/generate.ts';
import { readPeople } from '../src/sources/files/index.ts';
import { against, atMost, inTurn, type Line, ms, percentile, timed, whole } from './measure.ts';
import { analyze, type Bench, openBench } from './world.ts';

const criteria: Criteria[] = [
  { titles: ['VP of Sales'], industries: ['fintech'], companyLocations: ['Germany'], headcount: { min: 50, max: 500 } },
  { titles: ['CTO'], industries: ['healthcare'], companyLocations: ['France'] },
  { seniorities: ['head'], functions: ['marketing'], industries: ['e-commerce'], companyLocations: ['Nordics'] },
  { seniorities: ['director'], functions: ['hr'], companyLocations: ['United States'] },
  { functions: ['finance'], companyLocations: ['United Kingdom'] },
];

const newList = (bench: Bench, name: string, wanted: Criteria): Promise<number> =>
  bench.in(async ctx => {
    const { rows } = await sql<{ id: number }>`insert into list (workspace_id, owner_id, name, source, criteria, created_at)
      values (${bench.workspaceId}, ${bench.admin.id}, ${name}, 'directory', ${wanted}, ${ctx.now}) returning id`.execute(ctx.tx);
    return rows[0]!.id;
  });

/** Preview and refill over a directory of `size` people. */
export async function directory(size: number): Promise<Line[]> {
  const bench = await openBench('directory');
  const today = Temporal.PlainDate.from('2026-03-02');
  const seeding = await timed(() => seedDirectory(bench.services.db, { size, today }));
  await analyze(bench);
  const source = bench.services.sources.directory!;
  const previews: number[] = [];
  for (let round = 0; round < 20; round++)
    for (const wanted of criteria) previews.push(await timed(() => source.preview(wanted, today)));
  const listId = await newList(bench, 'Refilled', { functions: ['sales'] });
  const refillId = await bench.in(ctx =>
    monitoring.order(ctx, { listId, asked: 1_000, kind: 'order', orderedBy: bench.admin.id }),
  );
  const refill = await timed(() => monitoring.carryOut(bench.services, bench.workspaceId, refillId!));
  const { rows } = await sql<{ added: number }>`select added from refill where id = ${refillId}`.execute(bench.services.db);
  if (rows[0]!.added !== 1_000) throw new Error(`the refill added ${rows[0]!.added}, not 1,000`);
  await bench.close();
  const of = `of ${whole(size)}`;
  return [
    { what: `seeding a directory ${of}`, measured: ms(seeding), target: '–', met: true },
    atMost(`preview over a directory ${of}, p95 of ${previews.length}`, percentile(previews, 95), 150),
    atMost(`refill of 1,000 from a directory ${of}`, refill, 2_000),
  ];
}

const command = fileURLToPath(new URL('../bin/drover', import.meta.url));
/** A module that has its process say at its end how much memory it had at most, in KB. */
const peakAtExit = `data:text/javascript,${encodeURIComponent(
  "process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS + '\\n'));",
)}`;

const header = 'First Name,Last Name,Email,Job Title,Company Name,Company Domain Name,Country';
const row = (n: number) =>
  `Pat,No ${n},pat${n}@firm${Math.floor(n / 5)}.example,Head of Sales,Firm ${n},firm${Math.floor(n / 5)}.example,Germany`;

/** A list to import into, and its open receipt. */
const openReceipt = (bench: Bench) =>
  bench.in(async ctx => {
    const opened = await monitoring.openImport(ctx, { listName: 'Bare', ownerId: bench.admin.id, asked: 1 });
    if (isRefusal(opened)) throw new Error(opened.message);
    return opened;
  });

/**
 * What any import must do, without a question asked: COPY to a staging table, and one statement that upserts the leads and puts them on
 * the list, in the workspace and under its policies.
 */
const bareImport = (bench: Bench, file: string, { listId, refillId }: { listId: number; refillId: number }) =>
  bench.services.db.transaction().execute(async tx => {
    const now = bench.clock.now();
    await sql`create temp table staging (first text, last text, email text, title text, company text, domain text, country text) on commit drop`.execute(
      tx,
    );
    await sql`copy staging from ${sql.lit(file)} with (format csv, header)`.execute(tx);
    await sql`grant select on staging to drover_app`.execute(tx);
    await sql`select set_config('role', 'drover_app', true), set_config('drover.workspace', ${String(bench.workspaceId)}, true)`.execute(
      tx,
    );
    await sql`
      with taken as (
        insert into lead (workspace_id, full_name, first_name, last_name, email, email_key, title, company, company_domain,
          person_location, created_at, updated_at)
        select ${bench.workspaceId}, first || ' ' || last, first, last, email, lower(email), title, company, domain, country, ${now}, ${now}
        from staging
        on conflict (workspace_id, email_key) where email_key is not null do update set
          first_name = coalesce(lead.first_name, excluded.first_name), last_name = coalesce(lead.last_name, excluded.last_name),
          title = coalesce(lead.title, excluded.title), company = coalesce(lead.company, excluded.company),
          company_domain = coalesce(lead.company_domain, excluded.company_domain),
          person_location = coalesce(lead.person_location, excluded.person_location), updated_at = excluded.updated_at
        returning id)
      insert into membership (list_id, lead_id, workspace_id, source, refill_id, added_at)
      select ${listId}, id, ${bench.workspaceId}, 'csv', ${refillId}, ${now} from taken
      on conflict (list_id, lead_id) do nothing`.execute(tx);
  });

/** What `drover import` takes at most, in a process of its own, in bytes: as the kernel counted it. */
async function peakOfImport(bench: Bench, { file, home }: { file: string; home: string }): Promise<number> {
  const drover = spawn(command, ['import', file, '--list', 'Imported'], {
    env: { PATH: process.env.PATH, DATABASE_URL: bench.url, DROVER_HOME: home, NODE_OPTIONS: `--import=${peakAtExit}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [said, failed] = await Promise.all([text(drover.stdout), text(drover.stderr), once(drover, 'close')]);
  const kilobytes = /^peak (\d+)$/m.exec(failed)?.[1];
  if (drover.exitCode !== 0 || !kilobytes) throw new Error(`drover import ended with ${drover.exitCode}: ${said}${failed}`);
  return Number(kilobytes) * 1024;
}

/** Importing a file, in time against the least that it takes in SQL, and in memory where people run it. */
export async function importing(rows: number): Promise<Line[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'drover-bench-'));
  await chmod(folder, 0o755);
  const file = path.join(folder, 'people.csv');
  await writeFile(file, `${header}\n${Array.from({ length: rows }, (_, n) => row(n)).join('\n')}\n`, { mode: 0o644 });
  const bench = await openBench('importing');
  const importFile = createImport(bench.services, readPeople);
  const said: string[] = [];
  const empty = () => sql`truncate lead, list cascade`.execute(bench.services.db);
  const check = async () => {
    const { rows: counted } = await sql<{ n: number }>`select count(*) as n from membership`.execute(bench.services.db);
    if (counted[0]!.n !== rows) throw new Error(`${counted[0]!.n} of ${rows} rows were imported: ${said.join('')}`);
  };
  const [ours, bare] = await inTurn(
    rows > 200_000 ? 1 : 3,
    async () => {
      await empty();
      const took = await timed(() =>
        importFile(
          { workspaceId: bench.workspaceId, actor: bench.admin, file, list: 'Imported' },
          { write: words => void said.push(words), progress: () => {} },
        ),
      );
      await check();
      return took;
    },
    async () => {
      await empty();
      const into = await openReceipt(bench);
      const took = await timed(() => bareImport(bench, file, into));
      await check();
      return took;
    },
  );
  await empty();
  await seedDirectory(bench.services.db, { today: Temporal.PlainDate.from('2026-03-02') }); // a Drover's first start does
  const peak = await peakOfImport(bench, { file, home: folder });
  await check();
  await bench.close();
  await rm(folder, { recursive: true });
  const what = `CSV import of ${whole(rows)} rows`;
  return [
    against(`${what}; bare: COPY, and one upsert of leads and memberships`, ours, bare, 2),
    {
      what: `${what}: most resident memory of \`drover import\``,
      measured: `${Math.round(peak / 1e6)} MB`,
      target: '< 300 MB',
      met: peak < 300e6,
    },
  ];
}
