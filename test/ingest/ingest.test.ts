import { sql, type Transaction } from 'kysely';
import { pino } from 'pino';
import { ulid } from 'ulid';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/schema.ts';
import type { Ingest, IngestDeps } from '../../src/ingest/ingest.ts';
import { sha256Hex } from '../../src/model/digest.ts';
import { verifyMessage } from '../../src/telemetry/signing.ts';
import { createTestDatabase, type TestDatabase } from '../database/test-database.ts';
import {
  batchText,
  type Chain,
  connectGateway,
  createChain,
  type GatewayClient,
  gatewayFact,
  START_MS,
} from './gateway-client.ts';
import { HUB_KEY, startTestIngest } from './ingest-fixture.ts';
import { readEntries, readRows } from './journal-rows.ts';

/** A fault of the database, after which it answers nothing in the transaction (53100: disk full). */
const outOfOrder = (tx: Transaction<Database>): Promise<unknown> =>
  sql`do $$ begin raise exception 'out of order' using errcode = '53100'; end $$`.execute(tx);

let database: TestDatabase;
let ingest: Ingest;
let gateway: GatewayClient;

beforeEach(async () => {
  database = await createTestDatabase();
  ingest = await startTestIngest(database);
  gateway = await connectGateway(ingest.port, 'gw-1');
});

afterEach(async () => {
  await gateway.close();
  await ingest.close();
  await database.close();
});

const ackedEpoch = (chain: Chain) =>
  gateway.acks.at(-1)?.epochs.find(({ epoch }) => epoch === chain.epoch);

const deadLetters = async () => {
  const { rows } = await database.pool.query(
    'select source, topic, reason, detail, sha256, raw from telemetry.dead_letter order by id',
  );
  return rows as { source: string; topic: string; reason: string; detail: string; raw: Buffer }[];
};

async function restart(): Promise<void> {
  await gateway.close();
  await ingest.close();
  ingest = await startTestIngest(database);
  gateway = await connectGateway(ingest.port, 'gw-1');
}

