import { createByteReader, createByteWriter } from './byte-writer.ts';
import { packed } from './pack-cell.ts';
import type { PackedBytes } from './unpack-cell.ts';

const BYTES_OF_PAGE = 1 << 16;
/** Records start on multiples of this, so that 4 bytes tell where one is, up to 16 GB an hour. */
const UNIT = 4;
const UNITS_OF_PAGE = BYTES_OF_PAGE / UNIT;
/** Each record starts with its length. */
const HEAD = 2;
const MINUTES = 60;
/** Channels whose places share a table: a late datum of one doesn't cost a table for all. */
const TABLE_CHANNELS = 64;

/**
 * Packed minutes of one UTC hour, of all channels: records in pages, and for each channel and minute the
 * place of its record. A record that is replaced leaves its room to the next of its size; the hour goes
 * as a whole when its last record has.
 */
export interface Hour {
  readonly pages: PackedBytes[];
  /** Units taken from the pages. */
  used: number;
  /** By channel / 64: place + 1 of each minute; 0: none. */
  readonly tables: (Uint32Array | undefined)[];
  /** By units of size: places free again. */
  readonly free: (number[] | undefined)[];
  records: number;
}

/** All minutes that are no longer open. */
export interface CellArchive {
  readonly hours: Map<number, Hour>;
}

export const createCellArchive = (): CellArchive => ({ hours: new Map() });

const hourOf = (minute: number): number => Math.floor(minute / MINUTES);

const rowOf = (channel: number): number => (channel % TABLE_CHANNELS) * MINUTES;

/** Where the record of the last `findRecord` is. */
export interface FoundRecord {
  from: PackedBytes;
  at: number;
  length: number;
}

const none: PackedBytes = { bytes: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)) };
export const found: FoundRecord = { from: none, at: 0, length: 0 };

/** Finds the packed minute of a channel and says where it is in `found`; false: there is none. */
export function findRecord({ hours }: CellArchive, channel: number, minute: number): boolean {
  const hour = hours.get(hourOf(minute));
  const place = hour === undefined ? 0 : placeOf(hour, channel, minute);
  if (hour === undefined || place === 0) return false;
  seek(hour, place - 1);
  return true;
}

const placeOf = (hour: Hour, channel: number, minute: number): number => {
  const table = hour.tables[Math.floor(channel / TABLE_CHANNELS)];
  return table === undefined ? 0 : table[rowOf(channel) + (minute % MINUTES)]!;
};

function seek(hour: Hour, place: number): void {
  found.from = hour.pages[Math.floor(place / UNITS_OF_PAGE)]!;
  const at = (place % UNITS_OF_PAGE) * UNIT;
  found.length = found.from.view.getUint16(at);
  found.at = at + HEAD;
}

export function hasRecord({ hours }: CellArchive, channel: number, minute: number): boolean {
  const hour = hours.get(hourOf(minute));
  return hour !== undefined && placeOf(hour, channel, minute) !== 0;
}

/** Keeps the first `length` bytes of `packed` as the channel's minute, instead of what was kept. */
export function putRecord(
  archive: CellArchive,
  channel: number,
  minute: number,
  length: number,
): void {
  const hour = hourFor(archive, hourOf(minute));
  const table = tableFor(hour, Math.floor(channel / TABLE_CHANNELS));
  const index = rowOf(channel) + (minute % MINUTES);
  if (table[index] === 0) hour.records++;
  else release(hour, table[index]! - 1);
  const place = takePlace(hour, Math.ceil((length + HEAD) / UNIT));
  table[index] = place + 1;
  const page = hour.pages[Math.floor(place / UNITS_OF_PAGE)]!;
  const at = (place % UNITS_OF_PAGE) * UNIT;
  page.view.setUint16(at, length);
  const { bytes } = page;
  for (let i = 0; i < length; i++) bytes[at + HEAD + i] = packed[i]!;
}

function hourFor({ hours }: CellArchive, key: number): Hour {
  let hour = hours.get(key);
  if (hour === undefined) {
    hour = { pages: [], used: 0, tables: [], free: [], records: 0 };
    hours.set(key, hour);
  }
  return hour;
}

function tableFor(hour: Hour, index: number): Uint32Array {
  let table = hour.tables[index];
  if (table === undefined) {
    table = new Uint32Array(TABLE_CHANNELS * MINUTES);
    hour.tables[index] = table;
  }
  return table;
}

