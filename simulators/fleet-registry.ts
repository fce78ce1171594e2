import { stringify } from 'yaml';
import { usccCheckCharacter } from '../src/devices/uscc.ts';
import {
  Crew,
  Device,
  Enterprise,
  type EntityOf,
  Gateway,
  Point,
  Post,
  type ShiftPlan,
} from '../src/model/facts.ts';
import { FLEET_METRICS, fleetKey, fleetMember, LOADS, type Load } from './fleet-member.ts';

export interface FleetRegistry {
  readonly enterprises: readonly EntityOf<'enterprise'>[];
  readonly posts: readonly EntityOf<'post'>[];
  readonly crews: readonly EntityOf<'crew'>[];
  readonly points: readonly EntityOf<'point'>[];
  readonly gateways: readonly EntityOf<'gateway'>[];
  readonly devices: readonly EntityOf<'device'>[];
}

/** Gateways of one company. */
const PER_ENTERPRISE = 20;

const SHIFTS = [
  ['night', '00:00', '08:00'],
  ['day', '08:00', '16:00'],
  ['evening', '16:00', '00:00'],
] as const;

const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7];
const CERTIFICATE_FROM = '2020-01-01T00:00:00Z';
const CERTIFICATE_UNTIL = '2099-12-31T00:00:00Z';

/**
 * What the registry must know of the first `count` members: each has a post with the hazards of the
 * load and three crews that man it round the clock, so that the rules run on everything that is
 * sent.
 */
export function fleetRegistry(
  count: number,
  options: { readonly region: string; readonly load: Load },
): FleetRegistry {
  const { region } = options;
  const metrics = FLEET_METRICS.slice(0, LOADS[options.load].metrics);
  const members = Array.from({ length: count }, (_, index) => fleetMember(index));
  const companies = Math.ceil(count / PER_ENTERPRISE);
  return {
    enterprises: Array.from({ length: companies }, (_, index) =>
      Enterprise.parse({ uscc: usccOf(region, index), name: `模拟企业 ${index + 1}`, region }),
    ),
    posts: members.map(({ index, gateway, device }) =>
      Post.parse({
        id: `${gateway}-post`,
        enterprise: usccOf(region, Math.floor(index / PER_ENTERPRISE)),
        name: `模拟岗位 ${index + 1}`,
        exposedWorkers: 6,
        labourIntensity: 'II',
        hazards: metrics.map(({ metric, factor }) => ({ factor, primary: { device, metric } })),
      }),
    ),
    crews: members.flatMap(({ gateway }) =>
      SHIFTS.map(([name, start, end]) =>
        Crew.parse({
          id: `${gateway}-${name}`,
          post: `${gateway}-post`,
          name,
          workers: 2,
          basis: 'SCHEDULE',
          daysPerWeek: EVERY_DAY.length,
          shifts: [{ name, days: EVERY_DAY, start, end } satisfies Partial<ShiftPlan>],
        }),
      ),
    ),
    points: members.map(({ index, gateway }) =>
      Point.parse({ id: `${gateway}-point`, post: `${gateway}-post`, location: `#${index + 1}` }),
    ),
    gateways: members.map(({ index, gateway }) =>
      Gateway.parse({
        id: gateway,
        operator: '模拟园区',
        region,
        publicKey: fleetKey(index).publicKey,
      }),
    ),
    devices: members.map(({ index, gateway, device }) =>
      Device.parse({
        id: device,
        point: `${gateway}-point`,
        gateway,
        model: 'simulated',
        serial: `S${index + 1}`,
        metrics: metrics.map((metric) => ({ ...metric, uncertainty: { abs: 0.5 } })),
        certificate: {
          number: `S-${index + 1}`,
          issuer: 'simulated',
          mode: 'CALIBRATED',
          fromMs: Date.parse(CERTIFICATE_FROM),
          untilMs: Date.parse(CERTIFICATE_UNTIL),
        },
      }),
    ),
  };
}

/** The same as a `registry.yaml`. */
export function fleetRegistryYaml(
  count: number,
  options: { readonly region: string; readonly load: Load; readonly effectiveFrom?: string },
): string {
  const { devices, ...rest } = fleetRegistry(count, options);
  return stringify({
    effectiveFrom: options.effectiveFrom ?? CERTIFICATE_FROM,
    limits: 'gbz-2019',
    ...rest,
    devices: devices.map(({ certificate, ...device }) => ({
      ...device,
      certificate: certificate && {
        number: certificate.number,
        issuer: certificate.issuer,
        mode: certificate.mode,
        from: CERTIFICATE_FROM,
        until: CERTIFICATE_UNTIL,
      },
    })),
    marks: [],
  });
}

/**
 * An invented code with a right check character: 91, the region, a number in place of the unit's.
 */
function usccOf(region: string, index: number): string {
  const code = `91${region}MAEX${String(index).padStart(5, '0')}`;
  return `${code}${usccCheckCharacter(code)}`;
}
