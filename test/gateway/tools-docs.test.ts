import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { GatewayConfig } from '../../src/gateway/config.ts';
import { DeviceTemplate } from '../../src/gateway/template.ts';
import { TemplateUse, withTemplates } from '../../src/gateway/template-use.ts';
import { type Setting, settingsOf } from './schema-settings.ts';

const docs = readFileSync(new URL('../../docs/gateway.md', import.meta.url), 'utf8');
const [, settingsPart = '', templatesPart = ''] = docs.split(/^## (?:Settings|Templates)$/m);

/** Rows of the tables of settings: name and default. */
const rowsOf = (part: string): Setting[] =>
  [...part.matchAll(/^\| `([^`]+)` \| (required|optional|`[^|]*`) \|/gm)].map(
    ([, path = '', fallback = '']) => ({ path, fallback: fallback.replaceAll('`', '') }),
  );

const sorted = (settings: readonly Setting[]): string[] =>
  settings.map(({ path, fallback }) => `${path} = ${fallback}`).sort();

describe('docs/gateway.md', () => {
  it('names every setting of gateway.yaml with its default, and no other', () => {
    const device = 'buses[].devices[].';
    const own = settingsOf(GatewayConfig).filter(
      ({ path }) => !path.startsWith(`${device}points`) && !path.startsWith(`${device}protocol`),
    );
    const use = settingsOf(TemplateUse).map(({ path }) => `${device}${path}`);
    const fromTemplate = [...use, `${device}points`, `${device}protocol`].map((path) => ({
      path,
      fallback: 'optional',
    }));
    expect(sorted(rowsOf(settingsPart))).toEqual(sorted([...own, ...fromTemplate]));
  });

  it('names every setting of a template with its default, and no other', () => {
    expect(sorted(rowsOf(templatesPart))).toEqual(sorted(settingsOf(DeviceTemplate)));
  });

  it('names every metric of the gateway, and no other', () => {
    const source = new URL('../../src/gateway/status-metrics.ts', import.meta.url);
    const metric = /wugan_gateway_[a-z0-9_]+/g;
    const namesOf = (text: string): string[] => [...new Set(text.match(metric))].sort();
    const [, part = ''] = docs.split(/^## Metrics$/m);
    expect(namesOf(part)).toEqual(namesOf(readFileSync(source, 'utf8')));
    expect(namesOf(part).length).toBeGreaterThan(15);
  });

  it('shows examples that are sound', () => {
    const blocks = [...docs.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text = '']) => text);
    const [config, template] = blocks.map((text) => parse(text));
    const key = `${'A'.repeat(43)}=`;
    const filled = withTemplates({ ...config, hubPublicKey: key }, 'gateway.yaml', '/');
    expect(GatewayConfig.safeParse(filled).error).toBeUndefined();
    expect(DeviceTemplate.safeParse(template).error).toBeUndefined();
  });

  it('counts the templates that come with the program', () => {
    const folder = new URL('../../src/gateway/templates/', import.meta.url);
    const count = readdirSync(folder).filter((name) => name.endsWith('.yaml')).length;
    const words = ['eight', 'nine', 'ten', 'eleven', 'twelve'];
    expect(docs).toContain(`The ${words[count - 8]} that come with the program`);
  });
});
