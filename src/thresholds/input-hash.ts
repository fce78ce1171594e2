import { hash } from 'node:crypto';
import { digestOf } from '../model/digest.ts';
import { MINUTE_MS } from '../model/time.ts';
import { CELL_SECONDS } from './minute-cell.ts';
import { PACKED_BYTES_MAX, packedBytes, packStatesAndValues } from './pack-cell.ts';
import type { BarReason, InputCell, RuleInputs } from './rule-inputs.ts';
import { copyBytes, type PackedBytes } from './unpack-cell.ts';

/** SHA-256 of cells, lower-case hex. */
export type CellsHash = (cells: readonly InputCell[]) => string;

/**
 * Digest of all that a rule is judged from: of the canonical JSON in which each `cells` stands as its own
 * hash. Canonical JSON of tens of thousands of numbers would cost more than judging them.
 */
export function inputHashOf(inputs: RuleInputs, hashOf: CellsHash = cellsHash): string {
  const further = inputs.further?.map((feed) => ({ ...feed, cells: hashOf(feed.cells) }));
  return digestOf({ ...inputs, cells: hashOf(inputs.cells), further });
}

/** Byte of each reason in a cell's record. */
export const BARRED_CODES: Readonly<Record<BarReason, number>> = {
  certificate: 1,
  mark: 2,
  profile: 3,
};
/** Bytes of a cell's record before the packed minute. */
export const RECORD_HEAD = 5;
export const RECORD_BYTES_MAX = RECORD_HEAD + PACKED_BYTES_MAX;

const letters = new Uint8Array(CELL_SECONDS);
const writer = createRecordWriter();

/**
 * SHA-256 over one record a cell: number of the UTC minute (4 bytes), why it is barred (1 byte; 0: it is
 * not), and the minute as `pack-cell.ts` writes it, the states being the letters' codes.
 */
export const cellsHash: CellsHash = (cells) => {
  writer.clear();
  for (const { minuteMs, states, values, barred } of cells) {
    for (let second = 0; second < CELL_SECONDS; second++) {
      letters[second] = states.charCodeAt(second);
    }
    const length = packStatesAndValues(letters, values);
    writer.put(minuteMs / MINUTE_MS, barred, packedBytes, 0, length);
  }
  return writer.hash();
};

/** Collects records of cells. */
export interface RecordWriter {
  /** Begins anew, in the same memory. */
  clear(): void;
  /** Adds `length` bytes from `at` on; gives where in `bytes()` they went. */
  put(
    minute: number,
    barred: BarReason | undefined,
    from: PackedBytes,
    at: number,
    length: number,
  ): number;
  bytes(): Uint8Array;
  hash(): string;
}

export function createRecordWriter(): RecordWriter {
  let room = roomFor(1 << 16);
  let end = 0;
  const reserve = (): void => {
    if (end + RECORD_BYTES_MAX <= room.bytes.byteLength) return;
    const larger = roomFor(2 * room.bytes.byteLength);
    larger.bytes.set(room.bytes);
    room = larger;
  };
  return {
    clear() {
      end = 0;
    },
    put(minute, barred, from, at, length) {
      reserve();
      room.view.setUint32(end, minute);
      room.bytes[end + 4] = barred === undefined ? 0 : BARRED_CODES[barred];
      const start = end + RECORD_HEAD;
      copyBytes(from, at, room, start, length);
      end = start + length;
      return start;
    },
    bytes: () => room.bytes,
    hash: () => hash('sha256', room.bytes.subarray(0, end), 'hex'),
  };
}

function roomFor(length: number): PackedBytes {
  const bytes = new Uint8Array(length);
  return { bytes, view: new DataView(bytes.buffer) };
}
