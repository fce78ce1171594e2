import { describe, expect, it } from 'vitest';
import { fuzzMbap, fuzzRtu } from '../gateway/fuzz-framers.ts';
import { lateRun } from '../gateway/late-run.ts';

describe('a late reply, over an hour of lines', () => {
  it('is never a value of another register in 1,000,000 reads', async () => {
    const runs = [
      await lateRun('mbap', 20, 600_000, 0.024),
      await lateRun('rtu-over-tcp', 40, 250_000, 0.04),
      await lateRun('rtu', 40, 150_000, 0.06),
    ];
    for (const { wrong, counters } of runs) {
      expect(wrong).toBe(0);
      expect(counters.lateReplies).toBeGreaterThan(1_000);
    }
  });
});

describe('100,000,000 random or mutated responses', () => {
  it('are taken only when they are the reply', () => {
    for (let seed = 1; seed <= 100; seed += 1) {
      expect(fuzzRtu(500_000, seed).wrong).toEqual([]);
      expect(fuzzMbap(500_000, seed).wrong).toEqual([]);
    }
  });
});
