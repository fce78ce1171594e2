import type { DeviceId, MetricName } from '../model/ids.ts';
import { createByteReader, createByteWriter } from './byte-writer.ts';
import { columnBytes, readColumns } from './columns.ts';
import { addChannel, type Channel, type EngineState } from './engine-state.ts';
import { type Piece, pagePieces } from './snapshot.ts';

/** Names of a piece: channels are only added and keep theirs, so only the last piece is written again. */
const NAMES = 4_096;

/** Every channel in its order; its rules and cells stand elsewhere. */
export function* channelPieces(
  state: EngineState,
  ends: ((isStored: boolean) => void)[],
): Generator<Piece> {
  const { channels, channelPages } = state;
  const count = channels.length;
  for (let from = 0; from < count; from += NAMES) {
    const until = Math.min(from + NAMES, count);
    yield {
      name: `channel-names/${from / NAMES}`,
      isStored: until <= state.namesStored,
      bytes: () => nameBytes(channels.slice(from, until)),
    };
  }
  ends.push((isStored) => {
    if (isStored) state.namesStored = count;
  });
  yield* pagePieces('channel-pages', channelPages, columnBytes);
}

function nameBytes(channels: readonly Channel[]): Uint8Array {
  const writer = createByteWriter();
  for (const { gateway, device, metric } of channels) {
    writer.u32(gateway.index);
    writer.text(device);
    writer.text(metric);
  }
  return writer.bytes();
}

/** Adds the channels of a piece; the gateways are there, in the same order. */
export function readChannelNames(state: EngineState, bytes: Buffer): void {
  const reader = createByteReader(bytes);
  const gateways = [...state.gateways.values()];
  while (!reader.isAtEnd) {
    const gateway = gateways[reader.u32()]!;
    const device = reader.text() as DeviceId;
    addChannel(state, gateway, device, reader.text() as MetricName);
  }
  state.namesStored = state.channels.length;
}

/** Fills further pages of channels that are there; `from` counts them. */
export function readChannelPages(
  { channelPages }: EngineState,
  from: number,
  bytes: Buffer,
): number {
  const reader = createByteReader(bytes);
  let next = from;
  for (; !reader.isAtEnd; next++) {
    const page = channelPages[next]!;
    readColumns(reader, page);
    page.factsChanges.fill(-1);
  }
  return next;
}
