import type { SparkplugNode } from '../../devices/sparkplug-nodes.ts';
import { nodeKeyOf } from '../../devices/sparkplug-nodes.ts';
import { BATCH_BYTES_MAX } from '../../model/batch.ts';
import type { Logger } from '../../process/log.ts';
import type { EdgeEvent, EdgeMessage } from '../../telemetry/sparkplug/edge-message.ts';
import {
  createEdgeSession,
  type EdgeSession,
  type EdgeStatus,
} from '../../telemetry/sparkplug/edge-session.ts';
import { readPayload } from '../../telemetry/sparkplug/read-payload.ts';
import type { SparkplugTopic } from '../../telemetry/sparkplug/sparkplug-topic.ts';
import { sparkplugTopicOf } from '../../telemetry/sparkplug/sparkplug-topic.ts';
import type { DeadLetter } from '../dead-letters.ts';
import type { Outcome, Submission } from '../journal/submission.ts';
import { createRateBucket } from '../rate-bucket.ts';
import type { DeadReason } from '../receive.ts';
import { createStrayBudget } from '../stray-budget.ts';
import { type KnownContexts, keepEvent } from './keep-event.ts';
import type { SparkplugMetrics } from './metrics.ts';
import { missingFrom } from './reading-context-of.ts';
import type { SparkplugSettings } from './settings.ts';

/** Where messages go: the journal and the dead letters, both of which call back when they are durable. */
export interface MessageSink {
  submit(submission: Submission): void;
  putAside(letter: DeadLetter & { readonly reason: DeadReason }): void;
}

export interface EdgeNodesDeps {
  readonly settings: SparkplugSettings;
  /** The registered edge node of this group and name. */
  readonly node: (group: string, edgeNode: string) => SparkplugNode | undefined;
  readonly sink: MessageSink;
  readonly metrics: SparkplugMetrics;
  /** Asks an edge node for its births; false: it can't be asked now. */
  readonly askForRebirth: (group: string, edgeNode: string) => boolean;
  /** Hub time, UTC ms. */
  readonly now: () => number;
  /** Monotonic, ms. */
  readonly nowMs: () => number;
  readonly log: Logger;
}

export interface EdgeNodes {
  /**
   * `done` is called when the message is durable or needs not be; with false when it is lost. One that
   * waits for an earlier one does not hold it up: that may stand behind it on the same connection.
   */
  take(topic: SparkplugTopic, raw: Buffer, done: (isKept: boolean) => void): void;
  /** Ends waits that are over, and asks for the rebirths that are due. */
  tick(): void;
  /** The connection was lost: messages may have been missed. */
  interrupted(): void;
  inFlightBytes(): number;
  statuses(): Readonly<Record<EdgeStatus, number>>;
  devicesOnline(): number;
}

interface Edge {
  readonly group: string;
  readonly edgeNode: string;
  readonly session: EdgeSession;
  node: SparkplugNode;
  contexts: KnownContexts;
  lettersLeft: number;
}

/** They share one budget: who publishes under many names gets no more. */
const ALL_STRAYS = '';
/** Stands for a payload that can't be read. */
const UNREADABLE = { timestampMs: null, seq: null, metrics: [] };

