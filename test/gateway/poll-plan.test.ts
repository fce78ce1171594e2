import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Cut,
  costOf,
  type Extent,
  gapsOf,
  type PlanRules,
  planReads,
  type ReadBlock,
  splitBlock,
  tagLengths,
} from '../../src/gateway/poll-plan.ts';

const rules = (over: Partial<PlanRules> = {}): PlanRules => ({
  cost: { requestMs: 43, wordMs: 2.3, bitMs: 0.15 },
  wordsMax: 125,
  bitsMax: 2_000,
  gapWordsMax: Number.POSITIVE_INFINITY,
  forbidden: [],
  cuts: [],
  ...over,
});

const holding = (address: number, words = 2): Extent => ({ table: 'holding', address, words });
const spanOf = ({ table, address, words }: ReadBlock): Extent => ({ table, address, words });

const extents = (spanMax: number, countMax: number) =>
  fc.array(
    fc.record({
      table: fc.constantFrom('input' as const, 'holding' as const),
      address: fc.integer({ min: 0, max: spanMax }),
      words: fc.constantFrom(1, 2, 4),
    }),
    { minLength: 1, maxLength: countMax },
  );

const someRules = (spanMax: number) =>
  fc
    .record({
      requestMs: fc.integer({ min: 1, max: 300 }),
      gapWordsMax: fc.constantFrom(0, 3, 20, Number.POSITIVE_INFINITY),
      wordsMax: fc.constantFrom(8, 60, 125),
      forbidden: fc.array(
        fc.record({
          table: fc.constantFrom('input' as const, 'holding' as const),
          address: fc.nat(spanMax),
          words: fc.constantFrom(1, 5),
        }),
        { maxLength: 3 },
      ),
      cuts: fc.array(fc.record({ table: fc.constant('holding' as const), at: fc.nat(spanMax) }), {
        maxLength: 3,
      }),
    })
    .map(({ requestMs, ...over }) => rules({ ...over, cost: { requestMs, wordMs: 2, bitMs: 1 } }));

const isWanted = (wanted: readonly Extent[], table: string, address: number): boolean =>
  wanted.some((e) => e.table === table && e.address <= address && address < e.address + e.words);

/** Whether a run of registers may be one request, register by register. */
function isAllowed(wanted: readonly Extent[], run: Extent, by: PlanRules): boolean {
  let unasked = 0;
  for (let address = run.address; address < run.address + run.words; address += 1) {
    const isCut = by.cuts.some(({ table, at }) => table === run.table && at === address);
    const isInside = address > run.address;
    const isWithin = wanted.some(
      (e) => e.table === run.table && e.address < address && address < e.address + e.words,
    );
    if (isCut && isInside && !isWithin) return false;
    if (isWanted(wanted, run.table, address)) {
      unasked = 0;
      continue;
    }
    unasked += 1;
    if (unasked > by.gapWordsMax || isWanted(by.forbidden, run.table, address)) return false;
  }
  return true;
}

/** Tries every way to cut the wanted registers of one table, which share none, into runs. */
function cheapest(sorted: readonly Extent[], by: PlanRules): number {
  if (sorted.length === 0) return 0;
  let best = Number.POSITIVE_INFINITY;
  for (let count = 1; count <= sorted.length; count += 1) {
    const run = sorted.slice(0, count);
    const { table, address } = run[0]!;
    const last = run.at(-1)!;
    const block = { table, address, words: last.address + last.words - address };
    const isTooLong = block.words > by.wordsMax && count > 1;
    if (isTooLong || (count > 1 && !isAllowed(sorted, block, by))) continue;
    best = Math.min(best, costOf(block, by.cost) + cheapest(sorted.slice(count), by));
  }
  return best;
}

/** Leaves out extents that share registers with one before. */
function apart(wanted: readonly Extent[]): Extent[] {
  const kept: Extent[] = [];
  for (const extent of wanted) {
    const isFree = Array.from({ length: extent.words }, (_, i) => extent.address + i).every(
      (address) => !isWanted(kept, extent.table, address),
    );
    if (isFree) kept.push(extent);
  }
  return kept;
}

