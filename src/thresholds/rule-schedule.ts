import type { ChannelRef, Crew } from '../model/facts.ts';
import type { FactorId, GatewayId, PostId } from '../model/ids.ts';
import { DAY_MS } from '../model/time.ts';
import { crewShifts, joined } from './crew-shifts.ts';
import { hazardOf, type PostStay } from './define-feeds.ts';
import { mixtureRules } from './define-mixture.ts';
import { rulesOfHazard } from './define-rule.ts';
import type { LimitSet } from './limits/limit-set.ts';
import { channelName, type RegistryHistory, valueAt } from './registry-history.ts';
import { type RuleDefinition, sameChannel } from './rule-definition.ts';
import type { ShiftInstance } from './shift.ts';

/** A channel as one gateway delivers it. */
export interface GatewayChannel extends ChannelRef {
  readonly gateway: GatewayId;
}

/** The rules that a channel feeds in shifts that start on a UTC day, by the facts known. */
export function rulesOfDay(
  history: RegistryHistory,
  limitSet: LimitSet,
  channel: GatewayChannel,
  dayStartMs: number,
): readonly RuleDefinition[] {
  const posts = history.postsOfChannel.get(channelName(channel.device, channel.metric)) ?? [];
  const rules: RuleDefinition[] = [];
  for (const postId of posts) {
    for (const crewId of history.crewsOfPost.get(postId) ?? []) {
      for (const { crew, shift } of crewShifts(history, crewId, dayStartMs, dayStartMs + DAY_MS)) {
        rules.push(...rulesOfShift(history, limitSet, channel, crew, shift, postId));
      }
    }
  }
  return rules;
}

function rulesOfShift(
  history: RegistryHistory,
  limitSet: LimitSet,
  channel: GatewayChannel,
  crew: Crew,
  shift: ShiftInstance,
  postId: PostId,
): readonly RuleDefinition[] {
  const { startMs } = shift;
  const post = valueAt(history, 'post', postId, startMs);
  const enterprise = post && valueAt(history, 'enterprise', post.enterprise, startMs);
  const device = valueAt(history, 'device', channel.device, startMs);
  if (!post || !enterprise || device?.gateway !== channel.gateway) return [];
  return post.hazards
    .filter(({ primary }) => sameChannel(primary, channel))
    .flatMap((hazard) => {
      const stays = staysOf(history, crew, shift, hazard.factor, channel);
      // A crew that goes from post to post has one rule, with the first post that has the factor.
      if (stays[0]?.post.id !== postId) return [];
      const place = { history, limitSet, channel, crew, shift, post, enterprise, device };
      const whole = { ...place, hazard, stays };
      return [...rulesOfHazard(whole), ...mixtureRules(whole)];
    });
}

/** The crew's time at each post with the factor, in the order of the shift. */
function staysOf(
  history: RegistryHistory,
  crew: Crew,
  shift: ShiftInstance,
  factor: FactorId,
  channel: ChannelRef,
): readonly PostStay[] {
  const segments =
    shift.segments.length > 0 ? shift.segments : [{ post: crew.post, contact: shift.contact }];
  const byPost = Map.groupBy(segments, ({ post }) => post);
  return [...byPost].flatMap(([id, parts]) => {
    const post = valueAt(history, 'post', id, shift.startMs);
    if (post === undefined || hazardOf(post, factor, channel) === undefined) return [];
    const contact = parts.flatMap((part) => part.contact).toSorted((a, b) => a[0] - b[0]);
    return [{ post, contact: joined(contact) }];
  });
}
