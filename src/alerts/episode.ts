import { digestOf } from '../model/digest.ts';
import type { ExceedanceEpisode } from '../model/exposure.ts';
import { MINUTE_MS } from '../model/time.ts';

/** Exceedances closer than this are one episode (case-model §7). */
export const MERGE_GAP_MS = 30 * MINUTE_MS;

/** Episodes in order of time, those less than the merge gap apart joined. */
export function mergeEpisodes(episodes: readonly ExceedanceEpisode[]): ExceedanceEpisode[] {
  const merged: ExceedanceEpisode[] = [];
  for (const episode of [...episodes].sort((a, b) => a.startMs - b.startMs)) {
    const last = merged.at(-1);
    if (last === undefined || episode.startMs - last.endMs > MERGE_GAP_MS) merged.push(episode);
    else {
      merged[merged.length - 1] = {
        startMs: last.startMs,
        endMs: Math.max(last.endMs, episode.endMs),
        lowerBoundMax: Math.max(last.lowerBoundMax, episode.lowerBoundMax),
      };
    }
  }
  return merged;
}

/** H(clue, start): an episode that grows at its end stays the same episode. */
export const episodeKey = (clueNo: string, startMs: number): string =>
  digestOf({ clueNo, startMs });
