import { connect, type IClientOptions, type IConnackPacket, type MqttClient } from 'mqtt';
import { createBackOff } from '../../process/back-off.ts';
import type { Logger } from '../../process/log.ts';

/** A link that stood for so long was a good one: the next loss starts the back-off anew. */
const GOOD_LINK_MS = 60_000;
const CLOSE_MS_MAX = 1_000;

export interface MqttLinkOptions {
  readonly url: string;
  readonly backOff: { readonly msMin: number; readonly msMax: number };
  /** Asked for each attempt: certificates may have been renewed. Throws what can't be read. */
  readonly options: () => IClientOptions;
  /** A client that has not connected yet. */
  readonly onClient: (client: MqttClient) => void;
  /** Connected; the link counts as up once this ends. A rejection gives the client up. */
  readonly onConnect: (client: MqttClient, connack: IConnackPacket) => Promise<void>;
  readonly onUp: (client: MqttClient) => void;
  readonly onDown: () => void;
  readonly now: () => number;
  readonly log: Logger;
}

export interface MqttLink {
  /** Null: up. Else since when it is not, UTC ms, and why. */
  trouble(): { readonly sinceMs: number; readonly reason: string } | null;
  /** The client while the link is up. */
  client(): MqttClient | null;
  /** Gives the client up; the next follows after the back-off. */
  drop(reason: string): void;
  /** `before` runs on the client while it is up. */
  close(before?: (client: MqttClient) => Promise<void>): Promise<void>;
}

/**
 * Keeps one connection to a broker up. Each attempt is a new client, so that nothing is sent again from
 * a store in memory; attempts follow with full jitter.
 */
export function openMqttLink(settings: MqttLinkOptions): MqttLink {
  const { log, now } = settings;
  const backOff = createBackOff(settings.backOff, Math.random);
  let client: MqttClient | undefined;
  let isUp = false;
  let isClosed = false;
  let upSinceMs = 0;
  let trouble = { sinceMs: now(), reason: 'not connected yet' };
  let timer: NodeJS.Timeout | undefined;

  function attempt(): void {
    let own: MqttClient;
    try {
      own = connect(settings.url, { ...settings.options(), reconnectPeriod: 0 });
    } catch (error) {
      retry((error as Error).message);
      return;
    }
    client = own;
    settings.onClient(own);
    own.once('connect', (connack) => {
      settings.onConnect(own, connack).then(
        () => rise(own),
        (error: Error) => lose(own, error.message),
      );
    });
    own.on('error', (error) => lose(own, error.message));
    own.on('close', () => lose(own, 'closed by the broker'));
  }

  function rise(own: MqttClient): void {
    if (client !== own) return;
    isUp = true;
    upSinceMs = performance.now();
    log.info('connected to the broker');
    settings.onUp(own);
  }

  /** Ends a client, once, whatever ended it. */
  function lose(own: MqttClient, reason: string): void {
    if (client !== own) return;
    client = undefined;
    own.end(true);
    const wasUp = isUp;
    isUp = false;
    if (wasUp) {
      trouble = { sinceMs: now(), reason };
      if (performance.now() - upSinceMs >= GOOD_LINK_MS) backOff.reset();
      settings.onDown();
    }
    if (!isClosed) retry(reason);
  }

  function retry(reason: string): void {
    const waitMs = backOff.next();
    trouble = { ...trouble, reason };
    log.warn({ reason, waitMs }, 'no connection to the broker');
    timer = setTimeout(attempt, waitMs);
  }

  attempt();
  return {
    trouble: () => (isUp ? null : trouble),
    client: () => (isUp ? (client as MqttClient) : null),
    drop: (reason) => {
      if (client !== undefined) lose(client, reason);
    },
    async close(before) {
      isClosed = true;
      clearTimeout(timer);
      const own = client;
      if (own === undefined) return;
      let late: NodeJS.Timeout | undefined;
      // Once asked to end in peace the client takes no other word: the socket must go under it.
      const cut = new Promise<void>((resolve) => {
        late = setTimeout(() => {
          own.stream.destroy();
          resolve();
        }, CLOSE_MS_MAX);
      });
      const inPeace = async (): Promise<void> => {
        if (isUp) await before?.(own);
        client = undefined;
        isUp = false;
        await own.endAsync();
      };
      await Promise.race([inPeace(), cut]);
      clearTimeout(late);
    },
  };
}
