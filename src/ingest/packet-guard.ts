import { BATCH_BYTES_MAX } from '../model/batch.ts';

/** Remaining length of a CONNECT: ids, credentials and a will; more is no gateway. */
const CONNECT_BYTES_MAX = 4_096;
/** Of any other packet: the largest batch, its topic and packet id. */
const PACKET_BYTES_MAX = BATCH_BYTES_MAX + 512;
/** Packet type in the upper half of the first byte [MQTT-2.2.1]. */
const CONNECT = 1;
const PUBLISH = 3;
/** Bytes of the remaining length at most, seven bits each [MQTT-2.2.3]. */
const LENGTH_BYTES_MAX = 4;

/**
 * Follows the fixed headers in one connection's bytes, before the parser gathers a packet: it would hold
 * up to 256 MiB of it, of anyone who can connect.
 */
export interface PacketGuard {
  /** Null: go on. Else why the connection must end; nothing of these bytes may be parsed. */
  pass(bytes: Uint8Array): string | null;
  /** Whether the next byte begins a packet. */
  isAtPacket(): boolean;
  /** PUBLISH packets that began since it was last asked. */
  published(): number;
}

export function createPacketGuard(): PacketGuard {
  let state: 'type' | 'length' | 'body' = 'type';
  let isFirst = true;
  let type = 0;
  let length = 0;
  let lengthBytes = 0;
  let bodyLeft = 0;
  let publishes = 0;

  function takeLength(byte: number): string | null {
    length += (byte & 0x7f) * 128 ** lengthBytes;
    lengthBytes += 1;
    if (length > (type === CONNECT ? CONNECT_BYTES_MAX : PACKET_BYTES_MAX))
      return 'packet too large';
    if ((byte & 0x80) !== 0) {
      return lengthBytes === LENGTH_BYTES_MAX ? 'malformed packet length' : null;
    }
    bodyLeft = length;
    state = bodyLeft === 0 ? 'type' : 'body';
    return null;
  }

  function takeType(byte: number): string | null {
    type = byte >> 4;
    length = 0;
    lengthBytes = 0;
    state = 'length';
    if (type === PUBLISH) publishes += 1;
    const isRefused = isFirst && type !== CONNECT;
    isFirst = false;
    return isRefused ? 'no CONNECT first' : null;
  }

  return {
    pass(bytes) {
      for (let at = 0; at < bytes.length; ) {
        if (state === 'body') {
          const skipped = Math.min(bodyLeft, bytes.length - at);
          at += skipped;
          bodyLeft -= skipped;
          if (bodyLeft === 0) state = 'type';
          continue;
        }
        const byte = bytes[at] as number;
        const refusal = state === 'type' ? takeType(byte) : takeLength(byte);
        if (refusal !== null) return refusal;
        at += 1;
      }
      return null;
    },
    isAtPacket: () => state === 'type',
    published() {
      const count = publishes;
      publishes = 0;
      return count;
    },
  };
}
