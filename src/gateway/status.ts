import type { ClockState } from '../model/batch.ts';
import type { GatewayId, Ulid } from '../model/ids.ts';
import type { BusStatus, DeviceStatus } from './bus-worker.ts';
import type { PublisherStatus } from './publisher.ts';
import type { SpoolStats } from './spool.ts';

/** What a gateway shows of itself. */
export interface GatewayStatus {
  readonly gateway: GatewayId;
  readonly build: string;
  readonly clock: ClockState;
  readonly epoch: Ulid;
  /** Seq of the last batch made in the epoch; 0: none. */
  readonly seq: number;
  /** Values taken in the last ten seconds of real time, per second. */
  readonly readingsPerSecond: number;
  readonly readings: number;
  /** Frames lost because the disk took none for too long. */
  readonly framesLost: number;
  /** Latest `at` of any device in the spool; null: none. The virtual clock goes on from it. */
  readonly lastAtMs: number | null;
  readonly spool: SpoolStats;
  readonly mqtt: PublisherStatus;
  readonly buses: readonly BusStatus[];
  readonly devices: readonly DeviceStatus[];
}

/** What is wrong with a running gateway, in words; none: `ok`. */
export interface SelfTest {
  readonly ok: boolean;
  readonly faults: readonly string[];
}

/** A gateway whose clock may be further off than this has no say in windows up to 15 minutes. */
const CLOCK_ERR_MS_MAX = 2_000;

export function selfTestOf(status: GatewayStatus): SelfTest {
  const { spool, mqtt, clock, framesLost } = status;
  const faults = [
    ...status.buses.flatMap(({ bus, isUp }) => (isUp ? [] : [`bus ${bus} is down`])),
    ...status.buses.flatMap(({ bus, foreignMaster }) =>
      foreignMaster === 'certain' ? [`bus ${bus} has another master`] : [],
    ),
    ...status.devices.flatMap(({ device, state }) =>
      state === 'HEALTHY' ? [] : [`device ${device} is ${state}`],
    ),
    ...(spool.fill.warning === null ? [] : [`spool is over ${spool.fill.warning} % full`]),
    ...(spool.batchesGivenUp === 0 ? [] : [`${spool.batchesGivenUp} batches given up`]),
    ...(framesLost === 0 ? [] : [`${framesLost} frames lost: the disk took none`]),
    ...(mqtt.lastAckAtMs === null ? ['no ack from the hub yet'] : []),
    ...(clock.errMs > CLOCK_ERR_MS_MAX ? [`clock may be ${clock.errMs} ms off`] : []),
  ];
  return { ok: faults.length === 0, faults };
}

/** How many instruments answer, and which lines need somebody: what the hub's operator should see. */
export function healthSummary({
  buses,
  devices,
  clock,
}: Pick<GatewayStatus, 'buses' | 'devices' | 'clock'>): object {
  const inState = (state: string): number => devices.filter((one) => one.state === state).length;
  return {
    clock,
    devices: {
      healthy: inState('HEALTHY'),
      suspect: inState('SUSPECT'),
      demoted: inState('DEMOTED'),
      flapping: devices.filter(({ isFlapping }) => isFlapping).length,
    },
    busesDown: buses.filter(({ isUp }) => !isUp).map(({ bus }) => bus),
    foreignMasters: buses
      .filter(({ foreignMaster }) => foreignMaster === 'certain')
      .map(({ bus }) => bus),
  };
}

const WINDOW_MS = 10_000;

/** Rate of a growing count over the last ten seconds, from the moments it was asked at. */
export function createRateMeter(realMs: () => number = () => performance.now()): {
  perSecond(count: number): number;
} {
  const samples = [{ atMs: realMs(), count: 0 }];
  return {
    perSecond(count) {
      const atMs = realMs();
      samples.push({ atMs, count });
      while (samples.length > 2 && samples[1]!.atMs <= atMs - WINDOW_MS) samples.shift();
      const first = samples[0]!;
      return atMs === first.atMs ? 0 : ((count - first.count) / (atMs - first.atMs)) * 1_000;
    },
  };
}
