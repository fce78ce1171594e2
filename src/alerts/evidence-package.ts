import { createHash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { canonicalJson, sha256Hex } from '../model/digest.ts';
import type { ShiftResult } from '../model/exposure.ts';
import type { PackageRef } from './ledger.ts';

/** What a stranger needs to recompute one result. */
export interface EvidenceContent {
  readonly schemaVersion: 1;
  readonly clueNo: string;
  /** The revision for which it was made; a shift that waits may leave in a later one. */
  readonly revision: number;
  readonly result: ShiftResult;
  /** Argument of `evaluateRule`; null for a result that withdraws an exceedance. */
  readonly inputs: unknown;
}

export interface EvidencePackage extends PackageRef {
  readonly revision: number;
  /** zstd of the canonical JSON. */
  readonly body: Buffer;
}

/** Canonical JSON under its SHA-256, with its SM3 (GB/T 32905) beside it. */
export function makePackage(content: EvidenceContent): EvidencePackage {
  const json = Buffer.from(canonicalJson(content));
  return {
    packageId: sha256Hex(json),
    sm3: createHash('sm3').update(json).digest('hex'),
    bytes: json.length,
    revision: content.revision,
    body: zstdCompressSync(json),
  };
}
