import { digestOf } from '../model/digest.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../model/time.ts';
import { DEFAULT_DETECTOR_SETTINGS, type DetectorSettings } from './detectors/settings.ts';
import { loadLimitSet } from './limits/limit-set.ts';

/** Changes whenever checkpoints of an earlier build can't be read, or would give other outputs. */
export const ENGINE_VERSION = 10;

/** Bounds of time and memory. Results don't depend on them, only when they are given. */
export interface EngineSettings {
  /** Event time that out-of-order data may take before a shift closes. */
  readonly graceMs: number;
  /**
   * How far behind a channel's watermark (or the hub's tick, if that is earlier) cells and shifts stay
   * in memory. Older data are not evaluated: a `DATA_GAP` signal `beyond-horizon` says so.
   */
  readonly horizonMs: number;
  /** Quiet after the last late datum before a changed shift is judged again. */
  readonly lateQuietMs: number;
  /** Least time between two judgements of one closed shift. */
  readonly revisionIntervalMs: number;
  /** Quiet after which a shift with unsettled sequence numbers, or a lagging channel, is closed. */
  readonly incompleteAfterMs: number;
  /** Readings further ahead of their receipt than this are not evaluated. */
  readonly aheadMsMax: number;
  /** Readings older than this at their receipt are not evaluated. */
  readonly ageMsMax: number;
  /** Readings of further channels are not evaluated: a `DATA_GAP` signal `channels-max` says so. */
  readonly channelsMax: number;
  /** The same for one gateway: `gateway-channels-max`. */
  readonly gatewayChannelsMax: number;
  /** Bounds of the detectors that watch the sensors. */
  readonly detectors: DetectorSettings;
}

export const DEFAULT_ENGINE_SETTINGS: EngineSettings = {
  graceMs: 2 * MINUTE_MS,
  horizonMs: 3 * DAY_MS,
  lateQuietMs: 60 * SECOND_MS,
  revisionIntervalMs: 10 * MINUTE_MS,
  incompleteAfterMs: 10 * MINUTE_MS,
  aheadMsMax: 2 * MINUTE_MS,
  ageMsMax: 400 * DAY_MS,
  channelsMax: 200_000,
  gatewayChannelsMax: 20_000,
  detectors: DEFAULT_DETECTOR_SETTINGS,
};

let limitsHash: string | undefined;

/** Digest of all that decides, beside the journal, what the engine gives. */
export function settingsHash(settings: EngineSettings): string {
  limitsHash ??= digestOf(loadLimitSet());
  return digestOf({ version: ENGINE_VERSION, settings, limits: limitsHash });
}
