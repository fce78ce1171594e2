import { describe, expect, it } from 'vitest';
import { Crew, Hazard } from '../../src/model/facts.ts';
import { partReadings, partsObstacle } from '../../src/thresholds/part-readings.ts';
import { hasRoster, hoursPerWeek, worksFiveDays } from '../../src/thresholds/roster-cycle.ts';
import { cycleDay, shiftsOf } from '../../src/thresholds/shift.ts';
import { HOUR } from './world.ts';

const DAY = { name: 'day', days: [1], start: '08:00', end: '20:00' };
const NIGHT = { name: 'night', days: [1], start: '20:00', end: '08:00' };
const crew = (rest: object = {}): Crew =>
  Crew.parse({
    id: 'c',
    post: 'p',
    name: 'n',
    workers: 1,
    basis: 'SCHEDULE',
    daysPerWeek: 5,
    shifts: [DAY, NIGHT],
    ...rest,
  });
const FOUR_DAYS = { from: '2025-06-02', days: ['day', 'night', null, null] };
const names = (of: Crew, from: string, days: number, zone = 'Asia/Shanghai') => {
  const fromMs = Date.parse(`${from}T00:00:00Z`) - 8 * HOUR;
  return shiftsOf(of, zone, fromMs, fromMs + days * 24 * HOUR).map(({ name, startMs }) => {
    const day = new Date(startMs + 8 * HOUR).toISOString().slice(5, 10);
    return `${day} ${name}`;
  });
};

describe('roster', () => {
  it('works its cycle again and again, whatever the weekday', () => {
    expect(names(crew({ roster: FOUR_DAYS }), '2025-06-02', 9)).toEqual([
      '06-02 day',
      '06-03 night',
      '06-06 day',
      '06-07 night',
      '06-10 day',
    ]);
  });

  it('goes on before its anchor as well, and over a leap day', () => {
    expect(names(crew({ roster: FOUR_DAYS }), '2025-05-29', 3)).toEqual([
      '05-29 day',
      '05-30 night',
    ]);
    const date = (day: number) => ({ year: 2024, month: 2, day });
    expect(cycleDay('2024-02-28', 4, date(29))).toBe(1);
    expect(cycleDay('2024-02-28', 4, { year: 2024, month: 3, day: 1 })).toBe(2);
    expect(cycleDay('2025-06-02', 4, { year: 2025, month: 6, day: 1 })).toBe(3);
  });

  it('starts no shift on a holiday; the night before runs into it', () => {
    const off = crew({ roster: FOUR_DAYS, holidays: ['2025-06-06'] });
    expect(names(off, '2025-06-02', 6)).toEqual(['06-02 day', '06-03 night', '06-07 night']);
  });

  it('cuts a shift over midnight into segments of posts', () => {
    const segments = [
      { post: 'a', from: '20:00', to: '00:30' },
      { post: 'b', from: '00:30', to: '08:00' },
    ];
    const breaks = [{ from: '00:00', to: '01:00' }];
    const shifts = [{ ...NIGHT, segments, breaks }];
    const from = Date.parse('2025-06-02T00:00:00Z');
    const [shift] = shiftsOf(crew({ shifts }), 'Asia/Shanghai', from, from + 24 * HOUR);
    const hours = shift!.segments.map(({ post, contact }) => [
      post,
      contact.map((part) => part.map((ms) => (ms - shift!.startMs) / HOUR)),
    ]);
    expect(hours).toEqual([
      ['a', [[0, 4]]],
      ['b', [[5, 12]]],
    ]);
  });

  it.each([
    ['a day of 23 hours', '2025-03-29', 11],
    ['a day of 25 hours', '2025-10-25', 13],
  ])('gives a night of 12 h its true length over %s', (_, day, hours) => {
    const roster = { from: day, days: ['night', null] };
    const fromMs = Date.parse(`${day}T00:00:00Z`);
    const [shift] = shiftsOf(crew({ roster }), 'Europe/Berlin', fromMs, fromMs + 24 * HOUR);
    expect((shift!.endMs - shift!.startMs) / HOUR).toBe(hours);
  });
});

describe('which form of LEX judges a crew', () => {
  it('5 days a week: the daily one; any other roster: the weekly one', () => {
    const week = ['day', 'day', 'day', 'day', 'day', null, null];
    expect(worksFiveDays(crew())).toBe(true);
    expect(worksFiveDays(crew({ daysPerWeek: 6 }))).toBe(false);
    expect(worksFiveDays(crew({ roster: { from: '2025-06-02', days: week } }))).toBe(true);
    expect(worksFiveDays(crew({ roster: FOUR_DAYS }))).toBe(false);
    const uneven = [...week.slice(0, 4), null, null, null, ...week.slice(0, 5), 'day', null];
    expect(worksFiveDays(crew({ roster: { from: '2025-06-02', days: uneven } }))).toBe(false);
  });

  it('a plan that doesn’t show the whole week is no roster', () => {
    expect(hasRoster(crew({ shifts: [{ ...DAY, days: [1, 2, 3, 4, 5] }] }))).toBe(true);
    expect(hasRoster(crew({ shifts: [{ ...DAY, days: [1, 2, 3] }] }))).toBe(false);
    expect(hoursPerWeek(crew({ shifts: [{ ...DAY, days: [1, 2, 3] }] }))).toBeUndefined();
  });

  it('hours a week are those of the plan without breaks, of a roster on average', () => {
    const breaks = [{ from: '12:00', to: '13:00' }];
    const shifts = [{ ...DAY, days: [1, 2, 3, 4, 5], breaks }];
    expect(hoursPerWeek(crew({ shifts }))).toBe(55);
    expect(hoursPerWeek(crew({ roster: FOUR_DAYS }))).toBe(42);
  });
});

const WBGT = {
  factors: null,
  ppmFactor: null,
  limitUnit: 'degC',
  weight: 1,
  fraction: null,
} as const;
const channel = (metric: string) => ({ device: 'd', metric });
const wbgt = (metric: string, ...roles: string[]): Hazard =>
  Hazard.parse({
    factor: 'wbgt',
    primary: channel(metric),
    parts: roles.map((role) => ({ role, channel: channel(role) })),
  });
const weights = (hazard: Hazard, outdoor: boolean) => {
  const { own, parts } = partReadings(WBGT, hazard, outdoor);
  return [own.weight, ...parts.map(({ reading }) => reading.weight)];
};

describe('WBGT from its parts', () => {
  it('weighs bulb and globe indoors, and the air as well in the sun', () => {
    expect(weights(wbgt('tnw', 'globe'), false)).toEqual([0.7, 0.3]);
    expect(weights(wbgt('tnw', 'globe', 'air'), true)).toEqual([0.7, 0.2, 0.1]);
  });

  it('counts the abdomen twice', () => {
    expect(weights(wbgt('wbgt', 'head', 'ankle'), false)).toEqual([0.5, 0.25, 0.25]);
  });

  it.each([
    ['wbgt-height-missing', wbgt('wbgt', 'head'), false],
    ['no-air-temperature', wbgt('tnw', 'globe'), true],
    ['air-temperature-indoors', wbgt('tnw', 'globe', 'air'), false],
    ['wbgt-indoor-metric', wbgt('wbgt-in'), true],
    ['wbgt-outdoor-metric', wbgt('wbgt-out'), false],
  ])('%s', (reason, hazard, outdoor) => {
    expect(partsObstacle(hazard, outdoor)).toBe(reason);
    expect(partsObstacle(wbgt('wbgt-in'), false)).toBeUndefined();
  });
});
