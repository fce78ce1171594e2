import type { IConnectPacket, IPublishPacket, ISubscribePacket } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { readPayload } from '../../../src/telemetry/sparkplug/read-payload.ts';
import { writePayload } from '../../../src/telemetry/sparkplug/write-payload.ts';
import { hostOn, type PacketBroker, startPacketBroker } from './scripted-host.ts';
import { HOST, T0, WAIT } from './sparkplug-fixture.ts';

const STATE = `spBv1.0/STATE/${HOST}`;

const connects = (broker: PacketBroker): IConnectPacket[] =>
  broker.packets().filter((packet) => packet.cmd === 'connect');
const publishes = (broker: PacketBroker): IPublishPacket[] =>
  broker.packets().filter((packet) => packet.cmd === 'publish');
const textOf = ({ payload }: { payload?: unknown }): string => String(payload);

describe.each(['3.1.1', '5'] as const)('the host application over MQTT %s', (version) => {
  const open = async (now = Date.now) => {
    const broker = await startPacketBroker(version === '5' ? 5 : 4);
    const host = hostOn(broker.url, { version, now });
    host.open();
    await expect.poll(() => publishes(broker).length, WAIT).toBe(1);
    return { broker, host };
  };

  it('connects with its death as the will: offline, the time of the CONNECT, QoS 1, retained', async () => {
    const before = Date.now();
    const { broker } = await open();
    const [connect] = connects(broker);
    expect(connect?.will).toMatchObject({ topic: STATE, qos: 1, retain: true });
    const death = JSON.parse(textOf(connect?.will ?? {})) as { timestamp: number };
    expect(death).toEqual({ online: false, timestamp: expect.any(Number) });
    expect(death.timestamp).toBeGreaterThanOrEqual(before);
    expect(death.timestamp).toBeLessThanOrEqual(Date.now());
  });

  it('wants a clean session', async () => {
    const { broker } = await open();
    const [connect] = connects(broker);
    expect(connect?.clean).toBe(true);
    if (version === '5') expect(connect?.properties?.sessionExpiryInterval).toBe(0);
  });

  it('subscribes to its STATE and the namespace, then publishes its birth, and nothing before', async () => {
    const { broker } = await open();
    expect(broker.packets().map(({ cmd }) => cmd)).toEqual(['connect', 'subscribe', 'publish']);
    const { subscriptions } = broker.packets()[1] as ISubscribePacket;
    expect(subscriptions.map(({ topic, qos }) => [topic, qos])).toEqual([
      [STATE, 1],
      ['spBv1.0/#', 1],
    ]);
  });

  it('is born with the time of its will: online, QoS 1, retained', async () => {
    const { broker } = await open();
    const [connect] = connects(broker);
    const [birth] = publishes(broker);
    const will = JSON.parse(textOf(connect?.will ?? {})) as { timestamp: number };
    expect(birth).toMatchObject({ topic: STATE, qos: 1, retain: true });
    expect(JSON.parse(textOf(birth ?? {}))).toEqual({ online: true, timestamp: will.timestamp });
  });

  it('says online again, with the same time, when its STATE says offline', async () => {
    const { broker } = await open();
    broker.send(STATE, JSON.stringify({ online: false, timestamp: 1 }));
    await expect.poll(() => publishes(broker).length, WAIT).toBe(2);
    const [first, second] = publishes(broker);
    expect(second).toMatchObject({ topic: STATE, qos: 1, retain: true });
    expect(textOf(second ?? {})).toBe(textOf(first ?? {}));
  });

  it('is not moved by its own online, nor by what is no STATE', async () => {
    const { broker, host } = await open();
    broker.send(STATE, textOf(publishes(broker)[0] ?? {}));
    broker.send(STATE, 'OFFLINE');
    broker.send('spBv1.0/STATE/another', JSON.stringify({ online: false, timestamp: 1 }));
    broker.send(STATE, JSON.stringify({ online: false, timestamp: 2 }));
    await expect.poll(() => publishes(broker).length, WAIT).toBe(2);
    await host.close();
    expect(publishes(broker)).toHaveLength(3);
  });

  it('comes back with a new will and birth, of a time that is not before the last', async () => {
    let hubMs = 5_000;
    const { broker } = await open(() => hubMs);
    // The hub's clock was set back: time in STATE must not be.
    hubMs = 1_000;
    broker.drop();
    await expect.poll(() => publishes(broker).length, WAIT).toBe(2);
    const times = publishes(broker).map((packet) => JSON.parse(textOf(packet)).timestamp);
    const wills = connects(broker).map(({ will }) => JSON.parse(textOf(will ?? {})).timestamp);
    expect(times).toEqual([5_000, 5_000]);
    expect(wills).toEqual(times);
  });

  it('publishes its death, with the present time, before it disconnects', async () => {
    let hubMs = 5_000;
    const { broker, host } = await open(() => hubMs);
    hubMs = 9_000;
    await host.close();
    const last = broker.packets().slice(-2);
    expect(last.map(({ cmd }) => cmd)).toEqual(['publish', 'disconnect']);
    expect(last[0]).toMatchObject({ topic: STATE, qos: 1, retain: true });
    expect(JSON.parse(textOf(last[0] as IPublishPacket))).toEqual({
      ...{ online: false, timestamp: 9_000 },
    });
  });

  it('asks for a rebirth by an NCMD: QoS 0, not retained, a timestamp, no seq, the metric true', async () => {
    const { broker } = await open();
    broker.send(
      'spBv1.0/Plant/NDATA/edge-1',
      writePayload({ timestampMs: T0, seq: 4, metrics: [] }),
    );
    await expect.poll(() => publishes(broker).length, WAIT).toBe(2);
    const request = publishes(broker)[1] as IPublishPacket;
    expect(request).toMatchObject({ topic: 'spBv1.0/Plant/NCMD/edge-1', qos: 0, retain: false });
    const payload = readPayload(request.payload as Buffer);
    expect(payload).toMatchObject({
      ok: true,
      value: {
        timestampMs: expect.any(Number),
        seq: null,
        metrics: [{ name: 'Node Control/Rebirth', value: { kind: 'boolean', value: true } }],
      },
    });
  });
});

