import type { IClientOptions, IConnackPacket, MqttClient } from 'mqtt';
import { BATCH_BYTES_MAX } from '../../model/batch.ts';
import type { Gateway } from '../../model/facts.ts';
import type { Logger } from '../../process/log.ts';
import { GATEWAY_CHANNELS, subscriptionTo, topicOf } from '../../telemetry/topics.ts';
import type { Broker, BrokerEvents, Fate, Stray } from '../broker.ts';
import { createAckOutbox } from './ack-outbox.ts';
import { connectOptions, portOf, shownUrl } from './connect-options.ts';
import { type DeferredPubacks, type Delivery, deferPubacks } from './deferred-puback.ts';
import { createGoOnGate } from './go-on-gate.ts';
import { type MqttLink, openMqttLink } from './mqtt-link.ts';
import type { MqttSettings } from './mqtt-settings.ts';
import { sortDelivery } from './sort-delivery.ts';

export interface ExternalBrokerOptions extends BrokerEvents {
  readonly mqtt: MqttSettings & { readonly url: string };
  readonly shard: string;
  readonly inFlightBytesMax: number;
  readonly onStray: (stray: Stray) => void;
  readonly now: () => number;
  readonly log: Logger;
}

/** Larger ones an MQTT 5 broker does not send at all; up to it they are put aside with their beginning. */
const PACKET_BYTES_MAX = 4 * BATCH_BYTES_MAX;
/** Acks without PUBACK; MQTT 3.1.1 brokers don't say how many they take. */
const ACKS_IN_FLIGHT_MAX = 1_000;

/**
 * A broker that the hub is a client of. The broker keeps the session of the shard while no hub is there;
 * a PUBLISH is acknowledged to it after the commit, so that what a killed hub took comes again. What a
 * gateway may publish is for the broker's access rules to say; here only the registry is asked.
 */
export function createExternalBroker(options: ExternalBrokerOptions): Broker {
  const { mqtt, log } = options;
  const outbox = createAckOutbox();
  const gate = createGoOnGate({
    bytesMax: options.inFlightBytesMax,
    messagesMax: mqtt.receiveMax,
  });
  let link: MqttLink | undefined;
  let pubacks: DeferredPubacks | undefined;
  let isStopping = false;

  const onDelivery = (delivery: Delivery, goOn: () => void): void => {
    // Not acknowledged: it stays in the session for the hub that comes next.
    if (isStopping) {
      goOn();
      return;
    }
    const bytes = delivery.payload.length;
    gate.take(bytes, goOn);
    handOn(options, delivery, (fate) => {
      gate.give(bytes);
      // What was deferred its gateway sends again; the broker would only at the next connection.
      if (fate !== 'stopped') delivery.acknowledge();
    });
  };

  return {
    url: shownUrl(mqtt.url),
    port: portOf(mqtt.url),
    open() {
      link = openMqttLink({
        url: mqtt.url,
        backOff: { msMin: mqtt.reconnectMsMin, msMax: mqtt.reconnectMsMax },
        options: () => sessionOptions(options),
        onClient: (client) => {
          gate.forget();
          pubacks = deferPubacks(client, onDelivery);
        },
        onConnect: (client, connack) => subscribe(client, connack, options),
        onUp: (client) => {
          const inFlightMax = client.serverProperties?.receiveMaximum ?? ACKS_IN_FLIGHT_MAX;
          outbox.up(Math.min(inFlightMax, ACKS_IN_FLIGHT_MAX), (topic, payload, onPuback) => {
            const retain = !isCommandTopic(topic);
            client.publish(topic, payload, { qos: 1, retain }, (error) => {
              // MQTT 5 brokers say so; only their access rules can help.
              if (error) log.warn({ topic, error: error.message }, 'the broker refuses a message');
              onPuback();
            });
          });
        },
        onDown: outbox.down,
        now: options.now,
        log,
      });
    },
    inFlightBytes: gate.bytes,
    clients: () => (link !== undefined && link.trouble() === null ? 1 : 0),
    trouble: () => link?.trouble() ?? null,
    async publishAck(id, payload) {
      const gateway = options.gateway(id);
      if (gateway !== undefined) await outbox.put(ackTopic(gateway), payload);
    },
    async publishCommand(id, payload) {
      const gateway = options.gateway(id);
      if (gateway === undefined || link === undefined || link.trouble() !== null) return false;
      await outbox.put(commandTopic(gateway), payload);
      return true;
    },
    stopReading() {
      isStopping = true;
      gate.open();
    },
    async close() {
      isStopping = true;
      gate.open();
      await link?.close(async () => pubacks?.flush());
      outbox.down();
    },
  };
}

const ackTopic = ({ region, id: gateway }: Gateway): string =>
  topicOf({ region, gateway, channel: 'ack' });

const commandTopic = ({ region, id: gateway }: Gateway): string =>
  topicOf({ region, gateway, channel: 'command' });

const isCommandTopic = (topic: string): boolean => topic.endsWith('/command');

/** A session that outlives the connection, named after the shard: whoever holds the shard has it. */
function sessionOptions({ mqtt, shard }: ExternalBrokerOptions): IClientOptions {
  const session: IClientOptions = {
    ...connectOptions(mqtt),
    clientId: mqtt.clientId ?? `wugan-hub-${shard}`,
    clean: false,
  };
  if (mqtt.version !== '5') return session;
  const { sessionExpiryS: sessionExpiryInterval, receiveMax: receiveMaximum } = mqtt;
  const maximumPacketSize = PACKET_BYTES_MAX;
  return { ...session, properties: { sessionExpiryInterval, receiveMaximum, maximumPacketSize } };
}

/** Rejects when the broker refuses a subscription: without it nothing would come, and nobody know. */
async function subscribe(
  client: MqttClient,
  { sessionPresent }: IConnackPacket,
  { mqtt, log }: ExternalBrokerOptions,
): Promise<void> {
  log.debug({ sessionPresent }, 'session at the broker');
  const everywhere = GATEWAY_CHANNELS.map((channel) => subscriptionTo(channel));
  const own = mqtt.regions.flatMap((region) =>
    GATEWAY_CHANNELS.map((channel) => subscriptionTo(channel, region)),
  );
  // The session may be of settings that had no regions.
  if (own.length > 0 && sessionPresent) await client.unsubscribeAsync(everywhere);
  const granted = await client.subscribeAsync(own.length > 0 ? own : everywhere, { qos: 1 });
  const refused = granted.find(({ qos }) => qos === 128);
  if (refused !== undefined) throw new Error(`subscription to ${refused.topic} refused`);
}

function handOn(
  options: ExternalBrokerOptions,
  delivery: Delivery,
  done: (fate: Fate) => void,
): void {
  const { topic, payload } = delivery;
  const { gateway, onPublication, onStray, onRefused, mqtt } = options;
  const sorted = sortDelivery(delivery, { gateway, regions: mqtt.regions });
  switch (sorted.kind) {
    case 'publication':
      onPublication({ gateway: sorted.gateway, channel: sorted.channel, topic, payload, done });
      return;
    case 'stray': {
      onRefused(sorted.reason, topic);
      const { source, reason, detail } = sorted;
      const kept = payload.subarray(0, BATCH_BYTES_MAX);
      onStray({ source, topic, payload: kept, reason, detail, done });
      return;
    }
    case 'foreign':
      onRefused(sorted.reason, topic);
      done('kept');
      return;
    case 'past':
      done('kept');
  }
}
