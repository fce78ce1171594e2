import { describe, expect, it } from 'vitest';
import { fuzzMbap, fuzzRtu } from './fuzz-framers.ts';

const seed = Date.now() & 0xffff;

describe('1,000,000 random or mutated responses', () => {
  it('are taken by the RTU framer exactly when unit, function, count, length and checksum are right', () => {
    const { accepted, wrong } = fuzzRtu(500_000, seed);
    expect(wrong).toEqual([]);
    expect(accepted).toBeGreaterThan(30_000);
  });

  it('are taken by the Modbus TCP framer only when a whole and right reply is there', () => {
    const { accepted, wrong } = fuzzMbap(500_000, seed);
    expect(wrong).toEqual([]);
    expect(accepted).toBeGreaterThan(30_000);
  });
});
