import type { Sha256Hex } from '../model/ids.ts';
import type { TimeSpan } from './time-spans.ts';

/** Sequence numbers `from` to `to` of an epoch, the hash of the last, and the event time they speak of. */
export interface ChainLink extends TimeSpan {
  readonly from: number;
  readonly to: number;
  /** Null: not known. */
  readonly hash: Sha256Hex | null;
}

/** Links of all gateways' chains, in flat arrays: each is a number, and knows the one that follows it. */
export interface ChainLinks {
  readonly pages: LinkPage[];
  readonly free: number[];
  used: number;
}

const PAGE_LINKS = 1_024;
const HASH_BYTES = 32;

export interface LinkPage {
  readonly from: Float64Array;
  readonly to: Float64Array;
  readonly fromMs: Float64Array;
  readonly untilMs: Float64Array;
  readonly hasHash: Uint8Array;
  readonly hash: Buffer;
  /** −1: it is the last. */
  readonly next: Int32Array;
}

export const createChainLinks = (): ChainLinks => ({ pages: [], free: [], used: 0 });

/** Room for further links. */
export function addPage({ pages }: ChainLinks): LinkPage {
  const page = createPage();
  pages.push(page);
  return page;
}

const createPage = (): LinkPage => ({
  from: new Float64Array(PAGE_LINKS),
  to: new Float64Array(PAGE_LINKS),
  fromMs: new Float64Array(PAGE_LINKS),
  untilMs: new Float64Array(PAGE_LINKS),
  hasHash: new Uint8Array(PAGE_LINKS),
  hash: Buffer.alloc(PAGE_LINKS * HASH_BYTES),
  next: new Int32Array(PAGE_LINKS),
});

export const linkPage = ({ pages }: ChainLinks, id: number): LinkPage =>
  pages[Math.floor(id / PAGE_LINKS)]!;

export const linkSlot = (id: number): number => id % PAGE_LINKS;

export const nextLink = (links: ChainLinks, id: number): number =>
  linkPage(links, id).next[linkSlot(id)]!;

/** Keeps a link that none follows; its number. */
export function takeLink(links: ChainLinks, link: ChainLink): number {
  const id = links.free.pop() ?? links.used++;
  if (Math.floor(id / PAGE_LINKS) === links.pages.length) addPage(links);
  const page = linkPage(links, id);
  const slot = linkSlot(id);
  page.from[slot] = link.from;
  page.to[slot] = link.to;
  page.fromMs[slot] = link.fromMs;
  page.untilMs[slot] = link.untilMs;
  page.next[slot] = -1;
  page.hasHash[slot] = link.hash === null ? 0 : 1;
  if (link.hash !== null) page.hash.write(link.hash, slot * HASH_BYTES, HASH_BYTES, 'hex');
  return id;
}

/** Whether the hash of the link's last number is known. */
export const hasHash = (links: ChainLinks, id: number): boolean =>
  linkPage(links, id).hasHash[linkSlot(id)] === 1;

const other = Buffer.alloc(HASH_BYTES);

/** Whether it is this one. */
export function isHash(links: ChainLinks, id: number, hash: Sha256Hex): boolean {
  const at = linkSlot(id) * HASH_BYTES;
  other.write(hash, 'hex');
  return linkPage(links, id).hash.compare(other, 0, HASH_BYTES, at, at + HASH_BYTES) === 0;
}

export function freeLink({ free }: ChainLinks, id: number): void {
  free.push(id);
}

export function readLink(links: ChainLinks, id: number): ChainLink {
  const page = linkPage(links, id);
  const slot = linkSlot(id);
  const at = slot * HASH_BYTES;
  return {
    from: page.from[slot]!,
    to: page.to[slot]!,
    hash: page.hasHash[slot] === 1 ? page.hash.toString('hex', at, at + HASH_BYTES) : null,
    fromMs: page.fromMs[slot]!,
    untilMs: page.untilMs[slot]!,
  };
}
