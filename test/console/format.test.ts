import { afterAll, beforeAll, describe, expect, it } from 'vitest';

type Format = Record<string, (...values: unknown[]) => string>;
let format: Format;

/** The page's own file, which asks for the address that it was opened at. */
const FILE = '../../src/console/public/format.js';

beforeAll(async () => {
  Object.assign(globalThis, { location: new URL('http://127.0.0.1/') });
  format = (await import(FILE)) as Format;
});

afterAll(() => {
  Reflect.deleteProperty(globalThis, 'location');
});

describe('the numbers of the page', () => {
  it.each([
    [{ ratio: 1.284, difference: null }, 'mg/m3', '128 %'],
    [{ ratio: 1.004, difference: null }, 'mg/m3', '100.4 %'],
    [{ ratio: 0.9996, difference: null }, 'mg/m3', '99.960 %'],
    [{ ratio: 1, difference: null }, 'mg/m3', '100.000 %'],
    [{ ratio: 2.1, difference: 3.2 }, 'dB(A)', '+3.2 dB'],
    [{ ratio: 1, difference: 0.04 }, 'dB(A)', '+0.04 dB'],
    [{ ratio: null, difference: -0.4 }, 'degC', '−0.4 °C'],
    [{ ratio: null, difference: null }, 'mg/m3', '–'],
  ])('shows %o in %s as %s of the limit', (standing, unit, words) => {
    expect(format['shareText']?.(standing, unit)).toBe(words);
  });

  it('rounds coverage down: 74.9 % must not read as the 75 % that it needs', () => {
    expect(format['percentText']?.(0.7499)).toBe('74 %');
    expect(format['percentText']?.(0.29)).toBe('29 %');
    expect(format['percentText']?.(null)).toBe('–');
  });

  it.each([
    [38.44, 'mg/m3', '38.4'],
    [1.3449, 'mg/m3', '1.34'],
    [123.46, 'mg/m3', '123.5'],
    [88.25, 'dB(A)', '88.3'],
    [-0.31, 'mg/m3', '−0.31'],
    [null, 'mg/m3', '–'],
  ])('shows the value %s in %s as %s', (value, unit, words) => {
    expect(format['valueText']?.(value, unit)).toBe(words);
  });

  it('shows times in the zone of the enterprise, the second day only when it is another', () => {
    const at = Date.UTC(2025, 10, 24, 1, 12);
    const hourMs = 3_600_000;
    const period = (toMs: number | null) => format['periodText']?.(at, toMs, 'Asia/Shanghai');
    expect(period(at + 2 * hourMs)).toBe('11-24 09:12–11:12');
    expect(period(at + 20 * hourMs)).toBe('11-24 09:12 – 11-25 05:12');
    expect(format['clockText']?.(at, 'Asia/Urumqi')).toBe('07:12');
    expect(format['clockText']?.(Date.UTC(2025, 10, 23, 16), 'Asia/Shanghai')).toBe('00:00');
  });
});
