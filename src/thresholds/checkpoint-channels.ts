import type { DeviceId, MetricName } from '../model/ids.ts';
import { createByteReader, createByteWriter } from './byte-writer.ts';
import { columnBytes, readColumns } from './columns.ts';
import { addChannel, type EngineState } from './engine-state.ts';
import { copiedPiece, type Piece, pagePieces } from './snapshot.ts';

/** Names of a piece: such pieces are written once, as long as channels are only added. */
const NAMES = 4_096;

/** Every channel in its order; its rules and cells stand elsewhere. */
export function* channelPieces({ channels, channelPages }: EngineState): Generator<Piece> {
  for (let from = 0; from < channels.length; from += NAMES) {
    const writer = createByteWriter();
    for (const { gateway, device, metric } of channels.slice(from, from + NAMES)) {
      writer.u32(gateway.index);
      writer.text(device);
      writer.text(metric);
    }
    yield copiedPiece(`channel-names/${from / NAMES}`, writer.bytes());
  }
  yield* pagePieces('channel-pages', channelPages, columnBytes);
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
