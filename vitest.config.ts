import { configDefaults, defineConfig } from 'vitest/config';
import { anyEngine } from './test/support/engines.ts';

/** What meets no database of the suite is the same on a server, and is left to the suite without one. */
const once = process.env.TEST_DATABASE_URL ? anyEngine(import.meta.dirname) : [];
/** What needs several processes on one database is named `*.server.test.ts` and belongs to the suite on a Postgres server. */
const serverOnly = process.env.TEST_DATABASE_URL ? [] : ['test/**/*.server.test.ts'];
/** What needs the mail servers of `scripts/mail.sh` is named `*.mail.test.ts`. */
const mailOnly = process.env.TEST_MAIL ? [] : ['test/**/*.mail.test.ts'];

/** One database per worker, emptied between tests; two workers where there are two cores. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...once, ...serverOnly, ...mailOnly],
    pool: 'forks',
    isolate: false,
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
