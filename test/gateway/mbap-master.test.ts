import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createMbapReader, encodeMbapRead } from '../../src/gateway/modbus/mbap.ts';
import { createMbapMaster } from '../../src/gateway/modbus/mbap-master.ts';
import type { ModbusMaster } from '../../src/gateway/modbus/modbus-master.ts';
import { decodeReadPdu, type ReadRequest } from '../../src/gateway/modbus/pdu.ts';
import { tcpLink } from '../../src/gateway/modbus/tcp-link.ts';
import { freePort } from '../free-port.ts';
import {
  type RawRequest,
  startForeignServer,
  startRawServer,
  type TestServer,
} from './modbus-servers.ts';

const tcp = (port: number) => tcpLink({ host: '127.0.0.1', port, connectTimeoutMs: 1_000 });
const timing = { reconnectMsMin: 1, reconnectMsMax: 5, afterConnectMs: 0 };

async function connected(
  port: number,
  inFlightMax = 1,
  aliasesOf: (unitId: number) => readonly number[] = () => [],
): Promise<ModbusMaster & { states: string[] }> {
  const states: string[] = [];
  const master = createMbapMaster({
    open: tcp(port),
    ...timing,
    inFlightMax,
    aliasesOf,
    onState: (state, reason) => states.push(`${state}: ${reason}`),
  });
  onTestFinished(master.close);
  await vi.waitFor(() => expect(master.isUp()).toBe(true), { timeout: 30_000, interval: 1 });
  return { ...master, states };
}

async function closing<T extends TestServer>(server: Promise<T>): Promise<T> {
  const started = await server;
  onTestFinished(() => started.close());
  return started;
}

const request = (address: number, words = 2): ReadRequest => ({
  unitId: 1,
  table: 'holding',
  address,
  words,
});

/** Every register holds its own address, so that a value tells which question it answers. */
const own = (address: number): number => address;

const patched = (reply: Buffer, at: number, byte: number): Buffer => {
  const copy = Buffer.from(reply);
  copy[at] = byte;
  return copy;
};

/** What a broken or malicious slave may send instead of its reply. */
const FORGERIES: Readonly<Record<string, (request: RawRequest) => Buffer>> = {
  'another unit': (r) => patched(r.honest(own), 6, r.unitId + 1),
  'another function': (r) => patched(r.honest(own), 7, 4),
  'another function, as an exception': (r) =>
    Buffer.from([...r.honest(own).subarray(0, 4), 0, 3, r.unitId, 0x84, 2]),
  'a wrong byte count': (r) => patched(r.honest(own), 8, r.words * 2 + 2),
  'a register too few': (r) => {
    const reply = r.honest(own).subarray(0, -2);
    return patched(patched(reply, 5, reply.length - 6), 8, r.words * 2 - 2);
  },
  'a register too many': (r) => {
    const reply = Buffer.concat([r.honest(own), Buffer.from([0, 7])]);
    return patched(patched(reply, 5, reply.length - 6), 8, r.words * 2 + 2);
  },
  'a protocol id': (r) => patched(r.honest(own), 3, 1),
  'a length of 1': (r) => patched(r.honest(own), 5, 1),
  'a length of 255': (r) => patched(r.honest(own), 5, 255),
  'an exception of two bytes': (r) =>
    Buffer.from([...r.honest(own).subarray(0, 4), 0, 4, r.unitId, 0x83, 2, 2]),
};

