import type { Socket } from 'node:net';
import type { BrokerSettings } from './embedded/broker-settings.ts';
import type { PublishLane } from './embedded/publish-lane.ts';
import { createPacketGuard } from './packet-guard.ts';
import { createRateBucket } from './rate-bucket.ts';

/**
 * Bounds what is read from all sockets together: messages and payload bytes in flight, and those of one
 * turn of the event loop. At a bound no socket is read: TCP holds the senders, nothing queues here, and
 * answers of the database get their turn. One that sends faster than its rate waits for itself alone. Nor
 * does a packet get through that is larger than any of ours (packet-guard.ts). aedes reads with
 * `socket.read()`: there the gate stands, and behind it the lane of what gateways publish.
 */
export interface ReadGate {
  /** `onRefused`: the socket was closed for what it sent. */
  guard(socket: Socket, lane: Lane, onRefused: (reason: string) => void): void;
  /** A message of so many bytes is in flight. */
  take(bytes: number): void;
  /** It is no longer. */
  give(bytes: number): void;
  bytes(): number;
  /** Closes the gate for good. */
  shut(): void;
}

type Lane = Pick<PublishLane, 'pass' | 'isBusy'>;

export interface GateBounds {
  /** Payload bytes in flight. */
  readonly bytesMax: number;
  /** Messages in flight. */
  readonly messagesMax: number;
  /** Payload bytes of one turn of the event loop. */
  readonly turnBytesMax: number;
}

export function createReadGate(
  { bytesMax, messagesMax, turnBytesMax }: GateBounds,
  clientRate: BrokerSettings['clientRate'],
): ReadGate {
  const held = new Set<Socket>();
  let bytes = 0;
  let messages = 0;
  let turnBytes = 0;
  let isTurnWatched = false;
  let isShut = false;
  const isClosed = (): boolean =>
    isShut || bytes >= bytesMax || messages >= messagesMax || turnBytes >= turnBytesMax;

  /** Those held longest read first, until the gate closes again; once each, then others have a turn. */
  function release(): void {
    let left = held.size;
    // Called for every message that is done: no copy of what may be thousands.
    for (const socket of held) {
      if (left === 0 || isClosed()) return;
      left -= 1;
      held.delete(socket);
      socket.emit('readable');
    }
  }

  return {
    guard(socket, lane, onRefused) {
      const read = socket.read.bind(socket);
      const packets = createPacketGuard();
      const messageRate = createRateBucket({ perSecond: clientRate.messagesPerSecond });
      const byteRate = createRateBucket({ perSecond: clientRate.bytesPerSecond });
      let slowed: NodeJS.Timeout | undefined;
      const slowDown = (waitMs: number): void => {
        slowed ??= setTimeout(() => {
          slowed = undefined;
          socket.emit('readable');
        }, waitMs);
      };
      socket.read = (size?: number) => {
        // The stream itself asks for 0 bytes to fill its own, bounded buffer.
        if (size === 0) return read(size);
        if (lane.isBusy()) return null;
        if (isClosed()) {
          held.add(socket);
          return null;
        }
        const nowMs = performance.now();
        const waitMs = Math.max(messageRate.waitMs(nowMs), byteRate.waitMs(nowMs));
        if (waitMs > 0) {
          slowDown(waitMs);
          return null;
        }
        const bytes: Buffer | null = read(size);
        if (bytes === null) return null;
        const isAtPacket = packets.isAtPacket();
        const refusal = packets.pass(bytes);
        messageRate.take(packets.published(), nowMs);
        byteRate.take(bytes.length, nowMs);
        if (refusal === null) return lane.pass(bytes, isAtPacket);
        onRefused(refusal);
        socket.destroy();
        return null;
      };
      socket.once('close', () => {
        held.delete(socket);
        clearTimeout(slowed);
      });
    },
    take(taken) {
      bytes += taken;
      messages += 1;
      turnBytes += taken;
      if (isTurnWatched) return;
      isTurnWatched = true;
      setImmediate(() => {
        isTurnWatched = false;
        turnBytes = 0;
        release();
      });
    },
    give(given) {
      bytes -= given;
      messages -= 1;
      if (held.size > 0) release();
    },
    bytes: () => bytes,
    shut: () => {
      isShut = true;
    },
  };
}
