import { fail, ok, type Result } from '../model/result.ts';
import { readLines, readParts, writeParts } from './checkpoint-bytes.ts';
import {
  cellPieces,
  readHour,
  readHourBlocks,
  readHourTables,
  readLoose,
  readLooseHead,
  readOpenCells,
} from './checkpoint-cells.ts';
import { channelPieces, readChannelNames, readChannelPages } from './checkpoint-channels.ts';
import { factPieces, readFacts } from './checkpoint-facts.ts';
import { gatewayPieces, readGateways } from './checkpoint-gateways.ts';
import { linkPieces, readLinkPages, readLinks } from './checkpoint-links.ts';
import {
  finishRules,
  readPlaces,
  readPlans,
  readRuleLines,
  readRulePages,
  readRuleProgress,
  readRules,
  rulePieces,
} from './checkpoint-rules.ts';
import {
  monitorPieces,
  readMonitor,
  readMonitorChannels,
  readMonitorClocks,
  readMonitorLines,
} from './detectors/monitor.ts';
import { ENGINE_VERSION, type EngineSettings, settingsHash } from './engine-settings.ts';
import { createEngineState, type EngineState } from './engine-state.ts';
import { readFedRules, readShiftSums, shiftSumPieces } from './shift-sums.ts';
import { linePieces, type Piece, type Snapshot } from './snapshot.ts';

interface SavedHead {
  readonly settingsHash: string;
  readonly pos: number;
  readonly tickMs: number;
  /** Numbers of rules. */
  readonly due: readonly number[];
}

/** The whole state, piece by piece. What can be made again from facts and cells is left out. */
export function takeSnapshot(state: EngineState): Snapshot {
  const ends: ((isStored: boolean) => void)[] = [];
  return {
    pos: state.pos,
    pieces: piecesOf(state, ends),
    end: (isStored) => {
      for (const end of ends.splice(0)) end(isStored);
    },
  };
}

function* piecesOf(
  state: EngineState,
  ends: ((isStored: boolean) => void)[],
): Generator<Piece, void> {
  const head: SavedHead = {
    settingsHash: settingsHash(state.settings),
    pos: state.pos,
    tickMs: state.tickMs,
    due: state.due.slice(state.dueNext),
  };
  yield* linePieces('head', [head]);
  yield* factPieces(state.history, ends);
  yield* linkPieces(state.links);
  yield* gatewayPieces(state);
  yield* channelPieces(state, ends);
  yield* rulePieces(state.rules);
  yield* monitorPieces(state);
  yield* shiftSumPieces(state);
  yield* cellPieces(state.cells, ends);
}

/** Makes a state again from the pieces of a snapshot, in their order. */
export interface Restorer {
  /** The pieces are whole; their shape is vouched for by the version. */
  take(name: string, bytes: Buffer): Result<null, 'damaged' | 'other-settings'>;
  /** All were taken. */
  state(): Result<EngineState, 'damaged'>;
}

export function createRestorer(settings: EngineSettings): Restorer {
  const state = createEngineState(settings);
  const { rules, history, cells } = state;
  let hasHead = false;
  let channelPages = 0;
  let openPages = 0;

  function takeHead(bytes: Buffer): ReturnType<Restorer['take']> {
    const head = readLines<SavedHead>(bytes)[0]!;
    if (head.settingsHash !== settingsHash(settings)) {
      return fail('other-settings', 'it was made with other settings or another limit set');
    }
    state.pos = head.pos;
    state.tickMs = head.tickMs;
    state.due.push(...head.due);
    hasHead = true;
    return ok(null);
  }

  const readers: Readonly<Record<string, (bytes: Buffer, key: number, nth: number) => void>> = {
    facts: (bytes) => readFacts(history, bytes),
    links: (bytes) => readLinks(state.links, bytes),
    'link-pages': (bytes) => readLinkPages(state.links, bytes),
    gateways: (bytes) => readGateways(state, bytes),
    'channel-names': (bytes) => readChannelNames(state, bytes),
    'channel-pages': (bytes) => {
      channelPages = readChannelPages(state, channelPages, bytes);
    },
    rules: (bytes) => readRules(rules, bytes),
    'rule-plans': (bytes) => readPlans(rules, bytes),
    'rule-places': (bytes) => readPlaces(rules, bytes),
    'rule-pages': (bytes) => readRulePages(rules, bytes),
    'rule-lines': (bytes) => readRuleLines(rules, bytes),
    'rule-progress': (bytes, pool) => readRuleProgress(rules, pool, bytes),
    monitor: (bytes) => readMonitor(state, bytes),
    'monitor-lines': (bytes) => readMonitorLines(state, bytes),
    'monitor-channels': (bytes) => readMonitorChannels(state, bytes),
    'monitor-clocks': (bytes) => readMonitorClocks(state, bytes),
    'shift-sums': (bytes) => readShiftSums(state, bytes),
    'fed-rules': (bytes) => readFedRules(state, bytes),
    'open-cells': (bytes) => {
      openPages = readOpenCells(cells, openPages, bytes);
    },
    loose: (bytes) => readLooseHead(cells.loose, bytes),
    'loose-cells': (bytes) => readLoose(cells.loose, bytes),
    hours: (bytes, key) => readHour(cells.archive, key, bytes),
    'hour-tables': (bytes, key, nth) => readHourTables(cells.archive, [key, nth], bytes),
    'hour-blocks': (bytes, key, nth) => readHourBlocks(cells.archive, [key, nth], bytes),
  };

  return {
    take(name, bytes) {
      const [kind, key, nth] = name.split('/') as [string, string | undefined, string | undefined];
      if (kind === 'head') return takeHead(bytes);
      const read = readers[kind];
      if (read === undefined || !hasHead) return fail('damaged', `its piece ${name} is unknown`);
      read(bytes, Number(key), Number(nth));
      return ok(null);
    },
    state() {
      if (!hasHead) return fail('damaged', 'a piece is missing');
      finishRules(rules);
      return ok(state);
    },
  };
}

/** A snapshot as one run of bytes, for `readCheckpoint`. */
export function writeCheckpoint(state: EngineState): Uint8Array {
  const { pieces, end } = takeSnapshot(state);
  const parts: (readonly [string, Uint8Array])[] = [];
  for (const piece of pieces) parts.push([piece.name, piece.bytes()]);
  end(false);
  return writeParts(ENGINE_VERSION, parts);
}

/** The state that `writeCheckpoint` was given, if this build with these settings made it. */
export function readCheckpoint(
  bytes: Uint8Array,
  settings: EngineSettings,
): Result<EngineState, 'unknown-version' | 'damaged' | 'other-settings'> {
  const parts = readParts(ENGINE_VERSION, bytes);
  if (!parts.ok) return parts;
  const restorer = createRestorer(settings);
  for (const [name, part] of parts.value) {
    const taken = restorer.take(name, part);
    if (!taken.ok) return taken;
  }
  return restorer.state();
}
