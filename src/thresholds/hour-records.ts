import { createByteReader, createByteWriter } from './byte-writer.ts';
import {
  BLOCK_HEAD,
  type BlockPage,
  type BlockPlace,
  type Blocks,
  classOf,
  createBlocks,
  freeChain,
  linkBlock,
  nextBlock,
  noPage,
  seekBlock,
  takeBlock,
} from './hour-blocks.ts';
import { packedBytes } from './pack-cell.ts';
import { createGroup, type PageGroup, touch } from './page-group.ts';
import { copyBytes, type PackedBytes } from './unpack-cell.ts';

export const MINUTES = 60;
/** Channels whose rows share a table: a late datum of one doesn't cost a table for all. */
const TABLE_CHANNELS = 64;
/** Tables that a checkpoint writes as one piece, of 96 KiB. */
const GROUP_TABLES = 64;

/**
 * Packed minutes of one UTC hour, of all channels. Those of a channel lie in a chain of blocks of its own, so
 * that a shift is read from few places. A record: its minute + 1 (0: the block's records end here; `DEAD`:
 * it was dropped), the bytes there are for it, the bytes it takes, and these.
 */
export interface Hour {
  readonly blocks: Blocks;
  /** By channel / 64. */
  readonly tables: (Uint32Array | undefined)[];
  /** Of 64 tables each; who writes to one touches its group before. */
  readonly groups: PageGroup[];
  /** Channels with a record. */
  channels: number;
}

/** A channel's row: first and last block + 1, a bit for each minute there is, where the chain ends. */
const HEAD = 0;
const TAIL = 1;
const LOW = 2;
const HIGH = 3;
const FILL = 4;
/** Where the newest record begins: it is asked for most. */
const LAST = 5;
const ROW = 6;
/** Bit of `HIGH`: there is a dropped record. */
const HAS_DEAD = 1 << 31;

const RECORD_HEAD = 5;
const DEAD = 255;
/** What changes again and again is given room to grow. */
const ROOM = 16;

const createTable = (): Uint32Array => new Uint32Array(TABLE_CHANNELS * ROW);

export const createHour = (): Hour => ({
  blocks: createBlocks(),
  tables: [],
  groups: [],
  channels: 0,
});

/** Where the record of the last `find…` is. */
export interface FoundRecord {
  from: BlockPage;
  at: number;
  length: number;
}

export const found: FoundRecord = { from: noPage, at: 0, length: 0 };
const place: BlockPlace = { page: noPage, start: 0, end: 0 };

const tableOf = ({ tables }: Hour, channel: number): Uint32Array | undefined =>
  tables[Math.floor(channel / TABLE_CHANNELS)];

const rowOf = (channel: number): number => (channel % TABLE_CHANNELS) * ROW;

/** Bits of `LOW` or `HIGH` and which of these two. */
const wordOf = (minute: number): number => (minute < 32 ? LOW : HIGH);
const bitOf = (minute: number): number => 1 << (minute & 31);

/** Whether there is the channel's minute 0–59. */
export function hasMinute(hour: Hour, channel: number, minute: number): boolean {
  const table = tableOf(hour, channel);
  return table !== undefined && isIn(table, rowOf(channel), minute);
}

const isIn = (table: Uint32Array, row: number, minute: number): boolean =>
  (table[row + wordOf(minute)]! & bitOf(minute)) !== 0;

/** Finds the channel's minute and says where it is in `found`; false: there is none. */
export function findMinute(hour: Hour, channel: number, minute: number): boolean {
  const table = tableOf(hour, channel);
  const row = rowOf(channel);
  if (table === undefined || !isIn(table, row, minute)) return false;
  seekBlock(hour.blocks, table[row + TAIL]! - 1, place);
  const last = place.start + table[row + LAST]!;
  if (place.page.bytes[last] === minute + 1) foundAt(place.page, last);
  else walk(hour, table[row + HEAD]! - 1, minute + 1, 0);
  return true;
}

function foundAt(page: BlockPage, record: number): void {
  found.from = page;
  found.at = record + RECORD_HEAD;
  found.length = page.view.getUint16(record + 3);
}

/** Looks along a chain for a record with the mark and at least so much room; puts it in `found`. */
function walk({ blocks }: Hour, first: number, mark: number, room: number): boolean {
  for (let block = first; block >= 0; block = nextBlock(place)) {
    seekBlock(blocks, block, place);
    const { page, end } = place;
    for (let at = place.start + BLOCK_HEAD; at + RECORD_HEAD < end && page.bytes[at] !== 0; ) {
      const capacity = page.view.getUint16(at + 1);
      if (page.bytes[at] === mark && capacity >= room) {
        foundAt(page, at);
        return true;
      }
      at += RECORD_HEAD + capacity;
    }
  }
  return false;
}

/** Where each minute of a channel is; pages of minutes that aren't there are null. */
export const hourPlaces = {
  pages: new Array<PackedBytes | null>(MINUTES).fill(null),
  at: new Int32Array(MINUTES),
  length: new Int32Array(MINUTES),
};

