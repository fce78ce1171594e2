import type pg from 'pg';
import type { Registry } from 'prom-client';
import type { Logger } from '../../process/log.ts';
import type { JournalPlace } from '../journal/journal-head.ts';
import { followReadings } from './follow-readings.ts';
import { followResults } from './follow-results.ts';
import { createLineWriter } from './line-writer.ts';
import { createInfluxMetrics } from './metrics.ts';
import type { TimeBounds } from './reading-lines.ts';
import type { InfluxSettings } from './settings.ts';

export interface InfluxSinkDeps {
  readonly pool: pg.Pool;
  readonly shard: string;
  readonly journal: JournalPlace;
  readonly bounds: TimeBounds;
  readonly metrics: Registry;
  readonly log: Logger;
  /** Hub time, UTC ms. */
  readonly now: () => number;
}

export interface InfluxSink {
  /** Gives up what is under way; the next start goes on where it stood. */
  close(): Promise<void>;
}

/** Brings the journal to InfluxDB behind everybody's back; nothing waits for it. */
export function startInfluxSink(
  settings: InfluxSettings & { readonly url: string },
  deps: InfluxSinkDeps,
): InfluxSink {
  const metrics = createInfluxMetrics(deps.metrics);
  const stop = new AbortController();
  const writer = createLineWriter(settings, { ...deps, metrics });
  const parts = { ...deps, metrics, writer, signal: stop.signal };
  const running = Promise.all([followReadings(settings, parts), followResults(settings, parts)]);
  return {
    async close() {
      stop.abort();
      await writer.close();
      await running;
    },
  };
}
