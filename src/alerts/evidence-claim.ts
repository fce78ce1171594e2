import type { DeviceId } from '../model/ids.ts';
import { MINUTE_MS } from '../model/time.ts';
import type { RuleInputs } from '../thresholds/rule-inputs.ts';

/** Which raw payloads a package rests on: those of these devices in this span of event time. */
export interface EvidenceClaim {
  readonly packageId: string;
  readonly devices: readonly DeviceId[];
  /** `(fromMs, toMs]` */
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * What must be copied out of the journal before it ages: all channels that the rule read, over the time
 * that its inputs cover (design §7). Null: the inputs hold no data.
 */
export function claimOf(packageId: string, inputs: RuleInputs): EvidenceClaim | null {
  const feeds = [
    { channel: inputs.subject.channel, cells: inputs.cells },
    ...(inputs.further ?? []),
  ];
  const minutes = feeds.flatMap(({ cells }) => cells.map(({ minuteMs }) => minuteMs));
  if (minutes.length === 0) return null;
  const devices = [...new Set(feeds.map(({ channel }) => channel.device))].sort();
  const first = minutes.reduce((a, b) => Math.min(a, b));
  const last = minutes.reduce((a, b) => Math.max(a, b));
  return { packageId, devices, fromMs: first, toMs: last + MINUTE_MS };
}
