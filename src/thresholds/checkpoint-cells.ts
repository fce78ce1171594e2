import { createByteReader, createByteWriter } from './byte-writer.ts';
import { readHour, writeHour } from './cell-archive.ts';
import { packSlotInto, putPacked } from './cell-store.ts';
import type { EngineState } from './engine-state.ts';
import { packed } from './pack-cell.ts';

/**
 * The cells as parts: the open minutes of all channels, packed, then each hour of closed ones as it lies
 * in memory. Hours that have passed hardly change any more.
 */
export function writeCells(state: EngineState): readonly Uint8Array[] {
  const writer = createByteWriter();
  for (const { cells } of state.channels) {
    const minute = cells.page.openMinute[cells.slot]!;
    if (minute < 0) continue;
    const length = packSlotInto(cells);
    writer.u32(cells.index);
    writer.u32(minute);
    writer.u32(length);
    writer.raw(packed.subarray(0, length));
  }
  const { hours } = state.cells.archive;
  return [writer.bytes(), ...[...hours].map(([key, hour]) => writeHour(key, hour))];
}

/** Takes back what `writeCells` gave; the channels are there. */
export function readCells(state: EngineState, [open, ...hours]: readonly Buffer[]): void {
  for (const bytes of hours) readHour(state.cells.archive, bytes);
  if (open === undefined) return;
  const reader = createByteReader(open);
  while (!reader.isAtEnd) {
    const { cells } = state.channels[reader.u32()]!;
    const minute = reader.u32();
    putPacked(cells, minute, reader.raw(reader.u32()));
  }
}
