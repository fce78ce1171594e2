import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { limitsText } from '../../cli/limits.ts';
import { loadLimitSet } from '../../src/thresholds/limits/limit-set.ts';

const run = promisify(execFile);
const text = (query: string, options: Partial<Parameters<typeof limitsText>[1]> = {}) =>
  limitsText(query, { json: false, lang: 'zh', set: 'gbz-2019', ...options });
const rows = (query: string, set = 'gbz-2019') =>
  JSON.parse(text(query, { json: true, set })) as {
    readonly id: string;
    readonly limits: { kind: string; value: number; unit: string }[];
    readonly confirmed: boolean;
    readonly validFrom?: string;
  }[];

describe('wugan limits', () => {
  it('prints every row with its sources when nothing is asked for', () => {
    const all = text('');
    for (const row of loadLimitSet().rows) {
      expect(all).toContain(row.nameZh);
      expect(all).toContain(row.source);
    }
    expect(all).toContain('316 行中的 316 行');
  });

  it('gives rows as JSON', () => {
    expect(rows('carbon-monoxide')[0]).toMatchObject({
      id: 'carbon-monoxide',
      limits: [
        { kind: 'PC_TWA', value: 20, unit: 'mg/m3' },
        { kind: 'PC_STEL', value: 30, unit: 'mg/m3' },
      ],
      confirmed: true,
      validFrom: '2020-04-01',
    });
    expect(rows('tvoc')).toEqual([]);
  });

  it.each(['苯', 'Benzene', 'BENZENE', '71-43-2', 'benzene', 'C6H6'])(
    'finds benzene as %s, the row in force first',
    (query) => {
      expect(rows(query)[0]).toMatchObject({ id: 'benzene', validFrom: '2022-11-01' });
    },
  );

  it('finds a gas by its formula before names that hold the letters', () => {
    expect(rows('CO')[0]!.id).toBe('carbon-monoxide');
    expect(rows('h2s')[0]!.id).toBe('hydrogen-sulfide');
  });

  it('speaks Chinese and English', () => {
    expect(text('苯')).toContain('未核对：最多判为疑似');
    const english = text('benzene', { lang: 'en' });
    expect(english).toContain('not confirmed: at most suspected');
    expect(english).toContain('mandatory');
  });

  it('says what no match means, and what may have been meant', () => {
    expect(text('tvoc')).toContain('不可评价，不等于合格');
    const near = text('bezene', { lang: 'en' });
    expect(near).toContain('not evaluable');
    expect(near).toContain('Benzene  (benzene)');
  });

  it('prints an edition as of a day', () => {
    expect(rows('benzene', 'gbz-2019@2020-04-01')[0]!.limits[0]).toMatchObject({ value: 6 });
  });

  it('prints another profile and alarm set points, which judge nothing', () => {
    expect(rows('carbon-monoxide', 'osha-pel')[0]!.limits).toEqual([
      { kind: 'TWA', value: 50, unit: 'ppm' },
    ]);
    expect(rows('carbon-monoxide', 'gbz-t-223-2009')[0]!.limits).toEqual([
      { kind: 'forewarning', value: 15, unit: 'mg/m3' },
      { kind: 'alarm', value: 30, unit: 'mg/m3' },
      { kind: 'high-alarm', value: null, unit: 'mg/m3' },
    ]);
    expect(text('co', { set: 'osha-pel', lang: 'en' })).not.toContain('suspected');
  });

  it('names the tables when one is asked for that is not there', async () => {
    expect(() => text('', { set: 'acgih' })).toThrow(/known are gbz-2019, osha-pel/);
    const command = run(process.execPath, ['cli/main.ts', 'limits', '--set', 'acgih']);
    await expect(command).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^Cannot print the table "acgih"/),
    });
  });
});
