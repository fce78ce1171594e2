import type { EntityKind, EntityOf, Fact } from '../model/facts.ts';
import type { CrewId, DeviceId, MetricName, PostId } from '../model/ids.ts';
import { type FeedIndex, indexFeeds } from './feed-index.ts';
import { type SharedParts, share, shareParts } from './share-parts.ts';

/** What a fact said of an entity; `value` null: it ends. */
export interface Version<K extends EntityKind = EntityKind> {
  readonly validFromMs: number;
  readonly pos: number;
  readonly value: EntityOf<K> | null;
}

/** A version with what it is of. */
export interface LearntFact extends Version {
  readonly entity: EntityKind;
  readonly id: string;
}

type Versions = { readonly [K in EntityKind]: Map<string, Version<K>[]> };

/** Every fact learnt, by the event time from which it holds. */
export interface RegistryHistory {
  readonly versions: Versions;
  /** The same in the order in which they were learnt. */
  readonly log: LearntFact[];
  /** Facts of the log that a stored checkpoint holds. */
  stored: number;
  /** Facts learnt so far: what was worked out from them holds while this stands. */
  changes: number;
  /** Worked out from the facts known now: forgotten with the next one, and when it is full. */
  readonly memo: Map<string, unknown>;
  /** Posts that ever named a channel as a hazard's primary, by `channelName`. */
  readonly postsOfChannel: Map<string, Set<PostId>>;
  /** Posts that ever named a channel as their production signal, by `channelName`. */
  readonly postsOfProduction: Map<string, Set<PostId>>;
  readonly crewsOfPost: Map<PostId, Set<CrewId>>;
  readonly marksOfDevice: Map<DeviceId, Set<string>>;
  readonly feedIndex: FeedIndex;
  /** Channels that ever said who was there, by `channelName`. */
  readonly presenceNames: Set<string>;
  readonly parts: SharedParts;
}

export const createRegistryHistory = (): RegistryHistory => ({
  log: [],
  stored: 0,
  changes: 0,
  memo: new Map(),
  versions: {
    enterprise: new Map(),
    post: new Map(),
    crew: new Map(),
    point: new Map(),
    device: new Map(),
    gateway: new Map(),
    mark: new Map(),
    limits: new Map(),
    limitConfirmation: new Map(),
  },
  postsOfChannel: new Map(),
  postsOfProduction: new Map(),
  crewsOfPost: new Map(),
  marksOfDevice: new Map(),
  feedIndex: { ownersOf: new Map(), feedsOf: new Map() },
  presenceNames: new Set(),
  parts: new Map(),
});

/** Answers that are remembered: those for the posts and shifts of a few hundred gateways. */
const MEMO_MAX = 4_096;

/** What `make` works out from the facts alone, once for each key: posts of one day ask the same. */
export function remembered<T>(history: RegistryHistory, key: string, make: () => T): T {
  const { memo } = history;
  const known = memo.get(key);
  // Keys name the question, so an answer is of the type asked for.
  if (known !== undefined) return known as T;
  if (memo.size >= MEMO_MAX) memo.clear();
  const made = make();
  memo.set(key, made);
  return made;
}

export const channelName = (device: DeviceId, metric: MetricName): string => `${device} ${metric}`;

/** The same text in one piece: of a key that is kept the pieces would be kept too. */
const indexKey = (device: DeviceId, metric: MetricName): string => [device, metric].join(' ');

/** Takes one more fact; of two from the same time the one learnt later holds. */
export function addFact(history: RegistryHistory, pos: number, fact: Fact): void {
  const all = history.versions[fact.entity] as Map<string, Version[]>;
  const versions = all.get(fact.id) ?? [];
  history.changes++;
  history.memo.clear();
  const value = sharedValue(history, fact);
  const { entity, id, validFromMs } = fact;
  const learnt: LearntFact = { entity, id, validFromMs, pos, value };
  history.log.push(learnt);
  versions.push(learnt);
  versions.sort((a, b) => a.validFromMs - b.validFromMs || a.pos - b.pos);
  all.set(fact.id, versions);
  indexFact(history, fact);
  indexFeeds(history, fact);
}

/** Devices of one model and crews of one plan say the same: what is alike is kept once. */
function sharedValue({ parts }: RegistryHistory, { entity, value }: Fact): Fact['value'] {
  if (value === null) return null;
  if (entity === 'device') {
    const device = value as EntityOf<'device'>;
    const metrics = device.metrics.map((metric) => share(parts, metric));
    return { ...shareParts(parts, device), metrics: share(parts, metrics) };
  }
  return entity === 'crew' ? shareParts(parts, value as EntityOf<'crew'>) : value;
}

function indexFact(history: RegistryHistory, fact: Fact): void {
  const { entity, value } = fact;
  if (value === null) return;
  if (entity === 'post') {
    const post = value as EntityOf<'post'>;
    if (post.production) {
      const { device, metric } = post.production.channel;
      addTo(history.postsOfProduction, indexKey(device, metric), post.id);
    }
    for (const { primary } of post.hazards) {
      addTo(history.postsOfChannel, indexKey(primary.device, primary.metric), post.id);
    }
  } else if (entity === 'crew') {
    const crew = value as EntityOf<'crew'>;
    addTo(history.crewsOfPost, crew.post, crew.id);
    const { presence } = crew;
    if (presence) history.presenceNames.add(channelName(presence.device, presence.metric));
    for (const { segments } of crew.shifts) {
      for (const { post } of segments ?? []) addTo(history.crewsOfPost, post, crew.id);
    }
  } else if (entity === 'mark') {
    const mark = value as EntityOf<'mark'>;
    addTo(history.marksOfDevice, mark.device, mark.id);
  }
}

function addTo<K, V>(index: Map<K, Set<V>>, key: K, value: V): void {
  const set = index.get(key);
  if (set === undefined) index.set(key, new Set([value]));
  else set.add(value);
}

export const versionsOf = <K extends EntityKind>(
  history: RegistryHistory,
  kind: K,
  id: string,
): readonly Version<K>[] => history.versions[kind].get(id) ?? [];

/** What held of an entity at a time; undefined: nothing, or it had ended. */
export const valueAt = <K extends EntityKind>(
  history: RegistryHistory,
  kind: K,
  id: string,
  atMs: number,
): EntityOf<K> | undefined => {
  // A loop: this is asked of every batch, and a function that is passed would be made each time.
  const versions = history.versions[kind].get(id);
  if (versions === undefined) return undefined;
  for (let i = versions.length - 1; i >= 0; i--) {
    if (versions[i]!.validFromMs <= atMs) return versions[i]!.value ?? undefined;
  }
  return undefined;
};

/** Marks of a device as last told: a mark speaks of a past period, so its latest word holds. */
export function marksOf(history: RegistryHistory, device: DeviceId): readonly EntityOf<'mark'>[] {
  const ids = history.marksOfDevice.get(device) ?? [];
  return [...ids].flatMap((id) => {
    const mark = versionsOf(history, 'mark', id).at(-1)?.value;
    return mark?.device === device ? [mark] : [];
  });
}
