import { createDoubtful } from './doubtful.ts';
import {
  bdSeqOf,
  type EdgeEvent,
  type EdgeMessage,
  SEQ_SPAN,
  type SparkplugReason,
  seqOf,
} from './edge-message.ts';
import { declaredOf, type MetricTable, tableOf } from './metric-table.ts';

export interface EdgeSessionSettings {
  /** How long a message may be missing before a rebirth is asked for. */
  readonly reorderTimeoutMs: number;
  /** Least time between two requests for a rebirth of one edge node. */
  readonly rebirthIntervalMs: number;
  /** Messages that wait for an earlier one, or for a birth; and for how long the latter do. */
  readonly heldMessagesMax: number;
  readonly heldMsMax: number;
}

/**
 * `unborn`: no birth came yet. `online`: born, nothing missing. `reordering`: a message is missing and may
 * still come. `broken`: one is lost; what comes waits for a rebirth. `offline`: dead.
 */
export type EdgeStatus = 'unborn' | 'online' | 'reordering' | 'broken' | 'offline';

/**
 * One edge node as a host application sees it (Sparkplug 3.0, chapters 5 and 6): births, deaths, the order
 * of messages, what aliases mean. Pure: time is told, in ms of any clock that never goes back.
 */
export interface EdgeSession {
  take(message: EdgeMessage, nowMs: number): EdgeEvent[];
  /** Ends waits that are over. */
  expire(nowMs: number): EdgeEvent[];
  /** When `expire` has to be called; null: nothing waits. */
  deadlineMs(): number | null;
  /** Messages may have been missed: what comes is in doubt until the next birth. */
  interrupted(nowMs: number): EdgeEvent[];
  /** Whether a rebirth is to be asked for now: it is needed, and the last request is long enough ago. */
  isRebirthDue(nowMs: number): boolean;
  rebirthRequested(nowMs: number): void;
  status(): EdgeStatus;
  /** Devices that are born and not dead. */
  devicesOnline(): number;
}

