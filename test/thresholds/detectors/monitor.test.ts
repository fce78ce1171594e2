import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../../src/model/entry.ts';
import type { EngineOutput, Signal } from '../../../src/model/exposure.ts';
import {
  CHANNEL_BYTES,
  closeRecord,
  createChannelMemory,
  openRecord,
  RARE_BYTES,
} from '../../../src/thresholds/detectors/monitor-memory.ts';
import {
  DEFAULT_DETECTOR_SETTINGS,
  DetectorSettings,
} from '../../../src/thresholds/detectors/settings.ts';
import { extendSpan, type SuspectSpan } from '../../../src/thresholds/detectors/suspect-spans.ts';
import {
  createEngine,
  DEFAULT_ENGINE_SETTINGS,
  restoreEngine,
  settingsHash,
} from '../../../src/thresholds/engine.ts';
import {
  chained,
  chunked,
  createTestJournal,
  DAY_START_MS,
  deviceFact,
  fact,
  HOUR,
  MIN,
  minutes,
  runEntries,
  type WorldOptions,
  worldFacts,
} from '../world.ts';
import { findings, journalOf, type Play, type PlayedChannel, recorded } from './played.ts';

const NOISE = recorded('laeqDbA', { resolution: 0.1, offset: 40 });
const withPlay = (channel: PlayedChannel, play: Play): PlayedChannel => ({ ...channel, play });

/** Everything at once: a copy, a hole, a stuck hour, values out of range, a clock that drifts. */
const COPY = recorded('laeqDbA', { resolution: 0.1, offset: 40, device: 'dev-2' });
const EVENTFUL = [
  withPlay(NOISE, (at) => {
    const minute = Math.floor((at - NOISE.startMs) / MIN);
    if (minute >= 300 && minute < 320) return 84.9;
    if (minute >= 330 && minute < 350) return null;
    return minute >= 360 && minute < 370 ? 199 : NOISE.play(at);
  }),
  COPY,
];
const EVENTFUL_OPTIONS = {
  startMs: NOISE.startMs,
  minutes: 420,
  clock: (at: number) => ({ source: 'ntp', offsetMs: (at - NOISE.startMs) / 3_600, errMs: 10 }),
};

describe('the monitor under replay', () => {
  const entries: readonly JournalEntry[] = [...journalOf(EVENTFUL, EVENTFUL_OPTIONS)];
  const outputsOf = (engine = createEngine(DEFAULT_ENGINE_SETTINGS)): EngineOutput[][] =>
    entries.map((entry) => engine.step(entry));
  const whole = outputsOf();

  it('finds what the stream was made of', () => {
    const kinds = whole.flat().flatMap((o) => (o.kind === 'signal' ? [o.signal.kind] : []));
    for (const kind of [
      'FLAT_LINE',
      'SILENCE',
      'OUT_OF_RANGE',
      'IDENTICAL_NEIGHBOURS',
      'CLOCK_DRIFT',
    ]) {
      expect(kinds).toContain(kind);
    }
  });

  it('gives the same again', () => {
    expect(outputsOf()).toEqual(whole);
  });

  it.each([100, 305, 640, 676, 760, 800])('goes on after a restore at entry %d', (at) => {
    const engine = createEngine(DEFAULT_ENGINE_SETTINGS);
    for (const entry of entries.slice(0, at)) engine.step(entry);
    const restored = restoreEngine(engine.checkpoint(), DEFAULT_ENGINE_SETTINGS);
    if (!restored.ok) throw new Error(restored.detail);
    const rest = entries.slice(at).map((entry) => restored.value.step(entry));
    expect(rest).toEqual(whole.slice(at));
  });
});

