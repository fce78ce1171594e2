import type { Socket } from 'node:net';
import { Aedes, type Client } from 'aedes';
import type { Gateway } from '../model/facts.ts';
import type { SparkplugTopic } from '../telemetry/sparkplug/sparkplug-topic.ts';
import { topicOf } from '../telemetry/topics.ts';
import type { Broker, BrokerEvents, Fate } from './broker.ts';
import type { BrokerSettings } from './embedded/broker-settings.ts';
import { certifiedName, listenMqtt } from './embedded/listen-mqtt.ts';
import { mayRead, ownTopicOf } from './embedded/own-topics.ts';
import { openPasswords } from './embedded/passwords.ts';
import { createPublishLanes, type LanePacket, type PublishLane } from './embedded/publish-lane.ts';
import { createReadGate, type ReadGate } from './read-gate.ts';

export interface EmbeddedBrokerOptions extends BrokerEvents {
  readonly host: string;
  readonly port: number;
  readonly clientsMax: number;
  readonly inFlightBytesMax: number;
  /** Clients that publish for other gateways (settings.ts). */
  readonly bridges: readonly string[];
  readonly broker: BrokerSettings;
  /** The Sparkplug host behind this broker; absent: there is none, and no edge node publishes. */
  readonly sparkplug?: {
    readonly hostId: string;
    readonly onMessage: (message: EdgePublication) => void;
  };
  /** 10 s when it is not given. */
  readonly connectTimeoutMs?: number;
}

/** A message of an edge node on a topic of its own. */
export interface EdgePublication {
  readonly topic: SparkplugTopic;
  readonly payload: Buffer;
  readonly done: (fate: Fate) => void;
}

export interface EmbeddedBroker extends Broker {
  /** Publishes a word of the Sparkplug host; ends when the broker has it. */
  publishForHost(
    topic: string,
    payload: Buffer,
    how: { readonly qos: 0 | 1; readonly retain: boolean },
  ): Promise<void>;
}

/** A client that takes nothing for this long is closed: it would hold up the others. */
const DRAIN_TIMEOUT_MS = 10_000;
/** Whoever has not sent CONNECT for this long is closed. */
const CONNECT_TIMEOUT_MS = 10_000;
const CLIENT_ID_CHARS_MAX = 64;
/** Two group commits (settings.ts): more would wait no shorter, only in our memory. */
const IN_FLIGHT_MESSAGES_MAX = 8_192;
/** Payload read in one turn of the event loop; the rest waits for the next. */
const TURN_BYTES_MAX = 2 * 1_048_576;
/** Return codes of CONNACK [MQTT-3.2.2-4]. */
const SERVER_UNAVAILABLE = 3;
const NOT_AUTHORIZED = 5;

/**
 * The embedded MQTT 3.1.1 broker. aedes acknowledges QoS 1 before it routes, so the commit happens
 * inside `authorizePublish`, which runs before: its callback waits for `done`; most messages take the lane
 * beside aedes (publish-lane.ts), on the same terms. A client id is a gateway
 * id; a client publishes on its gateway's topics under the registered region, as an edge node on those of
 * Sparkplug, and reads what is meant for it (own-topics.ts). Any other topic closes the client.
 */
