import { defineConfig } from 'vitest/config';

/** One database per worker, emptied between tests; two workers where there are two cores. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    isolate: false,
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
