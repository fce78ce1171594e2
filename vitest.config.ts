import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/property-seed.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A machine that stalls for a second, or runs something else, fails no test.
    expect: { poll: { timeout: 30_000 } },
    // Two cores: real servers and children run beside the tests.
    maxWorkers: 2,
    reporters: ['default'],
  },
});
