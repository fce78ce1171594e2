import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readSpoolPosition } from '../../src/gateway/gateway.ts';
import {
  openSpool,
  type Spool,
  type SpoolItem,
  type SpoolSettings,
} from '../../src/gateway/spool.ts';
import { createFillWatch } from '../../src/gateway/spool-fill.ts';
import { ROW_BYTES } from '../../src/gateway/spool-statements.ts';
import { sha256Hex } from '../../src/model/digest.ts';
import { DeviceId, GatewayId, ZERO_HASH } from '../../src/model/ids.ts';
import type { AckMessage } from '../../src/telemetry/messages.ts';
import { generateKeyPem, signingKeyFromPem, verifyMessage } from '../../src/telemetry/signing.ts';
import { testFolder } from './gateway-fixture.ts';

const T = 1_763_794_800_000;
const key = signingKeyFromPem(generateKeyPem());
const device = DeviceId.parse('dev-1');

function open(file: string, overrides: Partial<SpoolSettings> = {}): Spool {
  const spool = openSpool({
    file,
    gateway: GatewayId.parse('gw-test'),
    key,
    bytesMax: 1_000_000,
    ageMsMax: 86_400_000,
    sealEveryBatches: 100,
    nowMs: T,
    isClockWatched: true,
    faultPoint: () => undefined,
    ...overrides,
  });
  let isOpen = true;
  const close = (): void => {
    if (isOpen) spool.close();
    isOpen = false;
  };
  onTestFinished(close);
  return { ...spool, close };
}

const file = (): string => join(testFolder(), 'spool.sqlite');

/** Appends batches whose bytes are their links and filling, one a second. */
function append(spool: Spool, count: number, { fromMs = T, bytes = 100 } = {}): void {
  for (let i = 1; i <= count; i += 1) {
    const createdAtMs = fromMs + i * 1_000;
    spool.append({
      createdAtMs,
      encode: (link) => Buffer.from(JSON.stringify({ ...link, fill: 'x'.repeat(bytes) })),
      positions: new Map([[device, createdAtMs]]),
    });
  }
}

function itemsOf(spool: Spool): SpoolItem[] {
  const items: SpoolItem[] = [];
  for (let item = spool.nextAfter(0); item !== null; item = spool.nextAfter(item.id)) {
    items.push(item);
  }
  return items;
}

const messagesOf = (spool: Spool, kind: SpoolItem['kind']) =>
  itemsOf(spool)
    .filter((item) => item.kind === kind)
    .map((item) => JSON.parse(Buffer.from(item.payload).toString()));

const ackOf = (epoch: string, part: Partial<AckMessage['epochs'][number]>): AckMessage => ({
  v: 1,
  gateway: GatewayId.parse('gw-test'),
  accepts: [1],
  at: T,
  epochs: [{ epoch, durable: 0, stored: [], sealed: 0, ...part }],
  keyId: '',
  sig: '',
});

const allSent = (): boolean => false;

