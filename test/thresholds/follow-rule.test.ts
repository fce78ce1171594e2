import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../src/model/entry.ts';
import type { Standing } from '../../src/model/exposure.ts';
import {
  chained,
  chunked,
  createTestJournal,
  DAY,
  DAY_START_MS,
  MIN,
  runEntries,
  type TestBatch,
  type TestFrame,
  unnumbered,
  type WorldOptions,
  worldFacts,
} from './world.ts';

const WORLD: WorldOptions = { range: [0, 500] };
const LENGTH_MIN = 200;

/** A frame every 20 s, of values that tell orders of summing apart. */
const frames: TestFrame[] = Array.from({ length: LENGTH_MIN * 3 }, (_, i) => ({
  at: DAY_START_MS + (i + 1) * 20_000,
  spanMs: 20_000,
  value: Math.round((3 + Math.sin(i) * 2.9) * 10) / 10,
}));

/** Standings by rule and minute when batches come in this order, one a minute. */
function standings(batches: readonly TestBatch[]): Map<string, Standing> {
  const journal = createTestJournal();
  const entries: JournalEntry[] = worldFacts(WORLD).map((f) => journal.fact(f, DAY_START_MS - DAY));
  let now = DAY_START_MS;
  for (const batch of batches) {
    now = Math.max(now, batch.frames.at(-1)!.at);
    entries.push(journal.batch(batch, now));
  }
  const found = new Map<string, Standing>();
  for (const output of runEntries(entries).outputs) {
    if (output.kind !== 'standing') continue;
    const { subject, asOfMs } = output.standing;
    found.set(`${subject.limitKind} ${asOfMs}`, output.standing);
  }
  return found;
}

describe('a running rule', () => {
  it.each([
    ['numbered', (all: TestFrame[][]) => chained(all)],
    ['unnumbered', (all: TestFrame[][]) => unnumbered(all)],
  ])('stands where it would have stood, a few minutes after late data (%s)', (_, batchesOf) => {
    const batches = batchesOf(chunked(frames, 3));
    const inTime = standings(batches);
    fc.assert(
      fc.property(fc.nat(LENGTH_MIN - 40), fc.integer({ min: 1, max: 20 }), (index, delay) => {
        const rest = batches.filter((_, i) => i !== index);
        const late = [
          ...rest.slice(0, index + delay),
          batches[index]!,
          ...rest.slice(index + delay),
        ];
        const found = standings(late);
        for (const [key, standing] of inTime) {
          const minute = (standing.asOfMs - DAY_START_MS) / MIN;
          if (minute > index + delay + 5) expect(found.get(key)).toEqual(standing);
        }
      }),
      { numRuns: 12 },
    );
    expect(inTime.size).toBeGreaterThanOrEqual((2 * LENGTH_MIN) / 5);
  });

  it('is read again at once while there is little to read', () => {
    const batches = chained(chunked(frames.slice(0, 60), 3));
    const rest = batches.filter((_, i) => i !== 5);
    const found = standings([...rest.slice(0, 9), batches[5]!, ...rest.slice(9)]);
    expect(found.has(`PC_TWA ${DAY_START_MS + 11 * MIN}`)).toBe(true);
  });
});
