import type pg from 'pg';
import type { JournalEntry } from '../model/entry.ts';
import type { EngineOutput } from '../model/exposure.ts';
import { type CheckpointWriterDeps, createCheckpointWriter } from './checkpoint-writer.ts';
import type { Given } from './engine-kit.ts';
import { followJournal } from './journal/follow.ts';
import type { JournalPlace } from './journal/journal-head.ts';
import { learnDroppedFacts } from './learn-dropped-facts.ts';
import { loadEngine } from './load-engine.ts';
import {
  createOutputCommitter,
  type OutputCommitterDeps,
  type Trouble,
} from './output-committer.ts';
import { readOutputCursor } from './output-transaction.ts';

export interface EvaluatorDeps extends OutputCommitterDeps, CheckpointWriterDeps {
  readonly pool: pg.Pool;
  readonly journal: JournalPlace;
  /** A checkpoint can't be used; an earlier one is tried. */
  readonly onCheckpointRefused: (reason: string) => void;
}

export interface Evaluator {
  /** Last entry whose outputs are committed. */
  cursorPos(): number;
  /** What stopped it; null: it runs. Ingest goes on without it. */
  failure(): string | null;
  /** Since when every try to store outputs has failed, UTC ms, and how; null: it goes well. */
  trouble(): Trouble | null;
  /** Ends when the outputs up to `pos` are committed; rejects when the evaluator ends first. */
  reached(pos: number): Promise<void>;
  /** Finishes its transaction and writes a checkpoint. */
  close(): Promise<void>;
}

/** Entries taken from the journal at once. */
const ENTRIES_MAX = 16_384;
/** Entries whose outputs may wait for their transaction; then the engine waits too. */
const WAITING_MAX = 65_536;
/**
 * How long the engine steps before it gives way to messages and acknowledgements: as long as these took
 * since it last did, so that neither starves, within these bounds.
 */
const STEP_MS_MIN = 20;
const STEP_MS_MAX = 100;

/**
 * Follows the journal and feeds the engine: from the latest usable checkpoint, with outputs dropped up
 * to the output cursor, then with outputs and cursor committed together.
 */
export async function startEvaluator(deps: EvaluatorDeps): Promise<Evaluator> {
  const { db, shard, kit, log } = deps;
  const cursorAtStart = await readOutputCursor(db, shard);
  const loaded = await loadEngine(db, shard, cursorAtStart, kit, {
    log,
    onRefused: deps.onCheckpointRefused,
  });
  const { engine } = loaded;
  const fromPos = await learnDroppedFacts(db, shard, engine);
  const stop = new AbortController();
  const committer = createOutputCommitter(
    {
      ...deps,
      onLost: () => {
        stop.abort();
        deps.onLost();
      },
    },
    cursorAtStart,
  );
  const checkpoints = createCheckpointWriter(deps, loaded, committer.reached);
  let failure: string | null = null;

  async function run(): Promise<void> {
    const options = { ...deps, ...deps.journal, fromPos, signal: stop.signal };
    for await (const entries of followJournal({ ...options, entriesMax: ENTRIES_MAX })) {
      await evaluate(entries);
      if (stop.signal.aborted) return;
    }
  }

  async function evaluate(entries: readonly JournalEntry[]): Promise<void> {
    let untilMs = performance.now() + STEP_MS_MIN;
    for (const entry of entries) {
      const outputs = engine.step(entry);
      // What was given before the last stop is committed already.
      if (entry.pos > cursorAtStart) committer.add(givenOf(entry, outputs));
      const steppedMs = performance.now();
      if (steppedMs < untilMs) continue;
      committer.flush();
      if (committer.waiting() >= WAITING_MAX) await committer.settled();
      else await new Promise<void>((next) => setImmediate(next));
      await checkpointIfDue();
      if (stop.signal.aborted) return;
      const nowMs = performance.now();
      untilMs = nowMs + Math.min(STEP_MS_MAX, Math.max(STEP_MS_MIN, nowMs - steppedMs));
    }
    committer.flush();
    await checkpointIfDue();
  }

  /** The engine doesn't step before its state is copied; the journal and its acknowledgements go on. */
  async function checkpointIfDue(): Promise<void> {
    if (!stop.signal.aborted && checkpoints.isDue()) await checkpoints.take();
  }

  const running = run()
    .catch((error: Error) => {
      failure = error.message;
      log.fatal({ err: error, pos: engine.pos }, 'the evaluator stopped; ingest goes on');
    })
    .finally(async () => {
      committer.giveUp();
      await committer.settled();
      await checkpoints.settled();
    });

  return {
    cursorPos: committer.cursorPos,
    failure: () => failure,
    trouble: committer.trouble,
    reached: committer.reached,
    async close() {
      stop.abort();
      await running;
      // What was given but not committed has to be given again.
      if (failure === null && committer.cursorPos() === engine.pos) await checkpoints.saveLast();
    },
  };
}

/** The batch itself is let go: only its place and what it gave are still needed. */
const givenOf = (entry: JournalEntry, outputs: readonly EngineOutput[]): Given => ({
  pos: entry.pos,
  receivedAtMs: entry.receivedAtMs,
  kind: entry.kind,
  fact: entry.kind === 'fact' ? entry.fact : null,
  outputs,
});
