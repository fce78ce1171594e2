import type { EngineOutput } from '../model/exposure.ts';
import type { DeviceId, GatewayId, MetricName } from '../model/ids.ts';
import { PAGE_CHANNELS } from './cell-page.ts';
import { type CellStore, channelCells, createCellStore } from './cell-store.ts';
import { type CellsMemo, createCellsMemo } from './cells-memo.ts';
import { type ChainLinks, createChainLinks } from './chain-links.ts';
import { type ChainTrace, createChainTrace } from './chain-trace.ts';
import { ChannelRow } from './channel.ts';
import { type ChannelIndex, createChannelIndex } from './channel-index.ts';
import { type ChannelPage, createChannelPage } from './channel-page.ts';
import { createMonitor, type Monitor } from './detectors/monitor.ts';
import type { DeviceRow } from './device-row.ts';
import type { EngineSettings } from './engine-settings.ts';
import type { FedRules } from './fed-rules.ts';
import type { GatewayFindings } from './gateway-findings.ts';
import { createGatewayProgress, type GatewayProgress } from './gateway-progress.ts';
import { type LimitSet, loadLimitSet } from './limits/limit-set.ts';
import { createRegistryHistory, type RegistryHistory } from './registry-history.ts';
import type { RuleDefinition } from './rule-definition.ts';
import type { RuleRow } from './rule-row.ts';
import { createRuleTable, type RuleTable } from './rule-table.ts';
import { share } from './share-parts.ts';
import type { ShiftSums } from './shift-sums.ts';

/** One rule in one shift as far as it has come. */
export type RuleState = RuleRow;

/** A metric of a device as one gateway delivers it. */
export type Channel = ChannelRow;

export interface GatewayState {
  readonly id: GatewayId;
  /** Dense, 0 and up. */
  readonly index: number;
  readonly progress: GatewayProgress;
  /** Whether it numbers its batches: order can be told, so nothing needs to wait for the grace. */
  isNumbered: boolean;
  /** Its devices, the last first. */
  lastDevice: DeviceRow | null;
  channelCount: number;
  readonly trace: ChainTrace;
  /** Null: none yet. */
  findings: GatewayFindings | null;
  /** Readings of channels that weren't registered, and the last UTC day on which that was told. */
  unregisteredReadings: number;
  unregisteredDayMs: number;
  /** Keys of signals given once, e.g. one clock signal a day; null: none yet. */
  noted: Set<string> | null;
  /** Numbers of rules that wait for the gateway to settle; null: none ever did. */
  waiting: Set<number> | null;
}

/** All that the engine knows; every part of it goes into a checkpoint. */
export interface EngineState {
  readonly settings: EngineSettings;
  readonly limitSet: LimitSet;
  readonly history: RegistryHistory;
  readonly gateways: Map<GatewayId, GatewayState>;
  readonly links: ChainLinks;
  readonly cells: CellStore;
  readonly channelPages: ChannelPage[];
  readonly channels: Channel[];
  /** Of so many a stored checkpoint holds the names. */
  namesStored: number;
  readonly channelsByName: ChannelIndex;
  /** Channels whose device and metric another gateway delivered as well: it was replaced. */
  readonly shared: Set<Channel>;
  readonly monitor: Monitor;
  readonly rules: RuleTable;
  readonly shiftSums: ShiftSums;
  readonly fedRules: FedRules;
  /** Rules by channel, UTC day of the shift's start, and facts known. */
  readonly days: Map<string, readonly RuleDefinition[]>;
  /** Cells read for the rules of one channel, while nothing can change them. */
  readonly readCells: CellsMemo;
  pos: number;
  /** Hub time of the last tick; 0: none. */
  tickMs: number;
  /** Numbers of rules found due by the last tick and not judged yet, from `dueNext` on. */
  readonly due: number[];
  dueNext: number;
}

/** Where a step puts what it gives. */
export type Emit = (output: EngineOutput) => void;

export const createEngineState = (
  settings: EngineSettings,
  limitSet: LimitSet = loadLimitSet(),
): EngineState => ({
  settings,
  limitSet,
  history: createRegistryHistory(),
  gateways: new Map(),
  links: createChainLinks(),
  cells: createCellStore(),
  channelPages: [],
  channels: [],
  namesStored: 0,
  channelsByName: createChannelIndex(),
  shared: new Set(),
  monitor: createMonitor(),
  rules: createRuleTable(),
  shiftSums: new Map(),
  fedRules: new Map(),
  days: new Map(),
  readCells: createCellsMemo(),
  pos: 0,
  tickMs: 0,
  due: [],
  dueNext: 0,
});

export function gatewayOf(state: EngineState, id: GatewayId): GatewayState {
  let gateway = state.gateways.get(id);
  if (gateway === undefined) {
    gateway = {
      id,
      index: state.gateways.size,
      progress: createGatewayProgress(),
      isNumbered: false,
      lastDevice: null,
      channelCount: 0,
      trace: createChainTrace(state.links),
      findings: null,
      unregisteredReadings: 0,
      unregisteredDayMs: -1,
      noted: null,
      waiting: null,
    };
    state.gateways.set(id, gateway);
  }
  return gateway;
}

/** The rule is judged when its gateway settles. */
export function waitFor(gateway: GatewayState, rule: number): void {
  gateway.waiting ??= new Set();
  gateway.waiting.add(rule);
}

export function addChannel(
  state: EngineState,
  gateway: GatewayState,
  device: DeviceId,
  metric: MetricName,
): Channel {
  const index = state.channels.length;
  const { page } = channelCells(state.cells, index);
  if (index % PAGE_CHANNELS === 0) state.channelPages.push(createChannelPage(page));
  const row = state.channelsByName.ensureRow(gateway, device);
  const channel = new ChannelRow(row, index, state.channelPages.at(-1)!);
  row.metrics = share(state.rules.parts, [...row.metrics, metric]);
  // Not spread: that leaves room for sixteen more.
  row.channels = row.channels.concat(channel);
  gateway.channelCount++;
  state.channels.push(channel);
  const named = state.channelsByName.ofDevice(device).filter((one) => one.metric === metric);
  if (named.length > 1) for (const one of named) state.shared.add(one);
  return channel;
}
