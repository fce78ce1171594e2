import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createReadGate } from '../../src/ingest/read-gate.ts';

const RATE = { messagesPerSecond: 1_000_000, bytesPerSecond: 1_000_000_000 };
const turn = (): Promise<void> => new Promise((next) => setImmediate(next));
/** A CONNECT without a body: all that a guard needs to let later packets pass. */
const CONNECT = Buffer.from([0x10, 0]);
const MESSAGE_BYTES = 100;
/** Everything is for the reader itself. */
const NO_LANE = { pass: (bytes: Buffer) => bytes, isBusy: () => false };

/** Senders that always have another message, and which of them wait, longest first. */
function createSenders(gate: ReturnType<typeof createReadGate>, count: number) {
  const waiting: number[] = [];
  const overtaken: number[] = [];
  let inFlight = 0;
  const asks = Array.from({ length: count }, (_, id) => {
    let isConnected = false;
    const socket = Object.assign(new EventEmitter(), {
      read: () => (isConnected ? Buffer.from([0x30, 0]) : CONNECT),
      destroy: () => undefined,
    });
    const ask = (): void => {
      if (socket.read() === null) {
        if (!waiting.includes(id)) waiting.push(id);
        return;
      }
      if (!isConnected) {
        isConnected = true;
        return;
      }
      // Its turn: it waited longest, or nobody waits.
      if (waiting.length > 0 && waiting[0] !== id) overtaken.push(waiting[0] as number);
      if (waiting.includes(id)) waiting.splice(waiting.indexOf(id), 1);
      inFlight += 1;
      gate.take(MESSAGE_BYTES);
    };
    gate.guard(socket as unknown as Socket, NO_LANE, () => undefined);
    socket.on('readable', ask);
    ask();
    return ask;
  });
  return {
    overtaken,
    waiting,
    ask: (id: number) => asks[id % count]?.(),
    inFlight: () => inFlight,
    giveOne() {
      if (inFlight === 0) return;
      inFlight -= 1;
      gate.give(MESSAGE_BYTES);
    },
  };
}

it('createReadGate() serves first who waits longest, and in the end everybody who waits', async () => {
  const bound = fc.integer({ min: 1, max: 10 });
  const step = fc.oneof(
    fc.record({ kind: fc.constant('ask' as const), id: fc.nat({ max: 39 }) }),
    fc.record({ kind: fc.constantFrom('give' as const, 'turn' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 40 }),
      bound,
      bound,
      bound,
      fc.array(step, { maxLength: 200 }),
      async (count, inFlightMax, messagesMax, perTurnMax, steps) => {
        const bytes = { inFlight: inFlightMax * MESSAGE_BYTES, turn: perTurnMax * MESSAGE_BYTES };
        const gate = createReadGate(
          { bytesMax: bytes.inFlight, messagesMax, turnBytesMax: bytes.turn },
          RATE,
        );
        const senders = createSenders(gate, count);
        for (const next of steps) {
          if (next.kind === 'ask') senders.ask(next.id);
          else if (next.kind === 'give') senders.giveOne();
          else await turn();
          expect(gate.bytes()).toBe(senders.inFlight() * MESSAGE_BYTES);
          expect(gate.bytes()).toBeLessThanOrEqual(bytes.inFlight);
          expect(senders.inFlight()).toBeLessThanOrEqual(messagesMax);
        }
        for (let round = 0; round <= count && senders.waiting.length > 0; round += 1) {
          senders.giveOne();
          await turn();
        }
        expect(senders.waiting).toEqual([]);
        expect(senders.overtaken).toEqual([]);
      },
    ),
    { numRuns: 200 },
  );
});
