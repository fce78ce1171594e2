import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import { afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type FleetOptions, fleetChain, runFleet } from '../../simulators/fleet.ts';
import { epochOf } from '../../simulators/fleet-chain.ts';
import { fleetKey, fleetMember, LOADS } from '../../simulators/fleet-member.ts';
import { fleetRegistry, fleetRegistryYaml } from '../../simulators/fleet-registry.ts';
import { createLatencyHistogram } from '../../simulators/latency-histogram.ts';
import { checkRegistry } from '../../src/devices/registry-file.ts';
import { knownLimits } from '../../src/hub/known-limits.ts';
import { Batch } from '../../src/model/batch.ts';
import { sha256Hex } from '../../src/model/digest.ts';
import { Ulid, ZERO_HASH } from '../../src/model/ids.ts';
import { SealMessage } from '../../src/telemetry/messages.ts';
import { verifyMessage } from '../../src/telemetry/signing.ts';

const region = '330109';
const startMs = Date.UTC(2026, 10, 23);
const options: FleetOptions = {
  mqttUrl: 'mqtt://127.0.0.1:1',
  region,
  gateways: 3,
  load: 'A',
  startMs,
  batches: 10,
};
const open: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

interface Heard {
  readonly topic: string;
  readonly payload: string;
}

interface Broker {
  readonly port: number;
  readonly heard: Heard[];
  close(): Promise<void>;
}

/** A real broker; `refuse` may cut the sender's connection in place of the acknowledgement. */
async function startBroker(
  port = 0,
  refuse: (heard: readonly Heard[]) => boolean = () => false,
): Promise<Broker> {
  const heard: Heard[] = [];
  const aedes = await Aedes.createBroker();
  aedes.authorizePublish = (_client, packet, done) => {
    if (packet.topic.startsWith('wugan/')) {
      heard.push({ topic: packet.topic, payload: packet.payload.toString() });
    }
    done(refuse(heard) ? new Error('cut') : null);
  };
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    aedes.handle(socket);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    await new Promise<void>((resolve) => aedes.close(() => resolve()));
  };
  open.push(close);
  return { port: (server.address() as AddressInfo).port, heard, close };
}

const urlOf = ({ port }: Broker): string => `mqtt://127.0.0.1:${port}`;
const batchesOf = (heard: readonly Heard[], index: number): string[] =>
  heard
    .filter(({ topic }) => topic === `wugan/v1/${region}/${fleetMember(index).gateway}/live`)
    .map(({ payload }) => payload);
const sealsOf = (heard: readonly Heard[]) =>
  heard
    .filter(({ topic }) => topic.endsWith('/seal'))
    .map(({ payload }) => SealMessage.parse(JSON.parse(payload)));

describe('fleetChain()', () => {
  it.each(['A', 'B', 'C'] as const)(
    'makes batches of load %s that the contract accepts',
    (load) => {
      const chain = fleetChain({ ...options, load }, 0);
      const batch = Batch.parse(JSON.parse(chain.nextBatch().payload));
      expect(batch.frames).toHaveLength(LOADS[load].frames);
      for (const { values } of batch.frames) {
        expect(Object.keys(values)).toHaveLength(LOADS[load].metrics);
      }
    },
  );

  it('links each batch to the bytes of the one before', () => {
    const chain = fleetChain(options, 1);
    const batches = Array.from({ length: 20 }, () => chain.nextBatch());
    let prev = ZERO_HASH;
    batches.forEach(({ payload, seq, sha256 }, at) => {
      expect(JSON.parse(payload)).toMatchObject({ seq: at + 1, prev });
      expect(seq).toBe(at + 1);
      prev = sha256Hex(Buffer.from(payload));
      expect(sha256).toBe(prev);
    });
  });

  it('covers event time without a hole or an overlap', () => {
    const chain = fleetChain({ ...options, load: 'B', frameSpanMs: 10_000 }, 0);
    const ends = Array.from({ length: 3 }, () => chain.nextBatch()).flatMap(({ payload }) =>
      Batch.parse(JSON.parse(payload)).frames.map(({ at }) => at),
    );
    expect(ends).toEqual(Array.from({ length: 30 }, (_, n) => startMs + (n + 1) * 10_000));
  });

  it('makes the same bytes again, and other ones for another gateway', () => {
    const make = (index: number): string[] => {
      const chain = fleetChain(options, index);
      return [chain.nextBatch().payload, chain.nextBatch().payload];
    };
    expect(make(4)).toEqual(make(4));
    expect(make(4)).not.toEqual(make(5));
  });

  it('puts every n-th gateway over its limits', () => {
    const coOf = (index: number): number =>
      Batch.parse(JSON.parse(fleetChain({ ...options, overEvery: 3 }, index).nextBatch().payload))
        .frames[0]!.values['co' as never] as unknown as number;
    expect([0, 1, 2, 3].map((index) => coOf(index) > 30)).toEqual([true, false, false, true]);
  });

  it('seals its head with the key that the registry names', () => {
    const chain = fleetChain(options, 2);
    const { sha256 } = chain.nextBatch();
    const seal = SealMessage.parse(JSON.parse(chain.seal()));
    expect(seal).toMatchObject({ upTo: 1, hash: sha256, epoch: chain.head().epoch });
    const { gateways } = fleetRegistry(3, { region, load: 'A' });
    expect(verifyMessage(seal, gateways[2]!.publicKey!)).toBe(true);
    expect(verifyMessage(seal, gateways[1]!.publicKey!)).toBe(false);
  });

  it('goes on from the heads of an earlier run', () => {
    const whole = fleetChain(options, 0);
    const first = fleetChain(options, 0);
    whole.nextBatch();
    first.nextBatch();
    const second = fleetChain({ ...options, heads: [first.head()] }, 0);
    expect(second.nextBatch()).toEqual(whole.nextBatch());
  });

  it('gives epochs that are ULIDs and sort by the time of the run', () => {
    expect(Ulid.parse(epochOf(startMs, 7))).toBe(epochOf(startMs, 7));
    expect(epochOf(startMs, 7) < epochOf(startMs + 1, 3)).toBe(true);
    expect(epochOf(startMs, 7)).not.toBe(epochOf(startMs, 8));
  });
});

