import type { Kysely } from 'kysely';
import { type AlertSettings, alertSettings } from '../../src/alerts/settings.ts';
import type { Database } from '../../src/database/schema.ts';
import { projectFact } from '../../src/devices/projection.ts';
import { digestOf } from '../../src/model/digest.ts';
import type { EngineOutput, ShiftResult, Signal, Verdict } from '../../src/model/exposure.ts';
import {
  CrewId,
  DeviceId,
  FactorId,
  GatewayId,
  MetricName,
  PointId,
  PostId,
  RegionCode,
  Uscc,
} from '../../src/model/ids.ts';
import type { AppliedLimit, LimitKind } from '../../src/model/limits.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/model/time.ts';
import { registryFacts } from '../devices/registry-samples.ts';

export const SHARD = 'default';
export const USCC = '91330106MA2CFLR43E';

/** 2026-11-20 08:00 in Shanghai. */
export const SHIFT_START_MS = Date.UTC(2026, 10, 20, 0);
export const SHIFT_END_MS = SHIFT_START_MS + 8 * HOUR_MS;

/** Positions of the registry's facts come first. */
export const FIRST_POS = 101;

const LIMITS: Partial<Record<LimitKind, Pick<AppliedLimit, 'value' | 'unit'>>> = {
  PC_TWA: { value: 20, unit: 'mg/m3' },
  PC_STEL: { value: 30, unit: 'mg/m3' },
  MAC: { value: 20, unit: 'mg/m3' },
  LEX_8H: { value: 85, unit: 'dB(A)' },
};

export interface ExceedanceOptions {
  readonly limitKind?: LimitKind;
  readonly verdict?: Verdict;
  readonly lowerBound?: number;
  readonly day?: number;
  readonly post?: string;
  readonly crew?: string;
  readonly basis?: ShiftResult['basis'];
  readonly confirmed?: boolean;
  readonly force?: AppliedLimit['force'];
  readonly uncertainty?: number | null;
  readonly episodes?: ShiftResult['episodes'];
  readonly windowEndMs?: number;
  readonly revision?: number;
}

/** A result of the CO rule of a post, by default exceeded by half of the limit. */
export function shiftResult(options: ExceedanceOptions = {}): ShiftResult {
  const { limitKind = 'PC_TWA', verdict = 'exceeded', day = 0 } = options;
  const startMs = SHIFT_START_MS + day * DAY_MS;
  const endMs = startMs + 8 * HOUR_MS;
  const limit = LIMITS[limitKind] ?? { value: 20, unit: 'mg/m3' as const };
  const lowerBound = options.lowerBound ?? limit.value * 1.5;
  const post = PostId.parse(options.post ?? 'welding');
  const crew = CrewId.parse(options.crew ?? 'welding-day');
  const firstMs = startMs + 2 * HOUR_MS;
  const content: Omit<ShiftResult, 'resultHash' | 'revision'> = {
    resultKey: digestOf([post, crew, 'carbon-monoxide', limitKind, startMs]),
    subject: {
      enterprise: Uscc.parse(USCC),
      region: RegionCode.parse('330106'),
      post,
      crew,
      point: PointId.parse('welding-1'),
      factor: FactorId.parse('carbon-monoxide'),
      limitKind,
      channel: { device: DeviceId.parse('co-01'), metric: MetricName.parse('co') },
      gateway: GatewayId.parse('gw-330106-0001'),
      shift: { name: 'day', startMs, endMs },
    },
    basis: options.basis ?? 'SCHEDULE',
    limit: {
      factor: FactorId.parse('carbon-monoxide'),
      kind: limitKind,
      ...limit,
      standard: 'GBZ 2.1-2019',
      clause: 'table 1',
      force: options.force ?? 'MANDATORY',
      confirmed: options.confirmed ?? true,
    },
    verdict,
    caps: [],
    window: { startMs, endMs: options.windowEndMs ?? endMs, lowerBound, estimate: lowerBound + 1 },
    uncertainty: options.uncertainty === undefined ? 1 : options.uncertainty,
    ratio: lowerBound / limit.value,
    difference: null,
    coverage: 0.98,
    contactMinutes: 480,
    observedSeconds: 28_000,
    excludedSeconds: {},
    certainAtMs: firstMs,
    firstExceedAtMs: firstMs,
    lastExceedAtMs: endMs,
    episodes: options.episodes ?? [
      { startMs: firstMs, endMs: firstMs + 10 * MINUTE_MS, lowerBoundMax: lowerBound },
    ],
    inputHash: digestOf(lowerBound),
  };
  return { ...content, revision: options.revision ?? 1, resultHash: digestOf(content) };
}

export type OverLimit = Extract<Signal, { kind: 'OVER_LIMIT' }>;

export function overLimit(
  options: ExceedanceOptions = {},
  obstacles: readonly string[] = [],
): OverLimit {
  const result = shiftResult(options);
  return {
    kind: 'OVER_LIMIT',
    signalKey: digestOf(['OVER_LIMIT', result.resultHash, obstacles]),
    atMs: result.window.endMs,
    final: true,
    result,
    inputs: { subject: result.subject, cells: [{ minuteMs: result.subject.shift.startMs }] },
    obstacles,
  };
}

export function withdrawn(options: ExceedanceOptions = {}): Signal {
  const result = shiftResult({ verdict: 'within', lowerBound: 5, ...options });
  return {
    kind: 'OVER_LIMIT_WITHDRAWN',
    signalKey: digestOf(['OVER_LIMIT_WITHDRAWN', result.resultHash]),
    atMs: result.window.endMs,
    result,
  };
}

export const outputs = (...signals: readonly Signal[]): EngineOutput[] =>
  signals.map((signal) => ({ kind: 'signal', signal }));

/** Settings whose waits are short and round; the platform is never called by `apply`. */
export const settings = (over: object = {}): AlertSettings =>
  alertSettings.parse({
    platform: { url: 'http://127.0.0.1:9', accessKey: 'AK', secretKey: 'SK' },
    waits: {
      markingWindowMs: HOUR_MS,
      markingMinimumMs: 10 * MINUTE_MS,
      shortTermWaitMs: 20 * MINUTE_MS,
    },
    ...over,
  });

/** The registry of the samples, as the evaluator projects it. */
export async function projectRegistry(db: Kysely<Database>): Promise<void> {
  await db.transaction().execute(async (tx) => {
    for (const [i, fact] of registryFacts().entries()) {
      await projectFact(tx, { shard: SHARD, pos: i + 1 }, fact);
    }
  });
}
