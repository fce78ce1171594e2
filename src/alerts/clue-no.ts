import { createHash } from 'node:crypto';
import { canonicalJson } from '../model/digest.ts';
import type { FactorId, PostId, RegionCode, Uscc } from '../model/ids.ts';
import type { LimitKind } from '../model/limits.ts';

/** One open clue at most exists for each of these. */
export interface ClueKey {
  readonly enterprise: Uscc;
  readonly post: PostId;
  readonly factor: FactorId;
  readonly limitKind: LimitKind;
  readonly kind: 'OVER_LIMIT';
}

/** Crockford's alphabet: no I, L, O, U, so that a number read out loud comes back right. */
const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const HASH_CHARACTERS = 8;
const BITS = 5n;

/**
 * `CL` + region + local day of the shift + 8 characters of base32 of H(key, shift start). The shift
 * is the one that opened the clue; the number never changes (case-model §3, amendment 1).
 */
export function clueNumber(
  key: ClueKey,
  opened: { readonly region: RegionCode; readonly shiftStartMs: number; readonly timeZone: string },
): string {
  const { enterprise, post, factor, limitKind, kind } = key;
  const content = [enterprise, post, factor, limitKind, kind, opened.shiftStartMs];
  const digest = createHash('sha256').update(canonicalJson(content)).digest();
  let bits = digest.readBigUInt64BE();
  let hash = '';
  for (let i = 0; i < HASH_CHARACTERS; i += 1) {
    hash += BASE32[Number(bits >> (64n - BITS))];
    bits = BigInt.asUintN(64, bits << BITS);
  }
  return `CL${opened.region}${localDay(opened.shiftStartMs, opened.timeZone)}${hash}`;
}

/** `yyyyMMdd` of an instant in a zone. */
const localDay = (timeMs: number, timeZone: string): string =>
  new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
    .format(timeMs)
    .replaceAll('-', '');
