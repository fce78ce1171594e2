import type { DeviceId, MetricName } from '../model/ids.ts';
import { createByteReader, createByteWriter } from './byte-writer.ts';
import { readColumns, writeColumns } from './columns.ts';
import { addChannel, type EngineState } from './engine-state.ts';

/** Every channel in its order; its rules and cells stand elsewhere. */
export function writeChannels(state: EngineState): Uint8Array {
  const writer = createByteWriter();
  writer.u32(state.channels.length);
  for (const { gateway, device, metric } of state.channels) {
    writer.u32(gateway.index);
    writer.text(device);
    writer.text(metric);
  }
  for (const page of state.channelPages) writeColumns(writer, page);
  return writer.bytes();
}

/** Adds the channels that `writeChannels` wrote; the gateways are there, in the same order. */
export function readChannels(state: EngineState, bytes: Buffer): void {
  const reader = createByteReader(bytes);
  const gateways = [...state.gateways.values()];
  for (let left = reader.u32(); left > 0; left--) {
    const gateway = gateways[reader.u32()]!;
    const device = reader.text() as DeviceId;
    addChannel(state, gateway, device, reader.text() as MetricName);
  }
  for (const page of state.channelPages) {
    readColumns(reader, page);
    page.factsChanges.fill(-1);
  }
}
