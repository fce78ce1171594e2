import { z } from 'zod';
import { MetricName } from './ids.ts';

/** An element of a Sparkplug topic: any text without `/`, `+`, `#` (Sparkplug 3.0, 4.1). */
export const SparkplugId = z
  .string()
  .max(128)
  .regex(/^[^/+#\p{Cc}]+$/u, 'expected a name without / + # and control characters');

/** An edge node that speaks Sparkplug B; it stands for a gateway. */
export const SparkplugEdgeNode = z.strictObject({
  group: SparkplugId,
  edgeNode: SparkplugId,
  /** What sets the clock behind its timestamps, and how wrong it may be. */
  clock: z
    .strictObject({
      source: z.enum(['gps', 'ntp', 'ptp', 'free']),
      errMs: z.number().min(0).default(0),
    })
    .default({ source: 'free', errMs: 0 }),
});
export type SparkplugEdgeNode = z.infer<typeof SparkplugEdgeNode>;

/** How values of a device are found in the messages of its edge node. */
export const SparkplugDevice = z.strictObject({
  /** Sparkplug's own device id; absent: the metrics are the edge node's. */
  device: SparkplugId.optional(),
  /** Name of the Sparkplug metric → metric of the profile. */
  metrics: z.record(z.string().min(1).max(256), MetricName),
  /** Time that a value is the mean over, as the instrument makes it. */
  spanS: z.int().min(1).max(3_600).default(1),
});
export type SparkplugDevice = z.infer<typeof SparkplugDevice>;
