import type pg from 'pg';
import { HOUR_MS } from '../../model/time.ts';
import type { Logger } from '../../process/log.ts';
import { makePartitions } from './partitions.ts';
import { deleteOldCells, dropOldPartitions, type RetentionSettings } from './retention.ts';

export interface JournalUpkeep {
  /** Does everything once, now. Throws what the database throws. */
  run(): Promise<void>;
  close(): Promise<void>;
}

interface UpkeepDeps {
  readonly now: () => number;
  readonly retention: RetentionSettings;
  /** Hears how many days were dropped, and how many are old enough but still needed. */
  readonly onAged: (dropped: number, held: number) => void;
  readonly log: Logger;
}

const EVERY_MS = HOUR_MS;
/** Deletes of old cells in one run; the rest waits an hour. */
const DELETES_PER_RUN = 20;

/**
 * Once an hour: partitions are made ahead of the clock, those that are old enough and not needed any
 * more dropped, old minute cells deleted. What fails is told and tried again in an hour.
 */
export function startJournalUpkeep(pool: pg.Pool, deps: UpkeepDeps): JournalUpkeep {
  const { now, retention, onAged, log } = deps;
  let running: Promise<void> | undefined;

  async function runOnce(): Promise<void> {
    await makePartitions(pool, now());
    const outcome = await dropOldPartitions(pool, now(), retention);
    onAged(outcome.partitions.length, outcome.held.length);
    for (const partition of outcome.partitions) log.info({ partition }, 'journal day dropped');
    for (const one of outcome.held) {
      log.error(one, 'a journal day is past its retention and still needed; it stays');
    }
    for (let i = 0; i < DELETES_PER_RUN; i++) {
      if ((await deleteOldCells(pool, now(), retention)) === 0) return;
    }
  }

  const run = (): Promise<void> => {
    running ??= runOnce().finally(() => {
      running = undefined;
    });
    return running;
  };
  const timer = setInterval(() => {
    run().catch((error: Error) => log.error({ error: error.message }, 'journal upkeep failed'));
  }, EVERY_MS);
  return {
    run,
    async close() {
      clearInterval(timer);
      await running?.catch(() => undefined);
    },
  };
}
