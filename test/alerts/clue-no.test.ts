import { describe, expect, it } from 'vitest';
import { ClueNo } from '../../src/alerts/clue-body.ts';
import { type ClueKey, clueNumber } from '../../src/alerts/clue-no.ts';
import { FactorId, PostId, RegionCode, Uscc } from '../../src/model/ids.ts';

const key: ClueKey = {
  enterprise: Uscc.parse('91330106MA2CFLR43E'),
  post: PostId.parse('welding'),
  factor: FactorId.parse('noise'),
  limitKind: 'LEX_8H',
  kind: 'OVER_LIMIT',
};
const opened = {
  region: RegionCode.parse('330106'),
  shiftStartMs: Date.parse('2026-11-20T17:00:00Z'),
  timeZone: 'Asia/Shanghai',
};

describe('clueNumber()', () => {
  it('is the same for the same key and shift, for ever', () => {
    expect(clueNumber(key, opened)).toBe('CL33010620261121PTN2J470');
    expect(ClueNo.safeParse(clueNumber(key, opened)).success).toBe(true);
  });

  it('carries the local day of the shift', () => {
    expect(clueNumber(key, { ...opened, timeZone: 'UTC' }).slice(8, 16)).toBe('20261120');
  });

  it.each([
    ['enterprise', '91350100M000100Y43'],
    ['post', 'painting'],
    ['factor', 'wbgt'],
    ['limitKind', 'LEX_W'],
  ])('differs by %s', (member, value) => {
    expect(clueNumber({ ...key, [member]: value } as ClueKey, opened)).not.toBe(
      clueNumber(key, opened),
    );
  });

  it('differs by shift within one day', () => {
    const later = { ...opened, shiftStartMs: opened.shiftStartMs + 1 };
    expect(clueNumber(key, later)).not.toBe(clueNumber(key, opened));
  });
});
