import type { EdgeEvent, EdgeMessage } from './edge-message.ts';
import { type MetricTable, meanTheSame } from './metric-table.ts';

/**
 * Messages that came behind one that is lost. The lost one may have been a birth that gave their aliases
 * another meaning, so they wait for the next birth: where it says the same as the one before, nothing was
 * changed and they mean what they meant. Otherwise they are put aside; nothing is guessed.
 */
export interface Doubtful {
  /** `table`: what its metrics meant before; undefined: nothing did. */
  add(message: EdgeMessage, table: MetricTable | undefined, nowMs: number): EdgeEvent[];
  /** A birth came: those of its publisher are settled. */
  settle(device: string | null, table: MetricTable): EdgeEvent[];
  /** Puts aside what has waited too long. */
  expire(nowMs: number): EdgeEvent[];
  /** When `expire` has to be called; null: nothing waits. */
  deadlineMs(): number | null;
}

interface Waiting {
  readonly message: EdgeMessage;
  readonly table: MetricTable;
  readonly untilMs: number;
}

export function createDoubtful(bounds: {
  readonly messagesMax: number;
  readonly waitMsMax: number;
}): Doubtful {
  let waiting: Waiting[] = [];

  const unresolved = (message: EdgeMessage, detail: string): EdgeEvent => ({
    ...{ kind: 'unusable', message, reason: 'sparkplug-unresolved', detail },
  });

  return {
    add(message, table, nowMs) {
      if (table === undefined) return [unresolved(message, 'a message before it is lost')];
      waiting.push({ message, table, untilMs: nowMs + bounds.waitMsMax });
      if (waiting.length <= bounds.messagesMax) return [];
      const [first] = waiting.splice(0, 1) as [Waiting];
      return [unresolved(first.message, `more than ${bounds.messagesMax} wait for a birth`)];
    },
    settle(device, table) {
      const own = waiting.filter(({ message }) => message.device === device);
      if (own.length === 0) return [];
      waiting = waiting.filter(({ message }) => message.device !== device);
      return own.map(({ message, table: before }) =>
        meanTheSame(message.payload.metrics, before, table)
          ? { kind: 'readings', message, table }
          : unresolved(message, 'the next birth gives its metrics another meaning'),
      );
    },
    expire(nowMs) {
      const late = waiting.filter(({ untilMs }) => untilMs <= nowMs);
      waiting = waiting.filter(({ untilMs }) => untilMs > nowMs);
      return late.map(({ message }) => unresolved(message, 'no birth came after a lost message'));
    },
    deadlineMs: () => waiting[0]?.untilMs ?? null,
  };
}
