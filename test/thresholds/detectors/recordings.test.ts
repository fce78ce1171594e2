import { describe, expect, it } from 'vitest';
import { dustSeries } from '../../../simulators/dust.ts';
import type { Signal } from '../../../src/model/exposure.ts';
import { findings, MIN, type Play, type PlayedChannel, recorded } from './played.ts';

const NOISE = recorded('laeqDbA', { resolution: 0.1, offset: 40 });
const CO = recorded('coMgPerM3', { scale: 5 });
const WBGT = recorded('wbgtDegC');
const DAY_MIN = 24 * 60;

/** A stretch of the CO recording without a missing hour. */
const CO_START_MS = Date.parse('2004-11-23T16:00:00Z');

const over = (channel: PlayedChannel, play: Play): PlayedChannel => ({ ...channel, play });

/** The recording until a time, something else from then on. */
const spoiled = (channel: PlayedChannel, atMs: number, fault: Play): PlayedChannel =>
  over(channel, (at) => (at <= atMs ? channel.play(at) : fault(at)));

const kinds = (signals: readonly Signal[]): string[] => signals.map(({ kind }) => kind);

describe('the detectors on the recordings', () => {
  it.each([
    ['noise, 0.1 dB', NOISE],
    ['WBGT, 0.01 °C', WBGT],
    ['WBGT, 0.1 °C', recorded('wbgtDegC', { resolution: 0.1 })],
  ])('tell nothing of %s', (_, channel) => {
    const minutes = (channel.endMs - channel.startMs) / MIN;
    // The WBGT recording has one hole of 650 s, shorter than a silence.
    expect(findings([channel], { startMs: channel.startMs, minutes })).toEqual([]);
  });

  it('tell nothing of sixty days of CO but the silence of its missing hours', () => {
    const minutes = 60 * DAY_MIN;
    const told = findings([{ ...CO, stepS: 60 }], { startMs: CO_START_MS, minutes });
    expect(new Set(kinds(told))).toEqual(new Set(['SILENCE']));
  });

  it('tell nothing of the dust that stands in for a recording', () => {
    const series = dustSeries({
      seed: 20261122,
      backgroundMgPerM3: 1.5,
      peakMgPerM3: 25,
      cycleMinutes: 20,
      idle: [[720, 780]],
    });
    const dust: PlayedChannel = {
      device: 'dev-1',
      stepS: 1,
      factor: 'other-dust-total',
      unit: 'mg/m3',
      range: [0, 100],
      t90S: 5,
      play: (at) => Math.fround(series(at) ?? 0),
    };
    expect(findings([dust], { startMs: CO_START_MS, minutes: 600 })).toEqual([]);
  });

  it('tell nothing of two neighbours that hear the same with their own errors', () => {
    const other = recorded('laeqDbA', { resolution: 0.1, offset: 40.3, device: 'dev-2' });
    const own = over(other, (at) => (other.play(at) as number) + ((at / 1_000) % 3) * 0.1);
    expect(findings([NOISE, own], { startMs: NOISE.startMs, minutes: 120 })).toEqual([]);
  });
});

