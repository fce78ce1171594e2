import type pg from 'pg';
import type { Ulid } from '../../model/ids.ts';
import type { FaultPoint } from '../../process/fault-point.ts';
import type { Logger } from '../../process/log.ts';
import { type CommitOutcome, createCommitter } from './committer.ts';
import { type Accepted, type EncodedBlock, encodeBlock, entryOf } from './encode-block.ts';
import { findEpoch } from './find-epoch.ts';
import { findStored } from './find-stored.ts';
import { createGatewayNumbers } from './gateway-numbers.ts';
import type { JournalLease } from './lease.ts';
import type { Progress, Verdict } from './progress.ts';
import type { Ring } from './ring.ts';
import type { EpochSubmission, Outcome, Submission } from './submission.ts';

/** What the writer tells whoever measures it. */
export interface WriterEvents {
  onCommit(block: EncodedBlock, tookMs: number): void;
  onOutcome(submission: Submission, verdict: Exclude<Verdict, 'ask'>): void;
  /** Gateways whose settled seqs were committed. */
  onProgress(gateways: ReadonlySet<string>): void;
  onLost(): void;
}

export interface WriterDeps extends WriterEvents {
  readonly pool: pg.Pool;
  readonly lease: JournalLease;
  readonly progress: Progress;
  readonly ring: Ring;
  readonly entriesMax: number;
  readonly bytesMax: number;
  readonly now: () => number;
  readonly faultPoint: FaultPoint;
  readonly log: Logger;
}

export interface JournalWriter {
  /** Queues a submission; its `done` is called after the commit that makes it durable. */
  submit(submission: Submission): void;
  /** Last committed position. */
  pos(): number;
  downSinceMs(): number | null;
  /**
   * Ends when everything queued is durable, or at once when the database is away: what is left is
   * called back with `closed`, and its senders send it again.
   */
  close(): Promise<void>;
}

/** Progress rows are written along with a block this often; the rest is read from block headers. */
const PROGRESS_EVERY_MS = 1_000;
/** … or at once when so many epochs wait for it, so that memory is soon free of them. */
const UNWRITTEN_MAX = 1_024;
/** Look-ups in older blocks at a time; the others wait inside the bound of bytes in flight. */
const LOOK_UPS_MAX = 4;

interface Taken {
  readonly accepted: Accepted[];
  /** Already durable, or not taken: called back once the block before is settled. */
  readonly answered: { readonly submission: Submission; readonly outcome: Outcome }[];
}

/**
 * The writer of one shard's journal: one transaction in flight; what arrives meanwhile is the next
 * group. Positions are given out here, without holes.
 */
