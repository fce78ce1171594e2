import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { readGatewayConfig } from '../../src/gateway/config.ts';
import { checkIdentity, createDecoder, SILENT } from '../../src/gateway/decode.ts';
import { DeviceProtocol } from '../../src/gateway/device-protocol.ts';
import { needsOf } from '../../src/gateway/point-config.ts';
import { readTemplate, templatePath } from '../../src/gateway/template.ts';
import { ConfigError } from '../../src/process/config-file.ts';
import { testFolder } from './gateway-fixture.ts';

const folderOfTemplates = new URL('../../src/gateway/templates/', import.meta.url).pathname;
const shipped = readdirSync(folderOfTemplates)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.slice(0, -'.yaml'.length));

const point = { metric: 'co', address: 0, type: 'int16', range: [0, 500], sentinels: {} };
const sound = { template: 'co', version: 1, points: [point] };

function write(template: object, name = 'template.yaml', folder = testFolder()): string {
  const file = join(folder, name);
  writeFileSync(file, stringify(template));
  return file;
}

/** The faults of a template, as the installer reads them. */
function faultsOf(template: object): readonly string[] {
  try {
    readTemplate(write(template));
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}

describe('the templates that come with the program', () => {
  it('are at least eight, each named like its file', () => {
    expect(shipped.length).toBeGreaterThanOrEqual(8);
    for (const name of shipped) {
      expect(readTemplate(templatePath(`wugan:${name}`, '/')).template).toMatch(`${name}@`);
    }
  });

  for (const name of shipped) {
    it(`${name}: flags every point that its states qualify, and reads a silent device as B`, () => {
      const { points } = readTemplate(templatePath(`wugan:${name}`, '/'));
      for (const one of points) {
        const { read } = createDecoder(one);
        expect(read(() => SILENT)).toEqual(SILENT);
        if (!one.feedsRule) continue;
        expect(one.flagFrom.length, `${one.metric} has no state`).toBeGreaterThan(0);
        const [own] = needsOf(one);
        const low = new Array<number>(own!.words).fill(0x0300);
        const flags = [0, 1, 2, 3, 4, 0xffff].map(
          (state) =>
            read((span) => {
              const isOwn = span.table === own!.table && span.address === own!.address;
              return isOwn || span.words > 1 ? low : [state];
            }).flag,
        );
        expect(new Set(flags).size, `${one.metric}: ${flags}`).toBeGreaterThan(1);
      }
    });
  }

  it('say of the PID that it is not specific', () => {
    const { points } = readTemplate(templatePath('wugan:pid-tvoc', '/'));
    expect(points.find(({ metric }) => metric === 'tvoc')?.specific).toBe(false);
  });

  it('maps the states of the noise meter as HJ 212 has them', () => {
    const { points } = readTemplate(templatePath('wugan:noise-meter-class1', '/'));
    const { read } = createDecoder(points.find(({ metric }) => metric === 'laeq')!);
    const at = (raw: number, status: number) =>
      read(({ address }) => [address === 10 ? raw : status]);
    expect(at(912, 0)).toEqual({ value: 91.2, flag: 'N' });
    const states = [0b1, 0b10, 0b100, 0b1000, 0b1000_0000];
    expect(states.map((status) => at(912, status).flag)).toEqual(['D', 'C', 'D', 'T', 'M']);
    expect(at(32_767, 0)).toEqual({ value: null, flag: 'T' });
  });
});

describe('a template', () => {
  it('is named by name, version and a hash of its content, not of its layout', () => {
    const { template } = readTemplate(write(sound));
    expect(template).toMatch(/^co@1#[0-9a-f]{16}$/);
    const folder = testFolder();
    const file = join(folder, 'same.yaml');
    writeFileSync(file, `# a comment\n${JSON.stringify(sound)}`);
    expect(readTemplate(file).template).toBe(template);
    const other = { ...sound, points: [{ ...point, scale: 0.1 }] };
    expect(readTemplate(write(other)).template).not.toBe(template);
  });

  it('names the file, the path, the value and the reason of what it refuses', () => {
    const file = write({ ...sound, points: [{ ...point, order: 'CDAB' }] });
    expect(() => readTemplate(file)).toThrow(
      `Cannot use ${file}: points.0.order: expected AB, BA for int16; found "CDAB"`,
    );
  });

  const holding = (from: number, to: number) => ({ table: 'holding', from, to });
  const withPoint = (changes: object) => ({ ...sound, points: [{ ...point, ...changes }] });
  const withProtocol = (protocol: object) => ({ ...sound, protocol });
  const withStatus = (status: object) => ({ ...sound, statuses: [{ address: 9, ...status }] });
  const bits = { '0': 'WARMUP' };
  const refused: [what: string, template: object, fault: RegExp][] = [
    ['a name with spaces', { ...sound, template: 'my co' }, /^template: .*found "my co"/],
    ['version 0', { ...sound, version: 0 }, /^version: .*found 0/],
    ['no points', { ...sound, points: [] }, /^points: /],
    ['an unknown setting', withPoint({ scail: 2 }), /scail/],
    ['an address beyond 65535', withPoint({ address: 65_536 }), /^points.0.address/],
    ['a value that wraps', withPoint({ address: 65_535, type: 'int32' }), /ends beyond 65535/],
    ['an order of another width', withPoint({ type: 'float64', order: 'AB' }), /ABCD, CDAB/],
    ['a byte order for 8 bits', withPoint({ type: 'uint8', order: 'AB' }), /low, high for uint8/],
    ['a number in a bit table', withPoint({ table: 'coil' }), /a coil holds a bit/],
    ['a bit of a register without its number', withPoint({ type: 'bit' }), /^points.0.bit/],
    ['a bit number of a coil', withPoint({ table: 'coil', type: 'bit', bit: 2 }), /^points.0.bit/],
    ['a field of a signed type', withPoint({ bits: [0, 3] }), /expected uint8, uint16 or uint32/],
    ['a field wider than its type', withPoint({ type: 'uint8', bits: [4, 9] }), /of 8 bits/],
    ['a field upside down', withPoint({ type: 'uint16', bits: [4, 3] }), /of 16 bits/],
    ['a range upside down', withPoint({ range: [5, 5] }), /^points.0.range: .*low < high/],
    ['a range that no raw value reaches', withPoint({ range: [40_000, 50_000] }), /comes into it/],
    [
      'a range that a field never reaches',
      withPoint({ type: 'uint16', bits: [0, 1], range: [4, 9] }),
      /comes into it/,
    ],
    ['a scale of 0', withPoint({ scale: 0 }), /other than 0/],
    ['a limit of detection above the range', withPoint({ lod: 600 }), /^points.0.lod/],
    [
      'a sentinel that the type never holds',
      withPoint({ sentinels: { '65535': 'D' } }),
      /^points.0.sentinels.65535: int16 never holds it/,
    ],
    ['a sentinel of part numbers', withPoint({ sentinels: { '1.5': 'D' } }), /never holds it/],
    ['a sentinel that is normal', withPoint({ sentinels: { '1': 'N' } }), /^points.0.sentinels.1/],
    [
      'no word on sentinels for a rule',
      withPoint({ sentinels: undefined }),
      /^points.0.sentinels: expected the raw/,
    ],
    [
      'a metric twice',
      { ...sound, points: [point, { ...point, address: 3 }] },
      /used twice; found "co"/,
    ],
    [
      'points that overlap',
      {
        ...sound,
        points: [
          { ...point, type: 'int32' },
          { ...point, metric: 'b', address: 1 },
        ],
      },
      /co and b overlap at holding 1/,
    ],
    [
      'a status for an unknown metric',
      withStatus({ bits, qualifies: ['h2s'] }),
      /^statuses.0.qualifies.0: is no metric.*found "h2s"/,
    ],
    [
      'a status that says nothing',
      withStatus({ qualifies: 'all' }),
      /expected bits, bitsClear or values/,
    ],
    [
      'a status bit beyond its register',
      withStatus({ qualifies: 'all', bits: { '16': 'D' } }),
      /a bit, 0 to 15/,
    ],
    [
      'a second bit of a discrete input',
      withStatus({ table: 'discrete', qualifies: 'all', bits: { '1': 'D' } }),
      /a bit, 0 to 0/,
    ],
    [
      'a state beyond its register',
      withStatus({ type: 'uint8', qualifies: 'all', values: { '256': 'D' } }),
      /a value of 8 bits/,
    ],
    [
      'a point in what is unreadable',
      withProtocol({ unreadable: [holding(0, 4)] }),
      /^points.0: holding 0 lies in the unreadable holding 0–4/,
    ],
    [
      'a status in what is unreadable',
      { ...withStatus({ bits, qualifies: 'all' }), protocol: { unreadable: [holding(9, 9)] } },
      /^points.0: holding 9 lies in the unreadable holding 9/,
    ],
    [
      'a canary in what is unreadable',
      withProtocol({ unreadable: [holding(7, 8)], canary: [{ address: 7, equals: 1 }] }),
      /^protocol.canary.0/,
    ],
    [
      'an identity in what is unreadable',
      withProtocol({ unreadable: [holding(7, 8)], identify: [{ address: 8, equals: 1 }] }),
      /^protocol.identify.0/,
    ],
    [
      'an atomic range that no request holds',
      withProtocol({ maxWordsPerRead: 4, atomic: [holding(0, 4)] }),
      /^protocol.atomic.0: .*needs more than 4 in a read/,
    ],
    [
      'a range to clear that no request holds',
      withProtocol({ readToClear: [holding(100, 225)] }),
      /^protocol.readToClear.0: .*needs more than 125/,
    ],
    [
      'a value that no request holds',
      { ...withPoint({ type: 'float64' }), protocol: { maxWordsPerRead: 2 } },
      /^points.0: .*needs more than 2 in a read/,
    ],
    [
      'a range from behind',
      withProtocol({ unreadable: [holding(5, 4)] }),
      /^protocol.unreadable.0: expected from ≤ to/,
    ],
    [
      'a canary above 16 bits',
      withProtocol({ canary: [{ address: 7, equals: 65_536 }] }),
      /^protocol.canary.0.equals/,
    ],
    [
      'a text identity without its length',
      withProtocol({ identify: [{ address: 7, type: 'string', equals: 'X' }] }),
      /^protocol.identify.0.words/,
    ],
    [
      'a text longer than its registers',
      withProtocol({ identify: [{ address: 7, type: 'string', words: 1, equals: 'XYZ' }] }),
      /longer than 2 characters/,
    ],
    [
      'a number that its identity never holds',
      withProtocol({ identify: [{ address: 7, equals: -1 }] }),
      /uint16 never holds it/,
    ],
    [
      'a request above 125 registers',
      withProtocol({ maxWordsPerRead: 126 }),
      /^protocol.maxWordsPerRead: .*found 126/,
    ],
  ];
  for (const [what, template, fault] of refused) {
    it(`is refused with ${what}`, () => {
      const faults = faultsOf(template);
      expect(faults.join('\n')).toMatch(fault);
      expect(faults.every((line) => /found |Unrecognized key/.test(line))).toBe(true);
    });
  }

  it('needs no word on sentinels for floats, which have NaN, and for what feeds no rule', () => {
    expect(faultsOf(withPoint({ type: 'float32', sentinels: undefined }))).toEqual([]);
    expect(faultsOf(withPoint({ feedsRule: false, sentinels: undefined }))).toEqual([]);
  });
});

describe('checkIdentity()', () => {
  const { identify } = DeviceProtocol.parse({
    identify: [
      { address: 0, type: 'string', words: 3, equals: 'NL-52' },
      { address: 0, type: 'int32', order: 'CDAB', equals: -2 },
    ],
  });
  it('compares texts and numbers', () => {
    expect(checkIdentity(identify[0]!, [0x4e4c, 0x2d35, 0x3200])).toBe(true);
    expect(checkIdentity(identify[0]!, [0x4e4c, 0x2d35, 0x3300])).toBe(false);
    expect(checkIdentity(identify[1]!, [0xfffe, 0xffff])).toBe(true);
    expect(checkIdentity(identify[1]!, [0xffff, 0xfffe])).toBe(false);
  });
});

describe('a device that uses a template', () => {
  function read(devices: object[], templates: Record<string, object> = {}) {
    const folder = testFolder();
    for (const [name, template] of Object.entries(templates)) write(template, name, folder);
    const config = {
      gateway: 'gw-1',
      region: '330106',
      mqtt: { url: 'mqtt://127.0.0.1:1883' },
      hubPublicKey: `${'A'.repeat(43)}=`,
      keyFile: 'key.pem',
      spoolFile: 'spool.sqlite',
      clock: { source: 'ntp', errMs: 30 },
      buses: [{ id: 'b', transport: 'tcp', host: 'h', devices }],
    };
    return () => readGatewayConfig(write(config, 'gateway.yaml', folder)).buses[0]!.devices;
  }

  it('takes channels under its own names, ranges and units, and leaves the rest', () => {
    const metrics = { ch1: { metric: 'co', range: [0, 500], unit: 'mg/m3' }, ch3: 'h2s' };
    const [device] = read([{ device: 'd', templateFile: 'wugan:gas-controller-4ch', metrics }])();
    expect(device!.template).toMatch(/^gas-controller-4ch@1#/);
    expect(device!.points.map(({ metric, address }) => [metric, address])).toEqual([
      ['co', 0],
      ['h2s', 2],
    ]);
    expect(device!.points[0]).toMatchObject({ range: [0, 500], unit: 'mg/m3' });
    expect(device!.points[1]!.flagFrom.map(({ address }) => address)).toEqual([10, 15]);
    expect(device!.protocol).toMatchObject({ maxWordsPerRead: 60, canary: [{ equals: 43_690 }] });
  });

  it('is refused with a metric that the template has not, and one that can not work', () => {
    const templateFile = 'wugan:gas-controller-4ch';
    const device = { device: 'd', templateFile };
    expect(read([{ ...device, metrics: { ch9: 'co' } }])).toThrow(
      /buses.0.devices.0.metrics.ch9: gas-controller-4ch@1#\w+ has no such metric; found "co"/,
    );
    const metrics = { ch1: { metric: 'co', range: [90_000, 95_000] } };
    expect(read([{ ...device, metrics }])).toThrow(/points.0.range: no int16/);
  });

  it('is refused when two files differ under one name and version', () => {
    const other = { ...sound, points: [{ ...point, scale: 0.1 }] };
    const devices = [
      { device: 'a', templateFile: 'one.yaml' },
      { device: 'b', unitId: 2, templateFile: 'two.yaml' },
    ];
    expect(read(devices, { 'one.yaml': sound, 'two.yaml': other })).toThrow(
      /buses.0.devices.1.templateFile: co@1 has another content elsewhere: raise the version/,
    );
    expect(read(devices, { 'one.yaml': sound, 'two.yaml': sound })).not.toThrow();
  });

  it('is refused on a transport that its template does not know', () => {
    expect(read([{ device: 'd', templateFile: 'wugan:nh3-transmitter' }])).toThrow(
      /buses.0.devices.0: nh3-transmitter@1#\w+ knows rtu, rtu-over-tcp, not tcp/,
    );
  });

  it('is refused with a template that the program has not', () => {
    expect(read([{ device: 'd', templateFile: 'wugan:nothing' }])).toThrow(
      /nothing.yaml: is none of the program's templates/,
    );
  });
});
