import type { BusConfig, DeviceConfig } from './bus-config.ts';
import { placeOf } from './point-types.ts';
import { costOf, extentsOf, planReads, type ReadBlock, rulesOf, tagLengths } from './poll-plan.ts';
import { inFlightMaxOf, type ReadCost, readCostOf } from './read-cost.ts';

/** Above it there is no time left for retries, probes and what is slower than planned. */
const SHARE_MAX = 0.7;
const SHARE_WARNED = 0.5;

export interface DeviceBudget {
  readonly device: DeviceConfig;
  readonly blocks: readonly ReadBlock[];
  /** Bus time of one poll. */
  readonly pollMs: number;
  readonly share: number;
}

export interface BusBudget {
  readonly devices: readonly DeviceBudget[];
  /** Of the bus's time, 1 is all of it. */
  readonly share: number;
}

/** The requests of one device as long as it refuses nothing. */
export function plannedBlocks(bus: BusConfig, device: DeviceConfig, cost: ReadCost): ReadBlock[] {
  const rules = rulesOf(device, cost, []);
  const blocks = planReads(extentsOf(device.points, device.protocol), rules);
  return bus.transport === 'tcp' ? blocks : tagLengths(blocks, rules);
}

/** How often a device is read, in ms. */
export const pollPeriodOf = ({ pollMs, periodMs }: DeviceConfig): number => pollMs ?? periodMs;

/** The time that the devices of a bus need of it when all of them answer. Pure. */
export function busBudget(bus: BusConfig): BusBudget {
  const devices = bus.devices.map((device): DeviceBudget => {
    const cost = readCostOf(bus, device);
    const blocks = plannedBlocks(bus, device, cost);
    const pollMs = blocks.reduce((sum, block) => sum + costOf(block, cost), 0) / inFlightMaxOf(bus);
    return { device, blocks, pollMs, share: pollMs / pollPeriodOf(device) };
  });
  return { devices, share: devices.reduce((sum, { share }) => sum + share, 0) };
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** The poll plan and the budget of a bus, for the installer: a line for each device. */
export function describePlan(bus: BusConfig): string[] {
  const { devices, share } = busBudget(bus);
  const lines = devices.map(({ device, blocks, pollMs, share: own }) => {
    const requests = blocks.map(placeOf).join(', ');
    const every = `every ${pollPeriodOf(device)} ms`;
    return `  ${device.device} unit ${device.unitId}: ${requests}; ${pollMs.toFixed(1)} ms ${every}, ${percent(own)}`;
  });
  return [`bus ${bus.id} (${bus.transport}): ${percent(share)} of its time`, ...lines];
}

/** Why a bus is refused: nothing, or one line. */
export function budgetFaults(bus: BusConfig): string[] {
  const { share } = busBudget(bus);
  if (share <= SHARE_MAX) return [];
  return [
    `needs ${percent(share)} of its time, at most ${percent(SHARE_MAX)} can be planned: read less often, or on more buses`,
  ];
}

export function budgetWarnings(bus: BusConfig): string[] {
  const { share } = busBudget(bus);
  if (share <= SHARE_WARNED || share > SHARE_MAX) return [];
  return [`bus ${bus.id} needs ${percent(share)} of its time: little is left for what goes wrong`];
}
