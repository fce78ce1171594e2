import { z } from 'zod';
import { MetricName } from '../model/ids.ts';
import { ConfigError, describeIssues } from '../process/config-file.ts';
import { type LoadedTemplate, readTemplate, templatePath } from './template.ts';

/** What a device may change of a point: the channels of one model measure different things. */
const PointUse = z.strictObject({
  metric: MetricName,
  range: z.tuple([z.number(), z.number()]).optional(),
  scale: z.number().optional(),
  offset: z.number().optional(),
  unit: z.string().max(32).optional(),
  aboveRange: z.enum(['T', 'D']).optional(),
  lod: z.number().min(0).optional(),
  t90S: z.number().min(0).optional(),
  specific: z.boolean().optional(),
  feedsRule: z.boolean().optional(),
});

/** How a device names its template. */
export const TemplateUse = z.object({
  /** A file beside the config, or `wugan:name` for one that comes with the program. */
  templateFile: z.string().min(1),
  /** The points to take, by the template's metric: a new name, or one with changes; left out: all. */
  metrics: z
    .record(
      z.string(),
      z
        .union([MetricName, PointUse])
        .transform((use) => (typeof use === 'string' ? { metric: use } : use)),
    )
    .optional(),
});

/** Settings whose devices may name templates; everything else is checked later. */
const WithDevices = z.looseObject({
  buses: z.array(z.looseObject({ devices: z.array(z.looseObject({})) })),
});

/**
 * Puts in the place of each device's `templateFile` and `metrics` what they stand for. Throws
 * `ConfigError` when a template can't be used, or when two files differ under one name and version.
 */
export function withTemplates(input: unknown, file: string, directory: string): unknown {
  const parsed = WithDevices.safeParse(input);
  if (!parsed.success) return input;
  const hashes = new Map<string, string>();
  const loaded = (device: Readonly<Record<string, unknown>>, path: string): unknown => {
    if (device['templateFile'] === undefined) return device;
    const { templateFile, metrics, ...rest } = device;
    const use = TemplateUse.safeParse({ templateFile, metrics });
    if (!use.success) {
      throw new ConfigError(
        file,
        describeIssues(use.error, device).map((fault) => `${path}.${fault}`),
      );
    }
    const template = readTemplate(templatePath(use.data.templateFile, directory));
    const [name = '', hash = ''] = template.template.split('#');
    const known = hashes.get(name) ?? hash;
    if (known !== hash) {
      const reason = `${name} has another content elsewhere: raise the version`;
      throw new ConfigError(file, [`${path}.templateFile: ${reason}; found "${templateFile}"`]);
    }
    hashes.set(name, hash);
    return { ...template, ...rest, points: pointsOf(template, use.data.metrics, file, path) };
  };
  const buses = parsed.data.buses.map((bus, b) => ({
    ...bus,
    devices: bus.devices.map((device, d) => loaded(device, `buses.${b}.devices.${d}`)),
  }));
  return { ...parsed.data, buses };
}

function pointsOf(
  { template, points }: LoadedTemplate,
  metrics: z.infer<typeof TemplateUse>['metrics'],
  file: string,
  path: string,
): unknown[] {
  if (metrics === undefined) return points;
  return Object.entries(metrics).map(([metric, use]) => {
    const point = points.find((one) => one.metric === metric);
    if (point === undefined) {
      const reason = `${template} has no such metric`;
      throw new ConfigError(file, [`${path}.metrics.${metric}: ${reason}; found "${use.metric}"`]);
    }
    return { ...point, ...use };
  });
}
