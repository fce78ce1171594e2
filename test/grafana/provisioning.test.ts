import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { dashboards, substituted } from './dashboards.ts';

const read = (file: string): Record<string, unknown> =>
  parse(readFileSync(`grafana/provisioning/${file}`, 'utf8'));

const sources = read('datasources/wugan.yaml')['datasources'] as {
  uid: string;
  type: string;
  editable: boolean;
  secureJsonData: Record<string, string>;
}[];

const panels = dashboards().flatMap((dashboard) =>
  dashboard.panels.map((panel) => ({ name: `${dashboard.uid} ${panel.id}`, panel })),
);

describe('the data sources', () => {
  it('hold no secret: it comes from a variable', () => {
    for (const { secureJsonData, editable } of sources) {
      expect(editable).toBe(false);
      for (const secret of Object.values(secureJsonData))
        expect(secret).toMatch(/^(Token )?\$[A-Z_]+$/);
    }
  });

  it('are those that panels and variables name', () => {
    const known = new Map(sources.map(({ uid, type }) => [uid, type]));
    for (const { panel } of panels) {
      for (const { datasource } of panel.targets) {
        expect(known.get(datasource.uid)).toBe(datasource.type);
      }
    }
    for (const { templating } of dashboards()) {
      for (const { datasource } of templating.list) expect(known.has(datasource.uid)).toBe(true);
    }
  });
});

describe('the dashboards', () => {
  it('are found where the provider looks, each with an id of its own', () => {
    const [provider] = read('dashboards/wugan.yaml')['providers'] as [
      { options: { path: string } },
    ];
    expect(provider.options.path).toBe('/var/lib/grafana/dashboards');
    const ids = dashboards().map(({ uid }) => uid);
    expect(ids).toEqual(['wugan-exposure', 'wugan-pipeline']);
  });

  it('say in Chinese and English what a panel shows and what to make of it', () => {
    for (const { name, panel } of panels) {
      expect(panel.title, name).toMatch(/\p{sc=Han}.* · .*[A-Za-z]/u);
      expect(panel.description, name).toMatch(/\p{sc=Han}.*[A-Za-z]/u);
    }
    for (const { title, templating } of dashboards()) {
      expect(title).toMatch(/\p{sc=Han}.* · [A-Z]/u);
      for (const { label } of templating.list) expect(label).toMatch(/\p{sc=Han}.*[A-Za-z]/u);
    }
  });

  it('give every panel a unit, thresholds and a place of its own', () => {
    for (const { name, panel } of panels) {
      expect(panel.fieldConfig.defaults.unit, name).toBeTruthy();
      expect(panel.fieldConfig.defaults.thresholds?.steps.length, name).toBeGreaterThan(0);
    }
    for (const dashboard of dashboards()) {
      const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
      );
      expect(new Set(cells).size).toBe(cells.length);
      expect(Math.max(...dashboard.panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24);
    }
  });
});

describe('substituted()', () => {
  const context = {
    ...{ fromMs: 1_000, toMs: 61_000, intervalMs: 10_000 },
    variables: { post: ["o'hara"], factor: ['co', 'a.b'] },
  };

  it('puts in what Grafana puts in', () => {
    expect(substituted(`x IN (\${factor:sqlstring}) = \${post:sqlstring}`, context)).toBe(
      "x IN ('co','a.b') = 'o''hara'",
    );
    expect(substituted(`/^\${factor:regex}$/ $timeFilter`, context)).toBe(
      '/^(co|a\\.b)$/ time >= 1000ms and time <= 61000ms',
    );
    expect(substituted("$__timeGroup(at, '5m') $__timeFilter(at) $__from", context)).toBe(
      "floor(extract(epoch from at)/300)*300 at BETWEEN '1970-01-01T00:00:01.000Z' AND '1970-01-01T00:01:01.000Z' 1000",
    );
  });

  it('throws on what Grafana would not know', () => {
    expect(() => substituted('$__timeGrope(x)', context)).toThrow('$__timeGrope');
    expect(() => substituted(`\${crew}`, context)).toThrow('no variable crew');
    expect(() => substituted(`\${factor}`, context)).toThrow('without a format');
  });
});
