import type { Spool, SpoolItem } from './spool.ts';

/** What a reload may change. */
export interface DeliveryPace {
  /** Messages without PUBACK at a time; the backlog gets at most half of them. */
  readonly inFlightMax: number;
  /** Messages sent and not acknowledged by the hub; at this many nothing new is sent. */
  readonly unackedMax: number;
  readonly liveAgeMsMax: number;
  readonly backfillPerSecond: number;
  readonly resendAfterMs: number;
}

export interface DeliverySettings extends DeliveryPace {
  readonly spool: Pick<Spool, 'nextAfter' | 'get' | 'lastId' | 'lastIdMadeBefore'>;
  readonly random: () => number;
}

/** Both clocks: ages of batches and the rate of the backlog are the gateway's, time-outs are real. */
export interface DeliveryTime {
  readonly gatewayMs: number;
  readonly realMs: number;
}

export interface Delivery {
  /**
   * What to send now; null: nothing, or no room. First what was just made, in the order of its
   * making; then, at the backlog's rate, what the hub has left unacknowledged for too long, and what
   * lies in the spool from before.
   */
  next(time: DeliveryTime): SpoolItem | null;
  follow(pace: DeliveryPace): void;
  onPuback(id: number, realMs: number): void;
  onLinkDown(realMs: number): void;
  /** The hub has it: forgotten. */
  onSettled(id: number): void;
  /** These are due at once. */
  resendNow(ids: readonly number[], realMs: number): void;
  /** True for what this process made and has not sent: no hub can have it. */
  isUnsent(id: number): boolean;
  /** True while something new waits to be sent for the first time, or for its PUBACK. */
  isBusy(): boolean;
  /** Real time at which the oldest message without PUBACK was sent; null: none. */
  oldestInFlightMs(): number | null;
  counts(): { readonly inFlight: number; readonly unacked: number };
}

/** The backlog's allowance never grows beyond what one second gives. */
const ALLOWANCE_S_MAX = 1;

/**
 * Decides what goes next. It holds ids only: bytes are read from the spool when they are sent. Each
 * item goes once when it is made or when the backlog reaches it, and again until the hub's ack.
 */
export function createDelivery(settings: DeliverySettings): Delivery {
  const { spool } = settings;
  let pace: DeliveryPace = settings;
  const idAtStart = spool.lastId();
  /** Sent, no PUBACK yet: id → real time of sending, oldest first. */
  const inFlight = new Map<number, number>();
  /** Sent, not acknowledged by the hub: id → real time from which it goes again. */
  const unacked = new Map<number, number>();
  /** No entry of `unacked` is due before this. */
  let noResendBeforeMs = Number.POSITIVE_INFINITY;
  let liveId = 0;
  let backfillId = 0;
  let allowance = 1;
  let allowanceAtMs: number | null = null;

  const hasRoom = (inFlightMax: number): boolean => inFlight.size < inFlightMax;
  const wasSent = (id: number): boolean => inFlight.has(id) || unacked.has(id);

  function send(item: SpoolItem, time: DeliveryTime): SpoolItem {
    unacked.delete(item.id);
    inFlight.set(item.id, time.realMs);
    return item;
  }

  function nextLive(time: DeliveryTime): SpoolItem | null {
    if (!hasRoom(pace.inFlightMax) || isFull()) return null;
    for (;;) {
      const item = spool.nextAfter(liveId);
      if (item === null) return null;
      const youngMs = time.gatewayMs - pace.liveAgeMsMax;
      if (item.createdAtMs >= youngMs) {
        liveId = item.id;
        return send(item, time);
      }
      // Too old to be live: it and all that is as old is the backlog's.
      liveId = Math.max(item.id, spool.lastIdMadeBefore(youngMs));
    }
  }

  function takeAllowance(gatewayMs: number): boolean {
    const passedS = Math.max(0, gatewayMs - (allowanceAtMs ?? gatewayMs)) / 1_000;
    allowanceAtMs = gatewayMs;
    const most = Math.max(1, pace.backfillPerSecond * ALLOWANCE_S_MAX);
    allowance = Math.min(most, allowance + passedS * pace.backfillPerSecond);
    return allowance >= 1;
  }

  function nextOfBacklog(time: DeliveryTime): SpoolItem | null {
    if (!hasRoom(Math.ceil(pace.inFlightMax / 2)) || !takeAllowance(time.gatewayMs)) return null;
    const item = nextResend(time.realMs) ?? nextBackfill();
    if (item === null) return null;
    allowance -= 1;
    return send(item, time);
  }

  function awaitAck(id: number, againAtMs: number): void {
    unacked.set(id, againAtMs);
    noResendBeforeMs = Math.min(noResendBeforeMs, againAtMs);
  }

  function nextResend(realMs: number): SpoolItem | null {
    if (realMs < noResendBeforeMs) return null;
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const [id, againAtMs] of unacked) {
      if (againAtMs > realMs) {
        earliestMs = Math.min(earliestMs, againAtMs);
        continue;
      }
      const item = spool.get(id);
      if (item !== null) return item;
      // Given up by the spool meanwhile: a gap speaks for it.
      unacked.delete(id);
    }
    noResendBeforeMs = earliestMs;
    return null;
  }

  function nextBackfill(): SpoolItem | null {
    while (!isFull()) {
      const item = spool.nextAfter(backfillId, liveId + 1);
      if (item === null) return null;
      backfillId = item.id;
      if (!wasSent(item.id)) return item;
    }
    return null;
  }

  const isFull = (): boolean => inFlight.size + unacked.size >= pace.unackedMax;

  return {
    next: (time) => nextLive(time) ?? nextOfBacklog(time),
    follow(next) {
      pace = next;
    },
    onPuback(id, realMs) {
      if (!inFlight.delete(id)) return;
      awaitAck(id, realMs + pace.resendAfterMs * (1 + settings.random()));
    },
    onLinkDown(realMs) {
      for (const id of inFlight.keys()) awaitAck(id, realMs);
      inFlight.clear();
    },
    onSettled(id) {
      inFlight.delete(id);
      unacked.delete(id);
    },
    resendNow(ids, realMs) {
      for (const id of ids) if (unacked.has(id)) awaitAck(id, realMs);
    },
    isUnsent: (id) => id > idAtStart && !wasSent(id),
    isBusy: () => inFlight.size > 0 || spool.nextAfter(liveId) !== null,
    oldestInFlightMs: () => inFlight.values().next().value ?? null,
    counts: () => ({ inFlight: inFlight.size, unacked: unacked.size }),
  };
}
