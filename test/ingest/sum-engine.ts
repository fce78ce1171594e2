import type { Engine, EngineKit } from '../../src/ingest/engine-kit.ts';
import { digestOf } from '../../src/model/digest.ts';
import type { JournalEntry } from '../../src/model/entry.ts';
import type { EngineOutput } from '../../src/model/exposure.ts';
import { fail, ok } from '../../src/model/result.ts';
import type { Piece } from '../../src/thresholds/snapshot.ts';

interface State {
  pos: number;
  sum: number;
  batches: number;
}

/**
 * A fold as small as it can be and still tell a lost, doubled or reordered entry from a right run: a
 * running digest, of which each batch gives a signal and a cell.
 */
export function sumEngineKit(version = 1): EngineKit {
  const engineFrom = (state: State): Engine => ({
    get pos() {
      return state.pos;
    },
    snapshot: () => ({
      pos: state.pos,
      pieces: piecesOf(state),
      end: () => undefined,
    }),
    step(entry) {
      if (entry.pos !== state.pos + 1)
        throw new Error(`Expected ${state.pos + 1}, got ${entry.pos}`);
      state.pos = entry.pos;
      return entry.kind === 'batch' ? outputsOf(state, entry) : [];
    },
  });
  return {
    version,
    settingsHash: 'sum',
    create: () => engineFrom({ pos: 0, sum: 0, batches: 0 }),
    restorer() {
      const state: Record<string, unknown> = {};
      return {
        take(name, bytes) {
          try {
            state[name] = JSON.parse(bytes.toString());
            return ok(null);
          } catch (error) {
            return fail('damaged', (error as Error).message);
          }
        },
        engine: () => ok(engineFrom(state as unknown as State)),
      };
    },
  };
}

/** A piece for each member. */
const piecesOf = (state: State): Piece[] =>
  Object.entries(state).map(([name, value]) => {
    const bytes = Buffer.from(JSON.stringify(value));
    return { name, isStored: false, bytes: () => bytes };
  });

function outputsOf(
  state: State,
  { gateway, batch }: Extract<JournalEntry, { kind: 'batch' }>,
): EngineOutput[] {
  state.batches += 1;
  for (const frame of batch.frames) {
    for (const value of Object.values(frame.values)) state.sum += value ?? 0;
  }
  const detail = { batches: state.batches, sum: state.sum };
  const frame = batch.frames[0] as (typeof batch.frames)[number];
  return [
    {
      kind: 'signal',
      signal: {
        kind: 'DATA_GAP',
        signalKey: digestOf({ n: state.batches }),
        atMs: frame.at,
        gateway,
        detail,
      },
    },
    {
      kind: 'cell',
      cell: {
        channel: { device: frame.device, metric: 'laeq' as never },
        minuteMs: Math.floor(frame.at / 60_000) * 60_000,
        unit: 'dB(A)',
        mean: state.sum,
        max: null,
        coveredSeconds: 1,
        excludedSeconds: 0,
      },
    },
  ];
}
