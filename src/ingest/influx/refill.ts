import type pg from 'pg';
import { DAY_MS, MINUTE_MS } from '../../model/time.ts';
import type { Logger } from '../../process/log.ts';
import { readBlock, type StoredBlock } from '../journal/read-block.ts';
import { readFacts } from './known-facts.ts';
import { createLineWriter, type LineWriter } from './line-writer.ts';
import { cellLine, resultLine } from './output-lines.ts';
import { type Period, readCellsOf, readResults } from './output-rows.ts';
import { createPlaces, type Places } from './place-tags.ts';
import { createReadingLines, type TimeBounds } from './reading-lines.ts';
import type { InfluxSettings } from './settings.ts';

export interface RefillDeps {
  readonly pool: pg.Pool;
  readonly shard: string;
  readonly period: Period;
  readonly bounds: TimeBounds;
  readonly log: Logger;
  /** Share of the work done, 0–1, and lines written so far. */
  readonly onProgress: (share: number, written: number) => void;
  /** Ends it early; what was written stays. */
  readonly signal: AbortSignal;
}

export interface RefillReport {
  readonly written: number;
  /** Lines that the server refuses: they are dead letters. */
  readonly quarantined: number;
  /** False: ended early. */
  readonly isWhole: boolean;
}

type Refill = Omit<RefillDeps, 'onProgress'> & {
  readonly onProgress: (share: number) => void;
  readonly writer: LineWriter;
  readonly places: Places;
  readonly linesMax: number;
};

const LAST_POS = Number.MAX_SAFE_INTEGER;
/** The journal is most of the work by far. */
const READINGS_SHARE = 0.9;

/**
 * Writes readings, minute cells and results of a period to InfluxDB again, with the tags that the sink
 * gave them. It may run beside the hub, and as often as one likes: the same points again change nothing.
 * Waits for a server that is away. Throws what the database throws.
 */
export async function refillInflux(
  settings: InfluxSettings & { readonly url: string },
  deps: RefillDeps,
): Promise<RefillReport> {
  const { pool, shard, log, signal, period } = deps;
  const count = { written: 0, quarantined: 0 };
  const metrics = {
    answered: () => undefined,
    written: (_source: string, lines: number) => {
      count.written += lines;
    },
    quarantined: (_source: string, lines: number) => {
      count.quarantined += lines;
    },
  };
  const writer = createLineWriter(settings, { pool, shard, log, metrics, now: Date.now });
  const close = (): void => void writer.close();
  signal.addEventListener('abort', close, { once: true });
  const places = createPlaces();
  for (const { pos, fact } of await readFacts(pool, shard, 1, LAST_POS)) places.learn(pos, fact);
  const onProgress = (share: number): void => deps.onProgress(share, count.written);
  const refill = { ...deps, onProgress, writer, places, linesMax: settings.linesMax };
  try {
    const isWhole =
      (await refillReadings(refill)) &&
      (await refillCells(refill, period)) &&
      (await refillResults(refill, period));
    if (isWhole) onProgress(1);
    return { ...count, isWhole };
  } finally {
    signal.removeEventListener('abort', close);
    await writer.close();
  }
}

async function refillReadings(refill: Refill): Promise<boolean> {
  const { pool, shard, period, linesMax, writer } = refill;
  const linesOf = createReadingLines(refill.places, refill.bounds);
  const where = `shard = $1 and at_max_ms >= $2 and at_min_ms < $3`;
  const values = [shard, period.fromMs, period.untilMs];
  const counted = await pool.query<{ blocks: number }>(
    `select count(*)::int as blocks from telemetry.block where ${where}`,
    values,
  );
  const blocks = counted.rows[0]?.blocks ?? 0;
  let lines: string[] = [];
  let afterPos = 0;
  for (let done = 0; ; done++) {
    const { rows } = await pool.query<StoredBlock & { pos_to: number }>(
      `select pos_to, header, body from telemetry.block
       where ${where} and pos_from > $4 order by pos_from limit 1`,
      [...values, afterPos],
    );
    const [block] = rows;
    if (block === undefined) return writer.write('refill', lines);
    afterPos = block.pos_to;
    for (const entry of readBlock(block)) {
      if (entry.kind === 'batch') for (const line of linesOf(entry, period)) lines.push(line);
      if (lines.length < linesMax) continue;
      if (!(await writer.write('refill', lines))) return false;
      lines = [];
    }
    refill.onProgress((READINGS_SHARE * (done + 1)) / Math.max(blocks, done + 1));
  }
}

/** Spans of event time of about a request each, however many channels there are. */
async function refillCells(refill: Refill, { fromMs, untilMs }: Period): Promise<boolean> {
  const { pool, shard, places, writer, linesMax } = refill;
  let spanMs = MINUTE_MS;
  for (let startMs = fromMs; startMs < untilMs; ) {
    const endMs = Math.min(untilMs, startMs + spanMs);
    const cells = await readCellsOf(pool, shard, { fromMs: startMs, untilMs: endMs });
    for (let i = 0; i < cells.length; i += linesMax) {
      const lines = cells.slice(i, i + linesMax).map((cell) => cellLine(places, cell));
      if (!(await writer.write('refill', lines))) return false;
    }
    startMs = endMs;
    if (cells.length < linesMax / 2) spanMs = Math.min(spanMs * 2, DAY_MS);
    else if (cells.length > linesMax) spanMs = Math.max(MINUTE_MS, Math.floor(spanMs / 2));
    const share = (endMs - fromMs) / (untilMs - fromMs);
    refill.onProgress(READINGS_SHARE + (1 - READINGS_SHARE) * share);
  }
  return true;
}

async function refillResults(refill: Refill, period: Period): Promise<boolean> {
  const { pool, shard, writer, linesMax } = refill;
  const all = { fromPos: 0, toPos: LAST_POS };
  for await (const results of readResults(pool, shard, all, linesMax, period)) {
    if (!(await writer.write('refill', results.map(resultLine)))) return false;
  }
  return true;
}