describe('planReads()', () => {
  it('reads a gap along where that is cheaper than another request, and not where it is dearer', () => {
    const by = rules({ cost: { requestMs: 43, wordMs: 2.3, bitMs: 0.15 } });
    expect(planReads([holding(0), holding(2), holding(22)], by).map(spanOf)).toEqual([
      holding(0, 24),
    ]);
    expect(planReads([holding(0), holding(2), holding(23)], by).map(spanOf)).toEqual([
      holding(0, 4),
      holding(23, 2),
    ]);
  });

  it('reads every extent whole, in one request, within the caps', () => {
    fc.assert(
      fc.property(extents(400, 30), someRules(400), (wanted, by) => {
        const blocks = planReads(wanted, by);
        for (const block of blocks) {
          if (block.extents.length > 1) expect(block.words).toBeLessThanOrEqual(by.wordsMax);
          expect(block.address + block.words).toBeLessThanOrEqual(65_536);
        }
        for (const { table, address, words } of wanted) {
          const holds = blocks.some(
            (b) =>
              b.table === table && b.address <= address && b.address + b.words >= address + words,
          );
          expect(holds).toBe(true);
        }
      }),
    );
  });

  it('reads nothing along that is forbidden, too wide, or across a cut', () => {
    fc.assert(
      fc.property(extents(300, 20), someRules(300), (list, by) => {
        const wanted = apart(list);
        for (const block of planReads(wanted, by)) {
          if (block.extents.length > 1) expect(isAllowed(wanted, block, by)).toBe(true);
          for (const gap of gapsOf(block)) expect(gap.words).toBeLessThanOrEqual(by.gapWordsMax);
        }
      }),
    );
  });

  it('is never dearer than the cheapest of all ways to cut', () => {
    fc.assert(
      fc.property(extents(150, 9), someRules(150), (list, by) => {
        const wanted = apart(list);
        const best = (['input', 'holding'] as const).reduce((sum, table) => {
          const own = wanted.filter((e) => e.table === table);
          return (
            sum +
            cheapest(
              own.toSorted((a, b) => a.address - b.address),
              by,
            )
          );
        }, 0);
        const planned = planReads(wanted, by).reduce((sum, b) => sum + costOf(b, by.cost), 0);
        expect(planned).toBeCloseTo(best, 6);
      }),
    );
  });

  it('takes up to 2,000 bits in one request', () => {
    const bit = (address: number): Extent => ({ table: 'coil', address, words: 1 });
    expect(planReads([bit(0), bit(120)], rules()).map(spanOf)).toEqual([{ ...bit(0), words: 121 }]);
    expect(planReads([bit(0), bit(2_000)], rules({ gapWordsMax: 5_000 }))).toHaveLength(2);
  });
});

describe('splitBlock()', () => {
  const blockOf = (...list: Extent[]): ReadBlock => planReads(list, rules())[0]!;

  it('cuts at the widest gap, then in the middle, and never an extent', () => {
    const block = blockOf(holding(0), holding(3), holding(9), holding(11));
    const first = splitBlock(block)!;
    expect(first.cut).toEqual({ table: 'holding', at: 9 });
    expect(first.halves.map(spanOf)).toEqual([holding(0, 5), holding(9, 4)]);
    const second = splitBlock(first.halves[1]!)!;
    expect(second.halves.map(spanOf)).toEqual([holding(9), holding(11)]);
    expect(splitBlock(second.halves[0]!)).toBeNull();
  });

  it('comes to the readable extents, whatever is refused, and plans around it afterwards', () => {
    fc.assert(
      fc.property(extents(120, 10), fc.array(fc.nat(130), { maxLength: 6 }), (list, refused) => {
        const wanted = apart(list.map((e) => ({ ...e, table: 'holding' as const })));
        const refuses = ({ address, words }: Extent): boolean =>
          refused.some((r) => address <= r && r < address + words);
        const cuts: Cut[] = [];
        const read: Extent[] = [];
        const queue = [...planReads(wanted, rules())];
        for (let block = queue.shift(); block !== undefined; block = queue.shift()) {
          const split = refuses(block) ? splitBlock(block) : null;
          if (split !== null) {
            cuts.push(split.cut);
            queue.push(...split.halves);
          } else if (!refuses(block)) read.push(block);
        }
        const isRead = (e: Extent): boolean =>
          read.some((b) => b.address <= e.address && e.address + e.words <= b.address + b.words);
        for (const extent of wanted) expect(isRead(extent)).toBe(!refuses(extent));
        for (const block of planReads(wanted, rules({ cuts }))) {
          if (refuses(block)) expect(block.extents).toHaveLength(1);
        }
      }),
    );
  });
});

describe('tagLengths()', () => {
  it('reads one register of the next block along, so that requests differ in length', () => {
    const list = Array.from({ length: 20 }, (_, i) => holding(i * 2));
    const by = rules({ wordsMax: 10 });
    const tagged = tagLengths(planReads(list, by), { ...by, wordsMax: 125 });
    expect(tagged.map(({ words }) => words)).toEqual([10, 11, 11, 10]);
  });

  it('never reads what nobody asked for, what is forbidden or behind a cut', () => {
    const list = [holding(0), holding(100), holding(102)];
    const cuts = [{ table: 'holding' as const, at: 102 }];
    const by = rules({ cuts });
    expect(tagLengths(planReads(list, by), by).map(({ words }) => words)).toEqual([2, 2, 2]);
  });
});
