import { defineConfig } from 'vitest/config';

// `unit` beside the code (no process, no network beyond loopback), `e2e` with the real processes, `scale` with many of them.
export default defineConfig({
  test: {
    projects: [
      {
        test: { name: 'unit', include: ['apps/gateway/src/**/*.spec.ts', 'test/contract/**/*.spec.ts'] },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.spec.ts', 'test/faults/**/*.spec.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        // `npm run scale-test` alone: minutes of load.
        test: {
          name: 'scale',
          include: ['test/scale/**/*.spec.ts'],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
