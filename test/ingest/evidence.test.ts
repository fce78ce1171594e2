import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verifyRaw } from '../../cli/verify-raw.ts';
import { buildApi } from '../../src/api/server.ts';
import { copyEvidence, type WaitingClaim } from '../../src/ingest/evidence/copy-evidence.ts';
import { startEvidenceKeeper } from '../../src/ingest/evidence/evidence-keeper.ts';
import type { Ingest } from '../../src/ingest/ingest.ts';
import { deleteOldCells, dropOldPartitions } from '../../src/ingest/journal/retention.ts';
import { thresholdKit } from '../../src/ingest/threshold-kit.ts';
import { sha256Hex } from '../../src/model/digest.ts';
import { DAY_MS } from '../../src/model/time.ts';
import type { RuleInputs } from '../../src/thresholds/rule-inputs.ts';
import { insertClue, resultOf } from '../api/rows.ts';
import { depsOf } from '../api/test-api.ts';
import { createTestDatabase, silentLog, type TestDatabase } from '../database/test-database.ts';
import {
  type Chain,
  connectGateway,
  createChain,
  type GatewayClient,
  gatewayFact,
  START_MS,
} from './gateway-client.ts';
import { startTestIngest } from './ingest-fixture.ts';

const CLUE_NO = 'CL33010620260105AAAAAA01';
const PACKAGE = sha256Hex('package');
const DEVICE = 'gw-1-noise';

let database: TestDatabase;
let ingest: Ingest;
let gateway: GatewayClient;
let chain: Chain;

beforeEach(async () => {
  database = await createTestDatabase();
  ingest = await startTestIngest(database);
  gateway = await connectGateway(ingest.port, 'gw-1');
  chain = createChain('gw-1');
  await database.db
    .insertInto('registry.fact')
    .values({
      ...{ shard: 'main', pos: 0, entity: 'device', id: DEVICE, valid_from_ms: 0 },
      value: JSON.stringify({ id: DEVICE, gateway: 'gw-1' }),
      source: JSON.stringify({}),
    })
    .execute();
});

afterEach(async () => {
  await gateway.close();
  await ingest.close();
  await database.close();
});

async function send(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await gateway.send('live', chain.next(80 + (i % 7)));
}

/** A package made from the minute of seconds 121 to 180 of the chain. */
async function claimMinute(pos: number): Promise<WaitingClaim> {
  const result = resultOf({ verdict: 'exceeded' });
  const names = { enterpriseName: '示例铸造', postName: '浇注' };
  await insertClue(database.db, { clueNo: CLUE_NO, state: 'READY', pos, result, ...names });
  await database.pool.query(
    `insert into enforcement.evidence_package (package_id, clue_no, revision, sm3, bytes, body)
     values ($1, $2, 1, '', 0, '')`,
    [PACKAGE, CLUE_NO],
  );
  const claim = {
    package_id: PACKAGE,
    shard: 'main',
    devices: [DEVICE],
    from_ms: START_MS + 120_000,
    to_ms: START_MS + 180_000,
    pos,
  };
  await database.db
    .insertInto('enforcement.evidence_claim')
    .values({ ...claim, clue_no: CLUE_NO, next_try_at: new Date(0) })
    .execute();
  return claim;
}

interface Kept {
  readonly kind: string;
  readonly seq: number;
}

const kept = async (): Promise<Kept[]> =>
  (await database.pool.query<Kept>('select kind, seq from enforcement.evidence_raw order by pos'))
    .rows;

const stateOf = async (): Promise<string | undefined> =>
  (await database.db.selectFrom('enforcement.evidence_claim').select('state').executeTakeFirst())
    ?.state;

/** What `wugan verify` reads of the minute: the values that the chain sent. */
const inputs = {
  subject: { channel: { device: DEVICE, metric: 'laeq' } },
  cells: [
    {
      minuteMs: START_MS + 120_000,
      states: 'N'.repeat(60),
      values: Array.from({ length: 60 }, (_, i) => 80 + ((120 + i) % 7)),
    },
  ],
} as unknown as RuleInputs;

const MINUTE = Array.from({ length: 60 }, (_, i) => 121 + i);

describe('copyEvidence()', () => {
  it('copies the window, the links up to the seal, and the seal, and no more', async () => {
    await send(200);
    const pos = ingest.stats().journalPos;
    const claim = await claimMinute(pos);
    await gateway.send('seal', chain.seal(100));
    await gateway.send('seal', chain.seal(195));
    await send(20);
    await gateway.send('seal', chain.seal(220));
    expect(await copyEvidence(database.pool, claim)).toBe('sealed');
    const batches = Array.from({ length: 195 - 120 }, (_, i) => ({ kind: 'live', seq: 121 + i }));
    expect(await kept()).toEqual([...batches, { kind: 'seal', seq: 195 }]);
    expect(await copyEvidence(database.pool, claim)).toBe('sealed');
    expect(await kept()).toHaveLength(76);
  });

  it('copies the window alone while no seal covers it', async () => {
    await send(200);
    const claim = await claimMinute(ingest.stats().journalPos);
    await gateway.send('seal', chain.seal(150));
    expect(await copyEvidence(database.pool, claim)).toBe('unsealed');
    expect(await kept()).toEqual(MINUTE.map((seq) => ({ kind: 'live', seq })));
  });

  it('waits for a link that is backfilled after the seal', async () => {
    await send(189);
    const late = chain.next(1);
    await send(10);
    const claim = await claimMinute(ingest.stats().journalPos);
    await gateway.send('seal', chain.seal(200));
    expect(await copyEvidence(database.pool, claim)).toBe('unsealed');
    await gateway.send('backfill', late);
    expect(await copyEvidence(database.pool, claim)).toBe('sealed');
    expect((await kept()).map(({ seq }) => seq)).toContain(190);
  });
});

