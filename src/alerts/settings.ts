import { z } from 'zod';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../model/time.ts';

const WaitMs = z
  .int()
  .min(0)
  .max(30 * DAY_MS);

/** Where clues go and who signs. */
const Platform = z
  .strictObject({
    /** Base address of the contract of design §4.2; `/clues` is added. */
    url: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, '')),
    accessKey: z.string().min(1),
    secretKey: z.string().min(1).optional(),
    /** A file that holds the secret; its outer white space is cut off. */
    secretKeyFile: z.string().min(1).optional(),
    timeoutMs: z.int().min(100).max(120_000).default(10_000),
  })
  .refine(
    ({ secretKey, secretKeyFile }) => (secretKey === undefined) !== (secretKeyFile === undefined),
    { message: 'expected either secretKey or secretKeyFile', path: ['secretKey'] },
  );

/** How long the company has before a clue leaves (case-model, amendment 6). */
const Waits = z.strictObject({
  /** TWA, LEX, WBGT: from the shift's end. */
  markingWindowMs: WaitMs.default(DAY_MS),
  /** From when the hub learnt of it, for data that come late. */
  markingMinimumMs: WaitMs.default(2 * HOUR_MS),
  /** MAC, STEL: from the window's end. */
  shortTermWaitMs: WaitMs.default(2 * HOUR_MS),
});

/** Full jitter: a wait is drawn evenly between 0 and `min(backoffMsMax, backoffMsMin × 2^n)`. */
const Retry = z.strictObject({
  backoffMsMin: z.int().min(1).default(SECOND_MS),
  backoffMsMax: z
    .int()
    .min(1)
    .default(5 * MINUTE_MS),
  /** A `Retry-After` beyond this is cut to it. */
  retryAfterMsMax: z.int().min(1).default(HOUR_MS),
  /** Pending rows whose job was lost go to the queue again this often. */
  redriveMs: z.int().min(50).default(10_000),
});

/** Settings of clues and their push. */
export const alertSettings = z.strictObject({
  platform: Platform,
  /** Whom the clue is addressed to. */
  agency: z.string().min(1).default('卫生健康行政部门'),
  /** Address under which packages can be fetched, `/{packageId}` is added; null: not published. */
  evidenceUrl: z.url().nullable().default(null),
  waits: Waits.prefault({}),
  retry: Retry.prefault({}),
  /** Pushes on the way at once, over all clues; one per clue. */
  concurrency: z.int().min(1).max(64).default(4),
});
export type AlertSettings = z.infer<typeof alertSettings>;
export type AlertWaits = z.infer<typeof Waits>;
export type PushRetry = z.infer<typeof Retry>;
