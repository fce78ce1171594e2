import type { Socket } from 'node:net';
import type { Client } from 'aedes';

/** What of a PUBLISH says whether it may be taken, and by whom. */
export interface LanePacket {
  readonly topic: string;
  readonly payload: Buffer;
  retain: boolean;
}

export interface LaneDeps {
  /** The same that aedes asks: `done` is called once, with an error to close the client. */
  readonly authorize: (
    client: Client,
    packet: LanePacket,
    done: (error?: Error | null) => void,
  ) => void;
  /** A client that takes no acknowledgement for this long is closed. */
  readonly drainTimeoutMs: number;
}

/** One connection's way around the general codec. */
export interface PublishLane {
  /** Bytes as they came → those that aedes must see; null: none. Before `open` all. */
  pass(bytes: Buffer, isAtPacket: boolean): Buffer | null;
  /** At its bound: nothing more is read until the lane says `readable`. */
  isBusy(): boolean;
  /** Its client was let in. */
  open(client: Client, keepAliveS: number): void;
}

/** PUBLISH with QoS 1, not retained, sent for the first time or again [MQTT-3.3.1]. */
const PUBLISH_QOS1 = 0x32;
const PUBLISH_QOS1_AGAIN = 0x3a;
const PUBACK = 0x40;
const LENGTH_BYTES_MAX = 4;
/** Payload of one connection in flight; above it its socket is not read. */
const IN_FLIGHT_BYTES_MAX = 1_048_576;

/** Where a packet lies in some bytes. */
interface Place {
  readonly from: number;
  readonly bodyAt: number;
  readonly endAt: number;
}

/**
 * Lanes for the one packet that makes up the load: a gateway's QoS 1 PUBLISH is cut out of the bytes,
 * authorised as aedes would, and acknowledged once `done` is called, all acknowledgements of a commit in
 * one write. aedes builds a dozen objects, two writes and a routing per message, which cost the hub a
 * quarter of its time; everything else of a connection is still its work: CONNECT, sessions,
 * subscriptions, wills, retained messages, and now and then one PUBLISH that keeps its keep-alive timer.
 */
export function createPublishLanes({ authorize, drainTimeoutMs }: LaneDeps): {
  of(socket: Socket): PublishLane;
} {
  const flushes = new Set<() => void>();
  const idle = new Set<Socket>();

  function flushAll(): void {
    const due = [...flushes];
    flushes.clear();
    for (const flush of due) flush();
  }

  /** In a turn of its own, so that answers of the database get theirs. */
  function readOn(socket: Socket): void {
    if (idle.size === 0) {
      setImmediate(() => {
        const due = [...idle];
        idle.clear();
        for (const one of due) one.emit('readable');
      });
    }
    idle.add(socket);
  }

  function of(socket: Socket): PublishLane {
    let client: Client | null = null;
    let feedEveryMs = Number.POSITIVE_INFINITY;
    let fedMs = 0;
    let isIn = false;
    let inFlightBytes = 0;
    let isWaiting = false;
    let acks: number[] = [];
    let drainTimer: NodeJS.Timeout | undefined;
    const held = createHeldPacket();
    socket.once('close', () => clearTimeout(drainTimer));

    function flush(): void {
      const packetIds = acks;
      acks = [];
      if (!socket.destroyed && packetIds.length > 0) {
        if (!socket.write(pubacks(packetIds))) waitForDrain();
      }
      goOn();
    }

    const isFull = (): boolean => inFlightBytes >= IN_FLIGHT_BYTES_MAX || drainTimer !== undefined;

    function goOn(): void {
      if (!isWaiting || isFull()) return;
      isWaiting = false;
      readOn(socket);
    }

    function waitForDrain(): void {
      if (drainTimer !== undefined) return;
      drainTimer = setTimeout(() => socket.destroy(new Error('drain timeout')), drainTimeoutMs);
      socket.once('drain', () => {
        clearTimeout(drainTimer);
        drainTimer = undefined;
        goOn();
      });
    }

    function take(of: Client, bytes: Buffer, { bodyAt, endAt }: Place): boolean {
      const topicEndAt = bodyAt + 2 + bytes.readUInt16BE(bodyAt);
      if (topicEndAt + 2 > endAt) return false;
      const packetId = bytes.readUInt16BE(topicEndAt);
      if (packetId === 0) return false;
      const topic = bytes.toString('utf8', bodyAt + 2, topicEndAt);
      const payload = bytes.subarray(topicEndAt + 2, endAt);
      inFlightBytes += payload.length;
      authorize(of, { topic, payload, retain: false }, (error) => {
        inFlightBytes -= payload.length;
        if (error) {
          socket.destroy(error);
          return;
        }
        acks.push(packetId);
        if (flushes.size === 0) queueMicrotask(flushAll);
        flushes.add(flush);
      });
      return true;
    }

    /** Takes the packets that are for the lane, and gives the others back. */
    function split(of: Client, bytes: Buffer): Buffer | null {
      const others: Buffer[] = [];
      let at = 0;
      while (at < bytes.length) {
        const place = placeAt(bytes, at);
        if (place === null) break;
        if (!isForLane(bytes, place) || isHungry() || !take(of, bytes, place)) {
          others.push(bytes.subarray(place.from, place.endAt));
        }
        at = place.endAt;
      }
      held.hold(bytes, at);
      if (others.length === 0) return null;
      return others.length === 1 ? (others[0] as Buffer) : Buffer.concat(others);
    }

    /** Whether aedes, which closes who is silent, must see a sign of life. */
    function isHungry(): boolean {
      const nowMs = performance.now();
      if (nowMs - fedMs < feedEveryMs) return false;
      fedMs = nowMs;
      return true;
    }

    return {
      isBusy() {
        if (isFull()) isWaiting = true;
        return isWaiting;
      },
      open(of, keepAliveS) {
        client = of;
        if (keepAliveS > 0) feedEveryMs = (keepAliveS * 1_000) / 2;
        fedMs = performance.now();
      },
      pass(bytes, isAtPacket) {
        if (client === null) return bytes;
        // aedes may have the beginning of a packet: it gets the rest.
        if (!isIn && !isAtPacket) return bytes;
        isIn = true;
        const whole = held.with(bytes);
        return whole === null ? null : split(client, whole);
      },
    };
  }

  return { of };
}

