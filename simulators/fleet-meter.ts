import { createLatencyHistogram } from './latency-histogram.ts';

export interface FleetFigures {
  readonly batchesSent: number;
  readonly batchesAcked: number;
  readonly sealsAcked: number;
  readonly readingsAcked: number;
  readonly payloadBytesSent: number;
  /** From the start to the last acknowledgement. */
  readonly elapsedMs: number;
  readonly batchesAckedPerS: number;
  readonly readingsAckedPerS: number;
  /** Publish to PUBACK, reconnects included; null: none. */
  readonly ackMsP50: number | null;
  readonly ackMsP99: number | null;
  readonly ackMsMax: number | null;
}

export interface FleetMeter {
  batchSent(payloadBytes: number): void;
  batchAcked(latencyMs: number): void;
  sealAcked(latencyMs: number): void;
  batchesAcked(): number;
  figures(): FleetFigures;
}

/** Counts what a fleet sends and what comes back, from now on. */
export function createFleetMeter(readingsPerBatch: number): FleetMeter {
  const latency = createLatencyHistogram();
  const startedAtMs = performance.now();
  let lastAckAtMs = startedAtMs;
  let latencyMsMax = 0;
  let sent = 0;
  let bytes = 0;
  let batches = 0;
  let seals = 0;
  const acked = (latencyMs: number): void => {
    lastAckAtMs = performance.now();
    latency.add(latencyMs);
    latencyMsMax = Math.max(latencyMsMax, latencyMs);
  };
  return {
    batchSent(payloadBytes) {
      sent += 1;
      bytes += payloadBytes;
    },
    batchAcked(latencyMs) {
      batches += 1;
      acked(latencyMs);
    },
    sealAcked(latencyMs) {
      seals += 1;
      acked(latencyMs);
    },
    batchesAcked: () => batches,
    figures() {
      const elapsedMs = Math.max(1, lastAckAtMs - startedAtMs);
      const readingsAcked = batches * readingsPerBatch;
      return {
        batchesSent: sent,
        batchesAcked: batches,
        sealsAcked: seals,
        readingsAcked,
        payloadBytesSent: bytes,
        elapsedMs,
        batchesAckedPerS: (batches / elapsedMs) * 1_000,
        readingsAckedPerS: (readingsAcked / elapsedMs) * 1_000,
        ackMsP50: latency.quantileMs(0.5),
        ackMsP99: latency.quantileMs(0.99),
        ackMsMax: batches + seals === 0 ? null : latencyMsMax,
      };
    },
  };
}