describe('the settings of the detectors', () => {
  it('move what is found', () => {
    const detectors = DetectorSettings.parse({ silence: { minutes: 40 } });
    const silent = withPlay(NOISE, (at) => (at > NOISE.startMs + 30 * MIN ? null : NOISE.play(at)));
    const told = (total: number) =>
      findings(
        [silent],
        { startMs: NOISE.startMs, minutes: total },
        createEngine({ ...DEFAULT_ENGINE_SETTINGS, detectors }),
      );
    expect(told(69)).toEqual([]);
    expect(told(70).map(({ kind }) => kind)).toEqual(['SILENCE']);
  });

  it('leave out the time in which the hub itself was away', () => {
    const engine = createEngine(DEFAULT_ENGINE_SETTINGS);
    const back = NOISE.startMs + 120 * MIN;
    const told = [...journalOf([NOISE], { startMs: NOISE.startMs, minutes: 200 })]
      .filter(({ receivedAtMs }) => receivedAtMs <= NOISE.startMs + 60 * MIN || receivedAtMs > back)
      // After its return the hub hears nobody.
      .filter(({ kind, receivedAtMs }) => kind !== 'batch' || receivedAtMs <= back)
      .flatMap((entry) => engine.step(entry).map((output) => ({ output, entry })))
      .filter(({ output }) => output.kind === 'signal' && output.signal.kind === 'SILENCE');
    expect(told.map(({ entry }) => (entry.receivedAtMs - back) / MIN)).toEqual([16]);
  });

  it('are part of what a checkpoint must match', () => {
    const other = DetectorSettings.parse({ jump: { heatC: 6 } });
    expect(settingsHash({ ...DEFAULT_ENGINE_SETTINGS, detectors: other })).not.toBe(
      settingsHash(DEFAULT_ENGINE_SETTINGS),
    );
    expect(DEFAULT_ENGINE_SETTINGS.detectors).toEqual(DEFAULT_DETECTOR_SETTINGS);
  });

  it.each([{ silence: { minutes: 0 } }, { outOfRange: { minutes: 16 } }, { mute: true }])(
    'refuse %j',
    (settings) => {
      expect(DetectorSettings.safeParse(settings).success).toBe(false);
    },
  );
});

describe('the memory of the detectors', () => {
  it('is at most 56 bytes a channel, and 96 more of those that they see more of', () => {
    expect(CHANNEL_BYTES).toBeLessThanOrEqual(56);
    expect(RARE_BYTES).toBeLessThanOrEqual(96);
  });

  it('gives every channel its own numbers back', () => {
    const memory = createChannelMemory();
    const last = new Map<number, number[]>();
    for (let i = 0; i < 2_000; i++) {
      const index = (i * 379) % 700;
      const numbers = openRecord(memory, index);
      expect([...numbers]).toEqual(last.get(index) ?? new Array(numbers.length).fill(0));
      // Every third channel has rare numbers too; a mean, a maximum and a usual change are fractions.
      const of = index % 3 === 0 ? numbers.length : 10;
      for (let slot = 0; slot < of; slot++) numbers[slot] = i * 20 - slot;
      for (const slot of [1, 2, 5]) numbers[slot]! += 0.1;
      if (i % 7 === 0) numbers[2] = Number.NaN;
      last.set(index, [...numbers]);
      closeRecord(memory, index);
    }
    expect(memory.rare.size).toBeLessThanOrEqual(44);
  });

  it('keeps the last 16 spans, each as long as its finding lasts', () => {
    const spans: SuspectSpan[] = [];
    for (let i = 0; i < 40; i++) {
      extendSpan(spans, 'identical-neighbours', i * HOUR, i * HOUR + MIN);
      extendSpan(spans, 'identical-neighbours', i * HOUR, i * HOUR + 2 * MIN);
    }
    expect(spans).toHaveLength(16);
    expect(spans.at(-1)).toEqual({
      reason: 'identical-neighbours',
      fromMs: 39 * HOUR,
      untilMs: 39 * HOUR + 2 * MIN,
    });
  });

  it('does not grow a checkpoint with time', () => {
    const size = (total: number): number => {
      const engine = createEngine({ ...DEFAULT_ENGINE_SETTINGS, horizonMs: HOUR });
      for (const entry of journalOf([NOISE, COPY], { startMs: NOISE.startMs, minutes: total })) {
        engine.step(entry);
      }
      return engine.checkpoint().byteLength;
    };
    expect(size(800)).toBeLessThan(1.5 * size(300));
  });
});