describe('the spool', () => {
  it('starts an epoch at seq 1 with prev of zeros and chains every batch to the one before', () => {
    const spool = open(file());
    append(spool, 5);
    const batches = itemsOf(spool);
    let prev = ZERO_HASH;
    for (const [i, { payload }] of batches.entries()) {
      const link = JSON.parse(Buffer.from(payload).toString());
      expect(link).toMatchObject({ epoch: spool.head().epoch, seq: i + 1, prev });
      prev = sha256Hex(payload);
    }
    expect(spool.head()).toMatchObject({ seq: 5, hash: prev });
  });

  it('goes on in the same epoch after it was closed and opened', () => {
    const path = file();
    const first = open(path);
    append(first, 3);
    const head = first.head();
    first.close();
    const second = open(path, { nowMs: T + 10_000 });
    expect(second.head()).toEqual(head);
    append(second, 1, { fromMs: T + 10_000 });
    expect(messagesOf(second, 'batch').at(-1)).toMatchObject({ seq: 4, prev: head.hash });
  });

  it('remembers the last time of each device, also for who reads the file alone', () => {
    const path = file();
    expect(readSpoolPosition(path)).toBeNull();
    const spool = open(path);
    expect(spool.positionOf(device)).toBeNull();
    append(spool, 3);
    expect(spool.positionOf(device)).toBe(T + 3_000);
    spool.close();
    expect(readSpoolPosition(path)).toBe(T + 3_000);
  });

  it('is held by one process: a second one is refused, not let in', () => {
    const path = file();
    append(open(path), 1);
    expect(() => open(path)).toThrow(/Cannot use .*spool.sqlite: another process holds it/);
    expect(readdirSync(join(path, '..')).filter((name) => name.includes('damaged'))).toEqual([]);
  });

  it('signs the head once, after the set number of batches and when asked', () => {
    const spool = open(file(), { sealEveryBatches: 4 });
    append(spool, 9);
    spool.seal(T);
    spool.seal(T);
    const seals = messagesOf(spool, 'seal');
    expect(seals.map((seal) => seal.upTo)).toEqual([4, 8, 9]);
    expect(seals.every((seal) => verifyMessage(seal, key.publicKey))).toBe(true);
    expect(seals.at(-1)?.hash).toBe(spool.head().hash);
  });

  it('carries the chain over to a new epoch, and seals the old one', () => {
    const spool = open(file());
    append(spool, 3);
    const before = spool.head();
    spool.openEpoch('clock-step', T);
    spool.openEpoch('clock-step', T);
    append(spool, 1);
    expect(messagesOf(spool, 'batch').at(-1)).toMatchObject({ seq: 1, prev: before.hash });
    expect(messagesOf(spool, 'seal')).toMatchObject([{ epoch: before.epoch, upTo: 3 }]);
  });
});

describe('an epoch opens', () => {
  const epochAfter = (path: string, nowMs: number, isClockWatched = true): string =>
    open(path, { nowMs, isClockWatched }).head().epoch;

  function madeSpool(): { path: string; epoch: string } {
    const path = file();
    const spool = open(path);
    append(spool, 10);
    const { epoch } = spool.head();
    spool.close();
    return { path, epoch };
  }

  it('when the clock stands behind the last batch at the start', () => {
    const { path, epoch } = madeSpool();
    expect(epochAfter(path, T + 8_900)).not.toBe(epoch);
  });

  it('but not a second behind, and not for a virtual clock', () => {
    const { path, epoch } = madeSpool();
    expect(epochAfter(path, T, false)).toBe(epoch);
    const other = madeSpool();
    expect(epochAfter(other.path, T + 9_100)).toBe(other.epoch);
  });

  it('when the file is a copy put back', () => {
    const { path, epoch } = madeSpool();
    const copy = file();
    copyFileSync(path, copy);
    const spool = open(copy, { nowMs: T + 20_000 });
    expect(spool.head().epoch).not.toBe(epoch);
    expect(itemsOf(spool).filter(({ kind }) => kind === 'batch')).toHaveLength(10);
  });

  it('when the file is no database: it is put aside, not deleted', () => {
    const path = file();
    writeFileSync(path, 'not a database '.repeat(500));
    const spool = open(path);
    append(spool, 1);
    expect(spool.head().seq).toBe(1);
    const aside = readdirSync(join(path, '..')).filter((name) => name.includes('.damaged-'));
    expect(aside).toHaveLength(1);
  });
});

describe('a spool of another gateway', () => {
  it('is put aside with all that is in it, and a new one is made', () => {
    const path = file();
    const other = open(path, { gateway: GatewayId.parse('gw-other') });
    append(other, 10);
    other.close();
    const spool = open(path);
    expect(spool.origin).toBe('foreign');
    expect(itemsOf(spool)).toEqual([]);
    expect(spool.head()).toMatchObject({ seq: 0, hash: ZERO_HASH });
    const aside = readdirSync(join(path, '..')).find((name) => name.includes('.of-gw-other-'))!;
    const kept = open(join(path, '..', aside), { gateway: GatewayId.parse('gw-other') });
    expect(messagesOf(kept, 'batch')).toHaveLength(10);
  });
});

