import { expect, it } from 'vitest';
import { runOutage } from './outage.ts';

/** The same code as test/soak/outage.soak.ts, which runs 72 hours and 200 kills. */
it('has every second of 2 hours without a broker once, after 20 kills, and live stays live', async () => {
  const report = await runOutage({ hours: 2, kills: 20, seed: 4, backfillPerSecond: 500 });
  expect(report).toMatchObject({ faults: [], missingSeconds: 0, gaps: 0, kills: 20 });
  expect(report.batches).toBeGreaterThanOrEqual(2 * 3_600);
  expect(report.backfillBeside).toBeGreaterThan(2 * 360);
  expect(report.liveCount).toBeGreaterThan(5);
  // Five hundred a second: less than a second of the backlog goes before a second that is new.
  expect(report.overtakenMax).toBeLessThan(500);
}, 240_000);
