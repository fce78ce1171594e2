import type { RuleSubject } from '../model/exposure.ts';
import type { Crew, Device, Enterprise, Hazard, MetricProfile, Post } from '../model/facts.ts';
import type { FactorId, PointId } from '../model/ids.ts';
import type { LimitKind, LimitRow } from '../model/limits.ts';
import { MINUTE_MS } from '../model/time.ts';
import { CONFIRMATION_MINUTES_MAX } from './confirmation.ts';
import { stepsGradeUp } from './control-class.ts';
import { contactBefore, joined } from './crew-shifts.ts';
import { cycleDefinition, isForCrew } from './define-cycle.ts';
import { type PostStay, type RuleFeeds, ruleFeeds } from './define-feeds.ts';
import { companionsOf, lawThrough, limitsThrough, rowOfKind, wbgtRowsOf } from './define-limits.ts';
import { type DustRow, dustRow, SILICA_DUST } from './dust-class.ts';
import { isPeakMetric } from './impulse.ts';
import type { LawFrom } from './limits/law.ts';
import { type LimitSet, rowsOfFactor } from './limits/limit-set.ts';
import { unitFactor } from './limits/unit-factor.ts';
import { NITROGEN_DIOXIDE, NITROGEN_OXIDES, partsObstacle } from './part-readings.ts';
import { type RegistryHistory, valueAt } from './registry-history.ts';
import { resultKeyOf } from './result-key.ts';
import type { Reading, RuleDefinition } from './rule-definition.ts';
import type { Interval } from './rule-inputs.ts';
import type { GatewayChannel } from './rule-schedule.ts';
import type { ShiftInstance } from './shift.ts';

/** What the registry said when the shift started. */
export interface ShiftPlace {
  readonly history: RegistryHistory;
  readonly limitSet: LimitSet;
  readonly channel: GatewayChannel;
  readonly crew: Crew;
  readonly shift: ShiftInstance;
  /** The post of the rule's subject: the first of the shift with the hazard. */
  readonly post: Post;
  readonly enterprise: Enterprise;
  readonly device: Device;
  readonly hazard: Hazard;
  /** The crew's time at every post with the factor, the subject's first. */
  readonly stays: readonly PostStay[];
}

const KINDS: readonly LimitKind[] = ['MAC', 'PC_TWA', 'PC_STEL', 'PEAK', 'LEX_8H', 'LEX_W', 'WBGT'];

/** The rules of one hazard in one shift. */
export function rulesOfHazard(place: ShiftPlace): readonly RuleDefinition[] {
  const { history, limitSet, crew, shift, post, channel } = place;
  const dust = dustOf(place);
  const law = lawThrough(history, limitSet, dust.factor, post, shift);
  const kinds = isPeakMetric(channel.metric) ? (['L_PEAK'] as const) : KINDS;
  return kinds
    .filter((kind) => isForCrew(kind, crew))
    .flatMap((kind) => ruleOfKind(place, kind, law, dust) ?? []);
}

const profileAtStart = ({ device, channel }: ShiftPlace): MetricProfile | undefined =>
  device.metrics.find(({ metric }) => metric === channel.metric);

/** Whose rows judge a dust; any other factor is judged by its own. */
function dustOf(place: ShiftPlace): DustRow {
  const { hazard, post, limitSet } = place;
  const rows = rowsOfFactor(limitSet, hazard.factor);
  const fraction = profileAtStart(place)?.dust?.fraction ?? rowFraction(rows[0]);
  const found = dustRow(hazard.factor, post.freeSilica, fraction, rows[0]?.condition);
  if (found.obstacle === undefined || found.factor !== SILICA_DUST) return found;
  // A limit must be printed: the strictest class, not judged by.
  return { ...found, factor: `silica-dust-above-80-${fraction ?? 'respirable'}` as FactorId };
}

const rowFraction = (row: LimitRow | undefined): 'total' | 'respirable' | undefined =>
  row?.fraction === 'total' || row?.fraction === 'respirable' ? row.fraction : undefined;

