import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { JournalEntry } from '../../model/entry.ts';
import type { Logger } from '../../process/log.ts';
import { followJournal } from '../journal/follow.ts';
import type { JournalPlace } from '../journal/journal-head.ts';
import { oldestPos, readCursor, saveCursor } from './cursor.ts';
import { readFacts } from './known-facts.ts';
import type { LineWriter } from './line-writer.ts';
import type { InfluxMetrics, Lag } from './metrics.ts';
import { createPlaces } from './place-tags.ts';
import { createReadingLines, type TimeBounds } from './reading-lines.ts';
import type { InfluxSettings } from './settings.ts';

export interface FollowerDeps {
  readonly pool: pg.Pool;
  readonly shard: string;
  readonly journal: JournalPlace;
  readonly writer: LineWriter;
  readonly metrics: InfluxMetrics;
  readonly bounds: TimeBounds;
  readonly log: Logger;
  /** Hub time, UTC ms. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Entries taken from the journal at once. */
const ENTRIES_MAX = 1_000;
/** Lines are made for so long at a stretch; then messages and acknowledgements have their turn. */
const SLICE_MS_MAX = 5;
const RESTART_MS = 5_000;

const CURSOR = 'influx-readings';

/**
 * Writes the readings of every batch of the journal, in order, one request at a time: from the ring
 * when it keeps up, from blocks when it does not. Ends when the signal aborts; what fails otherwise
 * is tried again.
 */
export async function followReadings(settings: InfluxSettings, deps: FollowerDeps): Promise<void> {
  const { signal, log } = deps;
  const place = { pos: 0, receivedAtMs: deps.now() };
  deps.metrics.watch('readings', () => lagOf(place, deps));
  while (!signal.aborted) {
    try {
      await follow(settings, deps, place);
    } catch (error) {
      log.error({ error: (error as Error).message }, 'the InfluxDB sink starts again');
      await sleep(RESTART_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Where the follower stands. */
interface Standpoint {
  /** Last position whose lines are written. */
  pos: number;
  /** When the latest of them came in, UTC ms. */
  receivedAtMs: number;
}

function lagOf(place: Standpoint, { journal, now }: FollowerDeps): Lag {
  const entries = Math.max(0, journal.head.headPos() - place.pos);
  const seconds = entries === 0 ? 0 : Math.max(0, now() - place.receivedAtMs) / 1_000;
  return { entries, seconds };
}

async function follow(
  settings: InfluxSettings,
  deps: FollowerDeps,
  place: Standpoint,
): Promise<void> {
  const { pool, shard, signal, log, metrics } = deps;
  const cursor = await readCursor(pool, shard, CURSOR);
  const oldest = (await oldestPos(pool, shard)) ?? 1;
  place.pos = Math.max(cursor, oldest - 1);
  if (cursor > 0 && place.pos > cursor) {
    metrics.skipped(place.pos - cursor);
    log.error({ fromPos: cursor + 1, toPos: place.pos }, 'these readings are no longer there');
  }
  // From now on the journal keeps what comes after it.
  await saveCursor(pool, shard, CURSOR, place.pos);
  const places = createPlaces();
  const lines = createReadingLines(places, deps.bounds);
  // Facts up to here are projected; those between here and the cursor stand in the journal only.
  const projected = await readCursor(pool, shard, 'evaluator');
  const knownPos = Math.max(oldest - 1, Math.min(place.pos, projected));
  for (const { pos, fact } of await readFacts(pool, shard, 1, knownPos)) places.learn(pos, fact);
  const options = { pool, shard, signal, log, entriesMax: ENTRIES_MAX, fromPos: knownPos + 1 };
  const journal = followJournal({ ...options, ...deps.journal });
  const batch = createBatch(settings, deps, place);
  for await (const entries of journal) {
    for (const entry of entries) {
      if (entry.kind === 'fact') places.learn(entry.pos, entry.fact);
      if (entry.pos <= place.pos) continue;
      const isFull = await batch.take(entry, () => (entry.kind === 'batch' ? lines(entry) : []));
      if (isFull && !(await batch.flush())) return;
    }
    if (!(await batch.flush())) return;
  }
}

/** Gathers lines; `flush` writes them, moves the cursor and keeps to the bounds on time. */
function createBatch(
  settings: InfluxSettings,
  { pool, shard, writer, signal, log }: FollowerDeps,
  place: Standpoint,
) {
  const { linesMax, intervalMs, cpuShareMax } = settings;
  let lines: string[] = [];
  let last: Pick<JournalEntry, 'pos' | 'receivedAtMs'> | undefined;
  let busyMs = 0;
  let sliceFromMs = performance.now();

  return {
    /** True: it is full. */
    async take(entry: JournalEntry, make: () => string[]): Promise<boolean> {
      const startedMs = performance.now();
      if (startedMs - sliceFromMs > SLICE_MS_MAX) {
        await new Promise((next) => setImmediate(next));
        sliceFromMs = performance.now();
      }
      const fromMs = performance.now();
      for (const line of make()) lines.push(line);
      busyMs += performance.now() - fromMs;
      last = entry;
      return lines.length >= linesMax;
    },
    /** False: the signal ended it. */
    async flush(): Promise<boolean> {
      if (last === undefined) return !signal.aborted;
      const startedMs = performance.now();
      const isFull = lines.length >= linesMax;
      if (!(await writer.write('readings', lines))) return false;
      place.pos = last.pos;
      place.receivedAtMs = last.receivedAtMs;
      // Not saved: the next start writes some lines again.
      await saveCursor(pool, shard, CURSOR, place.pos).catch((error: Error) =>
        log.warn({ error: error.message }, 'cannot save the cursor of the InfluxDB sink'),
      );
      const restMs = busyMs * (1 / cpuShareMax - 1) - (performance.now() - startedMs);
      const waitMs = Math.max(isFull ? 0 : intervalMs, restMs);
      lines = [];
      last = undefined;
      busyMs = 0;
      if (waitMs <= 0) return !signal.aborted;
      return sleep(waitMs, true, { signal }).catch(() => false);
    },
  };
}