describe('the raw evidence of a package', () => {
  async function downloaded(): Promise<string> {
    const app = buildApi(depsOf(database));
    const answer = await app.inject({ url: `/api/v1/evidence/${PACKAGE}/raw` });
    await app.close();
    expect(answer.headers['x-evidence-state']).toBe('sealed');
    return answer.body;
  }

  const verified = (text: string, keys: readonly string[]): boolean[] =>
    verifyRaw(text, inputs, keys).map(({ isRight }) => isRight);

  it('is checked by a stranger from digests, chain, seal and values', async () => {
    for (let i = 0; i < 200; i++) await gateway.send('live', chain.next(80 + (i % 7)));
    await claimMinute(ingest.stats().journalPos);
    await gateway.send('seal', chain.seal(200));
    const keeper = startEvidenceKeeper(database.pool, {
      ...{ shard: 'main', now: Date.now, log: silentLog },
    });
    expect(await keeper.look()).toBe(1);
    await keeper.close();
    expect(await stateOf()).toBe('sealed');
    const text = await downloaded();
    const key = gatewayFact('gw-1').publicKey as string;
    expect(verified(text, [key])).toEqual([true, true, true, true]);
    expect(verified(text, ['A'.repeat(43)])).toEqual([true, true, false, true]);
    const lines = text.trim().split('\n');
    const withoutOne = [...lines.slice(0, 30), ...lines.slice(31)].join('\n');
    expect(verified(withoutOne, [key])).toEqual([true, false, true, false]);
    const line = JSON.parse(lines[5] as string) as { raw: string };
    const raw = Buffer.from(
      Buffer.from(line.raw, 'base64').toString().replace('"laeq":8', '"laeq":9'),
    );
    lines[5] = JSON.stringify({ ...line, raw: raw.toString('base64') });
    expect(verified(lines.join('\n'), [key])).toEqual([false, true, true, false]);
  });
});

describe('dropOldPartitions()', () => {
  const laterMs = Date.now() + 50 * DAY_MS;
  const today = `block_${new Date().toISOString().slice(0, 10).replaceAll('-', '')}`;
  const drop = () => dropOldPartitions(database.pool, laterMs, { journalDays: 35 });

  it('keeps a day while a cursor, a checkpoint or a copy needs it, and says which', async () => {
    await send(200);
    const pos = ingest.stats().journalPos;
    await claimMinute(pos);
    await gateway.send('seal', chain.seal(200));
    await ingest.caughtUp();
    const heldBy = async (): Promise<string | undefined> =>
      (await drop()).held.find(({ partition }) => partition === today)?.by;
    await ingest.close();
    // Written once a second with a block: the last blocks of a hub that stopped may be behind it.
    await database.pool.query(
      `update telemetry.sink_cursor set pos = 1000 where name = 'progress'`,
    );
    await database.pool.query('delete from exposure.engine_checkpoint');
    expect(await heldBy()).toContain('checkpoint');
    await database.pool.query(
      `insert into exposure.engine_checkpoint values ('main', 1000, 1, '', '', now(), '')`,
    );
    expect(await heldBy()).toContain(PACKAGE);
    await database.pool.query(`insert into telemetry.sink_cursor values ('main', 'slow', 3)`);
    expect(await heldBy()).toContain('cursor slow');
    await database.pool.query(`delete from telemetry.sink_cursor where name = 'slow'`);
    const keeper = startEvidenceKeeper(database.pool, {
      ...{ shard: 'main', now: Date.now, log: silentLog },
    });
    await keeper.look();
    await keeper.close();
    expect((await drop()).partitions).toContain(today);
    expect(await kept()).toHaveLength(81);
    ingest = await startTestIngest(database);
  });

  it('leaves days within the retention alone', async () => {
    await send(3);
    await ingest.caughtUp();
    const found = await dropOldPartitions(database.pool, Date.now(), { journalDays: 35 });
    expect(found).toEqual({ partitions: [], held: [] });
  });
});

describe('deleteOldCells()', () => {
  it('deletes those older than the retention alone', async () => {
    const nowMs = 500 * DAY_MS;
    await database.pool.query(
      `insert into telemetry.minute_cell
       select 'd', 'm', n::bigint * ${DAY_MS}, 'dB(A)', 1, 1, 60, 0 from generate_series(0, 499) n`,
    );
    expect(await deleteOldCells(database.pool, nowMs, { cellDays: 400 })).toBe(100);
    expect(await deleteOldCells(database.pool, nowMs, { cellDays: 400 })).toBe(0);
  });
});

describe('a hub without checkpoints whose first days were dropped', () => {
  it('goes on from the first entry that is left', async () => {
    await send(20);
    await ingest.caughtUp();
    await gateway.close();
    await ingest.close();
    await database.pool.query('delete from exposure.engine_checkpoint');
    await database.pool.query('delete from telemetry.block where pos_to < 10');
    ingest = await startTestIngest(database, { deps: { engine: thresholdKit() } });
    gateway = await connectGateway(ingest.port, 'gw-1');
    await send(5);
    await ingest.caughtUp();
    expect(ingest.stats().evaluatorPos).toBe(ingest.stats().journalPos);
  });
});
