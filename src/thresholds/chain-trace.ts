import type { Sha256Hex, Ulid } from '../model/ids.ts';
import {
  type ChainLink,
  type ChainLinks,
  freeLink,
  hasHash,
  isHash,
  linkPage,
  linkSlot,
  nextLink,
  readLink,
  takeLink,
} from './chain-links.ts';
import type { TimeSpan } from './time-spans.ts';

interface WaitingSeal {
  readonly upTo: number;
  readonly hash: Sha256Hex;
}

interface EpochTrace {
  readonly epoch: Ulid;
  /**
   * Its links, ascending; adjacent ones become one when a seal covers them, and when there are too many. Number
   * of the first and of the last; −1: there is none.
   */
  first: number;
  last: number;
  count: number;
  /** Verified seals over numbers that are not in yet. */
  seals: readonly WaitingSeal[];
  /** The chain up to here is under a verified seal. */
  sealedTo: number;
}

/** What each number of a gateway's recent epochs speaks of, so that a break is placed in event time. */
export interface ChainTrace {
  /** In the order in which they came. */
  epochs: readonly EpochTrace[];
  /** Those of all gateways. */
  readonly links: ChainLinks;
}

export const createChainTrace = (links: ChainLinks): ChainTrace => ({ epochs: [], links });

/** Links of an epoch; a gateway that can't seal needs them for places only, so the coarser ones do. */
const LINKS_MAX_SEALING = 128;
const LINKS_MAX = 16;
const SEALS_MAX = 16;
const EPOCHS_MAX = 64;

const NO_SEALS: readonly WaitingSeal[] = [];
const NO_SPANS: readonly TimeSpan[] = [];

/** Notes what came; gives the time of what a seal that waited for it denies. */
export function traceLink(
  trace: ChainTrace,
  epoch: Ulid,
  link: ChainLink,
  canSeal: boolean,
): readonly TimeSpan[] {
  const { links } = trace;
  const of = epochOf(trace, epoch);
  if (of.last < 0 || link.from > linkPage(links, of.last).to[linkSlot(of.last)]!) {
    append(links, of, link);
  } else {
    const known = linksOf(links, of);
    if (known.some(({ from, to }) => from <= link.from && link.to <= to)) return NO_SPANS;
    setLinks(
      links,
      of,
      [...known, link].sort((a, b) => a.from - b.from),
    );
  }
  if (of.count > (canSeal ? LINKS_MAX_SEALING : LINKS_MAX)) joinNext(links, of, -1, of.first);
  if (of.seals.length === 0) return NO_SPANS;
  const waited = of.seals.filter(({ upTo }) => upTo === link.to);
  of.seals = of.seals.filter(({ upTo }) => upTo !== link.to);
  return waited.flatMap(({ upTo, hash }) => compareSeal(links, of, upTo, hash));
}

/** Compares a verified seal with the chain that came; gives the time of what it denies. */
export function traceSeal(
  trace: ChainTrace,
  epoch: Ulid,
  upTo: number,
  hash: Sha256Hex,
): readonly TimeSpan[] {
  const of = epochOf(trace, epoch);
  if (upTo <= of.sealedTo) return NO_SPANS;
  if (linkWith(trace.links, of, upTo) >= 0) return compareSeal(trace.links, of, upTo, hash);
  of.seals = [...of.seals, { upTo, hash }].slice(-SEALS_MAX);
  return NO_SPANS;
}

/** The link that holds a number; −1: none does. */
function linkWith(links: ChainLinks, { first }: EpochTrace, seq: number): number {
  let id = first;
  while (id >= 0) {
    const page = linkPage(links, id);
    const slot = linkSlot(id);
    if (page.from[slot]! <= seq && seq <= page.to[slot]!) return id;
    id = page.next[slot]!;
  }
  return -1;
}

function compareSeal(
  links: ChainLinks,
  of: EpochTrace,
  upTo: number,
  hash: Sha256Hex,
): readonly TimeSpan[] {
  const head = linkWith(links, of, upTo);
  // Inside what became one link the hash is gone: the next seal covers it too.
  if (head < 0 || linkPage(links, head).to[linkSlot(head)] !== upTo) return NO_SPANS;
  if (!hasHash(links, head)) return NO_SPANS;
  if (isHash(links, head, hash)) {
    of.sealedTo = upTo;
    joinTo(links, of, upTo);
    return NO_SPANS;
  }
  const known = linksOf(links, of);
  return [spanOf(known.filter(({ from, to }) => to <= upTo && from > of.sealedTo))];
}

/** Adjacent links up to a number become one. */
function joinTo(links: ChainLinks, of: EpochTrace, upTo: number): void {
  let before = -1;
  for (let id = of.first; id >= 0; ) {
    const page = linkPage(links, id);
    const next = page.next[linkSlot(id)]!;
    if (next < 0) return;
    const right = linkPage(links, next);
    const r = linkSlot(next);
    if (right.to[r]! <= upTo && page.to[linkSlot(id)]! + 1 === right.from[r]) {
      joinNext(links, of, before, id);
    } else before = id;
    id = next;
  }
}

