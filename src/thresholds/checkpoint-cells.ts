import { createByteReader, createByteWriter } from './byte-writer.ts';
import type { CellArchive } from './cell-archive.ts';
import type { CellStore } from './cell-store.ts';
import { readLines } from './checkpoint-bytes.ts';
import { columnBytes, readColumns } from './columns.ts';
import { addGroup, copyGroup } from './hour-blocks.ts';
import { addTables, copyTables, createHour, type Hour } from './hour-records.ts';
import { addPage, type LooseMinutes, type LoosePage, WIDE } from './loose-minutes.ts';
import { CELL_SECONDS } from './minute-cell.ts';
import { copiedPiece, groupPiece, linePieces, type Piece, pagePieces } from './snapshot.ts';

type Ends = ((isStored: boolean) => void)[];

/**
 * The open minutes page by page, then each hour of closed ones as it lies in memory: what of it doesn't change
 * any more is written once.
 */
export function* cellPieces({ pages, loose, archive }: CellStore, ends: Ends): Generator<Piece> {
  yield* pagePieces('open-cells', pages, columnBytes);
  yield* linePieces('loose', [{ used: loose.used, free: loose.free } satisfies SavedLoose]);
  yield* pagePieces('loose-cells', loose.pages, looseBytes);
  for (const [key, hour] of archive.hours) yield* hourPieces(key, hour, ends);
}

interface SavedLoose {
  readonly used: number;
  readonly free: readonly number[];
}

/** Columns of a page, then the doubles of the slots that hold them. */
const looseBytes = (page: LoosePage): readonly Uint8Array[] => [
  ...columnBytes(page),
  ...wideSlots(page).map((slot) => new Uint8Array(page.wide.get(slot)!.buffer)),
];

const wideSlots = ({ mode }: LoosePage): readonly number[] =>
  mode.includes(WIDE) ? [...mode.keys()].filter((slot) => mode[slot] === WIDE) : [];

function* hourPieces(key: number, hour: Hour, ends: Ends): Generator<Piece> {
  const { blocks, groups } = hour;
  const { used } = blocks;
  const writer = createByteWriter();
  writer.u32(hour.channels);
  writer.u32(used);
  for (const free of blocks.free) {
    writer.u32(free.length);
    for (const block of free) writer.u32(block);
  }
  yield copiedPiece(`hours/${key}`, writer.bytes());
  for (const [i, group] of groups.entries()) {
    if (group === undefined) continue;
    yield groupPiece(`hour-tables/${key}/${i}`, group, () => copyTables(hour, i), ends);
  }
  for (const [i, group] of blocks.groups.entries()) {
    const name = `hour-blocks/${key}/${i}`;
    yield groupPiece(name, group, () => copyGroup(blocks, i, used), ends);
  }
}

/** Fills further pages of open minutes, whose channels are there; `from` counts them. */
export function readOpenCells({ pages }: CellStore, from: number, bytes: Buffer): number {
  const reader = createByteReader(bytes);
  let next = from;
  for (; !reader.isAtEnd; next++) readColumns(reader, pages[next]!);
  return next;
}

export function readLooseHead(loose: LooseMinutes, bytes: Buffer): void {
  const { used, free } = readLines<SavedLoose>(bytes)[0]!;
  loose.used = used;
  loose.free.push(...free);
}

export function readLoose(loose: LooseMinutes, bytes: Buffer): void {
  const reader = createByteReader(bytes);
  while (!reader.isAtEnd) {
    const page = addPage(loose);
    readColumns(reader, page);
    for (const slot of wideSlots(page)) {
      const wide = new Float64Array(CELL_SECONDS);
      new Uint8Array(wide.buffer).set(reader.raw(wide.byteLength));
      page.wide.set(slot, wide);
    }
  }
}

export function readHour({ hours }: CellArchive, key: number, bytes: Buffer): void {
  const reader = createByteReader(bytes);
  const hour = createHour();
  hour.channels = reader.u32();
  hour.blocks.used = reader.u32();
  for (const free of hour.blocks.free) {
    for (let left = reader.u32(); left > 0; left--) free.push(reader.u32());
  }
  hours.set(key, hour);
}

/** Of an hour that is there. */
export function readHourTables(
  { hours }: CellArchive,
  [key, group]: readonly [number, number],
  bytes: Buffer,
): void {
  const hour = hours.get(key)!;
  addTables(hour, group, bytes);
  hour.groups[group]!.stored = hour.groups[group]!.version;
}

/** Of an hour that is there; groups come in their order. */
export function readHourBlocks(
  { hours }: CellArchive,
  [key, group]: readonly [number, number],
  bytes: Buffer,
): void {
  const { blocks } = hours.get(key)!;
  addGroup(blocks, bytes);
  blocks.groups[group]!.stored = blocks.groups[group]!.version;
}