const NOISY: WorldOptions = { factor: 'noise', unit: 'dB(A)', range: [20, 140] };
const SHIFT = minutes(Array.from({ length: 480 }, (_, i) => [i % 2 === 0 ? 100 : 99, 1] as const));
const TAIL = minutes([[60, 5]], DAY_START_MS + 8 * HOUR);

describe('a finding in the shift of an exceedance', () => {
  const obstacles = (signals: readonly Signal[]) =>
    signals.flatMap((s) => (s.kind === 'OVER_LIMIT' && s.final ? [s.obstacles] : []));
  const run = (
    frames: ReturnType<typeof minutes>,
    facts = worldFacts(NOISY),
    clock?: (at: number) => number,
  ) => {
    const journal = createTestJournal();
    const entries: JournalEntry[] = facts.map((f) => journal.fact(f, DAY_START_MS - HOUR));
    for (const batch of chained(chunked(frames, 10))) {
      const at = batch.frames.at(-1)!.at;
      const state = { source: 'ntp' as const, offsetMs: clock?.(at) ?? 0, errMs: 5 };
      entries.push(journal.batch({ ...batch, clock: state }, at), journal.tick(at));
    }
    return runEntries(entries).signals;
  };

  it('is no obstacle when there is none', () => {
    expect(obstacles(run([...SHIFT, ...TAIL]))).toEqual([[]]);
  });

  it('flat-line: the value stood still for part of it', () => {
    const stuck = SHIFT.map((f, i) => (i >= 100 && i < 120 ? { ...f, value: 100 } : f));
    expect(obstacles(run([...stuck, ...TAIL]))).toEqual([['flat-line']]);
  });

  it('flat-line also when the stuck minutes came late', () => {
    const journal = createTestJournal();
    const stuck = SHIFT.map((f, i) => (i >= 100 && i < 120 ? { ...f, value: 100 } : f));
    const batches = chained(chunked([...stuck, ...TAIL], 10));
    const late = batches.filter((_, i) => i === 10 || i === 11);
    const live = batches.filter((_, i) => i !== 10 && i !== 11);
    const entries = [
      ...worldFacts(NOISY).map((f) => journal.fact(f, DAY_START_MS - HOUR)),
      ...live.map((b) => journal.batch(b, b.frames.at(-1)!.at)),
      ...late.map((b) => journal.batch(b, DAY_START_MS + 9 * HOUR)),
      journal.tick(DAY_START_MS + 10 * HOUR),
    ];
    expect(obstacles(runEntries(entries).signals).at(-1)).toEqual(['flat-line']);
  });

  it('certificate: it did not hold for the whole shift', () => {
    const certificate = {
      number: 'JL-1',
      issuer: 'Institute of Metrology',
      mode: 'VERIFIED',
      fromMs: 0,
      untilMs: DAY_START_MS + 7 * HOUR,
    };
    const facts = worldFacts({ ...NOISY, certificate });
    expect(obstacles(run([...SHIFT, ...TAIL], facts))).toEqual([['certificate']]);
  });

  it('clock-drift: the clock ran away in it, though it was never two seconds wrong', () => {
    const drift = (at: number) => Math.max(0, (at - DAY_START_MS - 5 * HOUR) / 3_600_000) * 600;
    expect(obstacles(run([...SHIFT, ...TAIL], worldFacts(NOISY), drift))).toEqual([
      ['clock-drift'],
    ]);
  });

  it('identical-neighbours: another sensor showed the very same', () => {
    const copy = [...SHIFT, ...TAIL].map((f) => ({ ...f, device: 'dev-2' }));
    const original = deviceFact(NOISY);
    const second = fact('device', { ...original.value, id: 'dev-2', serial: 's2' });
    const both = [...SHIFT, ...TAIL].flatMap((f, i) => [f, copy[i]!]);
    const told = run(both, [...worldFacts(NOISY), second]);
    expect(told.map(({ kind }) => kind)).toContain('IDENTICAL_NEIGHBOURS');
    expect(obstacles(told)).toEqual([['identical-neighbours']]);
  });
});