describe('the host application', () => {
  it('does not connect before it is the host', async () => {
    const broker = await startPacketBroker(4);
    const standby = hostOn(broker.url);
    const host = hostOn(broker.url);
    host.open();
    await expect.poll(() => publishes(broker).length, WAIT).toBe(1);
    expect(connects(broker)).toHaveLength(1);
    expect(standby.readiness().ok).toBe(true);
  });

  it('asks edge nodes that come all at once in bounded number, each a moment later', async () => {
    const broker = await startPacketBroker(4);
    const host = hostOn(broker.url, {
      settings: { rebirthsPerSecondMax: 1, rebirthIntervalMs: 1 },
    });
    host.open();
    await expect.poll(() => publishes(broker).length, WAIT).toBe(1);
    const data = writePayload({ timestampMs: T0, seq: 4, metrics: [] });
    for (let n = 0; n < 50; n += 1) broker.send('spBv1.0/Plant/NDATA/edge-1', data);
    await expect.poll(() => publishes(broker).length, WAIT).toBeGreaterThanOrEqual(2);
    // Fifty would have been asked for in a fraction of the second in which one may.
    expect(publishes(broker).length).toBeLessThan(10);
  });

  it('subscribes to its groups only, when they are named', async () => {
    const broker = await startPacketBroker(4);
    hostOn(broker.url, { settings: { groups: ['Plant', 'Hall 2'] } }).open();
    await expect.poll(() => publishes(broker).length, WAIT).toBe(1);
    const { subscriptions } = broker.packets()[1] as ISubscribePacket;
    expect(subscriptions.map(({ topic }) => topic)).toEqual([
      ...[STATE, 'spBv1.0/Plant/#', 'spBv1.0/Hall 2/#'],
    ]);
  });
});
