import { type Sha256Hex, type Ulid, ZERO_HASH } from '../model/ids.ts';

/** Sequence numbers `from` to `to` of an epoch that are in, or settled by a gap. */
export interface SettledRange {
  readonly from: number;
  readonly to: number;
  /** `prev` of the first; null: not known, so it can't be checked. */
  readonly prev: Sha256Hex | null;
  /** Hash of the last; null: not known. */
  readonly hash: Sha256Hex | null;
}

/** Most epochs kept for a gateway; the oldest settled one is forgotten for a new one. */
const EPOCHS_MAX = 64;

/** What is in of an epoch: ranges ascending, adjacent ones joined. */
interface EpochRanges {
  readonly epoch: Ulid;
  ranges: HeldRange[];
}

/** Changed in place by the next batch in order. */
type HeldRange = { -readonly [K in keyof SettledRange]: SettledRange[K] };

/** What is in of each epoch of a gateway, and whether anything below is still to come. */
export interface GatewayProgress {
  /** In the order in which they came. */
  epochs: readonly EpochRanges[];
  /** False while a seq below the highest, or a batch before an epoch's first, is missing. */
  isSettled: boolean;
}

/** A place where the chain doesn't hold: `prev` of `seq` isn't the hash of the batch before. */
export interface ChainBreak {
  readonly epoch: Ulid;
  readonly seq: number;
}

export const createGatewayProgress = (): GatewayProgress => ({
  epochs: [],
  isSettled: true,
});

/** What is in of an epoch; undefined: nothing ever came. */
export const rangesOf = (
  progress: GatewayProgress,
  epoch: Ulid,
): readonly SettledRange[] | undefined => findEpoch(progress, epoch)?.ranges;

/** Most batches are of the newest epoch. */
function findEpoch({ epochs }: GatewayProgress, epoch: Ulid): EpochRanges | undefined {
  for (let i = epochs.length - 1; i >= 0; i--) if (epochs[i]!.epoch === epoch) return epochs[i];
  return undefined;
}

/** Puts back the ranges of one epoch after the other. */
export function restoreRanges(
  progress: GatewayProgress,
  epoch: Ulid,
  ranges: readonly SettledRange[],
): void {
  const held = ranges.map(({ from, to, prev, hash }) => ({ from, to, prev, hash }));
  // Not spread: that leaves room for sixteen more, and most gateways have one.
  progress.epochs = progress.epochs.concat({ epoch, ranges: held });
}

const NO_BREAKS: readonly ChainBreak[] = [];

/** Adds what came; gives the breaks of the chain that it shows. What is known already adds nothing. */
export function addRange(
  progress: GatewayProgress,
  epoch: Ulid,
  range: SettledRange,
): readonly ChainBreak[] {
  const of = findEpoch(progress, epoch);
  if (of === undefined) return addEpoch(progress, epoch, range);
  const last = of.ranges.at(-1);
  if (last !== undefined && range.from === last.to + 1) {
    const breaks = breakAt(epoch, last, range);
    const wasFollowed = isFollowed(progress, last);
    last.to = range.to;
    last.hash = range.hash;
    // The usual case: the next in order, and no epoch hung on the batch that was the last.
    if (!progress.isSettled || wasFollowed) progress.isSettled = isSettled(progress);
    return breaks;
  }
  const breaks = insertRange(of, epoch, range);
  progress.isSettled = isSettled(progress);
  return range.from === 1 ? [...breaks, ...firstBreaks(progress, epoch, range)] : breaks;
}

function addEpoch(
  progress: GatewayProgress,
  epoch: Ulid,
  range: SettledRange,
): readonly ChainBreak[] {
  if (progress.epochs.length >= EPOCHS_MAX) forgetOldest(progress);
  restoreRanges(progress, epoch, [range]);
  progress.isSettled = isSettled(progress);
  return range.from === 1 ? firstBreaks(progress, epoch, range) : NO_BREAKS;
}

function forgetOldest(progress: GatewayProgress): void {
  const oldest = progress.epochs.map(({ epoch }) => epoch).sort()[0];
  progress.epochs = progress.epochs.filter(({ epoch }) => epoch !== oldest);
  // An epoch that hung on the forgotten one must not wait for it for ever.
  for (const { ranges } of progress.epochs) {
    const first = ranges[0];
    if (first?.from === 1 && first.prev !== ZERO_HASH && !isLinked(progress, first)) {
      first.prev = null;
    }
  }
}

/** Zeros are only for a gateway's very first epoch (design §4.1). */
function firstBreaks(
  progress: GatewayProgress,
  epoch: Ulid,
  range: SettledRange,
): readonly ChainBreak[] {
  if (range.prev !== ZERO_HASH) return NO_BREAKS;
  for (const { epoch: other, ranges } of progress.epochs) {
    if (other !== epoch && ranges[0]?.from === 1 && ranges[0].prev === ZERO_HASH) {
      return [{ epoch: other > epoch ? other : epoch, seq: 1 }];
    }
  }
  return NO_BREAKS;
}

const breakAt = (epoch: Ulid, left: SettledRange, right: SettledRange): readonly ChainBreak[] =>
  left.hash !== null && right.prev !== null && left.hash !== right.prev
    ? [{ epoch, seq: right.from }]
    : NO_BREAKS;

/** Puts in the parts of `range` that are missing, and joins what has become adjacent. */
function insertRange(of: EpochRanges, epoch: Ulid, range: SettledRange): readonly ChainBreak[] {
  const parts: HeldRange[] = [];
  let from = range.from;
  for (const known of of.ranges) {
    if (known.to < from || known.from > range.to) continue;
    if (known.from > from) parts.push(partOf(range, from, known.from - 1));
    from = known.to + 1;
  }
  if (from <= range.to) parts.push(partOf(range, from, range.to));
  if (parts.length === 0) return NO_BREAKS;
  const all = [...of.ranges, ...parts].sort((a, b) => a.from - b.from);
  const joined: HeldRange[] = [];
  const breaks: ChainBreak[] = [];
  for (const next of all) {
    const left = joined.at(-1);
    if (left === undefined || left.to + 1 < next.from) joined.push(next);
    else {
      breaks.push(...breakAt(epoch, left, next));
      joined[joined.length - 1] = { ...next, from: left.from, prev: left.prev };
    }
  }
  of.ranges = joined;
  return breaks;
}

const partOf = (range: SettledRange, from: number, to: number): HeldRange => ({
  from,
  to,
  prev: from === range.from ? range.prev : null,
  hash: to === range.to ? range.hash : null,
});

const isSettled = (progress: GatewayProgress): boolean =>
  progress.epochs.every(({ ranges }) => {
    const first = ranges[0];
    return ranges.length === 1 && first?.from === 1 && isLinked(progress, first);
  });

function isFollowed({ epochs }: GatewayProgress, last: SettledRange): boolean {
  for (let i = 0; i < epochs.length; i++) {
    if (epochs[i]!.ranges[0]?.prev === last.hash) return true;
  }
  return false;
}

/** Whether the epoch's first batch follows one that is known: no epoch can vanish unseen. */
const isLinked = (progress: GatewayProgress, first: SettledRange): boolean =>
  first.prev === null ||
  first.prev === ZERO_HASH ||
  progress.epochs.some(({ ranges }) => ranges.at(-1)?.hash === first.prev);
