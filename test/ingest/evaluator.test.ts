import { sql, type Transaction } from 'kysely';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Database } from '../../src/database/schema.ts';
import type { WrittenCheckpoint } from '../../src/ingest/checkpoint-writer.ts';
import { digestOfPiece } from '../../src/ingest/checkpoints.ts';
import type { EngineKit } from '../../src/ingest/engine-kit.ts';
import { type Evaluator, type EvaluatorDeps, startEvaluator } from '../../src/ingest/evaluator.ts';
import { takeEvaluatorLease } from '../../src/ingest/journal/lease.ts';
import { createTestDatabase, silentLog, type TestDatabase } from '../database/test-database.ts';
import { createChain } from './gateway-client.ts';
import { openJournal, type TestJournal } from './journal-fixture.ts';
import { sumEngineKit } from './sum-engine.ts';

type Tx = Transaction<Database>;

const BATCHES = 120;

let database: TestDatabase;
let journal: TestJournal;
/** Positions that alerts were given, by committed transaction. */
let alerted: { pos: number; outputs: number }[];
const running: Evaluator[] = [];

beforeEach(async () => {
  database = await createTestDatabase();
  journal = await openJournal(database);
  alerted = [];
  await database.pool.query('create table alerted (pos bigint)');
});

afterEach(async () => {
  for (const evaluator of running.splice(0)) await evaluator.close();
  await journal.writer.close();
  await database.close();
});

/** Values 1, 2, 3 …: after n batches the sum is n (n + 1) / 2. */
async function writeBatches(from: number, to: number): Promise<void> {
  const chain = createChain('gw-1');
  for (let value = from; value <= to; value++) await journal.append('gw-1', chain.next(value));
}

async function evaluate(overrides: Partial<EvaluatorDeps> = {}): Promise<Evaluator> {
  const { db, pool } = database;
  const { ring } = journal;
  // As of this process: its own lease is taken back at once.
  const lease = await takeEvaluatorLease(pool, { shard: 'main', holder: 'one', durationMs: 1 });
  if (!lease.ok) throw new Error(lease.detail);
  const evaluator = await startEvaluator({
    ...{ db, pool, shard: 'main', token: lease.value.token, now: Date.now },
    ...{ journal: { head: ring, ring }, kit: sumEngineKit() },
    ...{ faultPoint: () => undefined, log: silentLog },
    checkpoint: { intervalMs: 0, entriesMin: 10 },
    hooks: {
      projectFact: async () => undefined,
      applyAlerts: async (tx, { pos }, outputs) => {
        alerted.push({ pos, outputs: outputs.length });
        await tx
          .insertInto('alerted' as never)
          .values({ pos } as never)
          .execute();
      },
    },
    onCommitted: () => undefined,
    onConflict: () => undefined,
    onRefused: () => undefined,
    onCheckpoint: () => undefined,
    onCheckpointRefused: () => undefined,
    onLost: () => undefined,
    ...overrides,
  });
  running.push(evaluator);
  return evaluator;
}

/** A clock by which it is always late enough for the next checkpoint. */
function leaping(): () => number {
  let nowMs = 0;
  return () => {
    nowMs += 3_600_000;
    return nowMs;
  };
}

async function stop(evaluator: Evaluator): Promise<void> {
  running.splice(running.indexOf(evaluator), 1);
  await evaluator.close();
}

const query = async <T>(sql: string): Promise<T[]> =>
  (await database.pool.query<T & object>(sql)).rows;

/** What must be there after n batches, once each, whatever happened on the way. */
async function expectOutputsOf(count: number): Promise<void> {
  const signals = await query<{ pos: number; sum: number }>(
    `select pos, (content->'detail'->>'sum')::int as sum from exposure.signal order by pos`,
  );
  expect(signals).toEqual(
    Array.from({ length: count }, (_, i) => ({ pos: i + 1, sum: ((i + 1) * (i + 2)) / 2 })),
  );
  const applied = await query<{ pos: number }>('select pos from alerted order by pos');
  expect(applied.map(({ pos }) => pos)).toEqual(signals.map(({ pos }) => pos));
  expect(await query(`select pos from telemetry.sink_cursor where name = 'evaluator'`)).toEqual([
    { pos: count },
  ]);
}

