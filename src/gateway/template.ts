import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { digestOf } from '../model/digest.ts';
import { MetricName } from '../model/ids.ts';
import { ConfigError, describeIssues, readYaml } from '../process/config-file.ts';
import { DeviceProtocol, protocolFaults } from './device-protocol.ts';
import { FlagSource } from './flag-source.ts';
import { overlapFaults, PointConfig } from './point-config.ts';

/** A status register that qualifies points by name. */
const StatusConfig = FlagSource.safeExtend({
  /** Metrics whose readings it flags; `all`: every point of the template. */
  qualifies: z.union([z.literal('all'), z.array(MetricName).min(1)]),
});

/** What a template file holds: one model of instrument. */
export const DeviceTemplate = z
  .strictObject({
    template: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'expected lower-case letters, digits, -'),
    version: z.int().min(1).max(9_999),
    /** For people: maker, model, manual and its edition. */
    title: z.string().max(200).optional(),
    protocol: DeviceProtocol.prefault({}),
    points: z.array(PointConfig).min(1).max(500),
    statuses: z.array(StatusConfig).max(50).default([]),
  })
  .superRefine((template, ctx) => {
    const refuse = (path: readonly PropertyKey[], message: string): void =>
      ctx.addIssue({ code: 'custom', path: [...path], message });
    const { points, protocol, statuses } = template;
    for (const [i, { qualifies }] of statuses.entries()) {
      if (qualifies === 'all') continue;
      for (const [j, metric] of qualifies.entries()) {
        if (points.some((point) => point.metric === metric)) continue;
        refuse(['statuses', i, 'qualifies', j], 'is no metric of the template');
      }
    }
    for (const { path, message } of deviceFaults(pointsOf(template), protocol))
      refuse(path, message);
  });
export type DeviceTemplate = z.infer<typeof DeviceTemplate>;

const SENTINELS_EXPECTED = 'expected the raw values that stand for no value, or {} for none';

/** A template says what stands for "no value", if only that nothing does: its maker must look. */
const WithSentinels = z.looseObject({
  points: z.array(
    z.looseObject({
      feedsRule: z.boolean().default(true),
      type: z.string(),
      sentinels: z.unknown().optional(),
    }),
  ),
});

/** Faults of points and protocol together; paths are those of a device or template. */
export function deviceFaults(
  points: readonly PointConfig[],
  protocol: DeviceProtocol,
): { readonly path: readonly (string | number)[]; readonly message: string }[] {
  const metrics = points.map((point) => point.metric);
  return [
    ...metrics.flatMap((metric, i) =>
      metrics.indexOf(metric) === i
        ? []
        : [{ path: ['points', i, 'metric'], message: 'is used twice' }],
    ),
    ...overlapFaults(points).map((message) => ({ path: ['points'], message })),
    ...protocolFaults(points, protocol),
  ];
}

/** The points, each with the statuses that qualify it. */
function pointsOf({
  points,
  statuses,
}: Pick<DeviceTemplate, 'points' | 'statuses'>): PointConfig[] {
  return points.map((point) => ({
    ...point,
    flagFrom: [
      ...point.flagFrom,
      ...statuses.flatMap(({ qualifies, ...source }) =>
        qualifies === 'all' || qualifies.includes(point.metric) ? [source] : [],
      ),
    ],
  }));
}

/** A template as a device takes it over. */
export interface LoadedTemplate {
  /** `name@version#hash`: the first 16 hex digits of SHA-256 of its canonical JSON. */
  readonly template: string;
  readonly points: PointConfig[];
  readonly protocol: DeviceProtocol;
}

/** Prefix of a `templateFile` that is one of ours, by name. */
const SHIPPED = 'wugan:';
const SHIPPED_DIR = new URL('./templates/', import.meta.url).pathname;

/** Where a device's `templateFile` lies: beside the config, or with the program. */
export function templatePath(templateFile: string, directory: string): string {
  if (!templateFile.startsWith(SHIPPED)) return resolve(directory, templateFile);
  return resolve(SHIPPED_DIR, `${templateFile.slice(SHIPPED.length)}.yaml`);
}

/** Reads and checks a template file. Throws `ConfigError` with every fault: path, value, reason. */
export function readTemplate(file: string): LoadedTemplate {
  if (file.startsWith(SHIPPED_DIR) && !existsSync(file)) {
    throw new ConfigError(file, [`is none of the program's templates (${SHIPPED_DIR})`]);
  }
  const input = readYaml(file);
  const parsed = DeviceTemplate.safeParse(input);
  if (!parsed.success) throw new ConfigError(file, describeIssues(parsed.error, input));
  const silent = WithSentinels.parse(input).points.flatMap((point, i) =>
    point.feedsRule && !/^(bit|float)/.test(point.type) && point.sentinels === undefined
      ? [`points.${i}.sentinels: ${SENTINELS_EXPECTED}; found nothing`]
      : [],
  );
  if (silent.length > 0) throw new ConfigError(file, silent);
  const { template, version, protocol } = parsed.data;
  return {
    template: `${template}@${version}#${digestOf(input).slice(0, 16)}`,
    points: pointsOf(parsed.data),
    protocol,
  };
}
