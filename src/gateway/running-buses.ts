import { isDeepStrictEqual } from 'node:util';
import type { BusConfig } from './bus-config.ts';
import type { BusStatus, BusWorker, DeviceStatus } from './bus-worker.ts';
import type { Exchange } from './modbus/exchange-log.ts';

export interface BusChange {
  readonly kept: readonly string[];
  readonly stopped: readonly string[];
  readonly started: readonly string[];
}

export interface RunningBuses {
  buses(): BusStatus[];
  devices(): DeviceStatus[];
  /** The last exchanges of each bus as bytes, oldest first. */
  exchanges(): { readonly bus: string; readonly exchanges: readonly Exchange[] }[];
  /**
   * Goes over to other buses. One whose settings are the same runs on; the others finish the polls
   * that are due, `handOver` is called, and the new ones start: no grid time is left out.
   */
  change(buses: readonly BusConfig[], handOver: () => void): Promise<BusChange>;
  close(): Promise<void>;
}

/** The workers of a gateway, one for each bus. */
export function createRunningBuses(start: (bus: BusConfig) => BusWorker): RunningBuses {
  let running: { readonly bus: BusConfig; readonly worker: BusWorker }[] = [];

  return {
    buses: () => running.map(({ worker }) => worker.status()),
    devices: () => running.flatMap(({ worker }) => worker.devices()),
    exchanges: () =>
      running.map(({ bus, worker }) => ({ bus: bus.id, exchanges: worker.exchanges() })),
    async change(buses, handOver) {
      const isSame = (bus: BusConfig): boolean =>
        running.some((one) => isDeepStrictEqual(one.bus, bus));
      const kept = running.filter(({ bus }) => buses.some((one) => isDeepStrictEqual(one, bus)));
      const stopping = running.filter((one) => !kept.includes(one));
      const starting = buses.filter((bus) => !isSame(bus));
      await Promise.all(stopping.map(({ worker }) => worker.drain()));
      handOver();
      running = [...kept, ...starting.map((bus) => ({ bus, worker: start(bus) }))];
      const idsOf = (list: readonly BusConfig[]): string[] => list.map(({ id }) => id);
      return {
        kept: idsOf(kept.map(({ bus }) => bus)),
        stopped: idsOf(stopping.map(({ bus }) => bus)),
        started: idsOf(starting),
      };
    },
    async close() {
      await Promise.all(running.map(({ worker }) => worker.close()));
    },
  };
}
