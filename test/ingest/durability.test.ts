import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Ingest } from '../../src/ingest/ingest.ts';
import { sha256Hex } from '../../src/model/digest.ts';
import { type CrashableServer, createCrashableServer } from '../database/test-database.ts';
import { connectGateway, createChain, gatewayFact } from './gateway-client.ts';
import { startTestIngest } from './ingest-fixture.ts';
import { readRows } from './journal-rows.ts';

const GATEWAYS = Array.from({ length: 8 }, (_, i) => `gw-${i}`);

let database: CrashableServer;
let ingest: Ingest;

beforeEach(async () => {
  database = await createCrashableServer();
  ingest = await startTestIngest(database, { gateways: GATEWAYS.map((id) => gatewayFact(id)) });
});

afterEach(async () => {
  await ingest.close();
  await database.close();
});

/** Publishes batches of each gateway until told to stop; says what was sent and acknowledged. */
async function startLoad() {
  const sent: string[] = [];
  const acked: string[] = [];
  let stopped = false;
  const clients = await Promise.all(GATEWAYS.map((id) => connectGateway(ingest.port, id)));
  const loops = clients.flatMap((client, i) => {
    const chain = createChain(GATEWAYS[i] as string);
    let value = 0;
    return Array.from({ length: 4 }, async () => {
      while (!stopped) {
        value += 1;
        const bytes = chain.next(value);
        sent.push(sha256Hex(bytes));
        await client.send('live', bytes);
        acked.push(sha256Hex(bytes));
      }
    });
  });
  return {
    sent,
    acked,
    async stop() {
      stopped = true;
      await Promise.all(loops);
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

it('acknowledges nothing while the database is away, and everything once it is back', async () => {
  const load = await startLoad();
  await expect.poll(() => load.acked.length).toBeGreaterThan(500);
  await database.crash();
  await expect.poll(() => ingest.readiness().ok).toBe(false);
  const ackedAtCrash = load.acked.length;
  const inFlight = load.sent.length - ackedAtCrash;
  expect(inFlight).toBe(GATEWAYS.length * 4);

  await database.start();
  await expect
    .poll(() => load.acked.length, { timeout: 30_000 })
    .toBeGreaterThan(ackedAtCrash + 500);
  await load.stop();
  const stored = (await readRows(database.pool)).filter(({ kind }) => kind === 'live');
  const hashes = stored.map(({ sha256 }) => sha256);
  expect(load.acked.filter((sha256) => !hashes.includes(sha256))).toEqual([]);
  expect(hashes.toSorted()).toEqual(load.sent.toSorted());
  expect(ingest.readiness().ok).toBe(true);
});

it('holds what was acknowledged when the database and the hub die together', async () => {
  const load = await startLoad();
  await expect.poll(() => load.acked.length).toBeGreaterThan(300);
  await database.crash();
  await expect.poll(() => ingest.readiness().ok).toBe(false);
  const acked = [...load.acked];
  void load.stop().catch(() => undefined);
  await ingest.close();

  await database.start();
  const stored = new Set((await readRows(database.pool)).map(({ sha256 }) => sha256));
  expect(acked.filter((sha256) => !stored.has(sha256))).toEqual([]);
  ingest = await startTestIngest(database, { gateways: GATEWAYS.map((id) => gatewayFact(id)) });
});

it('goes on from the head after a restart, with the positions and the chain unbroken', async () => {
  const load = await startLoad();
  await expect.poll(() => load.acked.length).toBeGreaterThan(200);
  await load.stop();
  await ingest.close();
  ingest = await startTestIngest(database, { gateways: GATEWAYS.map((id) => gatewayFact(id)) });
  const more = await startLoad();
  await expect.poll(() => more.acked.length).toBeGreaterThan(200);
  await more.stop();

  const { rows } = await database.pool.query<{ pos_from: number; pos_to: number; linked: boolean }>(
    `select pos_from, pos_to,
       prev_hash = coalesce(lag(hash) over (order by pos_from), decode(repeat('00', 32), 'hex'))
         and hash = sha256(prev_hash || header || body) as linked
     from telemetry.block order by pos_from`,
  );
  let next = 1;
  for (const { pos_from, pos_to, linked } of rows) {
    expect([pos_from, linked]).toEqual([next, true]);
    next = pos_to + 1;
  }
  expect(next - 1).toBe(load.sent.length + more.sent.length);
});
