import type { JournalEntry } from '../../src/model/entry.ts';
import { rawStream, type Stretch } from './raw-stream.ts';
import {
  chained,
  chunked,
  createTestJournal,
  crewFact,
  DAY,
  DAY_START_MS,
  MIN,
  type WorldOptions,
  worldFacts,
} from './world.ts';

export const WORLD: WorldOptions = {
  factor: 'noise',
  unit: 'dB(A)',
  range: [60, 105],
  shifts: [{ name: 'a', days: [1, 2], start: '08:00', end: '08:50' }],
};

/** A journal with holes in the order, late data, a fact learnt late and ticks. */
export function eventfulJournal(stretches: readonly Stretch[]) {
  const journal = createTestJournal();
  const entries: JournalEntry[] = worldFacts(WORLD).map((f) => journal.fact(f, DAY_START_MS - DAY));
  const { frames } = rawStream(stretches, 70 * 60, [60, 105]);
  const batches = chained(chunked(frames, 29));
  const live = batches.filter((_, i) => i % 7 !== 3);
  const late = batches.filter((_, i) => i % 7 === 3);
  let now = DAY_START_MS;
  for (const [i, batch] of [...live, ...late].entries()) {
    now = Math.max(now + 500, batch.frames.at(-1)!.at);
    entries.push(journal.batch(batch, now));
    if (i % 5 === 0) entries.push(journal.tick(now));
  }
  entries.push(journal.fact(crewFact({ ...WORLD, basis: 'ASSUMED_FULL_SHIFT' }), now));
  for (let i = 1; i < 40; i++) entries.push(journal.tick(now + i * MIN));
  return entries;
}
