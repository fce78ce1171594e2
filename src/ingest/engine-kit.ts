import type { JournalEntry } from '../model/entry.ts';
import type { EngineOutput } from '../model/exposure.ts';
import type { Fact } from '../model/facts.ts';
import type { Result } from '../model/result.ts';
import type { Snapshot } from '../thresholds/snapshot.ts';

/** The threshold engine as the evaluator drives it: a fold over journal entries. */
export interface Engine {
  /** Applies one entry; entries come in order of position; returns what it gives, in order. */
  step(entry: JournalEntry): EngineOutput[];
  /** Last entry applied; 0 at the start. */
  readonly pos: number;
  /** The state as it is now, piece by piece; one at a time. */
  snapshot(): Snapshot;
}

/** Makes an engine again from the pieces of a snapshot. */
export interface EngineRestorer {
  /** The pieces in their order. */
  take(name: string, bytes: Buffer): Result<null>;
  /** All were taken. */
  engine(): Result<Engine>;
}

/** How an engine is made, and what a checkpoint must match to be taken up again. */
export interface EngineKit {
  readonly version: number;
  readonly settingsHash: string;
  create(): Engine;
  restorer(): EngineRestorer;
}

/** What one journal entry gave, and what is needed of the entry to store it. */
export interface Given {
  readonly pos: number;
  readonly receivedAtMs: number;
  readonly kind: JournalEntry['kind'];
  /** The entry's fact; null: it is none. */
  readonly fact: Fact | null;
  readonly outputs: readonly EngineOutput[];
}
