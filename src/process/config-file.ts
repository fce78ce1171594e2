import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import type { z } from 'zod';

/** A settings file that can't be used: every fault at once, each with its place. */
export class ConfigError extends Error {
  readonly faults: readonly string[];

  constructor(file: string, faults: readonly string[]) {
    super(`Cannot use ${file}:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

/** One line per fault: path, value, what was expected. */
export function describeIssues(error: z.ZodError, input: unknown): string[] {
  return error.issues.map((issue) => {
    const value = issue.path.reduce<unknown>(
      (node, key) => (node as Record<PropertyKey, unknown> | undefined)?.[key],
      input,
    );
    const path = issue.path.length === 0 ? '(top level)' : issue.path.join('.');
    return `${path}: ${issue.message}; found ${JSON.stringify(value) ?? 'nothing'}`;
  });
}

/** Reads a YAML file. Throws `ConfigError` with line numbers when it is not YAML. */
export function readYaml(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(file, [`cannot be read: ${(error as NodeJS.ErrnoException).code}`]);
  }
  const document = parseDocument(text, { prettyErrors: true });
  if (document.errors.length > 0) {
    throw new ConfigError(
      file,
      document.errors.map((error) => error.message),
    );
  }
  return document.toJS();
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