describe('a damaged spool', () => {
  it('is put aside when it is opened, if what is needed first is damaged', () => {
    const path = file();
    const first = open(path);
    append(first, 200, { bytes: 3_000 });
    first.close();
    const bytes = readFileSync(path);
    bytes.fill(0x5a, 8_192, bytes.length - 8_192);
    writeFileSync(path, bytes);
    const spool = open(path, { nowMs: T + 200_000 });
    expect(spool.origin).toBe('damaged');
    append(spool, 1, { fromMs: T + 200_000 });
    expect(spool.head().seq).toBe(1);
  });

  it('says so when it shows while it is open, and is put aside at the next start', () => {
    const path = file();
    const first = open(path);
    append(first, 200, { bytes: 3_000 });
    first.close();
    const bytes = readFileSync(path);
    bytes.fill(0x5a, bytes.length / 2, bytes.length - 40_960);
    writeFileSync(path, bytes);
    const faults: unknown[] = [];
    const second = open(path, { nowMs: T + 200_000, onDamage: (error) => faults.push(error) });
    expect(() => itemsOf(second)).toThrow(/malformed/);
    expect(faults.length).toBeGreaterThan(0);
    second.close();
    const third = open(path, { nowMs: T + 201_000 });
    expect(third.origin).toBe('damaged');
    append(third, 1, { fromMs: T + 201_000 });
    expect(third.head().seq).toBe(1);
    expect(readdirSync(join(path, '..')).some((name) => name.includes('.damaged-'))).toBe(true);
    third.close();
    expect(open(path, { nowMs: T + 203_000 }).origin).toBe('opened');
  });
});

describe('settle()', () => {
  it('deletes what is durable or stored above it, and says what it deleted', () => {
    const spool = open(file());
    append(spool, 10);
    const { epoch } = spool.head();
    const { deleted, isAboveHead } = spool.settle(
      ackOf(epoch, {
        durable: 3,
        stored: [
          [5, 6],
          [9, 9],
        ],
      }),
      allSent,
    );
    expect(messagesOf(spool, 'batch').map((batch) => batch.seq)).toEqual([4, 7, 8, 10]);
    expect(deleted).toHaveLength(6);
    expect(isAboveHead).toBe(false);
    expect(spool.stats(T).items).toBe(4);
  });

  it('deletes a seal when a seal as high is stored, not when its batches are', () => {
    const spool = open(file(), { sealEveryBatches: 5 });
    append(spool, 10);
    const { epoch } = spool.head();
    spool.settle(ackOf(epoch, { durable: 10 }), allSent);
    expect(messagesOf(spool, 'seal').map((seal) => seal.upTo)).toEqual([5, 10]);
    spool.settle(ackOf(epoch, { durable: 10, sealed: 5 }), allSent);
    expect(messagesOf(spool, 'seal').map((seal) => seal.upTo)).toEqual([10]);
  });

  it('does nothing for an epoch that it does not know', () => {
    const spool = open(file());
    append(spool, 2);
    const other = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
    expect(spool.settle(ackOf(other, { durable: 9 }), allSent)).toEqual({
      deleted: [],
      isAboveHead: false,
    });
  });

  it('keeps what was never sent, whatever the ack says, and names an ack above the head', () => {
    const spool = open(file());
    append(spool, 4);
    const { epoch } = spool.head();
    const { deleted, isAboveHead } = spool.settle(ackOf(epoch, { durable: 9 }), (id) => id > 2);
    expect(deleted).toEqual([1, 2]);
    expect(isAboveHead).toBe(true);
    expect(spool.settle(ackOf(epoch, { stored: [[5, 5]] }), allSent).isAboveHead).toBe(true);
    expect(spool.settle(ackOf(epoch, { sealed: 5 }), allSent).isAboveHead).toBe(true);
  });

  it('forgets nothing and invents nothing in any order of appends and acks', () => {
    const step = fc.oneof(
      fc.record({ append: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ durable: fc.nat(30) }),
      fc.record({ stored: fc.tuple(fc.integer({ min: 1, max: 30 }), fc.nat(5)) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const spool = open(file(), { sealEveryBatches: 1_000 });
        const { epoch } = spool.head();
        const kept = new Set<number>();
        let seq = 0;
        for (const s of steps) {
          if ('append' in s) {
            append(spool, s.append, { bytes: 1 });
            for (let i = 0; i < s.append; i += 1) kept.add(++seq);
            continue;
          }
          const [from, to] =
            'durable' in s ? [1, s.durable] : [s.stored[0], s.stored[0] + s.stored[1]];
          const part =
            'durable' in s ? { durable: to } : { stored: [[from, to]] as [number, number][] };
          spool.settle(ackOf(epoch, part), allSent);
          for (let i = from; i <= to; i += 1) kept.delete(i);
        }
        expect(messagesOf(spool, 'batch').map((batch) => batch.seq)).toEqual([...kept]);
        const bytes = itemsOf(spool).reduce((sum, { payload }) => sum + payload.length, 0);
        const { items, bytes: held } = spool.stats(T);
        expect([items, held]).toEqual([kept.size, bytes + kept.size * ROW_BYTES]);
        spool.close();
      }),
      { numRuns: 25 },
    );
  });
});

