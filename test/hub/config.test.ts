import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readHubConfig } from '../../src/hub/config.ts';

function file(more = ''): string {
  const path = join(mkdtempSync(join(tmpdir(), 'wugan-config-')), 'hub.yaml');
  writeFileSync(
    path,
    `registry: registry.yaml
alerts: { platform: { url: 'http://127.0.0.1:1', accessKey: a, secretKey: b } }
${more}`,
  );
  return path;
}

describe('readHubConfig()', () => {
  it('has no sink without an address', () => {
    expect(readHubConfig(file(), {}).influx.url).toBeUndefined();
  });

  it('lets variables override the file, and empty ones not', () => {
    const config = readHubConfig(file(`influx: { url: 'http://file:1', bucket: plant }`), {
      DATABASE_URL: 'postgres://somewhere',
      INFLUX_URL: 'http://variable:8086',
      INFLUX_TOKEN: 't',
      INFLUX_ORG: '',
      REDIS_URL: 'redis://:secret@redis:6379/1',
    });
    expect(config.database.url).toBe('postgres://somewhere');
    expect(config.redis.url).toBe('redis://:secret@redis:6379/1');
    expect(config.influx).toMatchObject({
      ...{ url: 'http://variable:8086', token: 't', org: 'wugan', bucket: 'plant' },
    });
  });

  it('has all roles by default, and those of file, variable and command line, the last first', () => {
    const all = ['ingest', 'evaluate', 'push', 'influx', 'api'];
    const own = `database: { url: 'postgres://somewhere' }`;
    const env = { WUGAN_ROLES: 'push, api' };
    expect(readHubConfig(file(), {}).roles).toEqual(all);
    const some = file(`${own}\nroles: [evaluate]`);
    expect(readHubConfig(some, {}).roles).toEqual(['evaluate']);
    expect(readHubConfig(some, env).roles).toEqual(['push', 'api']);
    expect(readHubConfig(some, env, { roles: 'ingest' }).roles).toEqual(['ingest']);
  });

  it('lets roles be split only over a PostgreSQL that all can reach', () => {
    expect(() => readHubConfig(file('roles: [api]'), {})).toThrow(/roles: .*DATABASE_URL/);
    expect(() => readHubConfig(file('roles: [apy]'), {})).toThrow(/roles\.0: .*"ingest"/);
  });

  it('checks what a variable says like what the file says', () => {
    expect(() => readHubConfig(file(), { INFLUX_URL: 'influx:8086', DATABASE_URL: 'x' })).toThrow(
      /database\.url.*\n.*influx\.url/,
    );
    expect(() => readHubConfig(file('influx: { api: v1, token: only }'), {})).toThrow(
      /influx\.token: expected user:password/,
    );
  });
});