/** The sessions of all registered edge nodes, and what becomes of their messages. */
export function createEdgeNodes(deps: EdgeNodesDeps): EdgeNodes {
  const { settings, metrics, sink, log } = deps;
  const edges = new Map<string, Edge>();
  const budget = createRateBucket({ perSecond: settings.rebirthsPerSecondMax });
  const strays = createStrayBudget(settings.strayLettersPerHourMax, deps.nowMs);
  const dones = new WeakMap<EdgeMessage, (isKept: boolean) => void>();
  let inFlightBytes = 0;

  function release(message: EdgeMessage, isKept: boolean): void {
    inFlightBytes -= message.raw.byteLength;
    dones.get(message)?.(isKept);
  }

  function find({ group, edgeNode }: SparkplugTopic): Edge | undefined {
    const key = nodeKeyOf(group, edgeNode);
    const node = deps.node(group, edgeNode);
    if (node === undefined) {
      edges.delete(key);
      return undefined;
    }
    const known = edges.get(key);
    if (known === undefined) {
      const session = createEdgeSession(settings);
      const lettersLeft = settings.lettersPerBirthMax;
      const edge = { group, edgeNode, session, node, contexts: new WeakMap(), lettersLeft };
      edges.set(key, edge);
      return edge;
    }
    if (known.node !== node) {
      known.node = node;
      known.contexts = new WeakMap();
    }
    return known;
  }

  function take(topic: SparkplugTopic, raw: Buffer, done: (isKept: boolean) => void): void {
    const { kind, device } = topic;
    if (kind === 'NCMD' || kind === 'DCMD') {
      done(true);
      return;
    }
    const edge = find(topic);
    if (edge === undefined) {
      takeStray(topic, raw, done);
      return;
    }
    const read = readPayload(raw);
    const payload = read.ok ? read.value : UNREADABLE;
    const message: EdgeMessage = { kind, device, payload, raw, receivedAtMs: deps.now() };
    inFlightBytes += raw.length;
    if (!read.ok) {
      dones.set(message, done);
      putAside(edge, message, read);
      return;
    }
    const events = edge.session.take(message, deps.nowMs());
    if (events.some((event) => event.message === message)) dones.set(message, done);
    else done(true);
    handle(edge, events);
    askIfDue(edge);
  }

  /** What may be of use once its edge node is registered: births come first, so they are among it. */
  function takeStray(topic: SparkplugTopic, raw: Buffer, done: (isKept: boolean) => void): void {
    metrics.message('unregistered');
    if (!strays.spend(ALL_STRAYS)) {
      done(true);
      return;
    }
    const { group, edgeNode } = topic;
    const kept = raw.subarray(0, BATCH_BYTES_MAX);
    inFlightBytes += kept.length;
    sink.putAside({
      ...{ source: nodeKeyOf(group, edgeNode), topic: sparkplugTopicOf(topic), raw: kept },
      ...{ reason: 'sparkplug-unregistered', receivedAtMs: deps.now() },
      detail: `expected an edge node of the registry, found ${edgeNode} of group ${group}`,
      done(isKept) {
        inFlightBytes -= kept.length;
        done(isKept);
      },
    });
  }

  function handle(edge: Edge, events: readonly EdgeEvent[]): void {
    for (const event of events) {
      if (event.kind === 'readings') greet(edge, event);
      const { message } = event;
      const settled = (outcome: Outcome): void => settle(message, outcome);
      const kept = keepEvent(event, edge.node, edge.contexts, settled);
      switch (kept.kind) {
        case 'batch':
          sink.submit(kept.submission);
          break;
        case 'letter':
          putAside(edge, message, kept);
          break;
        default:
          metrics.message(kept.kind);
          release(message, true);
      }
    }
  }

  function settle(message: EdgeMessage, outcome: Outcome): void {
    const isKept = outcome === 'stored' || outcome === 'duplicate';
    metrics.message(isKept ? outcome : 'lost');
    release(message, isKept);
  }

  /** A birth lets its edge node have dead letters again, and tells what the registry has too much. */
  function greet(
    edge: Edge,
    { message: { kind, device }, table }: Extract<EdgeEvent, { kind: 'readings' }>,
  ): void {
    if (kind === 'NBIRTH') edge.lettersLeft = settings.lettersPerBirthMax;
    if (kind !== 'NBIRTH' && kind !== 'DBIRTH') return;
    const { group, edgeNode } = edge;
    const missing = missingFrom(edge.node, device, table);
    log.debug({ group, edgeNode, device, metrics: table.byName.size }, 'sparkplug birth');
    if (missing.length > 0) {
      log.warn({ group, edgeNode, device, missing }, 'a birth lacks metrics of the registry');
    }
  }

  function putAside(
    edge: Edge,
    message: EdgeMessage,
    { reason, detail }: { readonly reason: DeadReason; readonly detail: string },
  ): void {
    if (edge.lettersLeft <= 0) {
      metrics.message('dropped');
      release(message, true);
      return;
    }
    edge.lettersLeft -= 1;
    metrics.message('dead-letter');
    const { raw, receivedAtMs } = message;
    sink.putAside({
      ...{ source: edge.node.gateway.id, reason, detail, receivedAtMs },
      topic: sparkplugTopicOf({ ...edge, ...message }),
      raw: raw.subarray(0, BATCH_BYTES_MAX),
      done: (isKept) => release(message, isKept),
    });
  }

  function askIfDue({ group, edgeNode, session }: Edge): void {
    const nowMs = deps.nowMs();
    if (!session.isRebirthDue(nowMs) || budget.waitMs(nowMs) > 0) return;
    if (!deps.askForRebirth(group, edgeNode)) return;
    budget.take(1, nowMs);
    session.rebirthRequested(nowMs);
    metrics.rebirth();
    log.info({ group, edgeNode, status: session.status() }, 'asked an edge node for its births');
  }

  return {
    take,
    tick() {
      const nowMs = deps.nowMs();
      for (const edge of edges.values()) {
        const deadlineMs = edge.session.deadlineMs();
        if (deadlineMs !== null && deadlineMs <= nowMs) handle(edge, edge.session.expire(nowMs));
        askIfDue(edge);
      }
    },
    interrupted() {
      for (const edge of edges.values()) handle(edge, edge.session.interrupted(deps.nowMs()));
    },
    inFlightBytes: () => inFlightBytes,
    statuses() {
      const counts = { unborn: 0, online: 0, reordering: 0, broken: 0, offline: 0 };
      for (const { session } of edges.values()) counts[session.status()] += 1;
      return counts;
    },
    devicesOnline: () => {
      let devices = 0;
      for (const { session } of edges.values()) devices += session.devicesOnline();
      return devices;
    },
  };
}
