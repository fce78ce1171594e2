import { blockBytes } from './hour-blocks.ts';
import {
  createHour,
  dropMinute,
  dropMinutesBelow,
  findHour,
  findMinute,
  type Hour,
  hasMinute,
  MINUTES,
  putMinute,
} from './hour-records.ts';

/** All minutes that are no longer open, packed, by the number of their UTC hour. */
export interface CellArchive {
  readonly hours: Map<number, Hour>;
}

export const createCellArchive = (): CellArchive => ({ hours: new Map() });

const hourOf = (minute: number): number => Math.floor(minute / MINUTES);

/** Finds the packed minute of a channel and says where it is in `found`; false: there is none. */
export function findRecord({ hours }: CellArchive, channel: number, minute: number): boolean {
  const hour = hours.get(hourOf(minute));
  return hour !== undefined && findMinute(hour, channel, minute % MINUTES);
}

/** Finds all minutes of a channel in a minute's hour: `hourPlaces`; false: there are none. */
export function findRecords({ hours }: CellArchive, channel: number, minute: number): boolean {
  const hour = hours.get(hourOf(minute));
  return hour !== undefined && findHour(hour, channel);
}

export function hasRecord({ hours }: CellArchive, channel: number, minute: number): boolean {
  const hour = hours.get(hourOf(minute));
  return hour !== undefined && hasMinute(hour, channel, minute % MINUTES);
}

/** Keeps the first `length` bytes of `packed` as the channel's minute, instead of what was kept. */
export function putRecord(
  { hours }: CellArchive,
  channel: number,
  minute: number,
  length: number,
): void {
  const key = hourOf(minute);
  let hour = hours.get(key);
  if (hour === undefined) {
    hour = createHour();
    hours.set(key, hour);
  }
  putMinute(hour, channel, minute % MINUTES, length);
}

/** Forgets a channel's minutes before `minute`. */
export function dropRecordsBefore({ hours }: CellArchive, channel: number, minute: number): void {
  for (const [key, hour] of hours) {
    if (key > hourOf(minute)) continue;
    dropMinutesBelow(hour, channel, key === hourOf(minute) ? minute % MINUTES : MINUTES);
    if (hour.channels === 0) hours.delete(key);
  }
}

/** Forgets one minute of a channel. */
export function dropRecord({ hours }: CellArchive, channel: number, minute: number): void {
  const hour = hours.get(hourOf(minute));
  if (hour !== undefined) dropMinute(hour, channel, minute % MINUTES);
}

/** Minutes of a channel, in no order. */
export function recordMinutes({ hours }: CellArchive, channel: number): number[] {
  const minutes: number[] = [];
  for (const [key, hour] of hours) {
    for (let minute = 0; minute < MINUTES; minute++) {
      if (hasMinute(hour, channel, minute)) minutes.push(key * MINUTES + minute);
    }
  }
  return minutes;
}

/** Bytes that pages and tables take. */
export function archiveBytes({ hours }: CellArchive): number {
  let bytes = 0;
  for (const { blocks, tables } of hours.values()) {
    bytes += blockBytes(blocks);
    for (const table of tables) bytes += table?.byteLength ?? 0;
  }
  return bytes;
}
