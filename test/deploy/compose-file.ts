import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { requireDebianPackage } from '../debian-packages.ts';

export interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile?: string };
  readonly command?: unknown;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly restart?: string;
  readonly profiles?: readonly string[];
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

export const COMPOSE_FILE = 'docker-compose.yml';
export const composeText = (): string => readFileSync(COMPOSE_FILE, 'utf8');

/** As written: variables are not filled in. */
export const composeFile = (): ComposeFile => parse(composeText(), { merge: true }) as ComposeFile;

/** One variable of the file: `${NAME:-default}` or `${NAME:?what to do}`. */
export interface Variable {
  readonly name: string;
  readonly isRequired: boolean;
  readonly fallback: string | null;
}

export const variablesOf = (text: string): Variable[] =>
  [...text.matchAll(/(?<!\$)\$\{(\w+)(?:(:[-?])([^}]*))?\}/g)].map(([, name, kind, rest]) => ({
    name: name as string,
    isRequired: kind === ':?',
    fallback: kind === ':-' ? (rest ?? '') : null,
  }));

/** `NAME=value` lines. */
export const envExample = (): Map<string, string> =>
  new Map(
    readFileSync('.env.example', 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

/** Values as an operator would fill them in. */
export const filledEnv = (): Map<string, string> =>
  new Map(
    [...envExample()].map(([name, value]) => {
      if (value !== '') return [name, value];
      if (name === 'PLATFORM_URL') return [name, 'https://platform.example/api'];
      return [name, `s3cret${name.toLowerCase().replaceAll('_', '')}`];
    }),
  );

/**
 * The Compose Specification's own schema, as Debian's docker-compose carries it; without the names of its
 * draft and parts, which Ajv expects spelt otherwise and nothing refers to.
 */
export async function specificationSchema(): Promise<object> {
  const file = '/usr/lib/python3/dist-packages/compose/config/compose_spec.json';
  const text = readFileSync(await requireDebianPackage('docker-compose', file), 'utf8');
  return JSON.parse(text, (key, value: unknown) =>
    (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
  ) as object;
}

/** What `docker-compose config` makes of the file with these values; no engine is asked. */
export async function resolvedBy(
  values: ReadonlyMap<string, string>,
): Promise<{ file: ComposeFile; warnings: string } | { error: string }> {
  const binary = await requireDebianPackage('docker-compose', 'docker-compose');
  const folder = mkdtempSync(join(tmpdir(), 'wugan-compose-'));
  const file = join(folder, 'env');
  writeFileSync(file, [...values].map(([name, value]) => `${name}=${value}\n`).join(''));
  try {
    const { stdout, stderr } = await promisify(execFile)(
      binary,
      ['-f', COMPOSE_FILE, '--env-file', file, '--profile', 'gateway', 'config'],
      { env: { PATH: process.env['PATH'], HOME: folder } },
    );
    return { file: parse(stdout) as ComposeFile, warnings: stderr };
  } catch (error) {
    return { error: (error as { stderr: string }).stderr };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
