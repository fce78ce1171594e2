import { createGroup, type PageGroup, touch } from './page-group.ts';
import type { PackedBytes } from './unpack-cell.ts';

const BYTES_OF_PAGE = 1 << 16;
/** Blocks start on multiples of this, so that 4 bytes tell where one is. */
const UNIT = 128;
const UNITS_OF_PAGE = BYTES_OF_PAGE / UNIT;
/** A chain starts with the smallest block, and each next one is of the next class. */
const CLASS_UNITS = [1, 2, 4, 8] as const;
/** The block that follows, + 1 (0: none), and the own class. */
export const BLOCK_HEAD = 5;

/** Pages that a checkpoint writes as one piece, of 1 MiB. */
const GROUP_PAGES = 16;

/** Who writes to its bytes touches its group before. */
export interface BlockPage extends PackedBytes {
  readonly group: PageGroup;
}

/** Blocks of bytes in pages. A block given back goes to the next who asks for its class. */
export interface Blocks {
  readonly pages: BlockPage[];
  /** Of 16 pages each. */
  readonly groups: PageGroup[];
  /** Units taken from the pages. */
  used: number;
  readonly free: readonly number[][];
}

export const createBlocks = (): Blocks => ({
  pages: [],
  groups: [],
  used: 0,
  free: CLASS_UNITS.map(() => []),
});

/** Where a block lies: its page, its first byte, and where it ends. */
export interface BlockPlace {
  page: BlockPage;
  start: number;
  end: number;
}

export const noPage: BlockPage = {
  bytes: new Uint8Array(0),
  view: new DataView(new ArrayBuffer(0)),
  group: createGroup(),
};

export function seekBlock({ pages }: Blocks, block: number, into: BlockPlace): void {
  const page = pages[Math.floor(block / UNITS_OF_PAGE)]!;
  into.page = page;
  into.start = (block % UNITS_OF_PAGE) * UNIT;
  into.end = into.start + CLASS_UNITS[page.bytes[into.start + 4]!]! * UNIT;
}

/** The block after this one; −1: it is the last. */
export const nextBlock = ({ page, start }: BlockPlace): number => page.view.getUint32(start) - 1;

export const classOf = ({ page, start }: BlockPlace): number => page.bytes[start + 4]!;

/** An empty block of the class, or of the first larger one that holds `bytes`; what it holds is all 0. */
export function takeBlock(blocks: Blocks, fromClass: number, bytes: number): number {
  let kind = Math.min(fromClass, CLASS_UNITS.length - 1);
  while (CLASS_UNITS[kind]! * UNIT < BLOCK_HEAD + bytes) kind++;
  const units = CLASS_UNITS[kind]!;
  const block = blocks.free[kind]!.pop() ?? takeUnits(blocks, units);
  const page = blocks.pages[Math.floor(block / UNITS_OF_PAGE)]!;
  const start = (block % UNITS_OF_PAGE) * UNIT;
  touch(page.group);
  page.bytes.fill(0, start, start + units * UNIT);
  page.bytes[start + 4] = kind;
  return block;
}

function takeUnits(blocks: Blocks, units: number): number {
  const left = UNITS_OF_PAGE - (blocks.used % UNITS_OF_PAGE);
  if (left < units) blocks.used += left;
  const block = blocks.used;
  blocks.used += units;
  if (Math.floor(block / UNITS_OF_PAGE) === blocks.pages.length) addPage(blocks);
  return block;
}

/** Makes `next` follow the block. */
export function linkBlock({ page, start }: BlockPlace, next: number): void {
  touch(page.group);
  page.view.setUint32(start, next + 1);
}

const place: BlockPlace = { page: noPage, start: 0, end: 0 };

/** Gives back a block and all that follow it. */
export function freeChain(blocks: Blocks, first: number): void {
  for (let block = first; block >= 0; ) {
    seekBlock(blocks, block, place);
    blocks.free[classOf(place)]!.push(block);
    block = nextBlock(place);
  }
}

export const blockBytes = ({ pages }: Blocks): number => pages.length * BYTES_OF_PAGE;

/** Bytes in use of a group's pages, of which `used` units are in use in all; a copy. */
export function copyGroup({ pages }: Blocks, group: number, used: number): Uint8Array {
  const first = group * GROUP_PAGES;
  const length = Math.min(GROUP_PAGES * BYTES_OF_PAGE, used * UNIT - first * BYTES_OF_PAGE);
  const copy = Buffer.allocUnsafe(Math.max(0, length));
  for (let at = 0, i = first; at < length; at += BYTES_OF_PAGE, i++) {
    copy.set(pages[i]!.bytes.subarray(0, Math.min(BYTES_OF_PAGE, length - at)), at);
  }
  return copy;
}

/** Takes back what `copyGroup` gave, in the order of the groups. */
export function addGroup(blocks: Blocks, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength; at += BYTES_OF_PAGE) {
    addPage(blocks).bytes.set(bytes.subarray(at, at + BYTES_OF_PAGE));
  }
}

function addPage({ pages, groups }: Blocks): BlockPage {
  const index = Math.floor(pages.length / GROUP_PAGES);
  groups[index] ??= createGroup();
  const bytes = new Uint8Array(BYTES_OF_PAGE);
  const page = { bytes, view: new DataView(bytes.buffer), group: groups[index] };
  pages.push(page);
  return page;
}
