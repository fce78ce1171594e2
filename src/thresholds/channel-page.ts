import { type CellPage, PAGE_CHANNELS } from './cell-page.ts';
import type { ChannelFacts } from './channel-facts.ts';

/** What moves with every datum of 512 channels, in flat arrays, one slot for each channel. */
export interface ChannelPage {
  /** Their open minutes. */
  readonly cells: CellPage;
  readonly watermarkMs: Float64Array;
  readonly lastReceivedAtMs: Float64Array;
  /** 1: the batch being taken touched it. */
  readonly isTouched: Uint8Array;
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
  /** What the registry said of minutes `[from, until)`, and `changes` of the history that it was read from. */
  readonly factsFrom: Int32Array;
  readonly factsUntil: Int32Array;
  readonly factsChanges: Int32Array;
  readonly facts: (ChannelFacts | null)[];
  /** Number of the factor that it was last seen to measure (0: none yet), and the gateway's first such channel. */
  readonly factor: Uint16Array;
  readonly firstAlike: Int32Array;
  /** Number of the channel's first rule; −1: none. */
  readonly firstRule: Int32Array;
}

export const createChannelPage = (cells: CellPage): ChannelPage => ({
  cells,
  watermarkMs: new Float64Array(PAGE_CHANNELS),
  lastReceivedAtMs: new Float64Array(PAGE_CHANNELS),
  isTouched: new Uint8Array(PAGE_CHANNELS),
  firstMinute: new Int32Array(PAGE_CHANNELS),
  closedThrough: new Int32Array(PAGE_CHANNELS),
  droppedBefore: new Int32Array(PAGE_CHANNELS),
  lateMinute: new Int32Array(PAGE_CHANNELS).fill(-1),
  settledFrom: new Int32Array(PAGE_CHANNELS),
  settledUntil: new Int32Array(PAGE_CHANNELS),
  silentUntilMs: new Float64Array(PAGE_CHANNELS),
  needsRescan: new Uint8Array(PAGE_CHANNELS),
  factsFrom: new Int32Array(PAGE_CHANNELS),
  factsUntil: new Int32Array(PAGE_CHANNELS),
  factsChanges: new Int32Array(PAGE_CHANNELS).fill(-1),
  facts: new Array<null>(PAGE_CHANNELS).fill(null),
  factor: new Uint16Array(PAGE_CHANNELS),
  firstAlike: new Int32Array(PAGE_CHANNELS),
  firstRule: new Int32Array(PAGE_CHANNELS).fill(-1),
});
