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
