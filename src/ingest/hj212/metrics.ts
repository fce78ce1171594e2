import { Counter, Gauge, type Registry } from 'prom-client';

/** What became of a frame of a registered device. */
export type FrameOutcome =
  | 'stored'
  | 'duplicate'
  | 'deferred'
  | 'unused'
  | 'dead-letter'
  | 'held'
  | 'notice'
  | 'answer';

/** Why a connection was closed, or something of it was not taken. */
export type Hj212Refusal =
  | 'standby'
  | 'connections-max'
  | 'address-connections-max'
  | 'unidentified'
  | 'idle'
  | 'not-reading'
  | 'not-kept'
  | 'stray-letters-max'
  | 'mn-shared';

export interface Hj212Metrics {
  frame(outcome: FrameOutcome): void;
  deviation(name: string): void;
  answered(cn: string): void;
  refused(reason: Hj212Refusal): void;
  /** What is read when `/metrics` is asked for. */
  watch(readings: Hj212Readings): void;
}

interface Hj212Readings {
  readonly connections: () => number;
  readonly inFlightBytes: () => number;
}

export function createHj212Metrics(registry: Registry): Hj212Metrics {
  const registers = [registry];
  const counter = (name: string, help: string, label: string) =>
    new Counter({ name, help, labelNames: [label], registers });
  const frames = counter('wugan_hj212_frames_total', 'HJ 212 frames of devices', 'outcome');
  const deviations = counter(
    'wugan_hj212_deviations_total',
    'Deviations from HJ 212 in frames that were taken',
    'deviation',
  );
  const answers = counter('wugan_hj212_answers_total', 'Answers sent to HJ 212 devices', 'cn');
  const refusals = counter(
    'wugan_hj212_refused_total',
    'HJ 212 connections closed, or not listened to',
    'reason',
  );
  let readings: Hj212Readings = { connections: () => 0, inFlightBytes: () => 0 };
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge('wugan_hj212_connections', 'Connected HJ 212 devices', () => readings.connections());
  gauge('wugan_hj212_in_flight_bytes', 'HJ 212 frames taken and not durable', () =>
    readings.inFlightBytes(),
  );
  return {
    frame: (outcome) => frames.inc({ outcome }),
    deviation: (deviation) => deviations.inc({ deviation }),
    answered: (cn) => answers.inc({ cn }),
    refused: (reason) => refusals.inc({ reason }),
    watch: (given) => {
      readings = given;
    },
  };
}
