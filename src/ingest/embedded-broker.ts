import type { Socket } from 'node:net';
import { Aedes, type Client, type Subscription } from 'aedes';
import type { Gateway } from '../model/facts.ts';
import { type GatewayChannel, parseTopic, topicOf } from '../telemetry/topics.ts';
import type { Broker, BrokerEvents } from './broker.ts';
import type { BrokerSettings } from './embedded/broker-settings.ts';
import { certifiedName, listenMqtt } from './embedded/listen-mqtt.ts';
import { openPasswords } from './embedded/passwords.ts';
import { createReadGate, type ReadGate } from './read-gate.ts';

export interface EmbeddedBrokerOptions extends BrokerEvents {
  readonly host: string;
  readonly port: number;
  readonly clientsMax: number;
  readonly inFlightBytesMax: number;
  /** Clients that publish for other gateways (settings.ts). */
  readonly bridges: readonly string[];
  readonly broker: BrokerSettings;
  /** 10 s when it is not given. */
  readonly connectTimeoutMs?: number;
}

/** A client that takes nothing for this long is closed: it would hold up the others. */
const DRAIN_TIMEOUT_MS = 10_000;
/** Whoever has not sent CONNECT for this long is closed. */
const CONNECT_TIMEOUT_MS = 10_000;
const CLIENT_ID_CHARS_MAX = 64;
/** Payload read in one turn of the event loop; the rest waits for the next. */
const TURN_BYTES_MAX = 2 * 1_048_576;
/** Return codes of CONNACK [MQTT-3.2.2-4]. */
const SERVER_UNAVAILABLE = 3;
const NOT_AUTHORIZED = 5;

/**
 * The embedded MQTT 3.1.1 broker. aedes acknowledges QoS 1 before it routes, so the commit happens
 * inside `authorizePublish`, which runs before: its callback waits for `done`. A client id is a gateway
 * id; a client publishes on its gateway's topics under the registered region and reads `ack` and
 * `command` of its own. Any other topic closes the client.
 */
export async function startEmbeddedBroker(options: EmbeddedBrokerOptions): Promise<Broker> {
  const gate = createReadGate(options.inFlightBytesMax, TURN_BYTES_MAX, options.broker.clientRate);
  const mayEnter = createDoor(options);
  let accepting = false;
  const { gateway, onRefused } = options;

  const aedes = await Aedes.createBroker({
    maxClientsIdLength: CLIENT_ID_CHARS_MAX,
    drainTimeout: DRAIN_TIMEOUT_MS,
    connectTimeout: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    authenticate: (client, username, password, done) => {
      const reason = accepting ? mayEnter(client, username, password) : 'standby';
      if (reason === null) return done(null, true);
      onRefused(reason, client.id);
      const returnCode = accepting ? NOT_AUTHORIZED : SERVER_UNAVAILABLE;
      return done(Object.assign(new Error(reason), { returnCode }), null);
    },
    authorizePublish: (client, packet, done) => {
      // The will of a client of an earlier process: nothing of it is ours to journal.
      if (client === null) return done(null);
      const found = gateway(isBridge(options, client.id) ? idIn(packet.topic) : client.id);
      const channel = found && channelOf(found, packet.topic);
      if (found === undefined || channel === undefined) {
        onRefused('topic not its own', client.id);
        return done(new Error(`${client.id} may not publish on ${packet.topic}`));
      }
      // Nothing but a status is for those who come later.
      if (channel !== 'status') packet.retain = false;
      return publish(options, gate, { gateway: found, channel, packet, client, done });
    },
    authorizeSubscribe: (client, subscription, done) => {
      done(null, maySubscribe(gateway(client.id), subscription) ? subscription : null);
    },
  });
  aedes.on('clientError', (client, error) => onRefused(error.message, client.id));
  aedes.on('connectionError', (_client, error) => onRefused(error.message, ''));

  const sockets = new Set<Socket>();
  const listener = await listenMqtt({
    ...options,
    tls: options.broker.tls,
    onFault: (reason) => onRefused(reason, ''),
    onConnection: (socket) => {
      if (sockets.size >= options.clientsMax) {
        onRefused('too many clients', '');
        socket.destroy();
        return;
      }
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      gate.guard(socket, (reason) => onRefused(reason, ''));
      aedes.handle(socket);
    },
  });
  let listeningEnded: Promise<void> | undefined;
  const stopListening = (): Promise<void> => {
    accepting = false;
    listeningEnded ??= listener.close();
    return listeningEnded;
  };
  return {
    url: `mqtt${options.broker.tls === undefined ? '' : 's'}://${options.host}:${listener.port}`,
    port: listener.port,
    open: () => {
      accepting = true;
    },
    inFlightBytes: gate.bytes,
    clients: () => sockets.size,
    trouble: () => null,
    publishAck: (id, payload) => publishAck(aedes, gateway(id), payload),
    publishCommand: (id, payload) => publishCommand(aedes, gateway(id), payload),
    stopReading: () => {
      stopListening();
      gate.shut();
    },
    async close() {
      const stopped = stopListening();
      await new Promise<void>((done) => aedes.close(() => done()));
      for (const socket of sockets) socket.destroy();
      await stopped;
    },
  };
}

