import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { createBackOff } from '../process/back-off.ts';
import type { Logger } from '../process/log.ts';
import { readTlsFiles } from '../process/tls-files.ts';
import type { GatewayConfig } from './config.ts';

/** A link that stood for so long was a good one: the next loss starts the back-off anew. */
const GOOD_LINK_MS = 10_000;
const CLOSE_MS_MAX = 1_000;

export interface MqttLinkSettings {
  readonly mqtt: GatewayConfig['mqtt'];
  readonly clientId: string;
  readonly will: { readonly topic: string; readonly payload: Buffer };
  /** Subscribed to with QoS 1 before the link counts as up. */
  readonly subscriptions: readonly string[];
  readonly onUp: () => void;
  /** Whatever was sent and has no PUBACK has none for good. */
  readonly onDown: () => void;
  readonly onMessage: (topic: string, payload: Uint8Array) => void;
  readonly log: Logger;
}

export interface MqttLink {
  isUp(): boolean;
  /** False while the broker of an MQTT 5 link takes no more messages without PUBACK. */
  hasRoom(): boolean;
  /** Attempts in a row that did not come up, and why the last one failed or the last link ended. */
  attempts(): { readonly failed: number; readonly lastReason: string | null };
  /** QoS 1. `onPuback` is called at the PUBACK of this link, or never. Only while it is up. */
  publish(
    topic: string,
    payload: Uint8Array,
    options: { readonly retain: boolean },
    onPuback: () => void,
  ): void;
  /** Gives the link up; it is built again after the back-off. */
  drop(reason: string): void;
  close(): Promise<void>;
}

/**
 * Keeps one MQTT connection up. Each attempt is a new client, so that nothing is sent from a
 * store in memory: what must be sent again comes from the spool. The session is clean for the same
 * reason, and because acks are retained.
 */
export function openMqttLink(settings: MqttLinkSettings): MqttLink {
  const { mqtt, log } = settings;
  const backOff = createBackOff(
    { msMin: mqtt.reconnectMsMin, msMax: mqtt.reconnectMsMax },
    Math.random,
  );
  let client: MqttClient | undefined;
  let isUp = false;
  let failed = 0;
  let lastReason: string | null = null;
  /** Messages without PUBACK, and how many the broker takes (MQTT 5, 3.2.2.3.3). */
  let outstanding = 0;
  let receiveMax = Number.POSITIVE_INFINITY;
  let upSinceMs = 0;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  function attempt(): void {
    let own: MqttClient;
    try {
      own = connect(mqtt.url, optionsOf(settings));
    } catch (error) {
      // A certificate's file can't be read now; it may be in the middle of a renewal.
      retry(`cannot connect: ${(error as Error).message}`);
      return;
    }
    client = own;
    own.on('connect', ({ properties }) => {
      outstanding = 0;
      receiveMax = properties?.receiveMaximum ?? Number.POSITIVE_INFINITY;
      subscribe(own);
    });
    own.on('message', (topic, payload) => {
      if (client === own) settings.onMessage(topic, payload);
    });
    own.on('error', (error) => lose(own, error.message));
    own.on('close', () => lose(own, 'closed'));
  }

  function subscribe(own: MqttClient): void {
    own.subscribe([...settings.subscriptions], { qos: 1 }, (error, granted = []) => {
      if (client !== own) return;
      if (error || granted.some(({ qos }) => qos === 128)) {
        lose(own, `subscription refused: ${error?.message ?? 'SUBACK 128'}`);
        return;
      }
      isUp = true;
      failed = 0;
      upSinceMs = performance.now();
      log.info({ url: mqtt.url }, 'mqtt up');
      settings.onUp();
    });
  }

  /** Ends a client, once, whatever ended it. */
  function lose(own: MqttClient, reason: string): void {
    if (client !== own) return;
    client = undefined;
    own.end(true);
    // A client that is being torn down may still report how its socket died.
    own.on('error', () => undefined);
    const wasUp = isUp;
    isUp = false;
    if (wasUp && performance.now() - upSinceMs >= GOOD_LINK_MS) backOff.reset();
    if (wasUp) settings.onDown();
    if (!closed) retry(reason, wasUp);
  }

  function retry(reason: string, wasUp = false): void {
    const waitMs = backOff.next();
    lastReason = reason;
    if (!wasUp) failed += 1;
    log.info({ reason, waitMs }, wasUp ? 'mqtt down' : 'mqtt attempt failed');
    timer = setTimeout(attempt, waitMs);
  }

  attempt();
  return {
    isUp: () => isUp,
    hasRoom: () => outstanding < receiveMax,
    attempts: () => ({ failed, lastReason }),
    publish(topic, payload, { retain }, onPuback) {
      const own = client;
      if (own === undefined || !isUp) throw new Error(`Cannot publish to ${topic}: link is down`);
      outstanding += 1;
      own.publish(topic, bytesOf(payload), { qos: 1, retain }, (error) => {
        if (client !== own) return;
        outstanding -= 1;
        // An MQTT 5 broker may refuse a message in its PUBACK; 3.1.1 knows only closing.
        if (error) lose(own, `publish refused: ${error.message}`);
        else onPuback();
      });
    },
    drop(reason) {
      if (client !== undefined) lose(client, reason);
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      const own = client;
      if (own === undefined) return;
      client = undefined;
      isUp = false;
      await new Promise<void>((resolve) => {
        const late = setTimeout(() => {
          own.end(true);
          resolve();
        }, CLOSE_MS_MAX);
        own.end(false, {}, () => {
          clearTimeout(late);
          resolve();
        });
      });
    },
  };
}

/** The session is clean and nothing is queued: what must be sent again comes from the spool. */
function optionsOf({ mqtt, clientId, will }: MqttLinkSettings): IClientOptions {
  return {
    clientId,
    protocolVersion: mqtt.version === '5' ? 5 : 4,
    clean: true,
    reconnectPeriod: 0,
    keepalive: mqtt.keepaliveS,
    connectTimeout: mqtt.connectTimeoutMs,
    queueQoSZero: false,
    resubscribe: false,
    will: { ...will, qos: 1, retain: true },
    ...(mqtt.username === undefined ? {} : { username: mqtt.username }),
    ...(mqtt.password === undefined ? {} : { password: mqtt.password }),
    ...readTlsFiles(mqtt),
  };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);
