import { connect, type Socket } from 'node:net';
import { connectPacket, createAckReader, publishBytesMax, writePublish } from './mqtt-packets.ts';

/** Small, because a fleet has thousands of connections. */
const SLAB_BYTES = 16 * 1024;
const RECONNECT_MS_MIN = 50;
const RECONNECT_MS_MAX = 1_000;

/** A message that was sent and not acknowledged yet. */
interface Outstanding {
  readonly topic: string;
  readonly payload: string;
  readonly sentAtMs: number;
  /** Gets the time since the message was first handed over. */
  readonly acknowledged: (latencyMs: number) => void;
}

export interface FleetConnection {
  /** Sends now, or with the next connection. At most 65,535 may be outstanding. */
  publish(topic: string, payload: string, acknowledged: (latencyMs: number) => void): void;
  outstanding(): number;
  reconnects(): number;
  /** Whether the broker ever took the connection. */
  wasUp(): boolean;
  /** Why the latest attempt failed; null: none did. */
  fault(): string | null;
  /** Closes the socket; what is outstanding stays unacknowledged. */
  close(): void;
}

/**
 * One MQTT connection, for one gateway or several. Everything outstanding is sent again, in order, after each
 * reconnect. The bound on what is outstanding is the caller's window, and 65,535 packet ids.
 */
export function createFleetConnection(options: {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
}): FleetConnection {
  const outstanding = new Map<number, Outstanding>();
  let nextPacketId = 1;
  let isUp = false;
  let wasUp = false;
  let fault: string | null = null;
  let closed = false;
  let reconnectCount = 0;
  let delayMs = RECONNECT_MS_MIN;
  let timer: NodeJS.Timeout | undefined;
  let slab = Buffer.allocUnsafe(SLAB_BYTES);
  let used = 0;
  let isFlushing = false;
  let socket = open();

  function flush(): void {
    isFlushing = false;
    if (used === 0) return;
    socket.write(slab.subarray(0, used));
    // The socket may hold on to the bytes: the rest of the slab is used next, never these.
    slab = slab.subarray(used);
    used = 0;
  }

  function send(packetId: number, message: Outstanding, isRepeat: boolean): void {
    const bytes = publishBytesMax(message.topic, message.payload);
    if (used + bytes > slab.length) {
      flush();
      if (bytes > slab.length) slab = Buffer.allocUnsafe(Math.max(SLAB_BYTES, bytes));
    }
    used = writePublish(slab, used, { packetId, ...message, isRepeat });
    if (isFlushing) return;
    isFlushing = true;
    // One write for all that one turn of the event loop has to say.
    setImmediate(flush);
  }

  function open(): Socket {
    const opened = connect({ host: options.host, port: options.port, noDelay: true });
    const reader = createAckReader({
      connected(returnCode) {
        if (returnCode !== 0) {
          fault = `refused with return code ${returnCode}`;
          opened.destroy();
          return;
        }
        isUp = true;
        wasUp = true;
        delayMs = RECONNECT_MS_MIN;
        for (const [packetId, message] of outstanding) send(packetId, message, true);
      },
      acknowledged(packetId) {
        const message = outstanding.get(packetId);
        if (message === undefined) return;
        outstanding.delete(packetId);
        message.acknowledged(performance.now() - message.sentAtMs);
      },
    });
    opened.on('connect', () => opened.write(connectPacket(options.clientId)));
    opened.on('data', reader.read);
    // 'close' follows every error, and is where the reconnect is planned.
    opened.on('error', (error: NodeJS.ErrnoException) => {
      fault = error.code ?? error.message;
      opened.destroy();
    });
    opened.on('close', () => {
      isUp = false;
      used = 0;
      if (closed) return;
      reconnectCount += 1;
      timer = setTimeout(() => {
        socket = open();
      }, Math.random() * delayMs);
      delayMs = Math.min(RECONNECT_MS_MAX, delayMs * 2);
    });
    return opened;
  }

  return {
    publish(topic, payload, acknowledged) {
      while (outstanding.has(nextPacketId)) nextPacketId = (nextPacketId % 65_535) + 1;
      const packetId = nextPacketId;
      nextPacketId = (nextPacketId % 65_535) + 1;
      const message = { topic, payload, sentAtMs: performance.now(), acknowledged };
      outstanding.set(packetId, message);
      if (isUp) send(packetId, message, false);
    },
    outstanding: () => outstanding.size,
    reconnects: () => reconnectCount,
    wasUp: () => wasUp,
    fault: () => fault,
    close() {
      closed = true;
      clearTimeout(timer);
      socket.destroy();
    },
  };
}
