import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GOLDEN_VECTORS } from './golden-vector.ts';

const FOLDER = 'test/thresholds';
const tests = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.test.ts') && name !== 'golden-complete.test.ts')
  .map((name) => readFileSync(`${FOLDER}/${name}`, 'utf8'));
/** Ids that tests name, and the families of ids that they take by `like(/…/)`. */
const ids = new Set(
  tests.flatMap((text) => [...text.matchAll(/'([\w.-]+)'/g)].map((match) => match[1]!)),
);
const families = tests.flatMap((text) =>
  [...text.matchAll(/like\(\/(.+?)\/\)/g)].map((match) => new RegExp(match[1]!)),
);

describe('the golden vectors', () => {
  it.each([...GOLDEN_VECTORS])('$id ($source) has a test', ({ id }) => {
    expect(ids.has(id) || families.some((family) => family.test(id))).toBe(true);
  });
});
