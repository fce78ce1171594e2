import { describe, expect, it } from 'vitest';
import { readHostState, writeHostState } from '../../../src/telemetry/sparkplug/host-state.ts';
import {
  hostSubscriptions,
  parseSparkplugTopic,
  sparkplugTopicOf,
  stateTopicOf,
} from '../../../src/telemetry/sparkplug/sparkplug-topic.ts';

describe('the STATE of a host', () => {
  it('is UTF-8 JSON of online and timestamp, and nothing else', () => {
    const raw = writeHostState({ online: true, timestamp: 1_763_794_800_000 });
    expect(raw.toString('utf8')).toBe('{"online":true,"timestamp":1763794800000}');
    expect(readHostState(raw)).toEqual({ online: true, timestamp: 1_763_794_800_000 });
  });

  it('stands under the name of the host', () => {
    expect(stateTopicOf('wugan-330106')).toBe('spBv1.0/STATE/wugan-330106');
  });

  it.each([
    '',
    'OFFLINE',
    'null',
    '[]',
    '{"online":1,"timestamp":2}',
    '{"online":false}',
    '\u0000',
  ])('is not read from %j', (text) => expect(readHostState(Buffer.from(text))).toBeNull());
});

describe('topics of edge nodes', () => {
  it.each([
    ['spBv1.0/Plant/NDATA/edge-1', { kind: 'NDATA', device: null }],
    ['spBv1.0/Plant/DDATA/edge-1/dev a', { kind: 'DDATA', device: 'dev a' }],
    ['spBv1.0/Plant/NCMD/edge-1', { kind: 'NCMD', device: null }],
  ])('%s', (topic, expected) => {
    const parsed = parseSparkplugTopic(topic);
    expect(parsed).toEqual({
      ok: true,
      value: { group: 'Plant', edgeNode: 'edge-1', ...expected },
    });
    if (parsed.ok) expect(sparkplugTopicOf(parsed.value)).toBe(topic);
  });

  it.each([
    ['spBv1.0/STATE/host', 'not-ours'],
    ['spAv1.0/Plant/NDATA/edge-1', 'not-ours'],
    ['STATE/host', 'not-ours'],
    ['spBv1.0/Plant/DDATA/edge-1', 'malformed'],
    ['spBv1.0/Plant/NDATA/edge-1/dev', 'malformed'],
    ['spBv1.0/Plant/DDATA/edge-1/dev/x', 'malformed'],
    ['spBv1.0/Plant/DDATA/edge-1/', 'malformed'],
    ['spBv1.0//NDATA/edge-1', 'malformed'],
    ['spBv1.0/Plant/NDATA/', 'malformed'],
    ['spBv1.0/Plant/XDATA/edge-1', 'malformed'],
    ['spBv1.0/Plant', 'malformed'],
  ])('refuses %s: %s', (topic, reason) => {
    expect(parseSparkplugTopic(topic)).toMatchObject({ ok: false, reason });
  });

  it('are subscribed to by group, or all, beside the own STATE', () => {
    expect(hostSubscriptions('h', [])).toEqual(['spBv1.0/STATE/h', 'spBv1.0/#']);
    expect(hostSubscriptions('h', ['A', 'B'])).toEqual([
      ...['spBv1.0/STATE/h', 'spBv1.0/A/#', 'spBv1.0/B/#'],
    ]);
  });
});
