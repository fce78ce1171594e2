import type { FeedSeconds } from './feed-seconds.ts';

/** Below this the presence channel says that nobody was there. */
const PRESENT_MIN = 0.5;

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
