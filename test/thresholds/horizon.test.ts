import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../src/model/entry.ts';
import type { Fact } from '../../src/model/facts.ts';
import { CrewId } from '../../src/model/ids.ts';
import { createEngine, DEFAULT_ENGINE_SETTINGS } from '../../src/thresholds/engine.ts';
import { evaluateShift } from '../../src/thresholds/evaluate-shift.ts';
import {
  chained,
  chunked,
  createTestJournal,
  DAY,
  DAY_START_MS,
  fact,
  frameOf,
  GATEWAY,
  HOUR,
  minutes,
  runEntries,
  type TestFrame,
  unnumbered,
  worldFacts,
} from './world.ts';

const LONG = { ...DEFAULT_ENGINE_SETTINGS, horizonMs: 40 * DAY };
const calibration = fact('mark', {
  id: 'm-1',
  device: 'dev-1',
  fromMs: DAY_START_MS,
  toMs: DAY_START_MS + 6 * HOUR,
  kind: 'CALIBRATION',
  by: 'x',
});
const shift = minutes([
  [40, 240],
  [null, 120],
  [40, 120],
  [0, 5],
]);
const lateData = minutes([[90, 120]], DAY_START_MS + 4 * HOUR);

/** A shift, a value a day for a week, then what is learnt or comes a week late, and a day of ticks. */
function journalOf(told: readonly Fact[], late: readonly TestFrame[]) {
  const journal = createTestJournal();
  const entries: JournalEntry[] = worldFacts().map((f) => journal.fact(f, DAY_START_MS - DAY));
  const days = Array.from({ length: 7 }, (_, day) =>
    minutes([[1, 1]], DAY_START_MS + (day + 1) * DAY),
  ).flat();
  for (const batch of chained([...chunked(shift, 5), ...chunked(days, 1)])) {
    const at = batch.frames.at(-1)!.at;
    entries.push(journal.batch(batch, at + 100));
    if (at > DAY_START_MS + 8 * HOUR) entries.push(journal.tick(at + HOUR));
  }
  const now = DAY_START_MS + 8 * DAY;
  for (const one of told) entries.push(journal.fact(one, now));
  for (const batch of unnumbered(late.length === 0 ? [] : [late])) {
    entries.push(journal.batch(batch, now));
  }
  for (let i = 1; i <= 24; i++) entries.push(journal.tick(now + i * HOUR));
  return entries;
}

const lastTwa = (entries: readonly JournalEntry[], settings: typeof LONG) =>
  runEntries(entries, createEngine(settings)).last('PC_TWA');

describe('what comes after the engine’s memory has passed', () => {
  it.each([
    ['a fact', 'fact-beyond-horizon', [calibration], []],
    ['data', 'beyond-horizon', [], lateData],
  ] as const)('%s: is told, and changes no result', (_, reason, told, late) => {
    const entries = journalOf(told, late);
    const run = runEntries(entries);
    expect(run.last('PC_TWA')).toMatchObject({ revision: 1, verdict: 'exceeded' });
    const reasons = run.signals.flatMap((s) => (s.kind === 'DATA_GAP' ? [s.detail['reason']] : []));
    expect(reasons).toContain(reason);
    expect(runEntries(journalOf(told, late)).outputs).toEqual(run.outputs);
  });

  it.each([
    ['a fact', [calibration], [], 'indeterminate'],
    ['data', [], lateData, 'exceeded'],
  ] as const)(
    '%s: a replay with a longer memory gives what evaluateShift() gives',
    (_, told, late, verdict) => {
      const { revision, ...replayed } = lastTwa(journalOf(told, late), LONG);
      expect(revision).toBe(2);
      expect(replayed.verdict).toBe(verdict);
      const wanted = evaluateShift({
        facts: [...worldFacts(), ...told],
        frames: [...shift, ...late].map((frame) => ({ gateway: GATEWAY, frame: frameOf(frame) })),
        crew: CrewId.parse('crew-1'),
        shiftStartMs: DAY_START_MS,
      });
      expect(replayed).toEqual(wanted.find(({ subject }) => subject.limitKind === 'PC_TWA'));
    },
  );
});