function takePlace(hour: Hour, units: number): number {
  const again = hour.free[units]?.pop();
  if (again !== undefined) return again;
  const left = UNITS_OF_PAGE - (hour.used % UNITS_OF_PAGE);
  if (left < units) hour.used += left;
  const place = hour.used;
  hour.used += units;
  if (Math.floor(place / UNITS_OF_PAGE) === hour.pages.length) {
    hour.pages.push(newPage());
  }
  return place;
}

function release(hour: Hour, place: number): void {
  seek(hour, place);
  const units = Math.ceil((found.length + HEAD) / UNIT);
  const places = hour.free[units];
  if (places === undefined) hour.free[units] = [place];
  else places.push(place);
}

/** Forgets a channel's minutes before `minute`. */
export function dropRecordsBefore(archive: CellArchive, channel: number, minute: number): void {
  for (const [key, hour] of archive.hours) {
    if (key > hourOf(minute)) continue;
    const table = hour.tables[Math.floor(channel / TABLE_CHANNELS)];
    if (table === undefined) continue;
    const row = rowOf(channel);
    const end = key === hourOf(minute) ? minute % MINUTES : MINUTES;
    for (let i = 0; i < end; i++) {
      const place = table[row + i]!;
      if (place === 0) continue;
      table[row + i] = 0;
      hour.records--;
      release(hour, place - 1);
    }
    if (hour.records === 0) archive.hours.delete(key);
  }
}

/** Forgets one minute of a channel. */
export function dropRecord(archive: CellArchive, channel: number, minute: number): void {
  const hour = archive.hours.get(hourOf(minute));
  const place = hour === undefined ? 0 : placeOf(hour, channel, minute);
  if (hour === undefined || place === 0) return;
  hour.tables[Math.floor(channel / TABLE_CHANNELS)]![rowOf(channel) + (minute % MINUTES)] = 0;
  hour.records--;
  release(hour, place - 1);
}

/** Minutes of a channel, in no order. */
export function recordMinutes({ hours }: CellArchive, channel: number): number[] {
  const minutes: number[] = [];
  for (const [key, hour] of hours) {
    const table = hour.tables[Math.floor(channel / TABLE_CHANNELS)];
    if (table === undefined) continue;
    for (let i = 0; i < MINUTES; i++) {
      if (table[rowOf(channel) + i] !== 0) minutes.push(key * MINUTES + i);
    }
  }
  return minutes;
}

/** Bytes that pages and tables take. */
export function archiveBytes({ hours }: CellArchive): number {
  let bytes = 0;
  for (const hour of hours.values()) {
    bytes += hour.pages.length * BYTES_OF_PAGE;
    for (const table of hour.tables) bytes += table?.byteLength ?? 0;
  }
  return bytes;
}

/** An hour as bytes, its tables and pages as they are. Free places are not kept: they are found no more. */
export function writeHour(key: number, hour: Hour): Uint8Array {
  const writer = createByteWriter(hour.pages.length * BYTES_OF_PAGE + (1 << 16));
  for (const value of [key, hour.used, hour.records, hour.pages.length]) writer.f64(value);
  for (const [i, { bytes }] of hour.pages.entries()) {
    const isLast = i === hour.pages.length - 1;
    writer.raw(isLast ? bytes.subarray(0, hour.used * UNIT - i * BYTES_OF_PAGE) : bytes);
  }
  for (const [index, table] of hour.tables.entries()) {
    if (table === undefined) continue;
    writer.u32(index);
    for (const place of table) writer.u32(place);
  }
  return writer.bytes();
}

/** Takes back an hour that `writeHour` gave. */
export function readHour({ hours }: CellArchive, bytes: Buffer): void {
  const reader = createByteReader(bytes);
  const key = reader.f64();
  const used = reader.f64();
  const hour: Hour = { pages: [], used, tables: [], free: [], records: reader.f64() };
  const pages = reader.f64();
  for (let i = 0; i < pages; i++) {
    const page = newPage();
    page.bytes.set(reader.raw(Math.min(BYTES_OF_PAGE, used * UNIT - i * BYTES_OF_PAGE)));
    hour.pages.push(page);
  }
  while (!reader.isAtEnd) {
    const table = tableFor(hour, reader.u32());
    for (let i = 0; i < table.length; i++) table[i] = reader.u32();
  }
  hours.set(key, hour);
}

function newPage(): PackedBytes {
  const bytes = new Uint8Array(BYTES_OF_PAGE);
  return { bytes, view: new DataView(bytes.buffer) };
}