/** Finds all minutes of a channel at once; false: there are none. */
export function findHour(hour: Hour, channel: number): boolean {
  const table = tableOf(hour, channel);
  const { pages, at: places, length } = hourPlaces;
  if (table === undefined || table[rowOf(channel) + HEAD] === 0) return false;
  pages.fill(null);
  for (let block = table[rowOf(channel) + HEAD]! - 1; block >= 0; block = nextBlock(place)) {
    seekBlock(hour.blocks, block, place);
    const { page, end } = place;
    for (let at = place.start + BLOCK_HEAD; at + RECORD_HEAD < end && page.bytes[at] !== 0; ) {
      const mark = page.bytes[at]!;
      if (mark !== DEAD) {
        pages[mark - 1] = page;
        places[mark - 1] = at + RECORD_HEAD;
        length[mark - 1] = page.view.getUint16(at + 3);
      }
      at += RECORD_HEAD + page.view.getUint16(at + 1);
    }
  }
  return true;
}

/** Keeps the first `length` bytes of `packed` as the channel's minute, instead of what was kept. */
export function putMinute(hour: Hour, channel: number, minute: number, length: number): void {
  const table = tableToWrite(hour, channel);
  const row = rowOf(channel);
  if (isIn(table, row, minute)) dropMinute(hour, channel, minute);
  if ((table[row + HIGH]! & HAS_DEAD) !== 0 && walk(hour, table[row + HEAD]! - 1, DEAD, length)) {
    const record = found.at - RECORD_HEAD;
    touch(found.from.group);
    found.from.bytes[record] = minute + 1;
    found.from.view.setUint16(record + 3, length);
    copyBytes(packedBytes, 0, found.from, found.at, length);
  } else append(hour, table, row, minute, length);
  table[row + wordOf(minute)]! |= bitOf(minute);
}

function tableToWrite({ tables, groups }: Hour, channel: number): Uint32Array {
  const index = Math.floor(channel / TABLE_CHANNELS);
  const group = Math.floor(index / GROUP_TABLES);
  groups[group] ??= createGroup();
  touch(groups[group]);
  tables[index] ??= createTable();
  return tables[index];
}

function append(hour: Hour, table: Uint32Array, row: number, minute: number, length: number): void {
  const isChanging = (table[row + HIGH]! & HAS_DEAD) !== 0;
  const room = isChanging ? Math.ceil(length / ROOM) * ROOM : length;
  const isFirst = table[row + HEAD] === 0;
  if (!isFirst) seekBlock(hour.blocks, table[row + TAIL]! - 1, place);
  if (isFirst || place.start + table[row + FILL]! + RECORD_HEAD + room > place.end) {
    const block = takeBlock(hour.blocks, isFirst ? 0 : classOf(place) + 1, RECORD_HEAD + room);
    if (isFirst) {
      table[row + HEAD] = block + 1;
      hour.channels++;
    } else linkBlock(place, block);
    table[row + TAIL] = block + 1;
    table[row + FILL] = BLOCK_HEAD;
    seekBlock(hour.blocks, block, place);
  }
  const record = place.start + table[row + FILL]!;
  const { bytes, view, group } = place.page;
  touch(group);
  bytes[record] = minute + 1;
  view.setUint16(record + 1, room);
  view.setUint16(record + 3, length);
  copyBytes(packedBytes, 0, place.page, record + RECORD_HEAD, length);
  table[row + LAST] = table[row + FILL]!;
  table[row + FILL]! += RECORD_HEAD + room;
}

/** Forgets one minute of a channel. */
export function dropMinute(hour: Hour, channel: number, minute: number): void {
  if (!findMinute(hour, channel, minute)) return;
  const table = tableToWrite(hour, channel);
  const row = rowOf(channel);
  touch(found.from.group);
  found.from.bytes[found.at - RECORD_HEAD] = DEAD;
  table[row + wordOf(minute)]! &= ~bitOf(minute);
  table[row + HIGH]! |= HAS_DEAD;
}

/** Forgets minutes below `end`. */
export function dropMinutesBelow(hour: Hour, channel: number, end: number): void {
  const table = tableOf(hour, channel);
  const row = rowOf(channel);
  if (table === undefined || table[row + HEAD] === 0) return;
  if (end < MINUTES) {
    for (let minute = 0; minute < end; minute++) dropMinute(hour, channel, minute);
    if (table[row + LOW] !== 0 || (table[row + HIGH]! & ~HAS_DEAD) !== 0) return;
  }
  freeChain(hour.blocks, table[row + HEAD]! - 1);
  tableToWrite(hour, channel);
  table.fill(0, row, row + ROW);
  hour.channels--;
}

/** The tables of a group there are, each after its number; a copy. */
export function copyTables({ tables }: Hour, group: number): Uint8Array {
  const first = group * GROUP_TABLES;
  const writer = createByteWriter(GROUP_TABLES * (TABLE_CHANNELS * ROW + 1) * 4);
  for (let i = first; i < Math.min(first + GROUP_TABLES, tables.length); i++) {
    const table = tables[i];
    if (table === undefined) continue;
    writer.u32(i);
    writer.raw(new Uint8Array(table.buffer));
  }
  return writer.bytes();
}

/** Takes back what `copyTables` gave. */
export function addTables({ tables, groups }: Hour, group: number, bytes: Buffer): void {
  groups[group] = createGroup();
  const reader = createByteReader(bytes);
  while (!reader.isAtEnd) {
    const table = createTable();
    tables[reader.u32()] = table;
    new Uint8Array(table.buffer).set(reader.raw(table.byteLength));
  }
}
