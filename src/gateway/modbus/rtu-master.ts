import { fail } from '../../model/result.ts';
import { createConnection } from './connection.ts';
import { createExchangeLog } from './exchange-log.ts';
import { createLateReplies } from './late-replies.ts';
import { createLineWatch } from './line-watch.ts';
import type { OpenLink } from './link.ts';
import {
  type MasterEvents,
  type ModbusMaster,
  noCounts,
  type ReadOptions,
} from './modbus-master.ts';
import type { ReadRequest } from './pdu.ts';
import { createRecentReplies } from './recent-replies.ts';
import type { SeenFrame } from './rtu.ts';
import { createRtuExchange, type Outcome } from './rtu-exchange.ts';
import { createSilenceDue, LATE_WINDOW_MS_MAX } from './silence-due.ts';

/** An idle time of this and more, and the line is looked at before a request is sent. */
const IDLE_MS_MAX = 5;

export interface RtuMasterSettings extends MasterEvents {
  readonly open: OpenLink;
  readonly reconnectMsMin: number;
  readonly reconnectMsMax: number;
  /**
   * A stream is opened anew after every fault, at most so often: what is under way in it can't be
   * flushed otherwise. Null: a serial port, which stays open.
   */
  readonly reopenMsMin: number | null;
  readonly afterConnectMs: number;
  /** Silence that ends a frame; 0 where the stream does not keep the line's times. */
  readonly frameGapMs: number;
  /** The adapter gives back what it sends. */
  readonly echo: boolean;
}

/**
 * An RTU master on a serial port or a TCP stream. An RTU reply names neither its request nor an address,
 * so the line must be known to be quiet before another question is put on it: bytes that nobody waits
 * for are drained and counted, after a time-out or a wrong reply the line is listened to until it has
 * been silent for as long as a late reply may take, and a reply that may have been the late one of two is
 * followed by the same silence. What may be the copy of an earlier reply counts only if no other reply
 * follows it. Time is real time.
 */
export function createRtuMaster(settings: RtuMasterSettings): ModbusMaster {
  const counters = noCounts();
  const late = createLateReplies();
  const silence = createSilenceDue(late);
  const recent = createRecentReplies();
  const log = createExchangeLog();
  let isBusy = false;

  const connection = createConnection({
    ...settings,
    reopenMsMin: settings.reopenMsMin ?? 0,
    onUp(where) {
      counters.connects += 1;
      silence.onFresh();
      settings.onState('up', `open: ${where}`);
    },
    onData: (chunk) => exchange.receive(chunk) || discard(chunk),
    onDown(reason) {
      exchange.lose(reason);
      watch.wake();
      settings.onState('down', reason);
    },
  });
  const watch = createLineWatch({
    connection,
    onDrained(bytes, frames) {
      const what = frames.map(classify).join(', ') || 'no whole frame';
      log.add({ atMs: performance.now(), request: null, reply: bytes, outcome: what });
    },
  });
  const exchange = createRtuExchange({
    ...settings,
    connection,
    counters,
    late,
    recent,
    log,
    discard,
  });

  function classify({ kind, unitId, bytes }: SeenFrame): string {
    const nowMs = performance.now();
    const owed = kind === 'reply' ? late.claim(unitId) : null;
    if (owed !== null) {
      counters.lateReplies += 1;
      recent.add({ request: owed.request, bytes, atMs: nowMs });
      settings.onLate?.(unitId, nowMs - owed.sentMs);
      return 'late reply';
    }
    if (kind === 'request') {
      counters.foreignRequests += 1;
      return 'request of another master';
    }
    const isCopy = recent.has(bytes, nowMs);
    if (isCopy) counters.copies += 1;
    else counters.strayReplies += 1;
    return isCopy ? 'copy of a reply' : 'reply to nobody';
  }

  function discard(chunk: Uint8Array): void {
    counters.drainedBytes += chunk.length;
    watch.discard(chunk);
  }

  /** After a fault nothing that is still under way may meet the next request. */
  async function recover(reason: string, timeoutMs: number): Promise<void> {
    silence.onFault(timeoutMs);
    if (settings.reopenMsMin !== null) await connection.reopen(reason);
    await becomeQuiet();
  }

  async function becomeQuiet(): Promise<void> {
    if (await watch.untilSilent(Math.max(settings.frameGapMs, silence.dueMs()))) silence.onQuiet();
    else if (connection.isUp()) connection.drop('the line is never silent');
  }

  /** True when the request can be sent and every frame that comes next is its own. */
  async function makeReady(request: ReadRequest, timeoutMs: number): Promise<boolean> {
    if (performance.now() - exchange.settledMs() > IDLE_MS_MAX || settings.frameGapMs === 0) {
      await connection.catchUp();
    }
    const dueMs = silence.before(request, timeoutMs, watch.isDirty(), performance.now());
    if (dueMs > 0) await becomeQuiet();
    return connection.isUp();
  }

  async function transact(
    request: ReadRequest,
    timeoutMs: number,
    options: ReadOptions,
  ): Promise<Outcome> {
    if (!connection.isUp()) return fail('down', 'not connected');
    if (!(await makeReady(request, timeoutMs))) return fail('down', 'not connected any more');
    options.onSent?.();
    const outcome = await exchange.run(request, timeoutMs);
    if (outcome.ok) {
      connection.confirm();
      silence.onAnswered(request, exchange.settledMs());
    } else if (outcome.reason === 'timeout' || outcome.reason === 'violation') {
      await recover(outcome.detail, timeoutMs);
    }
    return outcome;
  }

  return {
    async read(request, timeoutMs, options = {}) {
      if (isBusy) throw new Error('Cannot read: one transaction is outstanding');
      isBusy = true;
      try {
        return await transact(request, timeoutMs, options);
      } finally {
        isBusy = false;
      }
    },
    isUp: connection.isUp,
    counters: () => counters,
    exchanges: log.recent,
    async distrust(reason) {
      counters.violations += 1;
      await recover(reason, LATE_WINDOW_MS_MAX);
    },
    async close() {
      const closed = connection.close();
      exchange.lose('gateway stops');
      watch.wake();
      await closed;
    },
  };
}
