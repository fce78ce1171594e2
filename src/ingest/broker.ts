import type { Gateway } from '../model/facts.ts';
import type { GatewayChannel } from '../telemetry/topics.ts';
import type { DeadReason } from './receive.ts';

/**
 * What became of a publication. `kept`: durable, or put aside with its reason. `deferred`: not kept;
 * its gateway sends it again by itself. `stopped`: not kept, because ingest ends.
 */
export type Fate = 'kept' | 'deferred' | 'stopped';

/** One message of a gateway on a topic of its own. */
export interface Publication {
  readonly gateway: Gateway;
  readonly channel: GatewayChannel;
  readonly topic: string;
  readonly payload: Buffer;
  /** Called once; from then on the broker may acknowledge what was kept. */
  readonly done: (fate: Fate) => void;
}

/**
 * A message that only another broker lets through: on a topic that no registered gateway has, or too
 * large; `payload` is cut to the largest batch.
 */
export interface Stray {
  /** Who the topic says it is. */
  readonly source: string;
  readonly topic: string;
  readonly payload: Buffer;
  readonly reason: Extract<DeadReason, 'unknown-gateway' | 'oversize'>;
  readonly detail: string;
  readonly done: (fate: Fate) => void;
}

/** What every broker is given. */
export interface BrokerEvents {
  /** The registered gateway of this id. */
  readonly gateway: (id: string) => Gateway | undefined;
  readonly onPublication: (publication: Publication) => void;
  /** A client or a message was refused, with the reason. */
  readonly onRefused: (reason: string, client: string) => void;
}

/**
 * How messages of gateways come in and acks go out: the hub's own broker (embedded-broker.ts), or one
 * that it is a client of (external-broker.ts).
 */
export interface Broker {
  /** Where gateways connect, without credentials. */
  readonly url: string;
  /** Port in `url`. */
  readonly port: number;
  /** From now on messages are taken; before, this hub is a standby. */
  open(): void;
  /** Payload bytes handed out and not yet done. */
  inFlightBytes(): number;
  /** Connections of gateways to the hub's own broker; to another broker: the hub's own, 0 or 1. */
  clients(): number;
  /** Why nothing can come in, and since when, UTC ms; null: it can. */
  trouble(): { readonly sinceMs: number; readonly reason: string } | null;
  /** Publishes retained on the gateway's `ack` topic; a gateway that left the registry gets none. */
  publishAck(gateway: string, payload: Buffer): Promise<void>;
  /** Publishes on the gateway's `command` topic, not retained. False: it can't be sent now. */
  publishCommand(gateway: string, payload: Buffer): Promise<boolean>;
  /** Nothing more is taken; what was taken may still be acknowledged. */
  stopReading(): void;
  close(): Promise<void>;
}
