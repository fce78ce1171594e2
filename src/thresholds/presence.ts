import type { FeedSeconds } from './feed-seconds.ts';
import { CELL_SECONDS } from './minute-cell.ts';

/** Below this the presence channel says that nobody was there. */
const PRESENT_MIN = 0.5;
/** A mean below this is presence for a part of its span. */
const PRESENT_THROUGHOUT_MIN = 1 - 1e-9;

/** What the presence record says of a second. `unknown`: it wasn't read. */
export type Presence = 'present' | 'absent' | 'unknown';

/** Of the channels that speak, where the crew was in a second; without a record it was there. */
export function presenceAt(feeds: readonly FeedSeconds[], second: number): Presence {
  for (const { feed, seen, value } of feeds) {
    if (feed.role !== 'presence') continue;
    if (seen[second] === 0) return 'unknown';
    if (value[second]! < PRESENT_MIN) return 'absent';
  }
  return 'present';
}

/**
 * Whether the record says that the crew was there for the whole minute. Contact is cut inwards to whole
 * minutes (design §5), or else a minute's mean, all of it of the seconds in which nobody was there, would count.
 */
export function isPresentThroughout(feeds: readonly FeedSeconds[], minuteIndex: number): boolean {
  const from = minuteIndex * CELL_SECONDS;
  return feeds.every(({ feed, seen, value }) => {
    if (feed.role !== 'presence') return true;
    for (let at = from; at < from + CELL_SECONDS; at++) {
      if (seen[at] === 0 || value[at]! < PRESENT_THROUGHOUT_MIN) return false;
    }
    return true;
  });
}
