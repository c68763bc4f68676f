import { configDefaults, defineConfig } from 'vitest/config';

/** What needs several processes on one database is named `*.server.test.ts` and belongs to the suite on a Postgres server. */
const serverOnly = process.env.TEST_DATABASE_URL ? [] : ['test/**/*.server.test.ts'];

/** One database per worker, emptied between tests; two workers where there are two cores. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...serverOnly],
    pool: 'forks',
    isolate: false,
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
