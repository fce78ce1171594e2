import type { MetricProfile } from '../model/facts.ts';
import type { Unit } from '../model/limits.ts';
import type { Report } from './registry-checks.ts';
import type { FactorUnits } from './registry-context.ts';

/** What an instrument of each unit can't read beyond: a range outside is a slip of the pen. */
const PLAUSIBLE: Readonly<Record<Unit, { readonly min: number; readonly max: number }>> = {
  'dB(A)': { min: 0, max: 200 },
  degC: { min: -60, max: 150 },
  'mg/m3': { min: -1e3, max: 1e6 },
  'ug/m3': { min: -1e6, max: 1e9 },
  'ng/m3': { min: -1e9, max: 1e12 },
  ppm: { min: -1_000, max: 1_000_000 },
  'count/min': { min: 0, max: 1_000_000 },
  '1': { min: -1_000, max: 1_000_000 },
  undeclared: { min: -1_000_000, max: 1_000_000 },
};

/** Levels and temperatures have no ratio scale: a share of them means nothing. */
const WITHOUT_RATIO: readonly Unit[] = ['dB(A)', 'degC'];

/** Faults in what a device's metrics are said to measure. */
export function checkMetrics(
  metrics: readonly MetricProfile[],
  factors: FactorUnits,
  report: Report,
): void {
  const names = new Set<string>();
  for (const [index, profile] of metrics.entries()) {
    const where = `metrics.${index}`;
    if (names.has(profile.metric)) report(`${where}.metric`, 'a name used once', profile.metric);
    names.add(profile.metric);
    const below: Report = (member, expected, found) =>
      report(`${where}.${member}`, expected, found);
    checkFactor(profile, factors, below);
    checkRange(profile, below);
    checkUncertainty(profile, below);
  }
}

function checkFactor({ factor, unit }: MetricProfile, factors: FactorUnits, report: Report): void {
  const units = factors.get(factor);
  if (units === undefined) report('factor', 'a factor of the limit set (wugan limits)', factor);
  else if (units.length === 0) report('factor', 'a factor that readings can be judged by', factor);
  else if (!units.includes(unit)) report('unit', `${units.join(' or ')} for ${factor}`, unit);
}

function checkRange(profile: MetricProfile, report: Report): void {
  const { unit, range, lod } = profile;
  const [bottom, top] = range;
  const { min, max } = PLAUSIBLE[unit];
  if (!(bottom < top) || top <= 0)
    report('range', '[bottom, top] with bottom < top, top > 0', range);
  else if (bottom < min || top > max)
    report('range', `a range within ${min} to ${max} ${unit}`, range);
  if (lod >= top) report('lod', 'a limit of detection below the range top', lod);
}

function checkUncertainty({ unit, range, uncertainty }: MetricProfile, report: Report): void {
  if (uncertainty === null) return;
  if (uncertainty.abs === 0 && uncertainty.rel === 0) {
    report('uncertainty', 'more than 0; null says that it is unknown', uncertainty);
  }
  if (uncertainty.rel > 0 && WITHOUT_RATIO.includes(unit)) {
    report(
      'uncertainty.rel',
      `0: a relative uncertainty means nothing on ${unit}`,
      uncertainty.rel,
    );
  }
  if (uncertainty.rel >= 1) report('uncertainty.rel', 'a share below 1', uncertainty.rel);
  if (uncertainty.abs > range[1] - range[0]) {
    report('uncertainty.abs', 'an uncertainty no wider than the range', uncertainty.abs);
  }
}