describe('a full spool', () => {
  it('gives up the oldest in one signed gap that carries the chain', () => {
    const spool = open(file(), { bytesMax: 20_000 });
    append(spool, 100, { bytes: 300 });
    const gaps = messagesOf(spool, 'gap');
    const batches = messagesOf(spool, 'batch');
    expect(gaps[0]).toMatchObject({ from: 1, prev: ZERO_HASH, reason: 'spool-full' });
    expect(verifyMessage(gaps[0], key.publicKey)).toBe(true);
    expect(batches[0]).toMatchObject({ seq: gaps.at(-1).to + 1, prev: gaps.at(-1).hash });
    expect(batches.at(-1)).toMatchObject({ seq: 100 });
    expect(gaps).toHaveLength(1);
    expect(spool.stats(T).bytes).toBeLessThanOrEqual(20_000);
    expect(spool.stats(T).batchesGivenUp).toBe(gaps.at(-1).to);
  });

  it('leaves a gap that may have been sent as it is, and makes another', () => {
    const spool = open(file(), { bytesMax: 20_000 });
    append(spool, 50, { bytes: 300 });
    const [first] = messagesOf(spool, 'gap');
    append(spool, 10, { bytes: 300 });
    const gaps = messagesOf(spool, 'gap');
    expect(gaps[0]).toEqual(first);
    expect(gaps[1]).toMatchObject({ from: first.to + 1, prev: first.hash });
  });

  it('speaks for separate stretches in separate gaps', () => {
    const spool = open(file(), { bytesMax: 45_000 });
    append(spool, 40, { bytes: 300 });
    const { epoch } = spool.head();
    spool.settle(ackOf(epoch, { stored: [[2, 30]] }), allSent);
    append(spool, 45, { bytes: 300 });
    const gaps = messagesOf(spool, 'gap');
    expect(gaps[0]).toMatchObject({ from: 1, to: 1 });
    expect(gaps[1]).toMatchObject({ from: 31 });
  });

  it('deletes a gap when the ack covers it', () => {
    const spool = open(file(), { bytesMax: 20_000 });
    append(spool, 60, { bytes: 300 });
    const { epoch } = spool.head();
    expect(messagesOf(spool, 'gap').length).toBeGreaterThan(0);
    spool.settle(ackOf(epoch, { durable: 60 }), allSent);
    expect(itemsOf(spool)).toEqual([]);
  });

  it('gives up what is too old, but not because the clock jumped ahead', () => {
    const spool = open(file(), { ageMsMax: 50_000 });
    append(spool, 60);
    expect(
      messagesOf(spool, 'gap')
        .map((gap) => [gap.from, gap.to])
        .at(-1),
    ).toEqual([1, 9]);
    spool.openEpoch('clock-step', T + 86_400_000);
    append(spool, 1, { fromMs: T + 86_400_000 });
    expect(messagesOf(spool, 'batch').length).toBe(52);
  });

  it('gives up what is of an epoch before when the present one is as old as anything may be', () => {
    const spool = open(file(), { ageMsMax: 50_000 });
    append(spool, 5);
    const laterMs = T + 86_400_000;
    spool.openEpoch('clock-step', laterMs);
    append(spool, 50, { fromMs: laterMs });
    expect(messagesOf(spool, 'batch').length).toBe(55);
    append(spool, 2, { fromMs: laterMs + 50_000 });
    expect(messagesOf(spool, 'batch').length).toBe(51);
    expect(messagesOf(spool, 'gap').length).toBe(2);
  });
});

