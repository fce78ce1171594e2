import { type DeviceProtocol, spanOfRange } from './device-protocol.ts';
import { needsOf, type PointConfig } from './point-config.ts';
import { isBitTable, type RegisterSpan, type RegisterTable, spansMeet } from './point-types.ts';
import type { ReadCost } from './read-cost.ts';

/** Registers that belong together and are never read in two requests: a torn value is wrong. */
export type Extent = RegisterSpan;

/** One request: the extents it was made for, and the registers between them. */
export interface ReadBlock extends RegisterSpan {
  readonly extents: readonly Extent[];
}

/** No request may hold both the register before `at` and the one at `at`. */
export interface Cut {
  readonly table: RegisterTable;
  readonly at: number;
}

export interface PlanRules {
  readonly cost: ReadCost;
  readonly wordsMax: number;
  readonly bitsMax: number;
  /** Registers between extents that may be read along; whether it pays is decided by the cost. */
  readonly gapWordsMax: number;
  /** Never read along: refused, dangerous, or changed by reading. */
  readonly forbidden: readonly RegisterSpan[];
  /** Where the device refused to be read across. */
  readonly cuts: readonly Cut[];
}

const TABLES = ['coil', 'discrete', 'input', 'holding'] as const;

/** The registers of points, of what qualifies them, and of the canaries. */
export const extentsOf = (
  points: readonly PointConfig[],
  { canary, atomic, readToClear }: Pick<DeviceProtocol, 'canary' | 'atomic' | 'readToClear'>,
): Extent[] => {
  const wanted = [
    ...points.flatMap((point) => [...needsOf(point)]),
    ...canary.map(({ table, address }) => ({ table, address, words: 1 })),
  ];
  // Ranges that nobody wants anything of are left alone.
  const whole = [...atomic, ...readToClear]
    .map(spanOfRange)
    .filter((range) => wanted.some((span) => spansMeet(range, span)));
  return [...wanted, ...whole];
};

/** The rules of a device's plan. */
export function rulesOf(
  device: { readonly protocol: DeviceProtocol; readonly gapWordsMax?: number | undefined },
  cost: ReadCost,
  cuts: readonly Cut[],
): PlanRules {
  const { protocol, gapWordsMax } = device;
  const gap = gapWordsMax ?? protocol.maxGapWords;
  return {
    cost,
    wordsMax: protocol.maxWordsPerRead,
    bitsMax: protocol.maxBitsPerRead,
    gapWordsMax: gap === 'auto' ? Number.POSITIVE_INFINITY : gap,
    forbidden: [...protocol.unreadable, ...protocol.readToClear].map(spanOfRange),
    cuts,
  };
}

/**
 * Merges extents into the requests that cost their bus least, exactly (dynamic programming over the
 * sorted extents), within the rules. Extents that share registers are one.
 */
export const planReads = (extents: readonly Extent[], rules: PlanRules): ReadBlock[] =>
  TABLES.flatMap((table) => {
    const own = extents.filter((extent) => extent.table === table);
    const wordsMax = isBitTable(table) ? rules.bitsMax : rules.wordsMax;
    return cheapestBlocks(table, unitedExtents(own, wordsMax), rules);
  });

/** What a request costs its bus. */
export const costOf = ({ table, words }: RegisterSpan, cost: ReadCost): number =>
  cost.requestMs + words * (isBitTable(table) ? cost.bitMs : cost.wordMs);

/** Sorted; those that share registers are united, as long as they fit into one request. */
function unitedExtents(extents: readonly Extent[], wordsMax: number): Extent[] {
  const sorted = [...extents].sort((a, b) => a.address - b.address || b.words - a.words);
  const united: Extent[] = [];
  for (const extent of sorted) {
    const last = united.at(-1);
    const end = extent.address + extent.words;
    const lastEnd = last === undefined ? 0 : last.address + last.words;
    if (last === undefined || extent.address >= lastEnd) united.push({ ...extent });
    else if (Math.max(end, lastEnd) - last.address > wordsMax) united.push({ ...extent });
    else united[united.length - 1] = { ...last, words: Math.max(end, lastEnd) - last.address };
  }
  return united;
}

interface Choice {
  readonly cost: number;
  /** The last block starts at this extent; the ones before it are at `best[from]`. */
  readonly from: number;
  readonly block: ReadBlock | null;
}