describe('each detector finds its fault in a recording:', () => {
  const AT_MS = NOISE.startMs + 300 * MIN;
  const noiseFor = (fault: Play, minutes = 400) =>
    findings([spoiled(NOISE, AT_MS, fault)], { startMs: NOISE.startMs, minutes });

  it('SILENCE when nothing comes any more, once', () => {
    const told = noiseFor(() => null);
    expect(kinds(told)).toEqual(['SILENCE']);
    expect(told[0]).toMatchObject({
      atMs: AT_MS,
      gateway: 'gw-1',
      detail: { enterprise: '91330106MA2CFXXX0T', post: 'post-1', device: 'dev-1', minutes: 15 },
    });
  });

  it('SILENCE again after a sign of life', () => {
    const told = noiseFor((at) => (at === AT_MS + 60 * MIN ? 80 : null));
    expect(told.map(({ kind, atMs }) => [kind, (atMs - AT_MS) / MIN])).toEqual([
      ['SILENCE', 0],
      ['SILENCE', 60],
    ]);
  });

  it('SILENCE of a registered sensor that never spoke, once', () => {
    const told = findings([{ ...NOISE, device: 'dev-2', play: () => null }, NOISE], {
      startMs: NOISE.startMs,
      minutes: 60,
    });
    expect(told.map(({ kind, detail }) => [kind, detail])).toEqual([
      [
        'SILENCE',
        expect.objectContaining({ device: 'dev-2', reason: 'never-heard', post: 'post-1' }),
      ],
    ]);
  });

  it('FLAT_LINE when noise stands still for ten minutes', () => {
    const told = noiseFor(() => 84.9);
    expect(kinds(told)).toContain('FLAT_LINE');
    const found = told.find(({ kind }) => kind === 'FLAT_LINE')!;
    expect(found.atMs).toBe(AT_MS);
    expect(found.detail).toMatchObject({ minutes: 10 });
    expect(kinds(told).filter((kind) => kind === 'FLAT_LINE')).toHaveLength(1);
  });

  it('FLAT_LINE of a gas sensor that holds a value, not of clean air', () => {
    const atMs = CO_START_MS + 60 * MIN;
    const held = (value: number) =>
      findings([spoiled(CO, atMs, () => value)], { startMs: CO_START_MS, minutes: 500 });
    expect(kinds(held(18))).toEqual(['FLAT_LINE']);
    expect(kinds(held(0))).toEqual([]);
  });

  it('JUMP when heat changes by more than 5 °C from minute to minute', () => {
    const atMs = WBGT.startMs + 100 * MIN;
    const fault: Play = (at) => {
      const value = WBGT.play(at);
      return typeof value === 'number' ? value + 8 : null;
    };
    const channel = spoiled(WBGT, atMs, fault);
    const told = findings([channel], { startMs: WBGT.startMs, minutes: 200 });
    expect(told.map(({ kind, atMs: at }) => [kind, (at - atMs) / MIN])).toEqual([['JUMP', 0]]);
  });

  it('JUMP of a gas sensor that changes faster than its T90 allows, not of a leak', () => {
    const atMs = CO_START_MS + 60 * MIN;
    const t90S = 30;
    const rise = (play: Play) =>
      findings([{ ...spoiled(CO, atMs, play), stepS: 1, t90S }], {
        startMs: CO_START_MS,
        minutes: 90,
      });
    const sinceS = (at: number) => (at - atMs) / 1_000;
    // A leak to the top of the range, as a sensor of that T90 shows it.
    const leak: Play = (at) => Math.round(26 + 460 * (1 - 10 ** (-sinceS(at) / t90S)));
    expect(kinds(rise(leak))).toEqual([]);
    const spike: Play = (at) => (sinceS(at) % 600 === 7 ? 250 : 26 + (at % 7_000) / 7_000);
    expect(kinds(rise(spike))).toEqual(['JUMP']);
  });

  it('IDENTICAL_NEIGHBOURS when one sensor is read in the place of another', () => {
    const copy = recorded('laeqDbA', { resolution: 0.1, offset: 40, device: 'dev-2' });
    const told = findings([NOISE, copy], { startMs: NOISE.startMs, minutes: 60 });
    expect(kinds(told)).toEqual(['IDENTICAL_NEIGHBOURS']);
    expect(told[0]!.detail).toMatchObject({ device: 'dev-2', neighbour: 'dev-1 x', minutes: 10 });
  });

  it('OUT_OF_RANGE when a normal flag stands at what the instrument cannot measure', () => {
    const told = noiseFor((at) => (at % MIN < 20_000 ? 200 : NOISE.play(at)));
    expect(kinds(told)).toEqual(['OUT_OF_RANGE']);
    expect(told[0]!.atMs).toBe(AT_MS);
  });

  it('OUT_OF_RANGE not for values that are flagged as faulty', () => {
    expect(
      noiseFor((at) => (at % MIN < 20_000 ? { value: 200, flag: 'D' } : NOISE.play(at))),
    ).toEqual([]);
  });

  it('VARIANCE_COLLAPSE when the microphone is wrapped up', () => {
    // Half a decibel of life is left within the second, nothing from minute to minute.
    const told = noiseFor((at) => 62 + ((at / 1_000) % 5) * 0.1);
    expect(kinds(told)).toEqual(['VARIANCE_COLLAPSE']);
    expect((told[0]!.atMs - AT_MS) / MIN).toBeLessThanOrEqual(1);
  });

  const RUNNING: PlayedChannel = {
    device: 'plc-1',
    stepS: 20,
    factor: 'production',
    unit: '1',
    range: [0, 1],
    play: () => 1,
  };
  const produced = (play: Play, running: Play) =>
    findings([over(NOISE, play), over(RUNNING, running)], {
      startMs: NOISE.startMs,
      minutes: 400,
      production: 'plc-1',
    }).filter(({ kind }) => kind === 'PRODUCTION_GAP');
  const gap: Play = (at) => (at > AT_MS && at <= AT_MS + 60 * MIN ? null : NOISE.play(at));

  it('PRODUCTION_GAP when nothing is measured while the post produces', () => {
    const told = produced(gap, () => 1);
    expect(told.map(({ atMs, detail }) => [atMs, detail['device']])).toEqual([[AT_MS, 'dev-1']]);
  });

  it('PRODUCTION_GAP also when the values are flagged as maintenance', () => {
    const marked: Play = (at) => (gap(at) === null ? { value: 60, flag: 'M' } : NOISE.play(at));
    expect(produced(marked, () => 1)).toHaveLength(1);
  });

  it('PRODUCTION_GAP not while the post stands still', () => {
    expect(produced(gap, (at) => (at > AT_MS ? 0 : 1))).toEqual([]);
  });

  it.each([
    ['frames without a value', { value: null, flag: 'B' as const }],
    ['values flagged as a fault', { value: 60, flag: 'D' as const }],
  ])('SILENCE when the gateway goes on with %s, once, and again after a value', (_, dead) => {
    const cut: Play = (at) => {
      const minute = Math.floor((at - AT_MS - 1) / MIN);
      return minute < 0 || minute === 30 ? NOISE.play(at) : dead;
    };
    const told = findings([over(NOISE, cut)], { startMs: NOISE.startMs, minutes: 400 }).filter(
      ({ kind }) => kind === 'SILENCE',
    );
    expect(told.map(({ atMs, detail }) => [(atMs - AT_MS) / MIN, detail['reason']])).toEqual([
      [0, 'no-value'],
      [31, 'no-value'],
    ]);
  });

  it('SILENCE of a sensor that never had a value, though its gateway goes on', () => {
    const dead = over(NOISE, () => ({ value: null, flag: 'B' }));
    const told = findings([dead], { startMs: NOISE.startMs, minutes: 60 });
    expect(told.map(({ kind, atMs, detail }) => [kind, atMs, detail['reason']])).toEqual([
      ['SILENCE', NOISE.startMs, 'no-value'],
    ]);
  });

  /** Flagged as maintenance just while it is loud. */
  const flagged =
    (levelDbA: number): Play =>
    (at) => {
      const value = NOISE.play(at);
      return typeof value === 'number' && value > levelDbA ? { value, flag: 'M' } : value;
    };

  it('UNEXPLAINED_FLAGS when readings are flagged while they are high, once a day', () => {
    const told = findings([over(NOISE, flagged(55))], { startMs: NOISE.startMs, minutes: 400 });
    expect(kinds(told).filter((kind) => kind === 'UNEXPLAINED_FLAGS')).toHaveLength(1);
    expect(told.find(({ kind }) => kind === 'UNEXPLAINED_FLAGS')!.detail).toMatchObject({
      device: 'dev-1',
      minutes: 30,
    });
  });

  it('CLOCK_DRIFT when the gateway measures that its clock runs away', () => {
    const told = findings([NOISE], {
      startMs: NOISE.startMs,
      minutes: 240,
      clock: (at) => ({
        source: 'ntp',
        offsetMs: Math.max(0, ((at - NOISE.startMs) / (60 * MIN) - 1) * 900),
        errMs: 30,
      }),
    });
    expect(kinds(told)).toEqual(['CLOCK_DRIFT']);
    expect(told[0]!.detail).toMatchObject({ msPerHour: 870 });
  });

  it('CLOCK_DRIFT of a clock without a time source, by when its batches come', () => {
    const drifting = (msPerHour: number) =>
      findings([NOISE], {
        startMs: NOISE.startMs,
        minutes: 240,
        clock: () => ({ source: 'free', offsetMs: 0, errMs: 0 }),
        createdAt: (at) => at - 5_000 + ((at - NOISE.startMs) / (60 * MIN)) * msPerHour,
      });
    expect(kinds(drifting(2_000))).toEqual(['CLOCK_DRIFT']);
    expect(kinds(drifting(100))).toEqual([]);
  });

  it('CERTIFICATE_EXPIRED once, at the end of the certificate', () => {
    const told = findings([{ ...NOISE, certificateUntilMs: AT_MS }], {
      startMs: NOISE.startMs,
      minutes: 400,
    });
    expect(kinds(told)).toEqual(['CERTIFICATE_EXPIRED']);
    expect(told[0]).toMatchObject({ atMs: AT_MS, detail: { number: 'JL-1', post: 'post-1' } });
  });
});
