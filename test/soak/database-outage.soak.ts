import { expect, it } from 'vitest';
import { IN_FLIGHT_BYTES_MAX, type Outage, runDatabaseOutage } from '../e2e/database-outage.ts';

const AWAY_MS = 60_000;
const MIB = 1_048_576;

/** Run by `npx vitest run --config vitest.soak.config.ts test/soak/database-outage.soak.ts`. */
it.each<[Outage]>([['killed'], ['hung'], ['restarted']])(
  'PostgreSQL %s for a minute: nothing is acknowledged, memory is bounded, then all is in once',
  async (outage) => {
    const report = await runDatabaseOutage(outage, AWAY_MS);
    console.info(outage, report);
    expect(report).toMatchObject({ acknowledgedMeanwhile: 0, acksAhead: 0 });
    expect(report.inFlightBytesMax).toBeLessThanOrEqual(IN_FLIGHT_BYTES_MAX + MIB);
    expect(report.rssBytes.max).toBeLessThanOrEqual(report.rssBytes.before + 128 * MIB);
  },
);
