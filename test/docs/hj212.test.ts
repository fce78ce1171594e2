import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkRegistry } from '../../src/devices/registry-file.ts';
import { HubConfig } from '../../src/hub/config.ts';
import { knownLimits } from '../../src/hub/known-limits.ts';
import { HJ212_DEVIATIONS } from '../../src/model/hj212.ts';
import { HJ212_REASONS } from '../../src/telemetry/hj212/reading-reasons.ts';
import { blocksOf, codesIn, readDoc, rowsOf, sectionOf } from './markdown.ts';

const page = readDoc('docs/hj212.md');
const contracts = readDoc('docs/contracts.md');

describe('the page on HJ 212', () => {
  it('explains every deviation with the words of the code', () => {
    const rows = rowsOf(sectionOf(page, '## Deviations')).map(([name, text]) => [
      codesIn(name)[0],
      text,
    ]);
    expect(Object.fromEntries(rows)).toEqual(HJ212_DEVIATIONS);
  });

  it('explains every reason, and whether it is answered', () => {
    const rows = rowsOf(sectionOf(page, '## Dead letters')).map(([name, meaning, answered]) => [
      codesIn(name)[0],
      { meaning, isAnswered: answered === 'yes' },
    ]);
    expect(Object.fromEntries(rows)).toEqual(HJ212_REASONS);
  });

  it('shows settings that a hub takes', () => {
    const [settings] = blocksOf(page, 'yaml hub');
    const alerts = { platform: { url: 'https://p.example', accessKey: 'a', secretKey: 'secret' } };
    const parsed = HubConfig.parse({
      ...{ registry: 'registry.yaml', alerts },
      ...(parse(settings as string) as object),
    });
    expect(parsed.ingest.hj212).toMatchObject({ host: '0.0.0.0', port: 5_212, keys: [] });
  });

  it('shows a registration that the registry takes, beside what it refers to', () => {
    const [registration] = blocksOf(page, 'yaml registry');
    const [whole] = blocksOf(contracts, 'yaml').filter((text) =>
      text.startsWith('# registry.yaml'),
    );
    const registry = parse(whole as string) as Record<string, object[]>;
    const shown = parse(registration as string) as Record<string, object[]>;
    const [post] = registry['posts'] as { id: string }[];
    const merged = {
      ...registry,
      points: [...registry['points']!, { id: 'pt-07', post: post!.id, location: 'door' }],
      gateways: [...registry['gateways']!, ...shown['gateways']!],
      devices: [...registry['devices']!, ...shown['devices']!],
    };
    const context = { nowMs: Date.parse('2026-11-24'), limitSets: knownLimits() };
    expect(checkRegistry(merged, context).faults).toEqual([]);
  });
});
