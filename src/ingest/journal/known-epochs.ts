import type { Ulid } from '../../model/ids.ts';
import { type EpochProgress, type EpochState, emptyEpoch, restoreEpoch } from './epoch-progress.ts';

/** Epochs of one gateway in memory; a new one beyond it waits until some are written and retired. */
const EPOCHS_MAX = 4_096;
/** What stays in memory of a gateway: its newest epochs, those that messages came of last … */
const NEWEST_KEPT = 64;
const TOUCHED_KEPT = 64;
/** … and the newest with something unsettled. */
const UNSETTLED_KEPT = 1_024;
/** Whenever so many more have gathered, what need not stay is retired. */
const RETIRE_EVERY = 256;

interface OfGateway {
  readonly epochs: Map<Ulid, EpochProgress>;
  /** True: some of its epochs are in the database only. */
  isPartial: boolean;
  /** At so many epochs the next are retired. */
  retireAt: number;
}

/** `ask`: the database may know the epoch; `full`: no room until some are written. */
export type Opened = EpochProgress | 'ask' | 'full';

/**
 * The epochs in memory: all of an ordinary gateway, and of one that opens epoch after epoch the ones it
 * can still need. What is retired stands in `telemetry.gateway_progress` and comes back by `revive`.
 */
export interface KnownEpochs {
  open(gateway: string, epoch: Ulid): Opened;
  has(gateway: string, epoch: Ulid): boolean;
  /** In memory or made anew, whatever the database says (start-up). */
  make(gateway: string, epoch: Ulid): EpochProgress;
  /** Marks that the gateway has epochs that were not loaded (start-up). */
  markPartial(gateway: string): void;
  /** Rises whenever something is retired: an older answer of the database may be out of date then. */
  generation(): number;
  /** Takes an epoch up again, from its row; null: it has none. */
  revive(gateway: string, epoch: Ulid, state: EpochState | null): void;
  /** Oldest first. */
  of(gateway: string): EpochProgress[];
}

/** `isWritten`: the epoch's row in the database is up to date. */
export function createKnownEpochs(isWritten: (progress: EpochProgress) => boolean): KnownEpochs {
  const gateways = new Map<string, OfGateway>();
  let generation = 0;

  function ofGateway(gateway: string): OfGateway {
    let known = gateways.get(gateway);
    if (known === undefined) {
      known = { epochs: new Map(), isPartial: false, retireAt: RETIRE_EVERY };
      gateways.set(gateway, known);
    }
    return known;
  }

  function make(gateway: string, epoch: Ulid): EpochProgress {
    const { epochs } = ofGateway(gateway);
    const known = epochs.get(epoch);
    if (known !== undefined) return known;
    const made = emptyEpoch(gateway, epoch);
    epochs.set(epoch, made);
    return made;
  }

  function retire(known: OfGateway): void {
    const all = [...known.epochs.values()].sort(newestFirst);
    const rest = all.slice(NEWEST_KEPT);
    const kept = new Set([
      ...all.slice(0, NEWEST_KEPT),
      ...rest.toSorted((a, b) => b.touched - a.touched).slice(0, TOUCHED_KEPT),
      ...rest.filter(({ stored }) => stored.length > 0).slice(0, UNSETTLED_KEPT),
    ]);
    for (const progress of rest) {
      if (kept.has(progress) || !isWritten(progress)) continue;
      known.epochs.delete(progress.epoch);
      known.isPartial = true;
      generation += 1;
    }
    known.retireAt = Math.min(known.epochs.size + RETIRE_EVERY, EPOCHS_MAX);
  }

  return {
    make,
    open(gateway, epoch) {
      const known = ofGateway(gateway);
      const progress = known.epochs.get(epoch);
      if (progress !== undefined) return progress;
      if (known.epochs.size >= known.retireAt) retire(known);
      if (known.epochs.size >= EPOCHS_MAX) return 'full';
      return known.isPartial ? 'ask' : make(gateway, epoch);
    },
    has: (gateway, epoch) => gateways.get(gateway)?.epochs.has(epoch) === true,
    markPartial(gateway) {
      ofGateway(gateway).isPartial = true;
    },
    generation: () => generation,
    revive(gateway, epoch, state) {
      const { epochs } = ofGateway(gateway);
      if (epochs.has(epoch) || epochs.size >= EPOCHS_MAX) return;
      const made = make(gateway, epoch);
      if (state !== null) restoreEpoch(made, state);
    },
    of: (gateway) => [...(gateways.get(gateway)?.epochs.values() ?? [])].sort(oldestFirst),
  };
}

/** Epochs are ULIDs: their order is that of their making. */
const oldestFirst = (a: EpochProgress, b: EpochProgress): number => (a.epoch < b.epoch ? -1 : 1);
const newestFirst = (a: EpochProgress, b: EpochProgress): number => oldestFirst(b, a);
