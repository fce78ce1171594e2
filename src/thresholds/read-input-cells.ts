import { MINUTE_MS } from '../model/time.ts';
import { findRecord, found } from './cell-archive.ts';
import type { ChannelCells } from './cell-store.ts';
import { createRecordWriter, type RecordWriter } from './input-hash.ts';
import { CELL_SECONDS, emptyCell, type MinuteCell } from './minute-cell.ts';
import { ONE, packed, packSlot, packStatesAndValues, RUNS } from './pack-cell.ts';
import type { BarReason, InputCell } from './rule-inputs.ts';
import { isReadable, PLAIN_LETTERS, secondLetter } from './second-state.ts';
import { type PackedBytes, unpackCell, unpackWhole } from './unpack-cell.ts';

/** Cells as rules read them, and their `cellsHash`. */
export interface HashedCells {
  readonly cells: readonly InputCell[];
  readonly hash: string;
}

const scratch = emptyCell(0);
const packedSlot: PackedBytes = { bytes: packed, view: new DataView(packed.buffer) };
const letterCodes = new Uint8Array(CELL_SECONDS);

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
  const cells: InputCell[] = [];
  const writer = createRecordWriter();
  const { page, slot, index, archive } = channel;
  for (let minute = from; minute < until; minute++) {
    const isOpen = page.openMinute[slot] === minute;
    if (!isOpen && !findRecord(archive, index, minute)) continue;
    const length = isOpen ? packSlot(page, slot) : found.length;
    const source = isOpen ? packedSlot : found.from;
    const at = isOpen ? 0 : found.at;
    const barred = barredOf(minute);
    const plain = copyPlain(writer, minute, barred, source, at, length);
    let values: readonly number[];
    if (plain === ALL_NORMAL) values = unpackWhole(source, at);
    else {
      unpackCell(source, at, scratch);
      values = valuesOf(scratch);
    }
    const states = plain ?? rewrite(writer, minute, barred);
    const minuteMs = minute * MINUTE_MS;
    cells.push(
      barred === undefined ? { minuteMs, states, values } : { minuteMs, states, values, barred },
    );
  }
  return { cells, hash: writer.hash() };
}

/** 60 of each letter: most minutes are all alike, and share one string. */
const SAME = Array.from({ length: 128 }, (_, code) =>
  String.fromCharCode(code).repeat(CELL_SECONDS),
);

const ALL_NORMAL = 'N'.repeat(CELL_SECONDS);

/**
 * Copies a packed minute whose states stand for one letter each, and whose values are just those of `N`
 * and `k`; gives its letters. Undefined: it isn't one, nothing was copied.
 */
function copyPlain(
  writer: RecordWriter,
  minute: number,
  barred: BarReason | undefined,
  { bytes }: PackedBytes,
  at: number,
  length: number,
): string | undefined {
  const mode = bytes[at]! & 0b1111;
  if (mode === ONE) {
    const letter = PLAIN_LETTERS[bytes[at + 1]!]!;
    if (letter === 0) return undefined;
    const start = writer.put(minute, barred, bytes, at, length);
    writer.bytes()[start + 1] = letter;
    return SAME[letter]!;
  }
  if (mode !== RUNS) return undefined;
  for (let run = at + 1, second = 0; second < CELL_SECONDS; second += bytes[run]!, run += 2) {
    if (PLAIN_LETTERS[bytes[run + 1]!] === 0) return undefined;
  }
  const start = writer.put(minute, barred, bytes, at, length);
  const copied = writer.bytes();
  let states = '';
  for (let run = start + 1; states.length < CELL_SECONDS; run += 2) {
    const letter = PLAIN_LETTERS[copied[run + 1]!]!;
    copied[run + 1] = letter;
    states += String.fromCharCode(letter).repeat(copied[run]!);
  }
  return states;
}

/** Packs the minute in `scratch` anew by letters; gives them. */
function rewrite(writer: RecordWriter, minute: number, barred: BarReason | undefined): string {
  let states = '';
  for (let second = 0; second < CELL_SECONDS; second++) {
    const letter = secondLetter(scratch.states[second]!);
    states += letter;
    letterCodes[second] = letter.charCodeAt(0);
  }
  const values = valuesOf(scratch);
  writer.put(minute, barred, packed, 0, packStatesAndValues(letterCodes, values));
  return states;
}

/** Values that rules are given; one when all are equal. */
function valuesOf({ states, values }: MinuteCell): readonly number[] {
  const read: number[] = [];
  let allEqual = true;
  for (let second = 0; second < CELL_SECONDS; second++) {
    if (!isReadable[states[second]!]) continue;
    const value = values[second]!;
    if (allEqual && read.length > 0 && value !== read[0]) allEqual = false;
    read.push(value);
  }
  return allEqual ? read.slice(0, 1) : read;
}
