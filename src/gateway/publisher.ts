import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import type { Clock } from '../model/time.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import type { Logger } from '../process/log.ts';
import type { AckMessage, CommandMessage } from '../telemetry/messages.ts';
import { type GatewayChannel, parseTopic, topicOf } from '../telemetry/topics.ts';
import type { GatewayConfig } from './config.ts';
import { createDelivery, type DeliveryPace } from './delivery.ts';
import { type HubTrust, readAck, readCommand } from './hub-message.ts';
import { openMqttLink } from './mqtt-link.ts';
import type { Spool, SpoolItem } from './spool.ts';

/** How often resends, the backlog's allowance and a stuck link are looked at, in real time. */
const PUMP_EVERY_MS = 100;
const DRAIN_LOOK_MS = 10;
/** The retained status is renewed so often: it says how many hours the spool has left. */
const STATUS_EVERY_MS = 60_000;
const GOODBYE_MS_MAX = 500;
const OFFLINE = Buffer.from('{"online":false}');

type PublisherConfig = Pick<
  GatewayConfig,
  | 'gateway'
  | 'region'
  | 'mqtt'
  | 'hubPublicKey'
  | 'hubPublicKeyNext'
  | 'liveAgeMsMax'
  | 'backfillPerSecond'
  | 'resendAfterMs'
>;

export interface PublisherSettings {
  readonly config: PublisherConfig;
  readonly build: string;
  readonly spool: Spool;
  readonly clock: Clock;
  readonly log: Logger;
  readonly faultPoint: FaultPoint;
  /** The hub knows a later seq than we do: our chain is not the one it has. */
  readonly onAckAboveHead: () => void;
  /** What else the retained status says, e.g. of the instruments. */
  readonly summary?: () => object;
  /** Obeys what is not the publisher's own; the result goes into the status. */
  readonly onCommand: (command: 'time' | 'reload' | 'self-test') => Promise<unknown>;
}

export interface PublisherStatus {
  readonly isUp: boolean;
  /** Connection attempts in a row that failed, and why the last one did or the last link ended. */
  readonly failedAttempts: number;
  readonly lastReason: string | null;
  readonly inFlight: number;
  readonly unacked: number;
  /** Hub time of the last ack that verified; null: none yet. */
  readonly lastAckAtMs: number | null;
  /** Acks and commands that changed nothing because they did not verify, and why the last one. */
  readonly refusedMessages: number;
  readonly lastRefusal: string | null;
}

export interface Publisher {
  /** Something new is in the spool. */
  wake(): void;
  /** Takes over the ages and rates of other settings; the link stays. */
  follow(config: PublisherConfig): void;
  status(): PublisherStatus;
  /** Sends what is new and waits for the PUBACKs, as long as it may; then says goodbye. */
  close(drainMsMax: number): Promise<void>;
}

