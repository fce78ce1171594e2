/** How fast one connection may be read: a bucket that holds one second's worth. */
export interface RateBucket {
  /** Takes what was read; it may overdraw once. */
  take(messages: number, bytes: number, nowMs: number): void;
  /** Until nothing is owed any more, ms; 0: read on. */
  waitMs(nowMs: number): number;
}

export interface RateLimit {
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
}

export function createRateBucket(limit: RateLimit): RateBucket {
  let messages = limit.messagesPerSecond;
  let bytes = limit.bytesPerSecond;
  let atMs = Number.NEGATIVE_INFINITY;

  function refill(nowMs: number): void {
    const seconds = Math.max(0, nowMs - atMs) / 1_000;
    atMs = nowMs;
    const { messagesPerSecond, bytesPerSecond } = limit;
    messages = Math.min(messagesPerSecond, messages + seconds * messagesPerSecond);
    bytes = Math.min(bytesPerSecond, bytes + seconds * bytesPerSecond);
  }

  return {
    take(takenMessages, takenBytes, nowMs) {
      refill(nowMs);
      messages -= takenMessages;
      bytes -= takenBytes;
    },
    waitMs(nowMs) {
      refill(nowMs);
      const owed = Math.max(-messages / limit.messagesPerSecond, -bytes / limit.bytesPerSecond);
      return owed <= 0 ? 0 : Math.ceil(owed * 1_000);
    },
  };
}
