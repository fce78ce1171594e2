import type { GatewayId, Ulid } from '../model/ids.ts';
import { restoreTrace, type SavedTrace, saveTrace } from './chain-trace.ts';
import { readLines } from './checkpoint-bytes.ts';
import { type EngineState, type GatewayState, gatewayOf, waitFor } from './engine-state.ts';
import { restoreRanges, type SettledRange } from './gateway-progress.ts';
import { linePieces, type Piece } from './snapshot.ts';

interface SavedGateway {
  readonly id: GatewayId;
  readonly isNumbered: boolean;
  readonly isSettled: boolean;
  readonly epochs: readonly (readonly [Ulid, readonly SettledRange[]])[];
  readonly trace: SavedTrace;
  readonly findings: GatewayState['findings'];
  readonly unregistered: readonly [readings: number, dayMs: number];
  readonly noted: readonly string[];
  /** Numbers of rules. */
  readonly waiting: readonly number[];
}

export const gatewayPieces = ({ gateways }: EngineState): Generator<Piece> =>
  linePieces('gateways', savedGateways(gateways.values()));

function* savedGateways(gateways: Iterable<GatewayState>): Generator<SavedGateway> {
  for (const gateway of gateways) yield savedGateway(gateway);
}

const savedGateway = (gateway: GatewayState): SavedGateway => ({
  id: gateway.id,
  isNumbered: gateway.isNumbered,
  isSettled: gateway.progress.isSettled,
  epochs: gateway.progress.epochs.map(({ epoch, ranges }) => [epoch, ranges] as const),
  trace: saveTrace(gateway.trace),
  findings: gateway.findings,
  unregistered: [gateway.unregisteredReadings, gateway.unregisteredDayMs],
  noted: [...(gateway.noted ?? [])],
  waiting: [...(gateway.waiting ?? [])],
});

export function readGateways(state: EngineState, bytes: Buffer): void {
  for (const saved of readLines<SavedGateway>(bytes)) restoreGateway(state, saved);
}

function restoreGateway(state: EngineState, saved: SavedGateway): void {
  const gateway = gatewayOf(state, saved.id);
  gateway.isNumbered = saved.isNumbered;
  gateway.progress.isSettled = saved.isSettled;
  for (const [epoch, ranges] of saved.epochs) restoreRanges(gateway.progress, epoch, ranges);
  restoreTrace(gateway.trace, saved.trace);
  gateway.findings = saved.findings;
  [gateway.unregisteredReadings, gateway.unregisteredDayMs] = saved.unregistered;
  if (saved.noted.length > 0) gateway.noted = new Set(saved.noted);
  for (const id of saved.waiting) waitFor(gateway, id);
}
