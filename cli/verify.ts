import { z } from 'zod';
import { canonicalJson, sha256Hex } from '../src/model/digest.ts';
import { Sha256Hex } from '../src/model/ids.ts';
import { ConfigError, readNamedFile } from '../src/process/config-file.ts';
import { evaluateRule } from '../src/thresholds/evaluate-rule.ts';
import type { RuleInputs } from '../src/thresholds/rule-inputs.ts';
import { printable } from './printable.ts';
import { type RawFinding, verifyRaw } from './verify-raw.ts';

/** What of a package is looked at; the rest is covered by its hash. */
const Package = z.looseObject({
  schemaVersion: z.literal(1),
  clueNo: z.string(),
  result: z.looseObject({
    resultHash: Sha256Hex,
    inputHash: Sha256Hex,
    verdict: z.string(),
    limit: z.looseObject({ kind: z.string(), value: z.number(), unit: z.string() }),
    window: z.looseObject({ lowerBound: z.number() }),
  }),
  inputs: z.looseObject({ v: z.literal(1) }),
});

export interface VerifyOptions {
  /** The package id that the clue names. */
  readonly id?: string;
  /** File with the raw messages behind the package. */
  readonly raw?: string;
  /** Registered public keys of the gateways, raw Ed25519 in base64. */
  readonly key?: readonly string[];
}

const ED25519_KEY_BYTES = 32;

/**
 * `wugan verify`: recomputes an evidence package offline, from its file alone. True only when its bytes
 * have the expected id and its inputs give its result, hash for hash; with `raw` also only when the raw
 * messages bear it out. Throws `ConfigError` for a file that can't be read and a key that is none.
 */
export function verifyPackage(
  file: string,
  { id: expectedId, raw: rawFile, key: keys = [] }: VerifyOptions,
): boolean {
  for (const key of keys) {
    if (Buffer.from(key, 'base64').length !== ED25519_KEY_BYTES) {
      throw new ConfigError('--key', [`expected a public key, 44 characters; found ${key}`]);
    }
  }
  const bytes = readNamedFile(file);
  const rawBytes = rawFile === undefined ? undefined : readNamedFile(rawFile);
  const packageId = sha256Hex(bytes);
  const say = (isRight: boolean, text: string): boolean => {
    console.log(`${isRight ? 'ok   ' : 'WRONG'} ${printable(text)}`);
    return isRight;
  };
  const isId =
    expectedId === undefined
      ? say(true, `package id (SHA-256 of the bytes): ${packageId}; compare it with the clue's`)
      : say(packageId === expectedId, `package id is ${packageId}, expected ${expectedId}`);
  const parsed = Package.safeParse(jsonOf(bytes.toString('utf8')));
  if (!parsed.success) return say(false, `${file} is no evidence package`);
  const { clueNo, result, inputs } = parsed.data;
  const { limit, window, verdict } = result;
  const named = `clue ${clueNo}: ${limit.kind}, lower bound ${window.lowerBound}`;
  console.log(printable(`      ${named} against ${limit.value} ${limit.unit}: ${verdict}`));
  const isResult = isRecomputed(inputs as unknown as RuleInputs, result, say);
  const isRaw =
    rawBytes === undefined ||
    rawFindings(rawBytes, inputs as unknown as RuleInputs, keys)
      .map(({ isRight, text }) => say(isRight, text))
      .every((isRight) => isRight);
  return isId && isResult && isRaw;
}

type Say = (isRight: boolean, text: string) => boolean;

function isRecomputed(
  inputs: RuleInputs,
  result: z.infer<typeof Package>['result'],
  say: Say,
): boolean {
  try {
    const recomputed = evaluateRule(inputs);
    const isInput = say(
      recomputed.inputHash === result.inputHash,
      'the inputs have the hash that the result names',
    );
    // The whole result, not its hash alone: what is printed in the clue must be what was computed.
    const { revision: _, ...named } = result;
    const isResult = say(
      canonicalJson(recomputed) === canonicalJson(named),
      `the inputs give ${recomputed.verdict}, lower bound ${recomputed.window.lowerBound}; result hash ${recomputed.resultHash}`,
    );
    return isInput && isResult;
  } catch (error) {
    return say(false, `the inputs can't be evaluated: ${(error as Error).message}`);
  }
}

function rawFindings(
  bytes: Buffer,
  inputs: RuleInputs,
  keys: readonly string[],
): readonly RawFinding[] {
  try {
    return verifyRaw(bytes.toString(), inputs, keys);
  } catch (error) {
    const text = `the raw messages can't be read: ${(error as Error).message}`;
    return [{ isRight: false, text }];
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
