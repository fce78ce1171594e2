import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { deadLetterCounter } from './dead-letter-counter.ts';
import type { EncodedBlock } from './journal/encode-block.ts';
import type { Verdict } from './journal/progress.ts';
import type { Submission } from './journal/submission.ts';

/** Plain numbers for the summary and the API, counted since the start. */
export interface IngestCounts {
  /** Messages taken from gateways on their own topics. */
  received: number;
  /** Journal entries, ticks and facts included. */
  stored: number;
  /** Values in stored batches. */
  readings: number;
  /** Copies of what was stored before. */
  duplicates: number;
  /** Other content under a key that was stored before. */
  conflicts: number;
  /** Not taken because a bound was reached; they come again. */
  deferred: number;
  deadLetters: number;
  refusedClients: number;
}

export interface IngestMetrics {
  readonly counts: IngestCounts;
  received(channel: string): void;
  outcome(submission: Submission, verdict: Exclude<Verdict, 'ask'>): void;
  deadLetter(reason: string): void;
  refused(): void;
  committed(block: EncodedBlock, tookMs: number): void;
  /** A batch that was parked is evaluated after all. */
  unparked(): void;
  /** Days of the journal dropped by age now, and those that something still needs. */
  aged(dropped: number, held: number): void;
}

/** What is read when `/metrics` is asked for. */
interface Readings {
  readonly journalPos: () => number;
  readonly inFlightBytes: () => number;
  readonly clients: () => number;
  readonly clockStepMs: () => number;
}

/** Registers `wugan_…` metrics of ingest; the counts beside them cost no look-up. */
export function createIngestMetrics(registry: Registry, readings: Readings): IngestMetrics {
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const received = counter('wugan_messages_received_total', 'Messages of gateways', ['channel']);
  const entries = counter('wugan_submissions_total', 'What became of entries', ['outcome']);
  const deadLetters = deadLetterCounter(registry);
  const refused = counter('wugan_clients_refused_total', 'Clients refused or closed');
  const values = counter('wugan_readings_total', 'Values in stored batches');
  const stored = counter('wugan_journal_stored_bytes_total', 'Compressed bytes of blocks');
  const commitSeconds = new Histogram({
    name: 'wugan_journal_commit_seconds',
    help: 'From taking a group to its commit',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5],
    registers,
  });
  const blockEntries = new Histogram({
    name: 'wugan_journal_block_entries',
    help: 'Entries of one group commit',
    buckets: [1, 4, 16, 64, 256, 1_024, 4_096],
    registers,
  });
  const blockBytes = new Histogram({
    name: 'wugan_journal_block_raw_bytes',
    help: 'Raw bytes of one group commit',
    buckets: [1e3, 1e4, 1e5, 1e6, 1e7],
    registers,
  });
  const unparked = counter('wugan_unparked_batches_total', 'Parked batches taken up again');
  const daysDropped = counter(
    'wugan_journal_partitions_dropped_total',
    'Days of the journal dropped by age',
  );
  const daysHeld = new Gauge({
    name: 'wugan_journal_partitions_held',
    help: 'Days old enough to drop that something still needs',
    registers,
  });
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge('wugan_journal_pos', 'Last committed position', readings.journalPos);
  gauge('wugan_in_flight_bytes', 'Payload taken and not durable', readings.inFlightBytes);
  gauge('wugan_mqtt_clients', 'Connected clients', readings.clients);
  gauge(
    'wugan_hub_clock_step_seconds',
    "How far the machine's clock has stepped away from hub time",
    () => readings.clockStepMs() / 1_000,
  );

  const counts: IngestCounts = {
    received: 0,
    stored: 0,
    readings: 0,
    duplicates: 0,
    conflicts: 0,
    deferred: 0,
    deadLetters: 0,
    refusedClients: 0,
  };
  return {
    counts,
    received(channel) {
      counts.received += 1;
      received.inc({ channel });
    },
    outcome(submission, verdict) {
      entries.inc({ outcome: verdict });
      if (verdict === 'duplicate') counts.duplicates += 1;
      else if (verdict === 'deferred' || verdict === 'unbacked') counts.deferred += 1;
      else {
        if (verdict === 'conflict') counts.conflicts += 1;
        counts.stored += 1;
        if (submission.kind !== 'batch') return;
        counts.readings += submission.readings;
        values.inc(submission.readings);
      }
    },
    deadLetter(reason) {
      counts.deadLetters += 1;
      deadLetters.inc({ reason });
    },
    refused() {
      counts.refusedClients += 1;
      refused.inc();
    },
    committed({ posFrom, posTo, rawBytes, header, body }, tookMs) {
      commitSeconds.observe(tookMs / 1_000);
      blockEntries.observe(posTo - posFrom + 1);
      blockBytes.observe(rawBytes);
      stored.inc(header.length + body.length);
    },
    unparked: () => unparked.inc(),
    aged(dropped, held) {
      daysDropped.inc(dropped);
      daysHeld.set(held);
    },
  };
}
