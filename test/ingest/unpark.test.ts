import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ingest } from '../../src/ingest/ingest.ts';
import { LATER_VERSIONS } from '../../src/telemetry/later-versions.ts';
import { createTestDatabase, type TestDatabase } from '../database/test-database.ts';
import { readJournal } from '../e2e/hub-outcome.ts';
import { type Chain, connectGateway, createChain, type GatewayClient } from './gateway-client.ts';
import { startTestIngest } from './ingest-fixture.ts';

/** A made-up version: it says `readings` where version 1 says `frames`. */
const VERSION = 7;
const readLater = ({ readings, ...rest }: Readonly<Record<string, unknown>>) => ({
  ...rest,
  frames: readings,
});

let database: TestDatabase;
let ingest: Ingest | undefined;
let metrics: Registry;
let client: GatewayClient | undefined;
let chain: Chain;

beforeEach(async () => {
  database = await createTestDatabase();
  chain = createChain('gw-1');
});

afterEach(async () => {
  LATER_VERSIONS.delete(VERSION);
  await stop();
  await database.close();
});

async function start(): Promise<void> {
  metrics = new Registry();
  ingest = await startTestIngest(database, { deps: { metrics } });
  client = await connectGateway(ingest.port, 'gw-1');
}

async function stop(): Promise<void> {
  await client?.close();
  await ingest?.close();
  client = undefined;
  ingest = undefined;
}

const publish = (raw: Buffer) => (client as GatewayClient).send('live', raw);

/** The chain's next batch as version 7 says it. */
const later = (value: number): Buffer => {
  const { v: _, frames, ...rest } = JSON.parse(chain.next(value).toString());
  return Buffer.from(JSON.stringify({ v: VERSION, ...rest, readings: frames }));
};

const batches = async () =>
  (await readJournal(database.pool)).flatMap((entry) => (entry.kind === 'batch' ? [entry] : []));

const values = async (): Promise<unknown[]> =>
  (await batches()).map(({ batch }) => batch.frames[0]?.values['laeq' as never]);

const unparked = async (): Promise<number | undefined> =>
  (await metrics.getSingleMetric('wugan_unparked_batches_total')?.get())?.values[0]?.value;

describe('batches of a later version', () => {
  it('are parked by a build that can not read them, and evaluated by the first that can', async () => {
    await start();
    await publish(chain.next(1));
    for (const value of [2, 3, 4]) await publish(later(value));
    await publish(chain.next(5));
    await stop();
    expect(await values()).toEqual([1, 5]);

    LATER_VERSIONS.set(VERSION, readLater);
    await start();
    await expect.poll(unparked, { timeout: 20_000 }).toBe(3);
    await ingest?.caughtUp();
    expect(await values()).toEqual([1, 5, 2, 3, 4]);
    const late = (await batches()).slice(2);
    expect(late.map(({ seq, epoch, topic }) => `${topic} ${epoch} ${seq}`)).toEqual(
      [2, 3, 4].map((seq) => `backfill ${chain.epoch} ${seq}`),
    );
    const { rows } = await database.pool.query(
      `select max((content->'detail'->>'sum')::int) as sum from exposure.signal`,
    );
    expect(rows[0].sum).toBe(15);
  });

  it('are taken up once, also of two versions of the build that take turns', async () => {
    await start();
    await publish(later(1));
    await stop();
    LATER_VERSIONS.set(VERSION, readLater);
    await start();
    await expect.poll(unparked, { timeout: 20_000 }).toBe(1);
    await publish(later(2));
    await stop();
    expect(await values()).toEqual([1, 2]);

    LATER_VERSIONS.delete(VERSION);
    await start();
    await publish(later(3));
    await stop();
    LATER_VERSIONS.set(VERSION, readLater);
    await start();
    await expect.poll(unparked, { timeout: 20_000 }).toBe(1);
    await stop();
    expect(await values()).toEqual([1, 2, 3]);
  });

  it('are told of in the ack by the build that can read them', async () => {
    LATER_VERSIONS.set(VERSION, readLater);
    await start();
    await publish(later(1));
    await expect.poll(() => client?.acks.at(-1)?.accepts, { timeout: 20_000 }).toEqual([1, 7]);
    expect(await values()).toEqual([1]);
  });

  it('go to the dead letters when the build that can read the version finds no batch', async () => {
    await start();
    const broken = JSON.parse(later(1).toString());
    await publish(Buffer.from(JSON.stringify({ ...broken, readings: [] })));
    await stop();
    LATER_VERSIONS.set(VERSION, readLater);
    await start();
    const letters = async () =>
      (await database.pool.query('select topic, reason from telemetry.dead_letter')).rows;
    await expect
      .poll(letters, { timeout: 20_000 })
      .toEqual([{ topic: 'journal/1', reason: 'invalid-batch' }]);
  });
});