describe('the Modbus TCP master', () => {
  it('reads a server that nobody here wrote', async () => {
    const server = await closing(startForeignServer((unitId, address) => unitId * 100 + address));
    const master = await connected(server.port);
    const reply = await master.read({ unitId: 7, table: 'input', address: 30, words: 3 }, 500);
    expect(reply).toMatchObject({ ok: true, value: { kind: 'words', words: [730, 731, 732] } });
  });

  it('gives the exception code of a server that nobody here wrote', async () => {
    const server = await closing(startForeignServer(() => null));
    const master = await connected(server.port);
    const reply = await master.read(request(0), 500);
    expect(reply).toMatchObject({ ok: true, value: { kind: 'exception', code: 4 } });
  });

  it('drops a late reply, counts it, and never takes it for another register', async () => {
    let held: Buffer | undefined;
    const server = await closing(
      startRawServer((r, socket) => {
        if (r.address === 100) held = r.honest(own);
        else if (held !== undefined) {
          socket.write(held);
          held = undefined;
          socket.write(r.honest(own));
        } else socket.write(r.honest(own));
      }),
    );
    const master = await connected(server.port);
    expect(await master.read(request(100), 30)).toMatchObject({ ok: false, reason: 'timeout' });
    for (const address of [200, 300, 400]) {
      const reply = await master.read(request(address), 500);
      expect(reply).toMatchObject({ value: { words: [address, address + 1] } });
    }
    expect(master.counters()).toMatchObject({ lateReplies: 1, timeouts: 1, violations: 0 });
    expect(master.isUp()).toBe(true);
  });

  it('drops a reply that nobody asked for and waits on for its own', async () => {
    const server = await closing(
      startRawServer((r, socket) => {
        socket.write(
          patched(
            r.honest(() => 9),
            0,
            ((r.transaction >>> 8) + 1) & 0xff,
          ),
        );
        socket.write(r.honest(own));
      }),
    );
    const master = await connected(server.port);
    expect(await master.read(request(5), 500)).toMatchObject({ value: { words: [5, 6] } });
    expect(master.counters().strayReplies).toBe(1);
  });

  for (const [what, forge] of Object.entries(FORGERIES)) {
    it(`ends the connection on ${what}, gives no value, and reads right afterwards`, async () => {
      let isHonest = false;
      const server = await closing(
        startRawServer((r, socket) => socket.write(isHonest ? r.honest(own) : forge(r))),
      );
      const master = await connected(server.port);
      const reply = await master.read(request(5), 500);
      expect(reply).toMatchObject({ ok: false, reason: 'violation' });
      expect(master.counters().violations).toBe(1);
      expect(master.isUp()).toBe(false);
      isHonest = true;
      await vi.waitFor(() => expect(master.isUp()).toBe(true), { timeout: 30_000, interval: 1 });
      expect(await master.read(request(8), 500)).toMatchObject({ value: { words: [8, 9] } });
    });
  }

  it('ends the connection when half a reply is all that comes in time', async () => {
    const server = await closing(
      startRawServer((r, socket) => socket.write(r.honest(own).subarray(0, 8))),
    );
    const master = await connected(server.port);
    expect(await master.read(request(5), 30)).toMatchObject({ ok: false, reason: 'timeout' });
    expect(master.isUp()).toBe(false);
    expect(master.counters().violations).toBe(1);
  });

  it('takes a reply that comes byte by byte', async () => {
    const server = await closing(
      startRawServer((r, socket) => {
        for (const byte of r.honest(own)) socket.write(Buffer.from([byte]));
      }),
    );
    const master = await connected(server.port);
    expect(await master.read(request(40), 500)).toMatchObject({ value: { words: [40, 41] } });
  });

  it('takes a connection that is silent three times in a row for dead', async () => {
    const server = await closing(startRawServer(() => undefined));
    const master = await connected(server.port);
    for (let i = 0; i < 3; i += 1) await master.read(request(0), 5);
    expect(master.states.at(-1)).toBe('down: 3 timeouts in a row');
  });

  it('settles a read when the other side closes, and when it is closed itself', async () => {
    const server = await closing(startRawServer((r, socket) => r.address === 1 && socket.end()));
    const master = await connected(server.port);
    expect(await master.read(request(1), 10_000)).toMatchObject({ ok: false, reason: 'lost' });
    await vi.waitFor(() => expect(master.isUp()).toBe(true), { timeout: 30_000, interval: 1 });
    const reading = master.read(request(2), 10_000);
    master.close();
    expect(await reading).toMatchObject({ ok: false, reason: 'lost' });
    expect(await master.read(request(3), 10_000)).toMatchObject({ ok: false, reason: 'down' });
  });

  it('has several requests in flight where that is allowed, whatever the order of the replies', async () => {
    const held: (() => void)[] = [];
    const server = await closing(
      startRawServer((r, socket) => {
        held.push(() => socket.write(r.honest(own)));
        if (held.length === 4) for (const send of held.reverse()) send();
      }),
    );
    const master = await connected(server.port, 4);
    const addresses = [10, 20, 30, 40];
    const replies = await Promise.all(addresses.map((a) => master.read(request(a), 500)));
    for (const [i, reply] of replies.entries()) {
      expect(reply).toMatchObject({ value: { words: [addresses[i], addresses[i]! + 1] } });
    }
    held.length = 0;
    const pending = addresses.map((a) => master.read(request(a), 30));
    expect(() => master.read(request(50), 30)).toThrow(/4 transactions are outstanding/);
    await Promise.all(pending);
  });

  it('takes a reply of another unit id only if the unit is known to answer so', async () => {
    const server = await closing(
      startRawServer((r, socket) => {
        const reply = Buffer.from(r.honest(() => 5));
        reply[6] = 255;
        socket.write(reply);
      }),
    );
    const strict = await connected(server.port);
    expect(await strict.read(request(0), 1_000)).toMatchObject({
      reason: 'violation',
      detail: expect.stringContaining('set protocol.unitAliases: [255]'),
    });
    const knowing = await connected(server.port, 1, (unitId) => (unitId === 1 ? [255] : []));
    expect(await knowing.read(request(0), 1_000)).toMatchObject({ value: { words: [5, 5] } });
  });

  it('keeps the last exchanges as bytes, for whoever must see a fault', async () => {
    const server = await closing(startRawServer((r, socket) => socket.write(r.honest(() => 5))));
    const master = await connected(server.port);
    for (let i = 0; i < 40; i += 1) await master.read(request(i), 1_000);
    const exchanges = master.exchanges();
    expect(exchanges).toHaveLength(32);
    expect(exchanges.at(-1)).toMatchObject({ outcome: 'ok' });
    expect(exchanges.at(-1)!.request).toMatch(/^[0-9a-f]{4}0000000601030027\w{4}$/);
    expect(exchanges.at(-1)!.reply).toMatch(/^[0-9a-f]{4}000000070103040005\w{4}$/);
  });

  it('says that it is down when nobody listens, and comes up when somebody does', async () => {
    const port = await freePort();
    const states: string[] = [];
    const onState = (state: string): number => states.push(state);
    const one = { inFlightMax: 1, aliasesOf: () => [] };
    const master = createMbapMaster({ open: tcp(port), ...timing, ...one, onState });
    onTestFinished(master.close);
    expect(await master.read(request(0), 100)).toMatchObject({ ok: false, reason: 'down' });
    await vi.waitFor(() => expect(states.length).toBeGreaterThan(3), {
      timeout: 30_000,
      interval: 1,
    });
    expect(new Set(states)).toEqual(new Set(['down']));
  });

  it('gives no wrong value in 2,000 reads from a slave that is late, doubled, cut or forged at random', async () => {
    const kinds = ['ok', 'ok', 'ok', 'late', 'twice', 'split', 'silent', ...Object.keys(FORGERIES)];
    let draw = 12_345;
    const random = (): number => {
      draw = (draw * 1_103_515_245 + 12_345) & 0x7fff_ffff;
      return draw / 0x8000_0000;
    };
    let late: Buffer[] = [];
    const server = await closing(
      startRawServer((r, socket) => {
        const kind = kinds[Math.floor(random() * kinds.length)]!;
        const reply = r.honest(own);
        if (random() < 0.5) {
          for (const old of late) socket.write(old);
          late = [];
        }
        if (kind === 'late') late.push(reply);
        else if (kind === 'twice') socket.write(Buffer.concat([reply, reply]));
        else if (kind === 'split') {
          socket.write(reply.subarray(0, 7));
          setImmediate(() => socket.writable && socket.write(reply.subarray(7)));
        } else if (kind !== 'silent') {
          socket.write(kind === 'ok' ? reply : FORGERIES[kind]!(r));
        }
      }),
    );
    const master = await connected(server.port);
    let good = 0;
    for (let i = 0; i < 2_000; i += 1) {
      const address = (i * 37) % 60_000;
      const reply = await master.read(request(address, 1 + (i % 3)), 6);
      if (reply.ok && reply.value.kind === 'words') {
        expect(reply.value.words).toEqual(reply.value.words.map((_, k) => address + k));
        good += 1;
      } else if (!reply.ok && reply.reason === 'down') {
        await vi.waitFor(() => expect(master.isUp()).toBe(true), { timeout: 30_000, interval: 1 });
      }
    }
    expect(good).toBeGreaterThan(200);
    expect(master.counters().lateReplies).toBeGreaterThan(10);
    expect(master.counters().violations).toBeGreaterThan(100);
  }, 30_000);
});

