import { feedsOf } from './feed-seconds.ts';
import { quantityOf } from './quantity.ts';
import type { InputFeed, InputProfile, RuleInputs } from './rule-inputs.ts';

/** Expanded uncertainty (k = 2) of a window result in the limit's unit: `abs + rel × value`. */
export interface WindowUncertainty {
  readonly abs: number;
  readonly rel: number;
  /** Of channels that only fill the estimate; absent: there are none, or it isn't known. */
  readonly standIn?: { readonly abs: number; readonly rel: number };
}

/**
 * The largest of all channels and versions that fed the rule; null when one has none. Never divided by
 * √n: what calibrates a sensor wrong is wrong in every reading alike.
 */
export function windowUncertainty(profiles: readonly InputProfile[]): WindowUncertainty | null {
  let abs = 0;
  let rel = 0;
  for (const { uncertainty, unitFactor } of profiles) {
    if (uncertainty === null) return null;
    abs = Math.max(abs, uncertainty.abs * unitFactor);
    rel = Math.max(rel, uncertainty.rel);
  }
  return profiles.length === 0 ? null : { abs, rel };
}

/**
 * The same for all channels of a rule. Channels that make one number together (a mixture's Σ Uᵢ/Lᵢ, a
 * sum of gases, heights of heat) add theirs; of those that take turns, and of levels, the largest. By the
 * registry's word alone: were it by what came, losing a channel's data would make U smaller.
 */
export function inputsUncertainty(
  inputs: Pick<RuleInputs, 'subject' | 'profiles' | 'first' | 'further'>,
): WindowUncertainty | null {
  const feeds = feedsOf(inputs);
  const measuring = feeds.filter(({ role }) => role === 'proof');
  const parts = measuring.flatMap((feed) =>
    feed.profiles.length === 0 ? [] : [{ feed, u: windowUncertainty(feed.profiles) }],
  );
  const standIn = windowUncertainty(
    feeds.flatMap(({ role, profiles }) => (role === 'fallback' ? profiles : [])),
  );
  if (parts.length === 0) return null;
  const isLevel = quantityOf(inputs.subject.limitKind) === 'energy';
  let abs = 0;
  let rel = 0;
  for (const { feed, u } of parts) {
    if (u === null) return null;
    const own = isLevel ? u.abs : u.abs * feed.share;
    abs = !isLevel && isSummed(feed, measuring) ? abs + own : Math.max(abs, own);
    rel = Math.max(rel, u.rel);
  }
  return standIn === null ? { abs, rel } : { abs, rel, standIn };
}

/** Whether another channel is proof in a minute in which this one is. */
function isSummed(feed: InputFeed, feeds: readonly InputFeed[]): boolean {
  if (feed.role !== 'proof') return false;
  return feeds.some((other) => {
    if (other === feed || other.role !== 'proof') return false;
    const { intervals } = feed;
    if (intervals === null || other.intervals === null) return true;
    return intervals.some(([a, b]) => other.intervals?.some(([c, d]) => a < d && c < b));
  });
}

export const uncertaintyAt = (u: Pick<WindowUncertainty, 'abs' | 'rel'>, value: number): number =>
  u.abs + u.rel * Math.abs(value);

/** That of an estimate, which what stands in for proof may have filled: the larger of both. */
export const estimateUncertaintyAt = (u: WindowUncertainty, value: number): number =>
  Math.max(uncertaintyAt(u, value), u.standIn === undefined ? 0 : uncertaintyAt(u.standIn, value));
