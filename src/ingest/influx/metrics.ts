import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Answer } from './server.ts';

export interface InfluxMetrics {
  answered(kind: Answer['kind'], tookMs: number): void;
  written(source: string, lines: number): void;
  quarantined(source: string, lines: number): void;
  /** Positions that were no longer in the journal when the sink came to them. */
  skipped(entries: number): void;
  /** What is read when `/metrics` is asked for. */
  watch(source: string, lag: () => Lag): void;
}

/** How far a source is behind. */
export interface Lag {
  readonly entries: number;
  readonly seconds: number;
}

export function createInfluxMetrics(registry: Registry): InfluxMetrics {
  const registers = [registry];
  const lines = new Counter({
    name: 'wugan_influx_lines_total',
    help: 'Lines, each once, by what became of them',
    labelNames: ['source', 'outcome'],
    registers,
  });
  const requestSeconds = new Histogram({
    name: 'wugan_influx_request_seconds',
    help: 'Requests to InfluxDB',
    labelNames: ['outcome'],
    buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
    registers,
  });
  const skipped = new Counter({
    name: 'wugan_influx_skipped_entries_total',
    help: 'Journal entries that were gone before they were written',
    registers,
  });
  const lags = new Map<string, () => Lag>();
  const gauge = (name: string, help: string, read: (lag: Lag) => number): Gauge =>
    new Gauge({
      name,
      help,
      labelNames: ['source'],
      registers,
      collect() {
        for (const [source, lag] of lags) this.set({ source }, read(lag()));
      },
    });
  gauge('wugan_influx_lag_entries', 'Journal positions not yet written', (lag) => lag.entries);
  gauge('wugan_influx_lag_seconds', 'Age of the first of them', (lag) => lag.seconds);
  return {
    answered: (kind, tookMs) => requestSeconds.observe({ outcome: kind }, tookMs / 1_000),
    written: (source, count) => lines.inc({ source, outcome: 'written' }, count),
    quarantined: (source, count) => lines.inc({ source, outcome: 'quarantined' }, count),
    skipped: (entries) => skipped.inc(entries),
    watch: (source, lag) => lags.set(source, lag),
  };
}
