import type { EntityOf } from '../model/facts.ts';
import { HJ212_HOUR_SUFFIX, HJ212_MINUTE_SUFFIX } from '../model/hj212.ts';
import type { Report } from './registry-checks.ts';
import type { DeclaredEntity } from './registry-file.ts';

/** Faults in how a device's values are found in the frames of its gateway. */
export function checkHj212Device(
  { hj212, metrics }: EntityOf<'device'>,
  gateway: EntityOf<'gateway'> | undefined,
  report: Report,
): void {
  if (hj212 === undefined) return;
  // An undeclared gateway is a fault of its own.
  if (gateway !== undefined && gateway.hj212 === undefined) {
    report('hj212', 'a gateway with hj212', gateway.id);
  }
  const names = new Set<string>(metrics.map(({ metric }) => metric));
  const taken = new Set<string>();
  for (const [code, metric] of Object.entries(hj212.codes)) {
    if (taken.has(metric)) report(`hj212.codes.${code}`, 'a metric that no other code has', metric);
    taken.add(metric);
    const minute = `${metric}${HJ212_MINUTE_SUFFIX}`;
    const channels = [metric, minute, `${metric}${HJ212_HOUR_SUFFIX}`];
    if (!channels.some((name) => names.has(name))) {
      report(`hj212.codes.${code}`, `one of ${channels.join(', ')} among metrics`, metric);
    }
    const hasInterval = gateway?.hj212?.minuteIntervalMin !== undefined;
    if (names.has(minute) && gateway?.hj212 !== undefined && !hasInterval) {
      report(`hj212.codes.${code}`, `minuteIntervalMin of gateway ${gateway.id}`, minute);
    }
  }
}

/** Paths of gateways whose MN stands at an earlier one already. */
export function sharedMns(entities: readonly DeclaredEntity[]): string[] {
  const seen = new Set<string>();
  return entities.flatMap((declared) => {
    const mn = declared.entity === 'gateway' ? declared.value.hj212?.mn : undefined;
    if (mn === undefined) return [];
    if (seen.has(mn)) return [declared.path];
    seen.add(mn);
    return [];
  });
}
