import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { signRequest } from '../../src/alerts/signer.ts';
import { checkRegistry } from '../../src/devices/registry-file.ts';
import { GatewayConfig } from '../../src/gateway/config.ts';
import { HubConfig } from '../../src/hub/config.ts';
import { knownLimits } from '../../src/hub/known-limits.ts';
import { sha256Hex } from '../../src/model/digest.ts';
import {
  AckMessage,
  CommandMessage,
  GapMessage,
  SealMessage,
} from '../../src/telemetry/messages.ts';
import { keyIdOf, verifyMessage } from '../../src/telemetry/signing.ts';
import { validateBatch } from '../../src/telemetry/validate.ts';
import { blocksOf, readDoc, sectionOf } from './markdown.ts';

const contracts = readDoc('docs/contracts.md');

/** Keys of RFC 8032 §7.1: TEST 1 for the gateway, TEST 2 for the hub. */
const GATEWAY_KEY = '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=';
const HUB_KEY = 'PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=';

const only = (info: string): Record<string, unknown> => {
  const blocks = blocksOf(contracts, info);
  expect(blocks).toHaveLength(1);
  return JSON.parse(blocks[0] as string);
};

describe('the examples of the MQTT contract', () => {
  const batches = blocksOf(contracts, 'json batch').map((text) => JSON.stringify(JSON.parse(text)));

  it('are batches that the hub accepts', () => {
    expect(batches).toHaveLength(2);
    for (const text of batches) expect(validateBatch(Buffer.from(text)).kind).toBe('batch');
  });

  it('chain: the hash of the batch stands in the text, the seal and the gap', () => {
    const hash = sha256Hex(batches[0] as string);
    expect(sectionOf(contracts, '### 1.2 Batch')).toContain(`\`${hash}\``);
    expect(only('json seal')['hash']).toBe(hash);
    expect(only('json gap')['prev']).toBe(hash);
  });

  it.each([
    ['gap', GapMessage, GATEWAY_KEY],
    ['seal', SealMessage, GATEWAY_KEY],
    ['ack', AckMessage, HUB_KEY],
    ['command', CommandMessage, HUB_KEY],
  ] as const)('are signed: %s', (name, schema, publicKey) => {
    const message = only(`json ${name}`);
    expect(schema.parse(message)['keyId']).toBe(keyIdOf(publicKey));
    expect(verifyMessage(message, publicKey)).toBe(true);
    expect(verifyMessage({ ...message, gateway: 'gw-other' }, publicKey)).toBe(false);
    expect(sectionOf(contracts, '### 1.8 Signing')).toContain(publicKey);
  });
});

describe('the examples of the signer', () => {
  const text = sectionOf(contracts, '### 2.1 Request');

  it('give the headers that are printed', () => {
    const headers = signRequest(
      { accessKey: 'wugan-demo', secretKey: 'wugan-demo-secret' },
      { method: 'POST', path: '/clues', query: '', nowMs: Date.UTC(2025, 10, 22, 7) },
    );
    for (const [name, value] of Object.entries(headers)) {
      expect(text).toContain(`${name.toUpperCase()}: ${value}\n`);
    }
  });

  it('agree with the vector of the IRS gateway', () => {
    const headers = signRequest(
      { accessKey: 'AK123', secretKey: 'test-secret' },
      {
        method: 'POST',
        path: '/restapi/prod/IC000/x',
        query: 'a=1&b=2',
        nowMs: Date.UTC(2021, 10, 9, 8, 49, 20),
      },
    );
    expect(text).toContain(headers['x-bg-hmac-signature']);
    expect(text).toContain(headers['x-bg-date-time']);
  });
});

describe('the example files', () => {
  const file = (name: string): unknown => {
    const found = blocksOf(contracts, 'yaml').filter((text) => text.startsWith(`# ${name}\n`));
    expect(found).toHaveLength(1);
    return parse(found[0] as string);
  };

  it('are a registry without faults', () => {
    const context = { nowMs: Date.UTC(2026, 10, 24), limitSets: knownLimits() };
    expect(checkRegistry(file('registry.yaml'), context).faults).toEqual([]);
  });

  it('are settings that hub and gateway start with', () => {
    expect(HubConfig.safeParse(file('hub.yaml')).error?.issues).toBeUndefined();
    expect(GatewayConfig.safeParse(file('gateway.yaml')).error?.issues).toBeUndefined();
  });
});
