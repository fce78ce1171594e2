import { fail, ok, type Result } from '../../model/result.ts';
import { createConnection } from './connection.ts';
import { createLateReplies, passesFor } from './late-replies.ts';
import { createLineWatch } from './line-watch.ts';
import type { OpenLink } from './link.ts';
import {
  type MasterEvents,
  type ModbusMaster,
  noCounts,
  type ReadFailure,
  type ReadOptions,
  type ReadReply,
} from './modbus-master.ts';
import type { ReadRequest } from './pdu.ts';
import { encodeRtuRead, matchRtuReply, type SeenFrame } from './rtu.ts';

/**
 * After a time-out a late reply is waited for as long again, at most so long; and at least as long as a
 * busy machine may hold its bytes back.
 */
const LATE_WINDOW_MS_MAX = 1_000;
const LATE_WINDOW_MS_MIN = 50;
/** An idle time of this and more, and the line is looked at before a request is sent. */
const IDLE_MS_MAX = 5;
const REPLY_BYTES_MAX = 512;
/**
 * A copy of the last reply may hang in an adapter so long (16 ms in many USB ones): a question that it
 * would pass for is asked after as much silence.
 */
const COPY_MS_MAX = 20;

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

type Outcome = Result<ReadReply, ReadFailure>;

interface Waiting {
  readonly request: ReadRequest;
  readonly sentMs: number;
  readonly settle: (outcome: Outcome) => void;
  echo: Uint8Array;
  received: Uint8Array;
  endTimer: NodeJS.Timeout | undefined;
}

/**
 * An RTU master on a serial port or a TCP stream. An RTU reply names neither its request nor an address,
 * so the line must be known to be quiet before another question is put on it: bytes that nobody waits
 * for are drained and counted, after a time-out or a wrong reply the line is listened to until it has
 * been silent for as long as a late reply may take, and a reply that may have been the late one of two is
 * followed by the same silence. Time is real time.
 */