describe('the MBAP reader', () => {
  it('cuts a stream into the same frames however it is chunked', () => {
    const requests = fc.array(
      fc.record({ transaction: fc.nat(0xffff), unitId: fc.nat(255), address: fc.nat(0xffff) }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(requests, fc.infiniteStream(fc.integer({ min: 1, max: 30 })), (list, sizes) => {
        const stream = Buffer.concat(
          list.map((r) => encodeMbapRead(r.transaction, { ...request(r.address), ...r })),
        );
        const reader = createMbapReader();
        const seen: number[] = [];
        for (let at = 0; at < stream.length; ) {
          const size = sizes.next().value as number;
          const frames = reader.push(stream.subarray(at, at + size));
          if (frames.ok) seen.push(...frames.value.map((frame) => frame.transaction));
          at += size;
        }
        expect(seen).toEqual(list.map((r) => r.transaction));
        expect(reader.isInsideFrame()).toBe(false);
      }),
    );
  });

  it('never throws and never takes random bytes for a reply of the right shape by chance alone', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const frames = createMbapReader().push(bytes);
        if (!frames.ok) return;
        for (const { pdu } of frames.value) {
          const reply = decodeReadPdu(request(0, 5), pdu);
          if (!reply.ok || reply.value.kind !== 'words') continue;
          expect([...pdu.subarray(0, 2)]).toEqual([3, 10]);
          expect(pdu).toHaveLength(12);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
