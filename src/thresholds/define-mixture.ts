import type { Hazard } from '../model/facts.ts';
import type { AppliedLimit } from '../model/limits.ts';
import { ruleFeeds } from './define-feeds.ts';
import { lawThrough, limitsThrough, rowOfKind } from './define-limits.ts';
import { type ShiftPlace, subjectOf } from './define-rule.ts';
import { unitFactor } from './limits/unit-factor.ts';
import { valueAt } from './registry-history.ts';
import { resultKeyOf } from './result-key.ts';
import {
  type FeedDefinition,
  type Reading,
  type RuleDefinition,
  sameChannel,
} from './rule-definition.ts';

type Mixture = ShiftPlace['post']['mixtures'][number];

/**
 * The mixture rules whose first factor is the place's hazard: Σ C/L of PC-TWA, each by its own limit in
 * force at the shift's start. Only for crews that stay at one post.
 */
export const mixtureRules = (place: ShiftPlace): readonly RuleDefinition[] =>
  place.shift.segments.length > 0
    ? []
    : place.post.mixtures
        .filter(({ factors }) => factors[0] === place.hazard.factor)
        .flatMap((mixture) => mixtureRule(place, mixture) ?? []);

function mixtureRule(place: ShiftPlace, mixture: Mixture): RuleDefinition | undefined {
  const { crew, shift, post, channel } = place;
  const terms = mixture.factors.map((factor) => termOf(place, factor));
  const first = terms[0];
  if (first?.limit === undefined) return undefined;
  const isWhole = terms.every(({ limit, hazard }) => limit !== undefined && hazard !== undefined);
  const proofs = terms.flatMap(({ hazard, reading }) =>
    hazard === undefined ? [] : proofsOf(place, hazard, reading),
  );
  const own = proofs.find((proof) => sameChannel(proof.channel, channel));
  const limit: AppliedLimit = {
    ...first.limit,
    factor: mixture.name,
    kind: 'MIXTURE',
    value: 1,
    unit: '1',
    clause: 'Σ C/L',
    force: 'RECOMMENDED',
  };
  const subject = subjectOf(place, mixture.name, 'MIXTURE');
  return {
    resultKey: resultKeyOf(subject),
    subject,
    basis: crew.basis,
    declaredMinutes: crew.basis === 'DECLARED_MINUTES' ? (crew.declaredMinutes ?? null) : null,
    contact: shift.contact,
    lead: [],
    limits: [{ fromMs: shift.startMs, limit }],
    wbgtRows: [],
    caps: [],
    reading: first.reading,
    first: own
      ? { role: 'proof', share: own.share, intervals: own.intervals }
      : { role: 'fallback', share: 1, intervals: [] },
    feeds: proofs.filter((proof) => proof !== own),
    combine: 'any',
    notEvaluable: [
      ...(isWhole ? [] : ['mixture-without-twa']),
      ...(post.hazards.some(({ parts }) => parts.length > 0) ? ['mixture-of-parts'] : []),
    ],
    cycle: null,
  };
}

/**
 * The channels that are proof of one factor of a mixture, and when. What stands in for them doesn't: of a sum, it
 * would have to stand in for all.
 */
function proofsOf(place: ShiftPlace, hazard: Hazard, reading: Reading): readonly FeedDefinition[] {
  const { history, crew, shift, post, channel } = place;
  const { primary, factor } = hazard;
  const gateway =
    valueAt(history, 'device', primary.device, shift.startMs)?.gateway ?? channel.gateway;
  const { first, feeds } = ruleFeeds({
    ...{ history, crew, shift, factor, reading },
    stays: [{ post, contact: shift.contact }],
    channel: { ...primary, gateway },
    // The presence record is read once, with the first factor.
    bindsWorkplace: factor !== place.hazard.factor,
  });
  const { role, ...of } = first ?? { role: 'proof' as const, share: 1, intervals: null };
  const own: FeedDefinition = { channel: primary, gateway, role, ...of, reading };
  return [own, ...feeds].filter((feed) => feed.role === 'proof' || feed.role === 'presence');
}

/** One factor of a mixture: read as its share of its own PC-TWA. */
function termOf(place: ShiftPlace, factor: Mixture['factors'][number]) {
  const { history, limitSet, post, shift } = place;
  const law = lawThrough(history, limitSet, factor, post, shift);
  const limit = limitsThrough(law, 'PC_TWA', [])[0]?.limit ?? undefined;
  const row = rowOfKind(law, 'PC_TWA');
  const unit = limit?.unit ?? 'mg/m3';
  const reading: Reading = {
    factors: [factor],
    ppmFactor: row === undefined ? null : unitFactor(row, 'ppm', unit),
    limitUnit: unit,
    weight: limit === undefined ? 1 : 1 / limit.value,
    fraction: row?.fraction === 'total' || row?.fraction === 'respirable' ? row.fraction : null,
  };
  return { limit, reading, hazard: post.hazards.find((hazard) => hazard.factor === factor) };
}
