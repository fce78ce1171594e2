import { describe, expect, it } from 'vitest';
import { createRing } from '../../src/ingest/journal/ring.ts';
import type { JournalEntry } from '../../src/model/entry.ts';

const ticks = (from: number, to: number): JournalEntry[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({
    ...{ pos: from + i, kind: 'tick', atMs: 0, receivedAtMs: 0, sha256: '' },
  }));
const created = (entriesMax = 1_000) => createRing(0, { entriesMax, bytesMax: 1_000_000 });

describe('createRing()', () => {
  it('keeps the latest within its bounds for a reader that may yet come', () => {
    const ring = created(4);
    ring.push(ticks(1, 2), 10);
    ring.push(ticks(3, 4), 10);
    expect(ring.from(1, 10)).toHaveLength(4);
    ring.push(ticks(5, 5), 10);
    expect(ring.from(1, 10)).toBeNull();
    expect(ring.from(3, 10)).toHaveLength(3);
  });

  it('lets go what every reader has had but for a tail, and nothing that one still needs', () => {
    const ring = created(100_000);
    const fast = ring.join(1);
    const slow = ring.join(1);
    for (let n = 0; n < 4; n += 1) ring.push(ticks(n * 1_000 + 1, (n + 1) * 1_000), 10);
    fast.moveTo(4_001);
    expect(ring.from(1, 10)).toHaveLength(10);
    // In the middle of a commit: the whole of it stays.
    slow.moveTo(1_500);
    expect(ring.from(1_000, 10)).toBeNull();
    expect(ring.from(1_001, 10_000)).toHaveLength(3_000);
    slow.leave();
    expect(ring.from(2_000, 10)).toBeNull();
    expect(ring.from(2_001, 10_000)).toHaveLength(2_000);
    expect(ring.from(4_001, 10)).toEqual([]);
    ring.push(ticks(4_001, 4_030), 10);
    fast.moveTo(4_031);
    expect(ring.from(3_000, 10)).toBeNull();
    expect(ring.from(3_001, 10_000)).toHaveLength(1_030);
  });

  it('drops what a reader needs when that would be more than its bounds', () => {
    const ring = created(3);
    ring.join(1);
    ring.push(ticks(1, 2), 10);
    ring.push(ticks(3, 4), 10);
    expect(ring.from(1, 10)).toBeNull();
    expect(ring.from(3, 10)).toHaveLength(2);
  });
});