const checkpoints = () =>
  query<{ pos: number }>('select pos from exposure.engine_checkpoint order by pos');

describe('the evaluator', () => {
  it('stores what each entry gives, once, with the cursor', async () => {
    await writeBatches(1, BATCHES);
    const evaluator = await evaluate();
    await evaluator.reached(BATCHES);
    await expectOutputsOf(BATCHES);
  });

  it('keeps a minute cell as it stands last', async () => {
    await writeBatches(1, BATCHES);
    await (await evaluate()).reached(BATCHES);
    const cells = await query<{ mean: number }>(
      'select mean from telemetry.minute_cell order by minute_ms',
    );
    // Minutes of seconds 1–59, 60–119 and 120.
    expect(cells.map(({ mean }) => mean)).toEqual([59 * 30, 119 * 60, 120 * 60.5]);
  });

  it('gives alerts every entry in order, and ticks with nothing in them', async () => {
    await writeBatches(1, 2);
    await new Promise((done) =>
      journal.writer.submit({
        ...{
          kind: 'tick',
          atMs: 60_000,
          raw: Buffer.from('{"atMs":60000}'),
          sha256: '0'.repeat(64),
        },
        ...{ receivedAtMs: 60_000, done },
      }),
    );
    await (await evaluate()).reached(3);
    expect(alerted).toEqual([
      { pos: 1, outputs: 2 },
      { pos: 2, outputs: 2 },
      { pos: 3, outputs: 0 },
    ]);
  });

  it('goes on where it stopped, without giving anything twice', async () => {
    await writeBatches(1, 50);
    const first = await evaluate();
    await first.reached(50);
    await stop(first);
    await writeBatches(51, BATCHES);
    await (await evaluate()).reached(BATCHES);
    await expectOutputsOf(BATCHES);
  });

  it.each(['evaluator:before-commit', 'evaluator:after-commit', 'checkpoint:half-written'])(
    'gives everything once when it dies at %s, wherever that is',
    async (point) => {
      for (const [reached, upTo] of [1, 2, 3].map((n) => [n, n * 40] as const)) {
        let left = reached;
        let checkpoints = 0;
        let died: () => void = () => undefined;
        const dead = new Promise<void>((resolve) => {
          died = resolve;
        });
        // From the fault on nothing gets through any more, as after SIGKILL.
        const faultPoint = (name: string): void => {
          if (left > 0 && name === point) left -= 1;
          if (left > 0) return;
          died();
          throw new Error(`died at ${name}`);
        };
        const onCheckpoint = (): void => void checkpoints++;
        const dying = await evaluate({ faultPoint, onCheckpoint, now: leaping() });
        const chain = createChain('gw-1');
        for (let value = upTo - 39; value <= upTo; value++) {
          await journal.append('gw-1', chain.next(value));
          if (left > 0) await Promise.race([dying.reached(value), dead]);
          // Checkpoints are written on the side: one every 10 entries and a few.
          const due = Math.floor((value - upTo + 40) / 13);
          if (left > 0) await Promise.race([vi.waitUntil(() => checkpoints >= due, 30_000), dead]);
        }
        await dead;
        await stop(dying);
      }
      await (await evaluate()).reached(BATCHES);
      await expectOutputsOf(BATCHES);
    },
  );

  it('sees that a commit without an answer happened, and goes on', async () => {
    let faults = 0;
    await writeBatches(1, 40);
    const evaluator = await evaluate({
      faultPoint: (name) => {
        if (name !== 'evaluator:after-commit' || faults === 2) return;
        faults += 1;
        throw new Error('the answer was lost');
      },
    });
    await evaluator.reached(40);
    await writeBatches(41, 80);
    await evaluator.reached(80);
    expect(faults).toBe(2);
    await expectOutputsOf(80);
  });

  it('writes nothing under an older token, and says so', async () => {
    let lost = 0;
    const evaluator = await evaluate({
      onLost: () => {
        lost += 1;
      },
    });
    await writeBatches(1, 5);
    await evaluator.reached(5);
    const two = { shard: 'main', holder: 'two', durationMs: 60_000 };
    await expect.poll(async () => (await takeEvaluatorLease(database.pool, two)).ok).toBe(true);
    // The entry reaches the evaluator by the ring, as if its own hub had still committed it.
    const waiting = evaluator.reached(6);
    const [entry] = journal.ring.from(5, 1) ?? [];
    journal.ring.push([{ ...(entry as object), pos: 6 } as never], 1);
    await expect(waiting).rejects.toThrow('stopped at 5');
    expect(lost).toBe(1);
    await expectOutputsOf(5);
  });

  it('keeps the first content of a key and reports the other', async () => {
    await writeBatches(1, 3);
    await (await evaluate()).reached(3);
    const rerun = await query<{ key: string }>(
      `update exposure.signal set content_hash = 'other' where pos = 2 returning signal_key as key`,
    );
    await database.pool.query(`update telemetry.sink_cursor set pos = 0 where name = 'evaluator'`);
    await database.pool.query('delete from exposure.engine_checkpoint');
    for (const evaluator of running.splice(0)) await evaluator.close();
    const conflicts: string[] = [];
    const again = await evaluate({ onConflict: ({ key }) => conflicts.push(key) });
    await again.reached(3);
    expect(conflicts).toEqual(rerun.map(({ key }) => key));
  });

  it('stops at an entry that the engine can not take, and says so', async () => {
    const kit = sumEngineKit();
    const evaluator = await evaluate({
      kit: {
        ...kit,
        create: () => ({
          ...kit.create(),
          step: () => {
            throw new Error('a bug');
          },
        }),
      },
    });
    const waiting = evaluator.reached(1);
    await writeBatches(1, 1);
    await expect(waiting).rejects.toThrow('stopped at 0');
    expect(evaluator.failure()).toBe('a bug');
  });
});

