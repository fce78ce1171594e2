import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { readGatewayConfig } from '../../src/gateway/config.ts';
import { testFolder } from './gateway-fixture.ts';

const noise = {
  metric: 'laeq',
  table: 'input',
  address: 12,
  type: 'int16',
  scale: 0.1,
  range: [20, 145],
};

function read(overrides: object, points: object[] = [noise], device: object = {}) {
  const folder = testFolder();
  const file = join(folder, 'gateway.yaml');
  const settings = {
    gateway: 'gw-1',
    region: '330106',
    mqtt: { url: 'mqtt://127.0.0.1:1883' },
    hubPublicKey: `${'A'.repeat(43)}=`,
    keyFile: 'key.pem',
    spoolFile: 'spool/spool.sqlite',
    clock: { source: 'ntp', errMs: 30 },
    buses: [
      {
        id: 'b1',
        transport: 'tcp',
        host: '10.0.0.5',
        devices: [{ device: 'noise-07', points, ...device }],
      },
    ],
    ...overrides,
  };
  writeFileSync(file, stringify(settings));
  return { config: () => readGatewayConfig(file), folder };
}

describe('readGatewayConfig()', () => {
  it('fills in defaults and finds files beside the config', () => {
    const { config, folder } = read({});
    expect(config()).toMatchObject({
      keyFile: join(folder, 'key.pem'),
      spoolFile: join(folder, 'spool/spool.sqlite'),
      seal: { everyMs: 60_000, everyBatches: 100 },
      resendAfterMs: 30_000,
      buses: [{ port: 502, devices: [{ unitId: 1, periodMs: 1_000 }] }],
    });
  });

  it('takes points from a template file and names it with its version', () => {
    const { config, folder } = read({}, [], { points: undefined, templateFile: 'nl52.yaml' });
    const points = [{ ...noise, sentinels: {} }];
    const template = { template: 'noise-nl52', version: 7, points };
    writeFileSync(join(folder, 'nl52.yaml'), stringify(template));
    expect(config().buses[0]!.devices[0]).toMatchObject({
      template: expect.stringMatching(/^noise-nl52@7#[0-9a-f]{16}$/),
      points: [{ metric: 'laeq', scale: 0.1 }],
    });
  });

  it('names the template file that can not be used', () => {
    const { config, folder } = read({}, [], { points: undefined, templateFile: 'nl52.yaml' });
    expect(config).toThrow(/nl52\.yaml.*cannot be read/s);
    writeFileSync(join(folder, 'nl52.yaml'), stringify({ template: 'x', version: 0, points: [] }));
    expect(config).toThrow(/nl52\.yaml[\s\S]*version[\s\S]*points/);
  });

  it('reports all faults at once, each with its place, value and what was expected', () => {
    const { config } = read({ region: '33', resendAfterMs: 0 });
    expect(config).toThrow(/region: expected a 6-digit[\s\S]*found "33"[\s\S]*resendAfterMs/);
  });

  const refused: [what: string, points: object[], message: RegExp][] = [
    [
      'a 32-bit order for 16 bits',
      [{ ...noise, order: 'CDAB' }],
      /order: expected AB, BA for int16/,
    ],
    [
      'a value that ends beyond the last register',
      [{ ...noise, address: 65_535, type: 'float32' }],
      /ends beyond 65535/,
    ],
    ['a range upside down', [{ ...noise, range: [5, 5] }], /low < high/],
    ['a scale of 0', [{ ...noise, scale: 0 }], /other than 0/],
    [
      'a sentinel that is no number',
      [{ ...noise, sentinels: { NaN: 'D' } }],
      /expected a raw number/,
    ],
    ['a sentinel that is normal', [{ ...noise, sentinels: { '0': 'N' } }], /sentinels/],
    ['a metric twice', [noise, { ...noise, address: 20 }], /used twice/],
    [
      'points that overlap',
      [noise, { ...noise, metric: 'b', address: 11, type: 'float32' }],
      /laeq and b overlap at input 11/,
    ],
    [
      'a status bit above 15',
      [{ ...noise, flagFrom: { address: 1, bits: { '16': 'D' } } }],
      /expected a bit/,
    ],
    ['a setting that does not exist', [{ ...noise, scail: 1 }], /scail/],
  ];
  for (const [what, points, message] of refused) {
    it(`refuses ${what}`, () => expect(read({}, points).config).toThrow(message));
  }

  it('lets two metrics share equal registers', () => {
    expect(read({}, [noise, { ...noise, metric: 'again' }]).config).not.toThrow();
  });

  it('refuses polls within a second that do not divide it, or whose period is another', () => {
    const divisor = /pollMs: expected a divisor of 1000: 50, 100, .*; found 300/;
    expect(read({}, [noise], { pollMs: 300 }).config).toThrow(divisor);
    const second = /pollMs: several reads make the value of one second: .*; found 100/;
    expect(read({}, [noise], { pollMs: 100, periodMs: 2_000 }).config).toThrow(second);
    for (const pollMs of [50, 100, 125, 200, 250, 500]) {
      expect(read({}, [noise], { pollMs }).config).not.toThrow();
    }
  });

  it('refuses a hub key that is none', () => {
    const key = 'x'.repeat(44);
    const message = /hubPublicKey: expected 32 bytes in base64, 44 characters/;
    expect(read({ hubPublicKey: key }).config).toThrow(message);
  });

  it('refuses a period of part seconds, and a device or a host and port used twice', () => {
    expect(read({}, [noise], { periodMs: 1_500 }).config).toThrow(/whole seconds/);
    const bus = { transport: 'tcp', host: 'h', devices: [{ device: 'd', points: [noise] }] };
    const buses = [
      { ...bus, id: 'x' },
      { ...bus, id: 'y' },
    ];
    expect(read({ buses }).config).toThrow(/used twice[\s\S]*|one host and port is one bus/);
    expect(read({ buses }).config).toThrow(/one host and port is one bus/);
  });
});