describe('a spool with batches that feed no rule', () => {
  const spareBatch = (spool: Spool, atS: number, fill = 'y'): void => {
    const encode = (link: object) => Buffer.from(JSON.stringify({ ...link, spare: true, fill }));
    spool.append({ createdAtMs: T + atS * 1_000, encode, positions: new Map(), isOfStaged: true });
  };

  it('gives those up first, each as a signed gap, and only then the oldest', () => {
    const spool = open(file(), { bytesMax: 60_000 });
    for (let i = 0; i < 8; i += 1) {
      append(spool, 9, { fromMs: T + i * 10_000, bytes: 100 });
      spareBatch(
        spool,
        i * 10 + 10,
        Array.from({ length: 60 }, (_, k) => sha256Hex(`${i} ${k}`)).join(),
      );
    }
    append(spool, 1, { fromMs: T + 80_000 });
    const gaps = messagesOf(spool, 'gap');
    expect(gaps.length).toBeGreaterThan(0);
    expect(gaps.every(({ from, to }) => from % 10 === 0 && to === from)).toBe(true);
    expect(gaps.every((gap) => verifyMessage(gap, key.publicKey))).toBe(true);
    append(spool, 60, { fromMs: T + 90_000 });
    const spare = messagesOf(spool, 'batch').filter((batch) => batch.spare);
    expect(spare).toEqual([]);
    expect(messagesOf(spool, 'gap').some(({ from, to }) => from <= 1 && to >= 9)).toBe(true);
    expect(seqsSettledBy(spool)).toEqual(Array.from({ length: 141 }, (_, i) => i + 1));
  });

  it('keeps staged frames over a kill, until the batch of them is made', () => {
    const path = file();
    const first = open(path);
    const staged = [{ frame: '{"a":1}', valueCount: 1 }];
    const positions = new Map([[device, T + 1_000]]);
    first.append({ createdAtMs: T, encode: null, positions, staged });
    first.close();
    const second = open(path);
    expect(second.staged()).toEqual(staged);
    expect(second.positionOf(device)).toBe(T + 1_000);
    expect(second.head().seq).toBe(0);
    spareBatch(second, 2);
    expect([second.staged(), second.head().seq]).toEqual([[], 1]);
  });
});

/** Every seq that a batch or gap in the spool speaks for. */
const seqsSettledBy = (spool: Spool): number[] =>
  [
    ...messagesOf(spool, 'batch').map(({ seq }) => [seq, seq]),
    ...messagesOf(spool, 'gap').map(({ from, to }) => [from, to]),
  ]
    .flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i))
    .sort((a, b) => a - b);

