import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { startPlatform } from '../../simulators/platform.ts';
import { startEvidenceTeller } from '../../src/alerts/evidence-teller.ts';
import { createPlatformClient } from '../../src/alerts/platform-client.ts';
import { buildApi } from '../../src/api/server.ts';
import { startEvidenceKeeper } from '../../src/ingest/evidence/evidence-keeper.ts';
import type { Ingest } from '../../src/ingest/ingest.ts';
import { sha256Hex } from '../../src/model/digest.ts';
import { verifyMessage } from '../../src/telemetry/signing.ts';
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
} from '../ingest/gateway-client.ts';
import { startTestIngest } from '../ingest/ingest-fixture.ts';
import { settings } from './exceedances.ts';

const CLUE_NO = 'CL33010620260105AAAAAA01';
const PACKAGE = sha256Hex('package');
const KEY = gatewayFact('gw-1').publicKey as string;
/** What a push says of the package. */
const PUSH = { clueNo: CLUE_NO, revision: 1, evidence: { packageId: PACKAGE, sealed: false } };

let database: TestDatabase;
let ingest: Ingest;
let gateway: GatewayClient;
let chain: Chain;

beforeEach(async () => {
  database = await createTestDatabase();
  onTestFinished(() => database.close());
  ingest = await startTestIngest(database);
  onTestFinished(() => ingest.close());
  gateway = await connectGateway(ingest.port, 'gw-1');
  onTestFinished(() => gateway.close());
  chain = createChain('gw-1');
  const device = { id: 'gw-1-noise', gateway: 'gw-1' };
  await database.db
    .insertInto('registry.fact')
    .values({
      ...{ shard: 'main', pos: 0, entity: 'device', id: device.id, valid_from_ms: 0 },
      ...{ value: JSON.stringify(device), source: JSON.stringify({}) },
    })
    .execute();
});

/** A minute of a gateway's chain, a package made from it, and the push that names it. */
async function pushed(state: 'pending' | 'sent'): Promise<void> {
  for (let n = 0; n < 70; n += 1) await gateway.send('live', chain.next(80 + (n % 7)));
  const { db, pool } = database;
  const pos = ingest.stats().journalPos;
  const result = resultOf({ verdict: 'exceeded' });
  const names = { enterpriseName: '示例铸造', postName: '浇注' };
  await insertClue(db, { clueNo: CLUE_NO, state: 'ACKED', pos, result, ...names });
  await pool.query(
    `insert into enforcement.evidence_package (package_id, clue_no, revision, sm3, bytes, body)
     values ($1, $2, 1, '', 0, '')`,
    [PACKAGE, CLUE_NO],
  );
  await db
    .insertInto('enforcement.evidence_claim')
    .values({
      ...{ package_id: PACKAGE, clue_no: CLUE_NO, shard: 'main', devices: ['gw-1-noise'], pos },
      ...{ from_ms: START_MS, to_ms: START_MS + 60_000, next_try_at: new Date(0) },
    })
    .execute();
  await db
    .insertInto('enforcement.outbox')
    .values({
      ...{ idempotency_key: `${CLUE_NO}-1`, clue_no: CLUE_NO, revision: 1, created_pos: pos },
      ...{ body: JSON.stringify(PUSH), state },
    })
    .execute();
}

async function keep(now = (): number => START_MS + 120_000): Promise<void> {
  await database.pool.query('update enforcement.evidence_claim set next_try_at = now()');
  const keeper = startEvidenceKeeper(database.pool, { shard: 'main', now, log: silentLog });
  await keeper.look();
  await keeper.close();
}

function tellerTo(url: string) {
  const platform = { url, accessKey: 'AK', secretKey: 'SK' };
  const outcomes: string[] = [];
  const teller = startEvidenceTeller(
    settings({
      platform,
      retry: { backoffMsMin: 1, backoffMsMax: 1 },
      evidenceUrl: 'https://hub/e',
    }),
    {
      ...{ db: database.db, now: Date.now, log: silentLog },
      client: createPlatformClient({ url, keys: platform, timeoutMs: 5_000, now: Date.now }),
      onOutcome: (kind) => outcomes.push(kind),
    },
  );
  onTestFinished(() => teller.close());
  return { look: teller.look, outcomes };
}

