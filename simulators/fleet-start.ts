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
 * Waits until every connection is up, or `withinMs` is over and one is, or `signal` aborts: what a fleet
 * measures is the load, not its arrival. Throws `FleetUnreachableError` when none is up by then.
 */
export async function connectFleet(
  connections: readonly FleetConnection[],
  {
    mqttUrl,
    withinMs,
    signal,
  }: { mqttUrl: string; withinMs: number; signal: AbortSignal | undefined },
): Promise<void> {
  const endsAtMs = performance.now() + withinMs;
  while (signal?.aborted !== true) {
    if (connections.every((connection) => connection.wasUp())) return;
    if (performance.now() > endsAtMs) break;
    await pause(LOOK_EVERY_MS);
  }
  if (signal?.aborted === true || connections.some((connection) => connection.wasUp())) return;
  const why = connections.map((connection) => connection.fault()).find((it) => it !== null);
  throw new FleetUnreachableError(
    `Cannot connect to ${mqttUrl} within ${withinMs / 1_000} s: ${why ?? 'no answer'}`,
  );
}
