import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/model/digest.ts';
import { Ulid, ZERO_HASH } from '../../src/model/ids.ts';
import {
  addRange,
  createGatewayProgress,
  rangesOf,
} from '../../src/thresholds/gateway-progress.ts';

const A = Ulid.parse('01JX000000000000000000000A');
const B = Ulid.parse('01JX000000000000000000000B');
const hashOf = (epoch: string, seq: number): string => sha256Hex(`${epoch} ${seq}`);
const batch = (epoch: string, seq: number, first = ZERO_HASH) => ({
  from: seq,
  to: seq,
  prev: seq === 1 ? first : hashOf(epoch, seq - 1),
  hash: hashOf(epoch, seq),
});

describe('addRange()', () => {
  it('is settled again in any order once nothing is missing, without a break', () => {
    const seqs = Array.from({ length: 12 }, (_, i) => i + 1);
    fc.assert(
      fc.property(fc.shuffledSubarray(seqs, { minLength: 12 }), (order) => {
        const progress = createGatewayProgress();
        const breaks = order.flatMap((seq) => [...addRange(progress, A, batch(A, seq))]);
        expect(breaks).toEqual([]);
        expect(progress.isSettled).toBe(true);
        expect(rangesOf(progress, A)).toHaveLength(1);
      }),
    );
  });

  it('is unsettled while a number below the highest is missing', () => {
    const progress = createGatewayProgress();
    addRange(progress, A, batch(A, 1));
    addRange(progress, A, batch(A, 3));
    expect(progress.isSettled).toBe(false);
    addRange(progress, A, batch(A, 2));
    expect(progress.isSettled).toBe(true);
  });

  it('settles what a gap says will never come', () => {
    const progress = createGatewayProgress();
    addRange(progress, A, batch(A, 1));
    addRange(progress, A, batch(A, 6));
    const gap = { from: 2, to: 5, prev: hashOf(A, 1), hash: hashOf(A, 5) };
    expect(addRange(progress, A, gap)).toEqual([]);
    expect(progress.isSettled).toBe(true);
  });

  it('fills only the holes of a gap that covers what has come', () => {
    const progress = createGatewayProgress();
    for (const seq of [1, 3, 6]) addRange(progress, A, batch(A, seq));
    const gap = { from: 2, to: 5, prev: hashOf(A, 1), hash: hashOf(A, 5) };
    expect(addRange(progress, A, gap)).toEqual([]);
    expect(progress.isSettled).toBe(true);
  });

  it('finds a broken link whichever side comes first', () => {
    const wrong = { ...batch(A, 3), prev: hashOf('other', 2) };
    for (const order of [
      [batch(A, 1), batch(A, 2), wrong],
      [wrong, batch(A, 2), batch(A, 1)],
    ]) {
      const progress = createGatewayProgress();
      const breaks = order.flatMap((range) => [...addRange(progress, A, range)]);
      expect(breaks).toEqual([{ epoch: A, seq: 3 }]);
    }
  });

  it('waits for the last batch of the epoch before a new one', () => {
    const progress = createGatewayProgress();
    addRange(progress, A, batch(A, 1));
    addRange(progress, B, batch(B, 1, hashOf(A, 2)));
    expect(progress.isSettled).toBe(false);
    addRange(progress, A, batch(A, 2));
    expect(progress.isSettled).toBe(true);
  });

  it('lets no epoch vanish unseen', () => {
    const progress = createGatewayProgress();
    addRange(progress, A, batch(A, 1));
    addRange(progress, B, batch(B, 1, hashOf('unseen epoch', 9)));
    expect(progress.isSettled).toBe(false);
  });

  it('finds a second epoch that starts at zeros', () => {
    const progress = createGatewayProgress();
    addRange(progress, A, batch(A, 1));
    expect(addRange(progress, B, batch(B, 1))).toEqual([{ epoch: B, seq: 1 }]);
  });
});
