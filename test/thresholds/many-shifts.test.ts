import { describe, expect, it } from 'vitest';
import {
  createLoad,
  factEntry,
  loadFacts,
  SHIFT_MS,
  SHIFT_START_MS,
} from '../../bench/threshold-load.ts';
import type { JournalEntry } from '../../src/model/entry.ts';
import type { ShiftResult } from '../../src/model/exposure.ts';
import { JUDGED_PER_TICK } from '../../src/thresholds/due-rules.ts';
import {
  createEngine,
  DEFAULT_ENGINE_SETTINGS,
  type Engine,
  restoreEngine,
} from '../../src/thresholds/engine.ts';

const GATEWAYS = 250;
const MIN = 60_000;

/** An engine in which the shifts of 1,250 channels have begun, and then nothing more came. */
function begun(): { engine: Engine; load: ReturnType<typeof createLoad>; pos: number } {
  const engine = createEngine(DEFAULT_ENGINE_SETTINGS);
  const load = createLoad(GATEWAYS);
  let pos = 0;
  for (const fact of loadFacts(GATEWAYS)) engine.step(factEntry(++pos, fact));
  for (let round = 0; round < 7; round++) {
    for (let block = 0; block < load.blocks; block++) {
      const entries = load.block(block, round, pos + 1);
      pos += entries.length;
      for (const entry of entries) engine.step(entry);
    }
  }
  return { engine, load, pos };
}

const resultsOf = (engine: Engine, entry: JournalEntry): ShiftResult[] =>
  engine.step(entry).flatMap((output) => (output.kind === 'result' ? [output.result] : []));

const tick = (pos: number, minutes: number): JournalEntry => {
  const atMs = SHIFT_START_MS + SHIFT_MS + minutes * MIN;
  return { kind: 'tick', pos, receivedAtMs: atMs, sha256: '', atMs };
};

const hashes = (results: readonly ShiftResult[]): string[] =>
  results.map(({ resultKey, resultHash }) => `${resultKey} ${resultHash}`).sort();

describe('shifts that end in silence together', () => {
  it('are judged a thousand a tick, the rest with the entries that follow, each once', () => {
    const { engine, load, pos } = begun();
    const first = resultsOf(engine, tick(pos + 1, 20));
    expect(first).toHaveLength(JUDGED_PER_TICK);
    const batches = load.block(0, 7, pos + 2);
    const left = batches.map((entry) => resultsOf(engine, entry));
    expect(Math.max(...left.map((results) => results.length))).toBe(8);
    const all = [...first, ...left.flat()];
    expect(new Set(all.map(({ resultKey }) => resultKey)).size).toBe(all.length);
    expect(resultsOf(engine, tick(pos + 2 + batches.length, 21))).toEqual([]);
    const subjects = all.map(
      ({ subject }) => `${subject.channel.device} ${subject.channel.metric}`,
    );
    expect(new Set(subjects).size).toBe(GATEWAYS * 5);
  });

  it('give the same results when the engine is restored between', () => {
    const { engine, pos } = begun();
    const first = resultsOf(engine, tick(pos + 1, 20));
    const restored = restoreEngine(engine.checkpoint(), DEFAULT_ENGINE_SETTINGS);
    if (!restored.ok) throw new Error(restored.detail);
    const entry = tick(pos + 2, 21);
    const wanted = resultsOf(engine, entry);
    expect(wanted.length).toBeGreaterThan(0);
    expect(hashes(resultsOf(restored.value, entry))).toEqual(hashes(wanted));
    expect(first.length + wanted.length).toBeGreaterThan(JUDGED_PER_TICK);
  });
});