export function createEdgeSession(settings: EdgeSessionSettings): EdgeSession {
  const tables = new Map<string | null, MetricTable>();
  const held = new Map<number, EdgeMessage>();
  const doubtful = createDoubtful({
    messagesMax: settings.heldMessagesMax,
    waitMsMax: settings.heldMsMax,
  });
  let status: EdgeStatus = 'unborn';
  let bdSeq: number | null = null;
  let nextSeq = 0;
  /** When the missing message began to be waited for. */
  let gapSinceMs = 0;
  let isRebirthWanted = false;
  let rebirthAskedMs = Number.NEGATIVE_INFINITY;

  const unusable = (message: EdgeMessage, reason: SparkplugReason, detail: string): EdgeEvent => {
    isRebirthWanted = true;
    return { kind: 'unusable', message, reason, detail };
  };

  function takeNodeBirth(message: EdgeMessage, nowMs: number): EdgeEvent[] {
    const { payload } = message;
    const left = giveUpOrder(nowMs);
    const seq = seqOf(payload);
    const session = bdSeqOf(payload);
    const table = tableOf(payload.metrics, []);
    if (seq === null || session === null || payload.timestampMs === null || !table.ok) {
      const detail = table.ok ? 'expected seq, bdSeq and a timestamp' : table.detail;
      return [...left, unusable(message, 'sparkplug-birth', detail)];
    }
    tables.clear();
    tables.set(null, table.value);
    status = 'online';
    bdSeq = session;
    nextSeq = (seq + 1) % SEQ_SPAN;
    isRebirthWanted = false;
    return [
      ...left,
      { kind: 'readings', message, table: table.value },
      ...doubtful.settle(null, table.value),
    ];
  }

  function takeNodeDeath(message: EdgeMessage, nowMs: number): EdgeEvent[] {
    const isPresent = bdSeq !== null && bdSeqOf(message.payload) === bdSeq;
    if (!isPresent || status === 'offline') return [{ kind: 'ignored', message }];
    const left = giveUpOrder(nowMs);
    const stale = new Map(tables);
    tables.clear();
    status = 'offline';
    isRebirthWanted = false;
    return [...left, { kind: 'stale', message, atMs: message.receivedAtMs, tables: stale }];
  }

  /** In their order: messages of a session. */
  function apply(message: EdgeMessage): EdgeEvent[] {
    switch (message.kind) {
      case 'DBIRTH':
        return takeDeviceBirth(message);
      case 'DDEATH':
        return takeDeviceDeath(message);
      default:
        return takeData(message);
    }
  }

  function takeDeviceBirth(message: EdgeMessage): EdgeEvent[] {
    const { device, payload } = message;
    tables.delete(device);
    const table = tableOf(payload.metrics, tables.values());
    if (payload.timestampMs === null || !table.ok) {
      const detail = table.ok ? 'expected a timestamp' : table.detail;
      return [unusable(message, 'sparkplug-birth', detail)];
    }
    tables.set(device, table.value);
    return [
      { kind: 'readings', message, table: table.value },
      ...doubtful.settle(device, table.value),
    ];
  }

  function takeDeviceDeath(message: EdgeMessage): EdgeEvent[] {
    const table = tables.get(message.device);
    if (table === undefined) return [{ kind: 'ignored', message }];
    tables.delete(message.device);
    const atMs = message.payload.timestampMs ?? message.receivedAtMs;
    return [{ kind: 'stale', message, atMs, tables: new Map([[message.device, table]]) }];
  }

  function takeData(message: EdgeMessage): EdgeEvent[] {
    const table = tables.get(message.device);
    if (table === undefined) {
      return [unusable(message, 'sparkplug-unborn', 'data before the birth of its device')];
    }
    if (message.payload.metrics.some((metric) => declaredOf(metric, table) === undefined)) {
      isRebirthWanted = true;
    }
    return [{ kind: 'readings', message, table }];
  }

  /** Waits for the message that is missing; `heldMessagesMax` of them are as good as the time-out. */
  function hold(message: EdgeMessage, seq: number, nowMs: number): EdgeEvent[] {
    if (held.size === 0) gapSinceMs = nowMs;
    status = 'reordering';
    const isSecond = held.has(seq);
    if (!isSecond) held.set(seq, message);
    if (!isSecond && held.size < settings.heldMessagesMax) return [];
    const left = giveUpOrder(nowMs);
    return isSecond ? [...left, ...doubt(message, nowMs)] : left;
  }

  function drain(nowMs: number): EdgeEvent[] {
    const events: EdgeEvent[] = [];
    for (let next = held.get(nextSeq); next !== undefined; next = held.get(nextSeq)) {
      held.delete(nextSeq);
      nextSeq = (nextSeq + 1) % SEQ_SPAN;
      events.push(...apply(next));
    }
    if (events.length > 0) gapSinceMs = nowMs;
    status = held.size === 0 ? 'online' : 'reordering';
    return events;
  }

  /** The missing message is given up: what came behind it is in doubt. */
  function giveUpOrder(nowMs: number): EdgeEvent[] {
    if (held.size === 0) return [];
    const events: EdgeEvent[] = [];
    for (let step = 0; step < SEQ_SPAN && held.size > 0; step += 1) {
      const seq = (nextSeq + step) % SEQ_SPAN;
      const message = held.get(seq);
      if (message === undefined) continue;
      held.delete(seq);
      events.push(...doubt(message, nowMs));
    }
    status = 'broken';
    isRebirthWanted = true;
    return events;
  }

  /** A message behind a lost one. Births and deaths mean by themselves what they say. */
  function doubt(message: EdgeMessage, nowMs: number): EdgeEvent[] {
    const known = tables.get(message.device);
    if (message.kind === 'DBIRTH') return takeDeviceBirth(message);
    if (message.kind === 'DDEATH') return takeDeviceDeath(message);
    return doubtful.add(message, known, nowMs);
  }

  function takeInSession(message: EdgeMessage, nowMs: number): EdgeEvent[] {
    const seq = seqOf(message.payload);
    if (seq === null) {
      return [unusable(message, 'sparkplug-malformed', 'expected a seq from 0 to 255')];
    }
    if (status === 'broken') {
      isRebirthWanted = true;
      return doubt(message, nowMs);
    }
    if (status === 'unborn' || status === 'offline') {
      return [unusable(message, 'sparkplug-unborn', 'a message before the birth of its edge node')];
    }
    if (seq !== nextSeq) return hold(message, seq, nowMs);
    nextSeq = (seq + 1) % SEQ_SPAN;
    return [...apply(message), ...drain(nowMs)];
  }

  const gapDeadlineMs = (): number | null =>
    held.size === 0 ? null : gapSinceMs + settings.reorderTimeoutMs;

  return {
    take(message, nowMs) {
      if (message.kind === 'NBIRTH') return takeNodeBirth(message, nowMs);
      if (message.kind === 'NDEATH') return takeNodeDeath(message, nowMs);
      return takeInSession(message, nowMs);
    },
    expire(nowMs) {
      const gapMs = gapDeadlineMs();
      const given = gapMs !== null && gapMs <= nowMs ? giveUpOrder(nowMs) : [];
      return [...given, ...doubtful.expire(nowMs)];
    },
    deadlineMs() {
      const deadlines = [gapDeadlineMs(), doubtful.deadlineMs()].filter((ms) => ms !== null);
      return deadlines.length === 0 ? null : Math.min(...deadlines);
    },
    interrupted(nowMs) {
      const left = giveUpOrder(nowMs);
      if (status === 'online') status = 'broken';
      if (status === 'broken') isRebirthWanted = true;
      return left;
    },
    isRebirthDue: (nowMs) =>
      isRebirthWanted && nowMs - rebirthAskedMs >= settings.rebirthIntervalMs,
    rebirthRequested(nowMs) {
      rebirthAskedMs = nowMs;
      // Wanted again by the next message that needs it: who is silent may be gone.
      isRebirthWanted = false;
    },
    status: () => status,
    devicesOnline: () => {
      if (status === 'unborn' || status === 'offline') return 0;
      return tables.size - (tables.has(null) ? 1 : 0);
    },
  };
}
