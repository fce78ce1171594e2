import type { ExceedanceEpisode, JudgedWindow, Verdict } from '../model/exposure.ts';
import type { AppliedLimit } from '../model/limits.ts';
import type { MinuteTable } from './minute-table.ts';
import type { RuleInputs } from './rule-inputs.ts';
import type { WindowUncertainty } from './uncertainty.ts';

/** What a rule is given: its minutes, and what the registry lets it conclude. */
export interface RuleQuestion {
  readonly inputs: RuleInputs;
  readonly table: MinuteTable;
  readonly uncertainty: WindowUncertainty | null;
  /** A finding other than conflicts forbids `exceeded` under this limit. */
  isCapped(limit: AppliedLimit): boolean;
}

/** What a rule answers; same shape for each. */
export interface RuleOutcome {
  readonly verdict: Verdict;
  readonly limit: AppliedLimit;
  readonly window: JudgedWindow;
  /** Conflicts alone keep the judged window at `suspected`. */
  readonly isCappedByConflicts: boolean;
  readonly episodes: readonly ExceedanceEpisode[];
  /**
   * Whether the exceedance is certain from the minutes up to index `last` alone; never turns false
   * again as `last` grows.
   */
  isCertainBy(last: number): boolean;
  /** Further numbers of the rule, in the limit's unit unless the name says otherwise. */
  readonly details: Readonly<Record<string, number>>;
  /** What else the rule noticed, for attention; absent: nothing. */
  readonly notes?: readonly string[];
  /** Findings of the rule's own that keep the verdict at `suspected`. */
  readonly caps?: readonly string[];
}

/** The limit in force at a time; null: none. */
export function limitAt({ limits }: RuleInputs, atMs: number): AppliedLimit | null {
  for (let i = limits.length - 1; i >= 0; i--) {
    if (limits[i]!.fromMs <= atMs) return limits[i]!.limit;
  }
  return null;
}
