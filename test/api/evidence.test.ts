import { zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EvidencePackage, makePackage } from '../../src/alerts/evidence-package.ts';
import { sha256Hex } from '../../src/model/digest.ts';
import { insertPackage } from '../console/sample-day.ts';
import { insertClue, resultOf } from './rows.ts';
import { createTestApi, type TestApi } from './test-api.ts';

const CLUE_NO = 'CL33010620251124AAAAAA01';

let api: TestApi;
let evidence: EvidencePackage;

beforeAll(async () => {
  api = await createTestApi();
  const result = resultOf({ verdict: 'exceeded' });
  await insertClue(api.db, {
    clueNo: CLUE_NO,
    state: 'READY',
    pos: 1,
    result,
    enterpriseName: '示例铸造',
    postName: '浇注',
  });
  evidence = makePackage({ schemaVersion: 1, clueNo: CLUE_NO, revision: 1, result, inputs: [1.5] });
  await insertPackage(api.db, CLUE_NO, evidence);
});

afterAll(() => api.close());

const fetchPackage = (packageId: string, headers: Record<string, string> = {}) =>
  api.app.inject({ url: `/api/v1/evidence/${packageId}`, headers });

describe('GET /api/v1/evidence/:packageId', () => {
  it('gives the canonical JSON byte for byte: its SHA-256 is the package id', async () => {
    const answer = await fetchPackage(evidence.packageId);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toContain('application/json');
    expect(sha256Hex(answer.rawPayload)).toBe(evidence.packageId);
    expect(answer.json()).toMatchObject({ clueNo: CLUE_NO, inputs: [1.5] });
  });

  it('answers 304 to who has it already', async () => {
    const first = await fetchPackage(evidence.packageId);
    const etag = String(first.headers.etag);
    const second = await fetchPackage(evidence.packageId, { 'if-none-match': etag });
    expect(etag).toBe(`"${evidence.packageId}"`);
    expect(second.statusCode).toBe(304);
    expect(second.rawPayload).toHaveLength(0);
  });

  it('says so when there is no such package', async () => {
    const answer = await fetchPackage('0'.repeat(64));
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({ error: { code: 'EVIDENCE_NOT_FOUND' } });
  });

  it('refuses what is no SHA-256', async () => {
    const answer = await fetchPackage('latest');
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ error: { code: 'INVALID_REQUEST' } });
  });

  it.each([
    ['changed', zstdCompressSync('{"changed":true}')],
    ['cut', zstdCompressSync('{"x":"aaaaaaaaaaaaaaaaaaaaaaaa"}').subarray(0, 9)],
  ])('never gives a package whose stored bytes were %s', async (how, body) => {
    const packageId = sha256Hex(how);
    await insertPackage(api.db, CLUE_NO, { ...evidence, packageId, body });
    const answer = await fetchPackage(packageId);
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toMatchObject({ error: { code: 'EVIDENCE_DAMAGED' } });
  });
});
