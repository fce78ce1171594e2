import type { DeviceId, MetricName } from '../model/ids.ts';
import type { ChannelCells } from './cell-store.ts';
import type { FactsSpan } from './channel-facts.ts';
import type { ChannelPage } from './channel-page.ts';
import type { Channel, GatewayState } from './engine-state.ts';

/**
 * A channel by name: a class, because its numbers live in the arrays of its page, and a hundred
 * thousand objects share these accessors.
 */
export class ChannelRow implements Channel {
  readonly gateway: GatewayState;
  readonly device: DeviceId;
  readonly metric: MetricName;
  readonly cells: ChannelCells;
  facts: FactsSpan | null = null;
  readonly page: ChannelPage;

  constructor(
    gateway: GatewayState,
    device: DeviceId,
    metric: MetricName,
    cells: ChannelCells,
    page: ChannelPage,
  ) {
    this.gateway = gateway;
    this.device = device;
    this.metric = metric;
    this.cells = cells;
    this.page = page;
  }

  get watermarkMs(): number {
    return this.page.watermarkMs[this.cells.slot]!;
  }
  set watermarkMs(atMs: number) {
    this.page.watermarkMs[this.cells.slot] = atMs;
  }
  get lastReceivedAtMs(): number {
    return this.page.lastReceivedAtMs[this.cells.slot]!;
  }
  set lastReceivedAtMs(atMs: number) {
    this.page.lastReceivedAtMs[this.cells.slot] = atMs;
  }
  get touchedPos(): number {
    return this.page.touchedPos[this.cells.slot]!;
  }
  set touchedPos(pos: number) {
    this.page.touchedPos[this.cells.slot] = pos;
  }
  get firstMinute(): number {
    return this.page.firstMinute[this.cells.slot]!;
  }
  set firstMinute(minute: number) {
    this.page.firstMinute[this.cells.slot] = minute;
  }
  get closedThrough(): number {
    return this.page.closedThrough[this.cells.slot]!;
  }
  set closedThrough(minute: number) {
    this.page.closedThrough[this.cells.slot] = minute;
  }
  get droppedBefore(): number {
    return this.page.droppedBefore[this.cells.slot]!;
  }
  set droppedBefore(minute: number) {
    this.page.droppedBefore[this.cells.slot] = minute;
  }
  get lateMinute(): number {
    return this.page.lateMinute[this.cells.slot]!;
  }
  set lateMinute(minute: number) {
    this.page.lateMinute[this.cells.slot] = minute;
  }
  get firstRule(): number {
    return this.page.firstRule[this.cells.slot]!;
  }
  set firstRule(id: number) {
    this.page.firstRule[this.cells.slot] = id;
  }
  get needsRescan(): boolean {
    return this.page.needsRescan[this.cells.slot] === 1;
  }
  set needsRescan(needs: boolean) {
    this.page.needsRescan[this.cells.slot] = needs ? 1 : 0;
    // What was settled by the facts before isn't any more.
    if (!needs) return;
    this.page.settledUntil[this.cells.slot] = 0;
    this.page.silentUntilMs[this.cells.slot] = 0;
  }
}
