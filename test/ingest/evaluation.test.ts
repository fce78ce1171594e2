import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Evaluation, startEvaluation } from '../../src/ingest/evaluation.ts';
import { type WatchedHead, watchJournalHead } from '../../src/ingest/journal/journal-head.ts';
import { takeEvaluatorLease } from '../../src/ingest/journal/lease.ts';
import { ingestSettings } from '../../src/ingest/settings.ts';
import { createTestDatabase, silentLog, type TestDatabase } from '../database/test-database.ts';
import { createChain } from './gateway-client.ts';
import { openJournal, type TestJournal } from './journal-fixture.ts';
import { sumEngineKit } from './sum-engine.ts';

const SETTINGS = ingestSettings.parse({ lease: { durationMs: 1_000 } });

let database: TestDatabase;
let journal: TestJournal;
let head: WatchedHead;
let chain: ReturnType<typeof createChain>;
let fatal: string[];
const running: Evaluation[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  journal = await openJournal(database);
  const { pool, url } = database;
  head = watchJournalHead({ pool, databaseUrl: url, shard: 'main', log: silentLog });
  chain = createChain('gw-1');
  fatal = [];
});

afterEach(async () => {
  for (const evaluation of running.splice(0)) await evaluation.close();
  await head.close();
  await journal.writer.close();
  await database.close();
});

/** As in a process of its own: without the writer's ring. */
async function evaluate(keyId: string): Promise<Evaluation> {
  const { db, pool } = database;
  const evaluation = await startEvaluation(SETTINGS, {
    ...{ db, pool, key: { keyId }, metrics: new Registry(), log: silentLog },
    ...{ engine: sumEngineKit(), journal: { head }, faultPoint: () => undefined },
    projectFact: async () => undefined,
    applyAlerts: async () => undefined,
    onCommitted: () => undefined,
    onFatal: (reason) => fatal.push(reason),
  });
  running.push(evaluation);
  return evaluation;
}

async function write(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await journal.append('gw-1', chain.next(1));
}

const outputs = async (): Promise<number[]> => {
  const { rows } = await database.pool.query<{ pos: number }>(
    'select pos from exposure.signal order by pos',
  );
  return rows.map(({ pos }) => pos);
};
const upTo = (pos: number): number[] => Array.from({ length: pos }, (_, i) => i + 1);

describe('evaluation in a process of its own', () => {
  it('follows the journal that another process writes', async () => {
    const evaluation = await evaluate('one');
    await write(20);
    await evaluation.reached(20);
    expect(await outputs()).toEqual(upTo(20));
    expect(evaluation.stats()).toMatchObject({ evaluatorPos: 20, evaluatorLag: 0 });
  });

  it('is done by one process: a second stands by, and goes on when the first ends', async () => {
    const first = await evaluate('one');
    const second = await evaluate('two');
    await write(10);
    await first.reached(10);
    expect(second.stats()).toBeNull();
    expect(second.readiness()).toMatchObject({
      ok: true,
      detail: expect.stringContaining('standing by'),
    });
    await second.reached(10);
    await first.close();
    await write(10);
    await second.reached(20);
    expect(second.stats()).toMatchObject({ evaluatorPos: 20 });
    expect(await outputs()).toEqual(upTo(20));
    expect(fatal).toEqual([]);
  });

  it('is taken over from a process that died, when its lease has run out', async () => {
    await takeEvaluatorLease(database.pool, { shard: 'main', holder: 'dead', durationMs: 1_000 });
    const evaluation = await evaluate('two');
    expect(evaluation.stats()).toBeNull();
    await write(5);
    await evaluation.reached(5);
    expect(await outputs()).toEqual(upTo(5));
  });

  it('ends in a process whose lease another has taken', async () => {
    const stopped = await evaluate('one');
    await write(3);
    await stopped.reached(3);
    // What happens when it is stopped for longer than the lease lasts.
    await database.pool.query(`update telemetry.evaluator_lease set until_ms = 0`);
    const other = await evaluate('two');
    await expect
      .poll(() => fatal, { timeout: 20_000 })
      .toEqual(['another process evaluates shard main']);
    expect(stopped.readiness().ok).toBe(false);
    await write(3);
    await other.reached(6);
    expect(await outputs()).toEqual(upTo(6));
  });
});
