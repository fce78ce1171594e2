import type { LimitKind } from '../model/limits.ts';
import { feedsOf } from './feed-seconds.ts';
import type { InputProfile, RuleInputs } from './rule-inputs.ts';

/** Kinds whose number is made of weighted parts, none of which has to reach the limit. */
const OF_PARTS: readonly LimitKind[] = ['MIXTURE', 'WBGT'];

/** What keeps instruments from showing an exceedance, so that they can't show that there is none. */
export type ReachObstacle = 'range-below-limit' | 'lod-above-limit';

/**
 * Whether the channels that are proof could have shown the limit exceeded: a range that ends at it, or a detection limit
 * above it, stays below whatever the air is.
 */
export function reachObstacle(inputs: RuleInputs, limit: number): ReachObstacle | undefined {
  const { subject, combine } = inputs;
  if (OF_PARTS.includes(subject.limitKind)) return undefined;
  const proofs = feedsOf(inputs).filter(
    ({ role, profiles }) => role === 'proof' && profiles.length,
  );
  // Of gases that are added up, one may stay below.
  const isSum =
    combine === 'any' && proofs.every(({ share, intervals }) => share === 1 && intervals === null);
  const reach = (of: (profile: InputProfile) => number): readonly number[] => {
    const each = proofs.map(({ profiles }) => profiles.map(of));
    return isSum && each.length > 1
      ? [each.reduce((sum, all) => sum + Math.min(...all), 0)]
      : each.flat();
  };
  const tops = reach(({ range, unitFactor }) => range[1] * unitFactor);
  if (tops.some((top) => top <= limit)) return 'range-below-limit';
  const lods = reach(({ lod, unitFactor }) => lod * unitFactor);
  return lods.some((lod) => lod > limit) ? 'lod-above-limit' : undefined;
}
