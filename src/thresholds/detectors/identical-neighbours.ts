import { MINUTE_MS } from '../../model/time.ts';
import type { Detector } from './detector.ts';

/** A closed minute of a channel beside those of the same factor at the same gateway. */
export interface MinuteAmongNeighbours {
  readonly minute: number;
  /** A channel whose minute is the same to the last bit; −1: none. */
  readonly neighbour: number;
  /** A minute in which nothing moves may be the same anywhere. */
  readonly isMoving: boolean;
}

const NEIGHBOUR = 0;
const MINUTES = 1;
const FROM = 2;

/**
 * Two sensors show the very same moving values: one is read in the other's place, or a series was copied.
 * Real neighbours agree, never to the last digit.
 */
export const identicalNeighbours: Detector<MinuteAmongNeighbours> = {
  kind: 'IDENTICAL_NEIGHBOURS',
  /** Neighbour + 1, moving minutes alike (negative once told), the first of them. */
  slots: 3,
  see(seen, memory, at, settings) {
    if (!seen.isMoving) return undefined;
    if (seen.neighbour < 0 || memory[at + NEIGHBOUR] !== seen.neighbour + 1) {
      memory[at + NEIGHBOUR] = seen.neighbour + 1;
      memory[at + MINUTES] = 0;
      memory[at + FROM] = seen.minute;
    }
    if (seen.neighbour < 0 || memory[at + MINUTES]! < 0) return undefined;
    const minutes = memory[at + MINUTES]! + 1;
    memory[at + MINUTES] = minutes;
    if (minutes < settings.identicalNeighbours.minutes) return undefined;
    memory[at + MINUTES] = -minutes;
    return { fromMs: memory[at + FROM]! * MINUTE_MS, detail: { minutes } };
  },
};
