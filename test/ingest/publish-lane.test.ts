import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Client } from 'aedes';
import fc from 'fast-check';
import mqttPacket from 'mqtt-packet';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createPublishLanes, type LanePacket } from '../../src/ingest/embedded/publish-lane.ts';
import { createPacketGuard } from '../../src/ingest/packet-guard.ts';

const turn = (): Promise<void> => new Promise((next) => setImmediate(next));
afterEach(() => {
  vi.useRealTimers();
});

interface Taken extends LanePacket {
  readonly done: (error?: Error | null) => void;
}

/** A lane on a socket that only remembers what is written; `takesWrites: false`: it is full. */
function createLane({ keepAliveS = 0, isOpen = true, takesWrites = true } = {}) {
  const written: Buffer[] = [];
  const socket = Object.assign(new EventEmitter(), {
    destroyed: false,
    takesWrites,
    write(bytes: Buffer) {
      written.push(bytes);
      return this.takesWrites;
    },
    destroy(error?: Error) {
      socket.destroyed = true;
      socket.emit('close', error);
    },
  });
  const taken: Taken[] = [];
  const client = { id: 'gw-1' } as Client;
  const lane = createPublishLanes({
    authorize: (of, packet, done) => {
      expect(of).toBe(client);
      taken.push({ ...packet, done });
    },
    drainTimeoutMs: 10_000,
  }).of(socket as unknown as Socket);
  if (isOpen) lane.open(client, keepAliveS);
  return { lane, socket, taken, written, open: () => lane.open(client, keepAliveS) };
}

const publish = (messageId: number, payload = '{}', over: object = {}): Buffer =>
  mqttPacket.generate({
    ...{ cmd: 'publish', topic: 'wugan/v1/330106/gw-1/live', payload, qos: 1, messageId },
    ...{ retain: false, dup: false },
    ...over,
  } as mqttPacket.IPublishPacket);

const ids = (written: readonly Buffer[]): number[] => {
  const bytes = Buffer.concat(written);
  const found: number[] = [];
  for (let at = 0; at < bytes.length; at += 4) {
    expect(bytes.subarray(at, at + 2)).toEqual(Buffer.from([0x40, 2]));
    found.push(bytes.readUInt16BE(at + 2));
  }
  return found;
};

/** A packet, and whether the lane takes it. */
const anyPacket = fc.oneof(
  fc.record({
    bytes: fc
      .tuple(fc.integer({ min: 1, max: 65_535 }), fc.string({ maxLength: 300 }), fc.boolean())
      .map(([id, payload, dup]) => publish(id, payload, { dup })),
    isForLane: fc.constant(true),
  }),
  fc.record({
    bytes: fc.constantFrom(
      Buffer.from([0xc0, 0]),
      Buffer.from([0xe0, 0]),
      publish(1, 'last', { retain: true }),
      publish(7, 'twice', { qos: 2 }),
      mqttPacket.generate({
        ...{ cmd: 'publish', topic: 'a/b', payload: 'x', qos: 0, retain: false, dup: false },
      } as mqttPacket.IPublishPacket),
      mqttPacket.generate({
        ...{ cmd: 'subscribe', messageId: 3, subscriptions: [{ topic: 'a/b', qos: 1 }] },
      } as mqttPacket.ISubscribePacket),
      // Malformed: without an id, of id 0, a topic longer than the packet.
      Buffer.from([0x32, 3, 0, 1, 97]),
      Buffer.from([0x32, 5, 0, 1, 97, 0, 0]),
      Buffer.from([0x32, 4, 0, 9, 97, 97]),
    ),
    isForLane: fc.constant(false),
  }),
);

