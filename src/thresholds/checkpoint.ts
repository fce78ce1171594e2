import type { Fact } from '../model/facts.ts';
import type { GatewayId, Ulid } from '../model/ids.ts';
import { fail, ok, type Result } from '../model/result.ts';
import { restoreTrace, type SavedTrace, saveTrace } from './chain-trace.ts';
import { readLines, readParts, writeLines, writeParts } from './checkpoint-bytes.ts';
import { readCells, writeCells } from './checkpoint-cells.ts';
import { readChannels, writeChannels } from './checkpoint-channels.ts';
import { readRules, writeRules } from './checkpoint-rules.ts';
import { restoreMonitor, writeMonitor } from './detectors/monitor.ts';
import { ENGINE_VERSION, type EngineSettings, settingsHash } from './engine-settings.ts';
import {
  createEngineState,
  type EngineState,
  type GatewayState,
  gatewayOf,
  waitFor,
} from './engine-state.ts';
import { restoreRanges, type SettledRange } from './gateway-progress.ts';
import { addFact } from './registry-history.ts';
import { restoreShiftSums, writeShiftSums } from './shift-sums.ts';

type SavedFact = Pick<Fact, 'entity' | 'id' | 'validFromMs' | 'value'> & { readonly pos: number };

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

interface SavedHead {
  readonly settingsHash: string;
  readonly pos: number;
  readonly tickMs: number;
  /** Numbers of rules. */
  readonly due: readonly number[];
}

/** The whole state as bytes. What can be made again from facts and cells is left out. */
export function writeCheckpoint(state: EngineState): Uint8Array {
  const head: SavedHead = {
    settingsHash: settingsHash(state.settings),
    pos: state.pos,
    tickMs: state.tickMs,
    due: state.due.slice(state.dueNext),
  };
  return writeParts(ENGINE_VERSION, [
    writeLines([head]),
    factBytes(state),
    writeLines([...state.gateways.values()].map(savedGateway)),
    writeChannels(state),
    writeRules(state.rules),
    writeMonitor(state),
    writeShiftSums(state),
    ...writeCells(state),
  ]);
}

/** Facts are most of a young engine's checkpoint and hardly ever change: their bytes are kept until they do. */
const factBytesKnown = new WeakMap<
  EngineState['history'],
  { readonly changes: number; readonly bytes: Uint8Array }
>();

function factBytes(state: EngineState): Uint8Array {
  const { history } = state;
  const known = factBytesKnown.get(history);
  if (known?.changes === history.changes) return known.bytes;
  const bytes = writeLines(savedFacts(state));
  factBytesKnown.set(history, { changes: history.changes, bytes });
  return bytes;
}

function savedFacts(state: EngineState): readonly SavedFact[] {
  const facts: SavedFact[] = [];
  for (const [entity, byId] of Object.entries(state.history.versions)) {
    for (const [id, versions] of byId as Map<string, readonly Omit<SavedFact, 'entity' | 'id'>[]>) {
      for (const version of versions) {
        facts.push({ ...version, entity: entity as Fact['entity'], id });
      }
    }
  }
  return facts.sort((a, b) => a.pos - b.pos);
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

/** The state that `writeCheckpoint` was given, if this build with these settings made it. */
export function readCheckpoint(
  bytes: Uint8Array,
  settings: EngineSettings,
): Result<EngineState, 'unknown-version' | 'damaged' | 'other-settings'> {
  const parts = readParts(ENGINE_VERSION, bytes);
  if (!parts.ok) return parts;
  const [
    headPart,
    factPart,
    gatewayPart,
    channelPart,
    rulePart,
    monitorPart,
    sumPart,
    ...cellParts
  ] = parts.value;
  if (
    !headPart ||
    !factPart ||
    !gatewayPart ||
    !channelPart ||
    !rulePart ||
    !monitorPart ||
    !sumPart
  ) {
    return fail('damaged', 'a part is missing');
  }
  const head = readLines<SavedHead>(headPart)[0];
  if (head?.settingsHash !== settingsHash(settings)) {
    return fail('other-settings', 'it was made with other settings or another limit set');
  }
  const state = createEngineState(settings);
  state.pos = head.pos;
  state.tickMs = head.tickMs;
  for (const { pos, ...fact } of readLines<SavedFact>(factPart)) {
    addFact(state.history, pos, fact as Fact);
  }
  const gateways = readLines<SavedGateway>(gatewayPart);
  for (const saved of gateways) restoreGateway(state, saved);
  readChannels(state, channelPart);
  readRules(state.rules, rulePart);
  readCells(state, cellParts);
  state.due.push(...head.due);
  restoreMonitor(state, monitorPart);
  restoreShiftSums(state, sumPart);
  return ok(state);
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
