import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createRateBucket } from '../../src/ingest/rate-bucket.ts';

it('createRateBucket() lets through a burst at once, and then no more than the rate', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 1, max: 1_000 }),
      fc.array(fc.nat(3_000), { minLength: 1 }),
      (perSecond, burst, reads) => {
        const bucket = createRateBucket({ perSecond, burst });
        let nowMs = 0;
        let passed = 0;
        for (const count of reads) {
          nowMs += bucket.waitMs(nowMs);
          expect(bucket.waitMs(nowMs)).toBeLessThanOrEqual(1);
          // Whoever waited so long had not more before this read than the burst and its time allow.
          expect(passed).toBeLessThanOrEqual(burst + (perSecond * (nowMs + 1)) / 1_000 + 1e-6);
          bucket.take(count, nowMs);
          passed += count;
        }
      },
    ),
  );
});

it('createRateBucket() has a second of the rate at once when no burst is given', () => {
  const bucket = createRateBucket({ perSecond: 50 });
  bucket.take(50, 0);
  expect(bucket.waitMs(0)).toBe(0);
  bucket.take(1, 0);
  expect(bucket.waitMs(0)).toBe(20);
  expect(bucket.waitMs(20)).toBe(0);
});
