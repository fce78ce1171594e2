import { describe, expect, it } from 'vitest';
import { channel, device, hazard, runSite, type Site, series } from './site.ts';
import { CO, NOX_SITE } from './sites.ts';

const site = (feed: string, a: object, b: object): Site => ({
  posts: [{ hazards: [hazard('carbon-monoxide', 'a', { backup: channel('b'), feed })] }],
  devices: { a: { ...CO, ...a }, b: { ...CO, ...b } },
});
const high = series({ a: [[50, 480]] });
const highB = series({ b: [[50, 480]] });

describe('a channel that merely stands in shields nothing', () => {
  it.each([
    ['cross-sensitive', { specific: false }],
    ['of unknown uncertainty', { uncertainty: null }],
    ['very uncertain', { uncertainty: { abs: 100 } }],
  ])('as a backup that is %s', (_, poor) => {
    expect(runSite(site('primary', {}, poor), high).last('PC_TWA')).toMatchObject({
      verdict: 'exceeded',
      caps: [],
    });
  });

  it.each([
    ['cross-sensitive', { specific: false }],
    ['of unknown uncertainty', { uncertainty: null }],
  ])('as a retired primary that is %s', (_, poor) => {
    expect(runSite(site('backup', poor, {}), highB).last('PC_TWA')).toMatchObject({
      verdict: 'exceeded',
      caps: [],
    });
  });

  it('as a slow backup of a MAC: the mean is as long as the instrument that judges needs', () => {
    const h2s = (feed: string, slow: object): Site => ({
      posts: [{ hazards: [hazard('hydrogen-sulfide', 'a', { backup: channel('b'), feed })] }],
      devices: {
        a: { factor: 'hydrogen-sulfide' },
        b: { factor: 'hydrogen-sulfide', ...slow },
      },
    });
    const peak = series({
      a: [
        [1, 60],
        [30, 2],
        [1, 418],
      ],
    });
    const result = runSite(h2s('primary', { t90S: 900 }), peak).last('MAC');
    expect(result).toMatchObject({ verdict: 'exceeded', details: { confirmationMinutes: 1 } });
  });

  it('but its uncertainty counts in what it fills: never within on a guess', () => {
    const frames = series({
      a: [
        [10, 100],
        [null, 380],
      ],
      b: [[19, 480]],
    });
    expect(
      runSite(site('primary', {}, { uncertainty: { abs: 5 } }), frames).last('PC_TWA').verdict,
    ).toBe('borderline');
    expect(
      runSite(site('primary', {}, { uncertainty: { abs: 0 } }), frames).last('PC_TWA').verdict,
    ).toBe('within');
  });

  it('as a retired primary that stands still: no obstacle to what its backup shows', () => {
    const level = Array.from({ length: 480 }, (_, i) => [50 + (i % 7), 1] as const);
    const still = runSite(site('backup', {}, {}), series({ a: [[30, 480]], b: level }));
    const signal = still.signals.findLast(({ kind }) => kind === 'OVER_LIMIT');
    expect(signal?.kind === 'OVER_LIMIT' && signal.obstacles).toEqual([]);
  });
});

describe('a sum of gases', () => {
  const nox = (no: object): Site => ({
    ...NOX_SITE,
    devices: { ...NOX_SITE.devices, b: { factor: 'nitric-oxide', ...no } },
  });

  it('is as uncertain when one of its channels never spoke as when it read 0', () => {
    const uncertain = nox({ uncertainty: { abs: 3 } });
    const read = runSite(uncertain, series({ a: [[6, 480]], b: [[0, 480]] })).last('PC_TWA');
    const mute = runSite(uncertain, series({ a: [[6, 480]] })).last('PC_TWA');
    expect(read.verdict).toBe('suspected');
    expect(mute.verdict).toBe('suspected');
  });
});

describe('a mixture', () => {
  const mixed = (rest: object, crew: object = {}): Site => ({
    posts: [
      {
        hazards: [hazard('toluene', 'a', rest), hazard('acetone', 'b')],
        mixtures: [{ name: 'solvents', factors: ['toluene', 'acetone'] }],
      },
    ],
    crew,
    devices: {
      a: { factor: 'toluene' },
      b: { factor: 'acetone' },
      c: { factor: 'toluene' },
      p: { factor: 'presence', unit: '1', range: [0, 1] },
    },
  });

  it('reads the backup where the registry names it as proof', () => {
    const site = mixed({ backup: channel('c'), feed: 'backup' });
    const result = runSite(site, series({ a: [[0, 480]], b: [[180, 480]], c: [[30, 480]] })).last(
      'MIXTURE',
    );
    expect(result.window.lowerBound).toBeCloseTo(30 / 50 + 180 / 300, 9);
    expect(result.verdict).toBe('suspected');
  });

  it('reads the mean where the registry says so', () => {
    const site = mixed({ backup: channel('c'), feed: 'mean' });
    const result = runSite(site, series({ a: [[20, 480]], b: [[180, 480]], c: [[30, 480]] })).last(
      'MIXTURE',
    );
    expect(result.window.lowerBound).toBeCloseTo(25 / 50 + 180 / 300, 9);
  });

  it('counts only the time in which the crew was there', () => {
    const site = mixed({}, { basis: 'PRESENCE', presence: channel('p') });
    const result = runSite(
      site,
      series({
        a: [[100, 480]],
        b: [[0, 480]],
        p: [
          [1, 120],
          [0, 360],
        ],
      }),
    ).last('MIXTURE');
    expect(result.window.lowerBound).toBeCloseTo((100 / 50) * (120 / 480), 9);
    expect(result.caps).not.toContain('no-presence-record');
  });
});

describe('an instrument that can’t show the limit exceeded', () => {
  const one = (profile: object): Site => ({
    posts: [{ hazards: [hazard('carbon-monoxide', 'a')] }],
    devices: { a: { ...CO, ...profile } },
  });

  it.each([
    ['whose range ends at it', { range: [0, 20] }, 20, 'range-below-limit'],
    ['that clips below it', { range: [0, 15] }, 15, 'range-below-limit'],
    ['that detects nothing under it', { lod: 38 }, 37, 'lod-above-limit'],
  ])('never shows that it was kept: one %s', (_, profile, value, cap) => {
    const result = runSite(one(profile), series({ a: [[value, 480]] })).last('PC_TWA');
    expect(result).toMatchObject({ verdict: 'indeterminate', caps: [cap] });
  });

  it('may still show it exceeded where it can', () => {
    const above = runSite(one({ lod: 38 }), series({ a: [[60, 480]] })).last('PC_TWA');
    expect(above).toMatchObject({ verdict: 'exceeded', caps: [] });
  });

  it('adds up to one that can where gases are added up', () => {
    const site: Site = {
      ...NOX_SITE,
      devices: {
        a: { factor: 'nitrogen-dioxide', range: [0, 4] },
        b: { factor: 'nitric-oxide', range: [0, 4] },
      },
    };
    const result = runSite(site, series({ a: [[1, 480]], b: [[1, 480]] })).last('PC_TWA');
    expect(result.verdict).toBe('within');
  });
});

describe('the point that a result names', () => {
  it('is where the channel stands that is proof: the backup’s when that stands for the post', () => {
    const facts = [device('b', CO, { point: 'pt-2' })];
    const at = (feed: string) =>
      runSite({ ...site(feed, {}, {}), facts }, highB).last('PC_TWA').subject.point;
    expect(at('backup')).toBe('pt-2');
    expect(at('primary')).toBe('pt-1');
  });
});
