import type { z } from 'zod';
import { PlatformClue, PlatformReceipt } from './clue-body.ts';
import type { PlatformAnswer } from './platform-client.ts';

/**
 * - accepted: the platform holds the revision.
 * - refused: it never will; an operator must look.
 * - wait: it did not take it and says when to come again, or not when.
 * - unknown: it may hold it or not; ask before sending again.
 */
export type PushOutcome =
  | { readonly kind: 'accepted'; readonly receipt: PlatformReceipt }
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'wait'; readonly afterMs: number | null; readonly detail: string }
  | { readonly kind: 'unknown'; readonly detail: string };

const DETAIL_MAX = 500;

/**
 * What the answer to `POST /clues` means (design §4.2). `nowMs`: for a `Retry-After` that is a
 * date.
 */
export function outcomeOfPush(answer: PlatformAnswer, nowMs: number): PushOutcome {
  const { status } = answer;
  const detail = describe(answer);
  if (status === null) return { kind: 'unknown', detail };
  if (status === 200 || status === 201) {
    const receipt = parse(PlatformReceipt, answer.text);
    return receipt === undefined ? { kind: 'unknown', detail } : { kind: 'accepted', receipt };
  }
  if (status === 429 || status === 503) {
    return { kind: 'wait', afterMs: retryAfterMs(answer.retryAfter, nowMs), detail };
  }
  return status >= 400 && status < 500 ? { kind: 'refused', detail } : { kind: 'unknown', detail };
}

/**
 * Whether the platform holds a revision, by its answer to `GET /clues/{clueNo}`: `accepted` when it
 * does, `absent` when the revision may be sent.
 */
export function outcomeOfHeld(
  answer: PlatformAnswer,
  revision: number,
  nowMs: number,
): PushOutcome | { readonly kind: 'absent' } {
  const detail = describe(answer);
  if (answer.status === 404) return { kind: 'absent' };
  if (answer.status === 429 || answer.status === 503) {
    return { kind: 'wait', afterMs: retryAfterMs(answer.retryAfter, nowMs), detail };
  }
  const held = answer.status === 200 ? parse(PlatformClue, answer.text) : undefined;
  if (held === undefined) return { kind: 'unknown', detail };
  return held.revision >= revision ? { kind: 'accepted', receipt: held } : { kind: 'absent' };
}

/** Seconds or an HTTP date (RFC 9110, 10.2.3), as ms from now; null: absent or unreadable. */
export function retryAfterMs(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1_000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}

const describe = ({ status, text }: PlatformAnswer): string =>
  `${status ?? 'no answer'}: ${text}`.slice(0, DETAIL_MAX);

function parse<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
): z.infer<Schema> | undefined {
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // Not JSON: the same as JSON of another shape.
    return undefined;
  }
}
