import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dustSeries, noiseOf } from '../../simulators/dust.ts';
import { readRecording } from '../../simulators/recordings/reader.ts';
import { recordedAt, recordedSeries } from '../../simulators/series.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/model/time.ts';

const noise = readRecording('noise-laeq-1s');
const air = readRecording('air-quality-1h');
const wbgt = readRecording('wbgt-1min');
const plain = { scale: 1, offset: 0, anchorMs: 0 };
/** 2026-11-23, a Monday, 00:00 in Asia/Shanghai. */
const midnight = Date.parse('2026-11-23T00:00:00+08:00');

describe('recordedAt()', () => {
  const at = (wall: string): number | null => recordedAt(air, 'coMgPerM3', Date.parse(`${wall}Z`));

  it('gives a row its own value', () => {
    expect(at('2004-11-23T19:00:00')).toBe(11.9);
  });

  it('is linear between hours, to the second', () => {
    expect(at('2004-11-23T18:30:00')).toBeCloseTo((10.2 + 11.9) / 2, 12);
    expect(at('2004-11-23T18:00:01')).toBeCloseTo(10.2 + 1.7 / 3_600, 12);
  });

  it('gives nothing in the hours beside a missing one', () => {
    const missing = air.columns['coMgPerM3']!.findIndex((value) => Number.isNaN(value));
    const missingMs = air.wallMs[missing]!;
    expect(recordedAt(air, 'coMgPerM3', missingMs)).toBeNull();
    expect(recordedAt(air, 'coMgPerM3', missingMs - 1_000)).toBeNull();
    expect(recordedAt(air, 'coMgPerM3', missingMs - HOUR_MS)).not.toBeNull();
  });

  it('gives nothing inside the hole of 650 s, and values on both sides', () => {
    const after = wbgt.wallMs.findIndex((ms, i) => ms - (wbgt.wallMs[i - 1] ?? ms) === 650_000);
    const startMs = wbgt.wallMs[after - 1]!;
    expect(recordedAt(wbgt, 'wbgtDegC', startMs)).not.toBeNull();
    expect(recordedAt(wbgt, 'wbgtDegC', startMs + 300_000)).toBeNull();
    expect(recordedAt(wbgt, 'wbgtDegC', startMs + 650_000)).not.toBeNull();
  });

  it('gives nothing before the first row and after the last one has had its step', () => {
    expect(recordedAt(noise, 'laeqDbA', noise.wallMs[0]! - 1)).toBeNull();
    expect(recordedAt(noise, 'laeqDbA', noise.wallMs.at(-1)! + SECOND_MS)).toBeNull();
  });

  it('lies between its neighbours at any time', () => {
    const values = air.columns['coMgPerM3']!;
    fc.assert(
      fc.property(fc.nat(values.length - 2), fc.nat(3_599), (row, second) => {
        const value = recordedAt(air, 'coMgPerM3', air.wallMs[row]! + second * SECOND_MS);
        const ends = [values[row]!, values[row + 1]!];
        if (value === null) return ends.some(Number.isNaN);
        return second === 0
          ? value === ends[0]
          : value >= Math.min(...ends) - 1e-9 && value <= Math.max(...ends) + 1e-9;
      }),
    );
  });
});

