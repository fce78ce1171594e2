import type { BatchEntry } from '../model/entry.ts';
import { DAY_MS } from '../model/time.ts';
import type { Channel, Emit, EngineState, GatewayState } from './engine-state.ts';
import type { ClockClass, SecondState } from './second-state.ts';

/** One batch being taken; watermarks before it, by the channels it touched. */
export interface Taking {
  readonly state: EngineState;
  readonly gateway: GatewayState;
  readonly entry: BatchEntry;
  readonly clock: ClockClass;
  /** Of a value with flag N. */
  readonly normalState: SecondState;
  readonly emit: Emit;
  readonly touched: Channel[];
  readonly watermarksBefore: number[];
}

export const dayOf = (atMs: number): number => Math.floor(atMs / DAY_MS) * DAY_MS;
