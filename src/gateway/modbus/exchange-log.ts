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
  /** Empty: nothing came. */
  readonly reply: string;
  /** `ok`, `exception 2`, or what was wrong. */
  readonly outcome: string;
}

interface Kept {
  readonly atMs: number;
  readonly request: Uint8Array | null;
  readonly reply: Uint8Array;
  readonly outcome: string;
}

/** The last exchanges of a bus; of `request` and `reply` nothing may change afterwards. */
export interface ExchangeLog {
  add(exchange: Kept): void;
  recent(): Exchange[];
}

export function outcomeText(outcome: Result<ReadReply, ReadFailure>): string {
  if (!outcome.ok) return `${outcome.reason}: ${outcome.detail}`;
  return outcome.value.kind === 'words' ? 'ok' : `exception ${outcome.value.code}`;
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export function createExchangeLog(): ExchangeLog {
  const kept: Kept[] = [];
  let next = 0;
  return {
    add(exchange) {
      kept[next] = exchange;
      next = (next + 1) % KEPT_MAX;
    },
    recent() {
      const nowMs = performance.now();
      return [...kept.slice(next), ...kept.slice(0, next)].map(
        ({ atMs, request, reply, outcome }) => ({
          agoMs: Math.round(nowMs - atMs),
          request: request === null ? null : hexOf(request),
          reply: hexOf(reply),
          outcome,
        }),
      );
    },
  };
}
