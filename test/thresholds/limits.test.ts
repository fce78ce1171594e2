import { describe, expect, it } from 'vitest';
import type { LimitConfirmation } from '../../src/model/facts.ts';
import { FactorId } from '../../src/model/ids.ts';
import { CasNumber } from '../../src/model/limits.ts';
import { confirm } from '../../src/thresholds/limits/law.ts';
import {
  appliedLimit,
  limitChanges,
  loadLimitSet,
  parseLimitSet,
  rowsInForce,
} from '../../src/thresholds/limits/limit-set.ts';
import { wbgtLimitC } from '../../src/thresholds/limits/wbgt-limit.ts';

const set = loadLimitSet();
const NOW = Date.parse('2026-06-01T00:00:00Z');
const rows = (factor: string, altitudeM = 0, atMs = NOW) =>
  rowsInForce(set, { factor: FactorId.parse(factor), atMs, altitudeM });
const limits = (factor: string, altitudeM = 0, atMs = NOW) =>
  rows(factor, altitudeM, atMs).flatMap((row) =>
    row.limits.map(({ kind, value }) => `${kind} ${value}`),
  );

describe('the limit table', () => {
  it('holds every row of GBZ 2.1-2019 and GBZ 2.2-2007 that was brought in', () => {
    expect(set.rows.filter(({ edition }) => edition === 'GBZ 2.2-2007')).toHaveLength(21);
    expect(set.rows).toHaveLength(316);
  });

  it('names clause, source and validity of every limit', () => {
    for (const row of set.rows) {
      expect(row.clause, row.id).not.toBe('');
      expect(row.source, row.id).not.toBe('');
      expect(row.force, row.id).toBe('MANDATORY');
    }
  });

  it('has each row id once at a time', () => {
    const ids = set.rows.map(({ id, validFrom }) => `${id} ${validFrom}`);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('takes nothing as confirmed that was only recalled', () => {
    for (const row of set.rows) {
      if (row.source.startsWith('memory')) expect(row.confirmed, row.id).toBe(false);
    }
  });

  it.each([
    ['carbon-monoxide', 'PC_TWA', 20],
    ['carbon-monoxide', 'PC_STEL', 30],
    ['nitrogen-oxides', 'PC_TWA', 5],
    ['nitrogen-oxides', 'PC_STEL', 10],
    ['manganese', 'PC_TWA', 0.15],
    ['welding-fume-total', 'PC_TWA', 4],
    ['noise', 'LEX_8H', 85],
    ['noise', 'LEX_W', 85],
  ] as const)('has %s %s %d as confirmed mandatory law', (factor, kind, value) => {
    const limit = rows(factor)
      .map((row) => appliedLimit(row, kind))
      .find((found) => found !== undefined);
    expect(limit).toMatchObject({ value, force: 'MANDATORY', confirmed: true });
  });

  it('has all 16 cells of GBZ 2.2-2007 table 8 as confirmed mandatory law', () => {
    const cells = rows('wbgt');
    expect(cells).toHaveLength(16);
    for (const cell of cells) expect(cell).toMatchObject({ force: 'MANDATORY', confirmed: true });
    expect(cells.map(({ limits: [limit] }) => limit?.value)).toEqual([
      30, 31, 32, 33, 28, 29, 30, 32, 26, 28, 29, 31, 25, 26, 28, 30,
    ]);
  });

  it.each([
    [1_999, ['PC_TWA 20', 'PC_STEL 30']],
    [2_000, ['MAC 20']],
    [3_000, ['MAC 20']],
    [3_001, ['MAC 15']],
  ])('judges carbon monoxide at %d m by %j', (altitudeM, wanted) => {
    expect(limits('carbon-monoxide', altitudeM)).toEqual(wanted);
  });

  it('changes benzene at Beijing midnight of the day of the amendment', () => {
    const midnight = Date.parse('2022-10-31T16:00:00Z');
    expect(limits('benzene', 0, midnight - 1)).toEqual(['PC_TWA 6', 'PC_STEL 10']);
    expect(limits('benzene', 0, midnight)).toEqual(['PC_TWA 3', 'PC_STEL 6']);
    const factor = FactorId.parse('benzene');
    expect(limitChanges(set, factor, midnight - 1, midnight + 1)).toEqual([midnight]);
    expect(limitChanges(set, factor, midnight, midnight + 1)).toEqual([]);
  });

  it('has no limit for what is not in the table', () => {
    expect(rows('tvoc')).toEqual([]);
  });

  it('confirms of a row only the kinds that were read', () => {
    const [styrene] = rows('styrene');
    expect(appliedLimit(styrene!, 'PC_TWA')?.confirmed).toBe(true);
    expect(appliedLimit(styrene!, 'PC_STEL')?.confirmed).toBe(false);
  });

  it('lets numbers that were read without their first day accuse nobody', () => {
    const amended = set.rows.find((row) => row.validFromNote !== undefined);
    expect(amended).toMatchObject({ id: 'benzene', validFrom: '2022-11-01', confirmed: true });
    expect(appliedLimit(amended!, 'PC_TWA')?.confirmed).toBe(false);
    const read = confirm(amended!, { reference: 'p. 3' } as LimitConfirmation);
    expect(appliedLimit(read, 'PC_TWA')?.confirmed).toBe(true);
  });

  it('gives no online limit in a unit that no online instrument has', () => {
    const fibres = set.rows.find(({ limits: [limit] }) => limit?.unit === 'f/mL');
    expect(appliedLimit(fibres!, 'PC_TWA')).toBeUndefined();
  });
});

describe('loading a limit table', () => {
  const valid = { ...set, molarVolumeC: 20 };
  const changed = (change: object): unknown => ({
    ...valid,
    rows: [{ ...set.rows[0], ...change }],
  });
  const mg = { unit: 'mg/m3', value: 1 };

  it('takes the table as it is', () => {
    expect(parseLimitSet(changed({})).rows).toHaveLength(1);
  });

  it.each([
    [
      'MAC with PC-TWA',
      {
        limits: [
          { ...mg, kind: 'MAC' },
          { ...mg, kind: 'PC_TWA' },
        ],
      },
    ],
    [
      'MAC with PC-STEL',
      {
        limits: [
          { ...mg, kind: 'MAC' },
          { ...mg, kind: 'PC_STEL' },
        ],
      },
    ],
    [
      'a kind twice',
      {
        limits: [
          { ...mg, kind: 'MAC' },
          { ...mg, kind: 'MAC' },
        ],
      },
    ],
    ['按…计 without its basis', { nameZh: '氰化物(按CN计)', expressedAs: null }],
    ['a MAC in dB(A)', { limits: [{ kind: 'MAC', unit: 'dB(A)', value: 85 }] }],
    ['a PC-TWA in ppm', { limits: [{ kind: 'PC_TWA', unit: 'ppm', value: 85 }] }],
    ['heat in mg/m3', { limits: [{ kind: 'WBGT', unit: 'mg/m3', value: 30 }] }],
    ['a limit of a kind that is no limit', { limits: [{ kind: 'PEAK', unit: '1', value: 3 }] }],
    [
      'the mass of X without X',
      { nameZh: '氟化氢', expressedAs: null, expressedAsMolarMass: 18.998 },
    ],
    ['a mass that is no whole number of X', { expressedAs: 'F', expressedAsMolarMass: 20.006 }],
    ['more of X than the molecule weighs', { expressedAs: 'F', expressedAsMolarMass: 37.996 }],
    ['what is recalled as confirmed', { confirmed: true, source: 'memory of GBZ 2.1-2019' }],
    ['an altitude band without room', { altitudeM: { from: 3_000, below: 2_000 } }],
    ['a confirmed kind that the row has not', { unconfirmedKinds: ['MAC'] }],
    ['a date that is none', { validFrom: '2022-02-30' }],
    ['a limit without a clause', { clause: '' }],
    ['a limit without a source', { source: '' }],
    [
      'peaks without their number of impulses',
      {
        limits: [{ kind: 'L_PEAK', unit: 'dB(A)', value: 140 }],
      },
    ],
    ['a CAS number whose check digit is wrong', { cas: ['630-08-1'] }],
    ['an unknown member', { international: {} }],
    ['a limit of zero', { limits: [{ kind: 'MAC', unit: 'mg/m3', value: 0 }] }],
    ['an end before the start', { validTo: '2001-01-01' }],
    [
      'a WBGT limit without its contact-time rate',
      { limits: [{ kind: 'WBGT', unit: 'degC', value: 1 }] },
    ],
  ])('refuses %s', (_, change) => {
    expect(() => parseLimitSet(changed(change))).toThrow();
  });

  it.each([
    ['at once', {}, {}],
    ['at one altitude', { altitudeM: { from: 0, below: 2_000 } }, { altitudeM: { from: 1_999 } }],
    [
      'on the edge of two bands',
      { altitudeM: { from: 0, upToInclusive: 2_000 } },
      { altitudeM: { from: 2_000 } },
    ],
    ['for a day', { validTo: '2025-01-02' }, { validFrom: '2025-01-01' }],
  ])('refuses two rows that judge the same thing %s', (_, one, other) => {
    const rows = [
      { ...set.rows[0], altitudeM: null, ...one },
      { ...set.rows[0], altitudeM: null, id: 'other', ...other },
    ];
    expect(() => parseLimitSet({ ...valid, rows })).toThrow(/both say PC_TWA/);
  });

  it.each([
    ['by altitude', { altitudeM: { below: 2_000 } }, { altitudeM: { from: 2_000 } }],
    ['by date', { validTo: '2025-01-01' }, { validFrom: '2025-01-01' }],
    ['by fraction', { fraction: 'total' }, { fraction: 'respirable' }],
    ['by condition', { condition: 'freeSiO2Percent<10' }, { condition: 'freeSiO2Percent>80' }],
  ])('takes two rows that differ %s', (_, one, other) => {
    const rows = [
      { ...set.rows[0], altitudeM: null, ...one },
      { ...set.rows[0], altitudeM: null, id: 'other', ...other },
    ];
    expect(parseLimitSet({ ...valid, rows }).rows).toHaveLength(2);
  });

  it('knows a CAS number by its check digit', () => {
    expect(CasNumber.safeParse('630-08-0').success).toBe(true);
    expect(CasNumber.safeParse('7782-50-5').success).toBe(true);
    expect(CasNumber.safeParse('7782-50-6').success).toBe(false);
  });
});

describe('wbgtLimitC()', () => {
  const column = [
    { ratePercent: 25, valueC: 31 },
    { ratePercent: 50, valueC: 29 },
    { ratePercent: 75, valueC: 28 },
    { ratePercent: 100, valueC: 26 },
  ];
  const at = (percent: number) => wbgtLimitC(column, 288 * percent);

  it('takes a rate on a row by that row', () => {
    expect([25, 50, 75, 100].map(at)).toEqual([31, 29, 28, 26]);
  });

  it('takes a rate between rows by the next stricter one', () => {
    expect([10, 25.01, 60, 75.01].map(at)).toEqual([31, 29, 28, 26]);
  });

  it('takes more than 8 h by the row of 100 %', () => {
    expect(at(150)).toBe(26);
  });
});
