import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../src/model/entry.ts';
import {
  createEngine,
  DEFAULT_ENGINE_SETTINGS,
  ENGINE_VERSION,
  restoreEngine,
} from '../../src/thresholds/engine.ts';
import { eventfulJournal, WORLD } from './eventful-journal.ts';
import { stretch } from './raw-stream.ts';
import {
  chained,
  chunked,
  createTestJournal,
  crewFact,
  DAY,
  DAY_START_MS,
  HOUR,
  liveJournal,
  minutes,
  runEntries,
  type WorldOptions,
  worldFacts,
} from './world.ts';

const SETTINGS = DEFAULT_ENGINE_SETTINGS;
const stepAll = (engine: ReturnType<typeof createEngine>, entries: readonly JournalEntry[]) =>
  entries.map((entry) => engine.step(entry));

describe('restoreEngine()', () => {
  it('at any point goes on with the same outputs', () => {
    fc.assert(
      fc.property(
        fc.array(stretch, { minLength: 1, maxLength: 10 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 3 }),
        (stretches, cuts) => {
          const entries = eventfulJournal(stretches);
          const wanted = stepAll(createEngine(SETTINGS), entries);
          let engine = createEngine(SETTINGS);
          const outputs: unknown[] = [];
          const points = cuts.map((cut) => Math.floor(cut * entries.length));
          for (const [i, entry] of entries.entries()) {
            if (points.includes(i)) {
              const restored = restoreEngine(engine.checkpoint(), SETTINGS);
              if (!restored.ok) throw new Error(restored.detail);
              expect(restored.value.pos).toBe(engine.pos);
              engine = restored.value;
            }
            outputs.push(engine.step(entry));
          }
          expect(outputs).toEqual(wanted);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('in the middle of an orphaned shift takes back what was said', () => {
    const journal = createTestJournal();
    const hot = [
      ...minutes([
        [100, 480],
        [50, 5],
      ]),
    ];
    const world: WorldOptions = {
      ...WORLD,
      shifts: [{ name: 'd', days: [1], start: '08:00', end: '16:00' }],
    };
    const before: JournalEntry[] = [
      ...worldFacts(world).map((f) => journal.fact(f, DAY_START_MS - DAY)),
      ...chained(chunked(hot, 5)).map((b) => journal.batch(b, b.frames.at(-1)!.at)),
    ];
    const run = runEntries(before);
    expect(run.last('LEX_8H').verdict).toBe('exceeded');
    const restored = restoreEngine(run.engine.checkpoint(), SETTINGS);
    if (!restored.ok) throw new Error(restored.detail);
    const moved = crewFact({
      ...world,
      shifts: [{ name: 'd', days: [7], start: '08:00', end: '16:00' }],
    });
    const later = DAY_START_MS + 12 * HOUR;
    const second = restoreEngine(restored.value.checkpoint(), SETTINGS);
    if (!second.ok) throw new Error(second.detail);
    const after = runEntries([journal.fact(moved, later)], second.value);
    const third = restoreEngine(after.engine.checkpoint(), SETTINGS);
    if (!third.ok) throw new Error(third.detail);
    const end = runEntries([journal.tick(later + HOUR)], third.value);
    expect(end.results[0]).toMatchObject({
      verdict: 'indeterminate',
      revision: 2,
      caps: ['no-contact', 'not-scheduled'],
    });
    expect(end.signals.map(({ kind }) => kind)).toContain('OVER_LIMIT_WITHDRAWN');
  });

  const bytes = runEntries(
    liveJournal(WORLD, chained(chunked(minutes([[90, 60]]), 7))),
  ).engine.checkpoint();

  it('refuses a checkpoint with a bit turned, wherever', () => {
    fc.assert(
      fc.property(fc.nat(bytes.byteLength - 1), fc.nat(7), (index, bit) => {
        const turned = Uint8Array.from(bytes);
        turned[index]! ^= 1 << bit;
        const restored = restoreEngine(turned, SETTINGS);
        expect(restored.ok).toBe(false);
      }),
    );
  });

  it.each([0, 3, 20, bytes.byteLength - 1])('refuses a checkpoint cut after %d bytes', (length) => {
    expect(restoreEngine(bytes.slice(0, length), SETTINGS)).toMatchObject({
      ok: false,
      reason: 'damaged',
    });
  });

  it('refuses one of another version, or made with other settings, by name', () => {
    const other = Uint8Array.from(bytes);
    new DataView(other.buffer).setUint32(4, ENGINE_VERSION + 1);
    expect(restoreEngine(other, SETTINGS)).toMatchObject({ reason: 'unknown-version' });
    expect(restoreEngine(bytes, { ...SETTINGS, graceMs: 1 })).toMatchObject({
      reason: 'other-settings',
    });
  });
});
