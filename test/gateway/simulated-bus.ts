import { vi } from 'vitest';
import {
  createFaultySlave,
  type FaultySlaveSettings,
} from '../../simulators/modbus-faulty-slave.ts';
import { createRandom } from '../../simulators/seeded-random.ts';
import type { BusConfig } from '../../src/gateway/bus-config.ts';
import { type BusWorker, startBusWorker } from '../../src/gateway/bus-worker.ts';
import { createLearnedCuts, type LearnedCuts } from '../../src/gateway/learned-cuts.ts';
import type { Link, LinkEvents } from '../../src/gateway/modbus/link.ts';
import { charMs, frameGapMs } from '../../src/gateway/modbus/rtu.ts';
import { createRtuMaster } from '../../src/gateway/modbus/rtu-master.ts';
import type { Frame } from '../../src/model/batch.ts';
import { realClock } from '../../src/process/clock.ts';
import { createLogger } from '../../src/process/log.ts';

export interface SimulatedBus {
  readonly worker: BusWorker;
  readonly frames: Frame[];
  readonly slave: ReturnType<typeof createFaultySlave>;
  framesOf(device: string): Frame[];
  /** Another master puts bytes on the line: slaves and we hear them. */
  putOnLine(bytes: Buffer): void;
}

type SlaveSettings = Pick<FaultySlaveSettings, 'faults' | 'lateMs' | 'registerOf'> &
  Partial<Pick<FaultySlaveSettings, 'isAlive'>>;

/**
 * The gateway's own worker and RTU master on a line in memory, on simulated time: characters take as
 * long as the bus's speed makes them, and every slave thinks for so long.
 */
export function startSimulatedBus(
  bus: BusConfig & { transport: 'rtu' },
  slaveSettings: SlaveSettings,
  {
    thinkMs = 15,
    seed = 1,
    learned = createLearnedCuts(),
  }: {
    thinkMs?: number;
    seed?: number;
    learned?: LearnedCuts;
  } = {},
): SimulatedBus {
  let events: LinkEvents | undefined;
  const slave = createFaultySlave({
    ...slaveSettings,
    framing: 'rtu',
    seed,
    replyMs: (requestBytes, replyBytes) =>
      (requestBytes + replyBytes) * charMs(bus) + thinkMs + frameGapMs(bus),
    write: (bytes) => events?.onData(bytes),
  });
  const open = (own: LinkEvents): Link => {
    events = own;
    setTimeout(() => own.onUp('line'), 1);
    return {
      write: slave.receive,
      catchUp: () => new Promise((resolve) => setImmediate(resolve)),
      close: () => Promise.resolve(),
    };
  };
  const frames: Frame[] = [];
  const worker = startBusWorker({
    bus,
    clock: realClock,
    log: createLogger('test', 'silent'),
    emit: (frame) => frames.push(frame),
    lastAtOf: () => null,
    learned,
    random: createRandom(seed),
    connect: (_, own) =>
      createRtuMaster({
        ...own,
        open,
        reconnectMsMin: 500,
        reconnectMsMax: 60_000,
        reopenMsMin: null,
        afterConnectMs: 0,
        frameGapMs: frameGapMs(bus),
        echo: false,
      }),
  });
  const framesOf = (device: string): Frame[] => frames.filter((frame) => frame.device === device);
  const putOnLine = (bytes: Buffer): void => {
    events?.onData(bytes);
    slave.receive(bytes);
  };
  return { worker, frames, slave, framesOf, putOnLine };
}

/** Timers, dates and the monotonic clock stand still until they are moved. */
export const simulateTime = (): void => {
  vi.useFakeTimers({
    now: Date.UTC(2026, 10, 24, 8),
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'setImmediate', 'performance', 'Date'],
  });
};
