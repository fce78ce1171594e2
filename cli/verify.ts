import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { canonicalJson, sha256Hex } from '../src/model/digest.ts';
import { Sha256Hex } from '../src/model/ids.ts';
import { evaluateRule } from '../src/thresholds/evaluate-rule.ts';
import type { RuleInputs } from '../src/thresholds/rule-inputs.ts';
import { verifyRaw } from './verify-raw.ts';

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

/**
 * `wugan verify`: recomputes an evidence package offline, from its file alone. True only when its bytes
 * have the expected id and its inputs give its result, hash for hash.
 */
export function verifyPackage(
  file: string,
  { id: expectedId, raw: rawFile, key: keys = [] }: VerifyOptions,
): boolean {
  const bytes = readFileSync(file);
  const packageId = sha256Hex(bytes);
  const say = (isRight: boolean, text: string): boolean => {
    console.log(`${isRight ? 'ok   ' : 'WRONG'} ${text}`);
    return isRight;
  };
  const isId =
    expectedId === undefined
      ? say(true, `package id (SHA-256 of the bytes): ${packageId}; compare it with the clue's`)
      : say(packageId === expectedId, `package id is ${packageId}, expected ${expectedId}`);
  const parsed = Package.safeParse(jsonOf(bytes.toString('utf8')));
  if (!parsed.success)
    return say(false, `not an evidence package: ${z.prettifyError(parsed.error)}`);
  const { clueNo, result, inputs } = parsed.data;
  const { limit, window, verdict } = result;
  console.log(
    `      clue ${clueNo}: ${limit.kind}, lower bound ${window.lowerBound} against ` +
      `${limit.value} ${limit.unit}: ${verdict}`,
  );
  try {
    const recomputed = evaluateRule(inputs as unknown as RuleInputs);
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
    if (rawFile === undefined) return isId && isInput && isResult;
    const found = verifyRaw(rawFile, inputs as unknown as RuleInputs, keys);
    for (const { isRight, text } of found) say(isRight, text);
    return isId && isInput && isResult && found.every(({ isRight }) => isRight);
  } catch (error) {
    return say(false, `the inputs can't be evaluated: ${(error as Error).message}`);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
