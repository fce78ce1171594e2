import type { MonitorKind } from '../../model/exposure.ts';
import type { Channel, Emit, EngineState } from '../engine-state.ts';
import { valueAt } from '../registry-history.ts';
import { emitOnce } from '../signals.ts';
import type { Found } from './detector.ts';

/** Findings about a whole device: its channels say it once together. */
const OF_DEVICE: readonly MonitorKind[] = ['CERTIFICATE_EXPIRED'];

/** What a finding is about: a channel, also one that never was heard. */
type Subject = Pick<Channel, 'gateway' | 'device' | 'metric'>;

/** Gives what a detector found as a signal, with the place it is about as far as the facts know it. */
export function tell(
  state: EngineState,
  channel: Subject,
  kind: MonitorKind,
  { fromMs, detail }: Found,
  emit: Emit,
): void {
  const subject = OF_DEVICE.includes(kind)
    ? { device: channel.device }
    : { device: channel.device, metric: channel.metric };
  const place = placeOf(state, channel, fromMs);
  emitOnce(channel.gateway, kind, fromMs, { ...place, ...subject, ...detail }, emit);
}

function placeOf({ history }: EngineState, { device }: Subject, atMs: number) {
  const pointId = valueAt(history, 'device', device, atMs)?.point;
  const postId = pointId && valueAt(history, 'point', pointId, atMs)?.post;
  const post = postId && valueAt(history, 'post', postId, atMs);
  return post ? { enterprise: post.enterprise, post: post.id } : {};
}
