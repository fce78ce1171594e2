import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { readHubConfig } from '../../src/hub/config.ts';

/** A settings file with what is needed, and these settings of ingest. */
function hubFile(ingest: object = {}): { folder: string; file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'wugan-config-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'hub.yaml');
  const platform = { url: 'http://127.0.0.1:9', accessKey: 'a', secretKey: 's' };
  writeFileSync(file, stringify({ registry: 'registry.yaml', ingest, alerts: { platform } }));
  return { folder, file };
}

describe('readHubConfig(), of the broker,', () => {
  it('takes the embedded broker when nothing names another', () => {
    expect(readHubConfig(hubFile().file, {}).ingest.mqtt.url).toBeUndefined();
  });

  it('takes MQTT_URL before the file, and leaves what else the file says', () => {
    const { file } = hubFile({ mqtt: { url: 'mqtt://file', version: '3.1.1' } });
    const { mqtt } = readHubConfig(file, { MQTT_URL: 'mqtts://environment:8883' }).ingest;
    expect(mqtt).toMatchObject({ url: 'mqtts://environment:8883', version: '3.1.1' });
    expect(readHubConfig(file, {}).ingest.mqtt.url).toBe('mqtt://file');
  });

  it('names MQTT_URL like a fault of the file', () => {
    expect(() => readHubConfig(hubFile().file, { MQTT_URL: 'broker:1883' })).toThrow(
      /ingest\.mqtt\.url: expected mqtt:/,
    );
  });

  it('finds the files of the broker beside the settings', () => {
    const files = {
      username: 'hub',
      passwordFile: 'p',
      caFile: 'ca.pem',
      certFile: 'c',
      clientKeyFile: 'k',
    };
    const { folder, file } = hubFile({ mqtt: { url: 'mqtts://b', ...files } });
    const { mqtt } = readHubConfig(file, {}).ingest;
    expect(mqtt).toMatchObject({
      passwordFile: join(folder, 'p'),
      caFile: join(folder, 'ca.pem'),
      certFile: join(folder, 'c'),
      clientKeyFile: join(folder, 'k'),
    });
  });

  it.each([
    [{ passwordFile: 'p' }, /ingest\.mqtt\.username: expected beside passwordFile/],
    [{ certFile: 'c' }, /ingest\.mqtt\.clientKeyFile: expected beside certFile/],
    [{ clientKeyFile: 'k' }, /ingest\.mqtt\.certFile: expected beside clientKeyFile/],
    [{ reconnectMsMin: 9, reconnectMsMax: 8 }, /expected at most reconnectMsMax/],
  ])('refuses half of what belongs together: %j', (mqtt, fault) => {
    expect(() => readHubConfig(hubFile({ mqtt }).file, {})).toThrow(fault);
  });
});