/** Why a client may not connect; null: it may. */
type Door = (
  client: Client,
  username: string | undefined,
  password: Buffer | undefined,
) => string | null;

/** Registered, and the one whose certificate or password it shows, where these are asked for. */
function createDoor(options: EmbeddedBrokerOptions): Door {
  const { tls, passwordsFile } = options.broker;
  const passwords =
    passwordsFile === undefined
      ? null
      : openPasswords(passwordsFile, (error) => options.onRefused(error.message, ''));
  return (client, username, password) => {
    if (options.gateway(client.id) === undefined && !isBridge(options, client.id)) {
      return 'not a registered gateway';
    }
    if (tls?.clientCaFile !== undefined && certifiedName(client.conn as Socket) !== client.id) {
      return 'certificate of another';
    }
    if (passwords === null) return null;
    const isRight =
      password !== undefined && passwords.isRight(client.id, password.toString('utf8'));
    return isRight && (username === undefined || username === client.id) ? null : 'wrong password';
  };
}

function publish(
  { onPublication, onRefused }: EmbeddedBrokerOptions,
  gate: ReadGate,
  {
    gateway,
    channel,
    packet,
    client,
    done,
  }: {
    gateway: Gateway;
    channel: GatewayChannel;
    packet: { readonly topic: string; payload: string | Buffer };
    client: Client;
    done: (error?: Error | null) => void;
  },
): void {
  const payload = packet.payload as Buffer;
  gate.take(payload.length);
  onPublication({
    gateway,
    channel,
    topic: packet.topic,
    payload,
    done: (fate) => {
      gate.give(payload.length);
      if (fate === 'kept') return done(null);
      // Not acknowledged: the gateway sends it again when it is back.
      onRefused('not kept', client.id);
      client.conn.destroy();
    },
  });
}

const isBridge = ({ bridges }: EmbeddedBrokerOptions, id: string): boolean =>
  bridges.some((name) => (name.endsWith('*') ? id.startsWith(name.slice(0, -1)) : id === name));

/** The gateway that a topic names. */
const idIn = (topic: string): string => topic.split('/')[3] ?? '';

/** Which of its own channels a gateway's topic is; undefined: none. */
function channelOf({ id, region }: Gateway, topic: string): GatewayChannel | undefined {
  const prefix = `wugan/v1/${region}/${id}/`;
  if (!topic.startsWith(prefix)) return undefined;
  switch (topic.slice(prefix.length)) {
    case 'live':
      return 'live';
    case 'backfill':
      return 'backfill';
    case 'gap':
      return 'gap';
    case 'seal':
      return 'seal';
    case 'status':
      return 'status';
    default:
      return undefined;
  }
}

function maySubscribe(gateway: Gateway | undefined, { topic }: Subscription): boolean {
  const parsed = parseTopic(topic);
  if (gateway === undefined || !parsed.ok) return false;
  const { region, gateway: id, channel } = parsed.value;
  const own = id === gateway.id && region === gateway.region;
  return own && (channel === 'ack' || channel === 'command');
}

function publishAck(aedes: Aedes, gateway: Gateway | undefined, payload: Buffer): Promise<void> {
  if (gateway === undefined || aedes.closed) return Promise.resolve();
  const topic = topicOf({ region: gateway.region, gateway: gateway.id, channel: 'ack' });
  return new Promise((taken) => {
    aedes.publish({ cmd: 'publish', topic, payload, qos: 1, retain: true, dup: false }, () =>
      taken(),
    );
  });
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** In turns of its own: aedes may lose the retained ack of a client to which it writes in the same one. */
async function publishCommand(
  aedes: Aedes,
  gateway: Gateway | undefined,
  payload: Buffer,
): Promise<boolean> {
  await turn();
  await turn();
  if (gateway === undefined || aedes.closed) return false;
  const topic = topicOf({ region: gateway.region, gateway: gateway.id, channel: 'command' });
  await new Promise<void>((taken) => {
    aedes.publish({ cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false }, () =>
      taken(),
    );
  });
  return true;
}
