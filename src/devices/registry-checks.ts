import type { EntityKind, EntityOf } from '../model/facts.ts';
import { checkCrew } from './crew-checks.ts';
import { checkHj212Device, sharedMns } from './hj212-checks.ts';
import { checkMetrics } from './metric-checks.ts';
import type { FactorUnits } from './registry-context.ts';
import type { DeclaredEntity } from './registry-file.ts';
import { checkSparkplugDevice, sharedEdgeNodes, takenMetrics } from './sparkplug-checks.ts';
import { usccCheckCharacter } from './uscc.ts';

/** Notes one fault: where below the entity, what was expected, what stands there. */
export type Report = (where: string, expected: string, found: unknown) => void;

type Declared<K extends EntityKind> = Extract<DeclaredEntity, { entity: K }>;

interface Lookup {
  find<K extends EntityKind>(kind: K, id: string): EntityOf<K> | undefined;
  /** Whether something of this id is declared, even if it has faults of its own. */
  knows(kind: EntityKind, id: string): boolean;
  readonly factors: FactorUnits;
}

const PUBLIC_KEY_BYTES = 32;

/** Every fault that the schemas can't see: double ids, dangling references, contradictions. */
export function checkEntities(
  entities: readonly DeclaredEntity[],
  broken: ReadonlySet<string>,
  factors: FactorUnits,
): string[] {
  const faults: string[] = [];
  const byId = new Map<string, DeclaredEntity>();
  for (const declared of entities) {
    const key = `${declared.entity}/${declared.id}`;
    const other = byId.get(key);
    if (other === undefined) byId.set(key, declared);
    else {
      faults.push(
        `${declared.path}: expected an id that ${other.path} doesn't have; ${found(declared.id)}`,
      );
    }
  }
  const lookup: Lookup = {
    find: <K extends EntityKind>(kind: K, id: string) =>
      (byId.get(`${kind}/${id}`) as Declared<K> | undefined)?.value as EntityOf<K> | undefined,
    knows: (kind, id) => byId.has(`${kind}/${id}`) || broken.has(`${kind}/${id}`),
    factors,
  };
  for (const path of sharedMns(entities)) {
    faults.push(`${path}.hj212.mn: expected an MN that no other gateway has`);
  }
  for (const path of sharedEdgeNodes(entities)) {
    faults.push(`${path}.sparkplug.edgeNode: expected one that no other gateway of the group has`);
  }
  for (const { path, name } of takenMetrics(entities)) {
    faults.push(
      `${path}.sparkplug.metrics: expected a metric that no other device has; ${found(name)}`,
    );
  }
  for (const declared of entities) {
    checkEntity(declared, lookup, (where, expected, value) =>
      faults.push(`${declared.path}.${where}: expected ${expected}; ${found(value)}`),
    );
  }
  return faults;
}

const found = (value: unknown): string => `found ${JSON.stringify(value)}`;

function checkEntity(declared: DeclaredEntity, lookup: Lookup, report: Report): void {
  const refer = (where: string, kind: EntityKind, id: string): void => {
    if (!lookup.knows(kind, id)) report(where, `the id of a declared ${kind}`, id);
  };
  switch (declared.entity) {
    case 'enterprise':
      checkEnterprise(declared.value, report);
      break;
    case 'post':
      refer('enterprise', 'enterprise', declared.value.enterprise);
      checkPost(declared.value, lookup, report);
      checkProduction(declared.value, lookup, report);
      break;
    case 'crew':
      refer('post', 'post', declared.value.post);
      checkCrew(declared.value, report);
      for (const [i, { segments }] of declared.value.shifts.entries()) {
        for (const { post } of segments ?? []) refer(`shifts.${i}.segments`, 'post', post);
      }
      if (declared.value.presence !== undefined) {
        refer('presence', 'device', declared.value.presence.device);
      }
      break;
    case 'point':
      refer('post', 'post', declared.value.post);
      break;
    case 'gateway':
      checkGateway(declared.value, report);
      break;
    case 'device':
      refer('point', 'point', declared.value.point);
      refer('gateway', 'gateway', declared.value.gateway);
      checkCertificate(declared.value.certificate, report);
      checkMetrics(declared.value.metrics, lookup.factors, report);
      checkHj212Device(declared.value, lookup.find('gateway', declared.value.gateway), report);
      checkSparkplugDevice(declared.value, lookup.find('gateway', declared.value.gateway), report);
      break;
    case 'mark':
      refer('device', 'device', declared.value.device);
      if (declared.value.toMs <= declared.value.fromMs) {
        report('to', 'an instant after `from`', new Date(declared.value.toMs).toISOString());
      }
      break;
    case 'limits':
    case 'limitConfirmation':
      break;
  }
}