function ruleOfKind(
  place: ShiftPlace,
  limitKind: LimitKind,
  law: readonly LawFrom[],
  dust: DustRow,
): RuleDefinition | undefined {
  const { history, channel, crew, shift, post, hazard, stays } = place;
  const startRows = law[0]?.rows ?? [];
  const wbgtRows = limitKind === 'WBGT' ? wbgtRowsOf(startRows, post) : [];
  const limits = limitsThrough(law, limitKind, wbgtRows);
  const row = rowOfKind(law, limitKind);
  const limitUnit = limits.find(({ limit }) => limit !== null)?.limit?.unit;
  if (row === undefined || limitUnit === undefined) return undefined;
  const { factor } = hazard;
  const plain: Reading = {
    factors: [factor],
    ppmFactor: unitFactor(row, 'ppm', limitUnit),
    limitUnit,
    weight: 1,
    fraction: rowFraction(row) ?? null,
  };
  const bindsWorkplace = limitKind === 'MAC';
  const asked = { history, crew, shift, stays, factor, channel, bindsWorkplace };
  const feeds = ruleFeeds({ ...asked, reading: plain });
  const subject = { ...subjectOf(place, factor, limitKind), point: pointOf(place, feeds) };
  const companions = companionsOf(startRows, limitKind);
  const grade = gradeWeights(place, row);
  return {
    resultKey: resultKeyOf(subject),
    subject,
    basis: crew.basis,
    declaredMinutes: crew.basis === 'DECLARED_MINUTES' ? (crew.declaredMinutes ?? null) : null,
    contact: joined(stays.flatMap(({ contact }) => contact).toSorted((a, b) => a[0] - b[0])),
    lead: leadOf(place, limitKind),
    limits,
    wbgtRows,
    caps: capsOfPlace(place, row, dust),
    ...feeds,
    notEvaluable: obstaclesOf(place, dust),
    cycle: cycleDefinition(history, crew, shift, subject),
    ...(companions === undefined ? {} : { companions }),
    ...(grade === undefined || limitUnit !== 'mg/m3' ? {} : { grade }),
    ...(isPartial(place) ? { partial: 'no-not-measured' } : {}),
    ...(shift.segments.length === 0 && shift.work === undefined
      ? {}
      : { workMinutes: minutesOf(shift.work ?? shift.contact) }),
  };
}

/** Where the channel that is proof when the shift starts stands: it may be the backup's point. */
function pointOf({ history, device, shift }: ShiftPlace, { first, feeds }: RuleFeeds): PointId {
  const proof = first?.role === 'fallback' ? feeds.find(({ role }) => role === 'proof') : undefined;
  const other = proof && valueAt(history, 'device', proof.channel.device, shift.startMs);
  return other?.point ?? device.point;
}

export function subjectOf(
  { enterprise, post, crew, device, channel, shift }: ShiftPlace,
  factor: FactorId,
  limitKind: LimitKind,
): RuleSubject {
  const { name, startMs, endMs } = shift;
  return {
    enterprise: enterprise.uscc,
    region: enterprise.region,
    post: post.id,
    crew: crew.id,
    point: device.point,
    factor,
    limitKind,
    channel: { device: channel.device, metric: channel.metric },
    gateway: channel.gateway,
    shift: { name, startMs, endMs },
  };
}

const leadOf = ({ history, crew, shift }: ShiftPlace, kind: LimitKind): RuleDefinition['lead'] => {
  // Where a segment was before is another workplace.
  if ((kind !== 'MAC' && kind !== 'PEAK') || shift.segments.length > 0) return [];
  return contactBefore(history, crew, shift.startMs, CONFIRMATION_MINUTES_MAX * MINUTE_MS);
};

function capsOfPlace(place: ShiftPlace, row: LimitRow, dust: DustRow): readonly string[] {
  const caps: string[] = [];
  if (row.kind === 'dust' && profileAtStart(place)?.dust === undefined) {
    caps.push('dust-calibration-unrecorded');
  }
  if (dust.cap !== undefined) caps.push(dust.cap);
  return caps;
}

function obstaclesOf({ hazard, post }: ShiftPlace, dust: DustRow): readonly string[] {
  const obstacles: string[] = [];
  if (dust.obstacle !== undefined) obstacles.push(dust.obstacle);
  const parts = partsObstacle(hazard, post.outdoor);
  if (parts !== undefined) obstacles.push(parts);
  return obstacles;
}

/** NO2 alone is less than nitrogen oxides: what stays below shows nothing. */
const isPartial = (place: ShiftPlace): boolean =>
  place.hazard.factor === NITROGEN_OXIDES &&
  profileAtStart(place)?.factor === NITROGEN_DIOXIDE &&
  place.hazard.parts.every(({ role }) => role !== 'no');

const HAZARD_WEIGHTS = { LIGHT: 1, MODERATE: 2, HIGH: 4, EXTREME: 8 } as const;
const LABOUR_WEIGHTS = { I: 1, II: 1.5, III: 2, IV: 2.5 } as const;

/** Weights WD and WL of GBZ/T 229.2-2025; undefined: one of them isn't told. */
function gradeWeights({ hazard, post }: ShiftPlace, row: LimitRow): RuleDefinition['grade'] {
  if (hazard.toxicity === undefined || post.labourIntensity === undefined) return undefined;
  return {
    hazard: HAZARD_WEIGHTS[hazard.toxicity],
    labour: LABOUR_WEIGHTS[post.labourIntensity],
    ...(stepsGradeUp(row.notation) ? { stepsUp: true as const } : {}),
  };
}

const minutesOf = (intervals: readonly Interval[]): number =>
  intervals.reduce((sum, [a, b]) => sum + (b - a), 0) / MINUTE_MS;
