import type { Result } from '../../model/result.ts';
import type { Exchange } from './exchange-log.ts';
import type { PduReply, ReadRequest } from './pdu.ts';

export type ReadFailure =
  /** No connection: says nothing about the unit that was asked. */
  | 'down'
  /** Connected, and no reply in time. */
  | 'timeout'
  /** What came for this request was not its reply. */
  | 'violation'
  /** The connection ended before the reply. */
  | 'lost';

/** `rttMs`: real time from the request's last byte handed over to the reply complete. */
export type ReadReply = PduReply & { readonly rttMs: number };

export interface MasterCounters {
  requests: number;
  timeouts: number;
  /** Bytes thrown away because no request was waiting for them. */
  drainedBytes: number;
  /** Whole replies to requests that were given up: dropped. */
  lateReplies: number;
  /** Whole replies to requests that were never made: dropped. */
  strayReplies: number;
  /** Replies that came again as they were: dropped. */
  copies: number;
  /** Whole requests, or answers to writes, that another master caused. */
  foreignRequests: number;
  /** Times that the adapter gave back what was sent to it. */
  echoes: number;
  crcErrors: number;
  /** What came was not a reply to what was asked; checksum errors and half frames included. */
  violations: number;
  connects: number;
}

export const noCounts = (): MasterCounters => ({
  requests: 0,
  timeouts: 0,
  drainedBytes: 0,
  lateReplies: 0,
  strayReplies: 0,
  copies: 0,
  foreignRequests: 0,
  echoes: 0,
  crcErrors: 0,
  violations: 0,
  connects: 0,
});

export interface ReadOptions {
  /** The request is on its way; until then the line may have had to become quiet first. */
  readonly onSent?: () => void;
}

/** One master on one medium, whatever carries it. */
export interface ModbusMaster {
  /**
   * Settles exactly once. A failure settles when the medium can be used again or is known to be down:
   * at the latest after the time-out, what is left of an earlier request's silence, and five seconds.
   */
  read(
    request: ReadRequest,
    timeoutMs: number,
    options?: ReadOptions,
  ): Promise<Result<ReadReply, ReadFailure>>;
  isUp(): boolean;
  counters(): Readonly<MasterCounters>;
  /** The last exchanges as bytes, oldest first. */
  exchanges(): Exchange[];
  /** A value that can't be true came: the medium is treated as after a wrong reply. */
  distrust(reason: string): Promise<void>;
  close(): Promise<void>;
}

export interface MasterEvents {
  /** The connection came up, or went down and why. */
  readonly onState: (state: 'up' | 'down', reason: string) => void;
  /** A reply came after its request was given up, so long after it was sent. */
  readonly onLate?: (unitId: number, rttMs: number) => void;
}
