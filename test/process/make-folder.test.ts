import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSpoolDatabase } from '../../src/gateway/spool-schema.ts';
import { GatewayId } from '../../src/model/ids.ts';
import { ConfigError } from '../../src/process/config-file.ts';
import { readOrMakeKey } from '../../src/process/key-file.ts';
import { makeFolder, makeFolderOf } from '../../src/process/make-folder.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wugan-folder-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('makeFolder()', () => {
  it('makes what is missing of a path, and leaves what is there', () => {
    makeFolder(join(root, 'a/b/c'));
    makeFolder(join(root, 'a/b'));
    expect(statSync(join(root, 'a/b/c')).isDirectory()).toBe(true);
  });

  it('says what is wrong below a file system that takes no folders, and below a file', () => {
    writeFileSync(join(root, 'file'), '');
    expect(() => makeFolder('/proc/wugan/a/b')).toThrow('ENOENT');
    expect(() => makeFolder(join(root, 'file/a'))).toThrow('EEXIST');
  });
});

describe('a file whose folder cannot be made', () => {
  const refusal = (file: string, folder: string): ConfigError =>
    new ConfigError(file, [`its folder ${folder} cannot be made: ENOENT`]);

  it.each([
    ['makeFolderOf()', makeFolderOf],
    ['a key', readOrMakeKey],
    ['a spool', (file: string) => openSpoolDatabase(file, GatewayId.parse('gw-1'), 0)],
  ])('is named together with its folder: %s', (_, make) => {
    expect(() => make('/proc/wugan/a/file')).toThrow(
      refusal('/proc/wugan/a/file', '/proc/wugan/a'),
    );
  });
});
