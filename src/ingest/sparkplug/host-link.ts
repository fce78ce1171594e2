import type { IClientOptions, MqttClient } from 'mqtt';
import { BATCH_BYTES_MAX } from '../../model/batch.ts';
import type { Logger } from '../../process/log.ts';
import { readHostState, writeHostState } from '../../telemetry/sparkplug/host-state.ts';
import { hostSubscriptions, stateTopicOf } from '../../telemetry/sparkplug/sparkplug-topic.ts';
import { connectOptions } from '../external/connect-options.ts';
import { type MqttLink, openMqttLink } from '../external/mqtt-link.ts';
import type { MqttSettings } from '../external/mqtt-settings.ts';

export interface LinkEvents {
  readonly onMessage: (topic: string, payload: Buffer) => void;
  /** From now on messages may be missed. */
  readonly onDown: () => void;
}

export interface HostLinkOptions extends LinkEvents {
  readonly mqtt: MqttSettings & { readonly url: string };
  readonly hostId: string;
  readonly groups: readonly string[];
  /** Hub time, UTC ms. */
  readonly now: () => number;
  readonly log: Logger;
}

/** How the host hears edge nodes and speaks to them: over another broker, or its own (embedded-link.ts). */
export interface HostLink {
  trouble: MqttLink['trouble'];
  /** QoS 0, not retained; false: the host is not online. */
  publish(topic: string, payload: Uint8Array): boolean;
  /** Says that the host is offline, then disconnects. */
  close(): Promise<void>;
}

/** An MQTT 5 broker does not send what is larger: it would not be read anyway. */
const PACKET_BYTES_MAX = 4 * BATCH_BYTES_MAX;

/**
 * The host application's connection (Sparkplug 3.0, 5.2 and 6.4.29): a clean session with its death as the
 * will; subscribed first, then its birth with the time of that will. What it publishes else comes after.
 */
export function openHostLink(options: HostLinkOptions): HostLink {
  const { mqtt, hostId, now, log } = options;
  const stateTopic = stateTopicOf(hostId);
  /** Of the CONNECT; never less than before. */
  let timestamp = 0;
  /** The client that has published its birth. */
  let born: MqttClient | null = null;

  const publishBirth = (client: MqttClient): Promise<unknown> =>
    client.publishAsync(stateTopic, writeHostState({ online: true, timestamp }), RETAINED);

  function onMessage(client: MqttClient, topic: string, payload: Buffer): void {
    if (topic !== stateTopic) {
      options.onMessage(topic, payload);
      return;
    }
    // tck-id-message-flow-hid-sparkplug-state-message-delivered
    if (born !== client || readHostState(payload)?.online !== false) return;
    log.warn({ hostId }, 'our STATE said offline; saying online again');
    publishBirth(client).catch((error: Error) => link.drop(error.message));
  }

  const link = openMqttLink({
    url: mqtt.url,
    backOff: { msMin: mqtt.reconnectMsMin, msMax: mqtt.reconnectMsMax },
    options: () => {
      timestamp = Math.max(timestamp, now());
      const payload = writeHostState({ online: false, timestamp });
      return sessionOptions(options, { topic: stateTopic, payload, ...RETAINED });
    },
    onClient: (client) => {
      client.on('message', (topic, payload) => onMessage(client, topic, payload));
    },
    onConnect: async (client) => {
      const topics = hostSubscriptions(hostId, options.groups);
      const granted = await client.subscribeAsync(topics, { qos: 1 });
      const refused = granted.find(({ qos }) => qos === 128);
      if (refused !== undefined) throw new Error(`subscription to ${refused.topic} refused`);
      const told = publishBirth(client);
      born = client;
      await told;
    },
    onUp: () => undefined,
    onDown: () => {
      born = null;
      options.onDown();
    },
    now,
    log,
  });

  return {
    trouble: link.trouble,
    publish(topic, payload) {
      const client = link.client();
      if (client === null) return false;
      client.publish(topic, Buffer.from(payload), { qos: 0, retain: false });
      return true;
    },
    close() {
      options.onDown();
      return link.close(async (client) => {
        born = null;
        const offline = writeHostState({ online: false, timestamp: Math.max(timestamp, now()) });
        await client.publishAsync(stateTopic, offline, RETAINED);
      });
    },
  };
}

const RETAINED = { qos: 1, retain: true } as const;

function sessionOptions(
  { mqtt, hostId }: HostLinkOptions,
  will: NonNullable<IClientOptions['will']>,
): IClientOptions {
  const session: IClientOptions = {
    ...connectOptions(mqtt),
    clientId: `wugan-sparkplug-${hostId}`,
    clean: true,
    will,
  };
  if (mqtt.version !== '5') return session;
  const maximumPacketSize = PACKET_BYTES_MAX;
  return { ...session, properties: { sessionExpiryInterval: 0, maximumPacketSize } };
}