/** Event time of a number and of the one before it: where a break between them may have changed data. */
export function breakSpan(
  trace: ChainTrace,
  epoch: Ulid,
  seq: number,
  fallbackMs: number,
): TimeSpan {
  const touched = linksIn(trace, epoch).filter(({ from, to }) => from <= seq && to >= seq - 1);
  return touched.length > 0 ? spanOf(touched) : { fromMs: fallbackMs, untilMs: fallbackMs + 1 };
}

/** Event time of numbers that never come: between their neighbours, or up to when that was said. */
export function gapSpan(
  trace: ChainTrace,
  epoch: Ulid,
  range: { readonly from: number; readonly to: number },
  saidAtMs: number,
): TimeSpan {
  const links = linksIn(trace, epoch);
  const right = links.find(({ from }) => from > range.to);
  const untilMs = right?.fromMs ?? saidAtMs;
  const left = links.findLast(({ to }) => to < range.from);
  return { fromMs: Math.min(left?.untilMs ?? untilMs, untilMs), untilMs: untilMs + 1 };
}

/** Most batches are of the newest epoch. */
const findEpoch = ({ epochs }: ChainTrace, epoch: Ulid): EpochTrace | undefined => {
  for (let i = epochs.length - 1; i >= 0; i--) if (epochs[i]!.epoch === epoch) return epochs[i];
  return undefined;
};

function epochOf(trace: ChainTrace, epoch: Ulid): EpochTrace {
  const known = findEpoch(trace, epoch);
  if (known !== undefined) return known;
  if (trace.epochs.length >= EPOCHS_MAX) forgetOldest(trace);
  const made = { epoch, first: -1, last: -1, count: 0, seals: NO_SEALS, sealedTo: 0 };
  // Not spread: that leaves room for sixteen more, and most gateways have one.
  trace.epochs = trace.epochs.concat(made);
  return made;
}

function forgetOldest(trace: ChainTrace): void {
  const oldest = trace.epochs.map(({ epoch }) => epoch).sort()[0];
  trace.epochs = trace.epochs.filter((of) => {
    if (of.epoch === oldest) setLinks(trace.links, of, []);
    return of.epoch !== oldest;
  });
}

const linksIn = (trace: ChainTrace, epoch: Ulid): readonly ChainLink[] => {
  const of = findEpoch(trace, epoch);
  return of === undefined ? [] : linksOf(trace.links, of);
};

function linksOf(links: ChainLinks, { first }: EpochTrace): ChainLink[] {
  const all: ChainLink[] = [];
  for (let id = first; id >= 0; id = nextLink(links, id)) all.push(readLink(links, id));
  return all;
}

function setLinks(links: ChainLinks, of: EpochTrace, all: readonly ChainLink[]): void {
  for (let id = of.first; id >= 0; id = nextLink(links, id)) freeLink(links, id);
  of.first = -1;
  of.last = -1;
  of.count = 0;
  for (const link of all) append(links, of, link);
}

function append(links: ChainLinks, of: EpochTrace, link: ChainLink): void {
  const id = takeLink(links, link);
  if (of.last < 0) of.first = id;
  else linkPage(links, of.last).next[linkSlot(of.last)] = id;
  of.last = id;
  of.count++;
}

/** A link and the one that follows it become one, in that one's place. `before`: the one before; −1: none. */
function joinNext(links: ChainLinks, of: EpochTrace, before: number, id: number): void {
  const left = linkPage(links, id);
  const l = linkSlot(id);
  const next = left.next[l]!;
  const right = linkPage(links, next);
  const r = linkSlot(next);
  right.from[r] = left.from[l]!;
  right.fromMs[r] = Math.min(left.fromMs[l]!, right.fromMs[r]!);
  right.untilMs[r] = Math.max(left.untilMs[l]!, right.untilMs[r]!);
  if (before < 0) of.first = next;
  else linkPage(links, before).next[linkSlot(before)] = next;
  of.count--;
  freeLink(links, id);
}

const spanOf = (spans: readonly TimeSpan[]): TimeSpan => ({
  fromMs: Math.min(...spans.map(({ fromMs }) => fromMs)),
  untilMs: Math.max(...spans.map(({ untilMs }) => untilMs)),
});

/** As a checkpoint has it: epochs in their order, each with what is known of it; the links stand elsewhere. */
export type SavedTrace = readonly EpochTrace[];

export const saveTrace = ({ epochs }: ChainTrace): SavedTrace => epochs;

/** Puts back into an empty trace what `saveTrace` gave; the links have the numbers they had. */
export function restoreTrace(trace: ChainTrace, saved: SavedTrace): void {
  trace.epochs = saved;
}
