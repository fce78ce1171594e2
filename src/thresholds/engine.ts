import type { JournalEntry } from '../model/entry.ts';
import type { EngineOutput } from '../model/exposure.ts';
import { ok, type Result } from '../model/result.ts';
import {
  createRestorer,
  type Restorer,
  readCheckpoint,
  takeSnapshot,
  writeCheckpoint,
} from './checkpoint.ts';
import { judgeLeftOver } from './due-rules.ts';
import type { EngineSettings } from './engine-settings.ts';
import { createEngineState, type Emit, type EngineState } from './engine-state.ts';
import type { LimitSet } from './limits/limit-set.ts';
import type { Snapshot } from './snapshot.ts';
import { stepBatch } from './step-batch.ts';
import { stepGap, stepParked, stepSeal } from './step-chain.ts';
import { stepFact } from './step-fact.ts';
import { stepTick } from './step-tick.ts';

export {
  DEFAULT_ENGINE_SETTINGS,
  ENGINE_VERSION,
  type EngineSettings,
  settingsHash,
} from './engine-settings.ts';

/** The thresholds as a fold over the journal: same entries, same outputs. */
export interface Engine {
  /** Applies one journal entry; entries come in order of `pos`. Gives what follows, in order. */
  step(entry: JournalEntry): EngineOutput[];
  /** Position of the last entry applied; 0 at the start. */
  readonly pos: number;
  /** The state as it is now, piece by piece, for `engineRestorer`; one at a time. */
  snapshot(): Snapshot;
  /** The same in one piece, for `restoreEngine`. */
  checkpoint(): Uint8Array;
}

/** `limitSet` judges until a fact activates another one. */
export const createEngine = (settings: EngineSettings, limitSet?: LimitSet): Engine =>
  engineOf(createEngineState(settings, limitSet));

/** The engine that gave the checkpoint: what it steps next gives the same outputs. */
export function restoreEngine(
  bytes: Uint8Array,
  settings: EngineSettings,
): Result<Engine, 'unknown-version' | 'damaged' | 'other-settings'> {
  const state = readCheckpoint(bytes, settings);
  return state.ok ? ok(engineOf(state.value)) : state;
}

/** The same from pieces of a snapshot, one by one in their order. */
export function engineRestorer(settings: EngineSettings): EngineRestorer {
  const restorer = createRestorer(settings);
  return {
    take: restorer.take,
    engine() {
      const state = restorer.state();
      return state.ok ? ok(engineOf(state.value)) : state;
    },
  };
}

export interface EngineRestorer extends Pick<Restorer, 'take'> {
  /** All pieces were taken. */
  engine(): Result<Engine, 'damaged'>;
}

/** The engine over a state that the caller may look into, and must not change. */
export function engineOf(state: EngineState): Engine {
  return {
    get pos() {
      return state.pos;
    },
    step(entry) {
      if (entry.pos <= state.pos) {
        throw new Error(`Journal entry ${entry.pos} came after ${state.pos}`);
      }
      state.pos = entry.pos;
      const outputs: EngineOutput[] = [];
      const emit: Emit = (output) => outputs.push(output);
      apply(state, entry, emit);
      if (state.due.length > 0 && entry.kind !== 'tick') judgeLeftOver(state, emit);
      return outputs;
    },
    snapshot: () => takeSnapshot(state),
    checkpoint: () => writeCheckpoint(state),
  };
}

function apply(state: EngineState, entry: JournalEntry, emit: Emit): void {
  switch (entry.kind) {
    case 'batch':
      stepBatch(state, entry, emit);
      break;
    case 'gap':
      stepGap(state, entry, emit);
      break;
    case 'seal':
      stepSeal(state, entry, emit);
      break;
    case 'fact':
      stepFact(state, entry, emit);
      break;
    case 'tick':
      stepTick(state, entry.atMs, emit);
      break;
    case 'parked':
      stepParked(state, entry, emit);
      break;
  }
}
