import type { BusConfig, DeviceConfig } from './bus-config.ts';
import { charMs, frameGapMs } from './modbus/rtu.ts';

/** What a read costs its bus, in ms. */
export interface ReadCost {
  readonly requestMs: number;
  readonly wordMs: number;
  readonly bitMs: number;
}

/** Characters of a request, and of a reply without its values. */
const FRAME_CHARS = 8 + 5;
/** How long an instrument thinks when its template doesn't say. */
const TURNAROUND_MS = { rtu: 20, 'rtu-over-tcp': 20, tcp: 5 } as const;
/** The way through a converter and back. */
const CONVERTER_MS = 2;
/** A register on a network: next to nothing against the round trip. */
const TCP_WORD_MS = 0.002;

export const turnaroundOf = (bus: BusConfig, device: DeviceConfig): number =>
  device.protocol.turnaroundMs ?? TURNAROUND_MS[bus.transport];

/** The cost of a read from this device: the line's speed, its turnaround, the pause it wants. */
export function readCostOf(bus: BusConfig, device: DeviceConfig): ReadCost {
  const thinkMs = turnaroundOf(bus, device) + device.protocol.interRequestMs;
  if (bus.transport === 'tcp') {
    return { requestMs: thinkMs, wordMs: TCP_WORD_MS, bitMs: TCP_WORD_MS / 16 };
  }
  const oneCharMs = charMs(bus);
  const lineMs = FRAME_CHARS * oneCharMs + 2 * frameGapMs(bus);
  return {
    requestMs: lineMs + thinkMs + (bus.transport === 'rtu' ? 0 : CONVERTER_MS),
    wordMs: 2 * oneCharMs,
    bitMs: oneCharMs / 8,
  };
}

/** A bus carries one transaction at a time; more only on a TCP bus whose devices all allow it. */
export const inFlightMaxOf = ({ transport, devices }: BusConfig): number =>
  transport === 'tcp' ? Math.min(...devices.map(({ protocol }) => protocol.maxInFlight)) : 1;
