import type { ChannelRef, ExposureBasis } from './facts.ts';
import type { CrewId, FactorId, GatewayId, PointId, PostId, RegionCode, Uscc } from './ids.ts';
import type { AppliedLimit, LimitKind, Unit } from './limits.ts';

/** Worst first. `indeterminate` claims nothing; `within` is shown as 在线监测未见超限, never 合格. */
export type Verdict = 'exceeded' | 'suspected' | 'borderline' | 'within' | 'indeterminate';

/** Whose exposure is judged, for what, by which kind of limit, in which shift. */
export interface RuleSubject {
  readonly enterprise: Uscc;
  readonly region: RegionCode;
  readonly post: PostId;
  readonly crew: CrewId;
  readonly point: PointId;
  readonly factor: FactorId;
  readonly limitKind: LimitKind;
  readonly channel: ChannelRef;
  readonly gateway: GatewayId;
  readonly shift: { readonly name: string; readonly startMs: number; readonly endMs: number };
}

/** A stretch of time in which the exceedance holds, in event time. */
export interface ExceedanceEpisode {
  readonly startMs: number;
  readonly endMs: number;
  /** Highest lower bound in it, in the limit's unit. */
  readonly lowerBoundMax: number;
}

/** The judged window: for a sliding rule the worst one, for TWA, LEX and WBGT the shift. */
export interface JudgedWindow {
  readonly startMs: number;
  readonly endMs: number;
  readonly lowerBound: number;
  /** Null: coverage under 75 % of contact time. */
  readonly estimate: number | null;
}

/**
 * The outcome of one rule for one shift. Everything in it is event-time content: no receive time, no
 * build id. `resultHash` is the digest of all other members but `revision`.
 */
export interface ShiftResult {
  /** Digest of (post, crew, factor, limit kind, shift start): what revisions are numbered under. */
  readonly resultKey: string;
  /** 1, 2, 3 … within the key; a revision is made only when `resultHash` changed. */
  readonly revision: number;
  readonly subject: RuleSubject;
  readonly basis: ExposureBasis;
  readonly limit: AppliedLimit;
  readonly verdict: Verdict;
  /** Why the verdict is no better founded than it is, e.g. `assumed-full-shift`, `no-uncertainty`. */
  readonly caps: readonly string[];
  readonly window: JudgedWindow;
  /** Expanded uncertainty (k = 2) taken off, in the limit's unit; null: unknown. */
  readonly uncertainty: number | null;
  /** Concentrations: C/L; noise: dose ratio 10^((LEX−85)/10); heat: null. Of the lower bound. */
  readonly ratio: number | null;
  /** Noise: Δ dB, heat: Δ °C, of the lower bound against the limit; concentrations: null. */
  readonly difference: number | null;
  /** Observed share of contact time, 0–1. */
  readonly coverage: number;
  readonly contactMinutes: number;
  readonly observedSeconds: number;
  /** Seconds that are no proof, by reason (`flag-M`, `conflict`, `certificate`, `clock`, …). */
  readonly excludedSeconds: Readonly<Record<string, number>>;
  /** End of the first minute after whose cells lowerBound − U > L. */
  readonly certainAtMs: number | null;
  readonly firstExceedAtMs: number | null;
  readonly lastExceedAtMs: number | null;
  readonly episodes: readonly ExceedanceEpisode[];
  /** Further numbers of the rule, e.g. MAC: `rawMax`, `mean15MinMax`, in the limit's unit. */
  readonly details?: Readonly<Record<string, number>>;
  /** What else the rule noticed, for attention: it claims nothing, e.g. `stel-repetition`. */
  readonly notes?: readonly string[];
  /** Channels that the numbers come from when there are several, and the seconds each stood for. */
  readonly feeds?: readonly ResultFeed[];
  /** Digest of the inputs: a stranger recomputes the result from them alone. */
  readonly inputHash: string;
  readonly resultHash: string;
}

/** One of several channels behind a result. */
export interface ResultFeed {
  readonly channel: ChannelRef;
  /** `proof`: its readings are proof; `fallback`: they only fill the estimate. */
  readonly role: string;
  readonly seconds: number;
}