describe('a batch', () => {
  it('is in the journal, byte for byte by its hash, when the PUBACK comes', async () => {
    const bytes = createChain('gw-1').next(80);
    await gateway.send('live', bytes);
    expect(await readRows(database.pool)).toMatchObject([
      { pos: 1, kind: 'live', gateway: 'gw-1', seq: 1, sha256: sha256Hex(bytes), conflict: false },
    ]);
  });

  it('is acknowledged by a signed ack that names what is durable', async () => {
    const chain = createChain('gw-1');
    await gateway.send('live', chain.next(80));
    await expect
      .poll(() => ackedEpoch(chain))
      .toEqual({
        epoch: chain.epoch,
        durable: 1,
        stored: [],
        sealed: 0,
      });
    expect(gateway.acks.at(-1)).toMatchObject({ v: 1, gateway: 'gw-1', accepts: [1] });
    expect(verifyMessage(gateway.acks.at(-1) as never, HUB_KEY.publicKey)).toBe(true);
  });

  it('that comes again, on either topic, is acknowledged and not journaled again', async () => {
    const bytes = createChain('gw-1').next(80);
    await gateway.send('live', bytes);
    await gateway.send('backfill', bytes);
    expect(await readRows(database.pool)).toHaveLength(1);
    expect(ingest.stats()).toMatchObject({ stored: 1, duplicates: 1, conflicts: 0 });
  });

  it('with other content under the same key is kept beside the first, once, as a conflict', async () => {
    const chain = createChain('gw-1');
    const first = chain.next(80);
    const keys = { epoch: chain.epoch, seq: 1, prev: chain.hashes[0] as string };
    const other = batchText('gw-1', keys, 81);
    for (const bytes of [first, other, other, first]) await gateway.send('live', bytes);
    const rows = await readRows(database.pool);
    expect(rows.map(({ sha256, conflict }) => [sha256, conflict])).toEqual([
      [sha256Hex(first), false],
      [sha256Hex(other), true],
    ]);
    expect(ingest.stats()).toMatchObject({ duplicates: 2, conflicts: 1 });
  });

  it('that comes again after a restart is still known', async () => {
    const chain = createChain('gw-1');
    const first = chain.next(80);
    await gateway.send('live', first);
    await restart();
    await gateway.send('backfill', first);
    await gateway.send('live', chain.next(81));
    expect((await readRows(database.pool)).map(({ pos, seq }) => [pos, seq])).toEqual([
      [1, 1],
      [2, 2],
    ]);
  });

  it('that the hub can not keep now is not acknowledged, and its sender is closed', async () => {
    const chain = createChain('gw-1');
    const batches = Array.from({ length: 1_026 }, (_, i) => chain.next(i));
    const [refused, ...kept] = batches.filter((_, i) => i % 2 === 1).toReversed();
    await Promise.all(kept.map((bytes) => gateway.send('live', bytes)));
    const sent = gateway.send('live', refused as Buffer);
    await new Promise<void>((closed) => gateway.client.once('close', () => closed()));
    void sent.catch(() => undefined);
    expect(ingest.stats()).toMatchObject({ stored: kept.length, deferred: 1, refusedClients: 1 });
    expect(await readRows(database.pool)).toHaveLength(kept.length);
  });

  it('of an epoch long retired is known again, and told in the next ack', async () => {
    const chains = Array.from({ length: 600 }, (_, i) =>
      createChain('gw-1', ulid(START_MS + i * 1_000)),
    );
    const bytes = chains.map((chain) => chain.next(1));
    for (let i = 0; i < 600; i += 100) {
      await Promise.all(bytes.slice(i, i + 100).map((batch) => gateway.send('live', batch)));
    }
    await restart();
    await gateway.send('live', bytes[1] as Buffer);
    await expect.poll(() => ackedEpoch(chains[1] as Chain)?.durable).toBe(1);
    await gateway.send('live', (chains[1] as Chain).next(2));
    await expect.poll(() => ackedEpoch(chains[1] as Chain)?.durable).toBe(2);
    expect(ingest.stats()).toMatchObject({ duplicates: 1, stored: 1, conflicts: 0 });
  });

  it('without epoch is kept once by its bytes, also when the counter starts again', async () => {
    const one = batchText('gw-1', { seq: 1 }, 5);
    const sameSeq = batchText('gw-1', { seq: 1 }, 6);
    for (const text of [one, sameSeq, one]) await gateway.send('live', text);
    await restart();
    await gateway.send('backfill', one);
    const rows = await readRows(database.pool);
    expect(rows.map(({ epoch, seq, sha256 }) => [epoch, seq, sha256])).toEqual([
      [null, null, sha256Hex(one)],
      [null, null, sha256Hex(sameSeq)],
    ]);
  });

  it('of an unknown version is journaled, acknowledged and parked', async () => {
    const chain = createChain('gw-1');
    const parked = { v: 2, gateway: 'gw-1', epoch: chain.epoch, seq: 1, readings: 'new shape' };
    await gateway.send('live', JSON.stringify(parked));
    expect(await readEntries(database.pool)).toMatchObject([{ kind: 'parked', gateway: 'gw-1' }]);
    await expect.poll(() => ackedEpoch(chain)?.durable).toBe(1);
  });
});

