import { defineConfig } from 'vitest/config';

/** The long proofs with real workers and a Postgres of their own: `npx vitest run --config test/chaos/vitest.config.ts`. */
export default defineConfig({
  test: { include: ['test/chaos/*.chaos.ts'], pool: 'forks', maxWorkers: 1, testTimeout: 1_800_000, hookTimeout: 120_000 },
});
