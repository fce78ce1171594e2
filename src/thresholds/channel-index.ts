import type { DeviceId } from '../model/ids.ts';
import type { DeviceRow } from './device-row.ts';
import type { Channel, GatewayState } from './engine-state.ts';

/** Channels by device and by name; a device's are few, so its metrics are looked through. */
export interface ChannelIndex {
  /** The device at a gateway; undefined: nothing came of it there. */
  row(gateway: GatewayState, device: DeviceId): DeviceRow | undefined;
  /** The same; made when it is new. */
  ensureRow(gateway: GatewayState, device: DeviceId): DeviceRow;
  /** In the order in which they came to be. */
  ofDevice(device: string): readonly Channel[];
  /** Channels of a `channelName`, one for each gateway that delivered it; undefined: none. */
  get(name: string): readonly Channel[] | undefined;
}

export function createChannelIndex(): ChannelIndex {
  /** Of each device the row of the gateway that delivered it first. */
  const devices = new Map<string, DeviceRow>();
  // Neither a device's nor a metric's name holds a space.
  const deviceOf = (name: string): string => name.slice(0, name.indexOf(' '));
  const metricOf = (name: string): string => name.slice(name.indexOf(' ') + 1);

  function row(gateway: GatewayState, device: DeviceId): DeviceRow | undefined {
    let found = devices.get(device) ?? null;
    while (found !== null && found.gateway !== gateway) found = found.alike;
    return found ?? undefined;
  }

  function ensureRow(gateway: GatewayState, device: DeviceId): DeviceRow {
    const known = row(gateway, device);
    if (known !== undefined) return known;
    const before = gateway.lastDevice;
    const made: DeviceRow = { gateway, device, metrics: [], channels: [], before, alike: null };
    gateway.lastDevice = made;
    let last = devices.get(device);
    if (last === undefined) devices.set(device, made);
    else {
      while (last.alike !== null) last = last.alike;
      last.alike = made;
    }
    return made;
  }

  function ofDevice(device: string): readonly Channel[] {
    const first = devices.get(device);
    if (first === undefined) return [];
    if (first.alike === null) return first.channels;
    const channels: Channel[] = [];
    for (let next: DeviceRow | null = first; next !== null; next = next.alike) {
      channels.push(...next.channels);
    }
    return channels.sort((a, b) => a.index - b.index);
  }

  const named = (name: string): readonly Channel[] => {
    const metric = metricOf(name);
    return ofDevice(deviceOf(name)).filter((channel) => channel.metric === metric);
  };

  return {
    row,
    ensureRow,
    ofDevice,
    get(name) {
      const found = named(name);
      return found.length > 0 ? found : undefined;
    },
  };
}
