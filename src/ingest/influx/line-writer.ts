import type pg from 'pg';
import type { Logger } from '../../process/log.ts';
import { createDeadLetters, type DeadLetters } from '../dead-letters.ts';
import { type DeliverDeps, deliver, type RefusedLines } from './deliver.ts';
import type { InfluxMetrics } from './metrics.ts';
import { createInfluxServer } from './server.ts';
import type { InfluxSettings } from './settings.ts';

/** Where lines come from; the topic of their dead letters. */
export type LineSource = 'readings' | 'results' | 'refill';

export interface LineWriter {
  /**
   * Ends when every line is stored by the server, or kept as a dead letter with its words. False:
   * closed before; then nothing is known of them, and they must come again.
   */
  write(source: LineSource, lines: readonly string[]): Promise<boolean>;
  /** Gives up what is under way. */
  close(): Promise<void>;
}

export interface LineWriterDeps {
  readonly pool: pg.Pool;
  readonly shard: string;
  readonly metrics: Pick<InfluxMetrics, 'answered' | 'written' | 'quarantined'>;
  readonly log: Logger;
  readonly now: () => number;
}

/** How often a trouble that stays is told again. */
const TROUBLE_LOG_MS = 60_000;

/** Lines to the server and, what it refuses, to the dead letters. */
export function createLineWriter(
  settings: InfluxSettings & { readonly url: string },
  { pool, shard, metrics, log, now }: LineWriterDeps,
): LineWriter {
  const server = createInfluxServer(settings);
  const letters = createDeadLetters(pool, shard, log);
  const stop = new AbortController();
  let troubleToldMs: number | null = null;

  const deps: DeliverDeps = {
    server,
    retry: settings.retry,
    signal: stop.signal,
    random: Math.random,
    now,
    onAnswer(answer, tookMs) {
      metrics.answered(answer.kind, tookMs);
      if (answer.kind === 'written') {
        if (troubleToldMs !== null) log.info('InfluxDB takes lines again');
        troubleToldMs = null;
      } else if (troubleToldMs === null || now() - troubleToldMs > TROUBLE_LOG_MS) {
        troubleToldMs = now();
        log.warn({ answer: answer.message }, `InfluxDB: ${answer.kind}`);
      }
    },
  };

  return {
    async write(source, lines) {
      if (lines.length === 0) return true;
      const delivered = await deliver(lines, deps);
      if (delivered === null) return false;
      const kept = await Promise.all(
        delivered.refused.map((refused) => keep(letters, source, refused, now())),
      );
      if (kept.includes(false)) return false;
      metrics.written(source, delivered.written);
      for (const { lines: refused, message } of delivered.refused) {
        metrics.quarantined(source, refused.length);
        log.error({ source, lines: refused.length, message }, 'InfluxDB refuses lines for good');
      }
      return true;
    },
    async close() {
      stop.abort();
      server.close();
      await letters.close();
    },
  };
}

const keep = (
  letters: DeadLetters,
  source: LineSource,
  { lines, message }: RefusedLines,
  receivedAtMs: number,
): Promise<boolean> =>
  new Promise((done) => {
    letters.put({
      receivedAtMs,
      source: 'influx',
      topic: `influx/${source}`,
      reason: 'sink-refused',
      detail: message,
      raw: Buffer.from(lines.join('\n')),
      done,
    });
  });
