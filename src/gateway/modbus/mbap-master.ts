import { randomInt } from 'node:crypto';
import { fail, ok, type Result } from '../../model/result.ts';
import { createConnection } from './connection.ts';
import { createExchangeLog, outcomeText } from './exchange-log.ts';
import type { OpenLink } from './link.ts';
import { createMbapReader, encodeMbapRead, type MbapFrame } from './mbap.ts';
import {
  type MasterEvents,
  type ModbusMaster,
  noCounts,
  type ReadFailure,
  type ReadReply,
} from './modbus-master.ts';
import { decodeReadPdu, type ReadRequest } from './pdu.ts';

export interface MbapMasterSettings extends MasterEvents {
  readonly open: OpenLink;
  readonly reconnectMsMin: number;
  readonly reconnectMsMax: number;
  readonly afterConnectMs: number;
  /** Transactions at a time; more than one only where every device of the connection allows it. */
  readonly inFlightMax: number;
  /** Other unit ids that a unit is known to answer with. */
  readonly aliasesOf: (unitId: number) => readonly number[];
}

/** Requests given up of which a late reply is known as late. */
const GIVEN_UP_MAX = 64;
/** So many timeouts in a row without a byte received, and the connection is taken for dead. */
const SILENT_TIMEOUTS_MAX = 3;

interface Outstanding {
  readonly request: ReadRequest;
  readonly sentMs: number;
  readonly settle: (result: Result<ReadReply, ReadFailure>, reply?: Uint8Array) => void;
}

interface GivenUp {
  readonly unitId: number;
  readonly sentMs: number;
}

/**
 * A Modbus TCP master on one connection, which it keeps up by itself. A reply is a value only if
 * transaction, protocol, unit, function, byte count and length are all those of an outstanding
 * request; a late reply is dropped and counted, everything else that does not fit ends the connection
 * (docs/decisions/2026-11-24-own-modbus-master.md). Network time is real time.
 */
export function createMbapMaster(settings: MbapMasterSettings): ModbusMaster {
  const counters = noCounts();
  const outstanding = new Map<number, Outstanding>();
  const givenUp = new Map<number, GivenUp>();
  const log = createExchangeLog();
  let reader = createMbapReader();
  let nextTransaction = 0;
  let silentTimeouts = 0;

  const connection = createConnection({
    ...settings,
    reopenMsMin: 0,
    onUp(where) {
      reader = createMbapReader();
      nextTransaction = randomInt(0x1_0000);
      silentTimeouts = 0;
      givenUp.clear();
      counters.connects += 1;
      settings.onState('up', `connected to ${where}`);
    },
    onData: receive,
    onDown(reason) {
      settleAll('lost', reason);
      settings.onState('down', reason);
    },
  });

  function settleAll(reason: ReadFailure, detail: string): void {
    for (const { settle } of [...outstanding.values()]) settle(fail(reason, detail));
  }

  function violate(reason: string, reply: Uint8Array): void {
    counters.violations += 1;
    log.add({ atMs: performance.now(), request: null, reply, outcome: reason });
    settleAll('violation', reason);
    connection.drop(reason);
  }

  function receive(chunk: Uint8Array): void {
    silentTimeouts = 0;
    const frames = reader.push(chunk);
    if (!frames.ok) {
      violate(frames.detail, chunk);
      return;
    }
    const own = reader;
    for (const frame of frames.value) {
      // A frame before this one may have ended the connection.
      if (connection.isUp() && own === reader) take(frame);
    }
  }

  function take(frame: MbapFrame): void {
    const asked = outstanding.get(frame.transaction);
    if (asked === undefined) {
      drain(frame);
      return;
    }
    const { request, sentMs, settle } = asked;
    if (
      frame.unitId !== request.unitId &&
      !settings.aliasesOf(request.unitId).includes(frame.unitId)
    ) {
      const advice = `if it always does so, set protocol.unitAliases: [${frame.unitId}]`;
      violate(`unit ${request.unitId} answers as unit ${frame.unitId}: ${advice}`, frame.bytes);
      return;
    }
    const reply = decodeReadPdu(request, frame.pdu);
    if (reply.ok) {
      connection.confirm();
      settle(ok({ ...reply.value, rttMs: performance.now() - sentMs }), frame.bytes);
    } else {
      violate(reply.detail, frame.bytes);
    }
  }

  function drain(frame: MbapFrame): void {
    counters.drainedBytes += frame.pdu.length + 7;
    const late = givenUp.get(frame.transaction);
    const outcome = late === undefined ? 'reply to nobody' : 'late reply';
    log.add({ atMs: performance.now(), request: null, reply: frame.bytes, outcome });
    if (late === undefined) {
      counters.strayReplies += 1;
      return;
    }
    givenUp.delete(frame.transaction);
    counters.lateReplies += 1;
    settings.onLate?.(late.unitId, performance.now() - late.sentMs);
  }

  async function giveUp(transaction: number, timeoutMs: number): Promise<void> {
    const own = outstanding.get(transaction);
    await connection.catchUp();
    if (own === undefined || outstanding.get(transaction) !== own) return;
    counters.timeouts += 1;
    givenUp.set(transaction, { unitId: own.request.unitId, sentMs: own.sentMs });
    if (givenUp.size > GIVEN_UP_MAX) givenUp.delete(givenUp.keys().next().value as number);
    own.settle(fail('timeout', `no reply within ${timeoutMs} ms`));
    silentTimeouts += 1;
    if (reader.isInsideFrame()) violate('half a reply', new Uint8Array());
    else if (silentTimeouts >= SILENT_TIMEOUTS_MAX)
      connection.drop(`${silentTimeouts} timeouts in a row`);
  }

  return {
    read(request, timeoutMs, { onSent } = {}) {
      if (outstanding.size >= settings.inFlightMax) {
        throw new Error(`Cannot read: ${outstanding.size} transactions are outstanding`);
      }
      if (!connection.isUp()) return Promise.resolve(fail('down', 'not connected'));
      counters.requests += 1;
      const transaction = nextTransaction;
      nextTransaction = (nextTransaction + 1) & 0xffff;
      return new Promise((resolve) => {
        const timer = setTimeout(() => giveUp(transaction, timeoutMs), timeoutMs);
        const sent = encodeMbapRead(transaction, request);
        const sentMs = performance.now();
        const settle: Outstanding['settle'] = (result, reply = new Uint8Array()) => {
          clearTimeout(timer);
          if (!outstanding.delete(transaction)) return;
          log.add({ atMs: sentMs, request: sent, reply, outcome: outcomeText(result) });
          resolve(result);
        };
        outstanding.set(transaction, { request, sentMs, settle });
        connection.write(sent);
        onSent?.();
      });
    },
    isUp: connection.isUp,
    counters: () => counters,
    exchanges: log.recent,
    distrust(reason) {
      violate(reason, new Uint8Array());
      return Promise.resolve();
    },
    close() {
      const closed = connection.close();
      settleAll('lost', 'gateway stops');
      return closed;
    },
  };
}
