import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codesIn, readDoc, rowsOf, sectionOf } from './markdown.ts';

const rows = rowsOf(
  sectionOf(readDoc('docs/sparkplug.md'), '## Assertions of the specification'),
).map(([ids, answer]) => ({ ids: codesIn(ids), answer: String(answer) }));

/** All ids of the specification, each with whom it binds. */
const ids = readFileSync('test/telemetry/sparkplug/assertion-ids.txt', 'utf8')
  .trim()
  .split('\n')
  .map((line) => line.split(' ') as [binds: string, id: string]);

/** Sources of the tests that the table may name. */
const sources = ['test/telemetry/sparkplug', 'test/ingest/sparkplug']
  .flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => file.endsWith('.test.ts'))
      .map((file) => readFileSync(`${folder}/${file}`, 'utf8')),
  )
  .join('\n');

describe('the table of host assertions', () => {
  it('has every assertion that binds a host, once', () => {
    const wanted = ids.filter(([binds]) => binds === 'host').map(([, id]) => id);
    expect(wanted.length).toBeGreaterThan(80);
    expect(rows.flatMap((row) => row.ids).sort()).toEqual(wanted.sort());
  });

  it('comes from all assertions of the specification', () => {
    expect(new Set(ids.map(([, id]) => id)).size).toBe(287);
    // Who speaks of the host or its topics in its name binds it, or an edge node that waits for one.
    const others = ids.filter(
      ([binds, id]) => binds === 'edge' && /(host|phid|hid|state)-/.test(id),
    );
    const ofEdgeNodes = /^(message-flow-edge-node|operational-behavior-(edge-node|primary))/;
    expect(others.filter(([, id]) => !ofEdgeNodes.test(id))).toEqual([]);
  });

  it('names tests that there are, or says why there is none', () => {
    const unknown = rows.filter(
      ({ answer }) => !sources.includes(`'${answer}'`) && !/^none: .{20,}/.test(answer),
    );
    expect(unknown).toEqual([]);
  });
});
