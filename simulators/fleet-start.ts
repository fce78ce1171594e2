import { setTimeout as pause } from 'node:timers/promises';
import type { FleetConnection } from './fleet-connection.ts';

const LOOK_EVERY_MS = 5;

/** A fleet whose broker never took a connection. */
export class FleetUnreachableError extends Error {
  readonly hint = 'Start the hub, or name its broker with --mqtt-url.';

  constructor(message: string) {
    super(message);
    this.name = 'FleetUnreachableError';
  }
}

/**
 * Waits until the first connection is up, or `signal` aborts. Throws `FleetUnreachableError` when
 * none is within `withinMs`.
 */
export async function firstConnection(
  connections: readonly FleetConnection[],
  {
    mqttUrl,
    withinMs,
    signal,
  }: { mqttUrl: string; withinMs: number; signal: AbortSignal | undefined },
): Promise<void> {
  const endsAtMs = performance.now() + withinMs;
  while (!connections.some((connection) => connection.wasUp()) && signal?.aborted !== true) {
    if (performance.now() > endsAtMs) {
      const why = connections.map((connection) => connection.fault()).find((it) => it !== null);
      throw new FleetUnreachableError(
        `Cannot connect to ${mqttUrl} within ${withinMs / 1_000} s: ${why ?? 'no answer'}`,
      );
    }
    await pause(LOOK_EVERY_MS);
  }
}