describe('recordedSeries()', () => {
  const noiseByDay = recordedSeries({
    ...plain,
    recording: noise,
    column: 'laeqDbA',
    anchor: 'time-of-day',
    fromWallMs: noise.wallMs[0]!,
  });

  it('plays the same time of day, in the zone of the scenario, on any day', () => {
    const row = (9 - 6) * 3_600 + 17;
    const expected = noise.columns['laeqDbA']![row]!;
    for (const day of [0, 1, 400]) {
      expect(noiseByDay(midnight + day * DAY_MS + 9 * HOUR_MS + 17_000)).toBe(expected);
    }
  });

  it('begins again when the recording ends', () => {
    expect(noiseByDay(midnight + 20 * HOUR_MS + 5_000)).toBe(noise.columns['laeqDbA']![5]);
    expect(noiseByDay(midnight + 19 * HOUR_MS + 3_599_000)).toBe(noise.columns['laeqDbA']!.at(-1));
  });

  it('plays the day that starts at a named row', () => {
    const heat = recordedSeries({
      ...plain,
      recording: wbgt,
      column: 'wbgtDegC',
      anchor: 'time-of-day',
      fromWallMs: Date.UTC(2025, 7, 15, 17, 2, 35),
    });
    const noonOfSecondDay = recordedAt(wbgt, 'wbgtDegC', Date.UTC(2025, 7, 16, 12));
    expect(heat(midnight + 12 * HOUR_MS)).toBe(noonOfSecondDay);
    expect(noonOfSecondDay).toBeGreaterThan(29.5);
  });

  it('plays a named row at the anchor time, scaled and offset', () => {
    const anchorMs = midnight + 10 * HOUR_MS + 123_000;
    const co = recordedSeries({
      recording: air,
      column: 'coMgPerM3',
      anchor: 'start',
      fromWallMs: Date.UTC(2004, 10, 23, 16),
      anchorMs,
      scale: 5,
      offset: 2,
    });
    expect(co(anchorMs)).toBeCloseTo(5.3 * 5 + 2, 12);
    expect(co(anchorMs + 3 * HOUR_MS)).toBeCloseTo(11.9 * 5 + 2, 12);
  });

  it('has a value at every minute of every day', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40_000_000 }), (minute) => {
        const level = noiseByDay(minute * MINUTE_MS);
        return level !== null && level > 40 && level < 76;
      }),
    );
  });

  it('refuses a row that the recording does not have', () => {
    const spec = { ...plain, recording: air, column: 'coMgPerM3', anchor: 'start' as const };
    expect(() => recordedSeries({ ...spec, fromWallMs: Date.UTC(2030, 0) })).toThrow('Cannot play');
    expect(() => recordedSeries({ ...spec, fromWallMs: Date.UTC(2000, 0) })).toThrow('Cannot play');
  });
});

describe('dustSeries()', () => {
  const process = {
    seed: 7,
    backgroundMgPerM3: 2,
    peakMgPerM3: 10,
    cycleMinutes: 20,
    idle: [[690, 720]] as const,
  };
  const secondsOf = (hour: number, count: number): number[] =>
    Array.from({ length: count }, (_, s) => midnight + hour * HOUR_MS + s * SECOND_MS);

  it('gives the same second the same value, and another seed another', () => {
    const times = secondsOf(9, 100);
    expect(times.map(dustSeries(process))).toEqual(times.map(dustSeries(process)));
    expect(times.map(dustSeries({ ...process, seed: 8 }))).not.toEqual(
      times.map(dustSeries(process)),
    );
  });

  it('has one peak of the process in each cycle', () => {
    const values = secondsOf(9, 3_600).map((ms) => dustSeries(process)(ms)!);
    for (let cycle = 0; cycle < 3; cycle += 1) {
      const inCycle = values.slice(cycle * 1_200, (cycle + 1) * 1_200);
      expect(Math.max(...inCycle)).toBeGreaterThan(2 * 1.15 + 1);
      expect(Math.min(...inCycle)).toBeLessThan(2 * 1.15 + 1);
    }
  });

  it('falls to a tenth of the background in a break', () => {
    for (const ms of secondsOf(11.5, 1_800)) expect(dustSeries(process)(ms)).toBeLessThan(0.25);
  });

  it('never goes below zero or above background and peak with their flutter', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_000_000_000 }), (second) => {
        const value = dustSeries(process)(second * SECOND_MS)!;
        return value >= 0 && value <= 12 * 1.15;
      }),
    );
  });

  it('draws evenly from its seed', () => {
    const draws = Array.from({ length: 10_000 }, (_, n) => noiseOf(42, n, 1));
    const tenths = Array.from(
      { length: 10 },
      (_, tenth) => draws.filter((draw) => Math.floor(draw * 10) === tenth).length,
    );
    for (const count of tenths) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});
