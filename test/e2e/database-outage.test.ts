import { expect, it } from 'vitest';
import { IN_FLIGHT_BYTES_MAX, type Outage, runDatabaseOutage } from './database-outage.ts';

/** One chunk of each socket may come on top of the bound. */
const CHUNKS_BYTES = 1_048_576;

it.concurrent.each<[Outage]>([['killed'], ['hung']])(
  'while the database is %s nothing is acknowledged, and all is in once it is back',
  async (outage) => {
    const report = await runDatabaseOutage(outage, 3_000);
    expect(report).toMatchObject({ acknowledgedMeanwhile: 0, acksAhead: 0 });
    expect(report.inFlightBytesMax).toBeLessThanOrEqual(IN_FLIGHT_BYTES_MAX + CHUNKS_BYTES);
  },
  240_000,
);
