import type { Hazard, Post } from '../model/facts.ts';
import { DAY_MS } from '../model/time.ts';
import { dustRow, SILICA_DUST } from './dust-class.ts';
import type { Emit, EngineState } from './engine-state.ts';
import { lawOver } from './limits/law.ts';
import type { LimitSet } from './limits/limit-set.ts';
import { type RegistryHistory, remembered, valueAt } from './registry-history.ts';
import { emitOnce } from './signals.ts';

/** A hazard of a post that no rule can judge. Never a pass, and never a limit of 0. */
export interface UnjudgedHazard {
  readonly post: Post;
  readonly hazard: Hazard;
  readonly reason: 'tvoc' | 'no-limit-known' | 'no-crew';
}

/** Total volatile organics are no substance: no limit can be theirs. */
const isTotalVoc = (factor: string): boolean => /^t?voc\b/.test(factor);

/** Hazards that can't be judged by the facts and the law at a time, and why. */
export function unjudgedHazards(
  history: RegistryHistory,
  limitSet: LimitSet,
  atMs: number,
): readonly UnjudgedHazard[] {
  const found: UnjudgedHazard[] = [];
  for (const id of history.versions.post.keys()) {
    const post = valueAt(history, 'post', id, atMs);
    for (const hazard of post?.hazards ?? []) {
      if (post === undefined) continue;
      const reason = reasonOf(history, limitSet, post, hazard, atMs);
      if (reason !== undefined) found.push({ post, hazard, reason });
    }
  }
  return found;
}

function reasonOf(
  history: RegistryHistory,
  limitSet: LimitSet,
  post: Post,
  hazard: Hazard,
  atMs: number,
): UnjudgedHazard['reason'] | undefined {
  if (isTotalVoc(hazard.factor)) return 'tvoc';
  if (!hasLimit(history, limitSet, post, hazard, atMs)) return 'no-limit-known';
  const crews = [...(history.crewsOfPost.get(post.id) ?? [])];
  const isWorked = crews.some((crew) => valueAt(history, 'crew', crew, atMs) !== undefined);
  return isWorked ? undefined : 'no-crew';
}

function hasLimit(
  history: RegistryHistory,
  limitSet: LimitSet,
  { altitudeM, freeSilica }: Post,
  { factor, primary }: Hazard,
  atMs: number,
): boolean {
  if (factor === SILICA_DUST) {
    const device = valueAt(history, 'device', primary.device, atMs);
    const profile = device?.metrics.find(({ metric }) => metric === primary.metric);
    const { obstacle } = dustRow(factor, freeSilica, profile?.dust?.fraction, undefined);
    return obstacle !== 'no-limit-known';
  }
  const span = { factor, altitudeM, startMs: atMs, endMs: atMs + 1 };
  const key = `has-limit ${factor} ${altitudeM} ${atMs} ${limitSet.id}`;
  return remembered(history, key, () =>
    lawOver(history, limitSet, span).some(({ rows }) => rows.length > 0),
  );
}

/** Says once a day, per gateway that delivers them, which hazards nobody judges. */
export function noteUnjudged(state: EngineState, atMs: number, emit: Emit): void {
  const dayMs = Math.floor(atMs / DAY_MS) * DAY_MS;
  for (const { post, hazard, reason } of unjudgedHazards(state.history, state.limitSet, atMs)) {
    const device = valueAt(state.history, 'device', hazard.primary.device, atMs);
    const gateway = device && state.gateways.get(device.gateway);
    if (gateway === undefined) continue;
    const detail = { reason, post: post.id, factor: hazard.factor };
    emitOnce(gateway, 'NOT_EVALUABLE', dayMs, detail, emit);
  }
}
