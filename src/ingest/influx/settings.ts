import { z } from 'zod';

/** Where readings, minute cells and results go besides the database; without `url` nowhere. */
export const influxSettings = z
  .strictObject({
    /** Base address of InfluxDB 2 or 3, or of what speaks its write API; none: the sink is off. */
    url: z.url({ protocol: /^https?$/ }).optional(),
    /** `v1`: `/write` of InfluxDB 1, where `bucket` is the database and `token` is `user:password`. */
    api: z.enum(['v2', 'v1']).default('v2'),
    token: z.string().min(1).optional(),
    org: z.string().min(1).default('wugan'),
    bucket: z.string().min(1).default('wugan'),
    /** A request without a whole answer after so long is given up and made again. */
    timeoutMs: z.int().min(100).max(300_000).default(10_000),
    /** Lines of one request; an entry's lines stay together, so that up to 2,000 more may come. */
    linesMax: z.int().min(1).max(100_000).default(5_000),
    /** After less than a full request: time for more to gather. */
    intervalMs: z.int().min(0).max(60_000).default(1_000),
    /** Share of the process's time for making lines: beyond it the sink falls behind. */
    cpuShareMax: z.number().min(0.01).max(1).default(0.25),
    retry: z
      .strictObject({
        /** Full jitter: a wait is drawn evenly between 0 and `min(backoffMsMax, backoffMsMin × 2^n)`. */
        backoffMsMin: z.int().min(1).default(500),
        backoffMsMax: z.int().min(1).default(60_000),
        /** A `Retry-After` beyond this is cut to it. */
        retryAfterMsMax: z.int().min(1).default(600_000),
      })
      .prefault({}),
  })
  .refine(({ api, token }) => api === 'v2' || token === undefined || token.includes(':'), {
    message: 'expected user:password for api v1',
    path: ['token'],
  });
export type InfluxSettings = z.infer<typeof influxSettings>;
