/**
 * The few packets of MQTT 3.1.1 that a publisher needs, written into one buffer at a time. A
 * general codec costs a load generator more than the broker that it is meant to load.
 */
const TYPE_CONNACK = 2;
const TYPE_PUBACK = 4;
const REMAINING_BYTES_MAX = 4;

/** CONNECT with a clean session and no keep-alive: [MQTT-3.1]. */
export function connectPacket(clientId: string): Buffer {
  const id = Buffer.from(clientId);
  const packet = Buffer.alloc(14 + id.length);
  packet[0] = 0x10;
  // Client ids are at most 64 characters, so that one byte holds the remaining length.
  packet[1] = 12 + id.length;
  packet.write('\u0000\u0004MQTT\u0004\u0002\u0000\u0000', 2, 'latin1');
  packet.writeUInt16BE(id.length, 12);
  id.copy(packet, 14);
  return packet;
}

/** Largest size of a PUBLISH with this topic and payload, both ASCII. */
export const publishBytesMax = (topic: string, payload: string): number =>
  1 + REMAINING_BYTES_MAX + 2 + topic.length + 2 + payload.length;

/** Writes a QoS 1 PUBLISH at `offset` and gives the offset after it: [MQTT-3.3]. ASCII only. */
export function writePublish(
  target: Buffer,
  offset: number,
  packet: {
    readonly packetId: number;
    readonly topic: string;
    readonly payload: string;
    readonly isRepeat: boolean;
  },
): number {
  const { packetId, topic, payload } = packet;
  let at = offset;
  target[at++] = packet.isRepeat ? 0x3a : 0x32;
  let remaining = 4 + topic.length + payload.length;
  while (remaining > 127) {
    target[at++] = (remaining & 0x7f) | 0x80;
    remaining >>>= 7;
  }
  target[at++] = remaining;
  at = target.writeUInt16BE(topic.length, at);
  at += target.write(topic, at, 'latin1');
  at = target.writeUInt16BE(packetId, at);
  return at + target.write(payload, at, 'latin1');
}

export interface AckReader {
  /** Takes what the socket gave. */
  read(chunk: Buffer): void;
}

/**
 * Reads what a broker sends to a publisher. `connected` gets the return code of CONNACK (0:
 * accepted), `acknowledged` each packet id that a PUBACK names; other packets are skipped.
 */
export function createAckReader(on: {
  readonly connected: (returnCode: number) => void;
  readonly acknowledged: (packetId: number) => void;
}): AckReader {
  let held: Buffer = Buffer.alloc(0);
  return {
    read(chunk) {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      let at = 0;
      for (;;) {
        const packet = packetAt(held, at);
        if (packet === null) break;
        if (packet.type === TYPE_PUBACK) on.acknowledged(held.readUInt16BE(packet.bodyAt));
        if (packet.type === TYPE_CONNACK) on.connected(held[packet.bodyAt + 1]!);
        at = packet.endAt;
      }
      held = held.subarray(at);
    },
  };
}

/** Null: not whole yet. */
function packetAt(
  bytes: Buffer,
  at: number,
): { readonly type: number; readonly bodyAt: number; readonly endAt: number } | null {
  let remaining = 0;
  for (let n = 0; n < REMAINING_BYTES_MAX; n += 1) {
    const byte = bytes[at + 1 + n];
    if (byte === undefined) return null;
    remaining |= (byte & 0x7f) << (7 * n);
    if (byte < 0x80) {
      const bodyAt = at + 2 + n;
      const endAt = bodyAt + remaining;
      return endAt > bytes.length ? null : { type: bytes[at]! >>> 4, bodyAt, endAt };
    }
  }
  throw new Error('Cannot read from the broker: a remaining length of more than 4 bytes');
}
