import { setTimeout as sleep } from 'node:timers/promises';
import { readCursor, saveCursor } from './cursor.ts';
import type { FollowerDeps } from './follow-readings.ts';
import { readFacts } from './known-facts.ts';
import { cellLine, resultLine } from './output-lines.ts';
import { type PosSpan, readCells, readResults } from './output-rows.ts';
import { createPlaces, type Places } from './place-tags.ts';
import type { InfluxSettings } from './settings.ts';

/** Positions looked at together, and with them the facts held. */
const POSITIONS_MAX = 5_000;
const RETRY_MS = 5_000;

const CURSOR = 'influx-results';

/**
 * Writes minute cells and window results behind the evaluator, by the journal position that gave
 * them. Ends when the signal aborts; what fails is tried again.
 */
export async function followResults(
  settings: InfluxSettings,
  deps: Omit<FollowerDeps, 'journal' | 'bounds'>,
): Promise<void> {
  const { pool, shard, metrics, log, now, signal } = deps;
  const startedMs = now();
  const stand = { pos: 0, evaluatedPos: 0, caughtUpAtMs: startedMs };
  metrics.watch('results', () => {
    const entries = Math.max(0, stand.evaluatedPos - stand.pos);
    return { entries, seconds: entries === 0 ? 0 : (now() - stand.caughtUpAtMs) / 1_000 };
  });
  let places: Places | undefined;
  while (!signal.aborted) {
    let waitMs = settings.intervalMs;
    try {
      if (places === undefined) {
        stand.pos = await readCursor(pool, shard, CURSOR);
        places = createPlaces();
        for (const { pos, fact } of await readFacts(pool, shard, 1, stand.pos)) {
          places.learn(pos, fact);
        }
      }
      stand.evaluatedPos = await readCursor(pool, shard, 'evaluator');
      while (stand.pos < stand.evaluatedPos) {
        const toPos = Math.min(stand.evaluatedPos, stand.pos + POSITIONS_MAX);
        const span = { fromPos: stand.pos + 1, toPos };
        const { linesMax } = settings;
        if (!(await writeOutputs(span, places, { ...deps, linesMax }))) return;
        await saveCursor(pool, shard, CURSOR, toPos);
        stand.pos = toPos;
      }
      stand.caughtUpAtMs = now();
    } catch (error) {
      // What the places learnt of the span is learnt again.
      places = undefined;
      waitMs = RETRY_MS;
      log.warn({ error: (error as Error).message }, 'the InfluxDB sink can not read results');
    }
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Cells and results that entries of a span gave; false: the writer closed. */
async function writeOutputs(
  span: PosSpan,
  places: Places,
  {
    pool,
    shard,
    writer,
    linesMax,
  }: Pick<FollowerDeps, 'pool' | 'shard' | 'writer'> & { readonly linesMax: number },
): Promise<boolean> {
  for (const { pos, fact } of await readFacts(pool, shard, span.fromPos, span.toPos)) {
    places.learn(pos, fact);
  }
  for await (const cells of readCells(pool, shard, span, linesMax)) {
    if (
      !(await writer.write(
        'results',
        cells.map((cell) => cellLine(places, cell)),
      ))
    )
      return false;
  }
  for await (const results of readResults(pool, shard, span, linesMax)) {
    if (!(await writer.write('results', results.map(resultLine)))) return false;
  }
  return true;
}
