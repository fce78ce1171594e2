import { escape as escaped } from '@influxdata/influxdb-client';
import type { EntityKind, Fact } from '../../model/facts.ts';
import {
  addFact,
  createRegistryHistory,
  type RegistryHistory,
  valueAt,
  versionsOf,
} from '../../thresholds/registry-history.ts';

/** Whose a channel is, as tags; absent: not in the registry. */
export interface Place {
  readonly region?: string;
  readonly enterprise?: string;
  readonly post?: string;
  readonly point?: string;
  readonly factor?: string;
  readonly unit?: string;
}

/** The registry as told up to a journal position, asked by event time. */
export interface Places {
  /** Takes the fact of one more entry; in order of position. */
  learn(pos: number, fact: Fact): void;
  /** Where the channel stood at that time, UTC ms, by what is known now. */
  at(device: string, metric: string, atMs: number): Place;
}

/** A place and the event time for which it was worked out. */
interface Known {
  readonly place: Place;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Channels whose place is remembered; beyond it all are worked out anew. */
const CHANNELS_MAX = 200_000;

export function createPlaces(): Places {
  const history = createRegistryHistory();
  const known = new Map<string, Known>();
  return {
    learn(pos, fact) {
      addFact(history, pos, fact);
      known.clear();
    },
    at(device, metric, atMs) {
      const key = `${device} ${metric}`;
      const found = known.get(key);
      if (found !== undefined && found.fromMs <= atMs && atMs < found.untilMs) return found.place;
      if (known.size >= CHANNELS_MAX) known.clear();
      const made = workOut(history, device, metric, atMs);
      known.set(key, made);
      return made.place;
    },
  };
}

/** device → point → post → enterprise, and the time within which none of them changes. */
function workOut(history: RegistryHistory, deviceId: string, metric: string, atMs: number): Known {
  let fromMs = Number.NEGATIVE_INFINITY;
  let untilMs = Number.POSITIVE_INFINITY;
  function find<K extends EntityKind>(kind: K, id: string | undefined) {
    if (id === undefined) return undefined;
    for (const { validFromMs } of versionsOf(history, kind, id)) {
      if (validFromMs <= atMs) fromMs = Math.max(fromMs, validFromMs);
      else untilMs = Math.min(untilMs, validFromMs);
    }
    return valueAt(history, kind, id, atMs);
  }
  const device = find('device', deviceId);
  const point = find('point', device?.point);
  const post = find('post', point?.post);
  const enterprise = find('enterprise', post?.enterprise);
  const profile = device?.metrics.find((candidate) => candidate.metric === metric);
  const place: Record<string, string | undefined> = {
    region: enterprise?.region,
    enterprise: post?.enterprise,
    post: point?.post,
    point: device?.point,
    factor: profile?.factor,
    unit: profile?.unit,
  };
  return { place: place as Place, fromMs, untilMs };
}

/**
 * `,name=value` of each tag that has a value, escaped, sorted by name as the servers store them. An
 * empty value is no tag in line protocol.
 */
export const tagText = (tags: Readonly<Record<string, string | undefined>>): string =>
  Object.keys(tags)
    .sort()
    .map((name) => {
      const value = tags[name];
      return value === undefined || value === '' ? '' : `,${name}=${escaped.tag(value)}`;
    })
    .join('');
