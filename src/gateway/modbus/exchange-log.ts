import type { Result } from '../../model/result.ts';
import type { ReadFailure, ReadReply } from './modbus-master.ts';

/** So many of a bus are kept: some seconds of a line, and enough to see how a fault began. */
const KEPT_MAX = 32;

/** What went over the medium, in hex, for the support that must see a fault as it was. */
export interface Exchange {
  /** How long ago the request was sent, or the unasked bytes were looked at. */
  readonly agoMs: number;
  /** Null: bytes that came unasked. */
  readonly request: string | null;
  /** Empty: nothing came. Of more than a frame only the beginning. */
  readonly reply: string;
  /** `ok`, `exception 2`, or what was wrong. */
  readonly outcome: string;
}

/** Bytes of a request and of a reply that are kept; the largest frame of Modbus TCP has 260. */
const REQUEST_BYTES_MAX = 12;
const REPLY_BYTES_MAX = 260;
const SLOT_BYTES = REQUEST_BYTES_MAX + REPLY_BYTES_MAX;

interface Happened {
  readonly atMs: number;
  readonly request: Uint8Array | null;
  readonly reply: Uint8Array;
  readonly outcome: string;
}

/** The last exchanges of a bus, in memory of a fixed size: a gateway may have a hundred of them. */
export interface ExchangeLog {
  add(exchange: Happened): void;
  recent(): Exchange[];
}

export function outcomeText(outcome: Result<ReadReply, ReadFailure>): string {
  if (!outcome.ok) return `${outcome.reason}: ${outcome.detail}`;
  return outcome.value.kind === 'words' ? 'ok' : `exception ${outcome.value.code}`;
}

export function createExchangeLog(): ExchangeLog {
  const bytes = Buffer.alloc(KEPT_MAX * SLOT_BYTES);
  const slots: { atMs: number; request: number | null; reply: number; outcome: string }[] = [];
  let next = 0;

  function put(source: Uint8Array, at: number, bytesMax: number): number {
    const length = Math.min(source.length, bytesMax);
    bytes.set(source.subarray(0, length), at);
    return length;
  }

  function shown(slot: number, nowMs: number): Exchange {
    const { atMs, request, reply, outcome } = slots[slot]!;
    const at = slot * SLOT_BYTES;
    const replyAt = at + REQUEST_BYTES_MAX;
    return {
      agoMs: Math.round(nowMs - atMs),
      request: request === null ? null : bytes.toString('hex', at, at + request),
      reply: bytes.toString('hex', replyAt, replyAt + reply),
      outcome,
    };
  }

  return {
    add({ atMs, request, reply, outcome }) {
      const at = next * SLOT_BYTES;
      slots[next] = {
        atMs,
        outcome,
        request: request === null ? null : put(request, at, REQUEST_BYTES_MAX),
        reply: put(reply, at + REQUEST_BYTES_MAX, REPLY_BYTES_MAX),
      };
      next = (next + 1) % KEPT_MAX;
    },
    recent() {
      const nowMs = performance.now();
      const order = [...slots.keys()];
      return [...order.slice(next), ...order.slice(0, next)].map((slot) => shown(slot, nowMs));
    },
  };
}
