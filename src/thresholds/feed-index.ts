import type { ChannelRef, EntityOf, Fact, Hazard } from '../model/facts.ts';
import type { CrewId, PostId } from '../model/ids.ts';
import { isPeakMetric } from './impulse.ts';
import type { RegistryHistory } from './registry-history.ts';

/**
 * Which channels measure for the rules of which, by `channelName`. A rule belongs to the channel that its hazard
 * names as primary; by any version of the facts, so that a word learnt late finds both.
 */
export interface FeedIndex {
  /** Owners of rules that a channel may measure for, itself excepted. */
  readonly ownersOf: Map<string, Set<string>>;
  /** Channels that may measure for an owner's rules, itself excepted. */
  readonly feedsOf: Map<string, Set<string>>;
}

type Known = Pick<RegistryHistory, 'versions' | 'crewsOfPost' | 'feedIndex'>;

/** Takes in a fact that the history already holds. */
export function indexFeeds(known: Known, { entity, id }: Pick<Fact, 'entity' | 'id'>): void {
  if (entity === 'crew') indexCrew(known, id);
  if (entity !== 'post') return;
  const hazards = hazardsOf(known, [id]);
  linkHazards(known, hazards);
  for (const { value } of known.versions.post.get(id) ?? []) {
    for (const { factors } of value?.mixtures ?? []) linkMixture(known, hazards, factors);
  }
  for (const crew of known.crewsOfPost.get(id as PostId) ?? []) indexCrew(known, crew);
}

/** A crew that goes from post to post has one rule, which reads the channels of all of them. */
function indexCrew(known: Known, crew: CrewId | string): void {
  for (const { value } of known.versions.crew.get(crew) ?? []) {
    const posts = value === null ? [] : postsOfSegments(value);
    if (posts.length > 1) linkHazards(known, hazardsOf(known, posts));
  }
}

const postsOfSegments = ({ shifts }: EntityOf<'crew'>): readonly string[] => [
  ...new Set(shifts.flatMap(({ segments }) => (segments ?? []).map(({ post }) => post))),
];

const hazardsOf = ({ versions }: Known, posts: readonly string[]): readonly Hazard[] =>
  posts.flatMap((post) =>
    (versions.post.get(post) ?? []).flatMap(({ value }) => value?.hazards ?? []),
  );

const nameOf = ({ device, metric }: ChannelRef): string => `${device} ${metric}`;

/** Every channel that gives, or helps to give, what the hazard's rules judge. */
const measuring = ({ primary, backup, parts }: Hazard): readonly string[] =>
  [primary, ...(backup === undefined ? [] : [backup]), ...parts.map(({ channel }) => channel)].map(
    nameOf,
  );

/** Peak and equivalent level are one factor, but no channel of one measures for the other. */
const groupOf = ({ factor, primary }: Hazard): string =>
  `${factor} ${isPeakMetric(primary.metric)}`;

function linkHazards(known: Known, hazards: readonly Hazard[]): void {
  for (const alike of Map.groupBy(hazards, groupOf).values()) {
    link(
      known,
      alike.map(({ primary }) => nameOf(primary)),
      alike.flatMap(measuring),
    );
  }
}

function linkMixture(known: Known, hazards: readonly Hazard[], factors: readonly string[]): void {
  const of = (wanted: readonly string[]) => hazards.filter(({ factor }) => wanted.includes(factor));
  link(
    known,
    of(factors.slice(0, 1)).map(({ primary }) => nameOf(primary)),
    of(factors).flatMap(measuring),
  );
}

function link({ feedIndex }: Known, owners: readonly string[], feeds: readonly string[]): void {
  for (const owner of owners) {
    for (const feed of feeds) {
      if (feed === owner) continue;
      addTo(feedIndex.ownersOf, feed, owner);
      addTo(feedIndex.feedsOf, owner, feed);
    }
  }
}

function addTo(index: Map<string, Set<string>>, key: string, name: string): void {
  const set = index.get(key);
  if (set === undefined) index.set(key, new Set([name]));
  else set.add(name);
}
