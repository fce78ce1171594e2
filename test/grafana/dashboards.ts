import { readdirSync, readFileSync } from 'node:fs';

export interface Target {
  readonly refId: string;
  readonly datasource: { readonly type: string; readonly uid: string };
  readonly query?: string;
  readonly rawSql?: string;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly datasource: { readonly uid: string };
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly fieldConfig: {
    readonly defaults: {
      readonly unit?: string;
      readonly thresholds?: { readonly steps: unknown[] };
    };
    readonly overrides: readonly {
      readonly matcher: { readonly id: string; readonly options: string };
    }[];
  };
  readonly targets: readonly Target[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly label: string;
      readonly query: string;
      readonly datasource: { readonly uid: string };
    }[];
  };
}

const FOLDER = 'grafana/dashboards';

export const dashboards = (): Dashboard[] =>
  readdirSync(FOLDER)
    .sort()
    .map((file) => JSON.parse(readFileSync(`${FOLDER}/${file}`, 'utf8')) as Dashboard);

/** What Grafana puts into a query before it is sent. */
export interface QueryContext {
  readonly fromMs: number;
  readonly toMs: number;
  readonly intervalMs: number;
  readonly variables: Readonly<Record<string, readonly string[]>>;
}

const regexOf = (value: string): string => value.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/** The formats of Grafana's variables that the dashboards use. */
function formatted(values: readonly string[], format: string | undefined): string {
  switch (format) {
    case 'sqlstring':
      return values.map((value) => `'${value.replaceAll("'", "''")}'`).join(',');
    case 'regex':
      return values.length === 1
        ? regexOf(values[0] as string)
        : `(${values.map(regexOf).join('|')})`;
    case undefined:
      if (values.length !== 1) throw new Error('a variable of several values without a format');
      return values[0] as string;
    default:
      throw new Error(`unknown format ${format}`);
  }
}

const iso = (timeMs: number): string => new Date(timeMs).toISOString();

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 };

/**
 * A query as Grafana sends it: variables, global variables, and the macros of the two data sources.
 * Throws on what Grafana would leave in it.
 */
export function substituted(query: string, context: QueryContext): string {
  const { fromMs, toMs, intervalMs, variables } = context;
  const text = query
    .replaceAll('$timeFilter', `time >= ${fromMs}ms and time <= ${toMs}ms`)
    .replace(
      /\$__timeFilter\((\w+)\)/g,
      (_, column) => `${column} BETWEEN '${iso(fromMs)}' AND '${iso(toMs)}'`,
    )
    .replace(
      /\$__timeGroup\((\w+),\s*'(\d+)([smhd])'\)/g,
      (_, column, count, unit: keyof typeof SECONDS) => {
        const seconds = Number(count) * SECONDS[unit];
        return `floor(extract(epoch from ${column})/${seconds})*${seconds}`;
      },
    )
    .replace(/\$__from\b/g, String(fromMs))
    .replace(/\$__to\b/g, String(toMs))
    .replace(/\$__interval\b/g, `${intervalMs / 1_000}s`)
    .replace(/\$\{(\w+)(?::(\w+))?\}/g, (_, name: string, format: string | undefined) => {
      const values = variables[name];
      if (values === undefined) throw new Error(`no variable ${name}`);
      return formatted(values, format);
    });
  const left = /\$[A-Za-z_{][\w:]*/.exec(text);
  if (left !== null) throw new Error(`Grafana knows no ${left[0]}`);
  return text;
}
