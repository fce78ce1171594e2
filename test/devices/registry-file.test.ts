import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { checkRegistry, readRegistryFile } from '../../src/devices/registry-file.ts';
import { usccCheckCharacter } from '../../src/devices/uscc.ts';
import { registryContext, type SampleRegistry, sampleRegistry } from './registry-samples.ts';

const folder = mkdtempSync(join(tmpdir(), 'wugan-registry-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(content: unknown): string {
  const path = join(folder, 'registry.yaml');
  writeFileSync(path, typeof content === 'string' ? content : stringify(content));
  return path;
}

const read = (content: unknown) => readRegistryFile(fileOf(content), registryContext);

/** The faults after one change of a faultless registry. */
function faultsOf(change: (registry: SampleRegistry) => void): readonly string[] {
  const registry = sampleRegistry();
  change(registry);
  return checkRegistry(registry, registryContext).faults;
}

describe('readRegistryFile()', () => {
  it('reads entities with instants as UTC ms and defaults filled in', () => {
    const file = read(sampleRegistry());
    if (!file.ok) throw new Error(file.detail);
    expect(file.value.name).toBe('registry.yaml');
    expect(file.value.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(file.value.effectiveFromMs).toBe(Date.parse('2025-12-31T16:00:00Z'));
    expect(file.value.entities.map(({ entity, id }) => `${entity}/${id}`)).toEqual([
      'limits/limits',
      'enterprise/91330106MA2CFLR43E',
      'post/welding',
      'crew/welding-day',
      'crew/welding-night',
      'point/welding-1',
      'gateway/gw-330106-0001',
      'device/co-01',
      'device/noise-01',
      'device/heat-01',
      'mark/mark-1',
    ]);
    const device = file.value.entities.find(({ id }) => id === 'co-01');
    expect(device?.value).toMatchObject({
      certificate: { fromMs: Date.parse('2025-12-31T16:00:00Z') },
      metrics: [{ lod: 0, specific: true }],
    });
  });

  it('reports every fault of the file at once, schema and sense together', () => {
    const registry = sampleRegistry();
    registry.enterprises[0]!.uscc = '91330106MA2CFLR431';
    registry.points[0]!.post = 'painting';
    registry.devices[1]!.metrics[0]!.uncertainty = { abs: 1, rel: 0.1 };
    (registry.crews[0] as Record<string, unknown>)['workers'] = 0;
    const refused = read(registry);
    expect(refused.ok).toBe(false);
    const lines = refused.ok ? [] : refused.detail.split('\n');
    expect(lines).toHaveLength(5);
    for (const fault of [
      'crews.0.workers: Too small: expected number to be >=1; found 0',
      'enterprises.0.uscc: expected the check character E at its end (GB 32100-2015); found "91330106MA2CFLR431"',
      'posts.0.enterprise: expected the id of a declared enterprise; found "91330106MA2CFLR43E"',
      'points.0.post: expected the id of a declared post; found "painting"',
      'devices.1.metrics.0.uncertainty.rel: expected 0: a relative uncertainty means nothing on dB(A); found 0.1',
    ]) {
      expect(lines).toContain(fault);
    }
  });

  it('names the line of what is not YAML', () => {
    expect(read('limits: [1, 2\nposts: }')).toMatchObject({
      ok: false,
      detail: expect.stringContaining('line 2'),
    });
  });

  it('says that a missing file cannot be read', () => {
    expect(readRegistryFile(join(folder, 'none.yaml'), registryContext)).toMatchObject({
      ok: false,
      detail: 'cannot be read: there is no such file or folder (ENOENT)',
    });
  });

  it('says what is missing at the top of an empty file', () => {
    expect(read('')).toMatchObject({ ok: false, detail: expect.stringContaining('effectiveFrom') });
  });
});

describe('checkRegistry()', () => {
  it('finds nothing wrong with the sample, night shift with a break after midnight included', () => {
    expect(checkRegistry(sampleRegistry(), registryContext).faults).toEqual([]);
  });

  const cases: readonly (readonly [string, (registry: SampleRegistry) => void, string])[] = [
    [
      'an unknown member',
      (r) => Object.assign(r.posts[0]!, { colour: 'red' }),
      'posts.0: Unrecognized key: "colour"',
    ],
    [
      'an instant without its offset',
      (r) => Object.assign(r, { effectiveFrom: '2026-01-01' }),
      'effectiveFrom: expected an ISO 8601 instant with its offset; found "2026-01-01"',
    ],
    [
      'a double id',
      (r) => r.points.push(r.points[0]!),
      'points.1: expected an id that points.0 doesn\'t have; found "welding-1"',
    ],
    [
      'an unknown time zone',
      (r) => Object.assign(r.enterprises[0]!, { timeZone: 'Asia/Hangzhou' }),
      'enterprises.0.timeZone: expected an IANA time zone like Asia/Shanghai; found "Asia/Hangzhou"',
    ],
    [
      'a crew of no post',
      (r) => (r.crews[0]!.post = 'x'),
      'crews.0.post: expected the id of a declared post; found "x"',
    ],
    [
      'a device of no gateway',
      (r) => (r.devices[0]!.gateway = 'x'),
      'devices.0.gateway: expected the id of a declared gateway; found "x"',
    ],
    [
      'a device at no point',
      (r) => (r.devices[2]!.point = 'x'),
      'devices.2.point: expected the id of a declared point; found "x"',
    ],
    [
      'a mark of no device',
      (r) => (r.marks[0]!.device = 'x'),
      'marks.0.device: expected the id of a declared device; found "x"',
    ],
    [
      'a mark that ends before it begins',
      (r) => (r.marks[0]!.to = '2026-03-01T08:00:00+08:00'),
      'marks.0.to: expected an instant after `from`; found "2026-03-01T00:00:00.000Z"',
    ],
    [
      'a hazard without its device',
      (r) => (r.posts[0]!.hazards[0]!.primary.device = 'x'),
      'posts.0.hazards.0.primary.device: expected the id of a declared device; found "x"',
    ],
    [
      'a hazard fed by a metric of another factor',
      (r) => (r.posts[0]!.hazards[0]!.primary = { device: 'noise-01', metric: 'laeq' }),
      'posts.0.hazards.0.primary.metric: expected a metric of noise-01 that measures carbon-monoxide; found "laeq"',
    ],
    [
      'a hazard fed by a device of another post',
      (r) => {
        r.posts.push({ ...r.posts[0]!, id: 'painting' });
        r.points[0]!.post = 'painting';
      },
      'posts.0.hazards.0.primary.device: expected a device that stands at welding; found "co-01"',
    ],
    [
      'a WBGT hazard without labour intensity',
      (r) => (r.posts[0]!.labourIntensity = undefined),
      'posts.0.labourIntensity: expected I, II, III or IV for the WBGT hazard; found null',
    ],
    [
      'a range upside down',
      (r) => (r.devices[1]!.metrics[0]!.range = [130, 30]),
      'devices.1.metrics.0.range: expected [bottom, top] with bottom < top, top > 0; found [130,30]',
    ],
    [
      'a level range beyond any instrument',
      (r) => (r.devices[1]!.metrics[0]!.range = [30, 1300]),
      'devices.1.metrics.0.range: expected a range within 0 to 200 dB(A); found [30,1300]',
    ],
    [
      'noise in a unit of gases',
      (r) => (r.devices[1]!.metrics[0]!.unit = 'ppm'),
      'devices.1.metrics.0.unit: expected dB(A) for noise; found "ppm"',
    ],
    [
      'a relative uncertainty on degrees',
      (r) => Object.assign(r.devices[2]!.metrics[0]!.uncertainty, { rel: 0.02 }),
      'devices.2.metrics.0.uncertainty.rel: expected 0: a relative uncertainty means nothing on degC; found 0.02',
    ],
    [
      'a certificate that ends before it begins',
      (r) => (r.devices[0]!.certificate!.until = '2025-01-01T00:00:00Z'),
      'devices.0.certificate.until: expected an instant after `from`; found "2025-01-01T00:00:00.000Z"',
    ],
    [
      'a public key of the wrong size',
      (r) => (r.gateways[0]!.publicKey = `${'A'.repeat(44)}`),
      `gateways.0.publicKey: expected a raw Ed25519 key, 32 bytes in base64; found "${'A'.repeat(44)}"`,
    ],
    [
      'shifts that overlap',
      (r) =>
        r.crews[0]!.shifts.push({
          name: 'late',
          days: [3],
          start: '16:59',
          end: '23:00',
          breaks: [],
        }),
      'crews.0.shifts: expected shifts that do not overlap; found ["day","late"]',
    ],
    [
      'shifts that overlap across the end of the week',
      (r) =>
        r.crews[1]!.shifts.push(
          { name: 'sunday', days: [7], start: '20:00', end: '08:00', breaks: [] },
          { name: 'monday', days: [1], start: '07:59', end: '12:00', breaks: [] },
        ),
      'crews.1.shifts: expected shifts that do not overlap; found ["sunday","monday"]',
    ],
    [
      'a break outside its shift',
      (r) => (r.crews[0]!.shifts[0]!.breaks[0] = { from: '16:30', to: '17:01' }),
      'crews.0.shifts.0.breaks.0: expected a break inside 08:00–17:00; found {"from":"16:30","to":"17:01"}',
    ],
    [
      'breaks that overlap',
      (r) => r.crews[0]!.shifts[0]!.breaks.push({ from: '12:30', to: '13:30' }),
      'crews.0.shifts.0.breaks.1: expected breaks that do not overlap; found {"from":"12:30","to":"13:30"}',
    ],
    [
      'DECLARED_MINUTES without the minutes',
      (r) => (r.crews[1]!.declaredMinutes = undefined),
      'crews.1.declaredMinutes: expected the declared minutes of contact a shift; found null',
    ],
    [
      'more declared minutes than the shift has',
      (r) => (r.crews[1]!.declaredMinutes = 481),
      'crews.1.declaredMinutes: expected at most the 480 min of the shift; found 481',
    ],
    [
      'declared minutes under another basis',
      (r) => (r.crews[1]!.basis = 'PRESENCE'),
      'crews.1.basis: expected DECLARED_MINUTES; found "PRESENCE"',
    ],
  ];
  const typos: readonly (readonly [string, (registry: SampleRegistry) => void, string])[] = [
    [
      'a limit set that nothing judges by',
      (r) => (r.limits = 'gbz-2109'),
      'limits: expected a known limit set: gbz-2019, gbz-2026; found "gbz-2109"',
    ],
    [
      'a hazard that no limit is for',
      (r) => (r.posts[0]!.hazards[0]!.factor = 'carbon-monoxid'),
      'posts.0.hazards.0.factor: expected a factor of the limit set (wugan limits); found "carbon-monoxid"',
    ],
    [
      'a metric that no limit is for',
      (r) => (r.devices[0]!.metrics[0]!.factor = 'co'),
      'devices.0.metrics.0.factor: expected a factor of the limit set (wugan limits); found "co"',
    ],
    [
      'a metric whose limit no reading can be compared with',
      (r) => (r.devices[0]!.metrics[0]!.factor = 'asbestos-fibre-total'),
      'devices.0.metrics.0.factor: expected a factor that readings can be judged by; found "asbestos-fibre-total"',
    ],
    [
      'dust in ppm, which nothing converts',
      (r) => Object.assign(r.devices[0]!.metrics[0]!, { factor: 'other-dust-total', unit: 'ppm' }),
      'devices.0.metrics.0.unit: expected mg/m3 or ug/m3 or ng/m3 for other-dust-total; found "ppm"',
    ],
    [
      'a beginning two days ahead',
      (r) => (r.effectiveFrom = '2026-06-03T08:00:00+08:00'),
      'effectiveFrom: expected an instant that is not ahead of today; found "2026-06-03T08:00:00+08:00"',
    ],
    [
      'more days of shifts than its people work',
      (r) => (r.crews[0]!.shifts[0]!.days = [1, 2, 3, 4, 5, 6]),
      'crews.0.daysPerWeek: expected the 6 weekdays on which its shifts start; found 5',
    ],
    [
      'an uncertainty of nothing',
      (r) => (r.devices[1]!.metrics[0]!.uncertainty = { abs: 0 }),
      'devices.1.metrics.0.uncertainty: expected more than 0; null says that it is unknown; found {"abs":0,"rel":0}',
    ],
    [
      'a control character in a name',
      (r) => (r.posts[0]!.name = '焊接\u0000岗'),
      'posts.0.name: expected text without control characters and unpaired surrogates; found "焊接\\u0000岗"',
    ],
    [
      'half of a surrogate pair in a serial number',
      (r) => (r.devices[0]!.serial = 'A\ud800'),
      'devices.0.serial: expected text without control characters and unpaired surrogates; found "A\\ud800"',
    ],
    [
      'a name of more than 200 characters',
      (r) => (r.enterprises[0]!.name = '厂'.repeat(201)),
      'enterprises.0.name: Too big',
    ],
  ];
  it.each(typos)('refuses %s', (_name, change, fault) => {
    expect(faultsOf(change)).toContainEqual(expect.stringContaining(fault));
  });

  it('tells of every typo at once', () => {
    const faults = faultsOf((r) => typos.slice(0, 9).forEach(([, change]) => void change(r)));
    const paths = faults.map((fault) => fault.split(':')[0]);
    for (const path of ['limits', 'effectiveFrom', 'posts.0.name', 'crews.0.daysPerWeek']) {
      expect(paths).toContain(path);
    }
    expect(paths).toContain('devices.1.metrics.0.uncertainty');
  });

  it.each([
    ['crews.0.shifts.0.name', (r: SampleRegistry) => (r.crews[0]!.shifts[0]!.name = 'a\tb')],
    ['crews.0.name', (r: SampleRegistry) => (r.crews[0]!.name = 'a\u2028b')],
    ['points.0.location', (r: SampleRegistry) => (r.points[0]!.location = 'a\nb')],
    ['gateways.0.operator', (r: SampleRegistry) => (r.gateways[0]!.operator = '\u009b31m')],
    ['devices.0.model', (r: SampleRegistry) => (r.devices[0]!.model = '\u0007')],
    [
      'devices.0.certificate.issuer',
      (r: SampleRegistry) => (r.devices[0]!.certificate!.issuer = 'a\rb'),
    ],
    [
      'devices.0.certificate.number',
      (r: SampleRegistry) => (r.devices[0]!.certificate!.number = 'a\u001b[2J'),
    ],
    ['marks.0.by', (r: SampleRegistry) => (r.marks[0]!.by = 'a\u0000')],
    ['marks.0.id', (r: SampleRegistry) => (r.marks[0]!.id = 'a\u0000')],
    ['marks.0.note', (r: SampleRegistry) => Object.assign(r.marks[0]!, { note: '\udc00' })],
  ])('lets no control character into %s', (path, change) => {
    expect(faultsOf(change)).toContainEqual(expect.stringMatching(`^${path}: expected text`));
  });

  it('takes any letters, signs and punctuation, also beyond the basic plane', () => {
    expect(faultsOf((r) => (r.posts[0]!.name = '𠮷·焊接（二）"岗"–№7 Ünïcode, 😀'))).toEqual([]);
  });

  it('takes gases in ppm, and a file written on the eve of its first day', () => {
    const faults = faultsOf((r) => {
      r.devices[0]!.metrics[0]!.unit = 'ppm';
      r.effectiveFrom = '2026-06-02T08:00:00+08:00';
    });
    expect(faults).toEqual([]);
  });

  it.each(cases)('refuses %s', (_name, change, fault) => {
    expect(faultsOf(change)).toContainEqual(expect.stringContaining(fault));
  });

  it('lets shifts of one crew follow each other without a gap', () => {
    const change = (r: SampleRegistry): void => {
      r.crews[0]!.shifts.push({
        name: 'late',
        days: [1],
        start: '17:00',
        end: '20:00',
        breaks: [],
      });
    };
    expect(faultsOf(change)).toEqual([]);
  });

  it('does not call a reference dangling when its target has a fault of its own', () => {
    const faults = faultsOf((r) => Object.assign(r.gateways[0]!, { region: 'x' }));
    expect(faults).toEqual([expect.stringMatching(/^gateways\.0\.region: /)]);
  });
});

describe('usccCheckCharacter()', () => {
  it.each(['91350100M000100Y43', '914403001922038216'])('agrees with %s', (code) => {
    expect(usccCheckCharacter(code)).toBe(code[17]);
  });

  it('finds every single wrong character', () => {
    const code = '91350100M000100Y43';
    for (let i = 0; i < 17; i += 1) {
      const wrong = `${code.slice(0, i)}${code[i] === '7' ? '8' : '7'}${code.slice(i + 1)}`;
      expect(usccCheckCharacter(wrong)).not.toBe(code[17]);
    }
  });
});
