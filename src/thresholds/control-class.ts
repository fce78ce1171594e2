import type { RuleInputs } from './rule-inputs.ts';
import { exceeds, type WindowBounds } from './verdict.ts';

/** Upper ends of the classes 0 to III as shares of the limit; above is IV (GBZ 2.1-2019 6.5.1). */
const CLASS_ENDS: readonly number[] = [0.01, 0.1, 0.5, 1];
/** 行动水平: half of the limit, for concentrations only (pitfalls of decibels and degrees). */
export const ACTION_SHARE = 0.5;

/** GBZ/T 229.2-2025: weight of contact by B, the ratio to the limit. */
const contactWeight = (ratio: number): number => (ratio > ACTION_SHARE ? ratio : 0);
/** Upper ends of the grades I and II. */
const GRADE_ENDS: readonly number[] = [6, 24];

/** Class 0–IV of exposure to a concentration, by its ratio to the limit. */
export const controlClass = (ratio: number): number =>
  CLASS_ENDS.filter((end) => exceeds(ratio, end)).length;

/**
 * G = WD·WB·WL of GBZ/T 229.2-2025 and its grade 0–III, as information (read in two secondary texts).
 */
export function chemicalGrade(
  hazard: number,
  ratio: number,
  labour: number,
): { readonly g: number; readonly grade: number } {
  const g = hazard * contactWeight(ratio) * labour;
  const byG = g <= 0 ? 0 : 1 + GRADE_ENDS.filter((end) => exceeds(g, end)).length;
  return { g, grade: exceeds(ratio, 1) ? Math.max(2, byG) : byG };
}

/** Notations of GBZ 2.1-2019 that step a grade up: skin, sensitiser, carcinogen of group 1 or 2A. */
export const stepsGradeUp = (notation: string | null): boolean =>
  notation !== null && /皮|敏|G1|G2A/.test(notation);

/** One grade up from I on, at most III (GBZ/T 229.2-2025, read in one secondary text). */
export const steppedUp = (grade: number): number => (grade === 0 ? 0 : Math.min(3, grade + 1));

/** Class, grade and action level of a concentration's window: information and attention only. */
export function concentrationFacts(
  inputs: RuleInputs,
  { lowerBound, estimate }: WindowBounds,
  limit: number,
): { readonly details: Record<string, number>; readonly notes: readonly string[] } {
  const details: Record<string, number> = {};
  if (estimate !== null) {
    const ratio = Math.max(0, estimate / limit);
    details['controlClass'] = controlClass(ratio);
    if (inputs.grade !== undefined) {
      const { g, grade } = chemicalGrade(inputs.grade.hazard, ratio, inputs.grade.labour);
      details['grade2292'] = grade;
      details['grade2292G'] = g;
      if (inputs.grade.stepsUp === true) details['grade2292SteppedUp'] = steppedUp(grade);
    }
  }
  const highest = Math.max(lowerBound, estimate ?? 0) / limit;
  return { details, notes: exceeds(highest, ACTION_SHARE) ? ['action-level'] : [] };
}
