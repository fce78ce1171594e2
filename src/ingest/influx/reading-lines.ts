import type { BatchEntry } from '../../model/entry.ts';
import type { Period } from './output-rows.ts';
import { type Place, type Places, tagText } from './place-tags.ts';

/** Readings that no window judges: shown under a flag of their own, as design §5 bounds time. */
export interface TimeBounds {
  /** Further ahead of the journaled receive time than this, ms. */
  readonly aheadMsMax: number;
  /** Older than this when received, ms. */
  readonly ageMsMax: number;
}

interface ChannelTags {
  readonly device: string;
  readonly gateway: string;
  readonly metric: string;
  readonly flag: string;
  readonly span: string;
  readonly conflict?: string;
}

const headText = (place: Place, tags: ChannelTags): string =>
  `wugan_reading${tagText({ ...place, ...tags })}`;

/**
 * Line protocol of the readings of a batch: measurement `wugan_reading`, time = `at`, field `value`,
 * or `missing` (1) for null. What makes a reading another one is a tag (`flag`, `span` in s,
 * `conflict`), so that writing it again changes nothing and nothing overwrites another.
 */
export function createReadingLines(
  places: Places,
  bounds: TimeBounds,
): (entry: BatchEntry, period?: Period) => string[] {
  const heads = new WeakMap<Place, Map<string, string>>();

  /** The same for each second of a channel, so made once. */
  function headOf(place: Place, tags: ChannelTags): string {
    let ofPlace = heads.get(place);
    if (ofPlace === undefined) {
      ofPlace = new Map();
      heads.set(place, ofPlace);
    }
    // A place is of one channel: device and metric are in it already.
    const key = `${tags.gateway} ${tags.flag} ${tags.span}`;
    let head = ofPlace.get(key);
    if (head === undefined) {
      head = headText(place, tags);
      ofPlace.set(key, head);
    }
    return head;
  }

  return (entry, period) => {
    const { gateway, batch, receivedAtMs } = entry;
    const lines: string[] = [];
    for (const { device, at, spanMs, values, flags } of batch.frames) {
      if (period !== undefined && (at < period.fromMs || at >= period.untilMs)) continue;
      const isTimely =
        at <= receivedAtMs + bounds.aheadMsMax && at >= receivedAtMs - bounds.ageMsMax;
      const span = String(spanMs / 1_000);
      for (const metric in values) {
        const value = values[metric as keyof typeof values] as number | null;
        const flag = isTimely ? (flags?.[metric as keyof typeof values] ?? 'N') : 'clock';
        const place = places.of({ device, metric, atMs: at, pos: entry.pos });
        const tags = { device, gateway, metric, flag, span };
        // Bytes of a conflict are few, and each has tags of its own.
        const head = entry.conflict
          ? headText(place, { ...tags, conflict: entry.sha256.slice(0, 8) })
          : headOf(place, tags);
        lines.push(`${head} ${value === null ? 'missing=1' : `value=${value}`} ${at}`);
      }
    }
    return lines;
  };
}
