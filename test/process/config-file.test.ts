import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigError, readConfig } from '../../src/process/config-file.ts';

const Settings = z.strictObject({
  port: z.number(),
  url: z.url().optional(),
  token: z.number().optional(),
  list: z.array(z.string()).optional(),
  nested: z.strictObject({}).optional(),
});

const folder = mkdtempSync(join(tmpdir(), 'wugan-config-'));

function faultsOf(text: string): readonly string[] {
  const file = join(folder, 'settings.yaml');
  writeFileSync(file, text);
  try {
    readConfig(file, Settings);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe('readConfig()', () => {
  it('says of each setting what was expected and what was found', () => {
    expect(faultsOf('port: abc')).toEqual(['port: expected number; found "abc"']);
    expect(faultsOf('prot: 1')).toEqual([
      'port: expected number; found nothing',
      '(top level): Unrecognized key: "prot"',
    ]);
  });

  it('shows no secret', () => {
    const text = [
      'port: 1',
      'token: s3cret',
      'url: { password: s3cret }',
      'list: [{ secretKey: s3cret }]',
      'nested: { key: s3cret }',
      'more: s3cret',
    ].join('\n');
    expect(faultsOf(text)).toHaveLength(5);
    expect(faultsOf(text).join('\n')).not.toContain('s3cret');
    expect(faultsOf('port: "postgres://wugan:s3cret@127.0.0.1/wugan"')).toEqual([
      'port: expected number; found "postgres://…@127.0.0.1/wugan"',
    ]);
  });

  it('cuts a long value', () => {
    const [fault] = faultsOf(`port: ${'a'.repeat(10_000)}`);
    expect(fault?.length).toBeLessThan(200);
  });

  it('refuses aliases that unfold without end, in words', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...['b: &b a', 'c: &c b', 'd: &d c'].map((one) =>
        one.replace(/ (.)$/, (_, name) => ` [${Array(9).fill(`*${name}`).join(',')}]`),
      ),
    ].join('\n');
    expect(faultsOf(bomb)).toEqual([expect.stringContaining('alias')]);
  });

  it('names a file that is a folder', () => {
    expect(() => readConfig(folder, Settings)).toThrow(
      `Cannot use ${folder}: cannot be read: it is a folder (EISDIR)`,
    );
  });
});
