import { findRecords } from './cell-archive.ts';
import type { ChannelCells } from './cell-store.ts';
import { hourPlaces, MINUTES } from './hour-records.ts';
import { createRecordWriter } from './input-hash.ts';
import { CELL_SECONDS, emptyCell } from './minute-cell.ts';
import { ONE, packed, packedBytes, packSlot, packStatesAndValues, RUNS } from './pack-cell.ts';
import { PackedCell, readableValues } from './packed-cell.ts';
import type { BarReason } from './rule-inputs.ts';
import { PLAIN_LETTERS, secondLetter } from './second-state.ts';
import { type PackedBytes, unpackCell } from './unpack-cell.ts';

/** Cells as rules read them, and their `cellsHash`. */
export interface HashedCells {
  readonly cells: readonly PackedCell[];
  readonly hash: string;
}

const scratch = emptyCell(0);
const letterCodes = new Uint8Array(CELL_SECONDS);
const writer = createRecordWriter();

/**
 * The minutes `from` to `until − 1` of a channel that hold anything. Their hash is made from the packed
 * bytes as they are in memory, which are the bytes that `cellsHash` would write.
 */
export function readInputCells(
  channel: ChannelCells,
  from: number,
  until: number,
  barredOf: (minute: number) => BarReason | undefined,
): HashedCells {
  const cells: PackedCell[] = [];
  writer.clear();
  for (let minute = from; minute < until; ) {
    const end = Math.min(until, (Math.floor(minute / MINUTES) + 1) * MINUTES);
    readHourCells(channel, minute, end, barredOf, cells);
    minute = end;
  }
  return { cells, hash: writer.hash() };
}

function readHourCells(
  { page, slot, index, archive }: ChannelCells,
  from: number,
  until: number,
  barredOf: (minute: number) => BarReason | undefined,
  cells: PackedCell[],
): void {
  const isThere = findRecords(archive, index, from);
  const open = page.openMinute[slot]!;
  for (let minute = from; minute < until; minute++) {
    if (minute === open) {
      const bytes = packed.slice(0, packSlot(page, slot));
      const source = { bytes, view: new DataView(bytes.buffer) };
      cells.push(takeCell(minute, source, 0, bytes.byteLength, barredOf(minute)));
    } else if (isThere) {
      const place = minute % MINUTES;
      const source = hourPlaces.pages[place]!;
      if (source === null) continue;
      const at = hourPlaces.at[place]!;
      cells.push(takeCell(minute, source, at, hourPlaces.length[place]!, barredOf(minute)));
    }
  }
}

/** The cell, whose record is written. */
function takeCell(
  minute: number,
  from: PackedBytes,
  at: number,
  length: number,
  barred: BarReason | undefined,
): PackedCell {
  const cell = new PackedCell(minute, from, at, barred);
  if (!copyPlain(minute, barred, from, at, length)) rewrite(cell);
  return cell;
}

/**
 * Copies a packed minute whose states stand for one letter each, and whose values are just those of `N`
 * and `k`. False: it isn't one, nothing was copied.
 */
function copyPlain(
  minute: number,
  barred: BarReason | undefined,
  from: PackedBytes,
  at: number,
  length: number,
): boolean {
  const { bytes } = from;
  const mode = bytes[at]! & 0b1111;
  if (mode === ONE) {
    const letter = PLAIN_LETTERS[bytes[at + 1]!]!;
    if (letter === 0) return false;
    writer.bytes()[writer.put(minute, barred, from, at, length) + 1] = letter;
    return true;
  }
  if (mode !== RUNS) return false;
  for (let run = at + 1, second = 0; second < CELL_SECONDS; second += bytes[run]!, run += 2) {
    if (PLAIN_LETTERS[bytes[run + 1]!] === 0) return false;
  }
  const start = writer.put(minute, barred, from, at, length);
  const copied = writer.bytes();
  for (let run = start + 1, second = 0; second < CELL_SECONDS; run += 2) {
    second += copied[run]!;
    copied[run + 1] = PLAIN_LETTERS[copied[run + 1]!]!;
  }
  return true;
}

/** Packs the minute anew by letters. */
function rewrite({ minute, barred, from, at }: PackedCell): void {
  unpackCell(from, at, scratch);
  for (let second = 0; second < CELL_SECONDS; second++) {
    letterCodes[second] = secondLetter(scratch.states[second]!).charCodeAt(0);
  }
  const values = readableValues(scratch);
  writer.put(minute, barred, packedBytes, 0, packStatesAndValues(letterCodes, values));
}
