import { passesFor } from './late-replies.ts';
import type { ReadRequest } from './pdu.ts';

/** A repeater or a radio link gives a frame a second time within this. */
const COPY_MS_MAX = 1_000;
const KEPT_MAX = 64;

interface Reply {
  readonly request: ReadRequest;
  readonly bytes: Uint8Array;
  readonly atMs: number;
}

/**
 * The replies of the last second. A copy of one that comes when another question of the same length
 * has been asked can be told from its answer by nothing but this: that it is the same, byte for byte.
 */
export interface RecentReplies {
  add(reply: Reply): void;
  /** Whether these bytes may be a copy of the reply to another question. */
  mayBeCopy(request: ReadRequest, bytes: Uint8Array, nowMs: number): boolean;
  has(bytes: Uint8Array, nowMs: number): boolean;
}

export function createRecentReplies(): RecentReplies {
  const kept: Reply[] = [];

  function same(bytes: Uint8Array, nowMs: number): Reply[] {
    while (kept.length > 0 && nowMs - kept[0]!.atMs > COPY_MS_MAX) kept.shift();
    return kept.filter((reply) => Buffer.compare(reply.bytes, bytes) === 0);
  }

  return {
    add(reply) {
      kept.push(reply);
      if (kept.length > KEPT_MAX) kept.shift();
    },
    mayBeCopy: (request, bytes, nowMs) =>
      same(bytes, nowMs).some((reply) => passesFor(reply.request, request)),
    has: (bytes, nowMs) => same(bytes, nowMs).length > 0,
  };
}
