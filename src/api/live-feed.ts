import type { Writable } from 'node:stream';
import type { Logger } from '../process/log.ts';
import type { Status } from './status.ts';

export interface LiveFeedSettings {
  /** Streams at once; one more is refused. */
  readonly streamsMax: number;
  readonly pollMs: number;
  /** Longest silence on a stream: proxies and browsers close idle ones. */
  readonly heartbeatMs: number;
  /** Bytes that a slow reader may leave unread before its stream is cut; its browser comes again. */
  readonly unreadBytesMax: number;
}

export const LIVE_FEED: LiveFeedSettings = {
  streamsMax: 100,
  pollMs: 1_000,
  heartbeatMs: 15_000,
  unreadBytesMax: 64 * 1024,
};

/** A slow poll is followed by so many times its own length of rest: the feed takes ≤ 10 % of a core. */
const REST_PER_WORK = 9;

/** Server-sent events of the status to many streams from one poll of the database. */
export interface LiveFeed {
  /** False when `streamsMax` are open. The stream is dropped from the feed when it closes. */
  add(stream: Writable): boolean;
  readonly streams: number;
  /** Ends every stream and the poll. */
  close(): void;
}

/**
 * Polls `read` only while somebody listens, one poll at a time. Sends `status` when anything but the
 * clock changed, `unavailable` once when reading fails, and a comment after `heartbeatMs` of silence.
 */
export function createLiveFeed(
  read: () => Promise<Status>,
  log: Logger,
  settings: LiveFeedSettings = LIVE_FEED,
): LiveFeed {
  const streams = new Set<Writable>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let polling = false;
  let lastText: string | undefined;
  let lastSentMs = 0;
  let failing = false;

  const send = (text: string): void => {
    lastSentMs = Date.now();
    for (const stream of streams) {
      if (stream.writableLength > settings.unreadBytesMax) stream.destroy();
      else stream.write(text);
    }
  };

  const poll = async (): Promise<void> => {
    try {
      const status = await read();
      failing = false;
      const text = JSON.stringify({ ...status, nowMs: 0 });
      if (text !== lastText) {
        lastText = text;
        send(eventOf('status', status));
      }
    } catch (error) {
      lastText = undefined;
      if (failing) return;
      failing = true;
      log.warn({ err: error }, 'live feed cannot read the status');
      send(eventOf('unavailable', {}));
    }
  };

  const run = async (): Promise<void> => {
    timer = undefined;
    if (polling || closed || streams.size === 0) return;
    polling = true;
    const startedMs = performance.now();
    await poll();
    const restMs = (performance.now() - startedMs) * REST_PER_WORK;
    if (Date.now() - lastSentMs >= settings.heartbeatMs) send(': still here\n\n');
    polling = false;
    if (!closed && streams.size > 0) timer = setTimeout(run, Math.max(settings.pollMs, restMs));
  };

  return {
    add(stream) {
      if (closed || streams.size >= settings.streamsMax) return false;
      stream.on('error', () => stream.destroy());
      if (stream.destroyed) return true;
      streams.add(stream);
      stream.once('close', () => streams.delete(stream));
      // A newcomer must not wait for a change: the next poll tells everybody.
      lastText = undefined;
      clearTimeout(timer);
      void run();
      return true;
    },
    get streams() {
      return streams.size;
    },
    close() {
      closed = true;
      clearTimeout(timer);
      for (const stream of streams) stream.end();
      streams.clear();
    },
  };
}

const eventOf = (name: string, data: unknown): string =>
  `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
