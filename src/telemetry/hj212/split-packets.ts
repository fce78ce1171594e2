import { parseTime } from './data-time.ts';
import type { Segment } from './parse-segment.ts';

/**
 * What becomes of a packet of a split message (拆分包, PNUM and PNO). `ready`: it can be read, with the
 * DataTime of its siblings when it has none of its own. `held`: it waits for a sibling that has one.
 */
export type SplitOutcome<Packet> =
  | { readonly kind: 'ready'; readonly packets: readonly ReadyPacket<Packet>[] }
  | { readonly kind: 'held' };

export interface ReadyPacket<Packet> {
  readonly packet: Packet;
  /** Null: its own. */
  readonly dataTime: string | null;
}

export interface SplitPackets<Packet> {
  /** Takes one packet of a split message. */
  take(segment: Segment, packet: Packet, nowMs: number): SplitOutcome<Packet>;
  /** Packets whose sibling has not come in time; all of them when the connection has ended. */
  expire(nowMs: number): Packet[];
  waiting(): number;
}

/** A device resends after 10 s, three times (HJ 212-2017 Table 1): a sibling that late never comes. */
const WAIT_MS = 60_000;
/**
 * Packets of one message are made at once, the messages of a device at least 30 s apart (RtdInterval): what
 * was made further apart is not one message, and must not take the time of another.
 */
const MADE_APART_MS_MAX = 5_000;
/** Messages that a connection may have open; at the bound the oldest is given up. */
const MESSAGES_MAX = 16;
/** Packets held in one of them; one more is given up at once. */
const HELD_MAX = 32;

interface OpenMessage<Packet> {
  readonly key: string;
  touchedMs: number;
  /** When the packet that brought the DataTime was made. */
  madeMs: number;
  dataTime: string | null;
  held: HeldPacket<Packet>[];
}

interface HeldPacket<Packet> {
  readonly packet: Packet;
  readonly madeMs: number;
  readonly heldMs: number;
}

/**
 * Puts split messages together as far as reading them takes: a message is split between items, so each
 * packet stands for itself once its DataTime is known, and is kept and answered by itself. A device
 * that waits for the answer before it sends the next packet is never kept waiting for a whole.
 *
 * Packets belong together by MN, ST, CN and PNUM, and by when they were made: each has a QN of its own
 * (C.49), a resent one its old QN. Without one, a packet that has no DataTime can't be told from that of
 * another message: it finds no sibling.
 */
export function createSplitPackets<Packet>(): SplitPackets<Packet> {
  let messages: OpenMessage<Packet>[] = [];
  const expired: Packet[] = [];

  function open(key: string, nowMs: number): OpenMessage<Packet> {
    const found = messages.find((message) => message.key === key);
    if (found !== undefined) {
      found.touchedMs = nowMs;
      return found;
    }
    if (messages.length >= MESSAGES_MAX) drop(messages[0] as OpenMessage<Packet>);
    const made = { key, touchedMs: nowMs, madeMs: 0, dataTime: null, held: [] };
    messages.push(made);
    return made;
  }

  function drop(message: OpenMessage<Packet>): void {
    messages = messages.filter((other) => other !== message);
    expired.push(...message.held.map(({ packet }) => packet));
  }

  return {
    take({ header, region }, packet, nowMs) {
      const { mn, st, cn, qn, split } = header;
      if (split === null) return ready([{ packet, dataTime: null }]);
      const dataTime = region.fields.get('DataTime') ?? null;
      const madeMs = parseTime(qn ?? '') ?? Number.NaN;
      const message = open(`${mn} ${st} ${cn} ${split.pnum}`, nowMs);
      if (dataTime !== null) {
        const near = message.held.filter((held) => isNear(held.madeMs, madeMs));
        message.held = message.held.filter((held) => !near.includes(held));
        Object.assign(message, { dataTime, madeMs });
        return ready([
          { packet, dataTime: null },
          ...near.map((held) => ({ packet: held.packet, dataTime })),
        ]);
      }
      if (message.dataTime !== null && isNear(message.madeMs, madeMs)) {
        return ready([{ packet, dataTime: message.dataTime }]);
      }
      if (message.held.length >= HELD_MAX) expired.push(packet);
      else message.held.push({ packet, madeMs, heldMs: nowMs });
      return { kind: 'held' };
    },
    expire(nowMs) {
      for (const message of messages) {
        const late = message.held.filter(({ heldMs }) => nowMs - heldMs >= WAIT_MS);
        expired.push(...late.map(({ packet }) => packet));
        message.held = message.held.filter((held) => !late.includes(held));
        if (nowMs - message.touchedMs >= WAIT_MS) drop(message);
      }
      return expired.splice(0);
    },
    waiting: () => messages.reduce((sum, { held }) => sum + held.length, expired.length),
  };
}

const isNear = (aMs: number, bMs: number): boolean => Math.abs(aMs - bMs) <= MADE_APART_MS_MAX;

const ready = <Packet>(packets: readonly ReadyPacket<Packet>[]): SplitOutcome<Packet> => ({
  kind: 'ready',
  packets,
});
