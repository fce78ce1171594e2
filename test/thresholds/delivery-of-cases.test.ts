import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../src/model/entry.ts';
import {
  createEngine,
  DEFAULT_ENGINE_SETTINGS,
  restoreEngine,
} from '../../src/thresholds/engine.ts';
import { randomOf } from './completion.ts';
import { EXPOSURE_CASES, type ExposureCase } from './exposure-cases.ts';
import { framesOf, givenOf, stretches } from './exposure-streams.ts';
import { lastResults } from './scenario-expect.ts';
import { scenarioFacts } from './scenario-world.ts';
import {
  chained,
  chunked,
  createTestJournal,
  DAY,
  DAY_START_MS,
  fact,
  HOUR,
  MIN,
  type TestBatch,
  type TestFrame,
  unnumbered,
} from './world.ts';

type Journal = ReturnType<typeof createTestJournal>;

/** A datum of each sensor before the first shift and after the last: all are known all the time. */
const around = (of: ExposureCase, at: number): TestFrame[] =>
  Object.entries(of.scenario.sensors).map(([device, { metric, range }]) => ({
    ...{ device, metric: metric ?? device, at, spanMs: 1_000 },
    value: range[0],
  }));

/** A sensor was calibrated for some minutes, as somebody recorded. */
const calibration = ({ scenario }: ExposureCase, fromS: number) => {
  const fromMs = DAY_START_MS + fromS * 1_000;
  const span = { fromMs, toMs: fromMs + 5 * MIN };
  const device = Object.keys(scenario.sensors)[0];
  return fact('mark', { id: 'm', device, ...span, kind: 'CALIBRATION', by: 'x' });
};

function hashesOf(
  of: ExposureCase,
  entries: readonly JournalEntry[],
  cuts: readonly number[] = [],
): Record<string, string> {
  let engine = createEngine(DEFAULT_ENGINE_SETTINGS);
  const outputs = entries.flatMap((entry, i) => {
    if (cuts.includes(i)) {
      const restored = restoreEngine(engine.checkpoint(), DEFAULT_ENGINE_SETTINGS);
      if (!restored.ok) throw new Error(restored.detail);
      engine = restored.value;
    }
    return engine.step(entry);
  });
  const untilMs = DAY_START_MS + (of.shifts - 1) * DAY + HOUR;
  return Object.fromEntries(
    lastResults(outputs)
      .filter(({ subject }) => subject.shift.startMs < untilMs)
      .map(({ resultKey, resultHash }) => [resultKey, resultHash]),
  );
}

/** Facts, then all as it was measured. */
function live(of: ExposureCase, batches: readonly TestBatch[], markS: number): JournalEntry[] {
  const journal: Journal = createTestJournal();
  const facts = [...scenarioFacts(of.scenario).map((one) => one.fact), calibration(of, markS)];
  const entries: JournalEntry[] = facts.map((one) => journal.fact(one, DAY_START_MS - DAY));
  for (const batch of batches) {
    const at = batch.frames.at(-1)!.at;
    entries.push(journal.batch(batch, at), journal.tick(at));
  }
  return [...entries, ...quiet(journal, DAY_START_MS + of.shifts * DAY)];
}

const quiet = (journal: Journal, fromMs: number): JournalEntry[] =>
  Array.from({ length: 30 }, (_, i) => journal.tick(fromMs + i * MIN));

/** All days later in any order, some of it twice, some of it in other batches too; the mark comes last. */
function jumbled(
  of: ExposureCase,
  batches: readonly TestBatch[],
  markS: number,
  random: () => number,
): JournalEntry[] {
  const journal: Journal = createTestJournal();
  const facts = scenarioFacts(of.scenario).map((one) => one.fact);
  const entries: JournalEntry[] = facts.map((one) => journal.fact(one, DAY_START_MS - DAY));
  const again = batches.filter(() => random() < 0.2);
  const otherwise = unnumbered(
    batches.filter(() => random() < 0.2).map(({ frames }) => frames.slice(1)),
  ).filter(({ frames }) => frames.length > 0);
  const all = [...batches, ...again, ...otherwise]
    .map((batch) => ({ batch, rank: random() }))
    .sort((a, b) => a.rank - b.rank);
  const laterMs = DAY_START_MS + of.shifts * DAY;
  for (const [i, { batch }] of all.entries()) {
    const atMs = laterMs + i * 1_000;
    if (i % 40 === 0) entries.push(journal.tick(atMs));
    entries.push(journal.batch(batch, atMs));
  }
  const endMs = laterMs + all.length * 1_000;
  entries.push(...quiet(journal, endMs), journal.fact(calibration(of, markS), endMs + HOUR));
  return [...entries, ...quiet(journal, endMs + HOUR)];
}

describe.each(EXPOSURE_CASES)('$name', (of) => {
  it('ends the same live and jumbled, sent again, marked late and restored at any point', () => {
    const parts = fc.array(stretches, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(parts, fc.nat(of.shiftS - 300), fc.nat(), (streams, markS, seed) => {
        const random = randomOf(seed);
        const frames = [
          ...around(of, DAY_START_MS - MIN),
          ...framesOf(of, givenOf(of, streams)).sort((a, b) => a.at - b.at),
          ...around(of, DAY_START_MS + (of.shifts - 1) * DAY + of.shiftS * 1_000 + 5 * MIN),
        ];
        const batches = chained(chunked(frames, 20 + (seed % 60)));
        const wanted = hashesOf(of, live(of, batches, markS));
        expect(Object.keys(wanted).length).toBeGreaterThanOrEqual(of.shifts);
        const entries = jumbled(of, batches, markS, random);
        const cuts = Array.from({ length: 3 }, () => Math.floor(random() * entries.length));
        expect(hashesOf(of, entries, cuts)).toEqual(wanted);
      }),
      { numRuns: 5 },
    );
  });
});
