import { Counter, Gauge, type Registry } from 'prom-client';
import type { EdgeStatus } from '../../telemetry/sparkplug/edge-session.ts';

/** What became of a message. */
export type MessageOutcome =
  | 'stored'
  | 'duplicate'
  /** Sound, and no channel is registered for anything in it. */
  | 'unused'
  | 'dead-letter'
  /** Unusable, and beyond the edge node's dead letters. */
  | 'dropped'
  /** A death of another session. */
  | 'ignored'
  /** Of an edge node that is not registered, or on no topic of Sparkplug. */
  | 'unregistered'
  /** Taken when ingest stopped, and not durable. */
  | 'lost';

export interface SparkplugMetrics {
  message(outcome: MessageOutcome): void;
  rebirth(): void;
  /** What is read when `/metrics` is asked for. */
  watch(readings: SparkplugReadings): void;
}

interface SparkplugReadings {
  readonly connected: () => boolean;
  readonly inFlightBytes: () => number;
  readonly statuses: () => Readonly<Record<EdgeStatus, number>>;
  readonly devicesOnline: () => number;
}

export function createSparkplugMetrics(registry: Registry): SparkplugMetrics {
  const registers = [registry];
  const messages = new Counter({
    name: 'wugan_sparkplug_messages_total',
    help: 'Sparkplug messages of edge nodes',
    labelNames: ['outcome'],
    registers,
  });
  const rebirths = new Counter({
    name: 'wugan_sparkplug_rebirths_total',
    help: 'Rebirths asked for',
    registers,
  });
  let readings: SparkplugReadings | null = null;
  new Gauge({
    name: 'wugan_sparkplug_edge_nodes',
    help: 'Registered edge nodes that were heard of',
    labelNames: ['status'],
    registers,
    collect() {
      for (const [status, count] of Object.entries(readings?.statuses() ?? {})) {
        this.set({ status }, count);
      }
    },
  });
  const gauge = (name: string, help: string, read: (from: SparkplugReadings) => number): Gauge =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(readings === null ? 0 : read(readings));
      },
    });
  gauge('wugan_sparkplug_devices_online', 'Sparkplug devices born and not dead', (from) =>
    from.devicesOnline(),
  );
  gauge('wugan_sparkplug_connected', '1: the host application is online', (from) =>
    Number(from.connected()),
  );
  gauge('wugan_sparkplug_in_flight_bytes', 'Sparkplug payload taken and not durable', (from) =>
    from.inFlightBytes(),
  );
  return {
    message: (outcome) => messages.inc({ outcome }),
    rebirth: () => rebirths.inc(),
    watch: (given) => {
      readings = given;
    },
  };
}
