import type { SparkplugNode } from '../../devices/sparkplug-nodes.ts';
import { fail } from '../../model/result.ts';
import type { Logger } from '../../process/log.ts';
import { DATATYPES } from '../../telemetry/sparkplug/datatypes.ts';
import {
  parseSparkplugTopic,
  type SparkplugTopic,
  sparkplugTopicOf,
} from '../../telemetry/sparkplug/sparkplug-topic.ts';
import { writePayload } from '../../telemetry/sparkplug/write-payload.ts';
import { createEdgeNodes, type MessageSink } from './edge-nodes.ts';
import type { HostLink, LinkEvents } from './host-link.ts';
import type { SparkplugMetrics } from './metrics.ts';
import type { SessionLetter } from './session-letters.ts';
import type { SparkplugSettings } from './settings.ts';
import { takeMessageAgain } from './take-again.ts';

export interface SparkplugHostDeps {
  /** Opens the way to edge nodes, and says that the host is online. */
  readonly openLink: (events: LinkEvents) => HostLink;
  readonly node: (group: string, edgeNode: string) => SparkplugNode | undefined;
  readonly sink: MessageSink;
  /** Since when the journal can't be written, hub time; null: it can. */
  readonly storingTroubleSinceMs: () => number | null;
  readonly metrics: SparkplugMetrics;
  /** Hub time, UTC ms. */
  readonly now: () => number;
  readonly log: Logger;
}

export interface SparkplugHost {
  /** From now on this is the host; before, it is a standby that nobody sees. */
  open(): void;
  /** A message that its own broker has; `done` is called when it is durable or needs not be. */
  take(topic: SparkplugTopic, raw: Buffer, done: (isKept: boolean) => void): void;
  /** Takes the last of these dead letters in again (session-letters.ts). */
  takeAgain(
    topic: SparkplugTopic,
    letters: readonly SessionLetter[],
  ): ReturnType<typeof takeMessageAgain>;
  readiness(): { name: string; ok: boolean; detail: string };
  /** Says that the host is offline, then disconnects; nothing more is taken. */
  close(): Promise<void>;
}

const TICK_MS = 100;
/** A connection that is away for longer makes the hub unready. */
const TROUBLE_MS_MAX = 10_000;

/**
 * The Sparkplug B 3.0 host application. QoS 0 knows no acknowledgement: what was taken and is not durable
 * when the process dies is gone. So the host is online only while it can store: else it says that it is
 * offline and disconnects, and edge nodes that know it as their primary host keep what they measure.
 */
export function createSparkplugHost(
  settings: SparkplugSettings,
  deps: SparkplugHostDeps,
): SparkplugHost {
  const { metrics, log } = deps;
  const nowMs = (): number => performance.now();
  let link: HostLink | null = null;
  /** A link that says goodbye. */
  let closing: Promise<void> | null = null;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let suspendedFor: string | null = null;

  const edges = createEdgeNodes({
    ...{ ...deps, settings, nowMs },
    askForRebirth: (group, edgeNode) =>
      link?.publish(
        sparkplugTopicOf({ group, edgeNode, kind: 'NCMD', device: null }),
        rebirthRequest(deps.now()),
      ) ?? false,
  });
  metrics.watch({
    connected: () => link !== null && link.trouble() === null,
    inFlightBytes: edges.inFlightBytes,
    statuses: edges.statuses,
    devicesOnline: edges.devicesOnline,
  });

  function onMessage(topic: string, payload: Buffer): void {
    const parsed = parseSparkplugTopic(topic);
    if (parsed.ok) take(parsed.value, payload, () => undefined);
    else if (parsed.reason === 'malformed') metrics.message('unregistered');
  }

  function take(topic: SparkplugTopic, raw: Buffer, done: (isKept: boolean) => void): void {
    if (isStopped) {
      done(false);
      return;
    }
    edges.take(topic, raw, done);
    if (edges.inFlightBytes() >= settings.inFlightBytesMax) {
      suspend(`${edges.inFlightBytes()} bytes are not yet durable`);
    }
  }

  function connect(): void {
    suspendedFor = null;
    link = deps.openLink({ onMessage, onDown: edges.interrupted });
  }

  /** Offline by its own word until it can store again. */
  function suspend(reason: string): void {
    if (link === null) return;
    log.error({ reason }, 'the Sparkplug host goes offline: it could not store');
    suspendedFor = reason;
    void disconnect();
  }

  function disconnect(): Promise<void> {
    const own = link;
    link = null;
    if (own !== null) {
      closing = own.close().finally(() => {
        closing = null;
      });
    }
    return closing ?? Promise.resolve();
  }

  function tick(): void {
    edges.tick();
    const sinceMs = deps.storingTroubleSinceMs();
    const isTroubled = sinceMs !== null && deps.now() - sinceMs >= settings.storingTroubleMsMax;
    if (isTroubled) suspend('the journal can not be written');
    const hasRoom = edges.inFlightBytes() <= settings.inFlightBytesMax / 2;
    if (link === null && closing === null && sinceMs === null && hasRoom) connect();
  }

  return {
    open() {
      connect();
      timer = setInterval(tick, TICK_MS);
    },
    take,
    async takeAgain({ group, edgeNode }, letters) {
      const node = deps.node(group, edgeNode);
      if (node === undefined) {
        return fail('not-taken', `no gateway has edge node ${edgeNode} of group ${group}`);
      }
      return takeMessageAgain(letters, { ...deps, node });
    },
    readiness() {
      const says = (ok: boolean, detail: string) => ({ name: 'sparkplug', ok, detail });
      if (suspendedFor !== null) return says(false, `offline: ${suspendedFor}`);
      const away = link?.trouble() ?? null;
      if (away !== null && deps.now() - away.sinceMs > TROUBLE_MS_MAX) {
        const since = new Date(away.sinceMs).toISOString();
        return says(false, `not connected since ${since}: ${away.reason}`);
      }
      const { online, broken, unborn } = edges.statuses();
      return says(true, `edge nodes: ${online} online, ${broken + unborn} without a birth`);
    },
    async close() {
      isStopped = true;
      clearInterval(timer);
      await disconnect();
    },
  };
}

/**
 * tck-id-operational-behavior-data-commands-ncmd-rebirth-*. The data type need not be there, but some edge
 * nodes can't read a value without it.
 */
const rebirthRequest = (timestampMs: number): Uint8Array =>
  writePayload({
    timestampMs,
    metrics: [
      {
        ...{ name: 'Node Control/Rebirth', timestampMs, datatype: DATATYPES.Boolean },
        value: { kind: 'boolean', value: true },
      },
    ],
  });
