import type { EngineOutput } from '../model/exposure.ts';
import type { DeviceId, GatewayId, MetricName } from '../model/ids.ts';
import { PAGE_CHANNELS } from './cell-page.ts';
import { type CellStore, type ChannelCells, channelCells, createCellStore } from './cell-store.ts';
import { type CellsMemo, createCellsMemo } from './cells-memo.ts';
import type { ChainTrace } from './chain-trace.ts';
import { ChannelRow } from './channel.ts';
import type { FactsSpan } from './channel-facts.ts';
import { type ChannelIndex, createChannelIndex } from './channel-index.ts';
import { type ChannelPage, createChannelPage } from './channel-page.ts';
import { createGatewayWatch, type GatewayWatch } from './detectors/gateway-watch.ts';
import { createMonitor, type Monitor } from './detectors/monitor.ts';
import type { EngineSettings } from './engine-settings.ts';
import type { FedRules } from './fed-rules.ts';
import { createFindings, type GatewayFindings } from './gateway-findings.ts';
import { createGatewayProgress, type GatewayProgress } from './gateway-progress.ts';
import { type LimitSet, loadLimitSet } from './limits/limit-set.ts';
import { createRegistryHistory, type RegistryHistory } from './registry-history.ts';
import type { RuleDefinition } from './rule-definition.ts';
import type { RuleRow } from './rule-row.ts';
import { createRuleTable, type RuleTable } from './rule-table.ts';
import type { ShiftSums } from './shift-sums.ts';

/** One rule in one shift as far as it has come. */
export type RuleState = RuleRow;

/** A metric of a device as one gateway delivers it. */
export interface Channel {
  readonly gateway: GatewayState;
  readonly device: DeviceId;
  readonly metric: MetricName;
  readonly cells: ChannelCells;
  readonly page: ChannelPage;
  /** Highest `at` taken; 0: none. */
  watermarkMs: number;
  /** Journaled time of the last datum. */
  lastReceivedAtMs: number;
  /** First minute with a datum: shifts from there on are judged, also empty ones. */
  firstMinute: number;
  /** Last minute closed. */
  closedThrough: number;
  /** Minutes before this are out of memory. */
  droppedBefore: number;
  /** A closed minute that late data changed, to be shown again; −1: none. */
  lateMinute: number;
  /** Entry that touched the channel last. */
  touchedPos: number;
  /** Facts changed: shifts of the days in memory are looked up again on the next tick. */
  needsRescan: boolean;
  /** Number of its first rule; −1: none. */
  firstRule: number;
  /** What the registry said of the minutes last asked for. */
  facts: FactsSpan | null;
}

/** The channels of a device, in the order in which its first frame named them. */
export interface DeviceRow {
  readonly device: DeviceId;
  readonly metrics: MetricName[];
  readonly channels: Channel[];
}

export interface GatewayState {
  readonly id: GatewayId;
  readonly progress: GatewayProgress;
  /** Whether it numbers its batches: order can be told, so nothing needs to wait for the grace. */
  isNumbered: boolean;
  readonly devices: Map<DeviceId, DeviceRow>;
  readonly channels: Channel[];
  readonly trace: ChainTrace;
  readonly findings: GatewayFindings;
  /** Readings of channels that weren't registered, and the last UTC day on which that was told. */
  unregisteredReadings: number;
  unregisteredDayMs: number;
  /** Keys of signals given once, e.g. one clock signal a day. */
  readonly noted: Set<string>;
  readonly watch: GatewayWatch;
  /** Numbers of rules that wait for the gateway to settle. */
  readonly waiting: Set<number>;
}

/** All that the engine knows; every part of it goes into a checkpoint. */
export interface EngineState {
  readonly settings: EngineSettings;
  readonly limitSet: LimitSet;
  readonly history: RegistryHistory;
  readonly gateways: Map<GatewayId, GatewayState>;
  readonly cells: CellStore;
  readonly channelPages: ChannelPage[];
  readonly channels: Channel[];
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
  cells: createCellStore(),
  channelPages: [],
  channels: [],
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
      progress: createGatewayProgress(),
      isNumbered: false,
      devices: new Map(),
      channels: [],
      trace: new Map(),
      findings: createFindings(),
      unregisteredReadings: 0,
      unregisteredDayMs: -1,
      noted: new Set(),
      watch: createGatewayWatch(),
      waiting: new Set(),
    };
    state.gateways.set(id, gateway);
  }
  return gateway;
}

export function addChannel(
  state: EngineState,
  gateway: GatewayState,
  device: DeviceId,
  metric: MetricName,
): Channel {
  const index = state.channels.length;
  if (index % PAGE_CHANNELS === 0) state.channelPages.push(createChannelPage());
  const page = state.channelPages.at(-1)!;
  const channel = new ChannelRow(gateway, device, metric, channelCells(state.cells, index), page);
  const row = gateway.devices.get(device);
  if (row === undefined) {
    gateway.devices.set(device, { device, metrics: [metric], channels: [channel] });
  } else {
    row.metrics.push(metric);
    row.channels.push(channel);
  }
  gateway.channels.push(channel);
  state.channels.push(channel);
  state.channelsByName.add(channel);
  const named = state.channelsByName.ofDevice(device).filter((one) => one.metric === metric);
  if (named.length > 1) for (const one of named) state.shared.add(one);
  return channel;
}
