import type { Channel } from './engine-state.ts';
import { emptyCell } from './minute-cell.ts';

/**
 * The minute being closed: read once, looked at by all, kept by nobody. `channel` is whose it is while its rules are
 * followed; null: nobody's, so that what came since can't be missed.
 */
export const closing: {
  channel: Channel | null;
  readonly cell: ReturnType<typeof emptyCell>;
} = { channel: null, cell: emptyCell(0) };
