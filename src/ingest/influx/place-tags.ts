import { escape as escaped } from '@influxdata/influxdb-client';
import type { EntityKind, EntityOf, Fact } from '../../model/facts.ts';
import {
  addFact,
  createRegistryHistory,
  type RegistryHistory,
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

/** What is asked: a channel, the time of its reading, and the journal entry that asks. */
export interface PlaceQuestion {
  readonly device: string;
  readonly metric: string;
  /** Event time, UTC ms. */
  readonly atMs: number;
  /** Facts after this position don't count. */
  readonly pos: number;
}

/** The registry, asked by event time as it was known at a place in the journal. */
export interface Places {
  learn(pos: number, fact: Fact): void;
  of(question: PlaceQuestion): Place;
}

/** Within which event times and positions an answer holds; the upper ends are not in it. */
interface Bounds {
  fromMs: number;
  untilMs: number;
  fromPos: number;
  untilPos: number;
}

interface Known extends Bounds {
  readonly place: Place;
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
    of(question) {
      const key = `${question.device} ${question.metric}`;
      const found = known.get(key);
      if (found !== undefined && holds(found, question)) return found.place;
      if (known.size >= CHANNELS_MAX) known.clear();
      const made = workOut(history, question);
      known.set(key, made);
      return made.place;
    },
  };
}

const holds = (bounds: Bounds, { atMs, pos }: PlaceQuestion): boolean =>
  bounds.fromMs <= atMs && atMs < bounds.untilMs && bounds.fromPos <= pos && pos < bounds.untilPos;

/** device → point → post → enterprise. */
function workOut(history: RegistryHistory, question: PlaceQuestion): Known {
  const bounds: Bounds = {
    ...{ fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY },
    ...{ fromPos: Number.NEGATIVE_INFINITY, untilPos: Number.POSITIVE_INFINITY },
  };
  const find = <K extends EntityKind>(kind: K, id: string | undefined) =>
    id === undefined ? undefined : valueThen(history, kind, id, question, bounds);
  const device = find('device', question.device);
  const point = find('point', device?.point);
  const post = find('post', point?.post);
  const enterprise = find('enterprise', post?.enterprise);
  const profile = device?.metrics.find(({ metric }) => metric === question.metric);
  return { ...bounds, place: placeOf({ device, point, post, enterprise, profile }) };
}

/** What held of an entity; narrows the bounds to where no other version comes in. */
function valueThen<K extends EntityKind>(
  history: RegistryHistory,
  kind: K,
  id: string,
  { atMs, pos }: PlaceQuestion,
  bounds: Bounds,
): EntityOf<K> | undefined {
  let value: EntityOf<K> | null = null;
  // By time, then by position: the last that counts holds.
  for (const version of versionsOf(history, kind, id)) {
    if (version.validFromMs <= atMs) bounds.fromMs = Math.max(bounds.fromMs, version.validFromMs);
    else bounds.untilMs = Math.min(bounds.untilMs, version.validFromMs);
    if (version.pos <= pos) bounds.fromPos = Math.max(bounds.fromPos, version.pos);
    else bounds.untilPos = Math.min(bounds.untilPos, version.pos);
    if (version.validFromMs <= atMs && version.pos <= pos) value = version.value;
  }
  return value ?? undefined;
}

interface Chain {
  readonly device: EntityOf<'device'> | undefined;
  readonly point: EntityOf<'point'> | undefined;
  readonly post: EntityOf<'post'> | undefined;
  readonly enterprise: EntityOf<'enterprise'> | undefined;
  readonly profile: EntityOf<'device'>['metrics'][number] | undefined;
}

const placeOf = ({ device, point, post, enterprise, profile }: Chain): Place => ({
  ...(enterprise === undefined ? {} : { region: enterprise.region }),
  ...(post === undefined ? {} : { enterprise: post.enterprise }),
  ...(point === undefined ? {} : { post: point.post }),
  ...(device === undefined ? {} : { point: device.point }),
  ...(profile === undefined ? {} : { factor: profile.factor, unit: profile.unit }),
});

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
