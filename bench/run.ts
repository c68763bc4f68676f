import { cpus } from 'node:os';
import { serverUrl } from '../test/support/database.ts';
import { claiming, enrolling, planning, preflight } from './enrollments.ts';
import { amongAMillion, reading, sending } from './mail.ts';
import { type Line, table } from './measure.ts';
import { directory, importing } from './sources.ts';
import { digest, events, slashCommand, startUp } from './surfaces.ts';

/** The same over several sizes: how it grows. */
const over = async (sizes: readonly number[], bench: (size: number) => Promise<Line[]>): Promise<Line[]> => {
  const lines: Line[] = [];
  for (const size of sizes) lines.push(...(await bench(size)));
  return lines;
};

/**
 * `npm run bench [NAME …]`: every figure that Drover promises, against the bare statement in the same run where there is one. It needs a
 * Postgres server in TEST_DATABASE_URL and makes databases of its own there. Nothing here is a test: a slow machine prints NO.
 */
const benches: Record<string, () => Promise<Line[]>> = {
  enrolling: () => enrolling([10_000, 100_000, 1_000_000]),
  importing: () => over([10_000, 200_000, 1_000_000], importing),
  planning: async () => [...(await planning(10_000, 20)), ...(await planning(100_000, 200)), ...(await planning(1_000_000, 200))],
  claiming: () => over([10_000, 100_000, 1_000_000], claiming),
  directory: () => over([25_000, 1_000_000], directory),
  preflight: () => over([10_000, 50_000, 1_000_000], preflight),
  sending,
  million: amongAMillion,
  reading,
  slash: () => over([10_000, 100_000, 1_000_000], slashCommand),
  events,
  digest: () => over([10_000, 100_000, 1_000_000], digest),
  start: startUp,
};

if (!serverUrl) {
  process.stderr.write('The bench needs a Postgres server: TEST_DATABASE_URL="$(./scripts/postgres.sh)" npm run bench\n');
  process.exit(1);
}
const wanted = process.argv.slice(2);
const lines: Line[] = [];
for (const [name, run] of Object.entries(benches)) {
  if (wanted.length && !wanted.includes(name)) continue;
  process.stderr.write(`${name} …\n`);
  const measured = await run();
  process.stderr.write(`${table(measured)}\n`);
  lines.push(...measured);
}
process.stdout.write(`${cpus().length} × ${cpus()[0]!.model}, Node ${process.version}\n\n${table(lines)}\n`);
process.exit(0);