describe('what is settled', () => {
  it('is told as ranges above a hole, and as one when the hole is filled', async () => {
    const chain = createChain('gw-1');
    const [one, two, three, four, five] = [1, 2, 3, 4, 5].map(chain.next);
    for (const bytes of [one, three, five]) await gateway.send('live', bytes as Buffer);
    await expect
      .poll(() => ackedEpoch(chain))
      .toMatchObject({
        durable: 1,
        stored: [
          [3, 3],
          [5, 5],
        ],
      });
    for (const bytes of [four, two]) await gateway.send('backfill', bytes as Buffer);
    await expect.poll(() => ackedEpoch(chain)).toMatchObject({ durable: 5, stored: [] });
  });

  it('includes a gap that the gateway signed', async () => {
    const chain = createChain('gw-1');
    await gateway.send('live', chain.next(80));
    await gateway.send('gap', chain.gap(2, 9));
    await gateway.send('gap', chain.gap(2, 9));
    await expect.poll(() => ackedEpoch(chain)?.durable).toBe(9);
    expect(await readEntries(database.pool)).toMatchObject([
      { kind: 'batch' },
      { kind: 'gap', from: 2, to: 9, reason: 'spool-full' },
    ]);
  });

  it('does not include a gap that another key signed or that was changed', async () => {
    const chain = createChain('gw-1');
    await gateway.send('live', chain.next(80));
    await gateway.send('gap', chain.gap(2, 9, false));
    expect(await deadLetters()).toMatchObject([{ source: 'gw-1', reason: 'bad-signature' }]);
    await expect.poll(() => ackedEpoch(chain)?.durable).toBe(1);
    expect(await readRows(database.pool)).toHaveLength(1);
  });

  it('lets a batch in that comes after all, although a gap had settled it', async () => {
    const chain = createChain('gw-1');
    const late = chain.next(80);
    await gateway.send('gap', chain.gap(1, 3));
    await gateway.send('backfill', late);
    await gateway.send('backfill', late);
    expect(await readEntries(database.pool)).toMatchObject([
      { kind: 'gap' },
      { kind: 'batch', seq: 1, conflict: false },
    ]);
  });

  it('names the highest seal, and never one that the gateway did not sign', async () => {
    const chain = createChain('gw-1');
    await gateway.send('live', chain.next(80));
    await gateway.send('live', chain.next(81));
    for (let copies = 0; copies < 2; copies += 1) await gateway.send('seal', chain.seal(2));
    const forged = JSON.parse(chain.seal(1).toString()) as object;
    await gateway.send('seal', JSON.stringify({ ...forged, upTo: 1_000_000 }));
    await expect.poll(() => ackedEpoch(chain)).toMatchObject({ durable: 2, sealed: 2 });
    const seals = (await readEntries(database.pool)).filter(({ kind }) => kind === 'seal');
    expect(seals).toMatchObject([{ upTo: 2, verified: true }]);
    expect((await deadLetters()).map(({ reason }) => reason)).toEqual(['bad-signature']);
  });

  it('does not include a seal without a key behind it of what did not come: that is put aside', async () => {
    await gateway.close();
    await ingest.close();
    ingest = await startTestIngest(database, { gateways: [gatewayFact('gw-1', null)] });
    gateway = await connectGateway(ingest.port, 'gw-1');
    const chain = createChain('gw-1');
    const batch = chain.next(80);
    await gateway.send('seal', chain.seal(1));
    await gateway.send('live', batch);
    expect(await deadLetters()).toMatchObject([{ source: 'gw-1', reason: 'unbacked-seal' }]);
    await expect.poll(() => ackedEpoch(chain)).toMatchObject({ durable: 1, sealed: 0 });
    await gateway.send('seal', chain.seal(1));
    await expect.poll(() => ackedEpoch(chain)).toMatchObject({ durable: 1, sealed: 1 });
  });

  it('includes the place of a batch that went to the dead letters, or it would come for ever', async () => {
    const chain = createChain('gw-1');
    const [one, two, three] = [80, 81, 82].map(chain.next) as [Buffer, Buffer, Buffer];
    const poison = Buffer.from(two.toString().replace('"spanMs":1000', '"spanMs":999'));
    await gateway.send('live', one);
    for (let copies = 0; copies < 3; copies += 1) await gateway.send('live', poison);
    await gateway.send('live', three);
    await expect.poll(() => ackedEpoch(chain)).toMatchObject({ durable: 3, stored: [] });
    expect(await deadLetters()).toMatchObject([{ reason: 'invalid-batch', raw: poison }]);
    expect(await readEntries(database.pool)).toMatchObject([
      { kind: 'batch', seq: 1 },
      { kind: 'parked', epoch: chain.epoch, seq: 2 },
      { kind: 'batch', seq: 3 },
    ]);
  });

  it('is kept per epoch, and told of the latest epochs', async () => {
    const [first, second] = [createChain('gw-1'), createChain('gw-1')];
    await gateway.send('live', first.next(80));
    await gateway.send('live', second.next(81));
    await gateway.send('live', second.next(82));
    await expect.poll(() => ackedEpoch(second)?.durable).toBe(2);
    expect(ackedEpoch(first)?.durable).toBe(1);
  });

  it('is told at once to a gateway that comes online after a restart', async () => {
    const chain = createChain('gw-1');
    await gateway.send('live', chain.next(80));
    await restart();
    await gateway.send('status', '{"online":true}');
    await expect.poll(() => ackedEpoch(chain)?.durable).toBe(1);
  });
});

describe('a message that can not be used', () => {
  const withValue = (value: string): string =>
    batchText('gw-1', {}, 1).replace(':1}', `:${value}}`);

  it.each([
    ['live', 'not JSON', 'invalid-json'],
    ['live', Buffer.from([0xc3, 0x28]), 'invalid-utf8'],
    ['live', withValue('"NaN"'), 'invalid-batch'],
    ['live', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'invalid-envelope'],
    ['backfill', 'x'.repeat(262_145), 'oversize'],
    ['backfill', batchText('gw-2', {}, 1), 'other-gateway'],
    ['seal', '{"v":1}', 'invalid-message'],
    ['gap', '\0', 'invalid-json'],
    ['status', '{"online":"yes"}', 'invalid-message'],
  ])('on %s is acknowledged and kept as a dead letter (%#)', async (channel, payload, reason) => {
    await gateway.send(channel, payload);
    const letters = await deadLetters();
    expect(letters).toMatchObject([
      {
        source: 'gw-1',
        topic: `wugan/v1/330106/gw-1/${channel}`,
        reason,
        raw: Buffer.from(payload),
      },
    ]);
    expect(ingest.stats()).toMatchObject({ deadLetters: 1, stored: 0 });
  });

  it('does not keep the one behind it back', async () => {
    await Promise.all([
      gateway.send('live', 'not JSON'),
      gateway.send('live', createChain('gw-1').next(80)),
    ]);
    expect(await readRows(database.pool)).toHaveLength(1);
  });
});

