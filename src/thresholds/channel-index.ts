import type { Channel } from './engine-state.ts';

/** Channels by device and by name; a device's are few, so its metrics are looked through. */
export interface ChannelIndex {
  add(channel: Channel): void;
  ofDevice(device: string): readonly Channel[];
  /** Channels of a `channelName`, one for each gateway that delivered it; undefined: none. */
  get(name: string): readonly Channel[] | undefined;
  has(name: string): boolean;
}

const NONE: readonly Channel[] = [];

export function createChannelIndex(): ChannelIndex {
  const devices = new Map<string, Channel[]>();
  const ofDevice = (device: string): readonly Channel[] => devices.get(device) ?? NONE;
  // Neither a device's nor a metric's name holds a space.
  const deviceOf = (name: string): string => name.slice(0, name.indexOf(' '));
  const metricOf = (name: string): string => name.slice(name.indexOf(' ') + 1);
  return {
    add(channel) {
      const known = devices.get(channel.device);
      if (known === undefined) devices.set(channel.device, [channel]);
      else known.push(channel);
    },
    ofDevice,
    get(name) {
      const metric = metricOf(name);
      const named = ofDevice(deviceOf(name)).filter((channel) => channel.metric === metric);
      return named.length > 0 ? named : undefined;
    },
    has(name) {
      const metric = metricOf(name);
      return ofDevice(deviceOf(name)).some((channel) => channel.metric === metric);
    },
  };
}