function checkEnterprise({ uscc, timeZone }: EntityOf<'enterprise'>, report: Report): void {
  const check = usccCheckCharacter(uscc);
  if (uscc[17] !== check) {
    report('uscc', `the check character ${check} at its end (GB 32100-2015)`, uscc);
  }
  if (!isTimeZone(timeZone)) report('timeZone', 'an IANA time zone like Asia/Shanghai', timeZone);
}

function isTimeZone(zone: string): boolean {
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).format(0) !== '';
  } catch {
    // A RangeError is the answer: the zone is not known.
    return false;
  }
}

function checkPost(post: EntityOf<'post'>, lookup: Lookup, report: Report): void {
  const factors = new Set<string>();
  checkMixtures(post, report);
  for (const [index, hazard] of post.hazards.entries()) {
    const where = `hazards.${index}`;
    // Peak and equivalent level of noise are two hazards of one factor.
    const named = /^l[a-z]-?peak/.test(hazard.primary.metric) ? 'peak' : 'level';
    if (factors.has(`${hazard.factor} ${named}`)) {
      report(`${where}.factor`, 'a factor named once', hazard.factor);
    }
    factors.add(`${hazard.factor} ${named}`);
    if (!lookup.factors.has(hazard.factor)) {
      report(`${where}.factor`, 'a factor of the limit set (wugan limits)', hazard.factor);
    }
    for (const [i, { channel }] of hazard.parts.entries()) {
      if (!lookup.knows('device', channel.device)) {
        report(`${where}.parts.${i}.device`, 'the id of a declared device', channel.device);
      }
    }
    if (hazard.feed !== 'primary' && hazard.backup === undefined) {
      report(`${where}.backup`, `a channel for the feed ${hazard.feed}`, null);
    }
    if (/^wbgt/.test(hazard.factor) && post.labourIntensity === undefined) {
      report('labourIntensity', 'I, II, III or IV for the WBGT hazard', null);
    }
    for (const role of ['primary', 'backup'] as const) {
      const channel = hazard[role];
      if (channel === undefined) continue;
      if (!lookup.knows('device', channel.device)) {
        report(`${where}.${role}.device`, 'the id of a declared device', channel.device);
      }
      const device = lookup.find('device', channel.device);
      if (device === undefined) continue;
      const profile = device.metrics.find(({ metric }) => metric === channel.metric);
      if (
        profile?.factor !== hazard.factor &&
        hazard.parts.length === 0 &&
        !isRead(profile, hazard)
      ) {
        const expected = `a metric of ${device.id} that measures ${hazard.factor}`;
        report(`${where}.${role}.metric`, expected, channel.metric);
      }
      const point = lookup.find('point', device.point);
      // A point at an undeclared post is a fault of its own; it says nothing about this post.
      const stands = point !== undefined && lookup.knows('post', point.post);
      if (stands && point.post !== post.id) {
        report(`${where}.${role}.device`, `a device that stands at ${post.id}`, channel.device);
      }
    }
  }
}

function checkProduction({ production }: EntityOf<'post'>, lookup: Lookup, report: Report): void {
  if (!production) return;
  const { device: id, metric } = production.channel;
  if (!lookup.knows('device', id)) {
    report('production.channel.device', 'the id of a declared device', id);
  }
  const device = lookup.find('device', id);
  if (device !== undefined && !device.metrics.some((profile) => profile.metric === metric)) {
    report('production.channel.metric', `a metric of ${id}`, metric);
  }
}

/** NO2 stands for nitrogen oxides as a lower bound. */
const isRead = (
  profile: EntityOf<'device'>['metrics'][number] | undefined,
  { factor }: EntityOf<'post'>['hazards'][number],
): boolean => factor === 'nitrogen-oxides' && profile?.factor === 'nitrogen-dioxide';

function checkMixtures({ mixtures, hazards }: EntityOf<'post'>, report: Report): void {
  const known = new Set<string>(hazards.map(({ factor }) => factor));
  for (const [index, { factors }] of mixtures.entries()) {
    for (const factor of factors) {
      if (!known.has(factor)) report(`mixtures.${index}`, 'factors that are hazards', factor);
    }
  }
}

function checkGateway({ publicKey }: EntityOf<'gateway'>, report: Report): void {
  if (publicKey === null) return;
  const key = Buffer.from(publicKey, 'base64');
  if (key.length !== PUBLIC_KEY_BYTES || key.toString('base64') !== publicKey) {
    report('publicKey', 'a raw Ed25519 key, 32 bytes in base64', publicKey);
  }
}

function checkCertificate(certificate: EntityOf<'device'>['certificate'], report: Report): void {
  if (certificate !== null && certificate.untilMs <= certificate.fromMs) {
    const until = new Date(certificate.untilMs).toISOString();
    report('certificate.until', 'an instant after `from`', until);
  }
}
