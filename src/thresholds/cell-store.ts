import {
  type CellArchive,
  createCellArchive,
  dropRecord,
  dropRecordsBefore,
  findRecord,
  hasRecord,
  putRecord,
  recordMinutes,
} from './cell-archive.ts';
import {
  type CellPage,
  clearSlot,
  createCellPage,
  fillSlot,
  PAGE_CHANNELS,
  putSeconds,
  readSlot,
} from './cell-page.ts';
import { found } from './hour-records.ts';
import { createLooseMinutes, type LooseMinutes } from './loose-minutes.ts';
import { emptyCell, type MinuteCell, type PutOutcome } from './minute-cell.ts';
import { packed, packSlot } from './pack-cell.ts';
import type { SecondState } from './second-state.ts';
import { unpackCell } from './unpack-cell.ts';

/** The minutes of all channels that are in memory: one open for each, the rest packed. */
export interface CellStore {
  readonly pages: CellPage[];
  readonly loose: LooseMinutes;
  readonly archive: CellArchive;
}

/** Where the minutes of one channel are. */
export interface ChannelCells {
  readonly page: CellPage;
  readonly slot: number;
  /** Dense, 0 and up. */
  readonly index: number;
  readonly archive: CellArchive;
}

export const createCellStore = (): CellStore => ({
  pages: [],
  loose: createLooseMinutes(),
  archive: createCellArchive(),
});

export function channelCells({ pages, loose, archive }: CellStore, index: number): ChannelCells {
  const number = Math.floor(index / PAGE_CHANNELS);
  while (pages.length <= number) pages.push(createCellPage(archive, loose));
  return { page: pages[number]!, slot: index % PAGE_CHANNELS, index, archive };
}

/** Puts one datum into the seconds `from` to `to` (0–59) of a minute. */
export function putDatum(
  cells: ChannelCells,
  minute: number,
  from: number,
  to: number,
  state: SecondState,
  value: number,
): PutOutcome {
  const { page, slot } = cells;
  if (page.openMinute[slot] !== minute) openCell(cells, minute);
  return putSeconds(page, slot, from, to, state, value);
}

const scratch = emptyCell(0);

function openCell(cells: ChannelCells, minute: number): void {
  const { page, slot, index, archive } = cells;
  packOpen(cells);
  if (findRecord(archive, index, minute)) {
    unpackCell(found.from, found.at, scratch);
    dropRecord(archive, index, minute);
    fillSlot(page, slot, minute, scratch);
  } else page.openMinute[slot] = minute;
}

/** Packs the open minute and empties its slot. */
function packOpen({ page, slot, index, archive }: ChannelCells): void {
  const minute = page.openMinute[slot]!;
  if (minute < 0) return;
  putRecord(archive, index, minute, packSlot(page, slot));
  clearSlot(page, slot);
}

/** Reads a minute into a cell that the caller keeps for it; false: no datum came for it. */
export function readCellInto(cells: ChannelCells, minute: number, into: MinuteCell): boolean {
  const { page, slot, index, archive } = cells;
  into.minute = minute;
  if (page.openMinute[slot] === minute) {
    readSlot(page, slot, into);
    return true;
  }
  if (!findRecord(archive, index, minute)) return false;
  unpackCell(found.from, found.at, into);
  return true;
}

/** The cell of a minute; undefined: no datum came for it. */
export function readCell(cells: ChannelCells, minute: number): MinuteCell | undefined {
  const cell = emptyCell(minute);
  return readCellInto(cells, minute, cell) ? cell : undefined;
}

export const hasCell = ({ page, slot, index, archive }: ChannelCells, minute: number): boolean =>
  page.openMinute[slot] === minute || hasRecord(archive, index, minute);

/** Minutes with a cell, ascending. */
export function cellMinutes({ page, slot, index, archive }: ChannelCells): readonly number[] {
  const minutes = recordMinutes(archive, index);
  const open = page.openMinute[slot]!;
  if (open >= 0) minutes.push(open);
  return minutes.sort((a, b) => a - b);
}

/** Forgets the cells of minutes before `minute`. */
export function dropCellsBefore(cells: ChannelCells, minute: number): void {
  const { page, slot, index, archive } = cells;
  dropRecordsBefore(archive, index, minute);
  const open = page.openMinute[slot]!;
  if (open >= 0 && open < minute) clearSlot(page, slot);
}

/** A copy of a minute's packed bytes; there must be one. */
export function packedCell(
  { page, slot, index, archive }: ChannelCells,
  minute: number,
): Uint8Array {
  if (page.openMinute[slot] === minute) return packed.slice(0, packSlot(page, slot));
  if (!findRecord(archive, index, minute)) throw new Error(`No cell of minute ${minute}`);
  return found.from.bytes.slice(found.at, found.at + found.length);
}
