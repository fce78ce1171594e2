import type { ChannelRef, Crew, Hazard, Post } from '../model/facts.ts';
import type { FactorId, GatewayId } from '../model/ids.ts';
import { MINUTE_MS } from '../model/time.ts';
import { CONFIRMATION_MINUTES_MAX } from './confirmation.ts';
import { isPeakMetric } from './impulse.ts';
import { partReadings } from './part-readings.ts';
import { type RegistryHistory, valueAt, versionsOf } from './registry-history.ts';
import { type FeedDefinition, type Reading, sameChannel } from './rule-definition.ts';
import type { FirstFeed, InputFeed, Interval } from './rule-inputs.ts';
import type { ShiftInstance } from './shift.ts';

/** A crew's time at one post that has the factor. */
export interface PostStay {
  readonly post: Post;
  readonly contact: readonly Interval[];
}

export interface RuleFeeds {
  readonly reading: Reading;
  /** Undefined: the subject's channel is proof throughout. */
  readonly first?: FirstFeed;
  readonly feeds: readonly FeedDefinition[];
  readonly combine?: 'any' | 'all';
}

interface FeedQuestion {
  readonly history: RegistryHistory;
  readonly crew: Crew;
  readonly shift: ShiftInstance;
  readonly stays: readonly PostStay[];
  readonly factor: FactorId;
  /** The channel of the rule's subject, and how readings of the factor are read. */
  readonly channel: ChannelRef & { readonly gateway: GatewayId };
  readonly reading: Reading;
  /** MAC binds the workplace itself, whoever was there. */
  readonly bindsWorkplace: boolean;
}

type FeedEntry = Omit<FeedDefinition, 'intervals' | 'gateway'>;

/**
 * Which channels a rule reads and when: the registry's word by dates (a switch to the backup is a fact),
 * segments over several posts, parts of a factor, presence. What data came doesn't enter.
 */
export function ruleFeeds(question: FeedQuestion): RuleFeeds {
  const { shift, channel, crew, factor } = question;
  const entries = new Map<string, { entry: FeedEntry; intervals: Interval[] }>();
  const add = (entry: FeedEntry, interval: Interval): void => {
    const { role, share, reading } = entry;
    const { device, metric } = entry.channel;
    const key = [device, metric, role, share, reading.weight].join(' ');
    const known = entries.get(key);
    if (known === undefined) entries.set(key, { entry, intervals: [interval] });
    else known.intervals.push(interval);
  };
  const all: Interval = [shift.startMs - CONFIRMATION_MINUTES_MAX * MINUTE_MS, shift.endMs];
  for (const { hazard, interval, post } of piecesOf(question, all)) {
    for (const entry of entriesOf(question, hazard, post)) add(entry, interval);
  }
  const { bindsWorkplace } = question;
  if (crew.basis === 'PRESENCE' && crew.presence !== undefined && !bindsWorkplace) {
    add({ channel: crew.presence, role: 'presence', share: 1, reading: PRESENCE }, all);
  }
  const listed = [...entries.values()];
  const isSingle = listed.length === 1 && listed[0]!.entry.share === 1;
  const index = listed.findIndex(({ entry }) => sameChannel(entry.channel, channel));
  const own = listed[index];
  if (own === undefined) throw new Error(`No hazard ${factor} at the rule's own channel`);
  const whole = (intervals: readonly Interval[]): readonly Interval[] | null =>
    intervals.length === 1 && intervals[0] === all ? null : intervals;
  const isPlain = isSingle && whole(own.intervals) === null && own.entry.role === 'proof';
  const gatewayOf = (of: ChannelRef): GatewayId =>
    valueAt(question.history, 'device', of.device, shift.startMs)?.gateway ?? channel.gateway;
  const needsAll = listed.some(({ entry }) => entry.reading.limitUnit === 'degC');
  return {
    reading: own.entry.reading,
    ...(isPlain
      ? {}
      : {
          first: {
            role: own.entry.role,
            share: own.entry.share,
            intervals: whole(own.intervals),
          },
          combine: needsAll ? ('all' as const) : ('any' as const),
        }),
    feeds: listed.toSpliced(index, 1).map(({ entry, intervals }) => ({
      ...entry,
      gateway: gatewayOf(entry.channel),
      intervals: whole(intervals),
    })),
  };
}

/** A presence channel reads 1 or 0. */
const PRESENCE: Reading = {
  factors: null,
  ppmFactor: null,
  limitUnit: '1',
  weight: 1,
  fraction: null,
};

interface Piece {
  readonly hazard: Hazard;
  readonly post: Post;
  readonly interval: Interval;
}

/** Spans in which one version of one post's facts says what the channels are. */
function piecesOf(
  { history, shift, stays, factor, channel }: FeedQuestion,
  all: Interval,
): readonly Piece[] {
  const hasSegments = shift.segments.length > 0;
  return stays.flatMap(({ post, contact }) => {
    const spans = hasSegments ? contact : [all];
    const changes = versionsOf(history, 'post', post.id)
      .map(({ validFromMs }) => Math.ceil(validFromMs / MINUTE_MS) * MINUTE_MS)
      .filter((atMs) => shift.startMs < atMs && atMs < shift.endMs);
    return spans.flatMap((span) =>
      split(span, changes).flatMap((interval): Piece[] => {
        const at = Math.max(interval[0], shift.startMs);
        const version = valueAt(history, 'post', post.id, at) ?? post;
        const hazard = hazardOf(version, factor, channel);
        return hazard === undefined ? [] : [{ hazard, post: version, interval }];
      }),
    );
  });
}

/**
 * The hazard of a factor at a post. Peak and equivalent level of noise are two hazards of one factor:
 * the one that gives what the subject's channel gives.
 */
export const hazardOf = (
  { hazards }: Post,
  factor: FactorId,
  channel: ChannelRef,
): Hazard | undefined =>
  hazards.find(
    (hazard) =>
      hazard.factor === factor &&
      isPeakMetric(hazard.primary.metric) === isPeakMetric(channel.metric),
  );

function split(span: Interval, times: readonly number[]): readonly Interval[] {
  const inside = times.filter((atMs) => span[0] < atMs && atMs < span[1]);
  if (inside.length === 0) return [span];
  const edges = [span[0], ...inside.toSorted((a, b) => a - b), span[1]];
  return edges.slice(1).map((until, i): Interval => [edges[i]!, until]);
}

/** What each channel of a hazard stands for. */
function entriesOf(
  { reading: plain }: FeedQuestion,
  hazard: Hazard,
  { outdoor }: Post,
): readonly FeedEntry[] {
  const { primary, backup, feed } = hazard;
  const { own, parts } = partReadings(plain, hazard, outdoor);
  const entry = (channel: ChannelRef, role: InputFeed['role'], share = 1): FeedEntry => ({
    channel,
    role,
    share,
    reading: own,
  });
  const others = parts.map(({ channel, role, reading }) => ({ channel, role, share: 1, reading }));
  if (backup === undefined) return [entry(primary, 'proof'), ...others];
  switch (feed) {
    case 'primary':
      return [entry(primary, 'proof'), entry(backup, 'fallback'), ...others];
    case 'backup':
      return [entry(backup, 'proof'), entry(primary, 'fallback'), ...others];
    case 'mean':
      return [entry(primary, 'proof', 0.5), entry(backup, 'proof', 0.5), ...others];
  }
}
