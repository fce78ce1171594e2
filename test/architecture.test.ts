import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** What each folder of `src/` may import from, besides itself (docs/architecture.md). */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  model: [],
  process: ['model', 'telemetry'],
  telemetry: ['model'],
  gateway: ['telemetry', 'model', 'process'],
  thresholds: ['model'],
  database: ['model', 'process'],
  devices: ['database', 'model', 'process'],
  ingest: ['telemetry', 'thresholds', 'devices', 'database', 'model', 'process'],
  alerts: ['thresholds', 'devices', 'database', 'model', 'process'],
  api: ['alerts', 'ingest', 'thresholds', 'devices', 'database', 'model', 'process'],
  console: [],
  hub: [
    'api',
    'alerts',
    'ingest',
    'thresholds',
    'devices',
    'database',
    'telemetry',
    'model',
    'process',
  ],
};

const BANNED_NAMES = /(^|\/)(utils?|helpers?|common|misc|index)\.tsx?$/;
const SOURCE_LINES_MAX = 400;

const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { encoding: 'utf8' })
  .split('\n')
  .filter((file) => /\.(ts|js)$/.test(file));
const sources = tracked.filter((file) => file.startsWith('src/'));
const read = (file: string): string => readFileSync(file, 'utf8');

/** Specifiers of static and dynamic imports and re-exports. */
const importsOf = (file: string): string[] =>
  [...read(file).matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] as string);

const resolved = (file: string, specifier: string): string =>
  normalize(join(dirname(file), specifier));

describe('the house', () => {
  it('imports only along the flow of the data', () => {
    const wrong = sources.flatMap((file) => {
      const folder = file.split('/')[1] as string;
      return importsOf(file)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => resolved(file, specifier))
        .filter((target) => {
          const [root, targetFolder] = target.split('/');
          if (root !== 'src') return true;
          return targetFolder !== folder && !MAY_IMPORT[folder]?.includes(targetFolder as string);
        })
        .map((target) => `${file} imports ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  it('knows every folder of src', () => {
    const folders = new Set(sources.map((file) => file.split('/')[1]));
    expect([...folders].filter((folder) => !(String(folder) in MAY_IMPORT))).toEqual([]);
  });

  it('keeps the vocabulary free of everything but zod and hashing', () => {
    const wrong = sources
      .filter((file) => file.startsWith('src/model/'))
      .flatMap((file) => importsOf(file).map((specifier) => `${file}: ${specifier}`))
      .filter((line) => !/: (\.\/|zod$|node:crypto$)/.test(line));
    expect(wrong).toEqual([]);
  });

  it('keeps src/thresholds pure: no I/O, no clock, no logger, no timers, no async', () => {
    const impure =
      /\basync\b|\bawait\b|\bPromise\b|Date\.now\(|new Date\(\)|performance\.|set(Timeout|Interval|Immediate)\(|node:(?!crypto)|\bconsole\.|\bprocess\.|Math\.random/;
    const wrong = sources
      .filter((file) => file.startsWith('src/thresholds/'))
      .flatMap((file) =>
        read(file)
          .split('\n')
          .map((line, i) => ({
            line: line.replace(/\/\/.*|^\s*\*.*|\/\*\*.*\*\//, ''),
            at: `${file}:${i + 1}`,
          }))
          .filter(({ line }) => impure.test(line))
          .map(({ at, line }) => `${at} ${line.trim()}`),
      );
    expect(wrong).toEqual([]);
  });

  it('has no file named after nothing', () => {
    expect(tracked.filter((file) => BANNED_NAMES.test(file))).toEqual([]);
  });

  it(`keeps source files at ${SOURCE_LINES_MAX} lines or fewer`, () => {
    const long = tracked
      .filter((file) => /^(src|cli|simulators|bench)\//.test(file) && !file.includes('/public/'))
      .map((file) => ({ file, lines: read(file).split('\n').length }))
      .filter(({ lines }) => lines > SOURCE_LINES_MAX);
    expect(long).toEqual([]);
  });

  it('reads settings from the environment in config files only', () => {
    const wrong = tracked
      .filter((file) => /^(src|cli|simulators)\//.test(file) && !file.endsWith('config.ts'))
      .filter((file) => read(file).includes('process.env'));
    expect(wrong).toEqual([]);
  });

  it('has no dead file: every source is imported by another file or started by hand', () => {
    const starts = new Set(['cli/main.ts']);
    const everything = tracked.filter((file) => !file.endsWith('.config.ts'));
    const targets = new Set(
      everything.flatMap((file) =>
        importsOf(file)
          .filter((specifier) => specifier.startsWith('.'))
          .map((specifier) => resolved(file, specifier)),
      ),
    );
    const dead = tracked
      .filter((file) => /^(src|cli|simulators)\//.test(file) && !file.includes('/public/'))
      .filter((file) => !targets.has(file) && !starts.has(file));
    expect(dead).toEqual([]);
  });

  it('has no focused or skipped test, and no way around the types', () => {
    const wrong = tracked
      .filter((file) => file !== 'test/architecture.test.ts')
      .filter((file) =>
        /\b(it|test|describe)\.(skip|only|todo|fails)\b|@ts-(ignore|expect-error|nocheck)|\bas any\b|: any(?=[\s]*[;,)=\]|>{[])/.test(
          read(file),
        ),
      );
    expect(wrong).toEqual([]);
  });
});