/** A minute of a channel, for the chart and the sink; a cache, rebuilt from the journal at will. */
export interface MinuteCellSummary {
  readonly channel: ChannelRef;
  readonly minuteMs: number;
  readonly unit: Unit;
  /** Mean over the covered seconds (energy mean for levels); null: none covered. */
  readonly mean: number | null;
  readonly max: number | null;
  readonly coveredSeconds: number;
  readonly excludedSeconds: number;
}

/** Where a rule stands in the running shift; the latest replaces the one before. */
export interface Standing {
  readonly resultKey: string;
  readonly subject: RuleSubject;
  readonly limit: AppliedLimit;
  readonly asOfMs: number;
  /** What the rule's number is so far, in the limit's unit; null: nothing seen. */
  readonly current: number | null;
  /**
   * What it will be when all contact of the shift (LEX_W: of the cycle) has passed, if the rest is like what
   * was seen; null: too little seen, or a number that adds nothing up.
   */
  readonly projected: number | null;
  readonly ratio: number | null;
  readonly difference: number | null;
  readonly state: 'no-data' | 'below' | 'near' | 'over';
}

/** What the monitor of the monitor finds, each by a detector of its own (docs/thresholds.md). */
export const MONITOR_KINDS = [
  'SILENCE',
  'FLAT_LINE',
  'JUMP',
  'IDENTICAL_NEIGHBOURS',
  'OUT_OF_RANGE',
  'VARIANCE_COLLAPSE',
  'PRODUCTION_GAP',
  'CLOCK_DRIFT',
  'CERTIFICATE_EXPIRED',
  'UNEXPLAINED_FLAGS',
  'UNPLANNED_WORK',
] as const;
export type MonitorKind = (typeof MONITOR_KINDS)[number];

/**
 * What is said of a gateway's data rather than of what they show. `NOT_EVALUABLE`: a hazard that no rule can judge, with the
 * reason; never a pass. `FACT_LATE`: a fact about time that was judged already.
 */
export const GATEWAY_SIGNAL_KINDS = [
  'CHAIN_BROKEN',
  'CONFLICT',
  'DATA_GAP',
  'CLOCK',
  'NOT_EVALUABLE',
  'FACT_LATE',
  ...MONITOR_KINDS,
] as const;
export type GatewaySignalKind = (typeof GATEWAY_SIGNAL_KINDS)[number];

export type SignalKind =
  | 'OVER_LIMIT'
  | 'OVER_LIMIT_WITHDRAWN'
  | 'EARLY_WARNING'
  | GatewaySignalKind;

/**
 * Something the engine noticed. `signalKey` is unique for its content: the same signal emitted again
 * is a no-op.
 */
export type Signal =
  | {
      readonly kind: 'OVER_LIMIT';
      readonly signalKey: string;
      readonly atMs: number;
      /** False: certain before the shift ended; the shift's own result follows. */
      readonly final: boolean;
      readonly result: ShiftResult;
      /** The argument from which `evaluateRule` gives the result; goes into the evidence package. */
      readonly inputs: unknown;
      /** Findings on identity, certificate, chain, clock that forbid a push; empty: none. */
      readonly obstacles: readonly string[];
    }
  | {
      readonly kind: 'OVER_LIMIT_WITHDRAWN';
      readonly signalKey: string;
      readonly atMs: number;
      readonly result: ShiftResult;
    }
  | {
      readonly kind: 'EARLY_WARNING';
      readonly signalKey: string;
      readonly atMs: number;
      readonly standing: Standing;
    }
  | {
      readonly kind: GatewaySignalKind;
      readonly signalKey: string;
      readonly atMs: number;
      readonly gateway: GatewayId;
      readonly detail: Readonly<Record<string, string | number>>;
    };

/** What one step of the engine gives, in order. */
export type EngineOutput =
  | { readonly kind: 'result'; readonly result: ShiftResult }
  | { readonly kind: 'signal'; readonly signal: Signal }
  | { readonly kind: 'standing'; readonly standing: Standing }
  | { readonly kind: 'cell'; readonly cell: MinuteCellSummary };
