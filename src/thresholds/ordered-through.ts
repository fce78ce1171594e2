import { MINUTE_MS } from '../model/time.ts';
import type { Channel, EngineState } from './engine-state.ts';

/** Last minute for which order can't matter any more: at once when nothing is missing below. */
export function orderedThrough(state: EngineState, channel: Channel): number {
  const { isNumbered, progress } = channel.gateway;
  const grace = isNumbered && progress.isSettled ? 0 : state.settings.graceMs;
  return Math.floor((channel.watermarkMs - grace) / MINUTE_MS) - 1;
}