describe('what can not be stored', () => {
  const BAD = [7, 8, 100];
  const badJson = (tx: Tx): Promise<unknown> => sql`select '{'::jsonb`.execute(tx);
  const REFUSALS = [
    ['because the database refuses it', badJson, /^entry 7: 22P02 invalid input syntax/],
    [
      'because of a fault of ours',
      () => Promise.reject(new Error('a bug')),
      'entry 7: fault a bug',
    ],
  ] as const;
  const letters = () =>
    query<{ source: string; topic: string; reason: string; detail: string; raw: Buffer }>(
      'select source, topic, reason, detail, raw from telemetry.dead_letter order by id',
    );

  it.each(REFUSALS)(
    'of an entry %s is put aside with its outputs, and the rest is stored',
    async (_, fail, why) => {
      const refused: number[] = [];
      await writeBatches(1, BATCHES);
      const evaluator = await evaluate({
        hooks: {
          projectFact: async () => undefined,
          applyAlerts: async (tx, { pos }) => {
            if (BAD.includes(pos)) await fail(tx);
          },
        },
        onRefused: ({ pos }) => refused.push(pos),
      });
      await evaluator.reached(BATCHES);
      expect(refused).toEqual(BAD);
      const stored = await query<{ pos: number }>('select pos from exposure.signal order by pos');
      const all = Array.from({ length: BATCHES }, (_, i) => i + 1);
      expect(stored.map(({ pos }) => pos)).toEqual(all.filter((pos) => !BAD.includes(pos)));
      const found = await letters();
      expect(found).toMatchObject(
        BAD.map((pos) => ({
          source: 'evaluator',
          topic: `journal/${pos}`,
          reason: 'output-refused',
        })),
      );
      expect(found[0]?.detail).toMatch(why);
      const kept = JSON.parse((found[0] as { raw: Buffer }).raw.toString());
      expect(kept).toMatchObject([{ kind: 'signal' }, { kind: 'cell' }]);
      expect(evaluator.trouble()).toBeNull();
    },
  );

  it('of a fact is put aside, and its outputs are stored', async () => {
    const fact = { v: 1, entity: 'limits', id: 'limits' };
    const raw = Buffer.from(JSON.stringify(fact));
    await new Promise((done) =>
      journal.writer.submit({
        ...{
          kind: 'fact',
          fact: fact as never,
          raw,
          sha256: '0'.repeat(64),
          receivedAtMs: 1,
          done,
        },
      }),
    );
    await writeBatches(1, 1);
    const applied: number[] = [];
    const evaluator = await evaluate({
      hooks: {
        projectFact: async (tx) => void (await badJson(tx)),
        applyAlerts: async (_, { pos }) => void applied.push(pos),
      },
    });
    await evaluator.reached(2);
    expect(applied.at(-1)).toBe(2);
    expect(applied).toContain(1);
    expect(await letters()).toMatchObject([
      { source: 'evaluator', topic: 'journal/1', reason: 'fact-refused', raw },
    ]);
  });

  const cancelled = 'canceling statement due to user request';
  it.each([
    ['the database cancels it', cancelled, cancelStatement],
    ['the connection to the database ends', expect.any(String), loseConnection],
  ])('is tried again when %s, and told as trouble meanwhile', async (_, error, fail) => {
    let isDown = true;
    await writeBatches(1, 3);
    const evaluator = await evaluate({
      now: () => 5_000,
      hooks: {
        projectFact: async () => undefined,
        applyAlerts: async (tx) => {
          if (isDown) await fail(tx);
        },
      },
    });
    await expect.poll(() => evaluator.trouble()).toEqual({ sinceMs: 5_000, error });
    isDown = false;
    await evaluator.reached(3);
    expect(evaluator.trouble()).toBeNull();
    expect(await letters()).toEqual([]);
  });
});

