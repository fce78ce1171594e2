import type { IPublishPacket, MqttClient } from 'mqtt';

/** A message of the broker whose PUBACK is ours to send. */
export interface Delivery {
  readonly topic: string;
  readonly payload: Buffer;
  /** The broker had kept it; it is not new. */
  readonly isRetained: boolean;
  /** Sends the PUBACK, in one write with all of this turn. Nothing on a connection that has ended. */
  readonly acknowledge: () => void;
}

export interface DeferredPubacks {
  /** Writes the PUBACKs that wait for the end of the turn. */
  flush(): void;
}

/** The version of `mqtt` whose inner workings this file was checked against. */
export const MQTT_VERSION = '5.16.0';
const PUBACK_BYTES = 4;
/** Fixed header of PUBACK [MQTT-3.4.1]; without a reason code it means success in MQTT 5 as well. */
const PUBACK = 0x40;
const PUBACK_LENGTH = 2;
/** Any error makes the client go on without a PUBACK. */
const NOT_YET = new Error('acknowledged later');

/**
 * Lets a `mqtt` client take many messages before the first of them is acknowledged. By itself it
 * takes one at a time: its `handleMessage` calls back to send the PUBACK and to go on, so that each
 * message would wait for a commit of its own. What is used of its inner workings: called back with an
 * error it goes on and sends nothing; and packets may be written to its `stream`, since it writes
 * each of its own whole. `goOn` must be called once for the next message to come.
 */
export function deferPubacks(
  client: MqttClient,
  onDelivery: (delivery: Delivery, goOn: () => void) => void,
): DeferredPubacks {
  let waiting: number[] = [];

  function flush(): void {
    const ids = waiting;
    waiting = [];
    if (ids.length === 0 || !client.connected) return;
    const packets = Buffer.allocUnsafe(ids.length * PUBACK_BYTES);
    for (const [i, id] of ids.entries()) {
      packets[i * PUBACK_BYTES] = PUBACK;
      packets[i * PUBACK_BYTES + 1] = PUBACK_LENGTH;
      packets.writeUInt16BE(id, i * PUBACK_BYTES + 2);
    }
    client.stream.write(packets);
  }

  function acknowledge(id: number): void {
    if (waiting.length === 0) setImmediate(flush);
    waiting.push(id);
  }

  client.handleMessage = ({ topic, payload, qos, retain, messageId }: IPublishPacket, callback) => {
    const delivery: Delivery = {
      topic,
      payload: payload as Buffer,
      isRetained: retain,
      acknowledge: () => {
        if (qos === 1) acknowledge(messageId as number);
      },
    };
    onDelivery(delivery, () => callback(NOT_YET));
  };
  return { flush };
}
