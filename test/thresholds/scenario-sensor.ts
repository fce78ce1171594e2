import type { ChannelRole } from '../../src/model/facts.ts';
import { isPeakMetric } from '../../src/thresholds/impulse.ts';
import type { Sensor } from './scenario-schema.ts';

const PARTS: readonly string[] = [
  'head',
  'ankle',
  'globe',
  'air',
  'no',
  'impulse-count',
] satisfies readonly ChannelRole[];

/** A sensor as the profile of its device's metric. */
export function readSensor(name: string, sensor: Sensor): object {
  const { role, measures, metric, factor, uncertainty } = sensor;
  const { unit, range, t90S, lod, specific, air, dust } = sensor;
  return {
    ...{ unit, range, t90S, lod, specific, air },
    ...(dust === undefined ? {} : { dust }),
    metric: metric ?? name,
    factor: measures ?? factor ?? role,
    uncertainty: typeof uncertainty === 'number' ? { abs: uncertainty } : uncertainty,
  };
}

/** The sensors that stand for parts of a hazard beside its primary one. */
export const roleParts = (
  primaryMetric: string,
  others: readonly (readonly [string, Sensor])[],
): readonly (readonly [string, Sensor])[] =>
  others.filter(
    ([, { role }]) =>
      PARTS.includes(role) && (role !== 'impulse-count' || isPeakMetric(primaryMetric)),
  );
