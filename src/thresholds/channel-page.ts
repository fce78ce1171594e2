import { PAGE_CHANNELS } from './cell-page.ts';

/** What moves with every datum of 256 channels, in flat arrays, one slot for each channel. */
export interface ChannelPage {
  readonly watermarkMs: Float64Array;
  readonly lastReceivedAtMs: Float64Array;
  readonly touchedPos: Float64Array;
  readonly firstMinute: Int32Array;
  readonly closedThrough: Int32Array;
  readonly droppedBefore: Int32Array;
  readonly lateMinute: Int32Array;
  /** Minutes `[from, until)` in which no rule begins or ends, and those there are have their state. */
  readonly settledFrom: Int32Array;
  readonly settledUntil: Int32Array;
  /** Hub time before which silence adds no shift. */
  readonly silentUntilMs: Float64Array;
  readonly needsRescan: Uint8Array;
  /** Number of the channel's first rule; −1: none. */
  readonly firstRule: Int32Array;
}

export const createChannelPage = (): ChannelPage => ({
  watermarkMs: new Float64Array(PAGE_CHANNELS),
  lastReceivedAtMs: new Float64Array(PAGE_CHANNELS),
  touchedPos: new Float64Array(PAGE_CHANNELS),
  firstMinute: new Int32Array(PAGE_CHANNELS),
  closedThrough: new Int32Array(PAGE_CHANNELS),
  droppedBefore: new Int32Array(PAGE_CHANNELS),
  lateMinute: new Int32Array(PAGE_CHANNELS).fill(-1),
  settledFrom: new Int32Array(PAGE_CHANNELS),
  settledUntil: new Int32Array(PAGE_CHANNELS),
  silentUntilMs: new Float64Array(PAGE_CHANNELS),
  needsRescan: new Uint8Array(PAGE_CHANNELS),
  firstRule: new Int32Array(PAGE_CHANNELS).fill(-1),
});
