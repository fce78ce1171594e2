import type { Sha256Hex, Ulid } from '../model/ids.ts';
import type { TimeSpan } from './time-spans.ts';

/** Sequence numbers `from` to `to` of an epoch, the hash of the last, and the event time they speak of. */
interface ChainLink extends TimeSpan {
  readonly from: number;
  readonly to: number;
  /** Null: not known. */
  readonly hash: Sha256Hex | null;
}

interface EpochTrace {
  /** Ascending; adjacent ones become one when a seal covers them, and when there are too many. */
  links: ChainLink[];
  /** Verified seals over numbers that are not in yet. */
  seals: { readonly upTo: number; readonly hash: Sha256Hex }[];
  /** The chain up to here is under a verified seal. */
  sealedTo: number;
}

/** What each number of a gateway's recent epochs speaks of, so that a break is placed in event time. */
export type ChainTrace = Map<Ulid, EpochTrace>;

/** Links of an epoch; a gateway that can't seal needs them for places only, so the coarser ones do. */
const LINKS_MAX_SEALING = 128;
const LINKS_MAX = 16;
const SEALS_MAX = 16;
const EPOCHS_MAX = 64;

/** Notes what came; gives the time of what a seal that waited for it denies. */
export function traceLink(
  trace: ChainTrace,
  epoch: Ulid,
  link: ChainLink,
  canSeal: boolean,
): readonly TimeSpan[] {
  const of = epochOf(trace, epoch);
  const { links } = of;
  const last = links.at(-1);
  if (last === undefined || link.from > last.to) links.push(link);
  else {
    if (links.some(({ from, to }) => from <= link.from && link.to <= to)) return [];
    links.push(link);
    links.sort((a, b) => a.from - b.from);
  }
  if (links.length > (canSeal ? LINKS_MAX_SEALING : LINKS_MAX)) joinFirst(links);
  if (of.seals.length === 0) return [];
  const waited = of.seals.filter(({ upTo }) => upTo === link.to);
  of.seals = of.seals.filter(({ upTo }) => upTo !== link.to);
  return waited.flatMap(({ upTo, hash }) => compareSeal(of, upTo, hash));
}

/** Compares a verified seal with the chain that came; gives the time of what it denies. */
export function traceSeal(
  trace: ChainTrace,
  epoch: Ulid,
  upTo: number,
  hash: Sha256Hex,
): readonly TimeSpan[] {
  const of = epochOf(trace, epoch);
  if (upTo <= of.sealedTo) return [];
  if (of.links.some(({ from, to }) => from <= upTo && upTo <= to))
    return compareSeal(of, upTo, hash);
  of.seals = [...of.seals, { upTo, hash }].slice(-SEALS_MAX);
  return [];
}

function compareSeal(of: EpochTrace, upTo: number, hash: Sha256Hex): readonly TimeSpan[] {
  const head = of.links.find(({ to }) => to === upTo);
  // Inside what became one link the hash is gone: the next seal covers it too.
  if (head === undefined || head.hash === null) return [];
  if (head.hash !== hash) {
    const denied = of.links.filter(({ from, to }) => to <= upTo && from > of.sealedTo);
    return [spanOf(denied)];
  }
  of.sealedTo = upTo;
  const joined: ChainLink[] = [];
  for (const link of of.links) {
    const left = joined.at(-1);
    const joins = left !== undefined && link.to <= upTo && left.to + 1 === link.from;
    if (joins) joined[joined.length - 1] = join(left, link);
    else joined.push(link);
  }
  of.links = joined;
  return [];
}

/** Event time of a number and of the one before it: where a break between them may have changed data. */
export function breakSpan(
  trace: ChainTrace,
  epoch: Ulid,
  seq: number,
  fallbackMs: number,
): TimeSpan {
  const links = trace.get(epoch)?.links ?? [];
  const touched = links.filter(({ from, to }) => from <= seq && to >= seq - 1);
  return touched.length > 0 ? spanOf(touched) : { fromMs: fallbackMs, untilMs: fallbackMs + 1 };
}

/** Event time of numbers that never come: between their neighbours, or up to when that was said. */
export function gapSpan(
  trace: ChainTrace,
  epoch: Ulid,
  range: { readonly from: number; readonly to: number },
  saidAtMs: number,
): TimeSpan {
  const links = trace.get(epoch)?.links ?? [];
  const right = links.find(({ from }) => from > range.to);
  const untilMs = right?.fromMs ?? saidAtMs;
  const left = links.findLast(({ to }) => to < range.from);
  return { fromMs: Math.min(left?.untilMs ?? untilMs, untilMs), untilMs: untilMs + 1 };
}

function epochOf(trace: ChainTrace, epoch: Ulid): EpochTrace {
  let of = trace.get(epoch);
  if (of === undefined) {
    if (trace.size >= EPOCHS_MAX) trace.delete([...trace.keys()].sort()[0]!);
    of = { links: [], seals: [], sealedTo: 0 };
    trace.set(epoch, of);
  }
  return of;
}

function joinFirst(links: ChainLink[]): void {
  const [left, right] = links;
  links.splice(0, 2, join(left!, right!));
}

const join = (left: ChainLink, right: ChainLink): ChainLink => ({
  ...right,
  ...spanOf([left, right]),
  from: left.from,
});

const spanOf = (spans: readonly TimeSpan[]): TimeSpan => ({
  fromMs: Math.min(...spans.map(({ fromMs }) => fromMs)),
  untilMs: Math.max(...spans.map(({ untilMs }) => untilMs)),
});
