import { fail, ok, type Result } from '../../model/result.ts';
import type { Connection } from './connection.ts';
import { type ExchangeLog, outcomeText } from './exchange-log.ts';
import type { LateReplies } from './late-replies.ts';
import type { MasterCounters, ReadFailure, ReadReply } from './modbus-master.ts';
import type { PduReply, ReadRequest } from './pdu.ts';
import type { RecentReplies } from './recent-replies.ts';
import { encodeRtuRead, matchRtuReply } from './rtu.ts';

const REPLY_BYTES_MAX = 512;
const ECHO_DETAIL = 'the adapter gives back what is sent: set protocol.echo';

export type Outcome = Result<ReadReply, ReadFailure>;

export interface RtuExchangeSettings {
  readonly connection: Pick<Connection, 'write' | 'catchUp'>;
  /** Silence that ends a frame; 0 where the stream does not keep the line's times. */
  readonly frameGapMs: number;
  /** The adapter gives back what it sends. */
  readonly echo: boolean;
  readonly counters: MasterCounters;
  readonly late: LateReplies;
  readonly recent: RecentReplies;
  readonly log: ExchangeLog;
  /** Bytes that are not the reply, and may be the late one of another request. */
  readonly discard: (bytes: Uint8Array) => void;
}

/** One request on a quiet line, and its reply or what came instead. */
export interface RtuExchange {
  /** Puts the request on the line and waits for what comes. */
  run(request: ReadRequest, timeoutMs: number): Promise<Outcome>;
  /** False: nobody waits for these bytes. */
  receive(chunk: Uint8Array): boolean;
  /** The line is gone. */
  lose(reason: string): void;
  /** Real time at which the last one was settled. */
  settledMs(): number;
}

interface Waiting {
  readonly request: ReadRequest;
  readonly sent: Uint8Array;
  readonly sentMs: number;
  readonly timeoutMs: number;
  readonly settle: (outcome: Outcome) => void;
  received: Uint8Array;
  endTimer: NodeJS.Timeout | undefined;
}

export function createRtuExchange(settings: RtuExchangeSettings): RtuExchange {
  const { connection, counters, late, recent, log, discard } = settings;
  let waiting: Waiting | undefined;
  let settledMs = Number.NEGATIVE_INFINITY;

  function take(own: Waiting, chunk: Uint8Array): void {
    own.received = Buffer.concat([own.received, chunk]);
    clearTimeout(own.endTimer);
    own.endTimer = undefined;
    if (settings.echo && !echoes(own)) {
      violate(own, 'mismatch', 'not the echo of the request');
      return;
    }
    const match = matchRtuReply(own.request, afterEcho(own));
    const isTooLong = own.received.length > REPLY_BYTES_MAX;
    if (match === null && !isTooLong) return;
    if (match?.ok === true) acceptSoon(own, match.value);
    else violate(own, match?.reason ?? 'mismatch', match?.detail ?? 'more bytes than a frame has');
  }

  /** Whether what came is, as far as it goes, the request itself. */
  function echoes({ sent, received }: Waiting): boolean {
    const length = Math.min(sent.length, received.length);
    return Buffer.compare(received.subarray(0, length), sent.subarray(0, length)) === 0;
  }

  const afterEcho = ({ received, sent }: Waiting): Uint8Array =>
    settings.echo ? received.subarray(Math.min(sent.length, received.length)) : received;

  /** The whole reply is there; it counts when nothing follows it. */
  function acceptSoon(own: Waiting, reply: PduReply): void {
    const bytes = afterEcho(own);
    const nowMs = performance.now();
    const rttMs = nowMs - own.sentMs;
    const accept = (): void => {
      recent.add({ request: own.request, bytes, atMs: nowMs });
      own.settle(ok({ ...reply, rttMs }));
    };
    if (recent.mayBeCopy(own.request, bytes, nowMs)) {
      // If it is one, the reply itself is still to come, and within its time.
      const timer = setTimeout(
        async () => {
          await connection.catchUp();
          if (own.endTimer === timer) accept();
        },
        Math.max(settings.frameGapMs, own.timeoutMs - rttMs),
      );
      own.endTimer = timer;
    } else if (settings.frameGapMs === 0) accept();
    else own.endTimer = setTimeout(accept, Math.ceil(settings.frameGapMs));
  }

  function violate(own: Waiting, reason: 'mismatch' | 'wrong-crc', detail: string): void {
    if (!settings.echo && echoes(own)) {
      // It may become an echo, or the time will be up.
      if (own.received.length < own.sent.length) return;
      counters.echoes += 1;
      giveBack(own, own.received.subarray(own.sent.length), ECHO_DETAIL);
      return;
    }
    if (reason === 'wrong-crc') counters.crcErrors += 1;
    giveBack(own, afterEcho(own), detail);
  }

  /** What came was not the reply; it may well be the late one of another request. */
  function giveBack(own: Waiting, bytes: Uint8Array, detail: string): void {
    counters.violations += 1;
    late.giveUp(own.request, own.sentMs);
    if (bytes.length > 0) discard(bytes);
    own.settle(fail('violation', detail));
  }

  function run(request: ReadRequest, timeoutMs: number): Promise<Outcome> {
    const sent = encodeRtuRead(request);
    counters.requests += 1;
    return new Promise((resolve) => {
      const timer = setTimeout(async () => {
        await connection.catchUp();
        if (waiting === own && own.endTimer === undefined) giveUp(own);
      }, timeoutMs);
      const own: Waiting = {
        request,
        sent,
        sentMs: performance.now(),
        timeoutMs,
        received: new Uint8Array(),
        endTimer: undefined,
        settle(outcome) {
          if (waiting !== own) return;
          waiting = undefined;
          clearTimeout(timer);
          clearTimeout(own.endTimer);
          settledMs = performance.now();
          const { sentMs: atMs, received: reply } = own;
          log.add({ atMs, request: sent, reply, outcome: outcomeText(outcome) });
          resolve(outcome);
        },
      };
      waiting = own;
      connection.write(sent);
    });
  }

  function giveUp(own: Waiting): void {
    counters.timeouts += 1;
    late.giveUp(own.request, own.sentMs);
    const rest = afterEcho(own);
    if (rest.length > 0) {
      counters.violations += 1;
      discard(rest);
    }
    own.settle(fail('timeout', `no reply within ${own.timeoutMs} ms`));
  }

  return {
    run,
    receive(chunk) {
      const own = waiting;
      if (own !== undefined) take(own, chunk);
      return own !== undefined;
    },
    lose: (reason) => waiting?.settle(fail('lost', reason)),
    settledMs: () => settledMs,
  };
}