export async function startEmbeddedBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
  const gate = createReadGate(
    {
      bytesMax: options.inFlightBytesMax,
      messagesMax: IN_FLIGHT_MESSAGES_MAX,
      turnBytesMax: TURN_BYTES_MAX,
    },
    options.broker.clientRate,
  );
  const mayEnter = createDoor(options);
  let accepting = false;
  const { gateway, onRefused } = options;
  const authorize = createAuthorizer(options, gate);
  const lanes = createPublishLanes({ authorize, drainTimeoutMs: DRAIN_TIMEOUT_MS });
  const laneOf = new WeakMap<Client['conn'], PublishLane>();
  const keepAlivesS = new WeakMap<Client['conn'], number>();

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
    preConnect: (client, { keepalive = 0 }, done) => {
      keepAlivesS.set(client.conn, keepalive);
      done(null, true);
    },
    authorizePublish: (client, packet, done) => {
      // The will of a client of an earlier process: nothing of it is ours to journal.
      if (client === null) return done(null);
      return authorize(client, packet as LanePacket, done);
    },
    authorizeSubscribe: (client, subscription, done) => {
      const found = gateway(client.id);
      const hostId = options.sparkplug?.hostId ?? null;
      const mayHave = found !== undefined && mayRead(found, subscription.topic, hostId);
      done(null, mayHave ? subscription : null);
    },
  });
  aedes.on('clientReady', (client) => {
    // Messages of an edge node have an order, whatever their QoS: none may take the lane past another.
    if (gateway(client.id)?.sparkplug !== undefined) return;
    laneOf.get(client.conn)?.open(client, keepAlivesS.get(client.conn) ?? 0);
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
      const lane = lanes.of(socket);
      laneOf.set(socket, lane);
      gate.guard(socket, lane, (reason) => onRefused(reason, ''));
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
    publishForHost: (topic, payload, how) => publishInTurn(aedes, { topic, payload, ...how }),
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

/** Whether a client may publish a message; if so, it is taken, and `done` waits for its fate. */
function createAuthorizer(
  options: EmbeddedBrokerOptions,
  gate: ReadGate,
): (client: Client, packet: LanePacket, done: (error?: Error | null) => void) => void {
  return (client, packet, done) => {
    const isBridged = isBridge(options, client.id);
    const found = options.gateway(isBridged ? idIn(packet.topic) : client.id);
    const own = found && ownTopicOf(found, packet.topic);
    // Nobody could ask an edge node behind a bridge for its births: a bridge reads nothing.
    const isDeaf = own?.kind === 'edge' && (isBridged || options.sparkplug === undefined);
    if (found === undefined || own === undefined || isDeaf) {
      options.onRefused('topic not its own', client.id);
      return done(new Error(`${client.id} may not publish on ${packet.topic}`));
    }
    const { topic, payload } = packet;
    const settle = settler(options, gate, { client, bytes: payload.length, done });
    if (own.kind === 'edge') {
      packet.retain = false;
      return options.sparkplug?.onMessage({ topic: own.topic, payload, done: settle });
    }
    const { channel } = own;
    // Nothing but a status is for those who come later.
    if (channel !== 'status') packet.retain = false;
    return options.onPublication({ gateway: found, channel, topic, payload, done: settle });
  };
}

/** Counts a payload until its fate is known; then the broker may acknowledge what was kept. */
function settler(
  { onRefused }: EmbeddedBrokerOptions,
  gate: ReadGate,
  { client, bytes, done }: { client: Client; bytes: number; done: (error?: Error | null) => void },
): (fate: Fate) => void {
  gate.take(bytes);
  return (fate) => {
    gate.give(bytes);
    if (fate === 'kept') return done(null);
    // Not acknowledged: the gateway sends it again when it is back.
    onRefused('not kept', client.id);
    client.conn.destroy();
  };
}

const isBridge = ({ bridges }: EmbeddedBrokerOptions, id: string): boolean =>
  bridges.some((name) => (name.endsWith('*') ? id.startsWith(name.slice(0, -1)) : id === name));

/** The gateway that a topic names. */
const idIn = (topic: string): string => topic.split('/')[3] ?? '';

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

async function publishCommand(
  aedes: Aedes,
  gateway: Gateway | undefined,
  payload: Buffer,
): Promise<boolean> {
  if (gateway === undefined || aedes.closed) return false;
  const topic = topicOf({ region: gateway.region, gateway: gateway.id, channel: 'command' });
  await publishInTurn(aedes, { topic, payload, qos: 1, retain: false });
  return true;
}

/** In turns of its own: aedes may lose the retained ack of a client to which it writes in the same one. */
async function publishInTurn(
  aedes: Aedes,
  packet: {
    readonly topic: string;
    readonly payload: Buffer;
    readonly qos: 0 | 1;
    readonly retain: boolean;
  },
): Promise<void> {
  await turn();
  await turn();
  if (aedes.closed) return;
  await new Promise<void>((taken) => {
    aedes.publish({ cmd: 'publish', dup: false, ...packet }, () => taken());
  });
}