async function sealState(): Promise<Record<string, unknown>> {
  const app = buildApi(depsOf(database));
  const answer = await app.inject({ url: `/api/v1/evidence/${PACKAGE}/seal` });
  await app.close();
  return answer.json();
}

/** A platform that answers evidence updates as told, then by 204; gives the requests. */
async function scripted(statuses: number[]): Promise<{ url: string; bodies: string[] }> {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (bytes) => {
      body += bytes;
    });
    request.on('end', () => {
      bodies.push(`${request.headers['idempotency-key']} ${body}`);
      response.writeHead(statuses.shift() ?? 204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies };
}

describe('the seal behind a package that a push named', () => {
  it('follows as an update of the evidence, once, and no fact is pushed again', async () => {
    const platform = await startPlatform({
      ...{ host: '127.0.0.1', port: 0, accessKey: 'AK', secretKey: 'SK', log: silentLog },
      bodySchema: z.looseObject({}),
    });
    onTestFinished(() => platform.close());
    const client = createPlatformClient({
      ...{
        url: platform.url,
        keys: { accessKey: 'AK', secretKey: 'SK' },
        timeoutMs: 5_000,
        now: Date.now,
      },
    });
    expect(await client.push(`${CLUE_NO}-1`, JSON.stringify(PUSH))).toMatchObject({ status: 201 });
    await pushed('sent');
    const { look } = tellerTo(platform.url);
    await keep();
    expect(await look()).toBe(0);
    expect(await sealState()).toMatchObject({ state: 'waiting', seals: [], platform: null });

    await gateway.send('seal', chain.seal(70));
    await keep();
    expect(await look()).toBe(1);
    expect(await look()).toBe(0);
    const [told, ...more] = platform.evidence();
    expect(more).toEqual([]);
    expect(told?.idempotencyKey).toBe(`${CLUE_NO}-seal-${PACKAGE}`);
    expect(told?.body).toMatchObject({
      ...{ clueNo: CLUE_NO, packageId: PACKAGE, sealed: true },
      rawUrl: `https://hub/e/${PACKAGE}/raw`,
    });
    const [seal] = told?.body.seals ?? [];
    expect(seal).toMatchObject({ gateway: 'gw-1', upTo: 70, hash: chain.hashes[70] });
    expect(verifyMessage(seal as object as Record<string, unknown>, KEY)).toBe(true);
    expect(platform.received()).toHaveLength(1);
    expect(await sealState()).toMatchObject({
      ...{ packageId: PACKAGE, state: 'sealed', seals: [seal], platform: 'accepted' },
    });
  });

  it('waits until the push is accepted', async () => {
    const { url, bodies } = await scripted([]);
    const { look } = tellerTo(url);
    await pushed('pending');
    await gateway.send('seal', chain.seal(70));
    await keep();
    expect(await look()).toBe(0);
    await database.pool.query(`update enforcement.outbox set state = 'sent'`);
    expect(await look()).toBe(1);
    expect(bodies).toHaveLength(1);
  });

  it('is told again, in the same bytes, until the platform answers', async () => {
    const { url, bodies } = await scripted([503, 500]);
    const { look, outcomes } = tellerTo(url);
    await pushed('sent');
    await gateway.send('seal', chain.seal(70));
    await keep();
    await expect.poll(look, { timeout: 20_000 }).toBe(1);
    expect(outcomes).toEqual(['wait', 'unknown', 'accepted']);
    expect(new Set(bodies).size).toBe(1);
  });

  it('is not told again to a platform that refused it, and the refusal is seen', async () => {
    const { url, bodies } = await scripted([404, 404]);
    const { look } = tellerTo(url);
    await pushed('sent');
    await gateway.send('seal', chain.seal(70));
    await keep();
    expect(await look()).toBe(0);
    expect(await look()).toBe(0);
    expect(bodies).toHaveLength(1);
    expect(await sealState()).toMatchObject({ state: 'sealed', platform: 'refused' });
  });

  it('is nothing to tell where none came in two days', async () => {
    const { url, bodies } = await scripted([]);
    const { look } = tellerTo(url);
    await pushed('sent');
    await keep(() => START_MS + 3 * 86_400_000);
    expect(await sealState()).toMatchObject({ state: 'unsealed', seals: [], platform: null });
    expect(await look()).toBe(0);
    expect(bodies).toEqual([]);
  });
});
