import type { Batch } from './batch.ts';
import type { Fact } from './facts.ts';
import type { GatewayId, Sha256Hex, Ulid } from './ids.ts';

/** In which language a payload was sent; the journal keeps its bytes as they came. */
export const DIALECTS = ['json', 'hj212', 'sparkplug'] as const;
export type Dialect = (typeof DIALECTS)[number];

/**
 * What the journal holds, as its readers see it: one ordered input. Whatever can change a result is an
 * entry with a position; nothing else is an input.
 */
interface EntryBase {
  /** Position in the shard: 1, 2, 3 … without holes. */
  readonly pos: number;
  /** Hub time at which the entry was taken, UTC ms. */
  readonly receivedAtMs: number;
  /** SHA-256 of the raw bytes. */
  readonly sha256: Sha256Hex;
}

export interface BatchEntry extends EntryBase {
  readonly kind: 'batch';
  readonly gateway: GatewayId;
  readonly topic: 'live' | 'backfill';
  /** Both null for a simple producer. */
  readonly epoch: Ulid | null;
  readonly seq: number | null;
  /** True when a batch of the same (gateway, epoch, seq) with other content is already in the journal. */
  readonly conflict: boolean;
  readonly batch: Batch;
}

/** Sequence numbers that never come, by the gateway's own signed word. */
export interface GapEntry extends EntryBase {
  readonly kind: 'gap';
  readonly gateway: GatewayId;
  readonly epoch: Ulid;
  readonly from: number;
  readonly to: number;
  readonly reason: 'spool-full' | 'spool-damaged' | 'operator';
  readonly prev: Sha256Hex;
  /** Hash of the last batch of the range: the chain goes on from it. */
  readonly hash: Sha256Hex;
}

/** The gateway's signature over its chain head. */
export interface SealEntry extends EntryBase {
  readonly kind: 'seal';
  readonly gateway: GatewayId;
  readonly epoch: Ulid;
  readonly upTo: number;
  readonly hash: Sha256Hex;
  /** Whether the signature verified against the gateway's registered key. */
  readonly verified: boolean;
}

export interface FactEntry extends EntryBase {
  readonly kind: 'fact';
  readonly fact: Fact;
}

/** Hub time, once a minute. Silence and "close as incomplete" act on ticks only. */
export interface TickEntry extends EntryBase {
  readonly kind: 'tick';
  readonly atMs: number;
}

/**
 * A batch that this build can't evaluate: of a later version (evaluated after an upgrade), or a dead letter
 * that has a place in its chain. The place is settled; its readings are missing.
 */
export interface ParkedEntry extends EntryBase {
  readonly kind: 'parked';
  readonly gateway: GatewayId;
  /** Both null when it names no place. */
  readonly epoch: Ulid | null;
  readonly seq: number | null;
}

export type JournalEntry = BatchEntry | GapEntry | SealEntry | FactEntry | TickEntry | ParkedEntry;