describe('bytes on the disk', () => {
  /** A second of 64 metrics, as a gateway makes it. */
  const second = (atMs: number, random: () => number): Buffer => {
    const frames = Array.from({ length: 64 }, (_, i) => ({
      device: `workshop-3-noise-${i}`,
      at: atMs,
      spanMs: 1_000,
      readAt: atMs + Math.floor(random() * 400),
      values: { laeq: Math.round(700 + random() * 250) / 10 },
    }));
    return Buffer.from(JSON.stringify({ clock: { source: 'ntp' }, frames }));
  };

  it('hold seven days of 64 metrics at 1 Hz in a quarter of 4 GB, and are counted as they are', () => {
    const path = file();
    const spool = open(path, { bytesMax: 4 * 1024 ** 3 });
    const random = fc.sample(fc.double({ min: 0, max: 1, noNaN: true }), { numRuns: 500, seed: 1 });
    let draws = 0;
    const draw = (): number => {
      draws += 7;
      return random[draws % 500]!;
    };
    const count = 1_200;
    const sent: string[] = [];
    for (let i = 1; i <= count; i += 1) {
      const createdAtMs = T + i * 1_000;
      const bytes = second(createdAtMs, draw);
      sent.push(sha256Hex(bytes));
      spool.append({ createdAtMs, encode: () => bytes, positions: new Map() });
    }
    const kept = itemsOf(spool).filter(({ kind }) => kind === 'batch');
    expect(kept.map(({ payload }) => sha256Hex(payload))).toEqual(sent);
    const held = spool.stats(T).bytes;
    spool.close();
    const onDisk = statSync(path).size;
    expect(onDisk).toBeLessThanOrEqual(held * 1.02);
    const week = (onDisk / count) * 604_800;
    expect(week).toBeLessThan(1024 ** 3);
  });

  it('are read as they were written by version 1, uncompressed', () => {
    const path = file();
    const first = open(path);
    append(first, 3, { bytes: 3_000 });
    const before = itemsOf(first);
    first.close();
    const db = new DatabaseSync(path);
    const plain = db.prepare('UPDATE item SET payload = ? WHERE id = ?');
    for (const { id, payload } of before) plain.run(payload, id);
    db.exec(`DROP INDEX batch; DROP INDEX spare_batch; DROP TABLE staged;
      ALTER TABLE item DROP COLUMN packed; ALTER TABLE item DROP COLUMN feeds_rule;
      ALTER TABLE state DROP COLUMN gateway; ALTER TABLE state DROP COLUMN last_command_at_ms;
      PRAGMA user_version = 1`);
    db.close();
    const spool = open(path, { nowMs: T + 4_000 });
    const textsOf = (items: SpoolItem[]) =>
      items.map(({ payload }) => Buffer.from(payload).toString());
    expect(textsOf(itemsOf(spool))).toEqual(textsOf(before));
    append(spool, 1, { fromMs: T + 4_000 });
    expect(messagesOf(spool, 'batch').map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  });
});

describe('the fill of the spool', () => {
  it('says how many hours are left at the present rate, by bytes or by age', () => {
    const spool = open(file(), { bytesMax: 10_000_000, ageMsMax: 86_400_000 });
    append(spool, 30);
    expect(spool.stats(T + 30_000).fill).toMatchObject({ hoursLeft: null, warning: null });
    append(spool, 600, { fromMs: T + 30_000 });
    const { bytes, fill } = spool.stats(T + 630_000);
    const perHour = (bytes / 629) * 3_600;
    expect(fill.hoursLeft! / ((10_000_000 - bytes) / perHour)).toBeCloseTo(1, 1);
    const wide = open(file(), { bytesMax: 1e12, ageMsMax: 7_200_000 });
    append(wide, 100);
    expect(wide.stats(T + 1_800_000).fill.hoursLeft).toBeCloseTo(1.5, 1);
  });

  it('is not taken for full because a batch was made by a clock that stood in 1970', () => {
    const spool = open(file(), { bytesMax: 10_000_000, nowMs: 5_000 });
    append(spool, 10, { fromMs: 5_000 });
    expect(spool.stats(15_000).fill.share).toBeLessThan(0.01);
    spool.openEpoch('clock-step', T);
    append(spool, 70, { fromMs: T });
    const { fill } = spool.stats(T + 70_000);
    expect(fill.share).toBeLessThan(0.01);
    expect(fill).toMatchObject({ warning: null });
    expect(fill.hoursLeft).toBeGreaterThan(1);
  });

  it('warns at 50 and 80 % of bytes or age, and only below 75 and 45 % no more', () => {
    const watch = createFillWatch({ bytesMax: 1_000, ageMsMax: 100_000 });
    const warningAt = (bytes: number, ageMs = 0) =>
      watch.look({ bytes, oldestAtMs: T - ageMs }, T).warning;
    const shares = [490, 500, 799, 800, 760, 740, 460, 440, 810, 0];
    expect(shares.map((bytes) => warningAt(bytes))).toEqual([
      null,
      50,
      50,
      80,
      80,
      50,
      50,
      null,
      80,
      null,
    ]);
    expect(warningAt(0, 85_000)).toBe(80);
    expect(watch.look({ bytes: 0, oldestAtMs: null }, T).warning).toBeNull();
  });
});

describe('the last command', () => {
  it('is remembered over a restart, so that a copy of it changes nothing', () => {
    const path = file();
    const first = open(path);
    expect(first.lastCommandAtMs()).toBe(0);
    first.putLastCommandAtMs(T);
    first.close();
    expect(open(path, { nowMs: T + 1_000 }).lastCommandAtMs()).toBe(T);
  });
});

describe('a damaged batch', () => {
  it('is never sent: a signed gap speaks for it', () => {
    const path = file();
    const first = open(path);
    append(first, 3);
    first.close();
    const db = new DatabaseSync(path);
    db.exec(`UPDATE item SET payload = CAST('{}' AS BLOB) WHERE to_seq = 2`);
    db.close();
    const spool = open(path, { nowMs: T + 5_000 });
    expect(messagesOf(spool, 'batch').map((batch) => batch.seq)).toEqual([1, 3]);
    const [gap] = messagesOf(spool, 'gap');
    expect(gap).toMatchObject({ from: 2, to: 2, reason: 'spool-damaged' });
    expect(gap.hash).toBe(messagesOf(spool, 'batch')[1].prev);
  });
});