describe('facts and ticks', () => {
  it('stand in the journal with the batches', async () => {
    const fact = {
      v: 1,
      entity: 'limits',
      id: 'limits',
      validFromMs: START_MS,
      value: { id: 'limits', set: 'gbz' },
      source: { by: 'test', sha256: 'none' },
    } as const;
    await ingest.appendFact(fact);
    await gateway.send('live', createChain('gw-1').next(80));
    expect(await readEntries(database.pool)).toMatchObject([
      { kind: 'fact', fact },
      { kind: 'batch' },
    ]);
  });

  it('ticks fall on whole intervals of hub time', async () => {
    await ingest.close();
    ingest = await startTestIngest(database, { settings: { tickIntervalMs: 100 } });
    await expect
      .poll(
        async () => (await readEntries(database.pool)).filter(({ kind }) => kind === 'tick').length,
      )
      .toBeGreaterThan(2);
    const ticks = (await readEntries(database.pool)).flatMap((entry) =>
      entry.kind === 'tick' ? [entry.atMs] : [],
    );
    expect(ticks.every((atMs, i) => atMs % 100 === 0 && atMs > (ticks[i - 1] ?? 0))).toBe(true);
  });
});

describe('readiness and close', () => {
  it('is not ready once outputs could not be stored for more than 10 s, and names the error', async () => {
    let nowMs = START_MS;
    let isBroken = true;
    await ingest.close();
    ingest = await startTestIngest(database, {
      deps: {
        now: () => nowMs,
        applyAlerts: async (tx) => {
          if (isBroken) await outOfOrder(tx);
        },
      },
    });
    gateway = await connectGateway(ingest.port, 'gw-1');
    await gateway.send('live', createChain('gw-1').next(80));
    await expect.poll(() => ingest.stats().evaluatorLag).toBe(1);
    nowMs += 10_000;
    expect(ingest.readiness()).toMatchObject({ ok: true });
    await expect
      .poll(() => {
        nowMs += 1_000;
        return ingest.readiness();
      })
      .toMatchObject({ ok: false, detail: expect.stringContaining('out of order') });
    isBroken = false;
    await ingest.caughtUp();
    expect(ingest.readiness()).toMatchObject({ ok: true });
  });

  it('caughtUp() ends when what was sent is evaluated', async () => {
    const chain = createChain('gw-1');
    for (let i = 0; i < 20; i++) await gateway.send('live', chain.next(i));
    await ingest.caughtUp();
    expect(ingest.stats()).toMatchObject({ evaluatorPos: 20, evaluatorLag: 0, readings: 20 });
    expect(ingest.readiness()).toMatchObject({ ok: true });
  });

  it('caughtUp() says what it waits for, for as long as it waits', async () => {
    let isBroken = true;
    const lines: object[] = [];
    const log = pino({ level: 'warn' }, { write: (line) => lines.push(JSON.parse(line)) });
    await ingest.close();
    const applyAlerts: IngestDeps['applyAlerts'] = async (tx) => {
      if (isBroken) await outOfOrder(tx);
    };
    ingest = await startTestIngest(database, { deps: { log, applyAlerts } });
    gateway = await connectGateway(ingest.port, 'gw-1');
    await gateway.send('live', createChain('gw-1').next(80));
    const waiting = ingest.caughtUp();
    await expect
      .poll(() => lines, { timeout: 30_000 })
      .toContainEqual(
        expect.objectContaining({
          ...{ msg: 'waiting for the evaluator', evaluatedTo: 0, toPos: 1, error: 'out of order' },
        }),
      );
    isBroken = false;
    await waiting;
  });

  it('close() gives the lease up, so that another hub may take it at once', async () => {
    await ingest.close();
    const { rows } = await database.pool.query(
      'select until_ms < extract(epoch from now()) * 1000 as free from telemetry.shard',
    );
    expect(rows).toEqual([{ free: true }]);
  });
});
