import type { Frame } from '../model/batch.ts';
import type { MetricName } from '../model/ids.ts';

/** A frame in two: what feeds rules, and the `spare` metrics; null where nothing is. */
export function splitFrame(
  frame: Frame,
  spareMetrics: ReadonlySet<MetricName> | undefined,
): { readonly main: Frame | null; readonly spare: Frame | null } {
  const isSpare = (metric: string): boolean => spareMetrics?.has(metric as MetricName) ?? false;
  const metrics = Object.keys(frame.values);
  const spareCount = metrics.filter(isSpare).length;
  if (spareCount === 0) return { main: frame, spare: null };
  if (spareCount === metrics.length) return { main: null, spare: frame };
  return {
    main: partOf(frame, (metric) => !isSpare(metric)),
    spare: partOf(frame, isSpare),
  };
}

function partOf(frame: Frame, wants: (metric: string) => boolean): Frame {
  const { flags: allFlags = {}, ...rest } = frame;
  const pick = <V>(all: Record<string, V>): Record<string, V> =>
    Object.fromEntries(Object.entries(all).filter(([metric]) => wants(metric)));
  const flags = pick(allFlags);
  const isFlagged = Object.keys(flags).length > 0;
  return { ...rest, values: pick(frame.values), ...(isFlagged ? { flags } : {}) };
}
