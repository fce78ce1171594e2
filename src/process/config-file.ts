import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { fileFault } from './file-fault.ts';
import { expectation } from './zod-text.ts';

/** A settings file that can't be used: every fault at once, each with its place. */
export class ConfigError extends Error {
  readonly faults: readonly string[];

  constructor(file: string, faults: readonly string[]) {
    const [only] = faults;
    const isLine = faults.length === 1 && only?.includes('\n') === false;
    const text = isLine ? ` ${only}` : faults.map((fault) => `\n  - ${fault}`).join('');
    super(`Cannot use ${file}:${text}`);
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

/** A value in a fault is cut to so many characters. */
const FOUND_CHARS_MAX = 120;
const SECRET = /secret|token|password/i;

/** One line per fault: path, what was expected, what was found. Never shows a secret. */
export function describeIssues(error: z.ZodError, input: unknown): string[] {
  return error.issues.map((issue) => {
    const value = issue.path.reduce<unknown>(
      (node, key) => (node as Record<PropertyKey, unknown> | undefined)?.[key],
      input,
    );
    const path = issue.path.length === 0 ? '(top level)' : issue.path.join('.');
    return `${path}: ${expectation(issue.message)}${foundText(issue, value)}`;
  });
}

function foundText({ code, path }: z.core.$ZodIssue, value: unknown): string {
  // The message names the keys already; beside them the object may hold anything.
  if (code === 'unrecognized_keys') return '';
  const isSecret = path.some((key) => SECRET.test(String(key)));
  const shown = JSON.stringify(value, (key, member) => (SECRET.test(key) ? '…' : member));
  if (shown === undefined) return '; found nothing';
  if (isSecret) return '; what was found is not shown';
  const text = shown.replace(/\/\/[^/@\s]*@/g, '//…@');
  return `; found ${text.length > FOUND_CHARS_MAX ? `${text.slice(0, FOUND_CHARS_MAX)}…` : text}`;
}

/** Reads a file that the user named. Throws `ConfigError` that says why it can't be read. */
export function readNamedFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const fault = fileFault(error as NodeJS.ErrnoException) ?? (error as Error).message;
    throw new ConfigError(file, [`cannot be read: ${fault}`]);
  }
}

/** Reads a YAML file. Throws `ConfigError` with line numbers when it is not YAML. */
export function readYaml(file: string): unknown {
  const document = parseDocument(readNamedFile(file).toString(), { prettyErrors: true });
  if (document.errors.length > 0) {
    throw new ConfigError(
      file,
      document.errors.map((error) => error.message),
    );
  }
  try {
    return document.toJS();
  } catch (error) {
    // Aliases that unfold to more than anybody writes by hand.
    throw new ConfigError(file, [(error as Error).message]);
  }
}

/** Reads and checks a YAML file; all faults are reported together. The result is frozen by type. */
export function readConfig<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
): z.infer<Schema> {
  const input = readYaml(file);
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw new ConfigError(file, describeIssues(parsed.error, input));
  return parsed.data;
}

/** A variable of the environment and the path of the setting that it overrides. */
export type Variable = readonly [name: string, ...path: string[]];

/**
 * A settings file's content with what variables say in its place, to be checked like the file's own. An
 * empty variable is none: that is how a compose file passes what is not set.
 */
export function withVariables(
  input: unknown,
  variables: readonly Variable[],
  environment: Readonly<Record<string, string | undefined>>,
): unknown {
  if (typeof input !== 'object' || input === null) return input;
  return variables.reduce<unknown>((changed, [name, ...path]) => {
    const value = environment[name];
    return value === undefined || value === '' ? changed : withMember(changed, path, value);
  }, input);
}

function withMember(node: unknown, [name, ...rest]: readonly string[], value: string): unknown {
  if (name === undefined) return value;
  const members = node as Readonly<Record<string, unknown>> | undefined;
  return { ...members, [name]: withMember(members?.[name], rest, value) };
}
