import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import { createImport } from '../src/cli/import.ts';
import type { Criteria } from '../src/domain/lists/criteria.ts';
import * as monitoring from '../src/domain/monitoring/index.ts';
import { seedDirectory } from '../src/sources/directory/generate.ts';
import { readPeople } from '../src/sources/files/index.ts';
import { against, atMost, type Line, ms, percentile, timed } from './measure.ts';
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
  const of = `of ${size.toLocaleString('en-US')}`;
  return [
    { what: `seeding a directory ${of}`, measured: ms(seeding), target: '–', met: true },
    atMost(`preview over a directory ${of}, p95 of ${previews.length}`, percentile(previews, 95), 150),
    atMost(`refill of 1,000 from a directory ${of}`, refill, 2_000),
  ];
}

const header = 'First Name,Last Name,Email,Job Title,Company Name,Company Domain Name,Country';
const row = (n: number) =>
  `Pat,No ${n},pat${n}@firm${Math.floor(n / 5)}.example,Head of Sales,Firm ${n},firm${Math.floor(n / 5)}.example,Germany`;

/** Importing a file against COPY to a staging table and one upsert of the same rows. */
export async function importing(rows: number): Promise<Line[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'drover-bench-'));
  await chmod(folder, 0o755);
  const file = path.join(folder, 'people.csv');
  await writeFile(file, `${header}\n${Array.from({ length: rows }, (_, n) => row(n)).join('\n')}\n`, { mode: 0o644 });
  const bench = await openBench('importing');
  const importFile = createImport(bench.services, readPeople);
  const said: string[] = [];
  let peak = 0;
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 100);
  const ours = await timed(() =>
    importFile(
      { workspaceId: bench.workspaceId, actor: bench.admin, file, list: 'Imported' },
      { write: text => void said.push(text), progress: () => {} },
    ),
  );
  clearInterval(watch);
  const { rows: counted } = await sql<{ n: number }>`select count(*) as n from membership`.execute(bench.services.db);
  if (counted[0]!.n !== rows) throw new Error(`${counted[0]!.n} of ${rows} rows were imported: ${said.join('')}`);
  await sql`truncate lead, list cascade`.execute(bench.services.db);
  const bare = await timed(() =>
    bench.services.db.transaction().execute(async tx => {
      await sql`create temp table staging (first text, last text, email text, title text, company text, domain text, country text) on commit drop`.execute(
        tx,
      );
      await sql`copy staging from ${sql.lit(file)} with (format csv, header)`.execute(tx);
      await sql`insert into lead (workspace_id, full_name, first_name, last_name, email, email_key, title, company, company_domain, created_at, updated_at)
        select ${bench.workspaceId}, first || ' ' || last, first, last, email, lower(email), title, company, domain, ${bench.clock.now()}, ${bench.clock.now()}
        from staging on conflict (workspace_id, email_key) where email_key is not null do nothing`.execute(tx);
    }),
  );
  await bench.close();
  await rm(folder, { recursive: true });
  return [
    against(`CSV import of ${rows.toLocaleString('en-US')} rows`, ours, bare, 2),
    {
      what: `its resident memory`,
      measured: `${Math.round(peak / 1e6)} MB`,
      target: '< 300 MB',
      met: peak < 300e6,
    },
  ];
}
