import { type JournalLease, takeLease } from '../../src/ingest/journal/lease.ts';
import { loadProgress } from '../../src/ingest/journal/load-progress.ts';
import { makePartitions } from '../../src/ingest/journal/partitions.ts';
import { createProgress, type Progress } from '../../src/ingest/journal/progress.ts';
import { createRing, type Ring } from '../../src/ingest/journal/ring.ts';
import type { Outcome, Submission } from '../../src/ingest/journal/submission.ts';
import {
  createJournalWriter,
  type JournalWriter,
  type WriterDeps,
} from '../../src/ingest/journal/writer.ts';
import { receive } from '../../src/ingest/receive.ts';
import type { TestDatabase } from '../database/test-database.ts';
import { silentLog } from '../database/test-database.ts';
import { gatewayFact } from './gateway-client.ts';

export interface TestJournal {
  readonly writer: JournalWriter;
  readonly lease: JournalLease;
  readonly ring: Ring;
  readonly progress: Progress;
  /** Submits a batch's bytes; ends with what became of it. */
  append(gateway: string, raw: Buffer, channel?: 'live' | 'backfill'): Promise<Outcome>;
}

/** A journal without a broker in front of it; takes the lease as `holder`. */
export async function openJournal(
  { pool }: Pick<TestDatabase, 'pool'>,
  {
    holder = 'one',
    ringEntriesMax = 10_000,
    ...overrides
  }: { holder?: string; ringEntriesMax?: number } & Partial<WriterDeps> = {},
): Promise<TestJournal> {
  await makePartitions(pool, Date.now());
  const taken = await takeLease(pool, { shard: 'main', holder, durationMs: 1 });
  if (!taken.ok) throw new Error(taken.detail);
  const lease = taken.value;
  const progress = createProgress();
  await loadProgress(pool, 'main', lease.pos, progress);
  const ring = createRing(lease.pos, { entriesMax: ringEntriesMax, bytesMax: 2 ** 30 });
  const writer = createJournalWriter({
    ...{ pool, lease, progress, ring, now: Date.now, log: silentLog },
    ...{ entriesMax: 4_096, bytesMax: 4 * 1_048_576, faultPoint: () => undefined },
    onCommit: () => undefined,
    onOutcome: () => undefined,
    onProgress: () => undefined,
    onLost: () => undefined,
    ...overrides,
  });
  return {
    writer,
    lease,
    ring,
    progress,
    append: (gateway, raw, channel = 'live') =>
      new Promise((done) => writer.submit(batchSubmission(gateway, raw, channel, done))),
  };
}

export function batchSubmission(
  gateway: string,
  raw: Buffer,
  channel: 'live' | 'backfill',
  done: (outcome: Outcome) => void,
): Submission {
  const from = gatewayFact(gateway);
  const received = receive({ channel, gateway: from, raw, receivedAtMs: Date.now(), done });
  if (!received.ok || received.value.kind !== 'submit') throw new Error('not a batch');
  return received.value.submission;
}
