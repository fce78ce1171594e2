import { digestOf } from '../model/digest.ts';
import type { GatewaySignalKind } from '../model/exposure.ts';
import type { Emit, GatewayState } from './engine-state.ts';

/** Most keys remembered for a gateway; all are forgotten then, and a signal may come again. */
const NOTED_MAX = 10_000;

/**
 * Gives a signal about a gateway once: its key is the digest of what it says, so saying it again after
 * the memory is full changes nothing downstream.
 */
export function emitOnce(
  gateway: GatewayState,
  kind: GatewaySignalKind,
  atMs: number,
  detail: Readonly<Record<string, string | number>>,
  emit: Emit,
): void {
  const note = `${kind} ${atMs} ${Object.values(detail).join(' ')}`;
  gateway.noted ??= new Set();
  if (gateway.noted.has(note)) return;
  if (gateway.noted.size >= NOTED_MAX) gateway.noted.clear();
  gateway.noted.add(note);
  const content = { kind, atMs, gateway: gateway.id, detail };
  emit({ kind: 'signal', signal: { ...content, signalKey: digestOf(content) } });
}