export function createRtuMaster(settings: RtuMasterSettings): ModbusMaster {
  const counters = noCounts();
  const late = createLateReplies();
  let waiting: Waiting | undefined;
  let isBusy = false;
  let settledMs = Number.NEGATIVE_INFINITY;
  /** How long the line must be silent before the next request; 0: it is known to be quiet. */
  let silenceDueMs = 0;
  let doubtedUnit: number | null = null;
  let lastAnswered: ReadRequest | null = null;
  /** Nobody knows what was asked on the line before this connection. */
  let isFresh = true;

  const connection = createConnection({
    ...settings,
    reopenMsMin: settings.reopenMsMin ?? 0,
    onUp(where) {
      counters.connects += 1;
      isFresh = true;
      settings.onState('up', `open: ${where}`);
    },
    onData: receive,
    onDown(reason) {
      waiting?.settle(fail('lost', reason));
      watch.wake();
      settings.onState('down', reason);
    },
  });
  const watch = createLineWatch({
    connection,
    onDrained: (bytes) => {
      counters.drainedBytes += bytes;
    },
    onFrame: classify,
  });

  function classify(frame: SeenFrame): void {
    const owed = late.claim(frame);
    if (owed === null) {
      counters.strayReplies += 1;
      return;
    }
    counters.lateReplies += 1;
    settings.onLate?.(owed.unitId, performance.now() - owed.sentMs);
  }

  function receive(chunk: Uint8Array): void {
    if (waiting === undefined) {
      watch.discard(chunk);
      return;
    }
    const own = waiting;
    own.received = Buffer.concat([own.received, chunk]);
    clearTimeout(own.endTimer);
    const echoed = Math.min(own.echo.length, own.received.length);
    if (Buffer.compare(own.received.subarray(0, echoed), own.echo.subarray(0, echoed)) !== 0) {
      violate(own, 'mismatch', 'not the echo of the request');
      return;
    }
    const match = matchRtuReply(own.request, own.received.subarray(echoed));
    const isTooLong = own.received.length > REPLY_BYTES_MAX;
    if (match === null && !isTooLong) return;
    if (match?.ok !== true) {
      violate(own, match?.reason ?? 'mismatch', match?.detail ?? 'more bytes than a frame has');
      return;
    }
    const rttMs = performance.now() - own.sentMs;
    const accept = (): void => own.settle(ok({ ...match.value, rttMs }));
    if (settings.frameGapMs === 0) accept();
    else own.endTimer = setTimeout(accept, Math.ceil(settings.frameGapMs));
  }

  function violate(own: Waiting, reason: 'mismatch' | 'wrong-crc', detail: string): void {
    counters.violations += 1;
    late.giveUp(own.request, own.sentMs);
    if (reason === 'wrong-crc') counters.crcErrors += 1;
    // It may well be the late reply of another request: counted as what it is.
    watch.discard(own.received.subarray(own.echo.length));
    own.settle(fail('violation', detail));
  }

  /** Puts the request on the line and waits for what comes. */
  function exchange(request: ReadRequest, timeoutMs: number): Promise<Outcome> {
    const bytes = encodeRtuRead(request);
    counters.requests += 1;
    return new Promise((resolve) => {
      const timer = setTimeout(async () => {
        await connection.catchUp();
        if (waiting === own && own.endTimer === undefined) giveUp(own, timeoutMs);
      }, timeoutMs);
      const own: Waiting = {
        request,
        sentMs: performance.now(),
        echo: settings.echo ? bytes : new Uint8Array(),
        received: new Uint8Array(),
        endTimer: undefined,
        settle(outcome) {
          if (waiting !== own) return;
          waiting = undefined;
          clearTimeout(timer);
          clearTimeout(own.endTimer);
          settledMs = performance.now();
          resolve(outcome);
        },
      };
      waiting = own;
      connection.write(bytes);
    });
  }

  function giveUp(own: Waiting, timeoutMs: number): void {
    counters.timeouts += 1;
    late.giveUp(own.request, own.sentMs);
    if (own.received.length > own.echo.length) {
      counters.violations += 1;
      watch.discard(own.received.subarray(own.echo.length));
    }
    own.settle(fail('timeout', `no reply within ${timeoutMs} ms`));
  }

  /** After a fault nothing that is still under way may meet the next request. */
  async function recover(reason: string, timeoutMs: number): Promise<void> {
    silenceDueMs = Math.max(silenceDueMs, lateWindowMs(timeoutMs));
    if (settings.reopenMsMin !== null) await connection.reopen(reason);
    await becomeQuiet();
  }

  async function becomeQuiet(): Promise<void> {
    if (await watch.untilSilent(Math.max(settings.frameGapMs, silenceDueMs))) {
      silenceDueMs = 0;
      isFresh = false;
      if (doubtedUnit !== null) late.forget(doubtedUnit);
      doubtedUnit = null;
    } else if (connection.isUp()) {
      connection.drop('the line is never silent');
    }
  }

  /** True when the request can be sent and every frame that comes next is its own. */
  async function makeReady(request: ReadRequest, timeoutMs: number): Promise<boolean> {
    if (performance.now() - settledMs > IDLE_MS_MAX || settings.frameGapMs === 0) {
      await connection.catchUp();
    }
    const windowMs = lateWindowMs(timeoutMs);
    if (isFresh || watch.isDirty() || doubtedUnit !== null) {
      silenceDueMs = Math.max(silenceDueMs, windowMs);
    }
    if (doubtedUnit !== request.unitId && late.couldPassFor(request)) {
      silenceDueMs = LATE_WINDOW_MS_MAX;
      doubtedUnit = request.unitId;
    }
    if (lastAnswered !== null && passesFor(lastAnswered, request)) {
      silenceDueMs = Math.max(silenceDueMs, settledMs + COPY_MS_MAX - performance.now());
    }
    if (silenceDueMs > 0) await becomeQuiet();
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
    const outcome = await exchange(request, timeoutMs);
    if (outcome.ok) {
      connection.confirm();
      lastAnswered = request;
      // This may have been the late reply to the same question, and the one to this is to follow.
      if (late.owes(request.unitId)) doubtedUnit = request.unitId;
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
    async distrust(reason) {
      counters.violations += 1;
      await recover(reason, LATE_WINDOW_MS_MAX);
    },
    async close() {
      const closed = connection.close();
      waiting?.settle(fail('lost', 'gateway stops'));
      watch.wake();
      await closed;
    },
  };
}

const lateWindowMs = (timeoutMs: number): number =>
  Math.min(LATE_WINDOW_MS_MAX, Math.max(LATE_WINDOW_MS_MIN, timeoutMs));
