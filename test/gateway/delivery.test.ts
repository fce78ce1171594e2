import { describe, expect, it } from 'vitest';
import {
  createDelivery,
  type Delivery,
  type DeliverySettings,
} from '../../src/gateway/delivery.ts';
import type { SpoolItem } from '../../src/gateway/spool.ts';
import { createBackOff } from '../../src/process/back-off.ts';

const T = 1_763_794_800_000;

/** A spool in memory: ids 1, 2, 3 … */
function heldItems() {
  const items: SpoolItem[] = [];
  let last = 0;
  return {
    put(createdAtMs: number, count = 1): void {
      for (let i = 0; i < count; i += 1) {
        last += 1;
        items.push({ id: last, kind: 'batch', createdAtMs, payload: Buffer.from(`${last}`) });
      }
    },
    remove(id: number): void {
      items.splice(
        items.findIndex((item) => item.id === id),
        1,
      );
    },
    nextAfter: (id: number, beforeId = Number.MAX_SAFE_INTEGER) =>
      items.find((item) => item.id > id && item.id < beforeId) ?? null,
    get: (id: number) => items.find((item) => item.id === id) ?? null,
    lastId: () => last,
    lastIdMadeBefore: (timeMs: number) =>
      items.findLast((item) => item.createdAtMs < timeMs)?.id ?? 0,
  };
}

function delivering(
  spool: ReturnType<typeof heldItems>,
  overrides: Partial<DeliverySettings> = {},
): Delivery {
  return createDelivery({
    spool,
    inFlightMax: 1_000,
    unackedMax: 10_000,
    liveAgeMsMax: 10_000,
    backfillPerSecond: 10,
    resendAfterMs: 30_000,
    random: () => 0.5,
    ...overrides,
  });
}

/** All that goes at this moment, by id. */
function sent(delivery: Delivery, gatewayMs: number, realMs = gatewayMs - T): number[] {
  const ids: number[] = [];
  for (;;) {
    const item = delivery.next({ gatewayMs, realMs });
    if (item === null) return ids;
    ids.push(item.id);
  }
}

describe('delivery', () => {
  it('sends what is new in the order of its making, each once', () => {
    const spool = heldItems();
    const delivery = delivering(spool);
    spool.put(T, 3);
    expect(sent(delivery, T)).toEqual([1, 2, 3]);
    spool.put(T + 1_000);
    expect(sent(delivery, T + 1_000)).toEqual([4]);
    expect(sent(delivery, T + 2_000)).toEqual([]);
  });

  it('sends live first, and the backlog beside it at its rate', () => {
    const spool = heldItems();
    spool.put(T - 60_000, 40);
    const delivery = delivering(spool);
    spool.put(T, 2);
    expect(sent(delivery, T)).toEqual([41, 42, 1]);
    expect(sent(delivery, T + 500)).toEqual([2, 3, 4, 5, 6]);
    spool.put(T + 1_000);
    expect(sent(delivery, T + 1_000)[0]).toBe(43);
    expect(sent(delivery, T + 60_000)).toHaveLength(10);
  });

  it('takes what grew older than 10 s unsent for backlog', () => {
    const spool = heldItems();
    const delivery = delivering(spool, { backfillPerSecond: 2 });
    spool.put(T, 5);
    spool.put(T + 20_000, 1);
    expect(sent(delivery, T + 20_000)).toEqual([6, 1]);
  });

  it('sends no more than the window holds, the backlog no more than half of it', () => {
    const spool = heldItems();
    spool.put(T - 60_000, 20);
    const delivery = delivering(spool, { inFlightMax: 4, backfillPerSecond: 1_000 });
    delivery.next({ gatewayMs: T, realMs: 0 });
    expect(sent(delivery, T + 1_000)).toEqual([2]);
    spool.put(T + 1_000, 5);
    expect(sent(delivery, T + 1_000)).toEqual([21, 22]);
    delivery.onPuback(1, 1_000);
    expect(sent(delivery, T + 1_000)).toEqual([23]);
  });

  it('sends again what is neither acknowledged nor in flight, 30 to 60 s after its PUBACK', () => {
    for (const [random, atS] of [
      [0, 30],
      [0.5, 45],
      [0.999, 60],
    ] as const) {
      const spool = heldItems();
      const delivery = delivering(spool, { random: () => random });
      spool.put(T);
      expect(sent(delivery, T, 0)).toEqual([1]);
      expect(sent(delivery, T + 100_000, 100_000)).toEqual([]);
      delivery.onPuback(1, 100_000);
      expect(sent(delivery, T + 100_000, 100_000 + atS * 1_000 - 100)).toEqual([]);
      expect(sent(delivery, T + 200_000, 100_000 + atS * 1_000)).toEqual([1]);
    }
  });

  it('sends again at once what was in flight when the link broke', () => {
    const spool = heldItems();
    const delivery = delivering(spool);
    spool.put(T, 3);
    sent(delivery, T, 0);
    delivery.onPuback(1, 10);
    delivery.onLinkDown(20);
    expect(sent(delivery, T + 5_000, 5_000)).toEqual([2, 3]);
  });

  it('never sends again what the hub has, nor what the spool gave up', () => {
    const spool = heldItems();
    const delivery = delivering(spool);
    spool.put(T, 3);
    sent(delivery, T, 0);
    for (const id of [1, 2, 3]) delivery.onPuback(id, 10);
    delivery.onSettled(1);
    spool.remove(1);
    spool.remove(2);
    expect(sent(delivery, T + 100_000, 100_000)).toEqual([3]);
    expect(delivery.counts()).toEqual({ inFlight: 1, unacked: 0 });
  });

  it('sends nothing new while the hub leaves too much unacknowledged', () => {
    const spool = heldItems();
    const delivery = delivering(spool, { unackedMax: 3 });
    spool.put(T, 5);
    expect(sent(delivery, T, 0)).toEqual([1, 2, 3]);
    for (const id of [1, 2, 3]) delivery.onPuback(id, 10);
    expect(sent(delivery, T, 20)).toEqual([]);
    delivery.onSettled(2);
    expect(sent(delivery, T, 30)).toEqual([4]);
  });

  it('sends a range at once when an operator asks for it', () => {
    const spool = heldItems();
    const delivery = delivering(spool);
    spool.put(T, 4);
    sent(delivery, T, 0);
    for (const id of [1, 2, 3, 4]) delivery.onPuback(id, 10);
    delivery.resendNow([2, 3, 99], 20);
    expect(sent(delivery, T + 1_000, 20)).toEqual([2, 3]);
  });

  it('knows what no hub can have: made by this process and not sent', () => {
    const spool = heldItems();
    spool.put(T, 2);
    const delivery = delivering(spool);
    spool.put(T, 2);
    expect([1, 2, 3, 4].map(delivery.isUnsent)).toEqual([false, false, true, true]);
    delivery.next({ gatewayMs: T + 60_000, realMs: 0 });
    sent(delivery, T + 61_000, 0);
    expect([1, 2, 3, 4].map(delivery.isUnsent)).toEqual([false, false, false, false]);
  });
});

describe('the back-off', () => {
  it('draws from all of a range that doubles up to its bound, and starts anew', () => {
    let draw = 0.999_999;
    const backOff = createBackOff({ msMin: 500, msMax: 60_000 }, () => draw);
    const waits = Array.from({ length: 10 }, () => backOff.next());
    expect(waits).toEqual(
      [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000].map((ms) => ms - 1),
    );
    backOff.reset();
    expect(backOff.next()).toBe(499);
    draw = 0;
    expect(backOff.next()).toBe(0);
  });
});
