import { describe, expect, it } from 'vitest';
import { Crew } from '../../src/model/facts.ts';
import { shiftsOf } from '../../src/thresholds/shift.ts';
import { HOUR } from './world.ts';

const crew = (shift: object) =>
  Crew.parse({
    id: 'c',
    post: 'p',
    name: 'n',
    workers: 1,
    basis: 'SCHEDULE',
    daysPerWeek: 5,
    shifts: [{ name: 's', days: [1, 2, 3, 4, 5, 6, 7], start: '22:00', end: '06:00', ...shift }],
  });
const on = (zone: string, day: string, shift: object = {}) => {
  const fromMs = Date.parse(`${day}T00:00:00Z`);
  return shiftsOf(crew(shift), zone, fromMs, fromMs + 24 * HOUR);
};
const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 16);

describe('shiftsOf()', () => {
  it('takes a shift that ends before it starts over midnight', () => {
    const [shift] = on('Asia/Shanghai', '2025-06-02');
    expect([iso(shift!.startMs), iso(shift!.endMs)]).toEqual([
      '2025-06-02T14:00',
      '2025-06-02T22:00',
    ]);
  });

  it('takes breaks after midnight on the next day', () => {
    const breaks = [
      { from: '23:30', to: '00:15' },
      { from: '02:00', to: '02:30' },
    ];
    const [shift] = on('Asia/Shanghai', '2025-06-02', { breaks });
    expect(shift!.contact.map((part) => part.map(iso))).toEqual([
      ['2025-06-02T14:00', '2025-06-02T15:30'],
      ['2025-06-02T16:15', '2025-06-02T18:00'],
      ['2025-06-02T18:30', '2025-06-02T22:00'],
    ]);
  });

  it.each([
    ['a day of 23 hours', '2025-03-29', 7],
    ['a day of 25 hours', '2025-10-25', 9],
    ['a common day', '2025-06-02', 8],
  ])('gives a night shift on %s its true length', (_, day, hours) => {
    const [shift] = on('Europe/Berlin', day);
    expect((shift!.endMs - shift!.startMs) / HOUR).toBe(hours);
    expect(shift!.contact).toEqual([[shift!.startMs, shift!.endMs]]);
  });

  it('takes a wall time that the clocks skip as if they had not', () => {
    const [shift] = on('Europe/Berlin', '2025-03-30', { start: '02:30', end: '10:30' });
    expect(iso(shift!.startMs)).toBe('2025-03-30T01:30');
  });

  it('leaves out a break that the clocks skip', () => {
    const breaks = [{ from: '02:30', to: '03:00' }];
    const [shift] = on('Europe/Berlin', '2025-03-29', { breaks });
    expect(shift!.contact).toEqual([
      [shift!.startMs, Date.parse('2025-03-30T01:30:00Z')],
      [Date.parse('2025-03-30T01:30:00Z'), shift!.endMs],
    ]);
  });

  it('starts shifts on their weekdays only, also on a leap day', () => {
    expect(on('Asia/Shanghai', '2024-02-29', { days: [4] })).toHaveLength(1);
    expect(on('Asia/Shanghai', '2024-02-29', { days: [5] })).toHaveLength(0);
  });

  it('lasts a whole day when it ends at the hour it starts', () => {
    const [shift] = on('Asia/Shanghai', '2025-06-02', { start: '08:00', end: '08:00' });
    expect((shift!.endMs - shift!.startMs) / HOUR).toBe(24);
  });
});
