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

/** What is in of each epoch of a gateway, and whether anything below is still to come. */
export interface GatewayProgress {
  /** Ranges of each epoch, ascending, adjacent ones joined. */
  readonly epochs: Map<Ulid, SettledRange[]>;
  /** False while a seq below the highest, or a batch before an epoch's first, is missing. */
  isSettled: boolean;
}

/** A place where the chain doesn't hold: `prev` of `seq` isn't the hash of the batch before. */
export interface ChainBreak {
  readonly epoch: Ulid;
  readonly seq: number;
}

export const createGatewayProgress = (): GatewayProgress => ({
  epochs: new Map(),
  isSettled: true,
});

/** Adds what came; gives the breaks of the chain that it shows. What is known already adds nothing. */
export function addRange(
  progress: GatewayProgress,
  epoch: Ulid,
  range: SettledRange,
): readonly ChainBreak[] {
  const ranges = progress.epochs.get(epoch);
  const last = ranges?.at(-1);
  if (ranges === undefined) return addEpoch(progress, epoch, range);
  if (last !== undefined && range.from === last.to + 1) {
    ranges[ranges.length - 1] = { ...range, from: last.from, prev: last.prev };
    // The usual case: the next in order, and no epoch hung on the batch that was the last.
    if (!progress.isSettled || isFollowed(progress, last)) {
      progress.isSettled = isSettled(progress);
    }
    return breakAt(epoch, last, range);
  }
  const breaks = insertRange(ranges, epoch, range);
  progress.isSettled = isSettled(progress);
  return range.from === 1 ? [...breaks, ...firstBreaks(progress, epoch, range)] : breaks;
}

function addEpoch(
  progress: GatewayProgress,
  epoch: Ulid,
  range: SettledRange,
): readonly ChainBreak[] {
  if (progress.epochs.size >= EPOCHS_MAX) forgetOldest(progress);
  progress.epochs.set(epoch, [range]);
  progress.isSettled = isSettled(progress);
  return range.from === 1 ? firstBreaks(progress, epoch, range) : [];
}

function forgetOldest(progress: GatewayProgress): void {
  const oldest = [...progress.epochs.keys()].sort()[0];
  if (oldest !== undefined) progress.epochs.delete(oldest);
  // An epoch that hung on the forgotten one must not wait for it for ever.
  for (const ranges of progress.epochs.values()) {
    const first = ranges[0];
    if (first?.from === 1 && first.prev !== ZERO_HASH && !isLinked(progress, first)) {
      ranges[0] = { ...first, prev: null };
    }
  }
}

/** Zeros are only for a gateway's very first epoch (design §4.1). */
function firstBreaks(
  progress: GatewayProgress,
  epoch: Ulid,
  range: SettledRange,
): readonly ChainBreak[] {
  if (range.prev !== ZERO_HASH) return [];
  for (const [other, ranges] of progress.epochs) {
    if (other !== epoch && ranges[0]?.from === 1 && ranges[0].prev === ZERO_HASH) {
      return [{ epoch: other > epoch ? other : epoch, seq: 1 }];
    }
  }
  return [];
}

const breakAt = (epoch: Ulid, left: SettledRange, right: SettledRange): readonly ChainBreak[] =>
  left.hash !== null && right.prev !== null && left.hash !== right.prev
    ? [{ epoch, seq: right.from }]
    : [];

/** Puts in the parts of `range` that are missing, and joins what has become adjacent. */
function insertRange(
  ranges: SettledRange[],
  epoch: Ulid,
  range: SettledRange,
): readonly ChainBreak[] {
  const parts: SettledRange[] = [];
  let from = range.from;
  for (const known of ranges) {
    if (known.to < from || known.from > range.to) continue;
    if (known.from > from) parts.push(partOf(range, from, known.from - 1));
    from = known.to + 1;
  }
  if (from <= range.to) parts.push(partOf(range, from, range.to));
  if (parts.length === 0) return [];
  const all = [...ranges, ...parts].sort((a, b) => a.from - b.from);
  const joined: SettledRange[] = [];
  const breaks: ChainBreak[] = [];
  for (const next of all) {
    const left = joined.at(-1);
    if (left === undefined || left.to + 1 < next.from) joined.push(next);
    else {
      breaks.push(...breakAt(epoch, left, next));
      joined[joined.length - 1] = { ...next, from: left.from, prev: left.prev };
    }
  }
  ranges.splice(0, ranges.length, ...joined);
  return breaks;
}

const partOf = (range: SettledRange, from: number, to: number): SettledRange => ({
  from,
  to,
  prev: from === range.from ? range.prev : null,
  hash: to === range.to ? range.hash : null,
});

const isSettled = (progress: GatewayProgress): boolean =>
  [...progress.epochs.values()].every((ranges) => {
    const first = ranges[0];
    return ranges.length === 1 && first?.from === 1 && isLinked(progress, first);
  });

const isFollowed = (progress: GatewayProgress, last: SettledRange): boolean => {
  for (const ranges of progress.epochs.values()) if (ranges[0]?.prev === last.hash) return true;
  return false;
};

/** Whether the epoch's first batch follows one that is known: no epoch can vanish unseen. */
const isLinked = (progress: GatewayProgress, first: SettledRange): boolean =>
  first.prev === null ||
  first.prev === ZERO_HASH ||
  [...progress.epochs.values()].some((ranges) => ranges.at(-1)?.hash === first.prev);