async function cancelStatement(tx: Tx): Promise<void> {
  await sql`select pg_cancel_backend(pg_backend_pid()), pg_sleep(9)`.execute(tx);
}

async function loseConnection(tx: Tx): Promise<void> {
  const ended = sql`select pg_terminate_backend(pg_backend_pid()), pg_sleep(9)`.execute(tx);
  await ended.catch(() => undefined);
  throw new Error('out of order');
}

describe('checkpoints', () => {
  async function runTo(pos: number, overrides: Partial<EvaluatorDeps> = {}): Promise<void> {
    const evaluator = await evaluate(overrides);
    await evaluator.reached(pos);
    await stop(evaluator);
  }

  async function writeThree(): Promise<void> {
    for (let n = 1; n <= 4; n++) {
      await writeBatches((n - 1) * 20 + 1, n * 20);
      await runTo(n * 20);
    }
  }

  it('are written at the close, and the last three are kept', async () => {
    await writeThree();
    expect((await checkpoints()).map(({ pos }) => pos)).toEqual([40, 60, 80]);
  });

  /** The position from which a fresh evaluator begins. */
  async function startOf(overrides: Partial<EvaluatorDeps> = {}): Promise<number> {
    const kit = overrides.kit ?? sumEngineKit();
    const restored: number[] = [];
    await runTo(80, {
      ...overrides,
      kit: {
        ...kit,
        restorer: () => {
          const restorer = kit.restorer();
          return {
            ...restorer,
            engine: () => {
              const engine = restorer.engine();
              if (engine.ok) restored.push(engine.value.pos);
              return engine;
            },
          };
        },
      },
    });
    return restored.at(-1) ?? 0;
  }

  it('are taken up from the latest', async () => {
    await writeThree();
    expect(await startOf()).toBe(80);
    await expectOutputsOf(80);
  });

  it('are passed over when they are damaged, and the one before is taken', async () => {
    await writeThree();
    await database.pool.query(
      `update exposure.engine_checkpoint set body = body || 'x' where pos = 80`,
    );
    expect(await startOf()).toBe(60);
    await writeBatches(81, 100);
    await runTo(100);
    await expectOutputsOf(100);
  });

  const pieces = () =>
    query<{ digest: string }>('select digest from exposure.checkpoint_piece order by digest');

  it.each([
    [
      'damaged',
      `update exposure.checkpoint_piece
       set body = set_byte(body, length(body) - 1, get_byte(body, length(body) - 1) # 1)`,
    ],
    [
      'changed',
      `update exposure.checkpoint_piece set body = (select body from
      exposure.checkpoint_piece where digest = $1)`,
    ],
    ['absent', 'delete from exposure.checkpoint_piece'],
  ])('with a piece that is %s are passed over, and said to be', async (_, damage) => {
    await writeThree();
    const latest = digestOfPiece(Buffer.from('80'));
    const other = damage.includes('$1') ? [digestOfPiece(Buffer.from('60'))] : [];
    await database.pool.query(`${damage} where digest = '${latest}'`, other);
    const refused: string[] = [];
    expect(await startOf({ onCheckpointRefused: (reason) => refused.push(reason) })).toBe(60);
    expect(refused).toEqual(['damaged']);
    await expectOutputsOf(80);
    // What was damaged is written anew by the next checkpoint that holds the same.
    expect(await startOf()).toBe(80);
  });

  it('write a piece once for as long as it stays the same', async () => {
    const written: number[] = [];
    const onCheckpoint = ({ writtenBytes }: WrittenCheckpoint) => void written.push(writtenBytes);
    const kit = sumEngineKit();
    const still: EngineKit = {
      ...kit,
      create: () => {
        const engine = kit.create();
        return {
          ...engine,
          get pos() {
            return engine.pos;
          },
          snapshot: () => {
            const { pieces, ...snapshot } = engine.snapshot();
            const large = Buffer.alloc(1_000);
            const own = { name: 'still', isStored: false, bytes: () => large };
            return { ...snapshot, pieces: [...pieces, own] };
          },
        };
      },
    };
    await writeBatches(1, 20);
    const evaluator = await evaluate({ kit: still, onCheckpoint, now: leaping() });
    await expect.poll(() => written.length).toBe(1);
    await writeBatches(21, 40);
    await expect.poll(() => written.length).toBe(2);
    await stop(evaluator);
    expect(written[0]).toBeGreaterThan(1_000);
    expect(written[1]).toBeLessThan(100);
  });

  it('leave no piece behind that none of the last three names', async () => {
    await writeThree();
    const named = [40, 60, 80].flatMap((n) => [n, (n * (n + 1)) / 2]);
    const digests = new Set(named.map((value) => digestOfPiece(Buffer.from(`${value}`))));
    expect((await pieces()).map(({ digest }) => digest)).toEqual([...digests].sort());
    // What a hub left that died before its checkpoint was whole goes with the next one.
    await database.pool.query(`insert into exposure.checkpoint_piece values ('main', 'x', '')`);
    await writeBatches(81, 100);
    await runTo(100);
    expect((await pieces()).map(({ digest }) => digest)).not.toContain('x');
  });

  it('of another build or other settings are not taken: the journal is replayed', async () => {
    await writeThree();
    expect(await startOf({ kit: sumEngineKit(2) })).toBe(0);
    expect(await startOf({ kit: { ...sumEngineKit(2), settingsHash: 'other' } })).toBe(0);
    await expectOutputsOf(80);
  });

  it('are not written more often than the setting says', async () => {
    const settings = { intervalMs: 3_600_000, entriesMin: 1 };
    const evaluator = await evaluate({ checkpoint: settings });
    await writeBatches(1, 30);
    await evaluator.reached(30);
    expect(await checkpoints()).toEqual([]);
  });
});