/** Sends the spool over MQTT; deletes from it on the hub's verified ack, and on nothing else. */
export function startPublisher(settings: PublisherSettings): Publisher {
  const { config, spool, clock, log } = settings;
  const { gateway, region } = config;
  let trust = trustOf(config);
  const topic = (channel: GatewayChannel | 'ack' | 'command'): string =>
    topicOf({ region, gateway, channel });
  const delivery = createDelivery({ ...deliveryPaceOf(config), spool, random: Math.random });
  let { liveAgeMsMax } = config;
  let lastAckAtMs: number | null = null;
  let refusedMessages = 0;
  let lastRefusal: string | null = null;
  let isFailing = false;
  let lastCommandAtMs = spool.lastCommandAtMs();
  let lastCommand: {
    readonly command: string;
    readonly at: number;
    readonly result: unknown;
  } | null = null;

  const link = openMqttLink({
    mqtt: config.mqtt,
    clientId: gateway,
    will: { topic: topic('status'), payload: OFFLINE },
    subscriptions: [topic('ack'), topic('command')],
    log,
    onUp() {
      publishStatus();
      pump();
    },
    onDown: () => delivery.onLinkDown(performance.now()),
    onMessage: take,
  });
  const timer = setInterval(tick, PUMP_EVERY_MS);
  const statusTimer = setInterval(() => {
    if (link.isUp()) publishStatus();
  }, STATUS_EVERY_MS);

  function publishStatus(): void {
    const { epoch, seq } = spool.head();
    const at = clock.now();
    const { items, bytes, fill } = spool.stats(at);
    const status = { online: true, v: 1, gateway, at, build: settings.build, epoch, seq };
    const payload = Buffer.from(
      JSON.stringify({
        ...status,
        ...settings.summary?.(),
        spool: { items, bytes, ...fill },
        lastCommand,
      }),
    );
    link.publish(topic('status'), payload, { retain: true }, () => undefined);
  }

  function tick(): void {
    const oldestMs = delivery.oldestInFlightMs();
    if (oldestMs !== null && performance.now() - oldestMs > config.mqtt.pubackTimeoutMs) {
      link.drop(`no PUBACK within ${config.mqtt.pubackTimeoutMs} ms`);
    }
    pump();
  }

  /** A spool that can't be read now (a disk error) is tried again at the next tick. */
  function pump(): void {
    try {
      while (link.isUp() && link.hasRoom()) {
        const time = { gatewayMs: clock.now(), realMs: performance.now() };
        const item = delivery.next(time);
        if (item === null) break;
        send(item, time.gatewayMs);
      }
      isFailing = false;
    } catch (error) {
      if (!isFailing) log.error({ err: error }, 'cannot send from the spool');
      isFailing = true;
    }
  }

  function send(item: SpoolItem, gatewayMs: number): void {
    const isOld = gatewayMs - item.createdAtMs > liveAgeMsMax;
    const channel = item.kind === 'batch' ? (isOld ? 'backfill' : 'live') : item.kind;
    link.publish(topic(channel), item.payload, { retain: false }, () => {
      delivery.onPuback(item.id, performance.now());
      settings.faultPoint('gateway:after-puback');
      pump();
    });
    settings.faultPoint('gateway:after-publish');
  }

  function take(messageTopic: string, payload: Uint8Array): void {
    const parsed = parseTopic(messageTopic);
    const isAck = parsed.ok && parsed.value.channel === 'ack';
    const message = isAck ? readAck(payload, trust) : readCommand(payload, trust);
    if (!message.ok) {
      refuse(`${message.reason}: ${message.detail}`, messageTopic);
      return;
    }
    try {
      if ('command' in message.value) void obey(message.value as CommandMessage);
      else apply(message.value as AckMessage);
    } catch (error) {
      // Nothing was deleted: the hub's next ack says the same again.
      log.error({ err: error, topic: messageTopic }, 'cannot apply a hub message');
    }
  }

  /** A hub whose key was changed sends one a second: the log has each reason once. */
  function refuse(reason: string, messageTopic: string): void {
    refusedMessages += 1;
    if (reason !== lastRefusal) log.warn({ topic: messageTopic, reason }, 'hub message refused');
    lastRefusal = reason;
  }

  function apply(ack: AckMessage): void {
    const { deleted, isAboveHead } = spool.settle(ack, delivery.isUnsent);
    for (const id of deleted) delivery.onSettled(id);
    lastAckAtMs = ack.at;
    if (isAboveHead) settings.onAckAboveHead();
    pump();
  }

  /** Each command once: a copy of it, or one that came before it, changes nothing. */
  async function obey(command: CommandMessage): Promise<void> {
    const { at } = command;
    if (at <= lastCommandAtMs) {
      refuse(`${command.command} of ${at}: not newer than the last command`, topic('command'));
      return;
    }
    log.info({ command: command.command }, 'command');
    lastCommandAtMs = at;
    spool.putLastCommandAtMs(at);
    lastCommand = { command: command.command, at, result: null };
    const result = await resultOf(command).catch((error: Error) => {
      log.error({ err: error, command: command.command }, 'command failed');
      return { ok: false, detail: error.message };
    });
    lastCommand = { command: command.command, at, result };
    if (link.isUp()) publishStatus();
  }

  async function resultOf(command: CommandMessage): Promise<unknown> {
    if (command.command !== 'resend') return settings.onCommand(command.command);
    // What the hub has acknowledged is gone from here; the rest goes at once, without its wait.
    const ids = spool.idsWithin(command.epoch, command.from, command.to);
    delivery.resendNow(ids, performance.now());
    pump();
    return { held: ids.length, asked: command.to - command.from + 1 };
  }

  /** Waits for the PUBACKs of what is new; what gets none in time stays in the spool. */
  async function drain(msMax: number): Promise<void> {
    const untilMs = performance.now() + msMax;
    while (link.isUp() && delivery.isBusy() && performance.now() < untilMs) {
      pump();
      await setTimeoutPromise(DRAIN_LOOK_MS);
    }
  }

  return {
    wake: pump,
    follow(next) {
      ({ liveAgeMsMax } = next);
      trust = trustOf(next);
      delivery.follow(deliveryPaceOf(next));
    },
    status() {
      const { failed: failedAttempts, lastReason } = link.attempts();
      const state = { isUp: link.isUp(), failedAttempts, lastReason };
      return { ...state, ...delivery.counts(), lastAckAtMs, refusedMessages, lastRefusal };
    },
    async close(drainMsMax) {
      await drain(drainMsMax);
      clearInterval(timer);
      clearInterval(statusTimer);
      if (link.isUp()) await sayGoodbye();
      await link.close();
    },
  };

  async function sayGoodbye(): Promise<void> {
    const said = new Promise<void>((resolve) => {
      link.publish(topic('status'), OFFLINE, { retain: true }, resolve);
    });
    await Promise.race([said, setTimeoutPromise(GOODBYE_MS_MAX)]);
  }
}

const trustOf = ({ gateway, hubPublicKey, hubPublicKeyNext }: PublisherConfig): HubTrust => ({
  gateway,
  hubPublicKeys: [hubPublicKey, ...(hubPublicKeyNext === undefined ? [] : [hubPublicKeyNext])],
});

const deliveryPaceOf = ({
  mqtt,
  liveAgeMsMax,
  backfillPerSecond,
  resendAfterMs,
}: PublisherConfig): DeliveryPace => ({
  inFlightMax: mqtt.inFlightMax,
  unackedMax: mqtt.unackedMax,
  liveAgeMsMax,
  backfillPerSecond,
  resendAfterMs,
});