describe('fleetRegistry()', () => {
  const context = { nowMs: startMs, limitSets: knownLimits() };

  it.each(['A', 'B', 'C'] as const)('is a registry without a fault for load %s', (load) => {
    const input = parse(fleetRegistryYaml(45, { region, load }));
    const { faults, entities } = checkRegistry(input, context);
    expect(faults).toEqual([]);
    const kinds = entities.map(({ entity }) => entity);
    expect(kinds.filter((kind) => kind === 'enterprise')).toHaveLength(3);
    expect(kinds.filter((kind) => kind === 'post')).toHaveLength(45);
    expect(kinds.filter((kind) => kind === 'crew')).toHaveLength(135);
  });

  it('says in YAML what it says in objects', () => {
    const input = parse(fleetRegistryYaml(2, { region, load: 'B' }));
    const registry = fleetRegistry(2, { region, load: 'B' });
    const valuesOf = (kind: string) =>
      checkRegistry(input, context)
        .entities.filter(({ entity }) => entity === kind)
        .map(({ value }) => value);
    expect(valuesOf('device')).toEqual(registry.devices);
    expect(valuesOf('post')).toEqual(registry.posts);
    expect(valuesOf('crew')).toEqual(registry.crews);
  });

  it('knows every metric that a batch carries', () => {
    const batch = Batch.parse(
      JSON.parse(fleetChain({ ...options, load: 'B' }, 0).nextBatch().payload),
    );
    const { devices } = fleetRegistry(1, { region, load: 'B' });
    expect(devices[0]!.metrics.map(({ metric }) => metric)).toEqual(
      Object.keys(batch.frames[0]!.values),
    );
  });
});

