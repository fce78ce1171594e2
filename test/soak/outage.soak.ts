import { expect, it } from 'vitest';
import { runOutage } from '../gateway/outage.ts';

/**
 * Run by `npx vitest run --config vitest.soak.config.ts test/soak/outage.soak.ts`. 259,200 batches of 64
 * metrics; the gateway is killed 200 times while it fills, reconnects and sends.
 */
it('has every second of 72 hours without a broker once, after 200 kills, within 3 minutes', async () => {
  const report = await runOutage({ hours: 72, kills: 200, seed: 7, backfillPerSecond: 2_000 });
  console.log(report);
  expect(report).toMatchObject({ faults: [], missingSeconds: 0, gaps: 0, kills: 200 });
  expect(report.batches).toBeGreaterThanOrEqual(259_200);
  expect(report.backfillBeside).toBeGreaterThan(100_000);
  expect(report.liveCount).toBeGreaterThan(50);
  expect(report.liveLatencyMsMax).toBeLessThan(2_000);
  expect(report.tookMs).toBeLessThan(180_000);
}, 400_000);