const isForLane = (bytes: Buffer, { from, bodyAt, endAt }: Place): boolean =>
  (bytes[from] === PUBLISH_QOS1 || bytes[from] === PUBLISH_QOS1_AGAIN) && endAt - bodyAt >= 4;

/** Null: its fixed header or its body is not whole yet. */
function placeAt(bytes: Buffer, from: number): Place | null {
  let remaining = 0;
  for (let n = 0; n < LENGTH_BYTES_MAX; n += 1) {
    const byte = bytes[from + 1 + n];
    if (byte === undefined) return null;
    remaining |= (byte & 0x7f) << (7 * n);
    if (byte >= 0x80) continue;
    const bodyAt = from + 2 + n;
    const endAt = bodyAt + remaining;
    return endAt > bytes.length ? null : { from, bodyAt, endAt };
  }
  throw new Error('Cannot read a packet: the guard lets no length of more than 4 bytes pass');
}

/** The beginning of a packet whose end has not come; the packet guard bounds it. */
function createHeldPacket(): {
  hold(bytes: Buffer, from: number): void;
  /** Null: still not whole. */
  with(bytes: Buffer): Buffer | null;
} {
  let parts: Buffer[] = [];
  let partBytes = 0;
  /** Bytes of the packet with its header; 0: not known yet. */
  let needed = 0;
  return {
    hold(bytes, from) {
      if (from === bytes.length) return;
      const part = bytes.subarray(from);
      parts = [part];
      partBytes = part.length;
      needed = packetBytes(part);
    },
    with(bytes) {
      if (parts.length === 0) return bytes;
      parts.push(bytes);
      partBytes += bytes.length;
      if (partBytes < needed) return null;
      const whole = Buffer.concat(parts, partBytes);
      parts = [];
      return whole;
    },
  };
}

/** Length of a packet by its fixed header; 0: that is not whole. */
function packetBytes(part: Buffer): number {
  let remaining = 0;
  for (let n = 0; n < LENGTH_BYTES_MAX; n += 1) {
    const byte = part[1 + n];
    if (byte === undefined) return 0;
    remaining |= (byte & 0x7f) << (7 * n);
    if (byte < 0x80) return 2 + n + remaining;
  }
  return 0;
}

function pubacks(packetIds: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * packetIds.length);
  let at = 0;
  for (const packetId of packetIds) {
    bytes[at] = PUBACK;
    bytes[at + 1] = 2;
    at = bytes.writeUInt16BE(packetId, at + 2);
  }
  return bytes;
}