describe('runFleet()', () => {
  it('delivers every batch once and in order, and seals every chain to its end', async () => {
    const broker = await startBroker();
    const report = await runFleet({
      ...options,
      mqttUrl: urlOf(broker),
      gateways: 7,
      batches: 25,
      sealEveryBatches: 10,
      connections: 3,
    });
    expect(report).toMatchObject({
      batchesSent: 175,
      batchesAcked: 175,
      sealsAcked: 21,
      readingsAcked: 1_750,
      reconnects: 0,
      unacknowledged: 0,
    });
    for (let index = 0; index < 7; index += 1) {
      const chain = fleetChain(options, index);
      const expected = Array.from({ length: 25 }, () => chain.nextBatch().payload);
      expect(batchesOf(broker.heard, index)).toEqual(expected);
      expect(report.heads[index]).toEqual(chain.head());
    }
    for (const seal of sealsOf(broker.heard)) {
      const index = Number(seal.gateway.slice('fleet-'.length));
      expect(verifyMessage(seal, fleetKey(index).publicKey)).toBe(true);
    }
    expect(sealsOf(broker.heard).filter(({ upTo }) => upTo === 25)).toHaveLength(7);
  });

  it('sends again after a cut what was not acknowledged', async () => {
    let cuts = 0;
    const broker = await startBroker(0, (heard) => {
      const isCut = heard.length % 40 === 0 && cuts < 5;
      if (isCut) cuts += 1;
      return isCut;
    });
    const report = await runFleet({
      ...options,
      mqttUrl: urlOf(broker),
      gateways: 4,
      batches: 50,
      connections: 2,
    });
    expect(report).toMatchObject({ batchesAcked: 200, unacknowledged: 0 });
    expect(report.reconnects).toBeGreaterThanOrEqual(cuts);
    expect(cuts).toBe(5);
    for (let index = 0; index < 4; index += 1) {
      const chain = fleetChain(options, index);
      const expected = Array.from({ length: 50 }, () => chain.nextBatch().payload);
      expect([...new Set(batchesOf(broker.heard, index))]).toEqual(expected);
    }
  });

  it('waits for a broker that is not there yet', async () => {
    const first = await startBroker();
    await first.close();
    const run = runFleet({ ...options, mqttUrl: urlOf(first), gateways: 2, batches: 5 });
    const second = await startBroker(first.port);
    expect(await run).toMatchObject({ batchesAcked: 10, unacknowledged: 0 });
    expect(second.heard.filter(({ topic }) => topic.endsWith('/live'))).toHaveLength(10);
  });

  it('keeps to its rate and spreads it over the gateways', async () => {
    const broker = await startBroker();
    const report = await runFleet({
      mqttUrl: urlOf(broker),
      region,
      load: 'A',
      startMs,
      gateways: 10,
      batchesPerS: 200,
      durationMs: 1_000,
    });
    expect(report.batchesAcked).toBeGreaterThan(100);
    expect(report.batchesAcked).toBeLessThanOrEqual(201);
    const made = report.heads.map(({ seq }) => seq);
    expect(Math.max(...made) - Math.min(...made)).toBeLessThanOrEqual(1);
    expect(report.ackMsP99).toBeGreaterThanOrEqual(report.ackMsP50!);
  });

  it('stops at its windows, and reports what was never acknowledged', async () => {
    const server = createServer((socket) => {
      open.push(() => void socket.destroy());
      // CONNACK, and silence from then on.
      socket.write(Buffer.from([0x20, 2, 0, 0]));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const report = await runFleet({
      ...options,
      mqttUrl: `mqtt://127.0.0.1:${port}`,
      gateways: 2,
      inFlight: 4,
      durationMs: 200,
      drainMs: 50,
    });
    // Four batches each, and the seal that ends what was made.
    expect(report).toMatchObject({ batchesSent: 8, batchesAcked: 0, unacknowledged: 10 });
    expect(report.ackMsP50).toBeNull();
  });

  it('ends at whichever of its two ends comes first', async () => {
    const broker = await startBroker();
    const both = { ...options, mqttUrl: urlOf(broker), gateways: 1 };
    expect(
      await runFleet({ ...both, batches: 400, durationMs: 400, batchesPerS: 50 }),
    ).toMatchObject({
      unacknowledged: 0,
      batchesAcked: expect.toSatisfy((n: number) => n > 0 && n < 50),
    });
    expect(await runFleet({ ...both, batches: 3, durationMs: 60_000 })).toMatchObject({
      batchesAcked: 3,
    });
  });

  it.each([
    ['where nobody listens', null, 'ECONNREFUSED'],
    ['that refuses it', Buffer.from([0x20, 2, 0, 5]), 'refused with return code 5'],
    ['that never answers', Buffer.alloc(0), 'no answer'],
  ])('gives up on a broker %s', async (_name, answer, why) => {
    const server = createServer((socket) => {
      open.push(() => void socket.destroy());
      socket.on('error', () => socket.destroy());
      if (answer !== null && answer.length > 0) socket.write(answer);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    if (answer === null) await new Promise((resolve) => server.close(resolve));
    else open.push(() => void server.close());
    const mqttUrl = `mqtt://127.0.0.1:${port}`;
    const run = runFleet({ ...options, mqttUrl, gateways: 2, connectMs: 300 });
    await expect(run).rejects.toThrow(`Cannot connect to ${mqttUrl} within 0.3 s: ${why}`);
  });

  it('asks for an end', async () => {
    const { batches: _, ...endless } = options;
    await expect(runFleet(endless)).rejects.toThrow('give durationMs or batches');
  });
});

describe('createLatencyHistogram()', () => {
  it('gives the same quantiles as sorting, to its bin', () => {
    const histogram = createLatencyHistogram();
    const values = Array.from({ length: 999 }, (_, n) => ((n * 7_919) % 999) / 10);
    values.forEach(histogram.add);
    const sorted = values.toSorted((a, b) => a - b);
    for (const share of [0.01, 0.5, 0.9, 0.99, 1]) {
      const expected = sorted[Math.ceil(share * 999) - 1]!;
      expect(Math.abs(histogram.quantileMs(share)! - expected)).toBeLessThanOrEqual(0.0501);
    }
  });
});