export function createJournalWriter(deps: WriterDeps): JournalWriter {
  const { pool, lease, progress, ring, now } = deps;
  const numbers = createGatewayNumbers(pool);
  const committer = createCommitter({ ...deps, numbers });
  let head = { pos: lease.pos, hash: lease.headHash };
  let queue: Submission[] = [];
  let running: Promise<void> | undefined;
  let state: 'open' | 'closing' | 'stopped' = 'open';
  let progressWrittenMs = now();
  const toLookUp: EpochSubmission[] = [];
  let lookingUp = 0;

  function submit(submission: Submission): void {
    if (state === 'stopped') {
      submission.done('closed');
      return;
    }
    queue.push(submission);
    kick();
  }

  /** Starts after the packets of this turn have been handled, so that they share a commit. */
  function kick(): void {
    running ??= new Promise<void>((next) => setImmediate(next)).then(drain).finally(() => {
      running = undefined;
      if (queue.length > 0 && state !== 'stopped') kick();
    });
  }

  async function drain(): Promise<void> {
    while (queue.length > 0 && state !== 'stopped') {
      const { accepted, answered } = take();
      if (accepted.length > 0) {
        const outcome = await write(accepted);
        if (outcome !== 'committed') return stop(outcome, [...accepted, ...answered]);
      }
      for (const { submission, outcome } of answered) submission.done(outcome);
    }
  }

  function take(): Taken {
    const taken: Taken = { accepted: [], answered: [] };
    let bytes = 0;
    let count = 0;
    for (const submission of queue) {
      if (taken.accepted.length >= deps.entriesMax || bytes >= deps.bytesMax) break;
      count += 1;
      const verdict = judge(submission);
      if (verdict === 'ask') {
        toLookUp.push(submission as EpochSubmission);
        continue;
      }
      if (verdict === 'new' || verdict === 'conflict') {
        taken.accepted.push({ submission, conflict: verdict === 'conflict' });
        bytes += submission.raw.byteLength;
      } else {
        deps.onOutcome(submission, verdict);
        taken.answered.push({ submission, outcome: verdict });
      }
    }
    queue = count === queue.length ? [] : queue.slice(count);
    lookUp();
    return taken;
  }

  function judge(submission: Submission): Verdict {
    switch (submission.kind) {
      case 'batch':
        return submission.judged ?? progress.take(submission);
      case 'parked':
        return progress.take(submission);
      case 'gap':
        return progress.takeGap(submission);
      case 'seal':
        return progress.takeSeal(submission);
      case 'fact':
      case 'tick':
        return 'new';
    }
  }

  async function write(accepted: readonly Accepted[]): Promise<CommitOutcome> {
    const startedMs = performance.now();
    const block = await encodeBlock(lease.shard, head.pos + 1, head.hash, accepted);
    const changed = progress.changed();
    const unwritten = progress.unwritten();
    const writeProgress =
      now() - progressWrittenMs >= PROGRESS_EVERY_MS ||
      unwritten.length >= UNWRITTEN_MAX ||
      state === 'closing';
    const outcome = await committer.commit({
      shard: lease.shard,
      token: lease.token,
      block,
      progress: writeProgress ? unwritten : [],
    });
    if (outcome !== 'committed') return outcome;
    if (writeProgress) {
      progress.written();
      progressWrittenMs = now();
    }
    head = { pos: block.posTo, hash: block.hash };
    progress.commit();
    ring.push(
      accepted.map(({ submission, conflict }, i) =>
        entryOf(submission, block.posFrom + i, conflict),
      ),
      block.rawBytes,
    );
    deps.onCommit(block, performance.now() - startedMs);
    for (const { submission, conflict } of accepted) {
      deps.onOutcome(submission, conflict ? 'conflict' : 'new');
      submission.done('stored');
    }
    deps.onProgress(new Set(changed.map((epoch) => epoch.gateway)));
    return outcome;
  }

  function lookUp(): void {
    while (lookingUp < LOOK_UPS_MAX && toLookUp.length > 0) {
      const submission = toLookUp.shift() as EpochSubmission;
      lookingUp += 1;
      void lookUpOne(submission).finally(() => {
        lookingUp -= 1;
        submit(submission);
        lookUp();
      });
    }
  }

  async function lookUpOne(submission: EpochSubmission): Promise<void> {
    const { gateway } = submission;
    const epoch = epochOf(submission);
    try {
      if (epoch !== null && !progress.known.has(gateway, epoch)) {
        await reviveEpoch(gateway, epoch);
      } else if (submission.kind === 'batch' || submission.kind === 'parked') {
        const [number] = await numbers.of([gateway]);
        submission.found = await findStored(pool, lease.shard, number as number, submission);
      }
    } catch (error) {
      // Judged again, it asks again: the database's return ends the loop.
      deps.log.warn({ error: (error as Error).message }, 'cannot look up an older batch');
      await new Promise((next) => setTimeout(next, 500));
    }
  }

  async function reviveEpoch(gateway: string, epoch: Ulid): Promise<void> {
    const generation = progress.known.generation();
    const state = await findEpoch(pool, lease.shard, gateway, epoch);
    // Retired meanwhile, the epoch may be ahead of this answer: it is asked for again.
    if (generation === progress.known.generation()) progress.known.revive(gateway, epoch, state);
  }

  function stop(
    outcome: CommitOutcome,
    left: readonly { readonly submission: Submission }[],
  ): void {
    state = 'stopped';
    const waiting = [...left.map(({ submission }) => submission), ...queue, ...toLookUp];
    queue = [];
    toLookUp.length = 0;
    for (const submission of waiting) submission.done('closed');
    if (outcome === 'lost') deps.onLost();
  }

  return {
    submit,
    pos: () => head.pos,
    downSinceMs: committer.downSinceMs,
    async close() {
      if (state === 'open') state = 'closing';
      committer.giveUp();
      while (running !== undefined) await running;
      state = 'stopped';
      stop('given-up', []);
      await committer.close();
    },
  };
}

const epochOf = (submission: EpochSubmission): Ulid | null =>
  'message' in submission ? submission.message.epoch : submission.epoch;
