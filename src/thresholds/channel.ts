import type { DeviceId, MetricName } from '../model/ids.ts';
import type { CellArchive } from './cell-archive.ts';
import { type CellPage, PAGE_CHANNELS } from './cell-page.ts';
import type { ChannelCells } from './cell-store.ts';
import type { ChannelPage } from './channel-page.ts';
import type { DeviceRow } from './device-row.ts';
import type { GatewayState } from './engine-state.ts';

/**
 * A channel by its index: a class, because its numbers live in the arrays of its pages, and a hundred thousand
 * objects share these accessors.
 */
export class ChannelRow implements ChannelCells {
  readonly row: DeviceRow;
  readonly index: number;
  readonly own: ChannelPage;

  constructor(row: DeviceRow, index: number, own: ChannelPage) {
    this.row = row;
    this.index = index;
    this.own = own;
  }

  get gateway(): GatewayState {
    return this.row.gateway;
  }
  get device(): DeviceId {
    return this.row.device;
  }
  get metric(): MetricName {
    const { metrics, channels } = this.row;
    return metrics[channels.indexOf(this)]!;
  }
  get slot(): number {
    return this.index % PAGE_CHANNELS;
  }
  get page(): CellPage {
    return this.own.cells;
  }
  get archive(): CellArchive {
    return this.page.archive;
  }
  get cells(): ChannelCells {
    return this;
  }
  /** Highest `at` taken; 0: none. */
  get watermarkMs(): number {
    return this.own.watermarkMs[this.slot]!;
  }
  set watermarkMs(atMs: number) {
    this.own.watermarkMs[this.slot] = atMs;
  }
  /** Journaled time of the last datum. */
  get lastReceivedAtMs(): number {
    return this.own.lastReceivedAtMs[this.slot]!;
  }
  set lastReceivedAtMs(atMs: number) {
    this.own.lastReceivedAtMs[this.slot] = atMs;
  }
  /** The batch being taken touched the channel. */
  get isTouched(): boolean {
    return this.own.isTouched[this.slot] === 1;
  }
  set isTouched(is: boolean) {
    this.own.isTouched[this.slot] = is ? 1 : 0;
  }
  /** First minute with a datum: shifts from there on are judged, also empty ones. */
  get firstMinute(): number {
    return this.own.firstMinute[this.slot]!;
  }
  set firstMinute(minute: number) {
    this.own.firstMinute[this.slot] = minute;
  }
  /** Last minute closed. */
  get closedThrough(): number {
    return this.own.closedThrough[this.slot]!;
  }
  set closedThrough(minute: number) {
    this.own.closedThrough[this.slot] = minute;
  }
  /** Minutes before this are out of memory. */
  get droppedBefore(): number {
    return this.own.droppedBefore[this.slot]!;
  }
  set droppedBefore(minute: number) {
    this.own.droppedBefore[this.slot] = minute;
  }
  /** A closed minute that late data changed, to be shown again; −1: none. */
  get lateMinute(): number {
    return this.own.lateMinute[this.slot]!;
  }
  set lateMinute(minute: number) {
    this.own.lateMinute[this.slot] = minute;
  }
  /** Number of its first rule; −1: none. */
  get firstRule(): number {
    return this.own.firstRule[this.slot]!;
  }
  set firstRule(id: number) {
    this.own.firstRule[this.slot] = id;
  }
  /** Facts changed: shifts of the days in memory are looked up again on the next tick. */
  get needsRescan(): boolean {
    return this.own.needsRescan[this.slot] === 1;
  }
  set needsRescan(needs: boolean) {
    this.own.needsRescan[this.slot] = needs ? 1 : 0;
    // What was settled by the facts before isn't any more.
    if (!needs) return;
    this.own.settledUntil[this.slot] = 0;
    this.own.silentUntilMs[this.slot] = 0;
  }
}