function cheapestBlocks(
  table: RegisterTable,
  sorted: readonly Extent[],
  rules: PlanRules,
): ReadBlock[] {
  const wordsMax = isBitTable(table) ? rules.bitsMax : rules.wordsMax;
  const cuts = rules.cuts.filter((cut) => cut.table === table).map(({ at }) => at);
  const forbidden = rules.forbidden.filter((span) => span.table === table);
  const best: Choice[] = [{ cost: 0, from: 0, block: null }];
  for (let end = 1; end <= sorted.length; end += 1) {
    let choice: Choice = { cost: Number.POSITIVE_INFINITY, from: 0, block: null };
    for (let from = end - 1; from >= 0; from -= 1) {
      const block = blockOf(table, sorted.slice(from, end));
      if (block.words > wordsMax && from < end - 1) break;
      if (!isAllowed(block, rules.gapWordsMax, forbidden, cuts)) continue;
      const cost = best[from]!.cost + costOf(block, rules.cost);
      if (cost < choice.cost) choice = { cost, from, block };
    }
    best.push(choice);
  }
  const blocks: ReadBlock[] = [];
  for (let end = sorted.length; end > 0; end = best[end]!.from) blocks.push(best[end]!.block!);
  return blocks.reverse();
}

function blockOf(table: RegisterTable, extents: readonly Extent[]): ReadBlock {
  const address = extents[0]!.address;
  const end = Math.max(...extents.map((extent) => extent.address + extent.words));
  return { table, address, words: end - address, extents };
}

function isAllowed(
  block: ReadBlock,
  gapWordsMax: number,
  forbidden: readonly RegisterSpan[],
  cuts: readonly number[],
): boolean {
  if (block.extents.length === 1) return true;
  const end = block.address + block.words;
  const isInExtent = (at: number): boolean =>
    block.extents.some(({ address, words }) => address < at && at < address + words);
  if (cuts.some((at) => block.address < at && at < end && !isInExtent(at))) return false;
  return gapsOf(block).every(
    (gap) => gap.words <= gapWordsMax && !forbidden.some((span) => spansMeet(span, gap)),
  );
}

/** The registers of a block that nobody asked for. */
export function gapsOf({ table, address, extents }: ReadBlock): RegisterSpan[] {
  const gaps: RegisterSpan[] = [];
  let end = address;
  for (const extent of extents) {
    if (extent.address > end) gaps.push({ table, address: end, words: extent.address - end });
    end = Math.max(end, extent.address + extent.words);
  }
  return gaps;
}

/**
 * The two halves of a block that the device refused: cut at the widest gap, which is most likely what
 * it refuses, else in the middle. Null: one extent can't be cut.
 */
export function splitBlock(block: ReadBlock): { cut: Cut; halves: ReadBlock[] } | null {
  const { table, extents } = block;
  const widest = gapsOf(block).reduce<RegisterSpan | null>(
    (a, b) => (a === null || b.words > a.words ? b : a),
    null,
  );
  const at =
    widest === null
      ? extents[Math.ceil(extents.length / 2)]?.address
      : widest.address + widest.words;
  if (at === undefined) return null;
  const low = extents.filter((extent) => extent.address < at);
  const high = extents.filter((extent) => extent.address >= at);
  const isWhole = low.every((extent) => extent.address + extent.words <= at);
  if (low.length === 0 || high.length === 0 || !isWhole) return null;
  return { cut: { table, at }, halves: [blockOf(table, low), blockOf(table, high)] };
}

/**
 * Makes requests of one table differ in length where that is safe: one register more, which belongs to
 * the device's own points. On a line a reply tells which request it answers by its length alone.
 */
export function tagLengths(blocks: readonly ReadBlock[], rules: PlanRules): ReadBlock[] {
  const seen = new Set<string>();
  const key = ({ table, words }: RegisterSpan): string => `${table} ${words}`;
  return blocks.map((block) => {
    const own = seen.has(key(block)) ? (longer(block, blocks, rules) ?? block) : block;
    seen.add(key(own));
    return own;
  });
}

function longer(
  block: ReadBlock,
  blocks: readonly ReadBlock[],
  rules: PlanRules,
): ReadBlock | null {
  const next = { table: block.table, address: block.address + block.words, words: 1 };
  const isKnown = blocks.some(({ extents }) => extents.some((extent) => spansMeet(extent, next)));
  const isBarred =
    isBitTable(block.table) ||
    block.words >= rules.wordsMax ||
    rules.forbidden.some((span) => spansMeet(span, next)) ||
    rules.cuts.some(({ table, at }) => table === block.table && at === next.address);
  return isKnown && !isBarred ? { ...block, words: block.words + 1 } : null;
}