describe('createPublishLanes()', () => {
  it('cuts the same packets out however the bytes are cut, and leaves the rest as it was', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(fc.array(anyPacket, { maxLength: 30 }), cuts, (packets, sizes) => {
        const { lane, taken } = createLane();
        const guard = createPacketGuard();
        const stream = Buffer.concat(packets.map(({ bytes }) => bytes));
        const rest: Buffer[] = [];
        for (let at = 0, i = 0; at < stream.length; i += 1) {
          const chunk = stream.subarray(at, at + (sizes[i % sizes.length] as number));
          at += chunk.length;
          const isAtPacket = guard.isAtPacket();
          // The first packet need not be a CONNECT: only its headers matter here.
          guard.pass(chunk);
          const passed = lane.pass(Buffer.from(chunk), isAtPacket);
          if (passed !== null) rest.push(passed);
        }
        const forLane = packets.filter((packet) => packet.isForLane);
        const again = taken.map(({ topic, payload }) => ({ topic, payload: payload.toString() }));
        const expected = forLane.map(({ bytes }) => {
          const parser = mqttPacket.parser();
          let read: mqttPacket.IPublishPacket | undefined;
          parser.on('packet', (packet) => {
            read = packet as mqttPacket.IPublishPacket;
          });
          parser.parse(bytes);
          return { topic: read?.topic, payload: read?.payload.toString() };
        });
        expect(again).toEqual(expected);
        const others = packets.filter((packet) => !packet.isForLane).map(({ bytes }) => bytes);
        expect(Buffer.concat(rest)).toEqual(Buffer.concat(others));
      }),
    );
  });

  it('touches nothing before its client was let in, nor the end of a packet begun before', () => {
    const { lane, taken, open } = createLane({ isOpen: false });
    const [first, second] = [publish(1), publish(2)];
    expect(lane.pass(first, true)).toBe(first);
    expect(lane.pass(second.subarray(0, 5), true)).toEqual(second.subarray(0, 5));
    open();
    expect(lane.pass(second.subarray(5), false)).toEqual(second.subarray(5));
    expect(lane.pass(publish(3), true)).toBeNull();
    expect(taken).toHaveLength(1);
  });

  it('acknowledges what is done, all of one commit in one write, and nothing before', async () => {
    const { lane, taken, written } = createLane();
    lane.pass(Buffer.concat([publish(5), publish(6), publish(7)]), true);
    await turn();
    expect(written).toEqual([]);
    taken[2]?.done(null);
    taken[0]?.done(null);
    await turn();
    expect(written).toHaveLength(1);
    expect(ids(written)).toEqual([7, 5]);
    taken[1]?.done(null);
    await turn();
    expect(ids(written)).toEqual([7, 5, 6]);
  });

  it('closes a client that may not publish there, and acknowledges it no more', async () => {
    const { lane, taken, written, socket } = createLane();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    lane.pass(Buffer.concat([publish(1), publish(2)]), true);
    taken[0]?.done(new Error('not its own'));
    taken[1]?.done(null);
    expect(await closed).toEqual(new Error('not its own'));
    await turn();
    expect(written).toEqual([]);
  });

  it('reads no more at its bound, and goes on by itself when some are done', async () => {
    const { lane, taken, socket } = createLane();
    const large = 'x'.repeat(300_000);
    let asked = 0;
    socket.on('readable', () => {
      asked += 1;
    });
    for (let id = 1; !lane.isBusy(); id += 1) lane.pass(publish(id, large), true);
    expect(taken).toHaveLength(4);
    expect(asked).toBe(0);
    taken[0]?.done(null);
    await expect.poll(() => asked).toBe(1);
    expect(lane.isBusy()).toBe(false);
  });

  it('waits for a client that takes no acknowledgements, and closes it in the end', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { lane, taken, socket } = createLane({ takesWrites: false });
    lane.pass(publish(1), true);
    taken[0]?.done(null);
    await turn();
    expect(lane.isBusy()).toBe(true);
    socket.takesWrites = true;
    socket.emit('drain');
    await turn();
    expect(lane.isBusy()).toBe(false);
    vi.advanceTimersByTime(20_000);
    expect(socket.destroyed).toBe(false);
    socket.takesWrites = false;
    lane.pass(publish(2), true);
    taken[1]?.done(null);
    await turn();
    vi.advanceTimersByTime(10_001);
    expect(socket.destroyed).toBe(true);
  });

  it('lets aedes see a message often enough for its keep-alive timer', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { lane, taken } = createLane({ keepAliveS: 4 });
    const seen: number[] = [];
    for (let atMs = 0; atMs <= 10_000; atMs += 500) {
      if (lane.pass(publish(1), true) !== null) seen.push(atMs);
      vi.advanceTimersByTime(500);
    }
    expect(seen).toEqual([2_000, 4_000, 6_000, 8_000, 10_000]);
    expect(taken).toHaveLength(16);
  });
});
