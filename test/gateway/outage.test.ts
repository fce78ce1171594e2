import { expect, it } from 'vitest';
import { runOutage } from './outage.ts';

/** The same code as test/soak/outage.soak.ts, which runs 72 hours and 200 kills. */
it('has every second of 6 hours without a broker once, after 30 kills, and live stays live', async () => {
  const report = await runOutage({ hours: 6, kills: 30, seed: 4, backfillPerSecond: 1_000 });
  expect(report).toMatchObject({ faults: [], missingSeconds: 0, gaps: 0, kills: 30 });
  expect(report.batches).toBeGreaterThanOrEqual(6 * 3_600);
  expect(report.backfillBeside).toBeGreaterThan(6 * 360);
  expect(report.liveCount).toBeGreaterThan(5);
  expect(report.liveLatencyMsMax).toBeLessThan(2_000);
}, 120_000);
