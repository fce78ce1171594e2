import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addRange, hasRange, hasSeq, type SeqSet } from '../../src/ingest/journal/seq-set.ts';

/** The same as a plain set of numbers. */
function rangesOf(seqs: ReadonlySet<number>): SeqSet {
  let durable = 0;
  while (seqs.has(durable + 1)) durable += 1;
  const stored: [number, number][] = [];
  for (const seq of [...seqs].filter((n) => n > durable).sort((a, b) => a - b)) {
    const last = stored.at(-1);
    if (last?.[1] === seq - 1) last[1] = seq;
    else stored.push([seq, seq]);
  }
  return { durable, stored };
}

const range = fc
  .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 6 }))
  .map(([from, more]) => [from, from + more] as const);

it('addRange() gives the ranges that a plain set of numbers has', () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 40 }), (ranges) => {
      const set: SeqSet = { durable: 0, stored: [] };
      const plain = new Set<number>();
      for (const [from, to] of ranges) {
        addRange(set, from, to);
        for (let seq = from; seq <= to; seq++) plain.add(seq);
        expect(set).toEqual(rangesOf(plain));
      }
    }),
  );
});

it('hasSeq() and hasRange() answer as a plain set of numbers does', () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 20 }), range, (ranges, [from, to]) => {
      const set: SeqSet = { durable: 0, stored: [] };
      const plain = new Set<number>();
      for (const [a, b] of ranges) {
        addRange(set, a, b);
        for (let seq = a; seq <= b; seq++) plain.add(seq);
      }
      expect(hasSeq(set, from)).toBe(plain.has(from));
      const wanted = Array.from({ length: to - from + 1 }, (_, i) => from + i);
      expect(hasRange(set, from, to)).toBe(wanted.every((seq) => plain.has(seq)));
    }),
  );
});
